import { pastOf, type PastChange } from '@tandem/client/past';
import { h, set_text, tint_of } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { BoardChannel, BoardValue } from './board.ts';
import type { Context } from './context.ts';
import { place_of, sentence_of } from './past_words.ts';

// The time slider: the board as each entry left it, who did what there, playing it back, and bringing a version back.

const kKeptViews = 400;
const kTicksMax = 300;
const kPlayMs = 12_000;
const kStepMinMs = 60;
const kStepMaxMs = 700;

export interface TimelineHost {
    /** Shows a state of the past, or what is now. */
    show(value: BoardValue | null): void;
    /** Points at the elements of these paths. */
    point(places: readonly string[]): void;
    text_of(id: string): string | undefined;
    name_of(actor: string): string | null;
}

export class Timeline {
    readonly element: HTMLElement;
    readonly button: HTMLButtonElement;
    private readonly past_;
    private readonly range_ = h('input', { class: 'time-range', type: 'range', testid: 'time-range', 'aria-label': 'Version', step: 1 });
    private readonly ticks_ = h('div', { class: 'time-ticks', 'aria-hidden': 'true' });
    private readonly count_ = h('span', { class: 'time-count', testid: 'time-count' });
    private readonly who_ = h('span', { class: 'time-who', testid: 'time-who' });
    private readonly what_ = h('span', { class: 'time-what', testid: 'time-what' });
    private readonly when_ = h('time', { class: 'time-when' });
    private readonly play_: HTMLButtonElement;
    private readonly restore_: HTMLButtonElement;
    private rows_ = new Map<number, PastChange[]>();
    private readonly views_ = new Map<number, BoardValue>();
    private told_to_ = 0;
    private wanted_: number | null = null;
    private shown_ = -1;
    private loading_ = false;
    /** Something happened while it was being asked for. */
    private again_ = false;
    private playing_: ReturnType<typeof setTimeout> | undefined;

    constructor(private readonly ctx_: Context, board: BoardChannel, private readonly host_: TimelineHost) {
        this.past_ = pastOf(board);
        this.button = h('button', {
            class: 'icon-button bare', type: 'button', testid: 'time-open', 'aria-label': 'History', title: 'History of the board (H)',
            'aria-keyshortcuts': 'h', 'aria-expanded': 'false', onclick: () => void this.toggle(),
        }, icon('clock'));
        this.play_ = h('button', {
            class: 'icon-button', type: 'button', testid: 'time-play', 'aria-label': 'Play', title: 'Play back (Space)', onclick: () => this.play(),
        }, icon('play'));
        this.restore_ = h('button', {
            class: 'button small', type: 'button', testid: 'time-restore', title: 'Make the board look like this again',
            onclick: () => void this.restore(),
        }, icon('restore'), 'Restore this version');
        const live = h('button', {
            class: 'button small primary', type: 'button', testid: 'time-live', title: 'Back to now (Esc)', onclick: () => this.close(),
        }, 'Back to live');
        this.range_.addEventListener('input', () => {
            this.stop();
            void this.go(Number(this.range_.value));
        });
        this.element = h('section', { class: 'timeline', testid: 'timeline', 'aria-label': 'History', hidden: true },
            h('div', { class: 'time-line', 'aria-live': 'polite' }, this.when_, this.who_, this.what_, h('span', { class: 'spring' }), this.count_),
            h('div', { class: 'time-row' }, this.play_, h('div', { class: 'time-track' }, this.range_, this.ticks_)),
            h('div', { class: 'time-row' }, h('span', { class: 'time-note' }, 'You are looking at the past.'), h('span', { class: 'spring' }), this.restore_, live));
        this.element.addEventListener('keydown', (event) => {
            if (event.key !== ' ' || (event.target as HTMLElement).matches('button')) return;
            event.preventDefault();
            this.play();
        });
        board.subscribe(() => void (this.is_open && this.learn()));
        board.status.subscribe(({ synced }) => void (synced && this.is_open && this.learn()));
    }

    get is_open(): boolean {
        return !this.element.hidden;
    }

    toggle(): Promise<void> | void {
        return this.is_open ? this.close() : this.open();
    }

    async open(): Promise<void> {
        try {
            const { oldest, newest } = await this.past_.range();
            this.range_.min = String(oldest);
            this.told_to_ = oldest;
            this.rows_ = new Map();
            this.views_.clear();
            this.shown_ = -1;
            await this.learn(newest);
        } catch (error) {
            this.ctx_.toast(`The history is with the server: ${(error as Error).message}`, 'bad');
            return;
        }
        this.element.hidden = false;
        this.button.setAttribute('aria-expanded', 'true');
        this.range_.value = this.range_.max;
        this.range_.focus({ preventScroll: true });
        await this.go(Number(this.range_.value));
    }

    close(): void {
        if (!this.is_open) return;
        this.stop();
        this.wanted_ = null;
        this.element.hidden = true;
        this.button.setAttribute('aria-expanded', 'false');
        this.host_.show(null);
        this.button.focus({ preventScroll: true });
    }

