import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assert_each_once, open_pane, until_equal_everywhere } from './support/board.mjs';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until, until_equal } from './support/wait.mjs';

after(end_browser);

async function open_tabs(t, board, names) {
    const server = await Server.start(t);
    const context = await new_context(t);
    const tabs = [];
    for (const name of names) tabs.push(await open_pane(context, server, board, name));
    await until_equal_everywhere(server, board, tabs.map((tab) => tab.pane));
    return { server, context, tabs };
}
const held_locks = (pane) => pane.frame.evaluate(async () => (await navigator.locks.query()).held.length);

test('each tab of a profile has an outbox and a socket of its own', async (t) => {
    const { server, context, tabs } = await open_tabs(t, 'tabs', ['Ada', 'Grace', 'Linus']);
    await until_equal('three sockets', async () => (await server.connections()).length, 3);
    assert.equal(await held_locks(tabs[0].pane), 3);
    for (const [i, { pane }] of tabs.entries()) {
        await pane.vote(i + 1);
        await pane.add_card(`card of ${pane.name}`);
    }
    const board = await until_equal_everywhere(server, 'tabs', tabs.map((tab) => tab.pane));
    assert.equal(board.votes, 6);
    assert_each_once(board.cards.map((card) => card.text), ['card of Ada', 'card of Grace', 'card of Linus'], 'cards');
    assert.deepEqual(complaints(context), []);
});

test('what a closed tab left unsent is sent once by a tab that is still open', async (t) => {
    const { server, context, tabs } = await open_tabs(t, 'adopt', ['Ada', 'Grace', 'Linus']);
    const [ada, grace, linus] = tabs;
    await linus.pane.switch_network(false);
    await linus.pane.vote(4);
    await linus.pane.add_card('left behind');
    await linus.pane.until_pending(5);
    await linus.pane.until_stored(5);
    await linus.page.close();

    // The tabs look for outboxes without an owner from time to time.
    for (const { pane } of [ada, grace]) {
        await until_equal('the card', () => pane.texts(), ['left behind'], 90_000);
    }
    const board = await until_equal_everywhere(server, 'adopt', [ada.pane, grace.pane]);
    assert.equal(board.votes, 4);
    await ada.pane.until_stored(0);
    assert.deepEqual(complaints(context), []);
});

test('a tab opened after one was closed sends what that one left', async (t) => {
    const { server, tabs } = await open_tabs(t, 'heir', ['Ada', 'Grace']);
    const [ada, grace] = tabs;
    await grace.pane.switch_network(false);
    await grace.pane.vote(2);
    await grace.pane.until_stored(2);
    await grace.page.close();
    await until('the lock is free', async () => (await held_locks(ada.pane)) === 1);
    const linus = await open_pane(ada.page.context(), server, 'heir', 'Linus');
    const board = await until_equal_everywhere(server, 'heir', [ada.pane, linus.pane]);
    assert.equal(board.votes, 2);
    await linus.pane.until_stored(0);
});
