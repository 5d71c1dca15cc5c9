import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Awareness } from 'y-protocols/awareness';
import { Doc, decodeStateVector, encodeStateAsUpdate, encodeStateVector } from 'yjs';
import type { ConnectOptions } from '../src/client.js';
import type { TandemError } from '../src/index.js';
import { textOf, type TandemProvider, type TextOptions } from '../src/yjs.js';
import { FakeTexts } from './support/fake_texts.js';
import { World } from './support/world.js';

const ROOM = 'text:a';

/** Texts with a server of their own; awareness has timers, so that only those have it who want it. */
class Room {
    readonly world: World;
    readonly texts = new FakeTexts();
    constructor(private readonly t: TestContext, seed = 1) {
        this.world = new World(null, seed);
        this.world.server.texts = this.texts;
    }
    open(name = 'main', options: TextOptions = { awareness: null }, connect: ConnectOptions = {}): Writer {
        const tab = this.world.tab(connect);
        const doc = new Doc();
        const provider = textOf(tab.client.channel(ROOM), name, doc, options);
        this.t.after(() => doc.destroy());
        const body = doc.getText('t');
        return { ...tab, doc, provider, body };
    }
    same(...all: Writer[]): Promise<void> {
        const bytes = ({ doc }: Pick<Writer, 'doc'>): string => Buffer.from(encodeStateAsUpdate(doc)).toString('hex');
        return this.world.until(() => all.every(one => bytes(one) === bytes(this.texts.text(ROOM))), 'the same everywhere');
    }
}
interface Writer extends ReturnType<World['tab']> {
    readonly doc: Doc;
    readonly provider: TandemProvider;
    readonly body: ReturnType<Doc['getText']>;
}

test('a frame is what docs/protocol.md shows', async t => {
    const room = new Room(t);
    const ann = room.open();
    await room.world.until(() => ann.provider.saved);
    assert.deepEqual(room.texts.seen, ['0a06746578743a61' + '12046d61696e' + '1a0400000100']);
    ann.doc.clientID = 1;
    ann.body.insert(0, 'a');
    await room.world.until(() => ann.provider.saved);
    assert.equal(room.texts.seen[1], '0a06746578743a61' + '12046d61696e' + '1a0e' + '00020b' + '0101010004010174016100' + '2801');
});

test('two documents are in step, and each event is told once', async t => {
    const room = new Room(t);
    const [ann, bob] = [room.open(), room.open()];
    const told: string[] = [];
    ann.provider.on('status', ({ status }) => told.push(status));
    for (const event of ['synced', 'sync', 'saved'] as const) ann.provider.on(event, is => told.push(`${event} ${is}`));
    let once = 0;
    ann.provider.once('saved', () => once++);
    ann.body.insert(0, 'hello');
    await room.same(ann, bob);
    bob.body.insert(5, '!');
    await room.same(ann, bob);
    await room.world.until(() => ann.provider.saved && bob.provider.saved);
    assert.equal(ann.body.toString(), 'hello!');
    assert.deepEqual(told, ['connected', 'synced true', 'sync true', 'saved true']);
    assert.equal(once, 1);
});

test('nothing is lost, whatever is cut, and what is saved is with the server', async t => {
    for (let seed = 1; seed <= 20; seed++) {
        const room = new Room(t, seed);
        const { world } = room;
        const all = [room.open(), room.open(), room.open()];
        const dice = (below: number): number => Math.floor(world.random() * below);
        for (let i = 0; i < 80; i++) {
            const one = all[dice(all.length)]!;
            if (one.body.length > 8 && dice(3) === 0) one.body.delete(dice(one.body.length - 3), 1 + dice(3));
            else one.body.insert(dice(one.body.length + 1), 'abc'.slice(dice(3)));
            room.texts.losesAcks = dice(4) === 0;
            if (dice(12) === 0) one.cut();
            if (dice(15) === 0) one.client.goOffline();
            if (dice(8) === 0) for (const { client } of all) client.goOnline();
            if (dice(20) === 0) {
                one.provider.disconnect();
                one.provider.connect();
            }
            if (dice(2)) await world.advance(dice(40));
            for (const { provider, doc } of all)
                if (provider.saved) {
                    const clocks = [doc, room.texts.text(ROOM).doc].map(one => decodeStateVector(encodeStateVector(one)).get(doc.clientID));
                    assert.equal(clocks[1], clocks[0], `seed ${seed}: what is saved is there`);
                }
        }
        room.texts.losesAcks = false;
        for (const { client } of all) client.goOnline();
        world.wake();
        await room.same(...all);
        for (const one of all) one.cut();
        await world.until(() => all.every(({ provider }) => provider.saved && provider.synced), `seed ${seed}: all is saved`);
    }
});

