import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { private_folder, Server, serve_folder } from './support/server.mjs';
import { until_equal } from './support/wait.mjs';

// Parts of a record, in a browser and with the real server: what is shown is what the record has there.

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const kCards = 60;
let script;
before(async () => {
    const { build } = createRequire(here('../../sdk/ts/package.json'))('esbuild');
    const contents = "import { connect } from './index.ts'; globalThis.tandem_connect = connect;";
    const result = await build({
        stdin: { contents, resolveDir: here('../../sdk/ts/src'), loader: 'ts' }, bundle: true, write: false, format: 'esm', target: 'es2022',
    });
    script = result.outputFiles[0].text;
});
after(end_browser);

async function page_of(t, server) {
    const folder = await private_folder(t);
    await writeFile(`${folder}/part.js`, script);
    await writeFile(`${folder}/index.html`, '<!doctype html><title>Part</title><link rel="icon" href="data:,"><script type="module" src="part.js"></script>');
    const context = await new_context(t);
    const page = await context.newPage();
    await page.goto(`${await serve_folder(t, folder)}/index.html`);
    await page.waitForFunction(() => 'tandem_connect' in globalThis);
    await page.evaluate((url) => {
        globalThis.client = globalThis.tandem_connect(url);
        // A selection as texts and windows, as a handle's functions make it.
        globalThis.parts = (select) => () => select.map(([path, from, to]) => ({ path, window: [from, to] }));
    }, server.url);
    return { context, page };
}

/** What the record shows of the parts: the same shape as the board of the page. */
function part_of(record, select) {
    const out = {};
    for (const [path, from, to] of select) {
        if (record[path] === undefined) continue;
        const items = to ? record[path].slice(from, to) : record[path];
        if (!to || items.length) out[path] = to && out[path] ? [...out[path], ...items] : items;
    }
    return out;
}
const sorted = (value) => JSON.parse(JSON.stringify(value, (_, v) => (v && typeof v === 'object' && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v)));

test('windows follow the list while others insert, move and remove, and while they are scrolled', async (t) => {
    const server = await Server.start(t);
    const insert = (i) => ({ op: 'insert', path: 'cards', at: 'last', value: { text: `card ${i}`, done: false } });
    await server.patch('board:part', [{ op: 'set', path: 'title', value: 'Long' }, { op: 'inc', path: 'votes', value: 3 }]);
    await server.patch('board:part', Array.from({ length: kCards }, (_, i) => insert(i)));
    const { context, page } = await page_of(t, server);
    const first = [['title', 0, 0], ['cards', 0, 10]];
    await page.evaluate((select) => {
        globalThis.board = globalThis.client.channel('board:part', { select: globalThis.parts(select) });
        return globalThis.board.ready();
    }, first);
    const shown = async () => sorted(await page.evaluate(() => globalThis.board.value));
    const wanted = async (select) => sorted(part_of(await server.record('part'), select));
    const total = () => page.evaluate(() => globalThis.board.list('cards').total.value);
    assert.deepEqual(await shown(), await wanted(first));
    assert.equal(await total(), kCards);

    let seed = 7;
    const below = (n) => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % n;
    const steps = [first, [['cards', 0, 20]], [['cards', 10, 30], ['votes', 0, 0]], [['title', 0, 0], ['cards', 5, 8], ['cards', 40, 50]], first];
    for (const select of steps) {
        const changed = page.evaluate((to) => globalThis.board.select(globalThis.parts(to)), select);
        for (let i = 0; i < 12; i++) {
            const ids = (await server.record('part')).cards.map(({ id }) => id);
            const path = `cards/@${ids[below(ids.length)]}`;
            const at = { after: ids[below(ids.length)] };
            const ops = [{ op: 'move', path, at }, { op: 'delete', path }, { ...insert(i), at }, { op: 'set', path: `${path}/text`, value: `${i}` }];
            await server.patch('board:part', [ops[path === `cards/@${at.after}` ? 3 : below(4)]]);
        }
        await changed;
        if (select === steps[2]) await page.evaluate(() => (globalThis.client.goOffline(), globalThis.client.goOnline()));
        const count = (await server.record('part')).cards.length;
        await until_equal('how many there are', total, count);
        const expected = await wanted(select);
        await until_equal(`the part ${JSON.stringify(select)}`, shown, expected);
    }
    assert.deepEqual(complaints(context), []);
});
