import { CHANGE_COUNTER, CHANGE_ELEMENT, CHANGE_EMPTY, CHANGE_ITEM, CHANGE_VALUE, delta } from './changes.js';
import { Api, named, type Answer } from './api.js';
import type { AnyChannel, Channel, ChannelHandle } from './channel.js';
import { difference } from './difference.js';
import { invalid, type TandemError } from './errors.js';
import { anyAt, fieldsOf, type Host } from './handles.js';
import type { Any, AnyItem, AnyList, Item, List, MapField, ObjectField } from './handles.js';
import type { Dot } from './ops.js';
import { parsePath, type Path } from './path.js';
import { read, type Schema, type Shape, type Shapes, type Values } from './schema.js';
import { call, type Readable } from './store.js';
import { normalize, type Json } from './value.js';
import { EMPTY, Edit, itemsOf, nodeAt, reconcile, type Node } from './view.js';
import { PendingWrite, type Options, type Write } from './write.js';

/** What a handle can tell; of the past nothing is written. */
type Told<H> = Pick<H, keyof H & ('value' | 'subscribe' | 'exists' | 'id' | 'total')>;
/** The reading half of a handle, and of those below it. */
export type PastHandle<H> = H extends List<infer S>
    ? Told<H> & { item(id: string): Told<Item<S>> & { readonly fields: PastHandles<S> } }
    : H extends ObjectField<infer S>
      ? Told<H> & { readonly fields: PastHandles<S> }
      : H extends MapField<infer _T, infer M>
        ? Told<H> & { at(key: string): PastHandle<M> }
        : Told<H>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type PastHandles<S> = { readonly [K in keyof S]: S[K] extends { readonly __h: infer H } ? PastHandle<H> : never };

/** The record as an entry left it. It never changes. */
export interface PastView<S extends Schema> extends Readable<Values<S>> {
    /** The entry's place in the log. */
    readonly seq: number;
    readonly fields: PastHandles<S>;
}
/** Without a schema: paths instead of handles. */
export interface AnyPastView extends Readable<Json> {
    readonly seq: number;
    field(path: string): Told<ReturnType<Any['field']>>;
    counter(path: string): Told<ReturnType<Any['counter']>>;
    set(path: string): Told<ReturnType<Any['set']>>;
    list(path: string): Told<AnyList> & { item(id: string): Told<AnyItem> };
}

/** One path that one entry changed. */
export interface PastChange {
    readonly seq: number;
    /** By the server's clock. */
    readonly at: Date;
    /** The actor that wrote it, as in `changes()`; '1' is the HTTP API. */
    readonly by: string;
    /** What was done there: `set`, `delete`, `assign`, `inc`, `counter_set`, `add`, `remove`, `insert` or `move`. */
    readonly op: string;
    readonly path: string;
    /** Missing where nothing was there, or is, and where only a place in a list changed. */
    readonly before?: Json;
    readonly after?: Json;
}
/** A state with a name, which stays however much of the log is trimmed. */
export interface Version {
    readonly name: string;
    readonly seq: number;
    readonly created: Date;
    /** Bytes that it takes on the server's disk. */
    readonly size: number;
}

/** The past of a channel, as far as the server keeps it. It is asked of the server, so all of this needs a connection. */
export interface Past<V> {
    /** The first and the last state that can be had. */
    range(options?: Options): Promise<{ readonly oldest: number; readonly newest: number }>;
    /** The record as of an entry, or as of a named version. Throws `state_gone` below the oldest state that is kept. */
    at(version: number | string, options?: Options): Promise<V>;
    /** Who changed what above `from`, up to `to` or the newest entry; the oldest first. */
    changesBetween(from: number, to?: number, options?: Options): Promise<readonly PastChange[]>;
    versions(options?: Options): Promise<readonly Version[]>;
    /** Names the newest state, or the one at `seq`. Throws `version_exists`. */
    saveVersion(name: string, seq?: number, options?: Options): Promise<{ readonly seq: number }>;
    deleteVersion(name: string, options?: Options): Promise<void>;
    /**
     * Writes what makes the record show that state again: one ordinary edit of this device, which `undo` takes back, on the view
     * shown here, so that what others write at the same time conflicts with it as with any edit. What is too large for one edit,
     * and a channel of which only a part is followed, is restored by the server instead.
     */
    restore(version: number | string, options?: Options): Promise<Write>;
}

const KINDS: { readonly [name: string]: number } = {
    'value': CHANGE_VALUE, 'counter': CHANGE_COUNTER, 'empty': CHANGE_EMPTY, 'element': CHANGE_ELEMENT, 'item': CHANGE_ITEM,
};

/** Handles that read one tree for ever. */
class PastHost implements Host {
    constructor(readonly view: Node) {}
    commit(): never {
        throw invalid('The past is not written; restore() brings it back.');
    }
    transact(): never {
        return this.commit();
    }
    random(): never {
        return this.commit();
    }
    watch<T>(get: () => T, fn: (value: T) => void, { signal }: Options = {}): () => void {
        if (!signal?.aborted) call(fn, get());
        return () => {};
    }
    total(list: Path): number {
        return itemsOf(nodeAt(this.view, list)).length;
    }
}

