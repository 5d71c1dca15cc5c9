import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { private_folder, Server, serve_folder } from './support/server.mjs';
import { until, until_equal } from './support/wait.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
let script;
before(async () => {
    const { build } = createRequire(here('../../sdk/react/package.json'))('esbuild');
    const result = await build({
        entryPoints: [here('support/react_page.mjs')], bundle: true, write: false, format: 'esm', target: 'es2022',
        nodePaths: [here('../../sdk/react/node_modules')], define: { 'process.env.NODE_ENV': '"development"' },
        alias: { '@tandem/client': here('../../sdk/ts/src/index.ts'), '@tandem/react': here('../../sdk/react/src/index.ts') },
    });
    script = result.outputFiles[0].text;
});
after(end_browser);

/** The address of the application, which is served from somewhere else than the server. */
async function serve(t) {
    const folder = await private_folder(t);
    await writeFile(`${folder}/react.js`, script);
    await writeFile(`${folder}/index.html`, '<!doctype html><title>React</title><link rel="icon" href="data:,"><body></body><script type="module" src="react.js"></script>');
    return serve_folder(t, folder);
}
async function open(context, address, server, query) {
    const page = await context.newPage();
    await page.goto(`${address}/index.html?server=${server.url}&${query}`);
    const text = (id) => page.getByTestId(id).textContent();
    const cards = () => page.getByTestId('card').allTextContents();
    return { page, by: (id) => page.getByTestId(id), text, cards };
}

test('two React pages are in step, in StrictMode', async (t) => {
    const server = await Server.start(t);
    const address = await serve(t);
    const context = await new_context(t);
    const ada = await open(context, address, server, 'name=Ada');
    const grace = await open(await new_context(t), address, server, 'name=Grace');
    await ada.by('title').fill('Plan');
    await until_equal('the title', () => grace.by('title').inputValue(), 'Plan');
    for (const page of [ada, grace, ada]) await page.by('vote').click();
    for (const page of [ada, grace]) await until_equal('the votes', () => page.text('vote'), '3');
    await ada.by('add').click();
    await until_equal('a card', () => grace.cards(), ['card 0']);
    await grace.by('add').click();
    await until_equal('two cards', () => ada.cards(), ['card 0', 'card 1']);
    await grace.by('card').first().click();
    await until_equal('one card', () => ada.cards(), ['card 1']);
    await grace.by('title').focus();
    await until_equal('where Grace is', () => ada.text('others'), 'Grace title');
    await until('all is saved', () => ada.page.locator('main[data-synced=true]').isVisible());
    const { value } = await server.state('react');
    assert.deepEqual([value.title, value.votes, value.cards.length], ['Plan', 3, 1]);
    assert.equal((await server.connections()).length, 2, 'one connection per page');
    assert.deepEqual(complaints(context), []);
});

test('Suspense shows its fallback until the record is there, and skip subscribes to nothing', async (t) => {
    const server = await Server.start(t);
    await server.patch('board:react', [{ op: 'set', path: 'title', value: 'here' }]);
    await server.patch('board:react-other', [{ op: 'set', path: 'title', value: 'there' }]);
    const { page, by, text } = await open(await new_context(t), await serve(t), server, 'name=Ada&offline=1');
    await until_equal('the fallback', () => text('fallback'), 'waits');
    await until_equal('the link', () => text('link'), 'offline');
    assert.equal(await by('title').count(), 0);
    await page.evaluate(() => globalThis.go_online());
    await until_equal('the title', () => by('title').inputValue(), 'here');
    assert.equal(await by('fallback').count(), 0);
    assert.equal(await text('skipped'), 'nothing');
    await by('other').click();
    await until_equal('the other title', () => text('skipped'), 'there');
});
