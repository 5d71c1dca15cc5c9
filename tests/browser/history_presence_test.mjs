import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { open_demo, open_pane, until_equal_everywhere } from './support/board.mjs';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until, until_equal } from './support/wait.mjs';

after(end_browser);

test('undo and redo take back and repeat my own edits only, by button and by key', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { ada, grace, panes } = await open_demo(context, server, 'undo');
    assert.ok(await ada.by('undo').isDisabled());

    await ada.add_card('one');
    await until_equal('the card', () => grace.texts(), ['one']);
    await grace.set_text('title-input', 'By Grace');
    await until_equal('the title', async () => (await ada.shown()).title, 'By Grace');
    await ada.vote(1);
    await until_equal('the vote', async () => (await grace.shown()).votes, 1);

    await ada.by('undo').click();
    for (const pane of panes) await until_equal('the vote is taken back', async () => (await pane.shown()).votes, 0);
    await ada.by('undo').click();
    for (const pane of panes) await until_equal('the card is taken back', () => pane.texts(), []);
    assert.ok(await ada.by('undo').isDisabled());
    await ada.by('redo').click();
    for (const pane of panes) await until_equal('the card is back', () => pane.texts(), ['one']);
    assert.equal((await ada.shown()).title, 'By Grace', 'what others wrote stays');

    await (await ada.card_of('one')).focus();
    await ada.frame.locator('body').press('Control+Shift+z');
    for (const pane of panes) await until_equal('the vote is back', async () => (await pane.shown()).votes, 1);
    assert.ok(await ada.by('redo').isDisabled());
    await ada.frame.locator('body').press('Control+z');
    for (const pane of panes) await until_equal('the vote is taken back', async () => (await pane.shown()).votes, 0);

    // A deleted card comes back as the card it was.
    const { id } = (await ada.shown()).cards[0];
    await (await ada.card_of('one')).getByTestId('card-delete').click();
    for (const pane of panes) await until_equal('the card is deleted', () => pane.texts(), []);
    await ada.by('undo').click();
    for (const pane of panes) {
        await until_equal('the card is back', async () => (await pane.shown()).cards.map((card) => [card.id, card.text]), [[id, 'one']]);
    }
    await until_equal_everywhere(server, 'undo', panes);
    assert.deepEqual(complaints(context), []);
});

test('undo of an edit made offline leaves nothing behind', async (t) => {
    const server = await Server.start(t);
    const { ada, grace, panes } = await open_demo(await new_context(t), server, 'undo-offline');
    await ada.set_text('title-input', 'First');
    await until_equal_everywhere(server, 'undo-offline', panes);
    await ada.switch_network(false);
    await ada.set_text('title-input', 'Second');
    await ada.vote(1);
    await ada.by('undo').click();
    await ada.by('undo').click();
    await until_equal('the title', async () => (await ada.shown()).title, 'First');
    await ada.switch_network(true);
    const board = await until_equal_everywhere(server, 'undo-offline', panes);
    assert.equal(board.title, 'First');
    assert.equal(board.votes, 0);
    assert.equal((await grace.shown()).title, 'First');
});

const names = (pane) => pane.by('members').locator('[data-name]').evaluateAll((all) => all.map((one) => one.dataset.name).sort());

test('who is here is seen, where they are, and that they left', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { page, ada, grace, panes } = await open_demo(context, server, 'people');
    for (const pane of panes) await until_equal('both are here', () => names(pane), ['Ada', 'Grace']);

    const other = await new_context(t);
    const linus = await open_pane(other, server, 'people', 'Linus');
    for (const pane of [...panes, linus.pane]) await until_equal('three are here', () => names(pane), ['Ada', 'Grace', 'Linus']);

    await linus.pane.by('title-input').focus();
    await until('the field Linus is in', () => ada.frame.locator('[data-at=title][data-who=Linus]').isVisible());
    await linus.pane.by('tag-input').focus();
    await until('the field Linus is in', () => ada.frame.locator('[data-at=tags][data-who=Linus]').isVisible());
    assert.equal(await ada.frame.locator('[data-at=title][data-who]').count(), 0);

    const title = await ada.by('title-input').boundingBox();
    await page.mouse.move(title.x + 20, title.y + 10);
    const pointer = grace.by('cursor').filter({ hasText: 'Ada' });
    await until('the pointer of Ada', async () => {
        await page.mouse.move(title.x + 20 + Math.random() * 40, title.y + 10, { steps: 3 });
        return pointer.isVisible();
    });
    assert.equal(await ada.by('cursor').filter({ hasText: 'Ada' }).count(), 0, 'nobody sees their own');
    const at = await pointer.boundingBox();
    const frame = await page.getByTestId('pane-grace').boundingBox();
    assert.ok(at.x >= frame.x && at.y >= frame.y && at.x < frame.x + frame.width, 'it is in the window of Grace');

    await linus.page.close();
    for (const pane of panes) await until_equal('Linus has left', () => names(pane), ['Ada', 'Grace']);
    await grace.switch_network(false);
    await until_equal('Grace is away', () => names(ada), ['Ada']);
    await grace.switch_network(true);
    for (const pane of panes) await until_equal('both are here', () => names(pane), ['Ada', 'Grace']);
    assert.deepEqual(complaints(context), []);
});
