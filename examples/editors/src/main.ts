import { connect } from '@tandem/client';
import { textOf } from '@tandem/client/yjs';
import { markdown } from '@codemirror/lang-markdown';
import { basicSetup, EditorView as CodeMirror } from 'codemirror';
import { buildInputRules, buildKeymap } from 'prosemirror-example-setup';
import { keymap } from 'prosemirror-keymap';
import { baseKeymap } from 'prosemirror-commands';
import { schema } from 'prosemirror-schema-basic';
import { EditorState } from 'prosemirror-state';
import { EditorView as ProseMirror } from 'prosemirror-view';
import { yCollab } from 'y-codemirror.next';
import { IndexeddbPersistence } from 'y-indexeddb';
import { redo, undo, yCursorPlugin, ySyncPlugin, yUndoPlugin } from 'y-prosemirror';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

// The room is named by the address: …/#notes
const wanted = new URLSearchParams(location.search);
const server = wanted.get('server') ?? import.meta.env.VITE_TANDEM ?? 'http://localhost:8080';
const room = location.hash.slice(1) || 'notes';
const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

// One document holds both texts. The device keeps it, the server carries it: by the stock provider, or with ?via=tandem
// over the connection of an application that has one anyway.
const doc = new Y.Doc();
new IndexeddbPersistence(room, doc);
const provider = (wanted.get('via') === 'tandem'
    ? textOf(connect(server).channel(`text:${room}`), 'main', doc)
    : new WebsocketProvider(`${server.replace('http', 'ws')}/yjs`, room, doc)) as WebsocketProvider;
const { awareness } = provider;

const colors = ['#0b7285', '#5f3dc4', '#a61e4d', '#2b8a3e', '#d9480f', '#1864ab'];
const color = colors[doc.clientID % colors.length]!;
function call_me(name: string): void {
    awareness.setLocalStateField('user', { name, color, colorLight: `${color}33` });
}
at('room').textContent = room;
const name = at<HTMLInputElement>('name');
name.value = wanted.get('name') ?? `Guest ${Math.ceil(Math.random() * 100)}`;
name.oninput = () => call_me(name.value);
call_me(name.value);

const notes = doc.getText('notes');
new CodeMirror({
    doc: notes.toString(),
    parent: at('code'),
    extensions: [basicSetup, markdown(), CodeMirror.lineWrapping, yCollab(notes, awareness)],
});

const keys = { 'Mod-z': undo, 'Mod-y': redo, 'Shift-Mod-z': redo };
new ProseMirror(at('page'), {
    state: EditorState.create({
        schema,
        plugins: [
            ySyncPlugin(doc.getXmlFragment('page')), yCursorPlugin(awareness), yUndoPlugin(),
            buildInputRules(schema), keymap(keys), keymap(buildKeymap(schema)), keymap(baseKeymap),
        ],
    }),
});

awareness.on('change', () => {
    const others = [...awareness.getStates()].filter(([id, { user }]) => id !== doc.clientID && user);
    at('people').replaceChildren(...others.map(([, { user }]) => {
        const person = Object.assign(document.createElement('li'), { textContent: user.name });
        person.style.setProperty('--color', user.color);
        return person;
    }));
});
function show_link(status: string): void {
    at('status').textContent = { connected: 'Connected', connecting: 'Offline, trying' }[status] ?? 'Offline';
    at('status').ariaChecked = String(status === 'connected');
}
provider.on('status', ({ status }) => show_link(status));
show_link('connecting');
at('status').onclick = () => (provider.shouldConnect ? provider.disconnect() : provider.connect());
