import { by_id, h, set_text } from '../shared/dom.ts';
import { icon, mark } from '../shared/icons.ts';
import { start_theme } from '../shared/theme.ts';
import { api, ApiError, type ChannelRow, keep_api_key } from './api.ts';
import { ChannelList } from './channel_list.ts';
import { count_text, note } from './format.ts';
import { Log } from './log.ts';
import { Provenance } from './provenance.ts';
import { conflicts_table, connections_table, members_table } from './tables.ts';
import { Tiles } from './tiles.ts';
import { Tree } from './tree.ts';

// A reader of one server: it polls the HTTP API while its window is visible and writes nothing.

const kPollMs = 1000;
const kChannelsPage = 100;
const kEntriesPage = 100;

const kTabs = ['record', 'log', 'members', 'conflicts', 'connections'] as const;
type Tab = (typeof kTabs)[number];
const kTabNames: Record<Tab, string> = {
    record: 'Record', log: 'Log', members: 'Who is there', conflicts: 'Conflicts', connections: 'Connections',
};

start_theme(by_id<HTMLButtonElement>('theme'));
by_id('mark').append(mark());
by_id('search-icon').append(icon('search'));

const tiles = new Tiles(by_id('tiles'));
const search = by_id<HTMLInputElement>('search');
const channel_list = new ChannelList(by_id('channels'), (name) => go(name, route().tab === 'connections' ? 'record' : route().tab));
const more_button = by_id('more');
const detail = by_id('detail');

// The address holds what is looked at: #/CHANNEL/TAB.
function route(): { channel: string; tab: Tab } {
    const [, channel = '', tab = ''] = location.hash.split('/');
    return { channel: decodeURIComponent(channel), tab: kTabs.find((known) => known === tab) ?? 'record' };
}

function go(channel: string, tab: Tab): void {
    location.hash = `#/${encodeURIComponent(channel)}/${tab}`;
}

// Left: the channels.
let pages = 1;

async function load_channels(): Promise<void> {
    const rows: ChannelRow[] = [];
    let more = true;
    for (let page = 0; page < pages && more; page += 1) {
        const answer = await api.channels(search.value.trim(), rows.at(-1)?.name ?? '', kChannelsPage);
        rows.push(...answer.channels);
        more = answer.more && answer.channels.length > 0;
    }
    const at = route().channel;
    const first = rows[0];
    if (at === '' && first && search.value === '') {
        go(first.name, route().tab);
    }
    channel_list.show(rows, at, note(search.value ? 'No channel begins like this.' : 'No channel yet.'));
    more_button.hidden = !more;
}

search.addEventListener('input', () => {
    pages = 1;
    void poll_channels();
});
more_button.addEventListener('click', () => {
    pages += 1;
    void poll_channels();
});

// Right: one channel, by tabs.
const heading = h('h2', { class: 'detail-name', testid: 'channel-name' });
const facts = h('span', { class: 'detail-facts', testid: 'channel-facts' });
const tabs = new Map(kTabs.map((tab) => [tab, h('button', {
    class: 'tab', role: 'tab', type: 'button', id: `tab-${tab}`, testid: `tab-${tab}`, 'aria-controls': 'panel',
    onclick: () => go(route().channel, tab),
}, kTabNames[tab])]));
const panel = h('section', { class: 'panel', id: 'panel', role: 'tabpanel', testid: 'panel' });
const tab_row = h('div', { class: 'tabs', role: 'tablist' }, ...tabs.values());
tab_row.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = kTabs[(kTabs.indexOf(route().tab) + step + kTabs.length) % kTabs.length] ?? 'record';
    go(route().channel, next);
    tabs.get(next)?.focus();
});
detail.append(h('div', { class: 'detail-head' }, heading, facts), tab_row, panel);

let tree = new Tree();
let origins = new Provenance();
let log = new Log(() => void load_older());
let shown_channel = '';
let shown_hash = '';
let shown_json = '';

const tree_tools = h('div', { class: 'tool-row' },
    h('button', { class: 'button small', type: 'button', testid: 'tree-open', onclick: () => tree.set_all(true) }, 'Open all'),
    h('button', { class: 'button small', type: 'button', testid: 'tree-close', onclick: () => tree.set_all(false) }, 'Close all'));

async function load_log(channel: string): Promise<void> {
    if (log.entries.length === 0) {
        const { head, oldest } = await api.entries(channel, 0, 1);
        const answer = await api.entries(channel, Math.max(0, head - kEntriesPage), kEntriesPage);
        if (channel !== route().channel) return;
        log.add(answer.entries, oldest);
    } else {
        const answer = await api.entries(channel, log.last, kEntriesPage);
        if (channel !== route().channel) return;
        if (answer.head < log.last) log.clear();     // Another epoch, or another store.
        else log.add(answer.entries, answer.oldest);
    }
    origins.add(log.entries);
}

