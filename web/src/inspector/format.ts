import { h, tint_of } from '../shared/dom.ts';
import type { EntryRow, Json } from './api.ts';

export function bytes_text(value: number): string {
    if (!Number.isFinite(value)) return '–';
    if (value < 1000) return `${value} B`;
    const units = ['KiB', 'MiB', 'GiB', 'TiB'];
    let at = -1;
    do {
        value /= 1024;
        at += 1;
    } while (value >= 1000 && at < units.length - 1);
    return `${value.toFixed(value < 10 ? 1 : 0)} ${units[at]}`;
}

export function count_text(value: number): string {
    return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

export function ago_text(ms: number): string {
    if (!ms) return '–';
    const s = Math.max(0, (Date.now() - ms) / 1000);
    if (s < 2) return 'now';
    if (s < 60) return `${Math.floor(s)} s ago`;
    if (s < 3600) return `${Math.floor(s / 60)} min ago`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
    return `${Math.floor(s / 86400)} d ago`;
}

export function time_text(ms: number): string {
    if (!ms) return '–';
    const date = new Date(ms);
    const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
    return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString('en-CA')} ${time}`;
}

export function stamp_ms(entry: EntryRow): number {
    if (entry.wall_ms) return entry.wall_ms;
    const stamp = entry.stamp;
    return Array.isArray(stamp) ? stamp[0] : stamp?.ms ?? 0;
}

/** An actor by its last digits, in a colour of its own. */
export function actor_chip(actor: number | string): HTMLElement {
    const text = String(actor);
    return h('span', { class: `actor tint-${tint_of(text)}`, title: `actor ${text}` }, text.length > 6 ? `…${text.slice(-5)}` : text);
}

export function value_chip(value: Json | undefined, max = 90): HTMLElement {
    if (value === undefined) return h('span', { class: 'value none' }, '');
    const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    const text = JSON.stringify(value);
    return h('span', { class: `value ${kind}`, title: text.length > max ? text.slice(0, 2000) : '' },
        text.length > max ? `${text.slice(0, max)}…` : text);
}

export function note(text: string): HTMLElement {
    return h('p', { class: 'note', testid: 'note' }, text);
}
