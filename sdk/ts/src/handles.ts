import { TandemError, invalid } from './errors.js';
import {
    DOT_NONE, OP_ADD, OP_COUNTER_SET, OP_DELETE, OP_INC, OP_INSERT, OP_MOVE, OP_REMOVE, OP_SET, type Draft,
} from './ops.js';
import { checkPath, itemSegment, keySegment, parsePath, pathText, type Path } from './path.js';
import { positionBetween, positionTail } from './position.js';
import type { Selected } from './select.js';
import { read, readItem, type Handles, type Shape, type Shapes, type Values } from './schema.js';
import type { Readable } from './store.js';
import { isObject, normalize, type Json } from './value.js';
import { COUNTER, LIST, itemsOf, nodeAt, type Node } from './view.js';
import type { Options, Write } from './write.js';

export interface WriteOptions {
    /** Refused with `precondition_failed` when somebody changed the field since the state shown here. */
    readonly ifUnchanged?: boolean;
}
export interface Field<T> extends Readable<T> {
    /** Whether anything was written, so that `value` is not just the schema's default. */
    readonly exists: boolean;
    set(value: T, options?: WriteOptions): Write;
    delete(options?: WriteOptions): Write;
}
export interface Counter extends Readable<number> {
    add(n?: number): Write;
    /** Others' additions that were not seen yet are kept on top. */
    set(n: number): Write;
}
export interface SetField<T extends string | number> extends Readable<ReadonlySet<T>> {
    add(value: T): Write;
    delete(value: T): Write;
}
export type Place = 'first' | 'last' | { before: string } | { after: string };
export interface Item<S> extends Readable<{ id: string } & Values<S>> {
    readonly id: string;
    readonly exists: boolean;
    readonly fields: Handles<S>;
    move(place: Place): Write;
    remove(): Write;
}
/** A part of the record: a path with all below it, or a window `[from, to)` of the list there. */
export interface Selection {
    readonly path: string;
    readonly window?: readonly [from: number, to: number];
}
/** What may be selected: parts, and fields that stand for themselves. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Select<H> = (fields: H) => readonly (Selection | Readable<any>)[];
export interface List<S> extends Readable<readonly ({ id: string } & Values<S>)[]> {
    insert(value: Values<S>, at?: Place): Item<S>;
    item(id: string): Item<S>;
    /** For `select` and `load`: the items with these indices, in the order shown. */
    window(from: number, to: number): Selection;
    /** How many items there are, also outside of the windows that are followed. */
    readonly total: Readable<number>;
}
export interface ObjectField<S> extends Readable<Values<S>> {
    readonly fields: Handles<S>;
    delete(options?: WriteOptions): Write;
}
export interface MapField<T, H> extends Readable<{ readonly [key: string]: T }> {
    at(key: string): H;
    delete(key: string): Write;
}
/** An item of a list without a schema. */
export interface AnyItem extends Readable<Json> {
    readonly id: string;
    readonly exists: boolean;
    at(path: string): Any;
    move(place: Place): Write;
    remove(): Write;
}
export interface AnyList extends Readable<readonly Json[]> {
    insert(value: { readonly [key: string]: Json }, at?: Place): AnyItem;
    item(id: string): AnyItem;
    window(from: number, to: number): Selection;
    readonly total: Readable<number>;
}
/** Ways to write below a path when there is no schema. */
export interface Any {
    field(path: string): Field<Json | undefined>;
    counter(path: string): Counter;
    set(path: string): SetField<string | number>;
    list(path: string): AnyList;
}

/** What a handle needs of its channel. */
export interface Host {
    readonly view: Node;
    /** Several ops make one entry of the log. */
    commit(ops: readonly Draft[], ifUnchanged?: readonly string[]): Write;
    transact(fn: () => void): Write;
    watch<T>(get: () => T, fn: (value: T) => void, options?: Options): () => void;
    random(): number;
    /** Items of the list, also those that are not followed. */
    total(list: Path): number;
}

const FIELD: Shape = { k: 'field', d: undefined as unknown as Json };
const SETS: Shape = { k: 'set' };
const NUMBER: Shape = { k: 'counter' };
const ANY_LIST: Shape = undefined as unknown as Shape;

