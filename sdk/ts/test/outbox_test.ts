import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { IDBFactory } from 'fake-indexeddb';
import { test } from 'node:test';
import type { OutboxStorage } from '../src/outbox.js';
import { MemoryStorage } from '../src/storage_memory.js';
import { IdbStorage } from '../src/storage_idb.js';
import { WebLocks } from '../src/locks.js';
import { Board } from './support/board.js';
import { World, tick } from './support/world.js';

/** A profile on disk: every tab opens the same database. */
function profile(seed = 1): { world: World; look: () => Promise<OutboxStorage> } {
    const factory = new IDBFactory();
    const open = (): Promise<OutboxStorage> => IdbStorage.open(factory, 'tandem');
    return { world: new World(open, seed), look: open };
}
/** Waits for what only the storage knows. */
async function eventually(world: World, what: string, met: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 400; i++) {
        if (await met()) return;
        await world.advance(25);
    }
    throw new Error(`never happened: ${what}`);
}
async function pushesOnDisk(storage: OutboxStorage, channel: string): Promise<number> {
    let count = 0;
    for (const row of await storage.outboxes()) count += (await storage.load(row.id, channel)).pushes.length;
    return count;
}

test('the storage keeps what it is told, in one transaction each', async () => {
    const storage = await IdbStorage.open(new IDBFactory(), 'x');
    await storage.setActor('o1', 0);
    await storage.setActor('o2', 0);
    await storage.setActor('o1', 7);
    const push = (counter: number) => ({ counter, ops: new Uint8Array([counter]), stampMs: 1, stampLogical: 0, ifUnchanged: [], skip: false });
    const state = (seq: number) => ({ epoch: '0000000000000001', seq, check: 3, changes: new Uint8Array([9]) });
    await storage.write('o1', 'c', { lane: { actor: 7, last: 2, acked: 0 }, put: [push(2), push(1)] });
    await storage.write('o1', 'd', { put: [push(1)] });
    await storage.write('o2', 'c', { put: [push(5)], state: state(9) });
    await storage.write('o1', 'c', { drop: [1], state: state(4) });
    assert.deepEqual((await storage.outboxes()).map(r => [r.id, r.actor]), [['o1', 7], ['o2', 0]]);
    const loaded = await storage.load('o1', 'c');
    assert.deepEqual(loaded.pushes.map(p => p.counter), [2]);
    assert.deepEqual([...loaded.pushes[0]!.ops], [2]);
    assert.equal(loaded.state!.seq, 4);
    assert.deepEqual((await storage.waiting('o1')).sort(), ['c', 'd']);
    assert.equal((await storage.newest('c'))!.seq, 9);
    await storage.write('o1', 'c', { clear: true, put: [push(1)], clearOther: 'o2', state: null, actor: 0 });
    assert.deepEqual((await storage.load('o1', 'c')).pushes.map(p => p.counter), [1]);
    assert.equal((await storage.load('o1', 'c')).state, undefined);
    assert.deepEqual(await storage.waiting('o2'), []);
    assert.equal((await storage.outboxes())[0]!.actor, 0);
    storage.close();
});

test('without a storage a channel that is opened again goes on with its counters and its view', async () => {
    const storage = new MemoryStorage();
    const state = { epoch: '0000000000000001', seq: 4, check: 3, changes: new Uint8Array([9]) };
    await Promise.all([
        storage.write('o', 'c', { lane: { actor: 7, last: 2, acked: 2 } }),
        storage.write('o', 'c', { state }),
        storage.write('o', 'c', { drop: [1] }),
    ]);
    assert.deepEqual(await storage.load('o', 'c'), { lane: { actor: 7, last: 2, acked: 2 }, pushes: [], state });
    await storage.write('o', 'c', { state: null });
    assert.equal((await storage.load('o', 'c')).state, undefined);
});

test('an edit is in the outbox before it is sent', async () => {
    const { world, look } = profile();
    const disk = await look();
    const { client } = world.tab();
    const board = client.channel(Board, '1');
    await world.wait(board.ready());
    const receive = world.server.handle.bind(world.server);
    const checks: Promise<void>[] = [];
    world.server.handle = (c, frame, f) => {
        if (frame === 4) checks.push(pushesOnDisk(disk, 'board:1').then(n => assert.ok(n >= 1)));
        receive(c, frame, f);
    };
    await world.wait(board.fields.title.set('x').committed());
    assert.equal(checks.length, 1);
    await Promise.all(checks);
});

