import { h } from '../shared/dom.ts';
import type { ConflictRow, ConnectionRow, MemberRow } from './api.ts';
import { ago_text, bytes_text, count_text, note, value_chip } from './format.ts';

type Cell = Node | string;

function table(testid: string, heads: readonly string[], rows: readonly (readonly Cell[])[], right: readonly number[] = []): HTMLElement {
    const cell = (tag: 'td' | 'th', content: Cell, at: number): HTMLElement => h(tag, { class: right.includes(at) ? 'right' : '' }, content);
    return h('div', { class: 'table-box' }, h('table', { testid },
        h('thead', {}, h('tr', {}, ...heads.map((head, at) => cell('th', head, at)))),
        h('tbody', {}, ...rows.map((row) => h('tr', { testid: `${testid}-row` }, ...row.map((content, at) => cell('td', content, at)))))));
}

export function members_table(members: readonly MemberRow[]): HTMLElement {
    if (members.length === 0) return note('Nobody has told the channel that they are here.');
    return table('members', ['Member', 'User', 'State', 'Connection'], members.map((member) => [
        h('code', {}, member.id), member.user || '–', value_chip(member.state, 160), h('code', {}, String(member.connection ?? '–'))]));
}

export function conflicts_table(conflicts: readonly ConflictRow[]): HTMLElement {
    if (conflicts.length === 0) return note('No edit has overridden another.');
    const sorted = [...conflicts].sort((a, b) => Number(a.closed_seq > 0) - Number(b.closed_seq > 0) || b.seq - a.seq);
    return table('conflicts', ['State', 'Path', 'Reason', 'Shown', 'Overridden', 'Writer', 'Since'], sorted.map((row) => {
        const [actor] = Array.isArray(row.dot) ? row.dot : [];
        return [
            row.closed_seq > 0 ? h('span', { class: 'state closed', title: `closed by #${row.closed_seq}` }, 'closed') : h('span', { class: 'state open' }, 'open'),
            h('code', {}, row.path || '(root)'), row.reason, value_chip(row.shown, 60), value_chip(row.value, 60),
            actor === undefined ? '–' : h('code', {}, String(actor)), `#${row.seq}`];
    }));
}

export function connections_table(connections: readonly ConnectionRow[], open: (channel: string) => void): HTMLElement {
    if (connections.length === 0) return note('No client is connected.');
    const channel_links = (names: readonly string[]): HTMLElement => h('span', { class: 'links' }, ...(names ?? []).slice(0, 6).map((name) =>
        h('button', { class: 'link', type: 'button', onclick: () => open(name) }, name)),
        names?.length > 6 && h('span', {}, `and ${names.length - 6} more`));
    return table('connections', ['Connection', 'From', 'Codec', 'Client', 'Since', 'Channels', 'In', 'Out', 'Waiting'],
        connections.map((row) => [
            h('code', {}, String(row.id)), h('code', {}, row.remote), row.codec, row.client || '–', ago_text(row.since_ms), channel_links(row.channels),
            bytes_text(row.bytes_in), bytes_text(row.bytes_out), row.pending_bytes > 0 ? bytes_text(row.pending_bytes) : count_text(0)]), [6, 7, 8]);
}
