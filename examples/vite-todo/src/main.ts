import { connect } from '@tandem/client';
import { Todo } from './tandem.gen';

// The list is named by the address: …/#groceries
const tandem = connect(import.meta.env.VITE_TANDEM ?? 'http://localhost:8080');
const list = tandem.channel(Todo, location.hash.slice(1) || 'groceries');
const { title, items } = list.fields;

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
function make<K extends keyof HTMLElementTagNameMap>(tag: K, properties: object, ...inside: Node[]): HTMLElementTagNameMap[K] {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...inside);
    return element;
}

const title_input = at<HTMLInputElement>('title');
title.subscribe(text => (title_input.value = text));
title_input.onchange = () => title.set(title_input.value);

at<HTMLFormElement>('add').onsubmit = event => {
    event.preventDefault();
    const input = at<HTMLInputElement>('text');
    if (input.value.trim()) items.insert({ text: input.value.trim(), done: false }, 'last');
    input.value = '';
};

// One row an item, kept as long as the item lives, so that nobody's cursor jumps while others type.
const rows = new Map<string, { row: HTMLLIElement; end: AbortController }>();
function row_of(id: string): HTMLLIElement {
    const item = items.item(id);
    const end = new AbortController();
    const done = make('input', { type: 'checkbox', ariaLabel: 'Done' });
    const text = make('input', { type: 'text', ariaLabel: 'Item' });
    const up = make('button', { textContent: '↑', ariaLabel: 'Move up' });
    const remove = make('button', { textContent: '×', ariaLabel: 'Remove', onclick: () => item.remove() });
    done.onchange = () => item.fields.done.set(done.checked);
    text.onchange = () => item.fields.text.set(text.value);
    up.onclick = () => {
        const index = items.value.findIndex(other => other.id === id);
        if (index > 0) item.move({ before: items.value[index - 1]!.id });
    };
    const row = make('li', {}, done, text, up, remove);
    item.subscribe(value => {
        if (document.activeElement !== text) text.value = value.text;
        done.checked = value.done;
        row.className = value.done ? 'done' : '';
    }, end);
    rows.set(id, { row, end });
    return row;
}
items.subscribe(all => {
    for (const [id, { row, end }] of rows)
        if (!all.some(item => item.id === id)) {
            end.abort();
            row.remove();
            rows.delete(id);
        }
    all.forEach((item, index) => {
        const row = rows.get(item.id)?.row ?? row_of(item.id);
        const here = at('items').children[index];
        if (here !== row) at('items').insertBefore(row, here ?? null);
    });
});

list.status.subscribe(({ link, pending, synced }) => {
    at('status').textContent = synced ? 'Saved' : link === 'online' ? 'Saving…' : `Offline, ${pending} waiting`;
});
list.presence.set({ name: `Guest ${Math.ceil(Math.random() * 100)}` });
list.presence.others.subscribe(others => {
    at('others').textContent = others.length ? `· with ${others.map(({ state }) => state.name).join(', ')}` : '';
});
list.conflicts.subscribe(conflicts => {
    at('conflicts').replaceChildren(...conflicts.flatMap(conflict => conflict.losers.map((loser, i) =>
        make('li', {}, make('span', { textContent: `${conflict.path}: ${JSON.stringify(loser.value)} was not taken` }),
            make('button', { textContent: 'Restore', onclick: () => conflict.restore(i) })))));
});
