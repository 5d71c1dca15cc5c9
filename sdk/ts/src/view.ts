import { compareBytes, compareText } from './bytes.js';
import {
    CHANGE_CLEAR, CHANGE_COUNTER, CHANGE_ELEMENT, CHANGE_EMPTY, CHANGE_ITEM, CHANGE_NO_ELEMENT, CHANGE_OUTSIDE,
    CHANGE_VALUE, delta, type Delta,
} from './changes.js';
import {
    DOT_NONE, OP_ADD, OP_ASSIGN, OP_COUNTER_SET, OP_DELETE, OP_INC, OP_INSERT, OP_MOVE, OP_REMOVE, OP_SET,
    type Dot, type Op,
} from './ops.js';
import { isItem, keySegment, nameOf, type Path, type Segment } from './path.js';
import { encodeValue, equal, isObject, type Json } from './value.js';

export const NONE = 0;
export const MAP = 1;
export const LIST = 2;
export const SET = 3;
export const COUNTER = 4;
export const REGISTER = 5;

/**
 * A node of an immutable tree. A node is changed only by the edit that made it (`owner`), before anyone
 * else sees it; so unchanged subtrees are shared between views and keep their identity.
 */
export interface Node {
    kind: number;
    /** Of a register, or the number of a counter. */
    value: Json;
    generation: Dot;
    /** Of a map by key, of a list by item. A child of a map is never of kind none. */
    children: Map<Segment, Node>;
    /** Of a set, by a text that is unique per value. */
    elements: Map<string, Json>;
    /** The map was written as an empty one. */
    marker: boolean;
    /** Of an item in its list. */
    position: string | undefined;
    owner: object | undefined;
    /** What readers were shown, for one shape. */
    shape: unknown;
    shown: unknown;
    cached: boolean;
}

const NO_CHILDREN: Map<Segment, Node> = new Map();
const NO_ELEMENTS: Map<string, Json> = new Map();
const COUNTER_MAX = Number.MAX_SAFE_INTEGER;

function blank(owner?: object): Node {
    return {
        kind: NONE, value: null, generation: DOT_NONE, children: NO_CHILDREN, elements: NO_ELEMENTS, marker: false,
        position: undefined, owner, shape: undefined, shown: undefined, cached: false,
    };
}

export const EMPTY: Node = blank();

const clamp = (n: number): number => Math.max(-COUNTER_MAX, Math.min(COUNTER_MAX, n));
const elementKey = (v: Json): string => typeof v + ':' + String(v);

/** One batch of changes to a tree: `root` is the new tree when it is done. */
export class Edit {
    private readonly token = {};
    constructor(public root: Node) {}

    private own(node: Node): Node {
        if (node.owner === this.token) return node;
        return { ...node, owner: this.token, cached: false, shown: undefined, shape: undefined };
    }
    /** A map of this edit's own, copied at most once per edit. */
    private children(node: Node): Map<Segment, Node> {
        const map = node.children as Map<Segment, Node> & { owner?: object };
        if (map.owner === this.token) return map;
        const copy: Map<Segment, Node> & { owner?: object } = new Map(map);
        copy.owner = this.token;
        return (node.children = copy);
    }
    private elements(node: Node): Map<string, Json> {
        const map = node.elements as Map<string, Json> & { owner?: object };
        if (map.owner === this.token) return map;
        const copy: Map<string, Json> & { owner?: object } = new Map(map);
        copy.owner = this.token;
        return (node.elements = copy);
    }
    /** Makes the node of that kind, dropping what it held as another. */
    private turn(node: Node, kind: number, anew = false): Node {
        if (node.kind !== kind || anew)
            Object.assign(node, { ...blank(this.token), kind, position: node.position });
        return node;
    }
    private child(parent: Node, segment: Segment): Node {
        const children = this.children(parent);
        const node = this.own(children.get(segment) ?? blank(this.token));
        children.set(segment, node);
        return node;
    }
    /** The node at the path, with all its ancestors made. */
    private reach(path: Path): Node {
        let node = (this.root = this.own(this.root));
        for (const segment of path) node = this.child(this.turn(node, isItem(segment) ? LIST : MAP), segment);
        return node;
    }
    /** The node at the path as this edit's own, if it exists. */
    private find(path: Path): Node | undefined {
        return nodeAt(this.root, path) && this.reach(path);
    }
    /** Removes the node and the ancestors that are nothing without it. */
    private remove(path: Path): void {
        if (!nodeAt(this.root, path)) return;
        if (path.length === 0) {
            this.root = blank(this.token);
            return;
        }
        const up = path.slice(0, -1);
        const parent = this.reach(up);
        this.children(parent).delete(path[path.length - 1]!);
        if (parent.children.size === 0 && !parent.marker) this.vanish(up, parent);
    }
    private vanish(path: Path, node: Node): void {
        this.turn(node, NONE, true);
        const last = path[path.length - 1];
        if (last !== undefined && !isItem(last)) this.remove(path);
    }
    private dropElement(path: Path, value: Json): void {
        const node = this.find(path);
        if (node?.kind !== SET) return;
        this.elements(node).delete(elementKey(value));
        if (node.elements.size === 0) this.vanish(path, node);
    }

