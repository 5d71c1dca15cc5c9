import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { private_folder, Server, serve_folder } from './support/server.mjs';
import { until } from './support/wait.mjs';

// The applications in examples/, built and started as their users would.

const kExamples = fileURLToPath(new URL('../../examples/', import.meta.url));
after(end_browser);

test('the to-do list: two windows agree, also about what was done offline', async (t) => {
    const folder = `${kExamples}vite-todo`;
    const server = await Server.start(t, ['--config', `${folder}/tandem.toml`]);
    const out = await private_folder(t);
    await promisify(execFile)('npx', ['vite', 'build', '--base', './', '--outDir', out, '--emptyOutDir', '--logLevel', 'warn'], {
        cwd: folder, env: { ...process.env, VITE_TANDEM: server.url },
    });
    const url = `${await serve_folder(t, out)}/index.html#groceries`;
    const context = await new_context(t);
    const [ada, grace] = [await context.newPage(), await context.newPage()];
    const texts = (page) => page.locator('#items input[type=text]').evaluateAll((all) => all.map((input) => input.value));
    const until_both = (what, wanted) =>
        until(what, async () => JSON.stringify([await texts(ada), await texts(grace)]) === JSON.stringify([wanted, wanted]));
    const add = async (page, text) => {
        await page.fill('#text', text);
        await page.press('#text', 'Enter');
    };
    for (const page of [ada, grace]) await page.goto(url);
    for (const page of [ada, grace]) await until('it is connected', async () => (await page.textContent('#status')) === 'Saved');

    await add(ada, 'Milk');
    await until_both('the item is in both windows', ['Milk']);
    await grace.locator('#items input[type=checkbox]').check();
    await until('Ada sees that it is done', () => ada.locator('#items li.done').count());
    await until('they know of each other', async () => /with Guest/.test(await ada.textContent('#others')));

    await server.kill();
    for (const page of [ada, grace]) await until('it knows', async () => /Offline/.test(await page.textContent('#status')));
    await add(ada, 'Tea');
    await add(grace, 'Bread');
    for (const [page, title] of [[ada, 'Shopping'], [grace, 'Errands']]) {
        await page.fill('#title', title);
        await page.locator('#title').blur();
        await until('its edits wait', async () => (await page.textContent('#status')) === 'Offline, 2 waiting');
    }
    await server.start();
    for (const page of [ada, grace]) await until('all is saved', async () => (await page.textContent('#status')) === 'Saved');
    await until('both items are in both windows', async () => (await texts(ada)).length === 3);
    assert.deepEqual((await texts(ada)).slice().sort(), ['Bread', 'Milk', 'Tea']);
    await until_both('in the same order', await texts(ada));
    const shown = await ada.inputValue('#title');
    const lost = shown === 'Shopping' ? 'Errands' : 'Shopping';
    await until('the other title can be restored', () => grace.locator('#conflicts button').count());
    assert.match(await grace.textContent('#conflicts'), new RegExp(lost));
    await grace.locator('#conflicts button').click();
    for (const page of [ada, grace]) await until('it is restored', async () => (await page.inputValue('#title')) === lost);
    assert.deepEqual(complaints(context, { server_away: true }), []);
});

