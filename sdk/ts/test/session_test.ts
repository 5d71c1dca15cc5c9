import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TandemError } from '../src/index.js';
import { BASE_NONE, OP_INC, OP_SET, encodeOps } from '../src/ops.js';
import { parsePath } from '../src/path.js';
import type { Json } from '../src/value.js';
import { Board } from './support/board.js';
import { World } from './support/world.js';

const setBody = (path: string, value: Json): Uint8Array => encodeOps([{ kind: OP_SET, path: parsePath(path), value, base: BASE_NONE }]);
const incBody = (path: string, value: number): Uint8Array => encodeOps([{ kind: OP_INC, path: parsePath(path), value, base: BASE_NONE }]);

test('an edit is shown at once, is committed, and reaches another client', async () => {
    const world = new World();
    const a = world.tab().client.channel(Board, '1');
    const b = world.tab().client.channel(Board, '1');
    await world.wait(b.ready());
    const write = a.fields.title.set('Plan');
    assert.equal(a.fields.title.value, 'Plan');
    assert.equal(write.state, 'pending');
    assert.deepEqual(await world.wait(write.committed()), { seq: 1 });
    a.fields.votes.add(2);
    a.fields.tags.add('urgent');
    const card = a.fields.cards.insert({ text: 'Buy milk', done: false }, 'first');
    card.fields.done.set(true);
    await world.wait(a.synced());
    await world.until(() => b.value.cards.length === 1 && b.value.cards[0]!.done);
    assert.deepEqual(
        { ...b.value, tags: [...b.value.tags] },
        { title: 'Plan', price: 0, votes: 2, tags: ['urgent'], cards: [{ id: card.id, text: 'Buy milk', done: true }] },
    );
    assert.deepEqual(b.value, a.value);
});

test('edits made offline, even before the first connection, are sent in order', async () => {
    const world = new World();
    world.online = false;
    const { client } = world.tab();
    const board = client.channel(Board, '1');
    for (let i = 0; i < 200; i++) board.fields.votes.add(1);
    board.fields.votes.set(1000);
    board.fields.votes.add(5);
    assert.equal(board.fields.votes.value, 1005);
    await world.advance(30_000);
    assert.equal(board.status.value.link, 'offline');
    assert.equal(board.status.value.pending, 202);
    world.wake();
    await world.wait(board.synced());
    assert.deepEqual(world.server.shown('board:1'), { votes: 1005 });
    assert.deepEqual(world.server.channel('board:1').log.map(e => e.counter), Array.from({ length: 202 }, (_, i) => i + 1));
});

test('the view never shows an increment twice or not at all, whatever is lost', async () => {
    for (let seed = 1; seed <= 25; seed++) {
        const world = new World(null, seed);
        const { client, cut } = world.tab();
        const board = client.channel(Board, '1');
        await world.wait(board.ready());
        let made = 0;
        const seen: number[] = [];
        board.fields.votes.subscribe(v => seen.push(v));
        for (let i = 0; i < 60; i++) {
            const dice = world.random();
            if (dice < 0.5) {
                board.fields.votes.add(1);
                made++;
            } else if (dice < 0.6) cut();
            else if (dice < 0.7) world.server.loseAcks = !world.server.loseAcks;
            else if (dice < 0.85) await world.advance(Math.floor(world.random() * 300));
            else for (let k = 0; k < world.random() * 8; k++) await Promise.resolve();
            assert.equal(board.fields.votes.value, made, `seed ${seed}, step ${i}`);
        }
        world.server.loseAcks = false;
        await world.until(() => (world.server.shown('board:1') as { votes?: number }).votes === made || made === 0, `seed ${seed}`);
        assert.deepEqual(seen, [...seen].sort((x, y) => x - y), `seed ${seed}: the number never goes back`);
    }
});

