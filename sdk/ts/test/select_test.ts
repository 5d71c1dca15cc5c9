import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { IDBFactory } from 'fake-indexeddb';
import { test } from 'node:test';
import type { Change } from '../src/index.js';
import { BASE_NONE, OP_DELETE, decodeOps, encodeOps, type Op } from '../src/ops.js';
import { parsePath, pathText } from '../src/path.js';
import { normalForm, type Selected } from '../src/select.js';
import { IdbStorage } from '../src/storage_idb.js';
import type { Json } from '../src/value.js';
import { shownJson } from '../src/view.js';
import { Board } from './support/board.js';
import { partial, selected } from './support/selected.js';
import { World, tick } from './support/world.js';

const op = (kind: number, path: string, more: Partial<Op> = {}): Op => ({ kind, path: parsePath(path), base: BASE_NONE, ...more });
const insert = (list: string, id: string, position: string, value: Json = null): Op => op(8, `${list}/@${id}`, { position, value });
const body = (...ops: Op[]): Uint8Array => encodeOps(ops);
const texts = (select: readonly Selected[]): string[] => select.map(s => pathText(s.path) + (s.to ? `[${s.from}:${s.to}]` : ''));
/** A board of cards `c00`, `c01`, … in this order. */
function fill(world: World, count: number): void {
    const name = (i: number): string => String(i).padStart(2, '0');
    const cards = Array.from({ length: count }, (_, i) => insert('cards', `c${name(i)}`, `a${name(i)}`, { text: `t${i}`, done: false }));
    world.server.append('board:1', 7, 1, body(op(1, 'title', { value: 'T' }), op(1, 'price', { value: 3 }), ...cards));
}
const ids = (value: readonly { id: string }[]): string => value.map(v => v.id).join(' ');

test('selections have one form', () => {
    const form = (...parts: Selected[]): string[] => texts(normalForm(parts));
    assert.deepEqual(form(selected('b'), selected('a/x'), selected('a'), selected('b')), ['a', 'b']);
    assert.deepEqual(form(selected('l', 40, 80), selected('l', 0, 40)), ['l[0:80]']);
    assert.deepEqual(form(selected('l', 50, 60), selected('l', 0, 40), selected('l', 10, 20)), ['l[0:40]', 'l[50:60]']);
    assert.deepEqual(form(selected('l', 0, 5), selected('l')), ['l']);
    assert.deepEqual(form(selected('l', 0, 5), selected('')), []);
    assert.deepEqual(form(selected('a-b'), selected('a/b', 0, 3), selected('a')), ['a', 'a-b']);
    assert.deepEqual(form(selected('l/@x/t'), selected('l', 0, 5)), ['l[0:5]', 'l/@x/t']);
});

test('a window shows its items and tells how many there are', async () => {
    const world = new World();
    fill(world, 10);
    const board = world.tab().client.channel(Board, '1', { select: b => [b.title, b.cards.window(2, 5)] });
    await world.wait(board.ready());
    const { cards, title, price } = board.fields;
    assert.equal(title.value, 'T');
    assert.equal(price.exists, false);
    assert.equal(ids(cards.value), 'c02 c03 c04');
    const totals: number[] = [];
    cards.total.subscribe(n => totals.push(n));
    const changes: Change[] = [];
    void (async () => {
        for await (const c of board.changes()) changes.push(c);
    })();
    // An item enters and one leaves when something before the window changes.
    world.server.append('board:1', 7, 2, body(op(OP_DELETE, 'cards/@c00')));
    await world.until(() => ids(cards.value) === 'c03 c04 c05');
    world.server.append('board:1', 7, 3, body(insert('cards', 'new', 'a000')));
    await world.until(() => ids(cards.value) === 'c02 c03 c04');
    world.server.append('board:1', 7, 4, body(op(9, 'cards/@c03', { position: 'z' })));
    await world.until(() => ids(cards.value) === 'c02 c04 c05');
    world.server.append('board:1', 7, 5, body(op(OP_DELETE, 'cards/@c09')));
    await world.until(() => cards.total.value === 9);
    assert.deepEqual(totals, [10, 9, 10, 9]);
    assert.equal(ids(cards.value), 'c02 c04 c05');
    await tick();
    assert.deepEqual(changes.map(c => `${c.path} ${c.after === null ? '-' : '+'}`), [
        'cards/@c02 -', 'cards/@c05 +', 'cards/@c05 -', 'cards/@c02 +', 'cards/@c03 -', 'cards/@c05 +',
    ]);
});

