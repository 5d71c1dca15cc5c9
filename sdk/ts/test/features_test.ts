import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TandemError, f, type Def } from '../src/index.js';
import { BASE_NONE, OP_SET, encodeOps } from '../src/ops.js';
import { parsePath } from '../src/path.js';
import { endpoint } from '../src/connect.js';
import type { Json } from '../src/value.js';
import * as wire from '../src/bytes.js';
import { historyOf } from '../src/history.js';
import { Board } from './support/board.js';
import { conflictRow } from './support/fake_server.js';
import { World } from './support/world.js';

const setBody = (path: string, value: Json): Uint8Array => encodeOps([{ kind: OP_SET, path: parsePath(path), value, base: BASE_NONE }]);

test('presence: others are seen, changed, and gone with their connection', async () => {
    const world = new World();
    const ada = world.tab();
    const bob = world.tab();
    const a = ada.client.channel(Board, '1');
    const b = bob.client.channel(Board, '1');
    a.presence.set({ name: 'Ada', cursor: null });
    await world.until(() => b.presence.others.value.length === 1);
    assert.deepEqual(b.presence.others.value[0]!.state, { name: 'Ada', cursor: null });
    assert.equal(a.presence.others.value.length, 0, 'not oneself');
    const before = b.presence.others.value;
    a.presence.set({ cursor: { x: 1, y: 2 } });
    await world.until(() => b.presence.others.value !== before);
    assert.deepEqual(b.presence.others.value[0]!.state, { name: 'Ada', cursor: { x: 1, y: 2 } }, 'merged');
    await world.advance(2_000);
    ada.cut();
    await world.until(() => b.presence.others.value.length === 0);
    await world.until(() => b.presence.others.value.length === 1, 'set again after the reconnect');
    ada.kill();
    await world.until(() => b.presence.others.value.length === 0);
});

test('presence: nobody stays listed when the server comes back and knows of nobody', async () => {
    const world = new World();
    const ada = world.tab();
    const bob = world.tab();
    ada.client.channel(Board, '1').presence.set({ name: 'Ada', cursor: null });
    const b = bob.client.channel(Board, '1');
    await world.until(() => b.presence.others.value.length === 1);
    await world.advance(2_000);
    world.server.knowsNobody = true;
    const { attempts } = world;
    bob.cut();
    ada.kill();
    await world.until(() => world.attempts > attempts);
    await world.wait(b.synced());
    await world.until(() => b.status.value.link === 'online');
    await world.until(() => b.presence.others.value.length === 0);
});

test('signals: the latest of a name wins, nothing waits for a connection', async () => {
    const world = new World();
    const a = world.tab().client.channel(Board, '1');
    const b = world.tab().client.channel(Board, '1');
    await world.wait(a.synced());
    await world.wait(b.synced());
    const stop = new AbortController();
    const got: number[] = [];
    const reading = (async () => {
        for await (const s of b.signals<number>('cursor', { signal: stop.signal })) got.push(s.value);
    })();
    for (let i = 0; i < 100; i++) a.signal('cursor', i);
    a.signal('other', 7);
    await world.until(() => got.at(-1) === 99);
    assert.ok(got.length <= 2, `${got}`);
    world.offline();
    a.signal('cursor', 1000);
    world.wake();
    await world.wait(a.synced());
    await world.advance(500);
    assert.equal(got.at(-1), 99);
    stop.abort();
    await reading;
    assert.throws(() => a.signal('', 1), { code: 'invalid_argument' });
});

test('changes: leaf by leaf, with before, after and author', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    const stop = new AbortController();
    const got: unknown[] = [];
    const reading = (async () => {
        for await (const c of board.changes({ signal: stop.signal })) got.push([c.path, c.before, c.after, c.local, c.by]);
    })();
    board.fields.title.set('a');
    const card = board.fields.cards.insert({ text: 'one', done: false });
    card.fields.done.set(true);
    await world.wait(board.synced());
    world.server.append('board:1', 7, 1, setBody('title', 'b'));
    await world.until(() => board.value.title === 'b');
    await world.until(() => got.length === 4);
    assert.deepEqual(got, [
        ['title', null, 'a', true, got.length ? (got[0] as unknown[])[4] : ''],
        [`cards/@${card.id}`, null, { id: card.id, text: 'one', done: false }, true, '1000'],
        [`cards/@${card.id}/done`, false, true, true, '1000'],
        ['title', 'a', 'b', false, '7'],
    ]);
    stop.abort();
    await reading;
});

