import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { open_demo, until_equal_everywhere } from './support/board.mjs';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

// The time slider: older states of the board in the board itself, who made them, playing them back, bringing one back.

after(end_browser);

/** Moves the slider as a person does, and waits for that version. */
async function go_to(pane, seq) {
    await pane.by('time-range').evaluate((range, value) => {
        range.value = String(value);
        range.dispatchEvent(new Event('input', { bubbles: true }));
    }, seq);
    await until(`version ${seq} is shown`, async () => (await pane.by('timeline').getAttribute('data-seq')) === String(seq));
}
const plain = ({ cards, ...rest }) => ({ ...rest, cards: cards.map(({ id, text, done }) => ({ id, text, done })) });

test('the board of the past is shown as it was, with its authors, and goes on when it is left', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { ada, grace, panes } = await open_demo(context, server, 'time');
    const states = new Map();
    const note = async () => {
        const board = await until_equal_everywhere(server, 'time', panes);
        states.set((await server.state('time')).seq, plain(board));
    };
    await ada.set_text('title-input', 'Trip');
    await note();
    await grace.vote(1);
    await note();
    for (const [pane, text] of [[ada, 'Milk'], [grace, 'Bread'], [ada, 'Tea']]) {
        await pane.add_card(text);
        await note();
    }
    await (await grace.card_of('Milk')).getByTestId('card-done').check();
    await note();
    await (await ada.card_of('Bread')).press('Delete');
    await note();
    const last = Math.max(...states.keys());

    await ada.by('time-open').click();
    await until('the slider is open', () => ada.by('timeline').isVisible());
    await until('it begins at the end', async () => /^Removed “Bread”/.test(await ada.by('time-what').textContent()));
    for (const seq of [...states.keys()].reverse()) {
        await go_to(ada, seq);
        assert.deepEqual(plain(await ada.shown()), states.get(seq), `version ${seq}`);
    }
    assert.match(await ada.by('time-what').textContent(), /^Title “Trip”/);
    const [, voted] = [...states.keys()];
    await go_to(ada, voted);
    assert.equal(await ada.by('time-what').textContent(), 'Votes 0 → 1');
    await until('it says who', async () => (await ada.by('time-who').textContent()) === 'Grace');
    assert.ok(await ada.frame.locator('.sheet').evaluate((sheet) => sheet.inert), 'the past cannot be edited');

    // Others go on meanwhile: the line grows, and what is looked at stays.
    await grace.add_card('Meanwhile');
    await until('the line is longer', async () => (await ada.by('time-range').getAttribute('max')) === String(last + 1));
    assert.deepEqual(plain(await ada.shown()), states.get(voted));
    await ada.by('time-live').click();
    await until_equal_everywhere(server, 'time', panes);
    assert.deepEqual(await ada.texts(), ['Milk', 'Tea', 'Meanwhile']);
    assert.equal(await ada.frame.locator('.sheet').evaluate((sheet) => sheet.inert), false);
    assert.deepEqual(complaints(context), []);
});

test('it plays back, brings a version back for everybody, and undo takes that back', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { ada, grace, panes } = await open_demo(context, server, 'back');
    await ada.set_text('title-input', 'First');
    for (const text of ['one', 'two', 'three']) await ada.add_card(text);
    await until_equal_everywhere(server, 'back', panes);
    const wanted = (await server.state('back')).seq;
    await (await grace.card_of('two')).press('Delete');
    await grace.set_text('title-input', 'Second');
    const before = await until_equal_everywhere(server, 'back', panes);

    await ada.frame.locator('.area').press('h');
    await until('the slider is open', () => ada.by('timeline').isVisible());
    await until('it is at the end', async () => Number(await ada.by('timeline').getAttribute('data-seq')) > wanted);
    await go_to(ada, 0);
    assert.equal(await ada.by('time-what').textContent(), 'The beginning of what is kept');
    await ada.by('time-play').click();
    const { seq } = await server.state('back');
    await until('it has played to the end', async () => (await ada.by('timeline').getAttribute('data-seq')) === String(seq));
    await until('it has stopped', async () => (await ada.by('time-play').getAttribute('aria-label')) === 'Play');
    assert.equal((await ada.shown()).title, 'Second');

    await go_to(ada, wanted);
    await ada.by('time-restore').click();
    await until('it is left', async () => !(await ada.by('timeline').isVisible()));
    const restored = await until_equal_everywhere(server, 'back', panes);
    assert.deepEqual([restored.title, restored.cards.map((card) => card.text)], ['First', ['one', 'two', 'three']]);
    assert.equal((await server.state('back')).seq, seq + 1, 'as one ordinary write');
    await ada.by('undo').click();
    await until('undone', async () => (await ada.shown()).title === 'Second');
    assert.deepEqual(plain(await until_equal_everywhere(server, 'back', panes)), plain(before));

    await server.kill();
    await ada.by('time-open').click();
    await until('it says that it cannot', async () => /history is with the server/.test(await ada.by('toasts').textContent()));
    assert.equal(await ada.by('timeline').isVisible(), false);
    assert.deepEqual(complaints(context, { server_away: true }), []);
});
