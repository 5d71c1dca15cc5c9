import { h, set_text } from '../shared/dom.ts';
import type { ChannelRow } from './api.ts';
import { ago_text, bytes_text, count_text } from './format.ts';

interface Row {
    readonly element: HTMLLIElement;
    readonly button: HTMLButtonElement;
    readonly head: HTMLElement;
    readonly facts: HTMLElement;
    readonly live: HTMLElement;
}

/** The channels as buttons, each kept while its channel is listed: a press that lasts over a refresh is still a click. */
export class ChannelList {
    private readonly rows_ = new Map<string, Row>();

    constructor(private readonly list_: HTMLElement, private readonly choose_: (channel: string) => void) {}

    /** `otherwise` is shown when there is no channel. */
    show(channels: readonly ChannelRow[], current: string, otherwise: HTMLElement): void {
        const names = new Set(channels.map((channel) => channel.name));
        for (const name of this.rows_.keys()) if (!names.has(name)) this.rows_.delete(name);
        const elements = channels.map((channel) => this.row(channel).element);
        if (elements.length === 0) this.list_.replaceChildren(h('li', {}, otherwise));
        else if (elements.length !== this.list_.childElementCount || elements.some((element, at) => this.list_.children[at] !== element)) {
            this.place(elements);
        }
        this.mark(current);
    }

    mark(current: string): void {
        for (const [name, { button }] of this.rows_) {
            if (name === current) button.setAttribute('aria-current', 'true');
            else button.removeAttribute('aria-current');
        }
    }

    private place(elements: readonly HTMLElement[]): void {
        const focused = document.activeElement;
        this.list_.replaceChildren(...elements);
        if (focused instanceof HTMLElement && this.list_.contains(focused)) focused.focus({ preventScroll: true });
    }

    private row(channel: ChannelRow): Row {
        const row = this.rows_.get(channel.name) ?? this.make_row(channel.name);
        set_text(row.head, `#${channel.head}`);
        set_text(row.facts, [bytes_text(channel.bytes), ago_text(channel.changed_ms)].join(' · '));
        set_text(row.live, count_text(channel.subscribers));
        row.live.hidden = channel.subscribers === 0;
        return row;
    }

    private make_row(name: string): Row {
        const head = h('span', { class: 'channel-head' });
        const facts = h('span', { class: 'channel-facts' });
        const live = h('span', { class: 'channel-live', title: 'subscribers' });
        const button = h('button', { class: 'channel', type: 'button', testid: 'channel', 'data-name': name, onclick: () => this.choose_(name) },
            h('span', { class: 'channel-name' }, name), head, facts, live);
        const row = { element: h('li', {}, button), button, head, facts, live };
        this.rows_.set(name, row);
        return row;
    }
}
