import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assert_each_once, open_demo, until_equal_everywhere } from './support/board.mjs';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until, until_equal } from './support/wait.mjs';

after(end_browser);

const conflict_on = (pane, field) => pane.frame.locator(`[data-testid=conflict-row][data-path$="${field}"]`);

async function start_with_a_board(t, board) {
    const server = await Server.start(t);
    const context = await new_context(t);
    const demo = await open_demo(context, server, board);
    await demo.ada.set_text('title-input', 'Before');
    await demo.ada.set_text('decision-input', 'Undecided');
    await demo.ada.add_card('shared');
    await until_equal_everywhere(server, board, demo.panes);
    return { server, context, ...demo };
}

test('edits of both sides made offline merge, and the losing title can be restored', async (t) => {
    const { server, context, ada, grace, panes } = await start_with_a_board(t, 'merge');
    for (const pane of panes) await pane.switch_network(false);
    await until_equal('no socket', async () => (await server.connections()).length, 0);

    await ada.set_text('title-input', 'Title of Ada');
    await ada.vote(3);
    await ada.add_card('card of Ada');
    await grace.set_text('title-input', 'Title of Grace');
    await grace.vote(4);
    await grace.add_card('card of Grace');
    await (await grace.card_of('shared')).getByTestId('card-done').check();
    for (const pane of panes) assert.ok((await pane.status()).pending > 0);
    assert.equal((await ada.shown()).votes, 3);
    assert.equal((await server.record('merge')).votes ?? 0, 0, 'nothing was sent');

    for (const pane of panes) await pane.switch_network(true);
    const merged = await until_equal_everywhere(server, 'merge', panes);
    assert.equal(merged.votes, 7);
    assert_each_once(merged.cards.map((card) => card.text), ['shared', 'card of Ada', 'card of Grace'], 'cards');
    assert.ok(merged.cards.find((card) => card.text === 'shared').done);
    const titles = ['Title of Ada', 'Title of Grace'];
    assert.ok(titles.includes(merged.title), merged.title);
    const loser = titles.find((title) => title !== merged.title);
    for (const pane of panes) {
        const row = conflict_on(pane, 'title');
        await until('the conflict is shown', () => row.isVisible());
        assert.equal(await row.getByTestId('conflict-shown').textContent(), merged.title);
        assert.deepEqual(await row.getByTestId('conflict-loser').allTextContents(), [loser]);
    }

    await conflict_on(ada, 'title').getByTestId('conflict-restore').click();
    for (const pane of panes) {
        await until_equal('the restored title', async () => (await pane.shown()).title, loser);
        await until('the conflict is closed', async () => (await conflict_on(pane, 'title').count()) === 0);
    }
    assert.equal((await until_equal_everywhere(server, 'merge', panes)).title, loser);
    assert.deepEqual(complaints(context), []);
});

test('a field that people must decide stays flagged until somebody keeps a value', async (t) => {
    const { server, context, ada, grace, panes } = await start_with_a_board(t, 'decide');
    for (const pane of panes) {
        assert.ok(await pane.by('decision-flag').isHidden());
        await pane.switch_network(false);
    }
    await ada.set_text('decision-input', 'By train');
    await grace.set_text('decision-input', 'By boat');
    for (const pane of panes) await pane.switch_network(true);
    const merged = await until_equal_everywhere(server, 'decide', panes);
    for (const pane of panes) await until('the flag', () => pane.by('decision-flag').isVisible());

    // Still flagged for who comes later, and after other edits.
    await grace.vote(1);
    const { ada: later } = await open_demo(context, server, 'decide');
    await until('the flag', () => later.by('decision-flag').isVisible());

    await conflict_on(grace, 'decision').getByTestId('conflict-keep').click();
    for (const pane of [...panes, later]) {
        await until('the flag is gone', () => pane.by('decision-flag').isHidden());
        await until('the conflict is closed', async () => (await conflict_on(pane, 'decision').count()) === 0);
    }
    assert.equal((await until_equal_everywhere(server, 'decide', [...panes, later])).decision, merged.decision);
    assert.deepEqual(complaints(context), []);
});

test('deleting a card offline does not delete what the other side wrote into it', async (t) => {
    const { server, ada, grace, panes } = await start_with_a_board(t, 'revive');
    for (const pane of panes) await pane.switch_network(false);
    await (await ada.card_of('shared')).getByTestId('card-delete').click();
    await until_equal('the card is gone', () => ada.texts(), []);
    await (await grace.card_of('shared')).getByTestId('card-text').fill('shared, and kept');
    await grace.until_pending(1);
    for (const pane of panes) await pane.switch_network(true);
    const merged = await until_equal_everywhere(server, 'revive', panes);
    assert.deepEqual(merged.cards.map((card) => card.text), ['shared, and kept']);
});
