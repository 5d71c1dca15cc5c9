import type { AnyChannel, Channel, ChannelHandle } from './channel.js';
import { TandemError } from './errors.js';
import { OP_ADD, OP_ASSIGN, OP_DELETE, OP_INC, OP_INSERT, OP_MOVE, OP_REMOVE, OP_SET, BASE_NONE, DOT_NONE, type Draft } from './ops.js';
import { itemSegment, keySegment, nameOf, type Path } from './path.js';
import { positionBetween, positionTail } from './position.js';
import type { Seen } from './replica.js';
import { read, type Schema, type Shape, type Shapes, type Values } from './schema.js';
import { equal, isObject, normalize, type Json } from './value.js';
import { COUNTER, Edit, LIST, MAP, NONE, REGISTER, SET, itemsOf, shownJson, type Node } from './view.js';
import type { Write } from './write.js';

/** For programs that have whole objects only: what they read, change and write back becomes the edits that make the difference. */
export interface Whole<T> {
    /** The record as it is shown now. From here on, `assign` compares with it. */
    read(): T;
    /**
     * Writes what differs from what was last read or assigned here; what others wrote since then stays and merges. Objects are
     * compared field by field, lists by the `id` of their items, sets by elements, counters by their difference, all else as one
     * value. What is not in the object is deleted. Throws `wrong_type` for what the record cannot hold.
     */
    assign(object: T): Write;
}

interface Loose {
    readonly [key: string]: unknown;
}

class WholeRecord implements Whole<unknown> {
    private root!: Node;
    private seen!: Seen;

    constructor(private readonly channel: ChannelHandle) {
        this.read();
    }
    read(): unknown {
        const { view, replica } = this.channel;
        const { hasCursor, epoch, seq, confirmed, inForce } = replica;
        this.root = view;
        this.seen = { hasCursor, epoch, seq, confirmed, inForce };
        return this.channel.value;
    }
    assign(object: unknown): Write {
        const { channel } = this;
        const differ = new Differ(() => channel.random());
        const { shape } = channel;
        if (!isObject(object as Json)) throw wrongType('A record is an object.');
        if (shape) differ.compare(shape, [], this.root, object);
        else differ.members([], this.root, object as Loose);
        const write = channel.transact(() => differ.ops.length && channel.commit(differ.ops, [], this.seen));
        // What was written is known now, and what others wrote is not seen by it.
        for (const op of differ.ops) {
            const edit = new Edit(this.root);
            edit.op({ ...op, base: BASE_NONE }, DOT_NONE);
            this.root = edit.root;
        }
        return write;
    }
}

const wrongType = (message: string): TandemError => new TandemError('wrong_type', message);
const isItems = (value: Json): value is readonly { readonly id: string }[] =>
    Array.isArray(value) && value.length > 0 && value.every(item => isObject(item as Json) && typeof item.id === 'string');

class Differ {
    readonly ops: Draft[] = [];
    constructor(private readonly random: () => number) {}

