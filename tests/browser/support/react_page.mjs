// A React application as people write them, for react_test.mjs; bundled with the hooks' and the client's sources.
import { connect, f } from '@tandem/client';
import { TandemProvider, useChannel, useConnectionState, useCounter, useField, useList, useOthers, usePresence, useSyncStatus } from '@tandem/react';
import { createElement as h, StrictMode, Suspense, useState } from 'react';
import { createRoot } from 'react-dom/client';

const Board = {
    namespace: 'board',
    fields: { title: f.string(), votes: f.counter(), cards: f.list({ text: f.string(), done: f.boolean(), color: f.string('none') }) },
};
const wanted = new URLSearchParams(location.search);
const tandem = connect(wanted.get('server'));
if (wanted.has('offline')) tandem.goOffline();

function Plan({ id }) {
    const board = useChannel(Board, id, { suspense: true });
    const [title, set_title] = useField(board.fields.title);
    const [votes, vote] = useCounter(board.fields.votes);
    const { items, total, insert, item } = useList(board.fields.cards);
    const [, show] = usePresence(board, { name: wanted.get('name'), at: null });
    const others = useOthers(board);
    const { synced } = useSyncStatus(board);
    return h('main', { 'data-synced': synced },
        h('input', { 'data-testid': 'title', value: title, onChange: (event) => set_title(event.target.value), onFocus: () => show({ at: 'title' }) }),
        h('button', { 'data-testid': 'vote', onClick: () => vote() }, votes),
        h('button', { 'data-testid': 'add', onClick: () => insert({ text: `card ${total}`, done: false, color: 'none' }) }, 'add'),
        h('ul', {}, items.map((card) => h('li', { key: card.id, 'data-testid': 'card', onClick: () => item(card.id).remove() }, card.text))),
        h('p', { 'data-testid': 'others' }, others.map((other) => `${other.state.name} ${other.state.at ?? '-'}`).join()));
}
function Skipped({ id }) {
    const [title] = useField(useChannel(Board, id)?.fields.title);
    return h('p', { 'data-testid': 'skipped' }, title ?? 'nothing');
}
function App() {
    const [other, set_other] = useState();
    return h(TandemProvider, { client: tandem },
        h(Suspense, { fallback: h('p', { 'data-testid': 'fallback' }, 'waits') }, h(Plan, { id: 'react' })),
        h(Skipped, { id: other }), h(Link),
        h('button', { 'data-testid': 'other', onClick: () => set_other('react-other') }, 'other'));
}
function Link() {
    return h('p', { 'data-testid': 'link' }, useConnectionState());
}
window.go_online = () => tandem.goOnline();
createRoot(document.body).render(h(StrictMode, {}, h(App)));