test('a gap makes the client subscribe again from its cursor; entries it has are skipped', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    const { server } = world;
    const channel = server.channel('board:1');
    server.append('board:1', 7, 1, setBody('title', 'one'));
    await world.until(() => board.value.title === 'one');
    // One entry is lost on the way: the connection's subscription is taken out while it is appended.
    const [connection] = server.connections;
    const kept = connection!.subscriptions;
    connection!.subscriptions = new Map();
    server.append('board:1', 7, 2, setBody('title', 'two'));
    connection!.subscriptions = kept;
    server.live(connection!, kept.get('board:1')!, channel, 1);
    server.append('board:1', 7, 3, setBody('price', 3));
    await world.until(() => board.value.price === 3);
    assert.equal(board.value.title, 'two');
    const last = server.frames(2).at(-1)!;
    assert.equal(last[3], 1, 'subscribed after seq 1');
    assert.equal(last[4], channel.check(1), 'with the check of that entry');
});

test('a snapshot or diff in chunks is applied at once', async () => {
    const world = new World();
    world.server.chunkSize = 2;
    for (let i = 1; i <= 9; i++) world.server.append('board:1', 7, i, setBody(`k${i}`, i));
    const board = world.tab().client.channel('board:1');
    const sizes = new Set<number>();
    board.subscribe(v => sizes.add(Object.keys(v as object).length));
    await world.wait(board.ready());
    assert.deepEqual([...sizes], [0, 9]);
    world.offline();
    for (let i = 10; i <= 15; i++) world.server.append('board:1', 7, i, setBody(`k${i}`, i));
    world.wake();
    await world.until(() => Object.keys(board.value as object).length === 15);
    assert.deepEqual([...sizes], [0, 9, 15]);
});

test('a chunked diff that is cut in the middle changes nothing', async () => {
    const world = new World();
    const tab = world.tab();
    const board = tab.client.channel('board:1');
    await world.wait(board.ready());
    world.offline();
    for (let i = 1; i <= 6; i++) world.server.append('board:1', 7, i, setBody(`k${i}`, i));
    world.server.chunkSize = 2;
    const range = world.server.range.bind(world.server);
    let cuts = 0;
    world.server.range = (c, s, channel, kind, from, changes, reset) => {
        const send = c.send.bind(c);
        let sent = 0;
        c.send = (field, body) => {
            if (cuts === 0 && field === 3 && ++sent >= 2) return;
            send(field, body);
        };
        range(c, s, channel, kind, from, changes, reset);
        if (sent >= 2 && cuts++ === 0) queueMicrotask(() => queueMicrotask(() => c.close()));
    };
    const sizes = new Set<number>();
    board.subscribe(v => sizes.add(Object.keys(v as object).length));
    world.wake();
    await world.until(() => Object.keys(board.value as object).length === 6);
    assert.equal(cuts, 1);
    assert.deepEqual([...sizes], [0, 6]);
});

test('a final refusal takes the edit back, tells why, and gives the counter up', async () => {
    const refused: TandemError[] = [];
    const world = new World();
    const board = world.tab({ onRefused: e => refused.push(e) }).client.channel(Board, '1');
    await world.wait(board.ready());
    world.server.refuse = (_n, ops) => (ops.some(op => op.value === 'bad') ? { code: 'forbidden' } : undefined);
    board.fields.title.set('good');
    const bad = board.fields.title.set('bad');
    const after = Array.from({ length: 10 }, () => board.fields.votes.add(1));
    await assert.rejects(world.wait(bad.committed()), (e: TandemError) => e.code === 'forbidden' && e.hint === 'hint for forbidden');
    await world.wait(after[9]!.committed());
    await world.wait(board.synced());
    assert.equal(board.value.title, 'good');
    assert.equal(board.value.votes, 10);
    assert.deepEqual(world.server.shown('board:1'), { title: 'good', votes: 10 });
    assert.deepEqual(refused.map(e => e.code), ['forbidden']);
    assert.equal(bad.state, 'refused');
    assert.equal(world.server.frames(4).filter(p => p[7] === 1).length, 1, 'one skip');
});