test('undo and redo: mine only, a transaction is one step', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    const { title, votes, tags, cards, price } = board.fields;
    const history = historyOf(board);
    const can: string[] = [];
    history.can.subscribe(c => can.push(`${c.undo} ${c.redo} ${c.undoLabel ?? ''}`));
    assert.equal(history.undo(), undefined);
    title.set('one');
    title.set('two');
    history.undo();
    assert.equal(title.value, 'one');
    history.redo();
    assert.equal(title.value, 'two');
    board.transact(() => {
        title.set('three');
        votes.add(5);
        votes.set(100);
        tags.add('t');
        tags.add('u');
    }, { label: 'Many' });
    assert.equal(history.can.value.undoLabel, 'Many');
    history.undo();
    assert.deepEqual([title.value, votes.value, [...tags.value]], ['two', 0, []]);
    assert.equal(history.can.value.redoLabel, 'Many');
    history.redo();
    assert.deepEqual([title.value, votes.value, [...tags.value].sort()], ['three', 100, ['t', 'u']]);

    const a = cards.insert({ text: 'a', done: false });
    const b = cards.insert({ text: 'b', done: true });
    b.move('first');
    assert.deepEqual(cards.value.map(c => c.text), ['b', 'a']);
    history.undo();
    assert.deepEqual(cards.value.map(c => c.text), ['a', 'b']);
    b.remove();
    assert.deepEqual(cards.value.map(c => c.text), ['a']);
    history.undo();
    assert.deepEqual(cards.value, [{ id: a.id, text: 'a', done: false }, { id: b.id, text: 'b', done: true }]);
    history.undo();
    assert.deepEqual(cards.value.map(c => c.text), ['a']);
    history.redo();
    assert.deepEqual(cards.value.map(c => c.text), ['a', 'b']);

    // What somebody wrote over mine stays.
    price.set(1);
    await world.wait(board.synced());
    world.server.append('board:1', 7, 1, setBody('price', 9));
    await world.until(() => price.value === 9);
    assert.equal(history.undo(), undefined);
    assert.equal(price.value, 9);

    // A refused edit leaves the history.
    world.server.refuse = (_n, ops) => (ops[0]!.value === 'bad' ? { code: 'forbidden' } : undefined);
    const before = history.can.value.undo;
    await assert.rejects(world.wait(title.set('bad').committed()), { code: 'forbidden' });
    assert.equal(title.value, 'three');
    history.undo();
    assert.equal(before, true);
    assert.equal(cards.value.length, 1, 'the step before the refused one');
    await world.wait(board.synced());
    assert.deepEqual((world.server.shown('board:1') as { cards: unknown[] }).cards, board.value.cards);
    assert.ok(can.length > 4);
});

test('conflicts: shown with their losers, restored and resolved by ordinary writes', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.synced());
    const title = setBody('title', 'shown');
    world.server.append('board:1', 7, 1, title, false, [conflictRow('title', 'lost', 8, 1_700_000_000_000), conflictRow('title', 'lost too', 9, 5)]);
    await world.until(() => board.conflicts.value.length === 1);
    const [conflict] = board.conflicts.value;
    assert.equal(conflict!.path, 'title');
    assert.equal(conflict!.shown, 'shown');
    assert.deepEqual(conflict!.losers.map(l => [l.value, l.by]), [['lost', '8'], ['lost too', '9']]);
    assert.equal(conflict!.losers[0]!.at.getTime(), 1_700_000_000_000);
    await world.wait(conflict!.restore(0).committed());
    assert.deepEqual(world.server.shown('board:1'), { title: 'lost' });
    const base = world.server.channel('board:1').log.at(-1)!;
    assert.equal(base.counter, 1);
    await world.wait(conflict!.resolve('decided').committed());
    assert.equal(board.value.title, 'decided');
    // A snapshot brings the open conflicts, and a second channel object shows them too.
    world.server.channel('board:1').conflicts = [conflictRow('price', 3, 8, 1)];
    world.server.channel('board:1').floor = 99;
    world.offline();
    world.wake();
    await world.until(() => board.conflicts.value[0]?.path === 'price');
});