test('more is loaded on a live channel, and another selection replaces it', async () => {
    const world = new World();
    fill(world, 10);
    const { client } = world.tab();
    const board = client.channel(Board, '1', { select: b => [b.cards.window(0, 2)] });
    await world.wait(board.ready());
    const { cards, title } = board.fields;
    const loaded = board.load(b => [b.cards.window(2, 4), b.title]);
    assert.equal(board.status.value.synced, false);
    await world.wait(loaded);
    assert.equal(ids(cards.value), 'c00 c01 c02 c03');
    assert.equal(title.value, 'T');
    const last = world.server.frames(2).at(-1)!;
    assert.deepEqual(texts(last[6] as Selected[]), ['cards[0:4]', 'title']);
    assert.deepEqual(texts(last[9] as Selected[]), ['cards[0:2]']);
    await world.wait(board.select(b => [b.cards.window(8, 10)]));
    assert.equal(ids(cards.value), 'c08 c09');
    assert.equal(title.exists, false);
    assert.equal(cards.total.value, 10);
    await world.wait(board.synced());
    // A second holder of the channel wants all of it; when it leaves, the first one's part is what remains.
    const whole = client.channel(Board, '1');
    await world.until(() => whole.fields.cards.value.length === 10);
    await whole.load(b => [b.title]);
    await whole.close();
    await world.until(() => cards.value.length === 2);
    assert.equal(cards.total.value, 10);
});

test('a selection that changes while the answer is on its way is asked for after it', async () => {
    const world = new World();
    fill(world, 10);
    const board = world.tab().client.channel(Board, '1', { select: b => [b.title] });
    await world.wait(board.ready());
    const all = [0, 2, 4, 6].map(i => board.load(b => [b.cards.window(i, i + 2)]));
    await world.wait(Promise.all(all));
    assert.equal(board.fields.cards.value.length, 8);
    for (const f of world.server.frames(2).slice(1)) assert.ok((f[9] as Selected[]).length > 0, 'each says what it changes');
});

test('a selection that the server refuses leaves what was there', async () => {
    const world = new World();
    fill(world, 10);
    const board = world.tab().client.channel(Board, '1', { select: b => [b.cards.window(0, 2)] });
    await world.wait(board.ready());
    world.server.refuseSelect = select => select.some(s => s.to > 1000);
    await assert.rejects(world.wait(board.load(b => [b.cards.window(2, 4000)])), { code: 'bad_select' });
    await world.wait(board.load(b => [b.title]));
    assert.equal(ids(board.fields.cards.value), 'c00 c01');
    assert.equal(board.fields.title.value, 'T');
    await world.wait(board.synced());
});

test('the device keeps a part, and comes back for another one from there', async () => {
    const factory = new IDBFactory();
    const world = new World(() => IdbStorage.open(factory, 'tandem'));
    fill(world, 10);
    const first = world.tab();
    const board = first.client.channel(Board, '1', { select: b => [b.cards.window(0, 3)] });
    await world.wait(board.ready());
    await world.advance(2_000);
    first.kill();
    world.offline();
    const again = world.tab().client.channel(Board, '1', { select: b => [b.cards.window(2, 6)] });
    await world.wait(again.ready());
    assert.equal(ids(again.fields.cards.value), 'c00 c01 c02', 'offline: what the device has');
    assert.equal(again.fields.cards.total.value, 10);
    world.server.append('board:1', 7, 2, body(op(OP_DELETE, 'cards/@c03')));
    world.wake();
    await world.wait(again.synced());
    assert.equal(ids(again.fields.cards.value), 'c02 c04 c05 c06');
    const asked = world.server.frames(2).at(-1)!;
    assert.deepEqual([asked[3], texts(asked[6] as Selected[]), texts(asked[9] as Selected[])], [1, ['cards[2:6]'], ['cards[0:3]']]);
});

