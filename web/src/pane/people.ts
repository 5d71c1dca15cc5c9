import type { Member } from '@tandem/client';
import { h, initials, reduced_motion, set_text, svg, tint_of } from '../shared/dom.ts';
import type { Person } from './board.ts';
import type { Context } from './context.ts';

// Who is here: avatars, where they point, and which field they are in.

const kCursorEveryMs = 45;
const kCursorFadesMs = 5000;
const kAvatarsMax = 5;

interface Spot { readonly x: number; readonly y: number }

function is_spot(value: unknown): value is Spot {
    return typeof value === 'object' && value !== null
        && Number.isFinite((value as Spot).x) && Number.isFinite((value as Spot).y);
}

export class People {
    readonly members = h('div', { class: 'members', testid: 'members', role: 'list', 'aria-label': 'Who is here' });
    readonly layer = h('div', { class: 'cursors', 'aria-hidden': 'true' });
    /** Called when a writer's name became known. */
    onwriters: () => void = () => undefined;
    private others_: readonly Member<Person>[] = [];
    private readonly writers_ = new Map<string, string>();   // Name by actor; kept when they leave.
    private own_actor_ = '';
    private readonly cursors_ = new Map<string, { element: HTMLElement; fade: ReturnType<typeof setTimeout> }>();

    constructor(private readonly ctx_: Context, private readonly area_: HTMLElement) {
        this.render_members();
        ctx_.board.presence.others.subscribe((others) => this.show(others));
        this.watch_own_pointer();
        this.watch_own_focus();
        void this.follow_cursors();
        void this.follow_own_actor();
    }

    name_of(member_id: string): string {
        return this.others_.find((member) => member.id === member_id)?.state.name ?? 'someone';
    }

    /** The person behind an actor, as far as they were seen here; null: not known. */
    by_actor(actor: string): string | null {
        return actor === this.own_actor_ ? 'you' : this.writers_.get(actor) ?? null;
    }

    /** Own changes tell the own actor, which the others need to put a name to what it wrote. */
    private async follow_own_actor(): Promise<void> {
        for await (const change of this.ctx_.board.changes()) {
            if (!change.local || change.by === '' || change.by === this.own_actor_) continue;
            this.own_actor_ = change.by;
            this.onwriters();
            this.ctx_.board.presence.set({ actor: change.by });
        }
    }

    get count(): number {
        return this.others_.length;
    }

    private show(others: readonly Member<Person>[]): void {
        this.others_ = others.filter((member) => typeof member.state?.name === 'string');
        let news = false;
        for (const { state } of this.others_) {
            if (!state.actor || this.writers_.get(state.actor) === state.name) continue;
            this.writers_.set(state.actor, state.name);
            news = true;
        }
        if (news) this.onwriters();
        this.render_members();
        this.render_focus();
        for (const id of this.cursors_.keys()) {
            if (!this.others_.some((member) => member.id === id)) this.drop_cursor(id);
        }
    }

    private render_members(): void {
        const avatar = (name: string, me: boolean): HTMLElement => h('span', {
            class: `avatar tint-${tint_of(name)}${me ? ' me' : ''}`, role: 'listitem', 'data-name': name,
            title: me ? `${name} (you)` : name, 'aria-label': me ? `${name} (you)` : name,
        }, initials(name));
        const more = this.others_.length - kAvatarsMax;
        this.members.replaceChildren(
            avatar(this.ctx_.name, true),
            ...this.others_.slice(0, kAvatarsMax).map((member) => avatar(member.state.name, false)),
            ...(more > 0 ? [h('span', { class: 'avatar more', role: 'listitem' }, `+${more}`)] : []));
        this.members.dataset['count'] = String(this.others_.length + 1);
    }

    /** Outlines the field that another person is in. */
    render_focus(): void {
        const held = new Map(this.others_.filter((member) => member.state.at)
            .map((member) => [member.state.at, member.state.name]));
        for (const element of document.querySelectorAll<HTMLElement>('[data-at]')) {
            const who = held.get(element.dataset['at'] ?? '');
            for (const name of [...element.classList]) {
                if (name.startsWith('tint-')) element.classList.remove(name);
            }
            element.classList.toggle('held', who !== undefined);
            if (who === undefined) delete element.dataset['who'];
            else {
                element.dataset['who'] = who;
                element.classList.add(`tint-${tint_of(who)}`);
            }
        }
    }

    private watch_own_focus(): void {
        let last: string | null = null;
        const tell = (): void => {
            const at = document.activeElement?.closest<HTMLElement>('[data-at]')?.dataset['at'] ?? null;
            if (at === last) return;
            last = at;
            this.ctx_.board.presence.set({ at });
        };
        addEventListener('focusin', tell);
        addEventListener('focusout', () => setTimeout(tell));
    }

    private watch_own_pointer(): void {
        let next = 0;
        this.area_.addEventListener('pointermove', (event) => {
            const now = performance.now();
            if (now < next) return;
            next = now + kCursorEveryMs;
            // Across is a share of the width, so that windows of different widths agree; down is in pixels of the content.
            const box = this.area_.getBoundingClientRect();
            this.ctx_.board.signal('cursor', {
                x: Math.round((event.clientX - box.left) / box.width * 1000),
                y: Math.round(event.clientY - box.top + this.area_.scrollTop),
            });
        });
        this.area_.addEventListener('pointerleave', () => this.ctx_.board.signal('cursor', null));
    }

    private async follow_cursors(): Promise<void> {
        for await (const { from, value } of this.ctx_.board.signals('cursor')) {
            if (is_spot(value)) this.move_cursor(from, value);
            else this.drop_cursor(from);
        }
    }

    private move_cursor(id: string, spot: Spot): void {
        const name = this.name_of(id);
        let cursor = this.cursors_.get(id);
        if (!cursor) {
            const element = h('div', { class: `cursor tint-${tint_of(name)}`, testid: 'cursor' },
                svg('svg', { viewBox: '0 0 16 18', class: 'cursor-arrow' },
                    svg('path', { d: 'M1.5 1.2 14 9.6l-5.7 1.1-3 5.3z' })),
                h('span', { class: 'cursor-name' }, name));
            if (!reduced_motion.matches) element.classList.add('smooth');
            this.layer.append(element);
            cursor = { element, fade: setTimeout(() => undefined) };
            this.cursors_.set(id, cursor);
        }
        const label = cursor.element.querySelector('.cursor-name');
        if (label) set_text(label, name);
        const x = spot.x / 1000 * this.area_.clientWidth;
        cursor.element.style.transform = `translate(${x.toFixed(1)}px, ${spot.y.toFixed(1)}px)`;
        clearTimeout(cursor.fade);
        cursor.fade = setTimeout(() => this.drop_cursor(id), kCursorFadesMs);
    }

    private drop_cursor(id: string): void {
        const cursor = this.cursors_.get(id);
        if (!cursor) return;
        clearTimeout(cursor.fade);
        cursor.element.remove();
        this.cursors_.delete(id);
    }
}
