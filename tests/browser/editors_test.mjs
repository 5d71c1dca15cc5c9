import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { complaints, end_browser, new_context } from './support/browser.mjs';
import { Proxy } from './support/proxy.mjs';
import { Server, serve_folder } from './support/server.mjs';
import { until } from './support/wait.mjs';

// examples/editors: CodeMirror and ProseMirror in a real browser, with the stock providers of Yjs and with the client's own, on the real server.

const kFolder = fileURLToPath(new URL('../../examples/editors/', import.meta.url));
const kTypingMs = 8;
let pages;
before(async () => {
    pages = await mkdtemp(join(tmpdir(), 'tandem-editors-'));
    await promisify(execFile)('npx', ['vite', 'build', '--base', './', '--outDir', pages, '--emptyOutDir', '--logLevel', 'error'], { cwd: kFolder });
});
after(async () => {
    await end_browser();
    await rm(pages, { recursive: true, force: true });
});

/** One person with a profile of her own, so that what she hears comes from the server. */
class Person {
    static async open(t, url, name, server, via) {
        const person = new Person();
        person.name = name;
        person.context = await new_context(t);
        person.page = await person.context.newPage();
        await person.page.goto(`${url}/index.html?name=${name}&server=${server}&via=${via}#room`);
        return person;
    }
    code() {
        return this.page.locator('.cm-content');
    }
    rich() {
        return this.page.locator('.ProseMirror');
    }
    /** What she sees in the two editors, without the names at the cursors of others. */
    shown() {
        return this.page.evaluate(() => {
            const text = (block) => {
                const copy = block.cloneNode(true);
                for (const cursor of copy.querySelectorAll('.cm-ySelectionCaret, .ProseMirror-yjs-cursor, .cm-widgetBuffer')) cursor.remove();
                return copy.textContent.replaceAll('\u2060', '');
            };
            return {
                code: [...document.querySelectorAll('.cm-line')].map(text).join('\n'),
                page: [...document.querySelector('.ProseMirror').children].map(text).join('\n'),
            };
        });
    }
    until_link(wanted) {
        return until(`${this.name} is ${wanted}`, async () => (await this.page.textContent('#status')).startsWith(wanted));
    }
    async type(editor, text) {
        await editor.click();
        await this.page.keyboard.press('Control+End');
        await this.page.keyboard.type(text, { delay: kTypingMs });
    }
    // The keyboard is one for the page, so she types in one editor after the other.
    async type_both(words, after_each = () => {}) {
        for (const word of words) {
            await this.type(this.code(), `${word} `);
            await this.type(this.rich(), `${word} `);
            after_each(word);
        }
    }
}

async function until_same(people) {
    let all;
    const same = async () => {
        all = await Promise.all(people.map((person) => person.shown()));
        return all.every((shown) => JSON.stringify(shown) === JSON.stringify(all[0]));
    };
    await until('all show the same', same).catch((error) => {
        for (const shown of all) assert.deepEqual(shown, all[0]);
        throw error;
    });
    return all[0];
}
/** Two may type into each other's words; then each letter is there as often as it was typed. */
function letters(text) {
    const counts = {};
    for (const letter of text.replace(/[^A-Za-z0-9]/g, '')) counts[letter] = (counts[letter] ?? 0) + 1;
    return counts;
}
function assert_holds_all(shown, words) {
    for (const editor of ['code', 'page']) assert.deepEqual(letters(shown[editor]), letters(words.join('')), `${editor}: ${shown[editor]}`);
}
/** Resolves with a person's promise of her edits, once she is at this word. */
function at_word(person, words, word) {
    return new Promise((reached, failed) => {
        const all = person.type_both(words, (at) => at === word && reached({ all }));
        all.catch(failed);
    });
}
const words_of = (letter, count) => Array.from({ length: count }, (_, i) => `${letter}${i}${letter}`);

// The stock provider, and the one on the client's own connection: they share rooms.
const kVias = [['websocket', 'websocket'], ['tandem', 'tandem'], ['tandem', 'websocket']];
async function two(t, [ada, grace]) {
    const server = await Server.start(t, ['--config', `${kFolder}tandem.toml`]);
    const proxy = await Proxy.start(t, server);
    const url = await serve_folder(t, pages);
    const people = [await Person.open(t, url, 'Ada', proxy.url, ada), await Person.open(t, url, 'Grace', server.url, grace)];
    for (const person of people) await person.until_link('Connected');
    return { server, proxy, people, ada: people[0], grace: people[1] };
}
const assert_quiet = (people) => {
    for (const { context } of people) assert.deepEqual(complaints(context, { server_away: true }), []);
};