test('edits say what was seen, and reach no further than that', async () => {
    const world = new World();
    fill(world, 10);
    const { client } = world.tab();
    const board = client.channel('board:1', { select: b => [b.field('title'), b.list('cards').window(0, 2), b.field('meta/a')] });
    await world.wait(board.ready());
    world.server.append('board:1', 7, 2, body(op(1, 'meta/a', { value: 1 }), op(1, 'meta/b', { value: 2 })));
    await world.until(() => board.field('meta/a').value === 1);
    const pushed = async (edit: () => unknown): Promise<string[]> => {
        edit();
        await world.wait(board.synced());
        const ops = decodeOps(world.server.frames(4).at(-1)![6] as Uint8Array);
        return ops.map(o => `${o.kind} ${pathText(o.path)} ${o.base.seq}`);
    };
    assert.deepEqual(await pushed(() => board.field('title').set('x')), ['1 title 2']);
    assert.deepEqual(await pushed(() => board.field('price').set(4)), ['1 price 0'], 'not covered: nothing was seen');
    assert.deepEqual(await pushed(() => board.field('cards/@c01/done').set(true)), ['1 cards/@c01/done 4']);
    assert.deepEqual(await pushed(() => board.field('cards/@c07/done').set(true)), ['1 cards/@c07/done 0']);
    assert.deepEqual(await pushed(() => board.field('cards').delete()), ['2 cards/@c00 6', '2 cards/@c01 6'], 'only what is seen goes');
    await world.until(() => (board.list('cards').value as Json[]).length === 2);
    assert.equal((world.server.shown('board:1') as { cards: Json[] }).cards.length, 8);
    assert.deepEqual(await pushed(() => board.field('meta').set('m')), ['2 meta/a 7', '1 meta 0']);
});

test('an insert counts at once, and what is outside of the window goes when it is confirmed', async () => {
    const world = new World();
    fill(world, 5);
    const board = world.tab().client.channel(Board, '1', { select: b => [b.cards.window(0, 2)] });
    await world.wait(board.ready());
    const { cards } = board.fields;
    const card = cards.insert({ text: 'new', done: false }, 'last');
    assert.equal(cards.total.value, 6);
    assert.equal(cards.value.length, 3);
    cards.item('c00').remove();
    assert.equal(cards.total.value, 5);
    await world.wait(board.synced());
    assert.equal(ids(cards.value), 'c01 c02');
    assert.equal(card.exists, false);
    assert.equal(cards.total.value, 5);
});

test('conflicts outside of the selection go with it', async () => {
    const world = new World();
    fill(world, 5);
    const board = world.tab().client.channel(Board, '1', { select: b => [b.title] });
    await world.wait(board.ready());
    const { conflictRow } = await import('./support/fake_server.js');
    world.server.append('board:1', 7, 2, body(op(1, 'title', { value: 'U' })), false, []);
    const [connection] = world.server.connections;
    const channel = world.server.channel('board:1');
    const s = connection!.subscriptions.get('board:1')!;
    channel.roots.push(channel.roots[2]!);
    channel.log.push({ actor: 7, counter: 3, body: body(), skip: false, changes: [], ms: 1 });
    world.server.range(connection!, s, channel, 1, 2, [conflictRow('title', 'lost', 9, 5)], false);
    await world.until(() => board.conflicts.value.length === 1);
    await world.wait(board.select(b => [b.price]));
    assert.equal(board.conflicts.value.length, 0);
});

