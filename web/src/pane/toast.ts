import { h } from '../shared/dom.ts';

const kShownMs = 6000;
const kAtOnce = 3;

export class Toasts {
    readonly element = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite', testid: 'toasts' });

    show(text: string, tone: 'plain' | 'bad' = 'plain'): void {
        const toast = h('div', { class: `toast ${tone}`, testid: 'toast' }, text);
        toast.addEventListener('click', () => toast.remove());
        this.element.append(toast);
        while (this.element.childElementCount > kAtOnce) this.element.firstElementChild?.remove();
        setTimeout(() => toast.remove(), kShownMs);
    }
}
