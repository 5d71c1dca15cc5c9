import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { end_browser, new_context } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { StrictProxy } from './support/strict_proxy.mjs';
import { until, until_equal } from './support/wait.mjs';

after(end_browser);

/** A page behind the proxy whose client follows a board; what it saw of `votes` is in `seen`. */
async function open_page(context, proxy, board, { from = proxy.url, token = '' } = {}) {
    const page = await context.newPage();
    await page.goto(`${from}/page`);
    await page.evaluate(async ([name, url, token]) => {
        const { f } = await import('/sdk/index.js');
        const { connect, transportOf } = await import('/sdk/fallback.js');
        const Board = { namespace: 'board', fields: { title: f.string(), votes: f.counter() } };
        const client = connect(url, token ? { token: () => token } : {});
        const channel = client.channel(Board, name);
        const seen = [];
        channel.fields.votes.subscribe((votes) => seen.push(votes));
        Object.assign(window, { client, channel, seen, transport: () => transportOf(client).value });
    }, [board, proxy.url, token]);
    const vote = () => page.evaluate(() => window.channel.fields.votes.add(1).committed({ signal: AbortSignal.timeout(60_000) }));
    return {
        page, vote,
        transport: () => page.evaluate(() => window.transport()),
        votes: () => page.evaluate(() => window.channel.fields.votes.value),
        seen: () => page.evaluate(() => window.seen),
    };
}

test('pages behind a proxy that refuses upgrades work together', async (t) => {
    const server = await Server.start(t);
    const proxy = await StrictProxy.start(t, server);
    const context = await new_context(t);
    const [ada, grace] = [await open_page(context, proxy, 'strict'), await open_page(context, proxy, 'strict')];
    for (let i = 0; i < 5; ++i) {
        await ada.vote();
        await grace.vote();
    }
    await ada.page.evaluate(() => window.channel.fields.title.set('Behind a proxy'));
    await until_equal('the title', () => grace.page.evaluate(() => window.channel.fields.title.value), 'Behind a proxy');
    for (const pane of [ada, grace]) {
        await until_equal('the votes', () => pane.votes(), 10);
        assert.deepEqual(await pane.transport(), { by: 'http' });
    }
    assert.equal((await server.record('strict')).votes, 10);
    assert.ok(proxy.upgrades >= 2 && proxy.streams === 2);

    // Long answers are cut, answers to POSTs get lost, and the server is killed; nothing is missed or doubled.
    for (let i = 0; i < 3; ++i) {
        proxy.cut_streams();
        await ada.vote();
    }
    proxy.loses_answers = true;
    await ada.vote();
    proxy.loses_answers = false;
    await grace.vote();
    await server.kill();
    await ada.page.evaluate(() => void window.channel.fields.votes.add(1));
    await server.start();
    await ada.page.evaluate(() => window.channel.synced({ signal: AbortSignal.timeout(60_000) }));
    for (const pane of [ada, grace]) {
        await until_equal('the votes', () => pane.votes(), 16);
        const seen = await pane.seen();
        assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => (a ?? -1) - (b ?? -1)), 'upwards, each once');
    }
    assert.equal((await server.record('strict')).votes, 16);

    // Who closes its page is gone at once.
    const connections = async () => (await server.get('connections')).connections.length;
    await until_equal('both are there', connections, 2);
    await grace.page.close({ runBeforeUnload: true });
    await until_equal('one is there', connections, 1);
});

test('a page finds its way back to a WebSocket when its network changes', async (t) => {
    const server = await Server.start(t);
    const proxy = await StrictProxy.start(t, server);
    const pane = await open_page(await new_context(t), proxy, 'change');
    await pane.vote();
    assert.deepEqual(await pane.transport(), { by: 'http' });
    proxy.is_tolerant = true;
    await pane.page.evaluate(() => dispatchEvent(new Event('online')));
    await until('a WebSocket', async () => (await pane.transport()).by === 'websocket');
    await pane.vote();
    assert.equal((await server.record('change')).votes, 2);
    await until('the stream is closed', () => proxy.streams === 0);
});

test('more pages than a browser has connections for do not stand in each other\'s way', async (t) => {
    const server = await Server.start(t);
    const proxy = await StrictProxy.start(t, server);
    const context = await new_context(t);
    const panes = [];
    for (let i = 0; i < 4; ++i) {
        panes.push(await open_page(context, proxy, 'many'));
        await panes[i].vote();
    }
    const last = await open_page(context, proxy, 'many');
    await until_equal('the trouble', () => last.transport(), { by: 'none', trouble: 'crowded' });
    for (const pane of panes) await pane.vote();
    assert.equal((await server.record('many')).votes, 8);
    await last.page.evaluate(() => void window.channel.fields.votes.add(1));
    await panes[0].page.close();
    await last.page.evaluate(() => window.channel.synced({ signal: AbortSignal.timeout(60_000) }));
    assert.deepEqual(await last.transport(), { by: 'http' });
    assert.equal((await server.record('many')).votes, 9);

    // What one page of a tab has found out the next one need not.
    const upgrades = proxy.upgrades;
    await panes[1].page.reload();
    await panes[1].page.evaluate(async () => {
        const { connect } = await import('/sdk/fallback.js');
        const channel = connect(location.origin).channel('board:many');
        await channel.synced({ signal: AbortSignal.timeout(60_000) });
    });
    assert.equal(proxy.upgrades, upgrades);
});

test('a page of another origin shows its token and is let in', async (t) => {
    const server = await Server.start(t, ['--auth.mode', 'required']);
    const [proxy, other] = [await StrictProxy.start(t, server), await StrictProxy.start(t, server)];
    const token = server.token('ann', 'board:*=read,write,presence');
    const pane = await open_page(await new_context(t), proxy, 'origin', { from: other.url, token });
    await pane.vote();
    await pane.vote();
    assert.deepEqual(await pane.transport(), { by: 'http' });
    await until_equal('the votes', () => pane.votes(), 2);
    assert.ok(proxy.addresses.every((address) => !address.includes(token)), 'not in an address');
});

test('a page tells of a proxy that keeps back what the server sends', async (t) => {
    const server = await Server.start(t);
    const proxy = await StrictProxy.start(t, server);
    proxy.buffers = true;
    const pane = await open_page(await new_context(t), proxy, 'buffers');
    await until_equal('the trouble', () => pane.transport(), { by: 'none', trouble: 'buffered' });
    proxy.buffers = false;
    await pane.vote();
    assert.deepEqual(await pane.transport(), { by: 'http' });
    assert.ok(proxy.addresses.every((address) => !/[?&](?!protocol=)/.test(address)), 'nothing is told in an address');
});
