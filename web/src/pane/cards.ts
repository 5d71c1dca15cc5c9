import type { Place } from '@tandem/client';
import { h, reduced_motion } from '../shared/dom.ts';
import { grip, icon } from '../shared/icons.ts';
import { type Card, kColors } from './board.ts';
import type { Context } from './context.ts';
import { bind_text, fit_height, type TextBinding } from './text_input.ts';

// The list of cards: each an element kept by the card's id, so that focus, carets and running gestures survive what others do.

const kSlideMs = 180;
const kDragStartPx = 4;

interface Row {
    readonly element: HTMLLIElement;
    readonly done: HTMLInputElement;
    readonly text: HTMLTextAreaElement;
    readonly up: HTMLButtonElement;
    readonly down: HTMLButtonElement;
    readonly binding: TextBinding;
}

export class Cards {
    readonly element: HTMLElement;
    readonly list = h('ul', { class: 'cards', 'aria-label': 'Cards', testid: 'cards' });
    readonly add = h('input', {
        class: 'card-add', testid: 'card-add-input', placeholder: 'Add a card', 'aria-label': 'Add a card',
        autocomplete: 'off', maxlength: 500, 'aria-keyshortcuts': 'n',
    });
    private readonly rows_ = new Map<string, Row>();
    private order_: string[] = [];
    private dragging_: string | null = null;