/** Base of all handles: a path, and what is read there. */
abstract class Handle {
    constructor(protected readonly host: Host, readonly path: Path, protected readonly shape: Shape | undefined) {
        checkPath(path);
    }
    protected get node(): Node | undefined {
        return nodeAt(this.host.view, this.path);
    }
    get exists(): boolean {
        return this.node !== undefined;
    }
    get value(): unknown {
        return read(this.shape, this.node);
    }
    subscribe(fn: (value: never) => void, options?: Options): () => void {
        return this.host.watch(() => this.value as never, fn, options);
    }
    protected write(kind: number, value?: Json, { ifUnchanged }: WriteOptions = {}): Write {
        const { path } = this;
        return this.host.commit([{ kind, path, value }], ifUnchanged ? [pathText(path)] : []);
    }
}

const integer = (n: number): number => {
    if (!Number.isSafeInteger(n)) throw new TandemError('out_of_range', 'Needs an integer within 2^53.');
    return n;
};

class FieldHandle extends Handle {
    set(value: unknown, options?: WriteOptions): Write {
        return this.write(OP_SET, normalize(value), options);
    }
    delete(options?: WriteOptions): Write {
        return this.write(OP_DELETE, undefined, options);
    }
}

class CounterHandle extends Handle {
    add(n = 1): Write {
        return this.write(OP_INC, integer(n));
    }
    set(n: number): Write {
        const node = this.node;
        const counter = node?.kind === COUNTER ? node : undefined;
        const op = { generation: counter?.generation ?? DOT_NONE, seen: Number(counter?.value ?? 0) };
        return this.host.commit([{ kind: OP_COUNTER_SET, path: this.path, value: integer(n), ...op }]);
    }
}

class SetHandle extends Handle {
    add(value: string | number): Write {
        return this.write(OP_ADD, this.check(value));
    }
    delete(value: string | number): Write {
        return this.write(OP_REMOVE, this.check(value));
    }
    private check(value: unknown): Json {
        if (!/^(string|number|boolean)$/.test(typeof value)) throw new TandemError('wrong_type', 'A set holds scalars.');
        return normalize(value);
    }
}

class ObjectHandle extends Handle {
    readonly fields: object;
    constructor(host: Host, path: Path, shape: Shape & { k: 'object' }) {
        super(host, path, shape);
        this.fields = fieldsOf(host, path, shape.s);
    }
    delete(options?: WriteOptions): Write {
        return this.write(OP_DELETE, undefined, options);
    }
}

class MapHandle extends Handle {
    at(key: string): unknown {
        return handleOf(this.host, [...this.path, keySegment(key)], (this.shape as Shape & { k: 'map' }).of);
    }
    delete(key: string): Write {
        return this.host.commit([{ kind: OP_DELETE, path: [...this.path, keySegment(key)] }]);
    }
}

/** The position of a place in a list, without the item that moves there. */
function positionFor(host: Host, list: Path, place: Place, moving?: string): string {
    const items = itemsOf(nodeAt(host.view, list)).filter(item => item.id !== moving && item.node.position !== undefined);
    let at = place === 'first' ? 0 : items.length;
    if (typeof place === 'object') {
        const after = 'after' in place;
        const id = after ? place.after : (place as { before: string }).before;
        const found = items.findIndex(item => item.id === id);
        if (found >= 0) at = after ? found + 1 : found;
        else if (id !== moving) throw new TandemError('not_found', `No item ${id} in the list.`);
    }
    const low = items[at - 1]?.node.position ?? '';
    const high = items[at]?.node.position ?? '';
    return positionBetween(low, high, positionTail(() => host.random()));
}

class ItemHandle extends Handle {
    readonly fields: object;
    constructor(host: Host, private readonly list: Path, readonly id: string, private readonly shapes: Shapes | undefined) {
        super(host, [...list, itemSegment(id)], undefined);
        this.fields = shapes ? fieldsOf(host, this.path, shapes) : {};
    }
    override get value(): unknown {
        const node = this.node;
        if (this.shapes) return readItem(this.shapes, this.id, node);
        const all = read(undefined, nodeAt(this.host.view, this.list)) as readonly { id: string }[] | undefined;
        return node && all?.find(item => item.id === this.id);
    }
    at(path: string): Any {
        return anyAt(this.host, [...this.path, ...parsePath(path)]);
    }
    move(place: Place): Write {
        return this.host.commit([{ kind: OP_MOVE, path: this.path, position: positionFor(this.host, this.list, place, this.id) }]);
    }
    remove(): Write {
        return this.host.commit([{ kind: OP_DELETE, path: this.path }]);
    }
}

