import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeText } from '../src/bytes.js';
import { decodeChanges, delta, encodeChanges, type Delta } from '../src/changes.js';
import { BASE_NONE, type Dot, type Op } from '../src/ops.js';
import { decodePath, encodePath, itemSegment, keySegment, parsePath, pathText } from '../src/path.js';
import { decodeValue, encodeValue, equal, normalize, type Json } from '../src/value.js';
import { EMPTY, Edit, reconcile, shownJson, treeChanges } from '../src/view.js';

// The vectors are shared by every implementation; without them this suite has proved nothing, so it fails.
const folder = process.env['TANDEM_VECTORS'] ?? join(process.cwd(), '../../tests/vectors');
const load = (name: string): any => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));

const CHANGES = ['', 'value', 'counter', 'clear', 'empty', 'element', 'no_element', 'item', 'conflict', 'no_conflict'];
const OPS = ['', 'set', 'delete', 'assign', 'inc', 'counter_set', 'add', 'remove', 'insert', 'move'];
const REASONS = ['', 'value', 'position', 'type', 'generation', 'folded'];

function changeOf(json: any): Delta {
    const kind = CHANGES.indexOf(json.change);
    assert.ok(kind > 0, `unknown change ${json.change}`);
    return delta(kind, parsePath(json.path), {
        ...('value' in json ? { value: normalize(json.value) } : {}),
        position: json.position,
        dot: (json.generation ?? json.dot ?? [0, 0]) as Dot,
        reason: Math.max(0, REASONS.indexOf(json.reason ?? '')),
        stampMs: json.stamp?.[0] ?? 0, stampLogical: json.stamp?.[1] ?? 0, stampActor: json.stamp?.[2] ?? 0, seq: json.seq ?? 0,
    });
}
function opOf(json: any): Op {
    const kind = OPS.indexOf(json.op);
    assert.ok(kind > 0, `unknown op ${json.op}`);
    return {
        kind, path: parsePath(json.path), value: 'value' in json ? normalize(json.value) : undefined, position: json.position,
        generation: json.generation, seen: json.seen, base: BASE_NONE,
    };
}

test('canonical bytes of values', () => {
    const vectors = load('canonical');
    assert.ok(vectors.bytes.length > 20);
    for (const { hex, text } of vectors.bytes) {
        const value = normalize(JSON.parse(text));
        assert.equal(Buffer.from(encodeValue(value)).toString('hex'), hex, text);
        assert.ok(equal(decodeValue(Buffer.from(hex, 'hex')), value), text);
    }
});

test('texts of one value have one form, and sets are ordered by their elements\' bytes', () => {
    const vectors = load('canonical');
    assert.ok(vectors.equal.length > 20);
    for (const texts of vectors.equal) {
        const values = texts.map((text: string) => normalize(JSON.parse(text)));
        for (const value of values) assert.deepEqual(encodeValue(value), encodeValue(values[0]));
    }
    const edit = new Edit(EMPTY);
    for (const value of [...vectors.set_order].reverse()) edit.op({ kind: 6, path: ['s'], value: normalize(value), base: BASE_NONE }, [1, 1]);
    assert.deepEqual(shownJson(edit.root), { s: vectors.set_order });
});

test('paths as text and as bytes', () => {
    const vectors = load('path');
    assert.ok(vectors.valid.length > 10);
    for (const { canonical, segments, text } of vectors.valid) {
        const path = parsePath(text);
        assert.equal(pathText(path), canonical, text);
        const expected = segments.map((s: any) => ('item' in s ? itemSegment(s.item) : keySegment(s.key)));
        assert.deepEqual(path, expected, text);
        assert.deepEqual(decodePath(encodePath(path)), path);
    }
    for (const text of vectors.invalid) assert.throws(() => parsePath(text), Error, JSON.stringify(text));
    for (const hex of vectors.invalid_hex) assert.throws(() => parsePath(decodeText(Buffer.from(hex, 'hex'))), Error, hex);
});

test('changes applied to a view', () => {
    const { cases } = load('view-changes');
    assert.ok(cases.length > 10);
    for (const { seed, steps } of cases) {
        let root = EMPTY;
        let tracked = EMPTY;
        const conflicts = new Map<string, Delta>();
        for (const [n, step] of steps.entries()) {
            const edit = new Edit(root);
            const changes = decodeChanges(encodeChanges(step.changes.map(changeOf)));
            for (const c of changes) {
                const key = `${pathText(c.path)} ${c.reason} ${c.dot}`;
                if (c.kind === 8) conflicts.set(key, c);
                else if (c.kind === 9) conflicts.delete(key);
                else edit.change(c);
            }
            root = edit.root;
            const where = `seed ${seed}, step ${n}`;
            assert.deepEqual(shownJson(root) ?? {}, step.shown, where);
            const expected = step.conflicts.map(changeOf).map((c: Delta) => `${pathText(c.path)} ${c.reason} ${c.dot}`);
            assert.deepEqual([...conflicts.keys()].sort(), expected.sort(), where);
            // What is kept on the device makes the same view, and identity tracking changes nothing.
            const again = new Edit(EMPTY);
            for (const c of treeChanges(root)) again.change(c);
            assert.deepEqual(shownJson(again.root) ?? {}, step.shown, where);
            tracked = reconcile(tracked, root);
            assert.deepEqual(shownJson(tracked) ?? {}, step.shown, where);
        }
    }
});

test('pending ops over a confirmed view', () => {
    const { cases } = load('view-pending');
    assert.ok(cases.length > 10);
    for (const { seed, start, confirmed, pending, shown } of cases) {
        const edit = new Edit(EMPTY);
        for (const c of start.map(changeOf)) edit.change(c);
        assert.deepEqual(shownJson(edit.root) ?? {}, confirmed, `seed ${seed}, confirmed`);
        let root = edit.root;
        for (const [n, json] of pending.entries()) {
            const next = new Edit(root);
            next.op(opOf(json), [7, n + 1]);
            root = next.root;
            assert.deepEqual(shownJson(root) ?? {}, shown[n] as Json, `seed ${seed}, after op ${n} ${JSON.stringify(json)}`);
        }
        assert.deepEqual(shownJson(edit.root) ?? {}, confirmed, `seed ${seed}, the confirmed view is not touched`);
    }
});