test('offline edits survive the end of the tab and are sent by the next one', async () => {
    const { world, look } = profile();
    const disk = await look();
    world.online = false;
    const first = world.tab();
    const board = first.client.channel(Board, '1');
    board.fields.title.set('kept');
    for (let i = 0; i < 5; i++) board.fields.votes.add(1);
    await eventually(world, 'stored', async () => (await pushesOnDisk(disk, 'board:1')) === 6);
    first.kill();
    const second = world.tab();
    const again = second.client.channel(Board, '1');
    await world.until(() => again.value.votes === 5);
    assert.equal(again.value.title, 'kept');
    assert.equal(again.status.value.pending, 6);
    world.wake();
    await world.wait(again.synced());
    assert.deepEqual(world.server.shown('board:1'), { title: 'kept', votes: 5 });
    await eventually(world, 'removed with the state', async () => (await pushesOnDisk(disk, 'board:1')) === 0);
});

test('a storage that opens only after a while is waited for, and what it holds is sent', async () => {
    const factory = new IDBFactory();
    let failures = 0;
    let opened = 0;
    const world = new World(async () => {
        if (failures-- > 0) throw new Error('Internal error opening backing store for indexedDB.open.');
        opened++;
        return IdbStorage.open(factory, 'tandem');
    });
    world.online = false;
    const first = world.tab();
    const board = first.client.channel(Board, '1');
    for (let i = 0; i < 5; i++) board.fields.votes.add(1);
    const disk = await IdbStorage.open(factory, 'tandem');
    await eventually(world, 'stored', async () => (await pushesOnDisk(disk, 'board:1')) === 5);
    first.kill();
    world.online = true;
    failures = 4;
    const told: string[] = [];
    const second = world.tab({ onRefused: error => told.push(error.code) });
    const again = second.client.channel(Board, '1');
    again.fields.votes.add(1);
    assert.deepEqual([again.status.value.storage, again.status.value.pending], ['opening', 1], 'not said to be safe');
    await world.wait(again.synced());
    assert.equal(opened, 2);
    assert.deepEqual(world.server.shown('board:1'), { votes: 6 });
    assert.deepEqual([again.status.value.storage, second.client.status.value.storage, told], ['device', 'device', []]);
    assert.equal((await disk.outboxes()).length, 1, 'the same outbox');
});

test('a storage that cannot be had is told once, and edits are sent but not called safe', async () => {
    for (const how of ['fails', 'hangs', 'cannot be read']) {
        const broken = { outboxes: () => Promise.reject(new Error('no such rows')) } as unknown as OutboxStorage;
        const world = new World(() => {
            if (how === 'hangs') return new Promise(() => {});
            return how === 'fails' ? Promise.reject(new Error('denied')) : Promise.resolve(broken);
        });
        const told: string[] = [];
        const { client } = world.tab({ onRefused: error => told.push(`${error.code}: ${error.message}`) });
        const board = client.channel(Board, '1');
        const states = new Set<string>();
        board.status.subscribe(({ storage }) => states.add(storage));
        await world.wait(board.fields.title.set('x').committed());
        assert.equal(told.length, 1, how);
        assert.match(told[0]!, /^io_failed: Edits that wait end with this page: .*(denied|timeout|no such rows)/);
        assert.deepEqual([...states], ['opening', 'memory'], how);
        assert.equal(client.status.value.storage, 'memory');
        assert.deepEqual(world.server.shown('board:1'), { title: 'x' });
    }
});