test('a temporary refusal is tried again with the same counter', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    let left = 3;
    world.server.refuse = () => (left-- > 0 ? { code: 'rate_limited', temporary: true, retryMs: 200 } : undefined);
    for (let i = 0; i < 5; i++) board.fields.votes.add(1);
    await world.until(() => board.status.value.synced);
    assert.deepEqual(world.server.shown('board:1'), { votes: 5 });
    assert.deepEqual(world.server.channel('board:1').log.map(e => e.counter), [1, 2, 3, 4, 5]);
});

test('ifUnchanged is refused when somebody else was faster, and a transaction is all or nothing', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    await world.wait(board.fields.price.set(10).committed());
    world.offline();
    world.server.append('board:1', 7, 1, setBody('price', 11));
    const write = board.fields.price.set(12, { ifUnchanged: true });
    const both = board.transact(() => {
        board.fields.title.set('Plan B');
        board.fields.votes.add(5);
    }, { ifUnchanged: [board.fields.price] });
    assert.equal(board.value.price, 12);
    assert.equal(board.value.title, 'Plan B');
    world.wake();
    await assert.rejects(world.wait(write.committed()), { code: 'precondition_failed' });
    await assert.rejects(world.wait(both.committed()), { code: 'precondition_failed' });
    assert.equal(board.value.price, 11);
    assert.equal(board.value.title, '');
    assert.equal(board.value.votes, 0);
    const good = board.transact(() => {
        board.fields.title.set('Plan C');
        assert.equal(board.fields.title.value, 'Plan C', 'reads in a transaction see its writes');
        board.fields.votes.add(5);
    }, { ifUnchanged: [board.fields.price] });
    const { seq } = await world.wait(good.committed());
    assert.equal(seq, world.server.channel('board:1').head);
    assert.throws(() => board.transact(() => {
        board.fields.title.set('never');
        throw new Error('stop');
    }), /stop/);
    assert.equal(board.value.title, 'Plan C');
});

test('reset with the same epoch: what is acknowledged goes, the rest keeps its actor', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    await world.wait(board.fields.votes.add(1).committed());
    await world.wait(board.synced());
    world.offline();
    board.fields.votes.add(10);
    world.server.append('board:1', 7, 1, incBody('votes', 100));
    world.server.channel('board:1').floor = 99;
    world.wake();
    await world.until(() => board.status.value.synced);
    assert.equal(board.value.votes, 111);
    assert.deepEqual(world.server.shown('board:1'), { votes: 111 });
    assert.deepEqual([...world.server.channel('board:1').acked], [[1000, 2]]);
});

test('reset with another epoch: the rest is queued again from 1 under a new actor', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    board.fields.votes.set(5);
    await world.wait(board.synced());
    world.offline();
    board.fields.votes.add(10);
    board.fields.votes.set(50);
    const channel = world.server.channel('board:1');
    channel.epoch = '00000000000000e2';
    world.wake();
    await world.until(() => board.status.value.synced && board.status.value.pending === 0);
    assert.equal(board.value.votes, 50);
    assert.deepEqual(world.server.shown('board:1'), { votes: 50 });
    assert.deepEqual([...channel.acked], [[1000, 1], [1001, 2]]);
});

test('a server that lost acknowledged entries gets the rest under a new actor', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    for (let i = 0; i < 3; i++) board.fields.votes.add(1);
    await world.wait(board.synced());
    world.offline();
    board.fields.votes.add(10);
    const channel = world.server.channel('board:1');
    channel.roots.length = 2;
    channel.log.length = 1;
    channel.acked.set(1000, 1);
    world.wake();
    await world.until(() => board.status.value.synced);
    assert.equal(board.value.votes, 11);
    assert.deepEqual([...channel.acked], [[1000, 1], [1001, 1]]);
});