class ChannelPast implements Past<unknown> {
    /** The tree of the latest view: what another one shares with it keeps its identity. */
    private latest = EMPTY;
    private readonly api: Api;

    constructor(private readonly channel: ChannelHandle) {
        this.api = new Api(channel);
    }

    private ask(method: string, what: string, options?: Options, content?: object): Promise<Answer> {
        return this.api.ask(method, what, options, content);
    }
    /** The tree as of then, and its seq. */
    private async load(version: number | string, options?: Options): Promise<[root: Node, seq: number]> {
        const answer = await this.ask('GET', `/record?form=changes&${named(version)}`, options);
        const edit = new Edit(EMPTY);
        for (const row of answer['changes'] as Answer[]) {
            const kind = KINDS[row['change']];
            if (kind === undefined) continue;
            const value = row['value'] === undefined ? null : normalize(row['value']);
            edit.change(delta(kind, parsePath(row['path']), { value, position: row['position'], dot: (row['generation'] as Dot) ?? [0, 0] }));
        }
        this.latest = reconcile(this.latest, edit.root);
        return [this.latest, answer['seq']];
    }

    async range(options?: Options): Promise<{ oldest: number; newest: number }> {
        const newest = (await this.ask('GET', '/record?path=%2F', options))['seq'];
        try {
            await this.ask('GET', '/record?at=0', options);
            return { oldest: 0, newest };
        } catch (error) {
            if ((error as TandemError).code !== 'state_gone') throw error;
            return { oldest: (error as unknown as Answer)['detail'], newest };
        }
    }
    async at(version: number | string, options?: Options): Promise<unknown> {
        const [root, seq] = await this.load(version, options);
        const { shape } = this.channel;
        const host = new PastHost(root);
        const value = read(shape, root) ?? Object.freeze({});
        const stand = { seq, value, subscribe: (fn: (value: unknown) => void, options?: Options) => host.watch(() => value, fn, options) };
        const fields = shape ? { fields: fieldsOf(host, [], (shape as Shape & { s: Shapes }).s) } : anyAt(host, []);
        return Object.freeze({ ...stand, ...fields });
    }
    async changesBetween(from: number, to?: number, options?: Options): Promise<readonly PastChange[]> {
        const out: PastChange[] = [];
        const end = to === undefined ? '' : `&to=${to}`;
        for (let next: number | null = from; next !== null; ) {
            const page = await this.ask('GET', `/changes?from=${next}${end}`, options);
            for (const row of page['changes'] as Answer[]) {
                const { seq, op, path } = row as { seq: number; op: string; path: string };
                const both = Object.fromEntries(['before', 'after'].filter(name => name in row).map(name => [name, row[name]]));
                out.push(Object.freeze({ seq, at: new Date(row['when_ms']), by: String(row['by']), op, path, ...both }));
            }
            next = page['next'];
        }
        return out;
    }
    async versions(options?: Options): Promise<readonly Version[]> {
        const { versions } = (await this.ask('GET', '/versions', options)) as { versions: readonly Answer[] };
        return versions.map(row => ({ name: row['name'], seq: row['seq'], created: new Date(row['created_ms']), size: row['bytes'] }));
    }
    async saveVersion(name: string, seq?: number, options?: Options): Promise<{ seq: number }> {
        const saved = await this.ask('POST', '/versions', options, { 'name': name, ...(seq === undefined ? {} : { 'at': seq }) });
        return { seq: saved['seq'] };
    }
    async deleteVersion(name: string, options?: Options): Promise<void> {
        await this.ask('DELETE', `/versions?name=${encodeURIComponent(name)}`, options);
    }
    async restore(version: number | string, options?: Options): Promise<Write> {
        const { channel } = this;
        if (!channel.selection.length) {
            const [root] = await this.load(version, options);
            try {
                const label = typeof version === 'string' ? `Restore ${version}` : 'Restore';
                return channel.transact(() => void channel.commit(difference(channel.view, root)), { label });
            } catch (error) {
                if ((error as TandemError).code !== 'too_large') throw error;
            }
        }
        const done = new PendingWrite();
        done.commit((await this.ask('POST', '/restore', options, typeof version === 'number' ? { 'at': version } : { 'version': version }))['seq']);
        return done;
    }
}

const known = new WeakMap<object, ChannelPast>();

/** The past of a channel: older states, who changed what, named versions, and bringing one back. */
export function pastOf<S extends Schema, P>(channel: Channel<S, P>): Past<PastView<S>>;
export function pastOf(channel: AnyChannel): Past<AnyPastView>;
export function pastOf(channel: object): Past<never> {
    let past = known.get(channel);
    if (!past) known.set(channel, (past = new ChannelPast(channel as ChannelHandle)));
    return past as unknown as Past<never>;
}