test('a write that the device refuses is sent all the same, and told', async () => {
    const storage = await IdbStorage.open(new IDBFactory(), 'tandem');
    const write = storage.write.bind(storage);
    let full = false;
    storage.write = (...change) => (full ? Promise.reject(new Error('QuotaExceededError')) : write(...change));
    const world = new World(async () => storage);
    const told: string[] = [];
    const board = world.tab({ onRefused: error => told.push(error.message) }).client.channel(Board, '1');
    await world.wait(board.fields.title.set('kept').committed());
    assert.equal(board.status.value.storage, 'device');
    full = true;
    await world.wait(board.fields.title.set('sent').committed());
    await world.wait(board.fields.votes.add(1).committed());
    assert.equal(board.status.value.storage, 'memory');
    assert.equal(told.length, 1);
    assert.match(told[0]!, /QuotaExceededError/);
    assert.deepEqual(world.server.shown('board:1'), { title: 'sent', votes: 1 });
});

test('the first copy of a channel is on the device at once, later ones after a while', async () => {
    const { world, look } = profile();
    const disk = await look();
    const board = world.tab().client.channel(Board, '1');
    const copied = async (): Promise<number | undefined> => (await disk.newest('board:1'))?.seq;
    const start = world.now;
    await world.wait(board.ready());
    for (let i = 0; i < 50 && (await copied()) === undefined; i++) await tick();
    assert.equal(await copied(), 0);
    assert.ok(world.now - start < 500, `${world.now - start} ms`);
    await world.wait(board.fields.title.set('x').committed());
    await world.until(() => board.status.value.synced);
    for (let i = 0; i < 50; i++) await tick();
    assert.equal(await copied(), 0, 'not with each change');
    await world.advance(1_000);
    await eventually(world, 'saved', async () => (await copied()) === 1);
});

test('ready resolves offline from the device, and the cold start resumes by diff', async () => {
    const { world, look } = profile();
    const disk = await look();
    const first = world.tab();
    const board = first.client.channel(Board, '1');
    await world.wait(board.ready());
    board.fields.title.set('Plan');
    board.fields.tags.add('t');
    board.fields.cards.insert({ text: 'one', done: true });
    await world.wait(board.synced());
    await eventually(world, 'saved', async () => (await disk.newest('board:1'))?.seq === 3);
    await first.client.close();
    world.offline();
    const second = world.tab();
    const again = second.client.channel(Board, '1');
    await world.wait(again.ready());
    assert.deepEqual([again.value.title, [...again.value.tags], again.value.cards[0]!.text], ['Plan', ['t'], 'one']);
    assert.equal(again.status.value.synced, false);
    world.wake();
    await world.wait(again.synced());
    const subscribe = world.server.frames(2).at(-1)!;
    assert.equal(subscribe[3], 3, 'after the stored cursor');
    assert.equal(subscribe[5], 1000, 'the same outbox, so the same actor');
    assert.equal(subscribe[7], 3, 'and its acknowledged counter');
});

test('killed at any moment: no edit is lost, none is doubled, none is shown twice', async () => {
    for (let seed = 1; seed <= 40; seed++) {
        const { world, look } = profile(seed);
        const disk = await look();
        let made = 0;
        // A title written after each increment tells what the tab that ended had stored.
        for (let life = 0; life < 5; life++) {
            world.server.loseAcks = world.random() < 0.3;
            const tab = world.tab();
            const board = tab.client.channel(Board, '1');
            await world.until(() => board.status.value.synced || !world.online || board.status.value.pending > 0);
            await world.wait(board.ready());
            await world.until(() => board.value.votes >= made, `seed ${seed}, life ${life}: ${board.value.votes} of ${made}`);
            assert.equal(board.value.votes, made, `seed ${seed}, life ${life}`);
            const edits = 1 + Math.floor(world.random() * 6);
            for (let i = 0; i < edits; i++) {
                board.fields.votes.add(1);
                made++;
                const dice = world.random();
                if (dice < 0.2) tab.cut();
                else if (dice < 0.4) await tick();
                else if (dice < 0.5) await world.advance(700);
                assert.equal(board.value.votes, made, `seed ${seed}, life ${life}, edit ${i}`);
            }
            // All edits are on the disk; then the end comes at some moment.
            const durable = async (): Promise<boolean> => (await pushesOnDisk(disk, 'board:1')) > 0 || board.status.value.pending === 0;
            await eventually(world, 'stored', durable);
            const total = (world.server.shown('board:1') as { votes?: number }).votes ?? 0;
            await eventually(world, 'all stored', async () => {
                const rows = await Promise.all((await disk.outboxes()).map(row => disk.load(row.id, 'board:1')));
                const last = rows.reduce((sum, row) => sum + (row.lane?.last ?? 0), 0);
                return last >= made && total >= 0;
            });
            const turns = Math.floor(world.random() * 12);
            for (let i = 0; i < turns; i++) await new Promise<void>(resolve => setImmediate(resolve));
            if (world.random() < 0.5) await world.advance(Math.floor(world.random() * 800));
            tab.kill();
        }
        world.server.loseAcks = false;
        const last = world.tab().client.channel(Board, '1');
        await world.wait(last.synced());
        assert.equal((world.server.shown('board:1') as { votes: number }).votes, made, `seed ${seed}`);
        assert.equal(last.value.votes, made, `seed ${seed}`);
    }
});

