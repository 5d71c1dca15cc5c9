import { CHANGE_CLEAR, CHANGE_ITEM, CHANGE_OUTSIDE, CHANGE_WINDOW, delta, type Delta } from '../../src/changes.js';
import { Reader } from '../../src/bytes.js';
import { covers, decodePath, isItem, parsePath, pathText, type Path } from '../../src/path.js';
import type { Selected } from '../../src/select.js';
import { EMPTY, Edit, NONE, itemsOf, nodeAt, treeChanges, type Node } from '../../src/view.js';
import { diff } from './fake_server.js';

/** What a view of a part of the record shows: a tree, and how many items the lists with windows have. */
export interface Partial {
    root: Node;
    totals: Map<string, number>;
}

export function readSelected(bytes: Uint8Array): Selected {
    const out = { path: [] as Path, from: 0, to: 0 };
    const r = new Reader(bytes);
    while (r.next()) {
        if (r.field === 1) out.path = decodePath(r.bytes());
        else if (r.field === 2) out.from = r.num();
        else out.to = r.num();
    }
    return out;
}
export const selected = (path: string, from = 0, to = 0): Selected => ({ path: parsePath(path), from, to });

/** Section 9 of docs/merge.md: the covered parts of the record, and the way to them. */
export function partial(root: Node, select: readonly Selected[]): Partial {
    const totals = new Map<string, number>();
    if (select.length === 0 || select.some(s => !s.to && !s.path.length)) return { root, totals };
    const edit = new Edit(EMPTY);
    const show = (path: Path): void => {
        const node = nodeAt(root, path);
        if (!node || (node.kind === NONE && !isItem(path[path.length - 1] ?? ''))) return;
        for (let i = 1; i < path.length; i++)
            if (isItem(path[i - 1]!)) edit.change(delta(CHANGE_ITEM, path.slice(0, i), { position: nodeAt(root, path.slice(0, i))!.position }));
        for (const change of treeChanges(node, path)) edit.change(change);
    };
    for (const { path, from, to } of select) {
        if (!to) show(path);
        const items = itemsOf(nodeAt(root, path));
        if (to && items.length) totals.set(pathText(path), items.length);
        for (const item of items.slice(from, to)) show([...path, item.segment]);
    }
    return { root: edit.root, totals };
}

function step(before: Partial, after: Partial, whole: Node): Delta[] {
    const changes = diff(before.root, after.root).map(c => (c.kind === CHANGE_CLEAR && nodeAt(whole, c.path) ? { ...c, kind: CHANGE_OUTSIDE } : c));
    for (const path of new Set([...before.totals.keys(), ...after.totals.keys()])) {
        const value = after.totals.get(path) ?? 0;
        if (value !== (before.totals.get(path) ?? 0)) changes.push(delta(CHANGE_WINDOW, parsePath(path), { value }));
    }
    return changes;
}

/** A live delivery's changes. */
export function liveChanges(before: Node, after: Node, select: readonly Selected[]): Delta[] {
    return step(partial(before, select), partial(after, select), after);
}

/** A catch-up's: lists of which the order changed are sent anew, and what is no longer selected goes first. */
export function catchUp(from: Node, to: Node, held: readonly Selected[], select: readonly Selected[]): Delta[] {
    const had = partial(from, held);
    const outside: Path[] = [];
    const same = (a: Selected, b: Selected): boolean => JSON.stringify(a) === JSON.stringify(b);
    const root: Selected = { path: [], from: 0, to: 0 };
    const wants = select.length ? select : [root];
    for (const s of held.length ? held : [root]) if (!wants.some(w => same(w, s))) outside.push(s.path);
    for (const s of wants) {
        const order = (node: Node): string => itemsOf(nodeAt(node, s.path)).map(i => `${i.id} ${i.node.position}`).join();
        if (s.to && order(from) !== order(to)) outside.push(s.path);
    }
    const edit = new Edit(had.root);
    for (const path of outside) {
        edit.change(delta(CHANGE_OUTSIDE, path));
        for (const text of had.totals.keys()) if (covers(path, parsePath(text))) had.totals.delete(text);
    }
    return [...outside.map(path => delta(CHANGE_OUTSIDE, path)), ...step({ root: edit.root, totals: had.totals }, partial(to, select), to)];
}