/** Keeps the scalars that `changes()` tells, and checks that each is told to have been what it was told to become. */
function replay(leaves: Map<string, Json>, { path, before, after }: Change, where: string): void {
    if (leaves.has(path)) assert.deepEqual(leaves.get(path), before, `${where}: ${path} was told as it was`);
    for (const known of leaves.keys()) if (`${known}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${known}/`)) leaves.delete(known);
    if (typeof after !== 'object' || after === null) leaves.set(path, after);
}

test('what is followed live, what is caught up with, and what is told agree with the record', async () => {
    for (let seed = 1; seed <= 150; seed++) {
        const world = new World(null, seed);
        const { server } = world;
        const pick = <T>(all: readonly T[]): T => all[Math.floor(world.random() * all.length)]!;
        const below = (n: number): number => Math.floor(world.random() * n);
        server.useSlots = world.random() < 0.5;
        server.sharesChunks = world.random() < 0.5;
        server.chunkSize = pick([0, 1, 3]);
        const someSelect = (): Selected[] => {
            const out: Selected[] = [];
            for (let n = below(4); n >= 0; n--) {
                const from = below(6);
                out.push(pick([
                    selected('title'), selected('m'), selected('m/x'), selected('l', from, from + 1 + below(4)), selected('l', 0, 3),
                    selected('l/@i2/t'), selected('l/@i3'), selected('m/list', from, from + 2), selected('l'), selected('n/deep'),
                ]));
            }
            return world.random() < 0.1 ? [] : out;
        };
        const asParts = (select: Selected[]) => () => select.map(s =>
            ({ path: pathText(s.path), window: [s.from, s.to] as const }));
        let wanted = normalForm(someSelect());
        const tab = world.tab();
        const board = tab.client.channel('board:1', { select: asParts([...wanted]) });
        const leaves = new Map<string, Json>();
        const where = `seed ${seed}`;
        void (async () => {
            for await (const c of board.changes()) replay(leaves, c, where);
        })();
        await world.wait(board.ready());
        let counter = 0;
        const list = (): string => pick(['l', 'l', 'l', 'm/list']);
        for (let i = 0; i < 60; i++) {
            const dice = world.random();
            const item = `i${below(7)}`;
            const there = (server.shown('board:1') as { [k: string]: { id: string }[] })['l'];
            if (dice < 0.35) server.append('board:1', 7, ++counter, body(insert(list(), item, `a${below(50)}`, pick([null, { t: i }, { t: { u: i } }]))));
            else if (dice < 0.5) server.append('board:1', 7, ++counter, body(op(OP_DELETE, pick([`l/@${item}`, `l/@${item}/t`, 'm', 'l', 'n', `m/list/@${item}`]))));
            else if (dice < 0.6) server.append('board:1', 7, ++counter, body(op(9, `l/@${item}`, { position: `a${below(50)}` })));
            else if (dice < 0.7) server.append('board:1', 7, ++counter, body(op(1, pick(['title', 'm/x', 'm/y', 'n/deep/er', 'n']), { value: i })));
            else if (dice < 0.75) tab.cut();
            else if (dice < 0.8) await world.advance(below(300));
            else if (dice < 0.87) {
                wanted = normalForm(someSelect());
                void board.select(asParts([...wanted])).catch(() => {});
            } else if (dice < 0.93 && there?.length) board.field(`l/@${there[below(there.length)]!.id}/t`).set(`own ${i}`);
            else for (let k = below(8); k > 0; k--) await Promise.resolve();
        }
        // What is still on its way arrives, and what it leads to.
        await world.advance(50);
        await world.wait(board.synced());
        await tick();
        const { roots, head } = server.channel('board:1');
        const shown = partial(roots[head]!, wanted);
        assert.deepEqual(board.value, shownJson(shown.root) ?? {}, `${where}, ${texts(wanted)}`);
        for (const [path, total] of shown.totals) assert.equal(board.list(path).total.value, total, where);
        for (const [path, value] of leaves) assert.deepEqual(board.field(path).value ?? null, value, `${where}: ${path}`);
    }
});