test('the poll: votes add up, whoever was offline, and the page is drawn by React', async (t) => {
    const folder = `${kExamples}react-poll`;
    const server = await Server.start(t, ['--config', `${folder}/tandem.toml`]);
    const run = (program, args, cwd) => promisify(execFile)(program, args, { cwd, env: { ...process.env, VITE_TANDEM: server.url } });
    await run(process.execPath, ['tools/build.mjs'], `${kExamples}../sdk/react`);
    const out = await private_folder(t);
    await run('npx', ['vite', 'build', '--base', './', '--outDir', out, '--emptyOutDir', '--logLevel', 'warn'], folder);
    const url = `${await serve_folder(t, out)}/index.html#lunch`;
    const context = await new_context(t);
    const [ada, grace] = [await context.newPage(), await context.newPage()];
    for (const page of [ada, grace]) await page.goto(url);
    const status = (page) => page.textContent('[role=status]');
    for (const page of [ada, grace]) await until('it is connected', async () => (await status(page)) === 'Saved');
    const shown = (page) => page.locator('#answers li').evaluateAll((all) =>
        all.map((row) => `${row.querySelector('input').value} ${row.querySelector('output').textContent}`));
    const until_both = (what, wanted) =>
        until(what, async () => JSON.stringify([await shown(ada), await shown(grace)]) === JSON.stringify([wanted, wanted]));

    await ada.fill('#question', 'Where do we eat?');
    for (const text of ['Soup', 'Rice']) {
        await ada.fill('#text', text);
        await ada.press('#text', 'Enter');
    }
    await until_both('both answers are in both windows', ['Soup 0', 'Rice 0']);
    await until('the question is there', async () => (await grace.inputValue('#question')) === 'Where do we eat?');
    await until('they know of each other', async () => /with Guest/.test(await ada.textContent('#others')));
    const vote = (page, text) => page.getByRole('button', { name: `Vote for ${text}` }).click();
    await vote(ada, 'Soup');
    await vote(grace, 'Soup');
    await until_both('both votes count', ['Soup 2', 'Rice 0']);

    await server.kill();
    for (const page of [ada, grace]) await until('it knows', async () => /Offline/.test(await status(page)));
    for (const page of [ada, grace, grace]) await vote(page, 'Rice');
    for (const [page, text] of [[ada, 'Where today?'], [grace, 'Where tomorrow?']]) await page.fill('#question', text);
    await until('her edits wait', async () => /^Offline, [3-9]/.test(await status(grace)));
    await server.start();
    await until_both('all votes count', ['Soup 2', 'Rice 3']);
    for (const page of [ada, grace]) await until('all is saved', async () => (await status(page)) === 'Saved');
    const question = await ada.inputValue('#question');
    const lost = question === 'Where today?' ? 'Where tomorrow?' : 'Where today?';
    await until('the other question can be restored', async () => (await grace.textContent('#conflicts')).includes(lost));
    await grace.locator('#conflicts li', { hasText: lost }).getByRole('button').click();
    for (const page of [ada, grace]) await until('it is restored', async () => (await page.inputValue('#question')) === lost);
    assert.deepEqual(complaints(context, { server_away: true }), []);
});

test('the stock: orders never take more than there is, whoever else counts', async (t) => {
    const folder = `${kExamples}node-stock`;
    const server = await Server.start(t, ['--config', `${folder}/tandem.toml`]);
    await server.patch('stock:main', [
        { op: 'set', path: 'goods/tea/name', value: 'Tea' }, { op: 'set', path: 'goods/tea/price', value: 3 }, { op: 'inc', path: 'goods/tea/count', value: 20 },
    ]);
    const child = spawn(process.execPath, ['main.mjs'], {
        cwd: folder, env: { ...process.env, TANDEM: server.url, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const lines = [];
    createInterface(child.stdout).on('line', (line) => lines.push(line));
    const url = await until('it takes orders', () => lines.map((line) => /orders on (\S+)/.exec(line)?.[1]).find(Boolean));
    const order = async (good, amount) => {
        const answer = await fetch(`${url}/orders`, { method: 'POST', body: JSON.stringify({ good, amount }) });
        return { status: answer.status, ...(await answer.json()) };
    };

    const first = await order('tea', 2);
    assert.deepEqual([first.status, first.total, first.left], [201, 6, 18]);
    assert.equal((await order('tea', 0)).status, 400);
    assert.equal((await order('gold', 1)).status, 400);
    // Ten customers at once want 30 of 18, while a person counts three more in.
    const all = await Promise.all([...Array.from({ length: 10 }, () => order('tea', 3)), server.patch('stock:main', [{ op: 'inc', path: 'goods/tea/count', value: 3 }])]);
    const sold = all.filter(({ status }) => status === 201).length * 3;
    assert.ok(all.slice(0, 10).every(({ status }) => [201, 409, 503].includes(status)), JSON.stringify(all));
    assert.ok(sold > 0 && sold <= 21, `${sold} were sold`);
    const { goods } = (await server.get(`channels/${encodeURIComponent('stock:main')}/record`)).value;
    assert.equal(goods.tea.count, 21 - sold, 'what was sold has gone, and nothing else');

    child.kill('SIGTERM');
    await until('it ends by itself', () => child.exitCode === 0);
});