test('a forked actor is replaced and nothing is lost', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    await world.wait(board.fields.title.set('mine').committed());
    // Somebody else pushed counter 2 of this actor: a copied profile.
    world.offline();
    world.server.append('board:1', 1000, 2, setBody('price', 2));
    world.server.channel('board:1').acked.set(1000, 2);
    board.fields.title.set('mine too');
    const connect = world.server.handle.bind(world.server);
    // The acknowledged counter is not told, so that the fork shows at the push.
    world.server.handle = (c, frame, f) => {
        if (frame === 2) world.server.channel('board:1').acked.set(1000, 1);
        connect(c, frame, f);
        if (frame === 2) world.server.channel('board:1').acked.set(1000, 2);
    };
    world.wake();
    await world.until(() => board.status.value.synced);
    assert.deepEqual(world.server.shown('board:1'), { title: 'mine too', price: 2 });
    assert.equal(world.server.channel('board:1').acked.get(1001), 1);
});

test('reconnects: at once, then with jitter; a wake is not kept waiting; bye is obeyed', async () => {
    const world = new World();
    const { client, cut } = world.tab();
    const board = client.channel(Board, '1');
    await world.wait(board.synced());
    await world.advance(2_000);
    const before = world.attempts;
    const at = world.now;
    cut();
    await world.until(() => board.status.value.synced && world.attempts > before);
    assert.ok(world.now - at < 100, 'the first attempt comes at once');
    await world.advance(2_000);
    world.offline();
    await world.advance(120_000);
    assert.ok(world.attempts - before < 40, `${world.attempts - before} attempts in two minutes`);
    assert.ok(world.attempts - before > 8);
    assert.equal(client.status.value.link, 'offline');
    assert.ok(client.status.value.retryInMs! <= 20_000);
    world.wake();
    await world.wait(board.synced());
    await world.advance(2_000);
    const count = world.attempts;
    world.server.bye(5_000);
    await world.advance(4_900);
    assert.equal(world.attempts, count);
    await world.until(() => board.status.value.synced && world.attempts > count);
});

test('a silent link is found dead by the heartbeat', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.synced());
    await world.advance(60_000);
    assert.ok(world.server.frames(7).length >= 1, 'pings');
    assert.equal(board.status.value.link, 'online');
    const [connection] = world.server.connections;
    connection!.receive = () => {};
    connection!.send = () => {};
    const before = world.attempts;
    await world.advance(60_000);
    assert.ok(world.attempts > before, 'connected anew');
    await world.wait(board.synced());
});

test('bytes that do not decode end the connection, not the page', async () => {
    const errors: TandemError[] = [];
    const world = new World();
    const board = world.tab({ onRefused: e => errors.push(e) }).client.channel(Board, '1');
    await world.wait(board.synced());
    const before = world.attempts;
    const [connection] = world.server.connections;
    connection!.out(new Uint8Array([0x0a, 0x05, 0xff]));
    await world.until(() => world.attempts > before && board.status.value.synced);
    assert.equal(errors[0]!.code, 'protocol_error');
});

test('unchanged subtrees keep their identity over confirmations and deliveries', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    const one = board.fields.cards.insert({ text: 'one', done: false });
    board.fields.cards.insert({ text: 'two', done: false });
    const [first, second] = board.value.cards;
    const tags = board.value.tags;
    await world.wait(board.synced());
    assert.equal(board.value.cards[0], first);
    assert.equal(board.value.cards[1], second);
    one.fields.text.set('ONE');
    assert.notEqual(board.value.cards[0], first);
    assert.equal(board.value.cards[1], second);
    assert.equal(board.value.tags, tags);
    const cards = board.value.cards;
    await world.wait(board.synced());
    world.server.append('board:1', 7, 1, setBody('title', 'x'));
    await world.until(() => board.value.title === 'x');
    assert.equal(board.value.cards, cards);
    let calls = 0;
    board.fields.cards.subscribe(() => calls++);
    board.fields.title.set('y');
    await world.wait(board.synced());
    assert.equal(calls, 1, 'a follower of an unchanged field is called only at first');
});