test('killed before an edit is stored: what was stored is a prefix, and what was sent was stored', async () => {
    for (let seed = 1; seed <= 30; seed++) {
        const { world, look } = profile(seed);
        const disk = await look();
        const tab = world.tab();
        const board = tab.client.channel(Board, '1');
        if (seed % 2) await world.wait(board.ready());
        for (let i = 1; i <= 8; i++) {
            board.fields.price.set(i);
            board.fields.votes.add(1);
            if (world.random() < 0.5) await new Promise<void>(resolve => setImmediate(resolve));
        }
        tab.kill();
        const sent = (world.server.shown('board:1') as { votes?: number }).votes ?? 0;
        await tick();
        const again = world.tab().client.channel(Board, '1');
        await world.wait(again.synced());
        const shown = world.server.shown('board:1') as { votes?: number; price?: number };
        const votes = shown.votes ?? 0;
        assert.ok(votes >= sent && votes <= 8, `seed ${seed}`);
        assert.ok((shown.price ?? 0) - votes <= 1 && (shown.price ?? 0) >= votes, `seed ${seed}: a prefix`);
        assert.equal(again.value.votes, votes);
        assert.ok((await disk.outboxes()).length >= 1);
    }
});

test('a refused edit stays refused over the end of the tab', async () => {
    const { world, look } = profile();
    const disk = await look();
    const tab = world.tab();
    const board = tab.client.channel(Board, '1');
    await world.wait(board.ready());
    let refusals = 0;
    world.server.refuse = () => (refusals++ === 0 ? { code: 'forbidden' } : undefined);
    const handle = world.server.handle.bind(world.server);
    // The skip never arrives: the tab ends before.
    world.server.handle = (c, frame, f) => (frame === 4 && f[7] === 1 ? undefined : handle(c, frame, f));
    await assert.rejects(world.wait(board.fields.title.set('no').committed()), { code: 'forbidden' });
    await eventually(world, 'skip stored', async () => {
        const [row] = await disk.outboxes();
        return (await disk.load(row!.id, 'board:1')).pushes[0]?.skip === true;
    });
    tab.kill();
    world.server.handle = handle;
    const again = world.tab().client.channel(Board, '1');
    await world.wait(again.synced());
    again.fields.price.set(1);
    await world.wait(again.synced());
    assert.deepEqual(world.server.shown('board:1'), { price: 1 });
    assert.deepEqual(world.server.channel('board:1').acked.get(1000), 2);
});

test('two tabs have two outboxes; the next tab takes the one that is free', async () => {
    const { world, look } = profile();
    const disk = await look();
    const a = world.tab();
    const b = world.tab();
    const one = a.client.channel(Board, '1');
    const two = b.client.channel(Board, '1');
    await world.wait(one.synced());
    await world.wait(two.synced());
    await world.wait(one.fields.votes.add(1).committed());
    await world.wait(two.fields.votes.add(1).committed());
    assert.equal((await disk.outboxes()).length, 2);
    assert.deepEqual([...world.server.channel('board:1').acked.values()], [1, 1]);
    a.kill();
    const c = world.tab();
    const three = c.client.channel(Board, '1');
    await world.wait(three.synced());
    await world.wait(three.fields.votes.add(1).committed());
    assert.equal((await disk.outboxes()).length, 2, 'no third outbox');
    assert.deepEqual([...world.server.channel('board:1').acked.values()].sort(), [1, 2]);
    assert.equal(world.locks.held.size, 2);
});

