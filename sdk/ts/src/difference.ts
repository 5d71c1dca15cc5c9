import { CHANGE_COUNTER, CHANGE_ELEMENT, CHANGE_EMPTY, CHANGE_VALUE } from './changes.js';
import {
    OP_ADD, OP_ASSIGN, OP_DELETE, OP_INC, OP_INSERT, OP_MOVE, OP_REMOVE, OP_SET, type Draft,
} from './ops.js';
import { isItem, type Path } from './path.js';
import { equal } from './value.js';
import { COUNTER, LIST, MAP, NONE, REGISTER, SET, treeChanges, type Node } from './view.js';

/** Ops that make a subtree again, where nothing is in its way. */
export const again = (path: Path, node: Node): Draft[] =>
    treeChanges(node, path).map(({ kind, path, position = '', value }): Draft => {
        if (kind === CHANGE_VALUE) return { kind: OP_SET, path, value };
        if (kind === CHANGE_COUNTER) return { kind: OP_INC, path, value };
        if (kind === CHANGE_ELEMENT) return { kind: OP_ADD, path, value };
        return kind === CHANGE_EMPTY ? { kind: OP_ASSIGN, path, value: {} } : { kind: OP_INSERT, path, position, value: null };
    });

/** The least ops that make `now` show what `then` shows; an item keeps the place that it had then. */
export function difference(now: Node | undefined, then: Node | undefined, path: Path = []): Draft[] {
    if (now === then) return [];
    const item = isItem(path[path.length - 1] ?? '');
    if (!then || (then.kind === NONE && !item)) return now && (now.kind !== NONE || item) ? [{ kind: OP_DELETE, path }] : [];
    if (!now || (now.kind === NONE && !item)) {
        // A removed item still has what was in it, some of it written later: it is emptied before it is filled.
        return again(path, then).flatMap(op => (op.kind === OP_INSERT ? [op, { kind: OP_ASSIGN, path: op.path, value: {} }] : [op]));
    }
    const ops: Draft[] = [];
    if (item && now.position !== then.position && then.position !== undefined) ops.push({ kind: OP_MOVE, path, position: then.position });
    if (now.kind !== then.kind) return ops.concat(turned(then, path));
    if (now.kind === REGISTER && !equal(now.value, then.value)) ops.push({ kind: OP_SET, path, value: then.value });
    if (now.kind === COUNTER && now.value !== then.value) ops.push({ kind: OP_INC, path, value: Number(then.value) - Number(now.value) });
    if (now.kind === SET) {
        for (const [key, value] of now.elements) if (!then.elements.has(key)) ops.push({ kind: OP_REMOVE, path, value });
        for (const [key, value] of then.elements) if (!now.elements.has(key)) ops.push({ kind: OP_ADD, path, value });
    }
    if (now.kind === MAP || now.kind === LIST) {
        if (then.marker && !then.children.size && now.children.size) return [...ops, { kind: OP_ASSIGN, path, value: {} }];
        for (const [segment, child] of now.children) ops.push(...difference(child, then.children.get(segment), [...path, segment]));
        for (const [segment, child] of then.children) if (!now.children.has(segment)) ops.push(...difference(undefined, child, [...path, segment]));
    }
    return ops;
}

/** A node of another kind: writing there clears what it was; an item stays in its list, whatever it holds. */
function turned(then: Node, path: Path): Draft[] {
    const inside = again(path, then).filter(op => op.kind !== OP_INSERT || op.path.length > path.length);
    return inside.length ? inside : [{ kind: OP_ASSIGN, path, value: {} }];
}