    /** Of what a schema describes; without a shape the value and what is there tell how it is kept. */
    compare(shape: Shape | undefined, path: Path, node: Node | undefined, value: unknown): void {
        if (value === undefined) {
            if (node) this.ops.push({ kind: OP_DELETE, path });
        } else if (!shape) this.any(path, node, value);
        else if (shape.k === 'field') {
            const wanted = normalize(value);
            if (!equal(read(shape, node) as Json, wanted)) this.ops.push({ kind: OP_SET, path, value: wanted });
        } else if (shape.k === 'counter') this.counter(path, node, value);
        else if (shape.k === 'set') this.set(path, node, value as Iterable<unknown>);
        else if (shape.k === 'list') this.list(path, node, value as readonly Loose[], shape.s);
        else if (shape.k === 'map') this.members(path, node, value as Loose, shape.of);
        else for (const [key, of] of Object.entries(shape.s)) this.member(of, path, node, key, (value as Loose)[key]);
    }
    private member(shape: Shape | undefined, path: Path, node: Node | undefined, key: string, value: unknown): void {
        const segment = keySegment(key);
        this.compare(shape, [...path, segment], node?.kind === MAP ? node.children.get(segment) : undefined, value);
    }
    private any(path: Path, node: Node | undefined, given: unknown): void {
        const value = normalize(given);
        const flat = Array.isArray(value) && value.every(v => typeof v !== 'object');
        if (node?.kind === COUNTER && Number.isSafeInteger(value)) this.counter(path, node, value);
        else if (node?.kind === SET && flat) this.set(path, node, value as readonly Json[]);
        else if (isItems(value) || (node?.kind === LIST && equal(value, []))) this.list(path, node, value as readonly Loose[]);
        else if (isObject(value) && node?.kind !== REGISTER) this.object(path, node, value);
        else if (!node || !equal(shownJson(node), value)) this.ops.push({ kind: OP_SET, path, value });
    }
    private object(path: Path, node: Node | undefined, value: Loose): void {
        if (Object.keys(value).length) this.members(path, node, value);
        else if (node?.kind !== MAP || node.children.size) this.ops.push({ kind: OP_ASSIGN, path, value: {} });
    }
    members(path: Path, node: Node | undefined, value: Loose, shape?: Shape): void {
        const there = node?.kind === MAP ? [...node.children.keys()].map(nameOf) : [];
        for (const key of new Set([...there, ...Object.keys(value)])) this.member(shape, path, node, key, value[key]);
    }
    private counter(path: Path, node: Node | undefined, value: unknown): void {
        if (!Number.isSafeInteger(value)) throw wrongType('A counter is an integer.');
        const by = Number(value) - (node?.kind === COUNTER ? Number(node.value) : 0);
        if (by) this.ops.push({ kind: OP_INC, path, value: by });
    }
    private set(path: Path, node: Node | undefined, value: Iterable<unknown>): void {
        const wanted = new Set([...value].map(normalize));
        const there = new Set(node?.kind === SET ? node.elements.values() : []);
        for (const element of there) if (!wanted.has(element)) this.ops.push({ kind: OP_REMOVE, path, value: element });
        for (const element of wanted) {
            if (typeof element === 'object') throw wrongType('A set holds scalars.');
            if (!there.has(element)) this.ops.push({ kind: OP_ADD, path, value: element });
        }
    }
    private list(path: Path, node: Node | undefined, value: readonly Loose[], shapes?: Shapes): void {
        const there = itemsOf(node);
        const index = new Map(there.map((item, i) => [item.id, i]));
        const wanted = new Map<string, Loose>();
        for (const item of value) {
            if (typeof item?.['id'] !== 'string' || wanted.has(item['id'])) throw wrongType('Each item of a list has an id of its own.');
            wanted.set(item['id'], item);
        }
        for (const item of there) if (!wanted.has(item.id)) this.ops.push({ kind: OP_DELETE, path: [...path, item.segment] });
        const ids = [...wanted.keys()];
        const stays = longestRun(ids.map(id => (there[index.get(id)!]?.node.position === undefined ? -1 : index.get(id)!)));
        const positionOf = (id: string): string => there[index.get(id)!]!.node.position!;
        let low = '';
        ids.forEach((id, at) => {
            const old = there[index.get(id)!]?.node;
            const item = [...path, itemSegment(id)];
            let insert: Draft | undefined;
            if (stays.has(at)) low = positionOf(id);
            else {
                const next = ids.findIndex((_, i) => i > at && stays.has(i));
                low = positionBetween(low, next < 0 ? '' : positionOf(ids[next]!), positionTail(this.random));
                if (old) this.ops.push({ kind: OP_MOVE, path: item, position: low });
                else this.ops.push((insert = { kind: OP_INSERT, path: item, position: low, value: null }));
            }
            const first = this.ops.length;
            const { id: _, ...members } = wanted.get(id)!;
            if (shapes) this.compare({ k: 'object', s: shapes }, item, old, members);
            else if (old && old.kind !== MAP && old.kind !== NONE) this.any(item, old, members['value']);
            else this.members(item, old, members);
            if (insert) this.ops.splice(first - 1, Infinity, ...folded(insert, this.ops.slice(first)));
        });
    }
}

/** A new item with its plain members in one op. */
function folded(insert: Draft, inside: readonly Draft[]): Draft[] {
    const plain = (op: Draft): boolean => op.kind === OP_SET && op.path.length === insert.path.length + 1 && !isObject(op.value!);
    const members = inside.filter(plain).map(op => [nameOf(op.path[op.path.length - 1]!), op.value!] as const);
    return [{ ...insert, value: members.length ? normalize(Object.fromEntries(members)) : null }, ...inside.filter(op => !plain(op))];
}

/** Places of the longest ascending run of the numbers, without those below zero. */
function longestRun(numbers: readonly number[]): Set<number> {
    const ends: number[] = [];
    const before = numbers.map((n, i) => {
        if (n < 0) return -1;
        let low = 0;
        for (let high = ends.length; low < high; ) {
            const middle = (low + high) >> 1;
            if (numbers[ends[middle]!]! < n) low = middle + 1;
            else high = middle;
        }
        ends[low] = i;
        return low ? ends[low - 1]! : -1;
    });
    const out = new Set<number>();
    for (let i = ends[ends.length - 1] ?? -1; i >= 0; i = before[i]!) out.add(i);
    return out;
}

const known = new WeakMap<object, WholeRecord>();

/** The channel's record as a whole object; one per channel. What it compares with is first what is shown at the first call. */
export function wholeOf<S extends Schema, P>(channel: Channel<S, P>): Whole<Values<S>>;
export function wholeOf(channel: AnyChannel): Whole<Json>;
export function wholeOf(channel: object): Whole<never> {
    let whole = known.get(channel);
    if (!whole) known.set(channel, (whole = new WholeRecord(channel as ChannelHandle)));
    return whole as unknown as Whole<never>;
}