    /** Entries that came since it was opened make the line longer; what is looked at stays. */
    private async learn(to?: number): Promise<void> {
        this.again_ = this.loading_;
        if (this.loading_) return;
        this.loading_ = true;
        try {
            const rows = await this.past_.changesBetween(this.told_to_, to);
            for (const row of rows) {
                if (row.seq <= this.told_to_) continue;
                this.rows_.set(row.seq, [...(this.rows_.get(row.seq) ?? []), row]);
            }
            this.told_to_ = Math.max(this.told_to_, to ?? 0, rows.at(-1)?.seq ?? 0);
            this.range_.max = String(this.told_to_);
            this.draw_ticks();
            this.tell();
        } catch {
            // The line stays as long as it was; the next change asks again.
        } finally {
            this.loading_ = false;
        }
        if (this.again_) await this.learn();
    }

    /** Shows a version; while one is being fetched only the latest wish is kept. */
    private async go(seq: number): Promise<void> {
        const busy = this.wanted_ !== null;
        this.wanted_ = seq;
        if (busy) return;
        while (this.wanted_ !== null && this.wanted_ !== this.shown_) {
            const next: number = this.wanted_;
            const value: BoardValue | null = this.views_.get(next) ?? await this.past_.at(next).then((view) => view.value).catch(() => null);
            if (this.wanted_ === null || !this.is_open) return;
            if (value === null) {
                this.ctx_.toast('That version is not to be had now.', 'bad');
                break;
            }
            this.views_.set(next, value);
            if (this.views_.size > kKeptViews) this.views_.delete(this.views_.keys().next().value as number);
            this.shown_ = next;
            // Cards that this entry removed are named by what was shown before it.
            const before = this.sentence(next);
            this.host_.show(value);
            this.tell(before);
        }
        this.wanted_ = null;
    }

    private sentence(seq: number): string {
        return sentence_of(this.rows_.get(seq) ?? [], (id) => this.views_.get(seq)?.cards.find((card) => card.id === id)?.text ?? this.host_.text_of(id));
    }

    private tell(sentence = this.sentence(this.shown_)): void {
        const rows = this.rows_.get(this.shown_) ?? [];
        const [first] = rows;
        const name = first ? this.name_of(first.by) : '';
        set_text(this.when_, first ? first.at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }) : '');
        set_text(this.who_, name);
        this.who_.setAttribute('class', `time-who ${first ? this.tint_of(first.by) : ''}`);
        this.who_.hidden = !first;
        set_text(this.what_, first ? sentence : 'The beginning of what is kept');
        set_text(this.count_, `${this.shown_} of ${this.range_.max}`);
        this.element.dataset['seq'] = String(this.shown_);
        this.range_.setAttribute('aria-valuetext', `${name} ${this.what_.textContent ?? ''}`);
        if (this.range_.value !== String(this.shown_)) this.range_.value = String(this.shown_);
        this.restore_.disabled = this.shown_ === Number(this.range_.max);
        if (this.is_open) this.host_.point(rows.map(place_of));
    }

    private name_of(actor: string): string {
        return this.host_.name_of(actor) ?? (actor === '1' ? 'HTTP API' : 'someone');
    }
    private tint_of(actor: string): string {
        const name = this.host_.name_of(actor);
        return name === null ? '' : `tint-${tint_of(name === 'you' ? this.ctx_.name : name)}`;
    }

    /** A mark per entry in its author's colour. */
    private draw_ticks(): void {
        const low = Number(this.range_.min);
        const span = Math.max(1, Number(this.range_.max) - low);
        const all = [...this.rows_];
        const every = Math.ceil(all.length / kTicksMax);
        this.ticks_.replaceChildren(...all.filter((_, i) => i % every === 0).map(([seq, [row]]) => {
            const tick = h('i', { class: row ? this.tint_of(row.by) : '' });
            tick.style.left = `${(100 * (seq - low)) / span}%`;
            return tick;
        }));
    }

    private play(): void {
        if (this.playing_ !== undefined) return this.stop();
        const min = Number(this.range_.min);
        const span = Number(this.range_.max) - min;
        const step_ms = Math.min(kStepMaxMs, Math.max(kStepMinMs, kPlayMs / Math.max(1, span)));
        const stride = Math.max(1, Math.ceil((span * kStepMinMs) / kPlayMs));
        let at = this.shown_ >= Number(this.range_.max) ? min - stride : this.shown_;
        const next = (): void => {
            at = Math.min(Number(this.range_.max), at + stride);
            void this.go(at).then(() => {
                if (this.playing_ === undefined) return;
                if (at >= Number(this.range_.max)) this.stop();
                else this.playing_ = setTimeout(next, step_ms);
            });
        };
        this.playing_ = setTimeout(next, 0);
        this.show_playing('Pause', 'pause');
    }
    private stop(): void {
        clearTimeout(this.playing_);
        this.playing_ = undefined;
        this.show_playing('Play', 'play');
    }
    private show_playing(label: string, glyph: 'play' | 'pause'): void {
        this.play_.setAttribute('aria-label', label);
        this.play_.replaceChildren(icon(glyph));
    }

    private async restore(): Promise<void> {
        const seq = this.shown_;
        try {
            const write = await this.past_.restore(seq);
            this.ctx_.track(write);
            this.close();
            this.ctx_.toast(`The board is as it was at ${seq} of ${this.range_.max}. Undo takes that back.`);
        } catch (error) {
            this.ctx_.toast(`Not restored: ${(error as Error).message}`, 'bad');
        }
    }
}