test('what is typed before the first connection, and offline, is sent once', async t => {
    const room = new Room(t);
    room.world.online = false;
    const ann = room.open();
    ann.body.insert(0, 'early');
    await room.world.advance(30_000);
    assert.equal(ann.provider.status, 'disconnected');
    assert.equal(ann.provider.saved, false);
    room.world.wake();
    await room.world.until(() => ann.provider.saved);
    assert.equal(room.texts.text(ROOM).seq, 1);
    ann.client.goOffline();
    for (const letter of ' and late') ann.body.insert(ann.body.length, letter);
    ann.client.goOnline();
    await room.world.until(() => ann.provider.saved);
    assert.equal(room.texts.text(ROOM).seq, 2, 'one answer to one question');
    assert.equal(room.texts.text(ROOM).doc.getText('t').toString(), 'early and late');
});

test('what exceeds a message goes in pieces, and other frames in between stay whole', async t => {
    const room = new Room(t);
    const [ann, bob] = [room.open(), room.open()];
    await room.world.until(() => ann.provider.saved && bob.provider.saved);
    ann.body.insert(0, 'x'.repeat(200_000));
    ann.client.channel(ROOM).field('title').set('meanwhile');
    await room.same(ann, bob);
    assert.ok(room.texts.seen.every(frame => frame.length / 2 <= 65_536), 'each fits');
    assert.equal(bob.body.length, 200_000);
    await room.world.until(() => Object.keys(room.world.server.shown(ROOM) as object).length === 1);
});

test('a refusal is told; one that may pass is tried again', async t => {
    const room = new Room(t);
    const reported: TandemError[] = [];
    const ann = room.open('main', { awareness: null }, { onRefused: error => reported.push(error) });
    const refused: TandemError[] = [];
    ann.provider.on('refused', error => refused.push(error));
    await room.world.until(() => ann.provider.saved);
    let full = true;
    room.texts.refuse = () => (full ? { code: 'storage_full', temporary: true, retryMs: 1000 } : undefined);
    ann.body.insert(0, 'a');
    await room.world.until(() => refused.length === 1);
    assert.deepEqual([refused[0]!.code, refused[0]!.temporary, reported.length], ['storage_full', true, 0]);
    full = false;
    await room.world.until(() => ann.provider.saved);
    assert.equal(room.texts.text(ROOM).doc.getText('t').toString(), 'a');
    room.texts.refuse = () => ({ code: 'too_large', temporary: false, retryMs: 0 });
    ann.body.insert(0, 'b');
    await room.world.until(() => refused.length > 1 && refused[refused.length - 1]!.code === 'too_large');
    assert.equal(reported[0]!.code, 'too_large');
    assert.equal(ann.provider.saved, false);
});

test('a text that is closed stays so until its owner connects again', async t => {
    const room = new Room(t);
    const ann = room.open();
    ann.body.insert(0, 'a');
    await room.world.until(() => ann.provider.saved);
    let closed = 0;
    ann.provider.on('closed', () => closed++);
    room.texts.close(ROOM);
    await room.world.until(() => closed === 1);
    ann.cut();
    await room.world.advance(5_000);
    assert.equal(ann.provider.status, 'disconnected');
    assert.equal(room.texts.text(ROOM).seq, 0);
    ann.provider.connect();
    await room.world.until(() => room.texts.text(ROOM).seq === 1);
});

test('a client has one document for a text, and what its followers throw is theirs', async t => {
    const room = new Room(t);
    const ann = room.open();
    const channel = ann.client.channel(ROOM);
    assert.throws(() => textOf(channel, 'main', new Doc(), { awareness: null }), { code: 'invalid_argument' });
    const other = new Doc();
    t.after(() => other.destroy());
    const notes = textOf(channel, 'notes', other, { awareness: null });
    const bob = room.open();
    await room.world.until(() => ann.provider.synced && notes.synced && bob.provider.saved);
    const thrown: unknown[] = [];
    t.mock.method(globalThis, 'queueMicrotask', (fn: () => void) => void Promise.resolve().then(fn).catch(error => thrown.push(error)));
    ann.body.observe(() => {
        throw new Error('of the application');
    });
    bob.body.insert(0, 'a');
    await room.world.until(() => ann.body.length === 1 && thrown.length === 1);
    assert.equal(ann.provider.status, 'connected');
    ann.provider.destroy();
    const again = new Doc();
    t.after(() => again.destroy());
    const next = textOf(channel, 'main', again, { awareness: null });
    await room.world.until(() => next.synced);
    assert.equal(again.getText('t').toString(), 'a');
});

test('own states are sent, others vanish with the connection', async t => {
    const room = new Room(t);
    const doc = new Doc();
    t.after(() => doc.destroy());
    const awareness = new Awareness(doc);
    const { client } = room.world.tab();
    const provider = textOf(client.channel(ROOM), 'main', doc, { awareness });
    assert.equal(provider.awareness, awareness);
    await room.world.until(() => provider.saved);
    const count = room.texts.seen.length;
    awareness.setLocalStateField('user', 'ann');
    await room.world.until(() => room.texts.seen.length === count + 1);
    assert.ok(Buffer.from(room.texts.seen[count]!, 'hex').includes('{"user":"ann"}'));
    awareness.states.set(7, { user: 'bob' });
    awareness.meta.set(7, { clock: 1, lastUpdated: Date.now() });
    client.goOffline();
    assert.deepEqual([...awareness.getStates().keys()], [doc.clientID]);
    assert.ok(!awareness.meta.has(7));
});
