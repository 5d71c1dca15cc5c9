import assert from 'node:assert/strict';
import { JSDOM } from 'jsdom';
import { test } from 'node:test';

const dom = new JSDOM('<!doctype html><body></body>');
Object.assign(globalThis, { window: dom.window, document: dom.window.document });

import type { Client } from '@tandem/client';
import { StrictMode, Suspense, createElement, useState, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { OP_INSERT, encodeOps } from '../../ts/src/ops.js';
import { itemSegment } from '../../ts/src/path.js';
import { Board } from '../../ts/test/support/board.js';
import { World } from '../../ts/test/support/world.js';
import {
    TandemProvider, useChannel, useConnectionState, useCounter, useField, useList, useOthers, usePresence, useRecord, useSyncStatus, useValue,
} from '../src/index.js';

const h = createElement;
/** A page of its own with this content. */
function page(client: Client, content: ReactNode, strict = false): { text: () => string; show: (next: ReactNode) => void; root: Root } {
    const element = document.body.appendChild(document.createElement('div'));
    const root = createRoot(element);
    const show = (next: ReactNode): void => {
        const all = h(TandemProvider, { client }, next);
        root.render(strict ? h(StrictMode, null, all) : all);
    };
    show(content);
    return { text: () => element.textContent ?? '', show, root };
}
const SUBSCRIBE = 2;
const UNSUBSCRIBE = 3;
function fill(world: World, count: number): void {
    const base = { epoch: '0000000000000000', seq: 0 };
    const ops = Array.from({ length: count }, (_, i) => ({
        kind: OP_INSERT, path: ['cards', itemSegment(`c${i}`)], position: `a${i}x`, value: { text: `t${i}`, done: false }, base,
    }));
    world.server.append('board:1', 7, 1, encodeOps(ops));
}

let write: { title: (text: string) => void; vote: () => void };
function Title(): ReactNode {
    const board = useChannel(Board, '1');
    const [title, setTitle] = useField(board.fields.title);
    const [votes, vote] = useCounter(board.fields.votes);
    write = { title: text => void setTitle(text), vote: () => void vote() };
    return `${title}:${votes}`;
}

test('two pages are in step', async () => {
    const world = new World();
    const one = page(world.tab().client, h(Title));
    const two = page(world.tab().client, h(Title));
    await world.until(() => one.text() === ':0' && two.text() === ':0');
    write.title('Plan');
    write.vote();
    await world.until(() => one.text() === 'Plan:1' && two.text() === 'Plan:1');
});

test('StrictMode: one subscription, which ends a while after the last component', async () => {
    const world = new World();
    const { server } = world;
    const strict = page(world.tab().client, [h(Title, { key: 1 }), h(Title, { key: 2 })], true);
    await world.until(() => server.frames(SUBSCRIBE).length === 1);
    write.title('x');
    await world.until(() => strict.text() === 'x:0x:0');
    strict.show(h(Title));
    await world.until(() => strict.text() === 'x:0');
    strict.show(null);
    await world.until(() => server.frames(UNSUBSCRIBE).length === 1);
    strict.show(h(Title));
    await world.until(() => strict.text() === 'x:0' && server.frames(SUBSCRIBE).length === 2);
    write.title('y');
    await world.until(() => strict.text() === 'y:0');
    assert.equal(server.frames(UNSUBSCRIBE).length, 1);
});

test('Suspense: the fallback until the record is there', async () => {
    const world = new World();
    fill(world, 3);
    const seen = new Set<string>();
    function Cards(): ReactNode {
        const board = useChannel(Board, '1', { suspense: true });
        const text = String(useRecord(board).cards.length);
        seen.add(text);
        return text;
    }
    world.online = false;
    const it = page(world.tab().client, h(Suspense, { fallback: 'waits' }, h(Cards)), true);
    await world.until(() => it.text() === 'waits');
    await world.advance(5_000);
    assert.equal(it.text(), 'waits');
    world.wake();
    await world.until(() => it.text() === '3');
    assert.deepEqual([...seen], ['3'], 'nothing was drawn before');
    assert.equal(world.server.frames(SUBSCRIBE).length, 1);
});

test('skip: nothing is subscribed to until there is a name', async () => {
    const world = new World();
    let setId: (id: string | undefined) => void = () => {};
    function Maybe(): ReactNode {
        const [id, set] = useState<string | undefined>();
        setId = set;
        const board = useChannel(Board, id);
        const [title] = useField(board?.fields.title);
        const others = useOthers(board);
        return `${useRecord(board) === undefined} ${title} ${others.length} ${useRecord(board, { skip: true })}`;
    }
    const it = page(world.tab().client, h(Maybe));
    await world.until(() => it.text() === 'true undefined 0 undefined');
    await world.advance(1_000);
    assert.equal(world.server.frames(SUBSCRIBE).length, 0);
    setId('1');
    await world.until(() => it.text() === 'false  0 undefined' && world.server.frames(SUBSCRIBE).length === 1);
    setId(undefined);
    await world.until(() => it.text() === 'true undefined 0 undefined' && world.server.frames(UNSUBSCRIBE).length === 1);
});

test('a selection follows the rendering, and components select together', async () => {
    const world = new World();
    fill(world, 9);
    let scroll: (from: number) => void = () => {};
    function Window({ from }: { from: number }): ReactNode {
        const board = useChannel(Board, '1', { select: b => [b.cards.window(from, from + 2)] });
        const { items, total } = useList(board.fields.cards);
        return `${items.map(i => i.text).join(' ')} of ${total}`;
    }
    function Scroller(): ReactNode {
        const [from, set] = useState(0);
        scroll = set;
        return h(Window, { from });
    }
    const { client } = world.tab();
    const it = page(client, h(Scroller), true);
    await world.until(() => it.text() === 't0 t1 of 9');
    scroll(4);
    await world.until(() => it.text().includes('t4 t5'));
    const second = page(client, h(Window, { from: 7 }));
    await world.until(() => second.text() === 't4 t5 t7 t8 of 9');
    second.root.unmount();
    await world.until(() => it.text() === 't4 t5 of 9');
});

test('presence, others and status', async () => {
    const world = new World();
    const move = new Map<string, (x: number) => void>();
    function People({ name }: { name: string }): ReactNode {
        const board = useChannel(Board, '1');
        const [me, update] = usePresence(board, { name });
        move.set(name, x => update({ cursor: { x, y: 0 } }));
        const others = useOthers(board).map(m => `${m.state.name}${m.state.cursor?.x ?? ''}`);
        return `${me.name}|${others.join()}|${useConnectionState()}|${useSyncStatus(board).synced}|${useValue(board.conflicts).length}`;
    }
    const ada = page(world.tab().client, h(People, { name: 'Ada' }));
    const graceTab = world.tab();
    const grace = page(graceTab.client, h(People, { name: 'Grace' }));
    await world.until(() => ada.text() === 'Ada|Grace|online|true|0' && grace.text() === 'Grace|Ada|online|true|0');
    move.get('Grace')!(7);
    await world.until(() => ada.text() === 'Ada|Grace7|online|true|0');
    graceTab.client.goOffline();
    await world.until(() => ada.text() === 'Ada||online|true|0' && grace.text().includes('|offline|false|'));
});

test('an item that is gone is read without drawing for ever', async () => {
    const world = new World();
    let drawn = 0;
    function Gone(): ReactNode {
        drawn++;
        const board = useChannel(Board, '1');
        return useValue(board.fields.cards.item('nothing')).text || 'no text';
    }
    const it = page(world.tab().client, h(Gone));
    await world.until(() => it.text() === 'no text');
    await world.advance(200);
    assert.ok(drawn < 10);
});

test('a hook without a provider says what is missing', () => {
    const root = createRoot(document.createElement('div'), { onUncaughtError: error => (told = String(error)) });
    let told = '';
    root.render(h(Title));
    return new Promise<void>(resolve => {
        const look = (): void => (told ? resolve(assert.match(told, /TandemProvider/)) : void setImmediate(look));
        look();
    });
});
