import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { open_demo, until_equal_everywhere } from './support/board.mjs';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until, until_equal } from './support/wait.mjs';

after(end_browser);

test('what is done in one pane shows in the other', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { ada, grace, panes } = await open_demo(context, server, 'sync');

    await ada.by('title-input').pressSequentially('Plan for the coast');
    await until_equal('the title', async () => (await grace.shown()).title, 'Plan for the coast');

    await ada.vote(3);
    await grace.vote(2);
    for (const pane of panes) await until_equal('the votes', async () => (await pane.shown()).votes, 5);

    for (const tag of ['trip', 'sea', 'boat']) {
        await ada.by('tag-input').fill(tag);
        await ada.by('tag-input').press('Enter');
    }
    await until_equal('the tags', async () => (await grace.shown()).tags, ['boat', 'sea', 'trip']);
    await grace.frame.locator('[data-testid=tag-chip][data-tag=boat] [data-testid=tag-remove]').click();
    await until_equal('the tags', async () => (await ada.shown()).tags, ['sea', 'trip']);

    for (const text of ['one', 'two', 'three']) await ada.add_card(text);
    await until_equal('the cards', () => grace.texts(), ['one', 'two', 'three']);
    await (await ada.card_of('three')).getByTestId('card-up').click();
    await until_equal('the order', () => grace.texts(), ['one', 'three', 'two']);
    await (await ada.card_of('one')).getByTestId('card-done').check();
    await until('the check mark', async () => (await grace.shown()).cards.find((card) => card.text === 'one').done);
    await (await ada.card_of('one')).getByTestId('card-color').click();
    await until_equal('the colour', async () => (await grace.shown()).cards[0].color, 'blue');
    await (await grace.card_of('two')).getByTestId('card-text').fill('deux');
    await until_equal('the text', () => ada.texts(), ['one', 'three', 'deux']);
    await (await ada.card_of('three')).getByTestId('card-delete').click();
    await until_equal('the cards', () => grace.texts(), ['one', 'deux']);

    await ada.set_text('decision-input', 'We go');
    await until_equal('the decision', async () => (await grace.shown()).decision, 'We go');

    const record = await until_equal_everywhere(server, 'sync', panes);
    assert.equal(record.votes, 5);
    assert.deepEqual(complaints(context), []);
});

test('a card is moved by dragging it', async (t) => {
    const server = await Server.start(t);
    const { page, ada, grace, panes } = await open_demo(await new_context(t), server, 'drag');
    for (const text of ['one', 'two', 'three']) await ada.add_card(text);
    await until_equal('the cards', () => grace.texts(), ['one', 'two', 'three']);
    const from = await (await ada.card_of('three')).getByTestId('card-grip').boundingBox();
    const to = await (await ada.card_of('one')).getByTestId('card-grip').boundingBox();
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(to.x + to.width / 2, to.y - 4, { steps: 12 });
    await page.mouse.up();
    for (const pane of panes) await until_equal('the order', () => pane.texts(), ['three', 'one', 'two']);
    await until_equal_everywhere(server, 'drag', panes);
});

test('two panes are two sockets, and nothing else connects them', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    await context.addInitScript(() => {
        const used = [];
        Object.defineProperty(window, 'used_side_channels', { value: used });
        for (const name of ['BroadcastChannel', 'SharedWorker']) {
            window[name] = class {
                constructor() {
                    used.push(name);
                }
            };
        }
        const { setItem } = Storage.prototype;
        Storage.prototype.setItem = function (key, value) {
            used.push(`stores ${key}: ${value}`);
            return setItem.call(this, key, value);
        };
        const { addEventListener } = window;
        window.addEventListener = function (type, ...more) {
            if (type === 'storage') used.push(`listens to ${type}`);
            return addEventListener.call(this, type, ...more);
        };
    });
    const { page, ada, grace, panes } = await open_demo(context, server, 'sockets');
    await until_equal('two sockets', async () => (await server.connections()).length, 2);

    await ada.by('title-input').fill('Only by the server');
    await until_equal('the title', async () => (await grace.shown()).title, 'Only by the server');

    await grace.switch_network(false);
    await until_equal('one socket', async () => (await server.connections()).length, 1);
    await ada.by('title-input').fill('Unseen by Grace');
    await ada.until_synced();
    await until_equal('the record', async () => (await server.record('sockets')).title, 'Unseen by Grace');
    assert.equal((await grace.shown()).title, 'Only by the server', 'a pane without its socket learns nothing');

    await grace.switch_network(true);
    await until_equal('two sockets', async () => (await server.connections()).length, 2);
    await until_equal_everywhere(server, 'sockets', panes);
    assert.equal((await grace.shown()).title, 'Unseen by Grace');

    for (const frame of page.frames()) {
        const used = await frame.evaluate(() => window.used_side_channels);
        const other = used.filter((what) => !/^listens to storage$|^stores tandem[-.:](theme|hints)/.test(what));
        assert.deepEqual(other, [], `${frame.url()} shares by nothing but its socket`);
    }
    assert.deepEqual(complaints(context), []);
});
