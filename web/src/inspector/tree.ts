import { h } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { Json } from './api.ts';
import { actor_chip, value_chip } from './format.ts';
import { children_of, type Provenance } from './provenance.ts';

// The record as a tree that stays open where it was opened while the record changes under it.

const kOpenDepth = 2;
const kChildrenMax = 500;

export class Tree {
    readonly element = h('div', { class: 'tree', role: 'tree', testid: 'record-tree' });
    private readonly toggled_ = new Map<string, boolean>();
    private last_: [Json, Provenance] | null = null;

    constructor() {
        this.element.addEventListener('keydown', (event) => this.key(event));
    }

    show(value: Json, origins: Provenance): void {
        this.last_ = [value, origins];
        const focused = (document.activeElement as HTMLElement | null)?.dataset['path'];
        const inside = this.element.contains(document.activeElement);
        const rows: HTMLElement[] = [];
        for (const child of children_of('', value)) this.rows(child.label, child.path, child.value, 0, origins, rows);
        this.element.replaceChildren(...rows);
        const wanted = rows.find((row) => row.dataset['path'] === focused) ?? rows[0];
        if (wanted) {
            wanted.tabIndex = 0;
            if (inside) wanted.focus({ preventScroll: true });
        }
    }

    set_all(open: boolean): void {
        for (const row of this.element.querySelectorAll<HTMLElement>('[aria-expanded]')) this.toggled_.set(row.dataset['path'] ?? '', open);
        this.redraw();
    }

    private redraw(): void {
        if (this.last_) this.show(...this.last_);
    }

    private toggle(path: string, open: boolean): void {
        this.toggled_.set(path, open);
        this.redraw();
    }

    private rows(label: string, path: string, value: Json, depth: number, origins: Provenance, out: HTMLElement[]): void {
        const inner = children_of(path, value);
        const plain_array = Array.isArray(value) && inner.every((child) => child.path === path);
        const branch = inner.length > 0 && !plain_array;
        const open = this.toggled_.get(path) ?? depth < kOpenDepth;
        const origin = origins.of(path);
        const row = h('div', {
            class: `tree-row depth-${Math.min(depth, 9)}`, role: 'treeitem', tabindex: -1, 'data-path': path, 'aria-level': depth + 1,
            'aria-expanded': branch ? String(open) : undefined, testid: 'record-row',
        },
            branch ? h('span', { class: 'twist' }, icon('chevron')) : h('span', { class: 'twist' }),
            h('span', { class: label.startsWith('@') ? 'tree-key item' : 'tree-key' }, label),
            branch
                ? h('span', { class: 'tree-size' }, Array.isArray(value) ? `${inner.length} items` : open ? '' : preview(value))
                : value_chip(value, 140),
            h('span', { class: 'tree-origin' }, origin && `#${origin.seq}`, origin && actor_chip(origin.actor)));
        row.addEventListener('click', () => {
            row.focus({ preventScroll: true });
            if (branch) this.toggle(path, !open);
        });
        out.push(row);
        if (!branch || !open) return;
        for (const child of inner.slice(0, kChildrenMax)) this.rows(child.label, child.path, child.value, depth + 1, origins, out);
        if (inner.length > kChildrenMax) out.push(h('div', { class: 'note' }, `${inner.length - kChildrenMax} more`));
    }

    private key(event: KeyboardEvent): void {
        const row = (event.target as HTMLElement).closest<HTMLElement>('.tree-row');
        if (!row) return;
        const all = [...this.element.querySelectorAll<HTMLElement>('.tree-row')];
        const at = all.indexOf(row);
        const expanded = row.getAttribute('aria-expanded');
        const path = row.dataset['path'] ?? '';
        let go: HTMLElement | undefined;
        if (event.key === 'ArrowDown') go = all[at + 1];
        else if (event.key === 'ArrowUp') go = all[at - 1];
        else if (event.key === 'Home') go = all[0];
        else if (event.key === 'End') go = all.at(-1);
        else if (event.key === 'ArrowRight' && expanded === 'false') this.toggle(path, true);
        else if (event.key === 'ArrowLeft' && expanded === 'true') this.toggle(path, false);
        else if (event.key === 'Enter' && expanded !== null) this.toggle(path, expanded === 'false');
        else return;
        event.preventDefault();
        if (go) {
            row.tabIndex = -1;
            go.tabIndex = 0;
            go.focus();
        }
    }
}

function preview(value: Json): string {
    const text = JSON.stringify(value);
    return text.length > 70 ? `${text.slice(0, 70)}…` : text;
}
