import { connect, type TandemError, type Write } from '@tandem/client';
import { historyOf } from '@tandem/client/history';
import { h, initials, set_text, tint_of } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import { start_theme } from '../shared/theme.ts';
import { Board, type BoardValue, is_blank, reset_board } from './board.ts';
import { Cards } from './cards.ts';
import { Conflicts } from './conflicts.ts';
import type { Context } from './context.ts';
import { Figures } from './figures.ts';
import { make_help } from './help.ts';
import { install_meter } from './meter.ts';
import { People } from './people.ts';
import { Seen } from './seen.ts';
import { Status } from './status.ts';
import { Tags } from './tags.ts';
import { bind_text } from './text_input.ts';
import { Timeline } from './timeline.ts';
import { Toasts } from './toast.ts';

// One window on a board: a client, an outbox and a socket of its own. Two of them on a page share nothing but the server.

const kSampleBoard = 'demo';
const kReadyTimeoutMs = 5000;

start_theme();
const root = document.getElementById('pane') as HTMLElement;
const name = (new URLSearchParams(location.search).get('name') ?? '').trim().slice(0, 40) || 'Guest';
const board_id = decodeURIComponent(location.hash.slice(1)) || kSampleBoard;
document.title = `${name} · Tandem board`;
root.dataset['name'] = name;
addEventListener('hashchange', () => location.reload());

const toasts = new Toasts();
const meter = install_meter();
const figures = new Figures(meter);
const tandem = connect(location.origin.replace(/^http/, 'ws'), {
    onRefused: (error: TandemError) => toasts.show(`Not saved: ${error.hint || error.message}`, 'bad'),
});
const board = tandem.channel(Board, board_id);
const { title, decision, votes } = board.fields;

const tell: Context['tell'] = (what) => {
    if (parent !== window) parent.postMessage({ tandem: what }, location.origin);
};
let seen: Seen | undefined;
const ctx: Context = {
    board, name, tell,
    toast: (text, tone) => toasts.show(text, tone),
    track(write: Write | undefined): void {
        if (!write) return;
        const started = performance.now();
        const online = board.status.value.link === 'online' && board.status.value.pending <= 1;
        write.committed().then(({ seq }) => {
            if (!online) return;   // What waited offline says nothing about the network's speed.
            figures.saved(performance.now() - started);
            seen?.made(seq, started);
        }, () => undefined);       // Refusals are told by onRefused.
    },
};

// The board.
const title_input = h('input', {
    class: 'title', testid: 'title-input', placeholder: 'Untitled board', 'aria-label': 'Title', maxlength: 120,
    autocomplete: 'off', spellcheck: 'false', 'aria-keyshortcuts': 't',
});
const title_text = bind_text(title_input, (value) => {
    ctx.track(title.set(value));
    tell('title');
});
const decision_input = h('input', {
    class: 'decision-input', testid: 'decision-input', placeholder: 'Nothing decided yet', 'aria-label': 'Decision', maxlength: 200,
    autocomplete: 'off', spellcheck: 'false',
});
const decision_text = bind_text(decision_input, (value) => {
    ctx.track(decision.set(value));
    tell('typed');
});
const decision_flag = h('span', { class: 'flag', testid: 'decision-flag', hidden: true }, 'Needs a decision');
const decision_row = h('label', { class: 'decision', 'data-at': 'decision' },
    h('span', { class: 'field-label' }, 'Decision'), decision_input, decision_flag);
const votes_value = h('output', { class: 'votes-value', testid: 'votes-value' }, '0');
const votes_plus = h('button', {
    class: 'votes', type: 'button', testid: 'votes-plus', 'data-at': 'votes', title: 'Vote (V)', 'aria-label': 'Vote', 'aria-keyshortcuts': 'v',
    onclick: () => {
        ctx.track(votes.add(1));
        tell('typed');
    },
}, icon('vote'), votes_value);
const tag_list = new Tags(ctx);
const cards = new Cards(ctx);
const empty = h('div', { class: 'empty', testid: 'empty', hidden: true },
    h('p', {}, 'An empty board.'),
    h('button', { class: 'button small', type: 'button', testid: 'add-sample', onclick: () => reset_board(board) }, 'Add sample cards'));
const sheet = h('div', { class: 'sheet' });
const area = h('main', { class: 'area', tabindex: -1 }, sheet);
const people = new People(ctx, area);
const actor_names = (by: string): string | null => people.by_actor(by);
const conflicts = new Conflicts(ctx, { card_text: (id) => cards.text_of(id) }, actor_names);
sheet.append(
    h('div', { class: 'head' }, h('div', { class: 'title-box', 'data-at': 'title' }, title_input), votes_plus),
    tag_list.element, decision_row, conflicts.element, empty, cards.element, people.layer);