test('lists: places, moves, identity; missing items are told', async () => {
    const world = new World();
    const { cards } = world.tab().client.channel(Board, '1').fields;
    const b = cards.insert({ text: 'b', done: false });
    const d = cards.insert({ text: 'd', done: false });
    const a = cards.insert({ text: 'a', done: false }, 'first');
    const c = cards.insert({ text: 'c', done: false }, { after: b.id });
    const texts = (): string => cards.value.map(x => x.text).join('');
    assert.equal(texts(), 'abcd');
    d.move({ before: b.id });
    assert.equal(texts(), 'adbc');
    a.move('last');
    assert.equal(texts(), 'dbca');
    c.move({ after: c.id });
    assert.equal(cards.item(b.id).value.text, 'b');
    assert.equal(cards.item(b.id).exists, true);
    assert.throws(() => a.move({ before: 'nothing' }), { code: 'not_found' });
    b.remove();
    assert.equal(b.exists, false);
    assert.equal(texts().includes('b'), false);
    assert.deepEqual(cards.window(0, 40), { path: 'cards', window: [0, 40] });
});

test('nested schemas: objects, maps, JSON kept whole, counters in items', async () => {
    const fields = {
        settings: f.object({ theme: f.string('light'), size: f.number(12) }),
        scores: f.map(f.counter()),
        blob: f.json<{ a: number } | null>(),
        rows: f.list({ name: f.string(), hits: f.counter(), tags: f.set<string>(), meta: f.json<Json>() }),
    };
    const Nested: Def<typeof fields, object> = { namespace: 'nested', fields };
    const world = new World();
    const ch = world.tab().client.channel(Nested, '1');
    await world.wait(ch.ready());
    assert.deepEqual(ch.value.settings, { theme: 'light', size: 12 });
    assert.equal(ch.value.settings, ch.value.settings);
    ch.fields.settings.fields.theme.set('dark');
    assert.deepEqual(ch.value.settings, { theme: 'dark', size: 12 });
    ch.fields.scores.at('ada/1').add(3);
    assert.deepEqual(ch.value.scores, { 'ada/1': 3 });
    ch.fields.blob.set({ a: 1 });
    const row = ch.fields.rows.insert({ name: 'r', hits: 4, tags: new Set(['x']), meta: { deep: { er: 1 } } });
    row.fields.hits.add(1);
    await world.wait(ch.synced());
    assert.deepEqual(world.server.shown('nested:1'), {
        settings: { theme: 'dark' }, scores: { 'ada/1': 3 }, blob: { a: 1 },
        rows: [{ id: row.id, name: 'r', hits: 5, tags: ['x'], meta: { deep: { er: 1 } } }],
    });
    const blob = ch.value.blob;
    assert.equal(ch.fields.blob.value, blob);
    ch.fields.scores.delete('ada/1');
    assert.deepEqual(ch.value.scores, {});
});

test('a channel without a schema', async () => {
    const world = new World();
    const ch = world.tab().client.channel('board:42');
    await world.wait(ch.ready());
    assert.deepEqual(ch.value, {});
    ch.field('a/b').set(1);
    ch.counter('n').add(2);
    ch.set('tags').add('x');
    const item = ch.list('rows').insert({ text: 'hi', deep: { k: 1 } });
    item.at('deep').field('k').set(2);
    assert.deepEqual(ch.value, { a: { b: 1 }, n: 2, tags: ['x'], rows: [{ id: item.id, text: 'hi', deep: { k: 2 } }] });
    assert.equal(ch.field('none').value, undefined);
    ch.field('a/b').delete();
    assert.equal((ch.value as { a?: unknown }).a, undefined, 'a map that lost its last child vanishes');
    await world.wait(ch.synced());
    assert.deepEqual(world.server.shown('board:42'), ch.value);
});

test('hostile keys and values are refused, in and out', async () => {
    const world = new World();
    const ch = world.tab().client.channel('board:42');
    const any = ch as unknown as { field(p: string): { set(v: unknown): void } };
    for (const path of ['__proto__', 'a/constructor', '@x/prototype']) assert.throws(() => any.field(path), { code: 'reserved_key' });
    assert.throws(() => any.field('a').set(JSON.parse('{"__proto__":{"x":1}}')), { code: 'reserved_key' });
    assert.throws(() => any.field('a').set(NaN), { code: 'wrong_type' });
    assert.throws(() => any.field('a').set(new Date()), { code: 'wrong_type' });
    assert.throws(() => any.field('a').set('\ud800'), { code: 'wrong_type' });
    assert.throws(() => any.field('a').set(undefined), { code: 'wrong_type' });
    assert.throws(() => any.field('a').set('x'.repeat(70_000)), { code: 'too_large' });
    assert.throws(() => ch.counter('n').add(0.5), { code: 'out_of_range' });
    let deep: Json = 1;
    for (let i = 0; i < 40; i++) deep = [deep];
    assert.throws(() => any.field('a').set(deep), { code: 'too_deep' });
    assert.deepEqual(ch.value, {});
    assert.equal(({} as { x?: number }).x, undefined);
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    assert.throws(() => any.field('a').set(cyclic), { code: 'too_deep' });
});

