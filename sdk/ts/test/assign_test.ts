import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wholeOf } from '../src/assign.js';
import { decodeOps } from '../src/ops.js';
import { pathText } from '../src/path.js';
import type { Json } from '../src/value.js';
import { Board } from './support/board.js';
import { World } from './support/world.js';

const NAMES = ['', 'set', 'delete', 'assign', 'inc', 'counter_set', 'add', 'remove', 'insert', 'move'];
/** What the pushes since the given one were made of. */
function pushed(world: World, since: number): string[] {
    const bodies = world.server.frames(4).slice(since).map(f => decodeOps(f[6] as Uint8Array));
    return bodies.flat().map(o => `${NAMES[o.kind]} ${pathText(o.path)}${o.base.seq ? ` @${o.base.seq}` : ''}`);
}

test('an object that is written back makes the edits that it differs by, with the base of its reading', async () => {
    const world = new World();
    const board = world.tab().client.channel(Board, '1');
    await world.wait(board.ready());
    const { title, cards } = board.fields;
    board.transact(() => {
        title.set('A');
        board.fields.price.set(1);
        for (const text of ['a', 'b', 'c', 'd']) cards.insert({ text, done: false });
        board.fields.tags.add('x');
        board.fields.votes.add(5);
    });
    await world.wait(board.synced());
    const whole = wholeOf(board);
    assert.equal(wholeOf(board), whole);
    const mine = whole.read();
    const other = world.tab().client.channel(Board, '1');
    await world.wait(other.ready());
    other.fields.price.set(9);
    other.fields.votes.add(2);
    const late = other.fields.cards.insert({ text: 'late', done: false });
    await world.wait(other.synced());
    await world.until(() => board.fields.price.value === 9);
    const count = world.server.frames(4).length;
    const [a, b, c, d] = mine.cards;
    await world.wait(whole.assign({
        ...mine, title: 'B', votes: 6, tags: new Set(['y']),
        cards: [d!, a!, { ...c!, done: true }, { id: 'new', text: 'n', done: false }],
    }).committed());
    const at = (id: string): string => `cards/@${id}`;
    assert.deepEqual(pushed(world, count), [
        'set title @1', 'inc votes @1', 'remove tags @1', 'add tags @1', `delete ${at(b!.id)} @1`, `move ${at(d!.id)} @1`,
        `set ${at(c!.id)}/done @1`, 'insert cards/@new @1',
    ]);
    assert.equal(board.fields.price.value, 9, 'what was not changed here stays as others have it');
    assert.equal(board.fields.votes.value, 8);
    assert.deepEqual(cards.value.map(x => x.text).sort(), ['a', 'c', 'd', 'late', 'n']);
    assert.ok(cards.item(late.id).exists);
    // Saved again without reading: only what is new.
    await world.wait(whole.assign({
        ...mine, title: 'C', votes: 6, tags: new Set(['y']),
        cards: [d!, a!, { ...c!, done: true }, { id: 'new', text: 'n', done: false }],
    }).committed());
    assert.deepEqual(pushed(world, count + 1), ['set title @1']);
    const entries = world.server.channel('board:1').log.length;
    whole.assign(whole.read());
    await world.wait(board.synced());
    assert.equal(world.server.channel('board:1').log.length, entries, 'what did not change is no entry');
    assert.throws(() => whole.assign({ ...whole.read(), cards: [a!, a!] }), { code: 'wrong_type' });
});

test('without a schema the values and what is there tell how they are kept', async () => {
    const world = new World();
    const board = world.tab().client.channel('board:1');
    await world.wait(board.ready());
    board.counter('n').add(3);
    board.set('tags').add('x');
    board.field('json').set({ kept: { whole: 1 } });
    await world.wait(board.synced());
    const whole = wholeOf(board);
    whole.read();
    const count = world.server.frames(4).length;
    await world.wait(whole.assign({
        n: 5, tags: ['x', 'y'], json: { kept: { whole: 2 } }, deep: { a: { b: 1 }, list: [{ id: 'i', t: 1, inner: { u: 2 } }] }, plain: [1, [2]],
    }).committed());
    assert.deepEqual(pushed(world, count).sort(), [
        'add tags @1', 'inc n @1', 'insert deep/list/@i @1', 'set deep/a/b @1', 'set deep/list/@i/inner/u @1', 'set json @1', 'set plain @1',
    ].map(text => text.replace('@1', `@${world.server.channel('board:1').log.length - 1}`)).sort());
    await world.wait(whole.assign({ deep: { a: {} } }).committed());
    assert.deepEqual(board.value, { deep: { a: {} } });
});

test('any object becomes what is shown, and lists move as little as they can', async () => {
    for (let seed = 1; seed <= 80; seed++) {
        const world = new World(null, seed);
        const pick = <T>(all: readonly T[]): T => all[Math.floor(world.random() * all.length)]!;
        const list = (depth: number): Json[] => ['a', 'b', 'c', 'd', 'e', 'f', 'g'].filter(() => world.random() < 0.6)
            .map(id => [world.random(), id] as const).sort((x, y) => x[0] - y[0]).map(([, id]) => ({ id, ...(object(depth) as object) }));
        const object = (depth: number): Json => {
            const out: Record<string, Json> = {};
            for (const key of ['p', 'q', 'r', 's'])
                if (world.random() < 0.6)
                    out[key] = depth === 0 ? pick<Json>([1, 'x', null, [1, 2]]) : pick<() => Json>([() => 2, () => 'y', () => object(depth - 1), () => list(depth - 1)])();
            return out;
        };
        const tidy = (value: Json): Json => {
            if (Array.isArray(value)) return value.map(v => tidy(v as Json));
            if (typeof value !== 'object' || value === null) return value;
            return Object.fromEntries(Object.entries(value).filter(([, v]) => !Array.isArray(v) || v.length).map(([k, v]) => [k, tidy(v as Json)]).sort());
        };
        const board = world.tab().client.channel('board:1');
        await world.wait(board.ready());
        const whole = wholeOf(board);
        for (let i = 0; i < 8; i++) {
            const wanted = { top: 1, l: list(1), ...(object(2) as object) };
            const before = (whole.read() as { l?: { id: string }[] }).l ?? [];
            const count = world.server.frames(4).length;
            whole.assign(wanted);
            await world.wait(board.synced());
            // Lists that are empty and lists that are not there are the same.
            assert.deepEqual(JSON.stringify(tidy(board.value)), JSON.stringify(tidy(wanted)), `seed ${seed}.${i}`);
            const kept = (wanted.l as { id: string }[]).map(x => before.findIndex(y => y.id === x.id)).filter(n => n >= 0);
            const best = kept.map(() => 1);
            kept.forEach((n, at) => kept.slice(0, at).forEach((m, k) => m < n && (best[at] = Math.max(best[at]!, best[k]! + 1))));
            const moves = pushed(world, count).filter(text => /^move l\/@.$/.test(text.replace(/ @\d+$/, ''))).length;
            assert.equal(moves, kept.length - Math.max(0, ...best), `seed ${seed}.${i}: moves`);
        }
    }
});