// Looking at the past: the same elements show an older state, and cannot be used.
let past: BoardValue | null = null;
const timeline = new Timeline(ctx, board, {
    show(value) {
        if (value !== null && past === null) {
            flush_typing();
            if (document.activeElement instanceof HTMLElement && sheet.contains(document.activeElement)) document.activeElement.blur();
        }
        past = value;
        sheet.inert = value !== null;
        root.dataset['past'] = String(value !== null);
        render();
        if (value === null) point([]);
    },
    point,
    text_of: (id) => cards.text_of(id),
    name_of: actor_names,
});
function point(places: readonly string[]): void {
    for (const element of sheet.querySelectorAll('.touched')) element.classList.remove('touched');
    for (const place of places) sheet.querySelector(`[data-at="${CSS.escape(place)}"]`)?.classList.add('touched');
}

// The bars around it.
const status = new Status(root, true, (on) => {
    if (on) tandem.goOnline();
    else tandem.goOffline();
});
status.toggle.addEventListener('click', () => tell(status.is_on ? 'online' : 'offline'));
const undo = h('button', {
    class: 'icon-button bare', type: 'button', testid: 'undo', 'aria-label': 'Undo', title: 'Undo my last edit (Ctrl+Z)',
    disabled: true, onclick: () => step_history('undo'),
}, icon('undo'));
const redo = h('button', {
    class: 'icon-button bare', type: 'button', testid: 'redo', 'aria-label': 'Redo', title: 'Redo (Ctrl+Shift+Z)', disabled: true,
    onclick: () => step_history('redo'),
}, icon('redo'));
const help = make_help();
const help_button = h('button', {
    class: 'icon-button bare', type: 'button', testid: 'help-open', 'aria-label': 'Keyboard shortcuts', title: 'Keyboard shortcuts (?)',
    onclick: () => help.showModal(),
}, '?');
root.append(
    h('header', { class: 'bar' },
        h('span', { class: `avatar big tint-${tint_of(name)}`, 'aria-hidden': 'true' }, initials(name)),
        h('span', { class: 'bar-name', testid: 'name' }, name),
        status.pill, status.retry, status.count, h('span', { class: 'spring' }), people.members, status.toggle),
    area, timeline.element,
    h('footer', { class: 'bar foot' }, undo, redo, timeline.button, figures.element, h('span', { class: 'spring' }), help_button),
    toasts.element, help);

function flush_typing(): void {
    title_text.flush();
    decision_text.flush();
    cards.flush();
}

function step_history(what: 'undo' | 'redo'): void {
    timeline.close();
    flush_typing();
    ctx.track(history[what]());
}

let ready = false;
// What the record says is what is shown. One frame at most is drawn per tick, however many fields changed.
let drawing = false;
function draw(): void {
    if (drawing) return;
    drawing = true;
    queueMicrotask(render);
}
function render(): void {
    drawing = false;
    const now = past ?? board.value;
    title_text.show(now.title);
    decision_text.show(now.decision);
    set_text(votes_value, String(now.votes));
    tag_list.show(now.tags);
    cards.show(now.cards);
    empty.hidden = past !== null || !ready || now.cards.length > 0 || !is_blank(board);
    people.render_focus();
}
const history = historyOf(board);
board.subscribe(draw);
board.status.subscribe((now) => status.show(now));
board.conflicts.subscribe((open) => {
    conflicts.show(open);
    const undecided = open.some((conflict) => conflict.path.replace(/^\//, '') === 'decision');
    decision_flag.hidden = !undecided;
    decision_row.classList.toggle('undecided', undecided);
});
people.onwriters = () => conflicts.show(board.conflicts.value);
history.can.subscribe((can) => {
    undo.disabled = !can.undo;
    redo.disabled = !can.redo;
});
board.presence.set({ name, at: null });
seen = new Seen(ctx, figures, people);

addEventListener('message', (event) => {
    if (event.origin === location.origin && event.data?.tandem === 'reset') reset_board(board);
});

addEventListener('keydown', (event) => {
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    const typing = event.target instanceof HTMLElement && event.target.matches('input:not([type=checkbox]), textarea');
    if (help.open) return;
    if (command && key === 'z') step_history(event.shiftKey ? 'redo' : 'undo');
    else if (command && key === 'y') step_history('redo');
    else if (command && event.shiftKey && key === 'o') status.toggle.click();
    else if (key === 'escape' && timeline.is_open) timeline.close();
    else if (command || event.altKey || typing) return;
    else if (key === 'h') void timeline.toggle();
    else if (timeline.is_open) return;
    else if (key === 'n') cards.add.focus();
    else if (key === 't') title_input.select();
    else if (key === 'v') votes_plus.click();
    else if (key === '?') help.showModal();
    else return;
    event.preventDefault();
});
addEventListener('pagehide', flush_typing);

const ready_by = AbortSignal.timeout(kReadyTimeoutMs);
board.ready({ signal: ready_by }).catch(() => undefined).then(async () => {
    root.dataset['ready'] = 'true';
    ready = true;
    draw();
    await board.synced();
    conflicts.announces = true;
    // The first pane writes the sample once the server has said that the board is empty.
    if (board_id !== kSampleBoard || name !== 'Ada') return;
    if (is_blank(board)) reset_board(board);
});
