import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import { Reader, Writer, compareText } from '../src/bytes.js';
import { decodeChanges, encodeChanges } from '../src/changes.js';
import { decodeOps, encodeOps } from '../src/ops.js';
import { decodePath, encodePath, itemSegment, keySegment, parsePath, pathText } from '../src/path.js';
import { positionBetween, positionTail } from '../src/position.js';
import { decodeValue, encodeValue, equal, normalize, type Json } from '../src/value.js';
import { EMPTY, Edit, reconcile, shownJson, treeChanges } from '../src/view.js';
import { decodeMessage, encodeFrame } from '../src/wire.js';

const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(k => {
    try {
        keySegment(k);
        return true;
    } catch {
        return false;
    }
});
const json = fc.letrec<{ v: Json }>(tie => ({
    v: fc.oneof(
        { maxDepth: 4 }, fc.constant(null), fc.boolean(), fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: 'grapheme' }), fc.array(tie('v'), { maxLength: 4 }), fc.dictionary(key, tie('v'), { maxKeys: 4 }),
    ),
})).v.map(v => normalize(v));
const path = fc.array(fc.oneof(key.map(keySegment), key.map(itemSegment)), { maxLength: 6 }).filter(p => {
    try {
        parsePath(pathText(p));
        return true;
    } catch {
        return false;
    }
});

test('values survive their bytes, and the bytes are canonical', () => {
    fc.assert(fc.property(json, value => {
        const bytes = encodeValue(value);
        const back = decodeValue(bytes);
        assert.ok(equal(value, back));
        assert.deepEqual(encodeValue(back), bytes);
    }));
});

test('equal values are those with equal bytes', () => {
    fc.assert(fc.property(json, json, (a, b) => {
        assert.equal(equal(a, b), Buffer.compare(encodeValue(a), encodeValue(b)) === 0);
    }));
});

test('bytes from anywhere decode to a value or are refused, and only one way', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 24 }), bytes => {
        let value: Json;
        try {
            value = decodeValue(bytes);
        } catch {
            return;
        }
        assert.deepEqual(Buffer.from(encodeValue(value)), Buffer.from(bytes));
    }), { numRuns: 5000 });
});

test('messages from anywhere decode or are refused with an error of ours', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        for (const message of [bytes, wrap(bytes)])
            try {
                decodeMessage(message);
            } catch (e) {
                assert.ok(e instanceof Error && 'code' in e, String(e));
            }
    }), { numRuns: 3000 });
});
function wrap(bytes: Uint8Array): Uint8Array {
    const body = new Writer().bytes(1 + (bytes[0] ?? 0) % 10, bytes.subarray(1)).finish();
    return new Writer().bytes(1, body).finish();
}

test('numbers: varint and zigzag up to 53 bits', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), n => {
        const w = new Writer();
        w.sint(n);
        w.varint(Math.abs(n));
        const r = new Reader(w.finish());
        assert.equal(r.sint(), n);
        assert.equal(r.varint(), Math.abs(n));
        assert.ok(r.done);
    }));
    assert.throws(() => new Reader(new Uint8Array([0x80, 0x00])).varint(), 'not shortest');
    assert.throws(() => new Reader(new Uint8Array([0x80])).varint(), 'cut');
    assert.throws(() => new Reader(new Uint8Array(10).fill(0xff)).varint(), 'too large');
});

