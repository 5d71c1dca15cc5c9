import { compareText } from './bytes.js';
import { covers, pathText, type Path } from './path.js';
import { itemsOf, nodeAt, type Node } from './view.js';

/** A part of a record: a path and all below, or the items `[from, to)` of a list in the order shown; `to` 0: no window. */
export interface Selected {
    readonly path: Path;
    readonly from: number;
    readonly to: number;
}

export const ROOT: Selected = { path: [], from: 0, to: 0 };

/** No part is covered by another and windows that touch are one, in a fixed order: equal selections look equal. */
export function normalForm(parts: readonly Selected[]): readonly Selected[] {
    const out: Selected[] = [];
    const sorted = parts.map(part => ({ part, text: pathText(part.path) }));
    sorted.sort((a, b) => compareText(a.text, b.text) || a.part.from - b.part.from || a.part.to - b.part.to);
    for (const { part, text } of sorted) {
        const last = out[out.length - 1];
        if (out.some(o => !o.to && covers(o.path, part.path))) continue;
        if (last && pathText(last.path) === text && part.from <= last.to) out[out.length - 1] = { ...last, to: Math.max(last.to, part.to) };
        else out.push(part);
    }
    return out[0] && !out[0].to && !out[0].path.length ? [] : out;
}

export const sameSelection = (a: readonly Selected[] | undefined, b: readonly Selected[]): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Whether a selected view shows the path as it is. Where a part lies inside an item, the item itself does not count as
 * seen, since it may be there for that part alone.
 */
export function isCovered(select: readonly Selected[], view: Node, path: Path): boolean {
    if (!select.length) return true;
    return select.some(({ path: at, to }) => {
        if (!covers(at, path)) return false;
        if (!to) return true;
        const item = path.slice(0, at.length + 1);
        return item.length > at.length && !!nodeAt(view, item) && !select.some(s => s.path.length > item.length && covers(item, s.path));
    });
}

/** What a selected view covers below a path that it does not cover as a whole. */
export function coveredBelow(select: readonly Selected[], view: Node, path: Path): Path[] {
    return select.flatMap(({ path: at, to }) => {
        if (!covers(path, at)) return [];
        const node = nodeAt(view, at);
        if (!to) return node ? [at] : [];
        return itemsOf(node).map(item => [...at, item.segment]).filter(item => isCovered(select, view, item));
    });
}
