import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { difference } from '../src/difference.js';
import { historyOf } from '../src/history.js';
import { BASE_NONE, OP_ADD, OP_ASSIGN, OP_DELETE, OP_INC, OP_INSERT, OP_MOVE, OP_REMOVE, OP_SET, type Draft } from '../src/ops.js';
import { parsePath } from '../src/path.js';
import { pastOf } from '../src/past.js';
import { EMPTY, Edit, shownJson, type Node } from '../src/view.js';
import { Board } from './support/board.js';
import { World } from './support/world.js';

function applied(root: Node, ops: readonly Draft[]): Node {
    let now = root;
    ops.forEach((op, i) => {
        const edit = new Edit(now);
        edit.op({ ...op, base: BASE_NONE }, [7, i + 1]);
        now = edit.root;
    });
    return now;
}

const paths = ['a', 'a/b', 'a/b/c', 'l', 'l/@x', 'l/@y', 'l/@z', 'l/@x/t', 'l/@y/t', 'l/@y/m/@q', 'l/@y/m/@q/t', 's'];
const scalar = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('', 'text', true, null));
const anyOp = fc.record({
    kind: fc.constantFrom(OP_SET, OP_DELETE, OP_ASSIGN, OP_INC, OP_ADD, OP_REMOVE, OP_INSERT, OP_MOVE), path: fc.constantFrom(...paths), value: scalar,
    position: fc.constantFrom('a', 'b', 'c', 'd'), object: fc.dictionary(fc.constantFrom('t', 'u', 'v'), scalar, { maxKeys: 3 }),
}).map(({ kind, path, value, position, object }): Draft => {
    const at = { kind, path: parsePath(path) };
    if (kind === OP_INC) return { ...at, value: 2 };
    if (kind === OP_ADD || kind === OP_REMOVE) return { ...at, value: value ?? 1 };
    if (kind === OP_ASSIGN) return { ...at, value: object };
    if (kind === OP_INSERT) return { ...at, position, value: object };
    if (kind === OP_MOVE) return { ...at, position };
    return kind === OP_SET ? { ...at, value } : at;
});
/** An item that was written and never inserted has no place; a place cannot be taken away again. */
const isPlaced = (node: Node): boolean =>
    [...node.children].every(([segment, child]) => (segment[0] !== '@' || child.position !== undefined) && isPlaced(child));
const anyTree = fc.array(anyOp, { maxLength: 14 }).map(ops => applied(EMPTY, ops)).filter(isPlaced);

test('the difference of two states makes the one show the other, and nothing is none', () => {
    const law = fc.property(anyTree, anyTree, (now, then) => {
        assert.deepEqual(shownJson(applied(now, difference(now, then))) ?? {}, shownJson(then) ?? {});
        assert.deepEqual(difference(now, now), []);
        assert.deepEqual(difference(then, applied(now, difference(now, then))).filter(op => op.kind !== OP_ASSIGN), []);
    });
    fc.assert(law, { numRuns: 3000 });
});

test('the difference is no larger than needed', () => {
    const then = applied(EMPTY, [
        { kind: OP_SET, path: ['title'], value: 'A' }, { kind: OP_INC, path: ['votes'], value: 3 },
        ...['x', 'y', 'z'].map((id, i) => ({ kind: OP_INSERT, path: ['cards', `@${id}`], position: `p${i}`, value: { text: id } })),
    ]);
    const now = applied(then, [
        { kind: OP_SET, path: ['title'], value: 'B' }, { kind: OP_INC, path: ['votes'], value: 4 }, { kind: OP_DELETE, path: ['cards', '@x'] },
        { kind: OP_MOVE, path: ['cards', '@y'], position: 'p9' }, { kind: OP_SET, path: ['cards', '@z', 'text'], value: 'Z' },
    ]);
    const told = difference(now, then).map(op => `${op.kind} ${op.path.join('/')} ${op.value ?? op.position ?? ''}`);
    assert.deepEqual(told.sort(), [
        '1 cards/@x/text x', '1 cards/@z/text z', '1 title A', '3 cards/@x [object Object]', '4 votes -4', '8 cards/@x p0', '9 cards/@y p1',
    ]);
});

/** A server's HTTP API with these answers, by what the address ends with. */
function answering(t: { after(fn: () => void): void }, answers: { [end: string]: unknown }): { asked: string[] } {
    const asked: string[] = [];
    const fetch = globalThis.fetch;
    t.after(() => void (globalThis.fetch = fetch));
    globalThis.fetch = (async (address: string, init: RequestInit) => {
        asked.push(`${init.method} ${address} ${(init as { [name: string]: unknown })['body'] ?? ''}`.trim());
        const [, answer] = Object.entries(answers).find(([end]) => address.endsWith(end)) ?? [];
        if (!answer) throw new TypeError('fetch failed');
        const failed = 'error' in (answer as object);
        return new Response(JSON.stringify(answer), { status: failed ? 410 : 200 });
    }) as typeof globalThis.fetch;
    return { asked };
}
const then = {
    epoch: '1', seq: 4, hash: '0', changes: [
        { change: 'value', path: 'title', value: 'Then' }, { change: 'counter', path: 'votes', value: 2, 'generation': [9, 1] },
        { change: 'item', path: 'cards/@k', 'position': 'a0x' }, { change: 'value', path: 'cards/@k/text', value: 'old' },
        { change: 'element', path: 'tags', value: 't' },
        { change: 'conflict', path: 'title', reason: 'value', dot: [1, 1], value: 'x', stamp: [1, 0, 1], seq: 3 },
    ],
};

