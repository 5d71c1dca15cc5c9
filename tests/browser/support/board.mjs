import assert from 'node:assert/strict';
import { until } from './wait.mjs';

/** One window of the board: a frame of the demo, or a page of its own. */
export class Pane {
    constructor(frame, name) {
        this.frame = frame;
        this.name = name;
    }

    by(id) {
        return this.frame.getByTestId(id);
    }

    /** What a person sees. */
    async shown() {
        return this.frame.locator('#pane').evaluate((pane) => {
            const one = (id) => pane.querySelector(`[data-testid=${id}]`);
            const all = (id) => [...pane.querySelectorAll(`[data-testid=${id}]`)];
            return {
                title: one('title-input').value,
                decision: one('decision-input').value,
                votes: Number(one('votes-value').textContent),
                tags: all('tag-chip').map((chip) => chip.dataset.tag).sort(),
                cards: all('card').map((card) => ({
                    id: card.dataset.id,
                    text: card.querySelector('[data-testid=card-text]').value,
                    done: card.querySelector('[data-testid=card-done]').checked,
                    color: card.dataset.color,
                })),
            };
        });
    }
    async texts() {
        return (await this.shown()).cards.map((card) => card.text);
    }
    async status() {
        return this.frame.locator('#pane').evaluate(({ dataset }) => ({
            ready: dataset.ready === 'true', link: dataset.link, pending: Number(dataset.pending), synced: dataset.synced === 'true',
            storage: dataset.storage,
        }));
    }
    until_ready() {
        return until(`${this.name} shows a board`, async () => (await this.status()).ready);
    }
    until_synced() {
        return until(`${this.name} is synced`, async () => (await this.status()).synced);
    }
    until_pending(count) {
        return until(`${this.name} has ${count} edits waiting`, async () => (await this.status()).pending === count);
    }

    async switch_network(on) {
        const toggle = this.by('network-switch');
        if ((await toggle.getAttribute('aria-checked')) !== String(on)) await toggle.click();
        const link = on ? 'online' : 'offline';
        await until(`${this.name} is ${link}`, async () => (await this.status()).link === link);
    }
    /** Does not wait for the next attempt to connect, if that is some time off. */
    async retry() {
        await this.frame.locator('#pane').evaluate((pane) => {
            const button = pane.querySelector('[data-testid=retry-now]');
            if (!button.hidden) button.click();
        });
    }
    async set_text(id, text) {
        await this.by(id).fill(text);
        await this.by(id).blur();
    }
    async add_card(text) {
        await this.by('card-add-input').fill(text);
        await this.by('card-add-input').press('Enter');
        await until(`${this.name} shows the card ${text}`, async () => (await this.texts()).includes(text));
    }
    /** The element of the card with this text. */
    async card_of(text) {
        const card = (await this.shown()).cards.find((one) => one.text === text);
        assert.ok(card, `${this.name} shows a card ${text}`);
        return this.frame.locator(`[data-testid=card][data-id="${card.id}"]`);
    }
    async vote(times) {
        for (let i = 0; i < times; i++) await this.by('votes-plus').click();
    }

    /** What is on the disk of this profile: how many pushes wait, how many were ever put into an outbox, and the newest `seq` of a copy of the board. */
    async outbox() {
        return this.frame.locator('#pane').evaluate(async () => {
            const answer = (request) => new Promise((resolve, reject) => {
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(request.error);
            });
            const sums = { waiting: 0, ever: 0, copied: 0 };
            for (const { name } of await indexedDB.databases()) {
                if (!name.startsWith('tandem ')) continue;
                const db = await answer(indexedDB.open(name));
                const tx = db.transaction(['push', 'lane', 'state']);
                const pushes = answer(tx.objectStore('push').count());
                const lanes = answer(tx.objectStore('lane').getAll());
                const states = await answer(tx.objectStore('state').getAll());
                sums.waiting += await pushes;
                for (const lane of await lanes) sums.ever += lane.last;
                for (const state of states) sums.copied = Math.max(sums.copied, state.seq);
                db.close();
            }
            return sums;
        });
    }
    /** The copy of the board that this profile keeps is made some time after what it shows. */
    until_copied(seq) {
        return until(`${this.name} has a copy of the board at ${seq}`, async () => (await this.outbox()).copied >= seq);
    }
    until_stored(count) {
        return until(`${count} edits of ${this.name} are in the outbox`, async () => (await this.outbox()).waiting === count);
    }
}

/** Opens the demo with its two panes. */
export async function open_demo(context, server, board) {
    const page = await context.newPage();
    await page.goto(`${server.url}/#${board}`);
    const panes = [];
    for (const name of ['Ada', 'Grace']) {
        const element = await page.getByTestId(`pane-${name.toLowerCase()}`).elementHandle();
        panes.push(new Pane(await element.contentFrame(), name));
    }
    for (const pane of panes) await pane.until_ready();
    return { page, ada: panes[0], grace: panes[1], panes };
}

/** Opens one window on a board. */
export async function open_pane(context, server, board, name) {
    const page = await context.newPage();
    await page.goto(`${server.url}/pane.html?name=${name}#${board}`);
    const pane = new Pane(page.mainFrame(), name);
    await pane.until_ready();
    return { page, pane };
}

/** The record as a pane shows it. */
export function as_shown(record) {
    return {
        title: record.title ?? '',
        decision: record.decision ?? '',
        votes: record.votes ?? 0,
        tags: [...(record.tags ?? [])].sort(),
        cards: (record.cards ?? []).map(({ id, text = '', done = false, color = 'none' }) => ({ id, text, done, color })),
    };
}

/** Waits until nothing is under way and everybody, the server's record too, has the same; resolves with what that is. */
export async function until_equal_everywhere(server, board, panes) {
    let views;
    const same = async () => {
        for (const pane of panes) if (!(await pane.status()).synced) return false;
        views = [as_shown(await server.record(board)), ...(await Promise.all(panes.map((pane) => pane.shown())))];
        return views.every((view) => JSON.stringify(view) === JSON.stringify(views[0]));
    };
    await until('all panes show the record', same).catch(async (error) => {
        for (const view of (views ?? []).slice(1)) assert.deepEqual(view, views[0], 'a pane shows the record');
        const status = await Promise.all(panes.map((pane) => pane.status()));
        throw new Error(`${error.message}: ${JSON.stringify(status)}`);
    });
    return views[0];
}

/** Fails for a text that is there twice or not at all. */
export function assert_each_once(texts, wanted, what) {
    const counts = new Map(wanted.map((text) => [text, 0]));
    for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
    const wrong = [...counts].filter(([text, count]) => count !== 1 || !wanted.includes(text));
    assert.deepEqual(wrong, [], `${what}: each once`);
}
