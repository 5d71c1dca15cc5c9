import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { open_demo, open_pane, until_equal_everywhere } from './support/board.mjs';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until, until_equal } from './support/wait.mjs';

after(end_browser);

test('cards are added, edited, moved, ticked and deleted without a mouse', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { page, pane } = await open_pane(context, server, 'keys', 'Ada');
    const keys = page.keyboard;

    for (const text of ['one', 'two', 'three']) {
        await keys.press('n');
        await until('the input is focused', () => pane.by('card-add-input').evaluate((input) => input === document.activeElement));
        await keys.type(text);
        await keys.press('Enter');
        await until('the card', async () => (await pane.texts()).includes(text));
        await keys.press('Tab');
        await page.evaluate(() => document.activeElement.blur());
    }
    // From the input upwards through the cards.
    await keys.press('n');
    await keys.press('ArrowUp');
    await keys.press('Alt+ArrowUp');
    await until_equal('moved up', () => pane.texts(), ['one', 'three', 'two']);
    await keys.press('Alt+ArrowUp');
    await until_equal('moved to the top', () => pane.texts(), ['three', 'one', 'two']);
    await keys.press('Shift+ArrowDown');
    await until_equal('moved down', () => pane.texts(), ['one', 'three', 'two']);
    await keys.press('Space');
    await until('ticked', async () => (await pane.shown()).cards[1].done);
    await keys.press('c');
    await until_equal('coloured', async () => (await pane.shown()).cards[1].color, 'blue');
    await keys.press('Enter');
    await keys.type(' times');
    await keys.press('Enter');
    await until_equal('edited', () => pane.texts(), ['one', 'three times', 'two']);
    await keys.press('Delete');
    await until_equal('deleted', () => pane.texts(), ['one', 'two']);
    // The focus stays among the cards.
    await keys.press('Delete');
    await until_equal('deleted', () => pane.texts(), ['one']);
    await keys.press('Control+z');
    await until_equal('back', () => pane.texts(), ['one', 'two']);
    await page.evaluate(() => document.activeElement.blur());
    await keys.press('v');
    await until_equal('voted', async () => (await pane.shown()).votes, 1);
    await keys.press('t');
    await keys.type('By keys');
    await keys.press('Tab');
    await until_equal('the title', async () => (await pane.shown()).title, 'By keys');
    await keys.press('Control+Shift+O');
    await until('offline', async () => (await pane.status()).link === 'offline');
    await keys.press('Control+Shift+O');
    const board = await until_equal_everywhere(server, 'keys', [pane]);
    assert.equal(board.title, 'By keys');
    assert.deepEqual(board.cards.map((card) => card.text), ['one', 'two']);
    await page.evaluate(() => document.activeElement.blur());
    await keys.press('?');
    await until('the help', () => pane.by('help').isVisible());
    await keys.press('Escape');
    await until('the help is closed', () => pane.by('help').isHidden());
    assert.deepEqual(complaints(context), []);
});

/** The mean brightness (0 to 255) and the number of colours of a picture, found by the browser. */
function look_at(page, picture) {
    return page.evaluate(async (base64) => {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const drawing = canvas.getContext('2d');
        drawing.drawImage(bitmap, 0, 0);
        const { data } = drawing.getImageData(0, 0, bitmap.width, bitmap.height);
        let sum = 0;
        const colors = new Set();
        for (let i = 0; i < data.length; i += 4) {
            sum += (data[i] + data[i + 1] + data[i + 2]) / 3;
            colors.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
        }
        return { brightness: sum / (data.length / 4), colors: colors.size };
    }, picture.toString('base64'));
}