    change(c: Delta): void {
        switch (c.kind) {
            case CHANGE_VALUE:
                this.turn(this.reach(c.path), REGISTER, true).value = c.value;
                break;
            case CHANGE_COUNTER: {
                const node = this.turn(this.reach(c.path), COUNTER);
                node.value = c.value;
                // A live frame leaves out a generation that has not changed.
                if (c.dot[1]) node.generation = c.dot;
                break;
            }
            case CHANGE_CLEAR:
            case CHANGE_OUTSIDE:
                this.remove(c.path);
                break;
            case CHANGE_EMPTY:
                this.turn(this.reach(c.path), MAP, true).marker = true;
                break;
            case CHANGE_ELEMENT:
                this.elements(this.turn(this.reach(c.path), SET)).set(elementKey(c.value), c.value);
                break;
            case CHANGE_NO_ELEMENT:
                this.dropElement(c.path, c.value);
                break;
            case CHANGE_ITEM:
                if (isItem(c.path[c.path.length - 1] ?? '')) this.reach(c.path).position = c.position;
                break;
        }
    }

    /** An own op, plainly: it has seen everything. `dot` names it as a counter's generation. */
    op(op: Op, dot: Dot): void {
        const value = op.value ?? null;
        const item = isItem(op.path[op.path.length - 1] ?? '');
        switch (op.kind) {
            case OP_SET:
                this.turn(this.reach(op.path), REGISTER, true).value = value;
                break;
            case OP_DELETE:
                this.remove(op.path);
                break;
            case OP_ASSIGN:
                if (isObject(value)) this.assign(this.turn(this.reach(op.path), MAP, true), value);
                break;
            case OP_INC: {
                const node = this.reach(op.path);
                if (node.kind !== COUNTER) Object.assign(this.turn(node, COUNTER), { value: 0, generation: dot });
                node.value = clamp(Number(node.value) + Number(value));
                break;
            }
            case OP_COUNTER_SET:
                Object.assign(this.turn(this.reach(op.path), COUNTER), { value: clamp(Number(value)), generation: dot });
                break;
            case OP_ADD:
                this.elements(this.turn(this.reach(op.path), SET)).set(elementKey(value), value);
                break;
            case OP_REMOVE:
                this.dropElement(op.path, value);
                break;
            case OP_INSERT: {
                if (!item) break;
                const node = this.reach(op.path);
                node.position = op.position;
                if (isObject(value)) this.assign(this.turn(node, MAP), value);
                break;
            }
            case OP_MOVE: {
                const node = item && this.find(op.path);
                if (node) node.position = op.position;
                break;
            }
        }
    }
    private assign(node: Node, value: { readonly [key: string]: Json }): void {
        const keys = Object.keys(value);
        if (keys.length === 0) node.marker = true;
        for (const key of keys) {
            const member = value[key]!;
            const child = this.child(node, keySegment(key));
            if (isObject(member)) this.assign(this.turn(child, MAP, true), member);
            else this.turn(child, REGISTER, true).value = member;
        }
    }
}

export function nodeAt(root: Node, path: Path): Node | undefined {
    let node: Node | undefined = root;
    for (const segment of path) {
        if (node.kind !== (isItem(segment) ? LIST : MAP)) return undefined;
        node = node.children.get(segment);
        if (!node) return undefined;
    }
    return node;
}

export interface PlacedItem {
    readonly segment: Segment;
    readonly id: string;
    readonly node: Node;
}

/** The items of a list in the order shown. */
export function itemsOf(list: Node | undefined): PlacedItem[] {
    if (list?.kind !== LIST) return [];
    return [...list.children]
        .map(([segment, node]) => ({ segment, id: nameOf(segment), node }))
        .sort((a, b) => {
            const p = a.node.position;
            const q = b.node.position;
            if (p !== q) return p === undefined ? 1 : q === undefined ? -1 : compareText(p, q);
            return compareText(a.id, b.id);
        });
}