for (const vias of kVias) {
    test(`two type at once in both editors, see each other, and have the same (${vias.join(', ')})`, async (t) => {
        const { people, ada, grace } = await two(t, vias);
        const [a, b] = [words_of('a', 6), words_of('b', 6)];
        await Promise.all([ada.type_both(a), grace.type_both(b)]);
        const shown = await until_same(people);
        assert_holds_all(shown, [...a, ...b]);

        for (const [one, other] of [[ada, grace], [grace, ada]]) {
            await until('the other is named', async () => (await one.page.locator('#people li').allTextContents()).join() === other.name);
            await other.code().click();
            await until('the cursor in CodeMirror is seen', async () => (await one.page.locator('.cm-ySelectionInfo').textContent({ timeout: 1000 })) === other.name);
            await other.rich().click();
            await until('the cursor in ProseMirror is seen', async () => (await one.page.locator('.ProseMirror-yjs-cursor').textContent({ timeout: 1000 })).includes(other.name));
        }
        // Formatting travels too, and is undone by its author only.
        await ada.rich().click();
        await ada.page.keyboard.press('Control+a');
        await ada.page.keyboard.press('Control+b');
        await until('it is bold for Grace', () => grace.page.locator('.ProseMirror strong').count());
        await ada.page.keyboard.press('Control+z');
        await until('it is not bold any more', async () => (await grace.page.locator('.ProseMirror strong').count()) === 0);
        for (const word of b) assert.match((await until_same(people)).page, new RegExp([...word].join('.*'), 's'));
        await ada.page.keyboard.press('Control+y');
        await until('it is bold again', () => grace.page.locator('.ProseMirror strong').count());
        assert_holds_all(await until_same(people), [...a, ...b]);
        await grace.page.close();
        await until('her cursor goes with her', async () => (await ada.page.locator('#people li').count()) === 0);
        assert_quiet(people);
    });

    test(`one is offline while both type, reloads, and comes back: both have everything (${vias.join(', ')})`, async (t) => {
        const { proxy, people, ada, grace } = await two(t, vias);
        await ada.type_both(['begun']);
        await until_same(people);
        await proxy.cut();
        await ada.until_link('Offline');
        const [a, b] = [words_of('a', 4), words_of('b', 4)];
        await Promise.all([ada.type_both(a), grace.type_both(b)]);
        const alone = await ada.shown();
        assert_holds_all(alone, ['begun', ...a]);
        assert_holds_all(await grace.shown(), ['begun', ...b]);

        await ada.page.reload();
        await until('the device shows what it kept', async () => JSON.stringify(await ada.shown()) === JSON.stringify(alone));
        assert.match(await ada.page.textContent('#status'), /Offline/);
        await ada.type_both(['late']);

        await proxy.mend();
        await ada.until_link('Connected');
        assert_holds_all(await until_same(people), ['begun', ...a, ...b, 'late']);
        assert_quiet(people);
    });

    test(`the server is killed while both type: nothing is lost (${vias.join(', ')})`, async (t) => {
        const { server, people, ada, grace } = await two(t, vias);
        const [a, b] = [words_of('a', 12), words_of('b', 12)];
        const typing = [await at_word(ada, a, 'a0a')];
        typing.push(await at_word(grace, b, 'b1b'));
        await server.kill();
        for (const person of people) await person.until_link('Offline');
        await server.start();
        await Promise.all(typing.map(({ all }) => all));
        for (const person of people) await person.until_link('Connected');
        assert_holds_all(await until_same(people), [...a, ...b]);
        // The stock provider takes up to half a minute to see others again who have not moved.
        if (!vias.includes('websocket'))
            for (const { page } of people) await until('they see each other again', async () => (await page.locator('#people li').count()) === 1, 5000);

        // It is on the server's disk, not only in the two pages: who comes anew has it from there.
        await server.kill();
        await server.start();
        const url = new URL(ada.page.url()).origin;
        for (const { page } of people) await page.close();
        const late = await Person.open(t, url, 'Linus', server.url, 'websocket');
        await late.until_link('Connected');
        await until('Linus has it all', async () => {
            assert_holds_all(await late.shown(), [...a, ...b]);
            return true;
        });
        assert_quiet([...people, late]);
    });
}