test('the demo writes its sample board once and is drawn in light and in dark', async (t) => {
    const server = await Server.start(t);
    for (const scheme of ['light', 'dark']) {
        const context = await new_context(t, { colorScheme: scheme });
        const { page, panes } = await open_demo(context, server, 'demo');
        for (const pane of panes) await until('the sample', async () => (await pane.texts()).length === 4);
        const board = await until_equal_everywhere(server, 'demo', panes);
        assert.equal(board.cards.length, 4, 'the sample is there once');
        assert.notEqual(board.title, '');
        const { brightness, colors } = await look_at(page, await page.screenshot());
        assert.ok(scheme === 'light' ? brightness > 200 : brightness < 80, `${scheme}: brightness ${brightness}`);
        assert.ok(colors > 50, `${scheme}: ${colors} colours`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${scheme}: nothing sticks out to the side`);
        assert.deepEqual(complaints(context), [], scheme);
        await context.close();
    }
});

test('the theme button changes the look of the page and of both panes', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t, { colorScheme: 'light' });
    const { page } = await open_demo(context, server, 'theme');
    const looks = () => Promise.all(page.frames().map((frame) => frame.evaluate(() => getComputedStyle(document.body).backgroundColor)));
    const before = await looks();
    const brightness = (color) => color.match(/[\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
    await until('everything is dark', async () => {
        const now = await looks();
        if (now.every((color, i) => brightness(color) < brightness(before[i]))) return true;
        if (now[0] === before[0]) await page.getByTestId('theme-toggle').click();
        return false;
    });
    assert.deepEqual(complaints(context), []);
});

test('the inspector shows channels, record, log, members, conflicts and connections', async (t) => {
    const server = await Server.start(t);
    const context = await new_context(t);
    const { page, ada, grace, panes } = await open_demo(context, server, 'inspected');
    await ada.set_text('title-input', 'First');
    await ada.vote(2);
    await until_equal_everywhere(server, 'inspected', panes);
    for (const pane of panes) await pane.switch_network(false);
    await ada.set_text('title-input', 'Of Ada');
    await grace.set_text('title-input', 'Of Grace');
    for (const pane of panes) await pane.switch_network(true);
    const { title } = await until_equal_everywhere(server, 'inspected', panes);

    const opened = context.waitForEvent('page');
    await page.getByTestId('open-inspector').click({ modifiers: ['Control'] });
    const inspector = await opened;
    await inspector.bringToFront();
    const by = (id) => inspector.getByTestId(id);
    const entry = inspector.locator('[data-testid=channel][data-name="board:inspected"]');
    await entry.waitFor();
    // An entry stays the same element when the list is refreshed, else a press would be lost that lasts over a refresh.
    const handle = await entry.elementHandle();
    for (let i = 0; i < 3; i++) await inspector.waitForResponse((answer) => answer.url().includes('/api/v1/channels?'));
    assert.ok(await handle.evaluate((element) => element.isConnected));
    await entry.click();
    assert.equal(await by('channel-name').textContent(), 'board:inspected');

    await by('tab-record').click();
    await until('the record', async () => (await by('panel').textContent()).includes(title));
    assert.match(await inspector.locator('[data-testid=record-row][data-path$=votes]').textContent(), /2/);

    await by('tab-log').click();
    const { head } = await server.get('channels/board%3Ainspected/entries');
    await until('the newest entry', () => inspector.locator(`[data-testid=log-row][data-seq="${head}"]`).isVisible());
    const rows = await by('log-row').count();
    await grace.vote(1);
    await until('an entry more, by itself', async () => (await by('log-row').count()) === rows + 1);

    await by('tab-members').click();
    await until('two members', async () => (await by('members-row').count()) === 2);
    assert.match(await by('members').textContent(), /Ada[^]*Grace|Grace[^]*Ada/);

    await by('tab-conflicts').click();
    await until('the conflict', async () => /title/.test(await by('conflicts').textContent()));
    const conflict = await by('conflicts-row').filter({ hasText: 'title' }).first().textContent();
    for (const value of ['Of Ada', 'Of Grace', 'open']) assert.ok(conflict.includes(value), conflict);

    await by('tab-connections').click();
    await until('two connections', async () => (await by('connections-row').count()) === 2);
    assert.match(await by('connections').textContent(), /board:inspected/);
    await page.close();
    await until('no connection', async () => (await by('connections-row').count()) === 0);

    await until('the server is well', async () => (await by('tile-health').count()) === 1);
    assert.deepEqual(complaints(context), []);
});