test('what a caller keeps of a value it wrote cannot change the view', async () => {
    const world = new World();
    const ch = world.tab().client.channel('board:42');
    const mine = { list: [1] };
    ch.field('a').set(mine);
    mine.list.push(2);
    assert.deepEqual(ch.value, { a: { list: [1] } });
    assert.throws(() => ((ch.value as { a: { list: number[] } }).a.list.push(3)), TypeError);
});

test('signals that abort: waiting ends, followers end, channels and clients close', async () => {
    const world = new World();
    world.online = false;
    const page = new AbortController();
    const { client } = world.tab();
    const board = client.channel(Board, '1');
    let calls = 0;
    board.fields.title.subscribe(() => calls++, { signal: page.signal });
    board.fields.title.set('a');
    assert.equal(calls, 2);
    page.abort();
    board.fields.title.set('b');
    assert.equal(calls, 2);
    const late = new AbortController();
    const waits = board.ready({ signal: late.signal });
    late.abort(new Error('too late'));
    await assert.rejects(waits, /too late/);
    const waiting = assert.rejects(board.synced(), { code: 'connection_closed' });
    await world.wait(client.close());
    await waiting;
    assert.throws(() => board.fields.title.set('c'), { code: 'connection_closed' });
    assert.throws(() => client.channel(Board, '2'), { code: 'connection_closed' });
});

test('closing a channel ends its subscription; edits that are left are still sent', async () => {
    const world = new World();
    const { client } = world.tab();
    const board = client.channel(Board, '1');
    const same = client.channel(Board, '1');
    await world.wait(board.synced());
    same.fields.title.set('both see it');
    assert.equal(board.value.title, 'both see it');
    await world.wait(same.close());
    assert.equal(world.server.frames(3).length, 0, 'one still follows');
    board.fields.votes.add(3);
    await world.wait(board.close());
    await world.until(() => (world.server.shown('board:1') as { votes?: number }).votes === 3);
    await world.until(() => world.server.frames(3).length === 1);
    const again = client.channel(Board, '1');
    await world.wait(again.synced());
    assert.equal(again.value.votes, 3);
    again.fields.votes.add(1);
    await world.wait(again.synced());
    assert.deepEqual(world.server.shown('board:1'), { title: 'both see it', votes: 4 });
});

test('a channel that is refused tells why', async () => {
    const world = new World();
    const handle = world.server.handle.bind(world.server);
    const errors: string[] = [];
    const { client } = world.tab({ onRefused: e => errors.push(e.code) });
    world.server.handle = (c, frame, fields) => {
        if (frame !== 2) return handle(c, frame, fields);
        const { Writer } = wire;
        c.send(5, new Writer().text(1, 'forbidden').text(2, 'no').text(5, fields[1] as string));
    };
    const board = client.channel(Board, '1');
    await assert.rejects(world.wait(board.ready()), { code: 'forbidden' });
    assert.deepEqual(errors, ['forbidden']);
});

test('a token is fetched for every connection; one that cannot be had is tried again', async () => {
    const world = new World();
    let calls = 0;
    const errors: TandemError[] = [];
    const { client } = world.tab({
        token: async () => {
            if (++calls === 1) throw new Error('login server down');
            return `token ${calls}`;
        },
        onRefused: e => errors.push(e),
    });
    const board = client.channel(Board, '1');
    await world.wait(board.synced());
    assert.equal(world.server.frames(1).at(-1)![5], 'token 2');
    assert.equal(errors[0]!.code, 'token_invalid');
});

test('addresses', () => {
    assert.equal(endpoint('wss://sync.example.com'), 'wss://sync.example.com/connection/websocket');
    assert.equal(endpoint('https://sync.example.com/x'), 'wss://sync.example.com/x');
    assert.throws(() => endpoint('ftp://x'), { code: 'invalid_argument' });
    assert.throws(() => endpoint('nothing'), { code: 'invalid_argument' });
});

test('a follower that throws hurts nobody else', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    const thrown: unknown[] = [];
    const keep = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', e => thrown.push(e));
    let first = true;
    board.fields.title.subscribe(() => {
        if (!first) throw new Error('mine');
        first = false;
    });
    let seen = '';
    board.fields.title.subscribe(v => (seen = v));
    board.fields.title.set('x');
    await world.wait(board.synced());
    assert.equal(seen, 'x');
    assert.equal(thrown.length, 1);
    for (const listener of keep) process.on('uncaughtException', listener);
});
