import { h } from '../shared/dom.ts';
import type { EntryRow, OpRow } from './api.ts';
import { actor_chip, note, stamp_ms, time_text, value_chip } from './format.ts';

// The log, newest first. Rows are kept by seq, so that what is open stays open when entries arrive.

const kRowsMax = 500;
const kOpsShown = 3;

function op_line(op: OpRow): HTMLElement {
    return h('span', { class: 'op' },
        h('span', { class: `verb ${op.op}` }, op.op), h('span', { class: 'op-path' }, op.path || '(root)'),
        op.value !== undefined && value_chip(op.value));
}

export class Log {
    readonly element: HTMLElement;
    private readonly list_ = h('ol', { class: 'log', testid: 'log' });
    private readonly none_ = note('Nothing was written yet.');
    private readonly filter_ = h('input', { class: 'filter', type: 'search', placeholder: 'Filter by path, op or actor', 'aria-label': 'Filter the log', testid: 'log-filter' });
    private readonly older_ = h('button', { class: 'button small', type: 'button', testid: 'log-older', hidden: true }, 'Older entries');
    private entries_: EntryRow[] = [];      // Ascending.
    private readonly rows_ = new Map<number, HTMLElement>();

    constructor(load_older: () => void) {
        this.filter_.addEventListener('input', () => this.filter());
        this.older_.addEventListener('click', load_older);
        this.element = h('div', {}, h('div', { class: 'tool-row' }, this.filter_), this.none_, this.list_, this.older_);
    }

    get last(): number {
        return this.entries_.at(-1)?.seq ?? 0;
    }

    get first(): number {
        return this.entries_[0]?.seq ?? 0;
    }

    get entries(): readonly EntryRow[] {
        return this.entries_;
    }

    clear(): void {
        this.entries_ = [];
        this.rows_.clear();
        this.list_.replaceChildren();
    }

    /** Adds entries that are all newer, or all older, than those that are there. */
    add(entries: readonly EntryRow[], oldest: number): void {
        const fresh = entries.filter((entry) => !this.rows_.has(entry.seq));
        const live = this.entries_.length > 0 && (fresh[0]?.seq ?? 0) > this.last;
        for (const entry of fresh) {
            const row = this.make_row(entry);
            if (live) row.classList.add('fresh');
            this.rows_.set(entry.seq, row);
        }
        this.entries_ = [...this.entries_, ...fresh].sort((a, b) => a.seq - b.seq);
        if (live) {
            for (const entry of fresh) this.list_.prepend(this.rows_.get(entry.seq) as HTMLElement);
            while (this.entries_.length > kRowsMax) {
                const gone = this.entries_.shift();
                if (gone) this.rows_.get(gone.seq)?.remove();
                if (gone) this.rows_.delete(gone.seq);
            }
        } else if (fresh.length > 0) {
            this.list_.replaceChildren(...[...this.entries_].reverse().map((entry) => this.rows_.get(entry.seq) as HTMLElement));
        }
        this.none_.hidden = this.entries_.length > 0;
        this.older_.hidden = this.entries_.length === 0 || this.first <= oldest || this.entries_.length >= kRowsMax;
        this.filter();
    }

    private filter(): void {
        const wanted = this.filter_.value.trim().toLowerCase();
        for (const entry of this.entries_) {
            const text = `${entry.actor} ${(entry.ops ?? []).map((op) => `${op.op} ${op.path}`).join(' ')}`.toLowerCase();
            const row = this.rows_.get(entry.seq);
            if (row) row.hidden = wanted !== '' && !text.includes(wanted);
        }
    }

    private make_row(entry: EntryRow): HTMLElement {
        const ops = entry.ops ?? [];
        const more = ops.length - kOpsShown;
        const details = h('details', { class: 'entry' },
            h('summary', {},
                h('span', { class: 'seq' }, `#${entry.seq}`), h('span', { class: 'time' }, time_text(stamp_ms(entry))), actor_chip(entry.actor),
                h('span', { class: 'ops' }, ...ops.slice(0, kOpsShown).map(op_line), more > 0 && h('span', { class: 'op more' }, `and ${more} more`),
                    ops.length === 0 && h('span', { class: 'op more' }, 'no ops'))));
        details.addEventListener('toggle', () => {
            if (details.open && details.childElementCount === 1) details.append(h('pre', { class: 'json' }, JSON.stringify(entry, null, 2)));
        });
        return h('li', { testid: 'log-row', 'data-seq': entry.seq }, details);
    }
}
