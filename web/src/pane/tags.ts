import { h } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { Context } from './context.ts';

const kTagMax = 24;

/** The set of tags: chips to remove, an input to add. */
export class Tags {
    readonly element: HTMLElement;
    private readonly chips_ = h('span', { class: 'chips', role: 'list', 'aria-label': 'Tags' });

    constructor(private readonly ctx_: Context) {
        const input = h('input', {
            class: 'tag-input', testid: 'tag-input', placeholder: 'Add tag', 'aria-label': 'Add a tag', maxlength: kTagMax,
            autocomplete: 'off', size: 8,
        });
        input.addEventListener('keydown', (event) => {
            if (event.key === 'Enter' || event.key === ',') {
                event.preventDefault();
                const tag = input.value.trim();
                input.value = '';
                if (tag !== '') {
                    this.ctx_.track(this.ctx_.board.fields.tags.add(tag));
                    this.ctx_.tell('typed');
                }
            } else if (event.key === 'Backspace' && input.value === '') {
                const last = [...(this.ctx_.board.fields.tags.value)].at(-1);
                if (last !== undefined) this.ctx_.track(this.ctx_.board.fields.tags.delete(last));
            }
        });
        this.element = h('div', { class: 'tags', 'data-at': 'tags' }, this.chips_, input);
    }

    show(tags: ReadonlySet<string>): void {
        const shown = new Map([...this.chips_.children].map((chip) => [(chip as HTMLElement).dataset['tag'] ?? '', chip]));
        const wanted = [...tags].map((tag) => {
            const there = shown.get(tag);
            if (there) return there;
            const remove = h('button', {
                class: 'chip-remove', type: 'button', testid: 'tag-remove', 'aria-label': `Remove ${tag}`, title: `Remove ${tag}`,
                onclick: () => this.ctx_.track(this.ctx_.board.fields.tags.delete(tag)),
            }, icon('close'));
            return h('span', { class: 'chip', role: 'listitem', testid: 'tag-chip', 'data-tag': tag }, tag, remove);
        });
        this.chips_.replaceChildren(...wanted);
    }
}
