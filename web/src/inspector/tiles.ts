import { h, set_text, svg } from '../shared/dom.ts';
import { count_text } from './format.ts';

// The row of figures at the top. Totals are shown as what happens per second, with the last minute beside it.

const kKept = 60;
const kWidth = 48;
const kHeight = 20;

interface Spec { readonly label: string; readonly metric: string; readonly rate: boolean }

const kTiles: readonly Spec[] = [
    { label: 'Connections', metric: 'tandem_connections', rate: false },
    { label: 'Subscriptions', metric: 'tandem_subscriptions', rate: false },
    { label: 'Pushes/s', metric: 'tandem_pushes_total', rate: true },
    { label: 'Commits/s', metric: 'tandem_commits_total', rate: true },
    { label: 'Deliveries/s', metric: 'tandem_deliveries_total', rate: true },
];

class Tile {
    readonly element: HTMLElement;
    private readonly value_ = h('span', { class: 'tile-value' }, '–');
    private readonly line_ = svg('polyline', { class: 'spark-line' });
    private readonly history_: number[] = [];
    private before_: { value: number; at: number } | null = null;

    constructor(private readonly spec_: Spec) {
        this.element = h('div', { class: 'tile', role: 'listitem', testid: `tile-${spec_.metric}` },
            h('span', { class: 'tile-label' }, spec_.label), this.value_,
            svg('svg', { class: 'spark', viewBox: `0 0 ${kWidth} ${kHeight}`, 'aria-hidden': 'true' }, this.line_));
    }

    show(metrics: Map<string, number>, at: number): void {
        const raw = metrics.get(this.spec_.metric);
        if (raw === undefined) return;
        let value = raw;
        if (this.spec_.rate) {
            const before = this.before_;
            this.before_ = { value: raw, at };
            this.element.title = `${count_text(raw)} in all`;
            if (!before || raw < before.value || at <= before.at) return;
            value = (raw - before.value) * 1000 / (at - before.at);
        }
        set_text(this.value_, count_text(value));
        this.history_.push(value);
        if (this.history_.length > kKept) this.history_.shift();
        const top = Math.max(...this.history_, 1);
        const step = kWidth / (kKept - 1);
        this.line_.setAttribute('points', this.history_.map((v, i) =>
            `${((i + kKept - this.history_.length) * step).toFixed(1)},${(kHeight - 1 - v / top * (kHeight - 3)).toFixed(1)}`).join(' '));
    }
}

export class Tiles {
    private readonly tiles_ = kTiles.map((spec) => new Tile(spec));
    private readonly health_ = h('span', { class: 'tile-value' }, '–');
    private readonly state_: HTMLElement;

    constructor(box: HTMLElement) {
        this.state_ = h('div', { class: 'tile state-tile', role: 'listitem', testid: 'tile-health' },
            h('span', { class: 'tile-label' }, 'Server'), h('span', { class: 'health' }, h('span', { class: 'health-dot' }), this.health_));
        box.append(this.state_, ...this.tiles_.map((tile) => tile.element));
    }

    health(text: string, good: boolean): void {
        set_text(this.health_, text);
        this.state_.dataset['good'] = String(good);
    }

    metrics(metrics: Map<string, number>): void {
        const now = performance.now();
        for (const tile of this.tiles_) tile.show(metrics, now);
    }
}