test('an orphaned outbox is drained under its own actor, and nothing is shown twice', async () => {
    for (const known of [true, false]) {
        const { world, look } = profile();
        const disk = await look();
        const a = world.tab();
        const b = world.tab();
        const one = a.client.channel(Board, '1');
        const two = b.client.channel(Board, '1');
        if (known) {
            await world.wait(one.synced());
            await world.wait(two.synced());
            await world.wait(one.fields.votes.add(1).committed());
            await world.wait(two.fields.votes.add(1).committed());
            await world.until(() => one.value.votes === 2 && two.value.votes === 2);
            await world.advance(1_000);
        }
        world.offline();
        const base = known ? 2 : 0;
        one.fields.votes.add(10);
        two.fields.votes.add(100);
        two.fields.votes.add(100);
        const waiting = known ? 3 : 3;
        await eventually(world, 'stored', async () => (await pushesOnDisk(disk, 'board:1')) >= waiting);
        a.kill();
        b.kill();
        const c = world.tab();
        const board = c.client.channel(Board, '1');
        const seen = new Set<number>();
        board.fields.votes.subscribe(v => seen.add(v));
        if (known) await world.wait(board.ready());
        world.wake();
        await world.wait(board.synced());
        const sum = base + 210;
        await world.until(() => (world.server.shown('board:1') as { votes: number }).votes === sum && board.value.votes === sum);
        assert.ok([...seen].every(v => v <= sum), `never more than there is: ${[...seen]}`);
        await eventually(world, 'drained', async () => (await pushesOnDisk(disk, 'board:1')) === 0);
        await world.until(() => world.locks.held.size === 1);
        if (known) assert.deepEqual([...world.server.channel('board:1').acked.values()].sort(), [2, 3]);
    }
});

test('an outbox that is orphaned later is found by a tab that lives', async () => {
    const { world } = profile();
    const a = world.tab();
    const b = world.tab();
    const one = a.client.channel(Board, '1');
    const two = b.client.channel(Board, '1');
    await world.wait(one.synced());
    await world.wait(two.synced());
    world.server.refuse = (_n, ops) => (ops[0]!.value === 77 ? { code: 'unavailable', temporary: true } : undefined);
    one.fields.votes.add(77);
    await world.advance(1_000);
    a.kill();
    world.server.refuse = () => undefined;
    await world.advance(31_000);
    await world.until(() => two.value.votes === 77);
    assert.deepEqual(world.server.shown('board:1'), { votes: 77 });
});

test('a copy of the server\'s state in another outbox serves a new tab', async () => {
    const { world, look } = profile();
    const disk = await look();
    const a = world.tab();
    const one = a.client.channel(Board, '1');
    await world.wait(one.ready());
    one.fields.title.set('here');
    await world.wait(one.synced());
    await eventually(world, 'saved', async () => (await disk.newest('board:1'))?.seq === 1);
    world.offline();
    const two = world.tab().client.channel(Board, '1');
    await world.wait(two.ready());
    assert.equal(two.value.title, 'here');
});

test('without storage that works, edits are sent all the same and the trouble is told', async () => {
    const broken = new MemoryStorage();
    broken.write = () => Promise.reject(new Error('quota'));
    const world = new World(async () => broken);
    const errors: string[] = [];
    const board = world.tab({ onRefused: e => errors.push(e.code) }).client.channel(Board, '1');
    await world.wait(board.fields.votes.add(1).committed());
    assert.deepEqual(world.server.shown('board:1'), { votes: 1 });
    assert.ok(errors.includes('io_failed'));
});

test('Web Locks: taken, refused while held, free again', async () => {
    const held = new Set<string>();
    const manager = {
        request: async (name: string, _options: unknown, fn: (lock: object | null) => unknown) => {
            if (held.has(name)) return fn(null);
            held.add(name);
            try {
                return await fn({ name });
            } finally {
                held.delete(name);
            }
        },
    };
    const locks = new WebLocks(manager as unknown as LockManager);
    const release = await locks.tryLock('a');
    assert.ok(release);
    assert.equal(await locks.tryLock('a'), undefined);
    release();
    await tick();
    assert.ok(await locks.tryLock('a'));
});
