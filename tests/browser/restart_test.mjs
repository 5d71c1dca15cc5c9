import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assert_each_once, open_demo, open_pane, until_equal_everywhere } from './support/board.mjs';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Server, serve_pages_alone } from './support/server.mjs';
import { until, until_equal } from './support/wait.mjs';
import { edit_without_end, edits_of, end_edits } from './support/typist.mjs';

after(end_browser);

const kKills = 4;

test('a server killed while both sides type loses nothing and doubles nothing', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { ada, grace, panes } = await open_demo(context, server, 'restart');
    for (const pane of panes) await edit_without_end(pane);

    for (let kill = 1; kill <= kKills; kill++) {
        // Each kill meets pushes at another point of their way: the last rounds give the server hardly time to answer.
        const before = (await server.record('restart')).votes ?? 0;
        await until('edits arrive', async () => ((await server.record('restart')).votes ?? 0) > before + 20 / kill);
        await server.kill();
        const made = await edits_of(ada);
        await until('edits are made without the server', async () => (await edits_of(ada)).votes > made.votes + 5);
        await server.start();
    }
    const made = [];
    for (const pane of panes) made.push(await end_edits(pane));

    const record = await until_equal_everywhere(server, 'restart', [ada, grace]);
    assert.equal(record.votes, made[0].votes + made[1].votes, 'each vote counts once');
    assert_each_once(record.cards.map((card) => card.text), [...made[0].cards, ...made[1].cards], 'cards');
    for (const [i, pane] of panes.entries()) {
        const own = record.cards.map((card) => card.text).filter((text) => text.startsWith(pane.name));
        assert.deepEqual(own, made[i].cards, `the cards of ${pane.name} are in the order they were made`);
    }
    assert.deepEqual(complaints(context, { server_away: true }), []);
});

test('a server that is away is told, and one that is back is found without help', async (t) => {
    const server = await Server.start(t);
    const { ada, grace, panes } = await open_demo(await new_context(t), server, 'away');
    await server.kill();
    for (const pane of panes) await until('the pane knows', async () => (await pane.status()).link !== 'online');
    await ada.set_text('title-input', 'Written meanwhile');
    await ada.until_pending(1);
    assert.equal(await ada.by('pending-count').textContent(), '1');
    await server.start();
    await until_equal_everywhere(server, 'away', panes);
    assert.equal((await grace.shown()).title, 'Written meanwhile');
    for (const pane of panes) assert.equal(await pane.by('status').getAttribute('data-tone'), 'good');
});

test('a new device shows the whole board, and shows it again without the server', async (t) => {
    const server = await Server.start(t);
    const { ada, panes } = await open_demo(await new_context(t), server, 'cold');
    await ada.set_text('title-input', 'The whole board');
    await ada.set_text('decision-input', 'Decided');
    await ada.vote(2);
    await ada.by('tag-input').fill('first');
    await ada.by('tag-input').press('Enter');
    for (let i = 1; i <= 12; i++) await ada.add_card(`card ${i}`);
    const board = await until_equal_everywhere(server, 'cold', panes);

    const device = await new_context(t);
    const first = await open_pane(device, server, 'cold', 'Linus');
    await until_equal_everywhere(server, 'cold', [first.pane, ...panes]);
    await first.pane.until_copied((await server.state('cold')).seq);

    await first.page.close();
    await server.kill();
    const end_pages = await serve_pages_alone(t, server);
    const again = await open_pane(device, server, 'cold', 'Linus');
    await until_equal('the copy on the device', () => again.pane.shown(), board);
    assert.notEqual((await again.pane.status()).link, 'online');
    await again.pane.vote(1);
    assert.equal((await again.pane.shown()).votes, 3);
    await again.pane.until_pending(1);

    await end_pages();
    await server.start();
    await until_equal_everywhere(server, 'cold', [again.pane, ...panes]);
    assert.equal((await again.pane.shown()).votes, 3);
});