class ListHandle extends Handle {
    override get value(): unknown {
        return this.node?.kind === LIST ? super.value : NO_ITEMS;
    }
    private get shapes(): Shapes | undefined {
        return this.shape?.k === 'list' ? this.shape.s : undefined;
    }
    item(id: string): ItemHandle {
        return new ItemHandle(this.host, this.path, id, this.shapes);
    }
    window(from: number, to: number): Selection {
        return { path: pathText(this.path), window: [from, to] };
    }
    get total(): Readable<number> {
        const { host, path } = this;
        return {
            get value() {
                return host.total(path);
            },
            subscribe: (fn, options) => host.watch(() => host.total(path), fn, options),
        };
    }
    insert(value: { readonly [key: string]: unknown }, at: Place = 'last'): ItemHandle {
        const id = positionTail(() => this.host.random(), 16);
        const path = [...this.path, itemSegment(id)];
        const plain: Record<string, Json> = {};
        const more: Draft[] = [];
        for (const key of Object.keys(value)) {
            const shape = this.shapes?.[key];
            const member = value[key];
            if (key === 'id' || member === undefined) continue;
            if (shape && shape.k !== 'field') more.push(...writeWhole([...path, keySegment(key)], shape, member));
            // Objects of a field stay whole; without a schema they are maps, merged by their keys.
            else if (shape && isObject(member as Json)) more.push({ kind: OP_SET, path: [...path, keySegment(key)], value: normalize(member) });
            else plain[key] = member as Json;
        }
        const position = positionFor(this.host, this.path, at);
        const insert = { kind: OP_INSERT, path, position, value: Object.keys(plain).length ? normalize(plain) : null };
        this.host.commit([insert, ...more]);
        return this.item(id);
    }
}
const NO_ITEMS: readonly never[] = Object.freeze([]);

/** Ops that write a value of a type other than a plain field, where nothing was before. */
function writeWhole(path: Path, shape: Shape, value: unknown): Draft[] {
    if (shape.k === 'counter') return [{ kind: OP_INC, path, value: integer(Number(value)) }];
    if (shape.k === 'set') return [...(value as Iterable<Json>)].map(v => ({ kind: OP_ADD, path, value: normalize(v) }));
    if (shape.k === 'list') {
        let low = '';
        return (value as readonly { [key: string]: unknown }[]).flatMap(item => {
            const at = [...path, itemSegment(positionTail(Math.random, 16))];
            low = positionBetween(low, '', positionTail(Math.random));
            return [{ kind: OP_INSERT, path: at, position: low, value: null }, ...writeMembers(at, shape.s, item)];
        });
    }
    if (shape.k === 'object') return writeMembers(path, shape.s, value as { [key: string]: unknown });
    if (shape.k === 'map')
        return Object.entries(value as object).flatMap(([key, v]) => writeWhole([...path, keySegment(key)], shape.of, v));
    return [{ kind: OP_SET, path, value: normalize(value) }];
}
function writeMembers(path: Path, shapes: Shapes, value: { [key: string]: unknown }): Draft[] {
    return Object.keys(shapes).flatMap(key =>
        value[key] === undefined ? [] : writeWhole([...path, keySegment(key)], shapes[key]!, value[key]),
    );
}

const HANDLES = { field: FieldHandle, counter: CounterHandle, set: SetHandle, list: ListHandle, object: ObjectHandle, map: MapHandle };

export function handleOf(host: Host, path: Path, shape: Shape): unknown {
    return new HANDLES[shape.k](host, path, shape as never);
}

export function fieldsOf(host: Host, path: Path, shapes: Shapes): object {
    const out: Record<string, unknown> = {};
    for (const key of Object.keys(shapes)) out[key] = handleOf(host, [...path, keySegment(key)], shapes[key]!);
    return out;
}

export function anyAt(host: Host, path: Path): Any {
    const at = (text: string): Path => checkPath([...path, ...parsePath(text)]);
    return {
        field: text => new FieldHandle(host, at(text), FIELD) as unknown as Field<Json | undefined>,
        counter: text => new CounterHandle(host, at(text), NUMBER) as unknown as Counter,
        set: text => new SetHandle(host, at(text), SETS) as unknown as SetField<string | number>,
        list: text => new ListHandle(host, at(text), ANY_LIST) as unknown as AnyList,
    };
}

/** The path of a handle, for what takes handles as names of fields. */
export function pathOf(handle: unknown): Path {
    if (!(handle instanceof Handle)) throw invalid('Not a field of the channel.');
    return handle.path;
}

export function selectedOf(part: unknown): Selected {
    const { path, window } = part as Selection;
    if (!window) return { path: pathOf(part), from: 0, to: 0 };
    return { path: parsePath(path), from: integer(window[0]), to: integer(window[1]) };
}
