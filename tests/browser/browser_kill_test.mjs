import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert_each_once, open_pane, until_equal_everywhere } from './support/board.mjs';
import { complaints, has_dropped_database, kill_browser, launch_profile } from './support/browser.mjs';
import { private_folder, serve_pages_alone, Server } from './support/server.mjs';
import { edit_without_end } from './support/typist.mjs';
import { until } from './support/wait.mjs';

const kBoard = 'kill';

async function open_profile(t, profile, server, name) {
    const browser = await launch_profile(profile);
    t.after(() => kill_browser(browser));
    return { browser, ...(await open_pane(browser.context, server, kBoard, name)) };
}

test('edits that wait on the device survive the end of the browser, each once', async (t) => {
    const server = await Server.start(t);
    const profile = await private_folder(t);
    let votes = 0;
    const cards = [];
    for (let round = 1; round <= 3; round++) {
        const { browser, pane } = await open_profile(t, profile, server, 'Ada');
        await until_equal_everywhere(server, kBoard, [pane]);
        await server.kill();
        await until('the pane knows', async () => (await pane.status()).link !== 'online');
        await pane.vote(round);
        votes += round;
        for (let i = 1; i <= 2; i++) {
            cards.push(`round ${round} card ${i}`);
            await pane.add_card(cards.at(-1));
        }
        await pane.set_text('title-input', `Round ${round}`);
        const waiting = round + 3;
        await pane.until_pending(waiting);
        await pane.until_stored(waiting);
        await kill_browser(browser);
        await server.start();
    }
    const { browser, pane } = await open_profile(t, profile, server, 'Ada');
    const board = await until_equal_everywhere(server, kBoard, [pane]);
    assert.equal(board.title, 'Round 3');
    assert.equal(board.votes, votes);
    assert.deepEqual(board.cards.map((card) => card.text), cards, 'each card once, in the order they were made');
    await pane.until_stored(0);
    await kill_browser(browser);
});

/** Of the first `count` edits of a typist, how many are votes and how many cards: every fourth is a card. */
const parts_of = (count) => ({ votes: count - Math.floor(count / 4), cards: Math.floor(count / 4) });

const kRounds = [
    'while it types', 'without the server', 'while the server takes what waited', 'together with the server', 'while it types',
    'again as soon as it is opened',
];

test('a browser killed at any moment loses nothing that was in its outbox and doubles nothing', async (t) => {
    const server = await Server.start(t);
    const profile = await private_folder(t);
    let votes_before = 0;
    let last;

    /** What a round left: the first so many of its edits, in their order, and at least those that were stored. */
    const judge = async (board, pane) => {
        if (!last) return;
        const { tag, safe } = last;
        const own = board.cards.map((card) => card.text).filter((text) => text.startsWith(`${tag} card`));
        const votes = board.votes - votes_before;
        votes_before = board.votes;
        assert.deepEqual(own, own.map((_, i) => `${tag} card ${i + 1}`), `${tag}: cards come once, in order, without a hole`);
        const arrived = votes + own.length;
        assert.deepEqual({ votes, cards: own.length }, parts_of(arrived), `${tag}: votes count once, in order with the cards`);
        if (last.dropped || (await has_dropped_database(profile))) {
            t.diagnostic(`${tag}: Chromium dropped its database; ${safe} edits were stored, ${arrived} arrived`);
            return;
        }
        const now = { ...(await pane.status()), ...(await pane.outbox()), complaints: complaints(pane.frame.page().context()) };
        assert.ok(arrived >= safe, `${tag}: ${safe} edits were safe, ${arrived} arrived; now: ${JSON.stringify(now)}`);
        assert.ok(safe >= last.wanted, `${tag}: only ${safe} edits were made`);
    };

    for (const [i, kind] of kRounds.entries()) {
        const { browser, pane } = await open_profile(t, profile, server, 'Ada');
        await judge(await until_equal_everywhere(server, kBoard, [pane]), pane);
        await pane.until_stored(0);
        const { ever } = await pane.outbox();
        const tag = `round ${i + 1}`;
        await edit_without_end(pane, `${tag} card`);
        const votes = async () => (await server.record(kBoard)).votes ?? 0;
        await until('edits arrive', async () => (await votes()) > votes_before + 15);
        if (kind !== 'while it types') {
            await server.kill();
            const wanted = kind === 'together with the server' ? 1 : 40;
            await until('edits wait', async () => (await pane.outbox()).waiting >= wanted);
        }
        if (kind === 'while the server takes what waited') {
            await server.start();
            await until('some of what waited has arrived', async () => (await votes()) > votes_before + 25);
        }
        last = { tag, safe: (await pane.outbox()).ever - ever, wanted: 15 };
        await kill_browser(browser);
        if (!server.is_running) await server.start();
        if (kind === 'again as soon as it is opened') {
            const again = await launch_profile(profile);
            t.after(() => kill_browser(again));
            const page = await again.context.newPage();
            const before = await votes();
            await page.goto(`${server.url}/pane.html?name=Ada#${kBoard}`);
            await until('it sends what waited', async () => (last.dropped = await has_dropped_database(profile)) || (await votes()) > before);
            await kill_browser(again);
        }
    }
    const { browser, pane } = await open_profile(t, profile, server, 'Ada');
    await judge(await until_equal_everywhere(server, kBoard, [pane]), pane);
    await pane.until_stored(0);
    await kill_browser(browser);
});

