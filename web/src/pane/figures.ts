import { h, set_text, svg } from '../shared/dom.ts';
import type { Meter } from './meter.ts';

// Live figures of the pane: how long a change takes to the server's disk and to another person's window, and what it weighs.

const kKept = 32;
const kWidth = 56;
const kHeight = 18;
const kSmoothing = 0.25;

function ms(value: number): string {
    return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

export function bytes_text(value: number): string {
    return value < 10_000 ? `${value} B` : `${(value / 1024).toFixed(1)} KiB`;
}

export class Figures {
    readonly element: HTMLElement;
    private readonly spark_: SVGElement;
    private readonly saved_: number[] = [];
    private smooth_ = 0;
    private seen_: { ms: number; by: string } | null = null;
    private readonly latency_ = h('span', { testid: 'latency', class: 'figure-value' }, '–');
    private readonly seen_text_ = h('span', { testid: 'latency-seen', class: 'figure-value' }, '–');
    private readonly seen_label_ = h('span', { class: 'figure-label figure-who' }, 'on others’ screens');
    private readonly bytes_ = h('span', { testid: 'bytes', class: 'figure-value' }, '–');
    private readonly line_ = svg('polyline', { class: 'spark-line' });
    private readonly last_ = svg('circle', { class: 'spark-last', r: 2, cx: -9, cy: -9 });

    constructor(private readonly meter_: Meter) {
        this.spark_ = svg('svg', {
            class: 'spark', viewBox: `0 0 ${kWidth} ${kHeight}`, 'data-testid': 'latency-spark', role: 'img',
            'aria-label': 'The latest latencies',
        }, this.line_, this.last_);
        this.element = h('div', { class: 'figures' },
            h('div', { class: 'figure', title: 'From the edit to the server’s disk: the last one, and the running mean' },
                h('span', { class: 'figure-label' }, 'Saved in'), this.latency_, this.spark_),
            h('div', { class: 'figure', title: 'From the edit until another window shows it' },
                h('span', { class: 'figure-label' }, 'Seen in'), this.seen_text_, this.seen_label_),
            h('div', { class: 'figure', title: 'Bytes of the last change: as sent, and as received from others' },
                h('span', { class: 'figure-label' }, 'Change'), this.bytes_));
        meter_.onchange = () => this.render();
        this.render();
    }

    saved(value: number): void {
        this.saved_.push(value);
        if (this.saved_.length > kKept) this.saved_.shift();
        this.smooth_ = this.saved_.length === 1 ? value : this.smooth_ + kSmoothing * (value - this.smooth_);
        this.render();
    }

    seen(value: number, by: string): void {
        this.seen_ = { ms: value, by };
        this.render();
    }

    private render(): void {
        const last = this.saved_.at(-1);
        if (last !== undefined) {
            set_text(this.latency_, `${ms(last)} ms`);
            this.latency_.dataset['ms'] = last.toFixed(2);
            this.latency_.dataset['mean'] = this.smooth_.toFixed(2);
            this.latency_.title = `running mean ${ms(this.smooth_)} ms`;
        }
        if (this.seen_) {
            set_text(this.seen_text_, `${ms(this.seen_.ms)} ms`);
            set_text(this.seen_label_, `by ${this.seen_.by}`);
            this.seen_text_.dataset['ms'] = this.seen_.ms.toFixed(2);
        }
        const { sent_change, received_change } = this.meter_;
        if (sent_change > 0 || received_change > 0) {
            const parts = [
                sent_change > 0 ? `↑ ${bytes_text(sent_change)}` : '',
                received_change > 0 ? `↓ ${bytes_text(received_change)}` : '',
            ];
            set_text(this.bytes_, parts.filter(Boolean).join('  '));
            this.bytes_.dataset['sent'] = String(sent_change);
            this.bytes_.dataset['received'] = String(received_change);
        }
        this.draw();
    }

    private draw(): void {
        this.spark_.classList.toggle('visually-hidden', this.saved_.length < 2);
        if (this.saved_.length === 0) return;
        const top = Math.max(...this.saved_, 1);
        const points = this.saved_.map((value, i) => {
            const x = 2 + i * ((kWidth - 5) / (kKept - 1));
            return [x, kHeight - 2 - (value / top) * (kHeight - 5)] as const;
        });
        this.line_.setAttribute('points', points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' '));
        const [x, y] = points.at(-1) ?? [0, 0];
        this.last_.setAttribute('cx', x.toFixed(1));
        this.last_.setAttribute('cy', y.toFixed(1));
    }
}
