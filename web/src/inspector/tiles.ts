import { h, set_text, svg } from '../shared/dom.ts';
import { bytes_text, count_text } from './format.ts';

// The row of figures at the top. Totals are shown as what happens per second, with the last minute beside it.

const kKept = 60;
const kWidth = 48;
const kHeight = 20;

interface Spec {
    readonly label: string;
    readonly metric: string;
    /** What is shown: the value, its growth per second, or the mean of a histogram's latest observations. */
    readonly as: 'value' | 'rate' | 'mean';
    readonly text?: (value: number) => string;
}

const kTiles: readonly Spec[] = [
    { label: 'Connections', metric: 'tandem_connections', as: 'value' },
    { label: 'Subscriptions', metric: 'tandem_subscriptions', as: 'value' },
    { label: 'Pushes/s', metric: 'tandem_pushes_total', as: 'rate' },
    { label: 'Commits/s', metric: 'tandem_commits_total', as: 'rate' },
    { label: 'Deliveries/s', metric: 'tandem_deliveries_total', as: 'rate' },
    { label: 'Commit', metric: 'tandem_store_commit_seconds', as: 'mean', text: (s) => `${(s * 1000).toFixed(s < 0.01 ? 1 : 0)} ms` },
    { label: 'Memory', metric: 'tandem_process_resident_bytes', as: 'value', text: bytes_text },
];

class Tile {
    readonly element: HTMLElement;
    private readonly value_ = h('span', { class: 'tile-value' }, '–');
    private readonly line_ = svg('polyline', { class: 'spark-line' });
    private readonly history_: number[] = [];
    private before_: { value: number; per: number } | null = null;

    constructor(private readonly spec_: Spec) {
        this.element = h('div', { class: 'tile', role: 'listitem', testid: `tile-${spec_.metric}` },
            h('span', { class: 'tile-label' }, spec_.label), this.value_,
            svg('svg', { class: 'spark', viewBox: `0 0 ${kWidth} ${kHeight}`, 'aria-hidden': 'true' }, this.line_));
    }

    /** null: there is nothing new to show. */
    private value_of(metrics: Map<string, number>, at: number): number | null {
        const { metric, as } = this.spec_;
        const value = metrics.get(as === 'mean' ? `${metric}_sum` : metric);
        if (value === undefined) return null;
        if (as === 'value') return value;
        const per = as === 'mean' ? metrics.get(`${metric}_count`) ?? 0 : at / 1000;
        const before = this.before_;
        if (as === 'rate') this.element.title = `${count_text(value)} in all`;
        if (as === 'mean' && before?.per === per) return null;
        this.before_ = { value, per };
        if (before && value >= before.value && per > before.per) return (value - before.value) / (per - before.per);
        return as === 'mean' && per > 0 ? value / per : null;
    }

    show(metrics: Map<string, number>, at: number): void {
        const value = this.value_of(metrics, at);
        if (value === null) return;
        set_text(this.value_, (this.spec_.text ?? count_text)(value));
        this.history_.push(value);
        if (this.history_.length > kKept) this.history_.shift();
        const top = Math.max(...this.history_) || 1;
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