test('a state of the past is read by the same handles, and written by none', async t => {
    const { asked } = answering(t, { 'record?form=changes&at=4': then });
    const board = new World().tab().client.channel(Board, '1');
    const view = await pastOf(board).at(4);
    assert.deepEqual(asked, ['GET http://fake.test/api/v1/channels/board%3A1/record?form=changes&at=4']);
    assert.equal(view.seq, 4);
    assert.deepEqual([view.value.title, view.value.votes, [...view.value.tags]], ['Then', 2, ['t']]);
    const { title, votes, cards } = view.fields;
    assert.deepEqual([title.value, title.exists, votes.value, cards.value.length, cards.total.value], ['Then', true, 2, 1, 1]);
    assert.equal(cards.item('k').fields.text.value, 'old');
    const seen: unknown[] = [];
    title.subscribe(value => seen.push(value));
    view.subscribe(value => seen.push(value.title));
    assert.deepEqual(seen, ['Then', 'Then']);
    assert.ok(Object.isFrozen(view) && Object.isFrozen(view.value));
    assert.throws(() => (title as unknown as { set(v: string): void }).set('no'), { code: 'invalid_argument' });
    assert.equal(board.value.title, '', 'the channel itself shows what it showed');
    const again = await pastOf(board).at(4);
    assert.equal(again.value, view.value, 'the same state is the same object');
});

test('a restore is an edit of its own that undo takes back', async t => {
    answering(t, { 'record?form=changes&version=before': then });
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.synced());
    board.fields.title.set('Now');
    board.fields.cards.insert({ text: 'new', done: true });
    await world.wait(board.synced());
    const history = historyOf(board);
    const { seq } = await world.wait((await pastOf(board).restore('before')).committed());
    assert.equal(seq, 3, 'one entry');
    assert.deepEqual(world.server.shown('board:1'), { cards: [{ id: 'k', text: 'old' }], tags: ['t'], title: 'Then', votes: 2 });
    assert.equal(history.can.value.undoLabel, 'Restore before');
    history.undo();
    await world.wait(board.synced());
    assert.deepEqual([board.value.title, board.value.votes, board.value.cards.map(card => card.text)], ['Now', 0, ['new']]);
});

test('what is too large for one edit, or of a part, is restored by the server', async t => {
    const large = { ...then, changes: Array.from({ length: 1200 }, (_, i) => ({ change: 'value', path: `k${i}`, value: i })) };
    const { asked } = answering(t, { 'form=changes&at=9': large, '/restore': { seq: 12 } });
    const world = new World();
    const board = world.tab().client.channel('board:1');
    await world.wait(board.synced());
    const write = await pastOf(board).restore(9);
    assert.deepEqual([write.state, await write.committed(), board.value], ['committed', { seq: 12 }, {}]);
    const part = world.tab().client.channel(Board, '1', { select: b => [b.title] });
    await pastOf(part).restore('release 1');
    assert.deepEqual(asked.map(text => text.replace(/http.*board%3A1/, '')), [
        'GET /record?form=changes&at=9', 'POST /restore {"at":9}', 'POST /restore {"version":"release 1"}',
    ]);
});

test('changes come from all pages, versions with their names, and errors as they are', async t => {
    const row = { seq: 2, when_ms: 1000, by: 7, op: 'set', path: 'title', after: 'A' };
    const { asked } = answering(t, {
        'changes?from=1&to=9': { changes: [row], from: 1, to: 9, next: 2 },
        'changes?from=2&to=9': { changes: [{ ...row, seq: 3, before: 'A', after: null }], from: 2, to: 9, next: null },
        '/versions': { versions: [{ name: 'one', seq: 2, created_ms: 5, 'bytes': 10 }], seq: 2 },
        '/record?path=%2F': { seq: 9 }, '/record?at=0': { error: { code: 'state_gone', message: 'Gone.', hint: 'Ask later.', docs: '', detail: 3 } },
    });
    const past = pastOf(new World().tab().client.channel(Board, '1'));
    const at = new Date(1000);
    assert.deepEqual(await past.changesBetween(1, 9), [
        { seq: 2, at, by: '7', op: 'set', path: 'title', after: 'A' }, { seq: 3, at, by: '7', op: 'set', path: 'title', before: 'A', after: null },
    ]);
    assert.deepEqual(await past.versions(), [{ name: 'one', seq: 2, created: new Date(5), size: 10 }]);
    assert.deepEqual(await past.saveVersion('two', 2), { seq: 2 });
    assert.equal(asked.at(-1), 'POST http://fake.test/api/v1/channels/board%3A1/versions {"name":"two","at":2}');
    assert.deepEqual(await past.range(), { oldest: 3, newest: 9 });
    await assert.rejects(past.at(5), { code: 'connection_closed', temporary: true });
    const ended = AbortSignal.abort(new Error('enough'));
    await assert.rejects(past.at(5, { signal: ended }), { message: 'enough' });
});