test('texts are ordered as their bytes', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(fc.property(text, text, (a, b) => {
        assert.equal(Math.sign(compareText(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }));
});

test('paths survive text and bytes', () => {
    fc.assert(fc.property(path, p => {
        assert.deepEqual(parsePath(pathText(p)), p);
        assert.deepEqual(decodePath(encodePath(p)), p);
    }));
});

const base = fc.record({ epoch: fc.constant('0123456789abcdef'), seq: fc.nat() });
const op = fc.oneof(
    fc.record({ kind: fc.constantFrom(1, 3), path, value: json, base }),
    fc.record({ kind: fc.constant(2), path, base }),
    fc.record({ kind: fc.constant(4), path, value: fc.integer(), base }),
    fc.record({ kind: fc.constant(5), path, value: fc.integer(), generation: fc.tuple(fc.nat(), fc.nat()), seen: fc.integer(), base }),
    fc.record({ kind: fc.constantFrom(6, 7), path, value: fc.oneof(fc.string(), fc.integer(), fc.boolean()), base }),
    fc.record({ kind: fc.constant(8), path, value: json, position: fc.constantFrom('a0x', 'a1'), base }),
    fc.record({ kind: fc.constant(9), path, position: fc.constantFrom('a0x', 'a1'), base }),
);

test('ops survive their bytes', () => {
    fc.assert(fc.property(fc.array(op, { maxLength: 5 }), ops => {
        const bytes = encodeOps(ops);
        assert.deepEqual(encodeOps(decodeOps(bytes)), bytes);
        assert.equal(decodeOps(bytes).length, ops.length);
    }));
});

test('the view of any ops is kept by its changes, by their bytes and by reconciling', () => {
    fc.assert(fc.property(fc.array(op, { maxLength: 12 }), fc.array(op, { maxLength: 4 }), (ops, more) => {
        const edit = new Edit(EMPTY);
        ops.forEach((o, i) => edit.op(o, [1, i + 1]));
        const shown = JSON.stringify(shownJson(edit.root) ?? {});
        const again = new Edit(EMPTY);
        for (const c of decodeChanges(encodeChanges(treeChanges(edit.root)))) again.change(c);
        assert.equal(JSON.stringify(shownJson(again.root) ?? {}), shown);
        assert.equal(reconcile(edit.root, again.root), edit.root, 'equal trees are one');
        const next = new Edit(edit.root);
        more.forEach((o, i) => next.op(o, [2, i + 1]));
        assert.equal(JSON.stringify(shownJson(edit.root) ?? {}), shown, 'an edit leaves the tree that it began with');
    }));
});

test('slots are looked up, and unknown ones are refused', () => {
    const bytes = new Writer().bytes(1, new Writer().num(3, 9).bytes(4, encodeValue('v')).finish()).finish();
    const [found] = decodeChanges(bytes, new Map([[9, ['a', 'b']]]));
    assert.deepEqual([found!.kind, found!.path, found!.value], [1, ['a', 'b'], 'v']);
    assert.throws(() => decodeChanges(bytes), { code: 'malformed' });
});

test('a frame is an element of a batch; frames are joined by joining bytes', () => {
    const ping = encodeFrame({ type: 'ping', timeMs: 300 });
    assert.equal(Buffer.from(ping).toString('hex'), '0a053a0308ac02');
    const push = encodeFrame({
        type: 'push', channel: 'b:1', actor: 1, counter: 2, stampMs: 3, stampLogical: 0, ops: new Uint8Array([1]), skip: false,
        ifUnchanged: ['a', 'b'], ref: 4,
    });
    assert.equal(Buffer.from(push).toString('hex'), '0a182216' + '0a03623a31' + '1001' + '1802' + '2003' + '320101' + '420161' + '420162' + '4804');
});

test('positions: strictly between, unique by their tails, short when appended', () => {
    const tails = (): (() => string) => {
        let n = 0;
        return () => `${(n++).toString(36).padStart(3, '0')}x`;
    };
    fc.assert(fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 120 }), places => {
        const tail = tails();
        const keys: string[] = [];
        for (const place of places) {
            const at = place % (keys.length + 1);
            const low = keys[at - 1] ?? '';
            const high = keys[at] ?? '';
            const made = positionBetween(low, high, tail());
            assert.ok(low === '' || compareText(low, made) < 0, `${low} < ${made}`);
            assert.ok(high === '' || compareText(made, high) < 0, `${made} < ${high}`);
            keys.splice(at, 0, made);
        }
    }));
    let key = '';
    for (let i = 0; i < 10_000; i++) key = positionBetween(key, '', 'tail1');
    assert.ok(key.length <= 5 + 5, key);
    for (let i = 0, first = key; i < 10_000; i++) {
        const made = positionBetween('', first, 'tail1');
        assert.ok(made < first);
        first = made;
        assert.ok(first.length <= 12, first);
    }
});

test('positions between keys of any digits, as other implementations may make them', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0129ABYZabyz'), minLength: 1, maxLength: 8 }).map(s => s + '5');
    fc.assert(fc.property(digits, digits, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })), (a, b, randoms) => {
        const [low, high] = [a, b].sort(compareText) as [string, string];
        const tail = positionTail(() => randoms.next().value as number, 4);
        assert.match(tail, /^[0-9A-Za-z]{3}[1-9A-Za-z]$/);
        const below = positionBetween('', low, tail);
        const above = positionBetween(high, '', tail);
        assert.ok(below < low, `${below} < ${low}`);
        assert.ok(above > high, `${above} > ${high}`);
        if (low === high) return;
        const between = positionBetween(low, high, tail);
        assert.ok(low < between && between < high, `${low} < ${between} < ${high}`);
    }), { numRuns: 3000 });
});
