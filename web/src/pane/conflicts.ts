import type { Conflict, Json } from '@tandem/client';
import { h, set_text } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { Context } from './context.ts';

// The panel of open conflicts: what is shown, what it overrode, and a button for each way out.

const kValueMax = 60;
const kAnnounceMs = 250;

export interface PathNames {
    card_text(id: string): string | undefined;
}

function value_text(value: Json): string {
    const text = typeof value === 'string' ? (value === '' ? '(empty)' : value) : JSON.stringify(value);
    return text.length > kValueMax ? `${text.slice(0, kValueMax)}…` : text;
}

/** A path as people read it: `cards/@k3/text` is "Card “Buy milk”: text". */
export function path_text(path: string, names: PathNames): string {
    const parts = path.replace(/^\//, '').split('/');
    const [root = '', item, field] = parts;
    if (root === 'cards' && item?.startsWith('@')) {
        const text = names.card_text(item.slice(1));
        const card = text === undefined ? 'A card' : `Card “${value_text(text)}”`;
        return field === undefined ? `${card}: place` : `${card}: ${field}`;
    }
    return root.charAt(0).toUpperCase() + root.slice(1);
}

export class Conflicts {
    readonly element: HTMLElement;
    /** Off while the board is being loaded: what was open before is no news. */
    announces = false;
    private readonly list_ = h('ul', { class: 'conflict-list' });
    private readonly count_ = h('span', { class: 'badge' });
    private known_ = new Set<string>();
    private readonly fresh_ = new Set<string>();
    private timer_: ReturnType<typeof setTimeout> | undefined;

    constructor(private readonly ctx_: Context, private readonly names_: PathNames, private readonly name_of_: (by: string) => string | null) {
        this.element = h('section', { class: 'conflicts', testid: 'conflicts', 'aria-label': 'Conflicts', hidden: true },
            h('h2', {}, icon('fork'), 'Edited by more than one', this.count_), this.list_);
    }

    show(conflicts: readonly Conflict[]): void {
        this.element.hidden = conflicts.length === 0;
        this.element.dataset['count'] = String(conflicts.length);
        set_text(this.count_, String(conflicts.length));
        this.list_.replaceChildren(...conflicts.map((conflict) => this.row(conflict)));
        const paths = new Set(conflicts.map((conflict) => conflict.path));
        for (const path of paths) {
            if (this.announces && !this.known_.has(path)) this.fresh_.add(path);
        }
        if (this.fresh_.size > 0) this.timer_ ??= setTimeout(() => this.announce(), kAnnounceMs);
        this.known_ = paths;
    }

    /** One message for all conflicts that a merge brings. */
    private announce(): void {
        this.timer_ = undefined;
        const fresh = [...this.fresh_].filter((path) => this.known_.has(path));
        this.fresh_.clear();
        const [first] = fresh;
        if (first === undefined) return;
        const what = fresh.length === 1 ? `${path_text(first, this.names_)} was` : `${fresh.length} fields were`;
        this.ctx_.toast(`${what} edited on two sides. Every version is kept.`);
    }

    private row(conflict: Conflict): HTMLElement {
        const is_place = /(^|\/)@[^/]+$/.test(conflict.path) && !conflict.path.endsWith('/text');
        const losers = conflict.losers.map((loser, i) => {
            const who = this.name_of_(loser.by);
            return h('div', { class: 'conflict-loser' },
                h('span', { class: 'conflict-value', testid: 'conflict-loser' }, is_place ? 'another place' : value_text(loser.value)),
                h('span', { class: 'conflict-by' }, [who ? `by ${who}` : '', clock_text(loser.at)].filter(Boolean).join(', ')),
                h('button', {
                    class: 'button small', type: 'button', testid: 'conflict-restore', title: 'Show this one instead',
                    onclick: () => this.ctx_.track(conflict.restore(i)),
                }, icon('restore'), 'Restore'));
        });
        return h('li', { class: 'conflict', testid: 'conflict-row', 'data-path': conflict.path },
            h('div', { class: 'conflict-head' },
                h('span', { class: 'conflict-path' }, path_text(conflict.path, this.names_)),
                h('span', { class: 'conflict-shown', testid: 'conflict-shown' }, is_place ? 'as shown' : value_text(conflict.shown)),
                h('button', {
                    class: 'button small', type: 'button', testid: 'conflict-keep', title: 'Keep what is shown and close the conflict',
                    onclick: () => this.ctx_.track(conflict.resolve(conflict.shown)),
                }, icon('check'), 'Keep')),
            ...losers);
    }
}

function clock_text(at: Date): string {
    return Number.isNaN(at.getTime()) || at.getTime() === 0 ? '' : at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
}