/** The shown JSON of a node, as the protocol defines it. */
export function shownJson(node: Node | undefined): Json | undefined {
    if (!node || node.kind === NONE) return undefined;
    if (node.kind === REGISTER || node.kind === COUNTER) return node.value;
    if (node.cached && node.shape === undefined) return node.shown as Json;
    let shown: Json;
    if (node.kind === SET) shown = [...node.elements.values()].sort(compareElements);
    else if (node.kind === LIST) shown = itemsOf(node).map(item => itemJson(item.id, item.node));
    else shown = mapJson(node);
    Object.freeze(shown);
    if (node.shape === undefined) {
        node.shown = shown;
        node.cached = true;
    }
    return shown;
}

function mapJson(node: Node): { [key: string]: Json } {
    const out: { [key: string]: Json } = {};
    const names = [...node.children].map(([segment, child]) => [nameOf(segment), child] as const);
    for (const [name, child] of names.sort((a, b) => compareText(a[0], b[0]))) {
        const value = shownJson(child);
        if (value !== undefined) out[name] = value;
    }
    return out;
}

function itemJson(id: string, node: Node): Json {
    const value = node.kind === MAP || node.kind === NONE ? mapJson(node) : { value: shownJson(node)! };
    return Object.freeze({ id, ...value });
}

/** The order of canonical bytes: booleans, integers, other numbers, strings; each by its bytes. */
function compareElements(a: Json, b: Json): number {
    return compareBytes(encodeValue(a), encodeValue(b));
}

/** The new tree with every subtree that equals the old one's replaced by it, so that identity is kept. */
export function reconcile(old: Node | undefined, now: Node): Node {
    if (!old || old === now) return now;
    let same =
        old.kind === now.kind && old.marker === now.marker && old.position === now.position && equal(old.value, now.value) &&
        old.generation[0] === now.generation[0] && old.generation[1] === now.generation[1] &&
        old.children.size === now.children.size && old.elements.size === now.elements.size;
    if (same) for (const key of now.elements.keys()) if (!old.elements.has(key)) same = false;
    if (old.children !== now.children)
        for (const [segment, child] of now.children) {
            const before = old.children.get(segment);
            const kept = reconcile(before, child);
            if (kept !== child) now.children.set(segment, kept);
            if (kept !== before) same = false;
        }
    return same ? old : now;
}

/** Everything below a node as changes that make it again; what is kept on the device. */
export function treeChanges(node: Node, path: Path = [], out: Delta[] = []): Delta[] {
    if (isItem(path[path.length - 1] ?? '')) out.push(delta(CHANGE_ITEM, path, { position: node.position }));
    if (node.kind === REGISTER) out.push(delta(CHANGE_VALUE, path, { value: node.value }));
    else if (node.kind === COUNTER) out.push(delta(CHANGE_COUNTER, path, { value: node.value, dot: node.generation }));
    else if (node.kind === SET) for (const value of node.elements.values()) out.push(delta(CHANGE_ELEMENT, path, { value }));
    else {
        if (node.marker) out.push(delta(CHANGE_EMPTY, path));
        for (const [segment, child] of node.children) treeChanges(child, [...path, segment], out);
    }
    return out;
}

/** Calls `found` for every leaf (register, counter, set, whole item) that the two trees show differently. */
export function compareTrees(
    old: Node | undefined, now: Node | undefined, found: (path: Path, before: Json, after: Json) => void, path: Path = [],
): void {
    if (old === now) return;
    const nested = (n: Node | undefined): boolean => n?.kind === MAP || n?.kind === LIST;
    const passable = (n: Node | undefined): boolean => nested(n) || !n || n.kind === NONE;
    const item = isItem(path[path.length - 1] ?? '');
    if (passable(old) && passable(now) && (nested(old) || nested(now)) && !(item && (!old || !now)) &&
        (!nested(old) || !nested(now) || old!.kind === now!.kind)) {
        if (item && old!.position !== now!.position) found(path, itemOrValue(old, path), itemOrValue(now, path));
        for (const [segment, child] of old?.children ?? NO_CHILDREN)
            compareTrees(child, now?.children.get(segment), found, [...path, segment]);
        for (const [segment, child] of now?.children ?? NO_CHILDREN)
            if (!old?.children.has(segment)) compareTrees(undefined, child, found, [...path, segment]);
        return;
    }
    const before = itemOrValue(old, path);
    const after = itemOrValue(now, path);
    if (!equal(before, after) || old?.position !== now?.position) found(path, before, after);
}

function itemOrValue(node: Node | undefined, path: Path): Json {
    const last = path[path.length - 1] ?? '';
    return node && isItem(last) ? itemJson(nameOf(last), node) : (shownJson(node) ?? null);
}