test('all tabs of a killed browser are inherited by the first one opened after it', async (t) => {
    const server = await Server.start(t);
    const profile = await private_folder(t);
    const { browser, pane: ada } = await open_profile(t, profile, server, 'Ada');
    const { pane: grace } = await open_pane(browser.context, server, kBoard, 'Grace');
    const { pane: linus } = await open_pane(browser.context, server, kBoard, 'Linus');
    const tabs = [ada, grace, linus];
    await ada.add_card('shared');
    await until_equal_everywhere(server, kBoard, tabs);
    await server.kill();
    for (const [i, pane] of tabs.entries()) {
        await pane.frame.page().bringToFront();
        await pane.vote(i + 1);
        await pane.add_card(`of ${pane.name}`);
        await pane.until_pending(i + 2);
    }
    await (await ada.card_of('shared')).getByTestId('card-done').check();
    await grace.frame.page().bringToFront();
    await (await grace.card_of('shared')).getByTestId('card-text').fill('shared, edited');
    await ada.until_stored(11);
    await kill_browser(browser);
    await server.start();

    const { browser: later, pane } = await open_profile(t, profile, server, 'Ada');
    await until('everything that waited is there', async () => (await pane.texts()).length === 4);
    await pane.until_stored(0);
    const board = await until_equal_everywhere(server, kBoard, [pane]);
    assert.equal(board.votes, 6);
    assert_each_once(board.cards.map((card) => card.text), ['shared, edited', 'of Ada', 'of Grace', 'of Linus'], 'cards');
    assert.ok(board.cards[0].done);
    await kill_browser(later);
});

test('edits of a device that has never reached the server arrive once, also after the browser was killed twice', async (t) => {
    const server = await Server.start(t);
    await server.kill();
    const profile = await private_folder(t);
    const end_pages = await serve_pages_alone(t, server);
    const first = await open_profile(t, profile, server, 'Ada');
    await first.pane.vote(3);
    await first.pane.add_card('before the first connection');
    await first.pane.until_stored(4);
    await kill_browser(first.browser);

    const second = await open_profile(t, profile, server, 'Ada');
    await until('the copy on the device', async () => (await second.pane.shown()).votes === 3);
    assert.deepEqual(await second.pane.texts(), ['before the first connection']);
    await second.pane.vote(2);
    await second.pane.until_stored(6);
    await end_pages();
    await server.start();
    // Killed on its way: the first pushes were sent, their answers may not have come.
    await second.pane.retry();
    await until('the first push arrives', async () => ((await server.record(kBoard)).votes ?? 0) > 0);
    await kill_browser(second.browser);

    const third = await open_profile(t, profile, server, 'Ada');
    await third.pane.until_stored(0);
    const board = await until_equal_everywhere(server, kBoard, [third.pane]);
    assert.equal(board.votes, 5);
    assert.deepEqual(board.cards.map((card) => card.text), ['before the first connection']);
    await kill_browser(third.browser);
});
