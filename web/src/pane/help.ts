import { h } from '../shared/dom.ts';

const kKeys: readonly (readonly [readonly string[], string])[] = [
    [['N'], 'New card'],
    [['↑', '↓'], 'Go from card to card'],
    [['Alt', '↑ ↓'], 'Move the card'],
    [['Enter'], 'Edit the card; again to finish'],
    [['Space'], 'Done, or not yet'],
    [['C'], 'Next colour'],
    [['Del'], 'Delete the card'],
    [['V'], 'Vote'],
    [['T'], 'Edit the title'],
    [['H'], 'History; Esc goes back to live'],
    [['Ctrl', 'Z'], 'Undo my last edit'],
    [['Ctrl', 'Shift', 'Z'], 'Redo'],
    [['Ctrl', 'Shift', 'O'], 'Network off or on'],
    [['?'], 'This list'],
];

/** The list of keyboard shortcuts, as a dialog of the browser's own. */
export function make_help(): HTMLDialogElement {
    const rows = kKeys.map(([keys, what]) => h('div', { class: 'help-row' },
        h('dt', {}, ...keys.map((key) => h('kbd', {}, key))), h('dd', {}, what)));
    const dialog = h('dialog', { class: 'help', testid: 'help', 'aria-label': 'Keyboard shortcuts' },
        h('h2', {}, 'Keyboard'), h('dl', {}, ...rows),
        h('form', { method: 'dialog' }, h('button', { class: 'button', autofocus: true }, 'Close')));
    dialog.addEventListener('click', (event) => {
        if (event.target === dialog) dialog.close();
    });
    return dialog;
}