async function load_older(): Promise<void> {
    const { channel } = route();
    const after = Math.max(0, log.first - 1 - kEntriesPage);
    const answer = await api.entries(channel, after, log.first - 1 - after).catch(() => null);
    if (answer && channel === route().channel) log.add(answer.entries, answer.oldest);
}

/** Replaces the panel only when what it says differs, so that a selection in it lives. */
function show_panel(key: string, ...content: Node[]): void {
    if (shown_json === key && panel.childElementCount > 0) return;
    shown_json = key;
    panel.replaceChildren(...content);
}

async function load_panel(): Promise<void> {
    const { channel, tab } = route();
    if (tab === 'connections') {
        const { connections } = await api.connections();
        if (route().tab === tab) {
            // Ages move on by themselves, so this table is drawn each time.
            show_panel(`connections ${performance.now()}`, connections_table(connections, (name) => go(name, 'record')));
        }
        return;
    }
    if (channel === '') {
        show_panel('none', note('Choose a channel on the left.'));
        return;
    }
    if (tab === 'record') {
        const [record] = await Promise.all([api.record(channel), load_log(channel).catch(() => undefined)]);
        if (route().channel !== channel || route().tab !== tab) return;
        set_text(facts, `seq ${count_text(record.seq)} · hash ${String(record.hash).slice(0, 12)} · epoch ${String(record.epoch).slice(0, 10)}`);
        facts.title = `hash ${record.hash}, epoch ${record.epoch}`;
        const state = `${channel} ${record.seq} ${record.hash} ${log.last}`;
        if (shown_hash !== state || !panel.contains(tree.element)) {
            shown_hash = state;
            tree.show(record.value, origins);
        }
        const empty = typeof record.value !== 'object' || record.value === null || Object.keys(record.value).length === 0;
        if (empty) show_panel('empty', note('The record is empty.'));
        else show_panel(`record ${channel}`, tree_tools, tree.element);
    } else if (tab === 'log') {
        await load_log(channel);
        if (route().channel !== channel || route().tab !== tab) return;
        set_text(facts, `head #${log.last}`);
        show_panel(`log ${channel}`, log.element);
    } else if (tab === 'members') {
        const { members } = await api.presence(channel);
        if (route().channel === channel && route().tab === tab) show_panel(`members ${channel} ${JSON.stringify(members)}`, members_table(members));
    } else {
        const { conflicts } = await api.conflicts(channel);
        if (route().channel === channel && route().tab === tab) show_panel(`conflicts ${channel} ${JSON.stringify(conflicts)}`, conflicts_table(conflicts));
    }
}

function show_route(): void {
    const { channel, tab } = route();
    if (channel !== shown_channel) {
        shown_channel = channel;
        shown_hash = '';
        tree = new Tree();
        origins = new Provenance();
        log = new Log(() => void load_older());
        set_text(facts, '');
    }
    set_text(heading, tab === 'connections' ? 'All connections' : channel || 'No channel');
    facts.hidden = tab === 'connections' || tab === 'members' || tab === 'conflicts';
    document.title = `${tab === 'connections' ? 'Connections' : channel || 'Tandem'} · inspector`;
    for (const [name, button] of tabs) {
        button.setAttribute('aria-selected', String(name === tab));
        button.tabIndex = name === tab ? 0 : -1;
    }
    panel.setAttribute('aria-labelledby', `tab-${tab}`);
    channel_list.mark(channel);
}

// One round of questions after another; a failure is shown in place and asked again.
const key_form = by_id<HTMLFormElement>('key-form');
key_form.addEventListener('submit', (event) => {
    event.preventDefault();
    keep_api_key(by_id<HTMLInputElement>('key').value);
    key_form.hidden = true;
    void poll();
});

function failed(error: unknown): void {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) key_form.hidden = false;
}

async function poll_channels(): Promise<void> {
    try {
        await load_channels();
    } catch (error) {
        failed(error);
    }
}

async function poll_panel(): Promise<void> {
    try {
        await load_panel();
    } catch (error) {
        failed(error);
        const text = error instanceof ApiError ? error.status === 404 ? 'The server does not tell this.' : error.message : 'The server does not answer.';
        show_panel(`error ${text}`, note(text));
    }
}

async function poll_server(): Promise<void> {
    try {
        const health = await api.health();
        tiles.health(health.version ? `${health.status} · ${health.version}` : health.status, health.status === 'ok');
        tiles.metrics(await api.metrics());
    } catch (error) {
        if (!(error instanceof ApiError)) tiles.health('no answer', false);
    }
}

async function poll(): Promise<void> {
    if (document.visibilityState === 'hidden') return;
    await Promise.all([poll_server(), poll_channels(), poll_panel()]);
}

addEventListener('hashchange', () => {
    show_route();
    void poll_panel();
});
document.addEventListener('visibilitychange', () => void poll());
show_route();
(async () => {
    for (;;) {
        await poll();
        await new Promise((resolve) => setTimeout(resolve, kPollMs));
    }
})();