    constructor(private readonly ctx_: Context) {
        const submit = (): void => {
            const text = this.add.value.trim();
            if (text === '') return;
            this.add.value = '';
            const { cards } = this.ctx_.board.fields;
            this.ctx_.track(this.ctx_.board.transact(() => cards.insert({ text, done: false, color: 'none' }, 'last')));
            this.ctx_.tell('typed');
            requestAnimationFrame(() => this.list.lastElementChild?.scrollIntoView({ block: 'nearest' }));
        };
        const button = h('button', { class: 'icon-button bare', type: 'submit', testid: 'card-add', 'aria-label': 'Add the card' }, icon('plus'));
        const form = h('form', { class: 'card-add-row' }, button, this.add);
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            submit();
        });
        this.add.addEventListener('keydown', (event) => {
            if (event.key === 'ArrowUp' && this.add.value === '') this.focus_card(this.order_.at(-1));
        });
        this.element = h('section', { class: 'cards-section', 'aria-label': 'Cards' }, this.list, form);
    }

    text_of(id: string): string | undefined {
        return this.rows_.get(id)?.text.value;
    }

    /** Writes typing that has not been sent yet. */
    flush(): void {
        for (const row of this.rows_.values()) row.binding.flush();
    }

    show(cards: readonly Card[]): void {
        const before = this.positions();
        const known = new Set(cards.map((card) => card.id));
        for (const [id, row] of this.rows_) {
            if (known.has(id)) continue;
            this.keep_focus_near(id);
            row.element.remove();
            this.rows_.delete(id);
        }
        for (const card of cards) {
            let row = this.rows_.get(card.id);
            if (!row) {
                row = this.make_row(card.id);
                this.rows_.set(card.id, row);
            }
            const color = kColors.find((known_color) => known_color === card.color) ?? 'none';
            if (row.done.checked !== Boolean(card.done)) row.done.checked = Boolean(card.done);
            row.element.classList.toggle('done', Boolean(card.done));
            row.element.dataset['color'] = color;
            row.binding.show(typeof card.text === 'string' ? card.text : '');
        }
        this.order_ = cards.map((card) => card.id);
        if (this.dragging_ === null) this.place(this.order_);
        this.slide(before);
        this.order_.forEach((id, at) => {
            const row = this.rows_.get(id);
            if (!row) return;
            row.up.disabled = at === 0;
            row.down.disabled = at === this.order_.length - 1;
            fit_height(row.text);
        });
        this.list.classList.toggle('empty', cards.length === 0);
    }

    private place(order: readonly string[]): void {
        const focused = document.activeElement;
        order.forEach((id, at) => {
            const element = this.rows_.get(id)?.element;
            const there = this.list.children[at] ?? null;
            if (element && there !== element) this.list.insertBefore(element, there);
        });
        // Moving a node in the document takes the focus away from what is inside.
        if (focused instanceof HTMLElement && focused !== document.activeElement && this.list.contains(focused)) {
            focused.focus({ preventScroll: true });
        }
    }

    private positions(): Map<Element, number> {
        return new Map([...this.list.children].map((child) => [child, child.getBoundingClientRect().top]));
    }

    /** Lets cards glide to where they are now from where they were. */
    private slide(before: Map<Element, number>): void {
        if (reduced_motion.matches) return;
        for (const child of this.list.children) {
            const was = before.get(child);
            if (was === undefined) {
                if (before.size > 0) child.animate([{ opacity: 0 }, { opacity: 1 }], { duration: kSlideMs });
                continue;
            }
            const by = was - child.getBoundingClientRect().top;
            if (Math.abs(by) < 1 || child.classList.contains('dragging')) continue;
            child.animate([{ transform: `translateY(${by}px)` }, { transform: 'none' }], { duration: kSlideMs, easing: 'ease-out' });
        }
    }

    private make_row(id: string): Row {
        const { fields } = this.ctx_.board;
        const item = () => fields.cards.item(id);
        const edited = (): void => this.ctx_.tell('typed');
        const text = h('textarea', {
            class: 'card-text', testid: 'card-text', rows: 1, 'aria-label': 'Text of the card', spellcheck: 'false', maxlength: 500,
        });
        const binding = bind_text(text, (value) => {
            this.ctx_.track(item().fields.text.set(value));
            edited();
        });
        const done = h('input', { class: 'card-done', type: 'checkbox', testid: 'card-done', 'aria-label': 'Done' });
        done.addEventListener('change', () => this.ctx_.track(item().fields.done.set(done.checked)));
        const small = (testid: string, label: string, glyph: SVGElement, act: () => void): HTMLButtonElement =>
            h('button', { class: 'icon-button bare', type: 'button', testid, 'aria-label': label, title: label, tabindex: -1, onclick: act }, glyph);
        const up = small('card-up', 'Move up (Alt+↑)', icon('up'), () => this.step(id, -1));
        const down = small('card-down', 'Move down (Alt+↓)', icon('down'), () => this.step(id, 1));
        const color = small('card-color', 'Next colour (C)', h('span', { class: 'dot' }) as unknown as SVGElement, () => this.next_color(id));
        const remove = small('card-delete', 'Delete (Del)', icon('trash'), () => this.remove(id));
        const handle = h('span', { class: 'card-grip', testid: 'card-grip', title: 'Drag to move', 'aria-hidden': 'true' }, grip());
        const element = h('li', {
            class: 'card', testid: 'card', tabindex: 0, 'data-id': id, 'data-at': `cards/@${id}`,
            'aria-keyshortcuts': 'Enter Space Alt+ArrowUp Alt+ArrowDown Delete c',
        }, handle, done, text, h('span', { class: 'card-tools' }, color, up, down, remove));
        element.addEventListener('keydown', (event) => this.key(event, id));
        text.addEventListener('keydown', (event) => {
            if (event.key === 'Enter' && !event.shiftKey) {
                event.preventDefault();
                binding.flush();
                element.focus();
                event.stopPropagation();
            } else if (event.key === 'Escape') {
                binding.flush();
                element.focus();
                event.stopPropagation();
            }
        });
        this.watch_drag(handle, element, id);
        return { element, done, text, up, down, binding };
    }

    private key(event: KeyboardEvent, id: string): void {
        const row = this.rows_.get(id);
        if (!row) return;
        const on_card = event.target === row.element;
        const vertical = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
        if (vertical !== 0 && (event.altKey || (on_card && event.shiftKey))) {
            this.step(id, vertical);
        } else if (!on_card) {
            return;
        } else if (vertical !== 0) {
            const next = this.order_[this.order_.indexOf(id) + vertical];
            if (next !== undefined) this.focus_card(next);
            else if (vertical > 0) this.add.focus();
        } else if (event.key === 'Enter') {
            row.text.focus();
            row.text.setSelectionRange(row.text.value.length, row.text.value.length);
        } else if (event.key === ' ') {
            row.done.click();
        } else if (event.key === 'Delete' || event.key === 'Backspace') {
            this.remove(id);
        } else if (event.key === 'c' && !event.ctrlKey && !event.metaKey) {
            this.next_color(id);
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }

    private focus_card(id: string | undefined): void {
        if (id !== undefined) this.rows_.get(id)?.element.focus();
    }

    /** Before a card goes: the focus moves to its neighbour, so that keyboard users stay where they were. */
    private keep_focus_near(id: string): void {
        const row = this.rows_.get(id);
        if (!row?.element.contains(document.activeElement)) return;
        const at = this.order_.indexOf(id);
        const next = this.order_[at + 1] ?? this.order_[at - 1];
        if (next !== undefined && this.rows_.has(next)) this.focus_card(next);
        else this.add.focus();
    }

    private move(id: string, place: Place): void {
        this.ctx_.track(this.ctx_.board.fields.cards.item(id).move(place));
    }

    private step(id: string, by: -1 | 1): void {
        const at = this.order_.indexOf(id);
        const neighbour = this.order_[at + by];
        if (at < 0 || neighbour === undefined) return;
        this.move(id, by < 0 ? { before: neighbour } : { after: neighbour });
    }

    private next_color(id: string): void {
        const now = this.rows_.get(id)?.element.dataset['color'];
        const at = kColors.findIndex((color) => color === now);
        const next = kColors[(at + 1) % kColors.length] ?? 'none';
        this.ctx_.track(this.ctx_.board.fields.cards.item(id).fields.color.set(next));
    }

    private remove(id: string): void {
        this.ctx_.track(this.ctx_.board.fields.cards.item(id).remove());
    }

    /** Puts the element before `next` by moving its neighbours: a node that is itself moved loses the captured pointer. */
    private put_others_around(element: Element, next: Element | null): void {
        const children = [...this.list.children];
        const at = children.indexOf(element);
        const to = next ? children.indexOf(next) : children.length;
        for (const child of children.slice(at + 1, to)) this.list.insertBefore(child, element);
        for (const child of children.slice(to, at).reverse()) element.after(child);
    }

    private watch_drag(handle: HTMLElement, element: HTMLElement, id: string): void {
        handle.addEventListener('pointerdown', (down) => {
            if (down.button !== 0) return;
            down.preventDefault();
            element.focus({ preventScroll: true });
            handle.setPointerCapture(down.pointerId);
            const grabbed_at = down.clientY - element.getBoundingClientRect().top;
            let moved = false;

            const follow = (event: PointerEvent): void => {
                if (!moved && Math.abs(event.clientY - down.clientY) < kDragStartPx) return;
                if (!moved) {
                    moved = true;
                    this.dragging_ = id;
                    element.classList.add('dragging');
                }
                element.style.transform = '';
                const height = element.offsetHeight;
                const middle = event.clientY - grabbed_at + height / 2;
                const before = this.positions();
                const others = [...this.list.children].filter((child) => child !== element);
                const next = others.find((child) => {
                    const box = child.getBoundingClientRect();
                    return middle < box.top + box.height / 2;
                }) ?? null;
                if (element.nextElementSibling !== next) {
                    this.put_others_around(element, next);
                    this.slide(before);
                }
                const offset = event.clientY - grabbed_at - element.getBoundingClientRect().top;
                element.style.transform = `translateY(${offset}px)`;
                element.scrollIntoView({ block: 'nearest' });
            };
            const finish = (drop: boolean): void => {
                document.removeEventListener('pointermove', follow);
                document.removeEventListener('pointerup', up);
                document.removeEventListener('pointercancel', cancel);
                document.removeEventListener('keydown', escape, true);
                this.dragging_ = null;
                element.classList.remove('dragging');
                element.style.transform = '';
                if (!moved) return;
                const shown = [...this.list.children].map((child) => (child as HTMLElement).dataset['id'] ?? '');
                const at = shown.indexOf(id);
                const changed = drop && at >= 0 && shown.join() !== this.order_.join();
                const after = shown[at - 1];
                if (!changed) this.place(this.order_);
                else if (after === undefined) this.move(id, 'first');
                else this.move(id, { after });
                element.focus({ preventScroll: true });
            };
            const up = (): void => finish(true);
            const cancel = (): void => finish(false);
            const escape = (event: KeyboardEvent): void => {
                if (event.key === 'Escape') finish(false);
            };
            document.addEventListener('pointermove', follow);
            document.addEventListener('pointerup', up);
            document.addEventListener('pointercancel', cancel);
            document.addEventListener('keydown', escape, true);
        });
    }
}
