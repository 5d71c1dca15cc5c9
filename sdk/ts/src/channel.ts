import './dispose.js';
import type { Client } from './client.js';
import { conflictsOf, type Conflict } from './conflicts.js';
import { TandemError, invalid } from './errors.js';
import { anyAt, fieldsOf, pathOf, selectedOf, type Any, type Host, type Select } from './handles.js';
import type { Dot, Draft, Op } from './ops.js';
import { pathText, type Path } from './path.js';
import { PresenceHandle, type Presence } from './presence.js';
import { based, type Replica, type Seen } from './replica.js';
import { read, type Def, type Handles, type Schema, type Shape, type Shapes, type Values } from './schema.js';
import { normalForm, type Selected } from './select.js';
import { StatusCell, type SyncStatus } from './status.js';
import { Cell, Feed, Watchers, type Readable } from './store.js';
import { normalize, type Json } from './value.js';
import { Edit, compareTrees, type Node } from './view.js';
import { PendingWrite, until, type Options, type Write } from './write.js';

export interface Change {
    /** The cursor of the view that shows it. */
    readonly seq: number;
    readonly path: string;
    /** The actor that wrote it; empty where several may have. */
    readonly by: string;
    readonly local: boolean;
    readonly before: Json;
    readonly after: Json;
}
export interface TransactOptions {
    /** Shown by the history's `can`. */
    readonly label?: string;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    readonly ifUnchanged?: readonly Readable<any>[];
}
export interface Signal<T> {
    readonly from: string;
    readonly value: T;
}
export interface Common extends AsyncDisposable {
    readonly name: string;
    readonly status: Readable<SyncStatus>;
    readonly conflicts: Readable<readonly Conflict[]>;
    /** Resolves with the device's copy, else with the server's. */
    ready(options?: Options): Promise<void>;
    /** Resolves when nothing is pending and nothing is missing. */
    synced(options?: Options): Promise<void>;
    /** All edits made in the function are one entry of the log: all or nothing, and one step of undo. */
    transact(fn: () => void, options?: TransactOptions): Write;
    changes(options?: Options): AsyncIterableIterator<Change>;
    signal(name: string, value: Json): void;
    signals<T = Json>(name: string, options?: Options): AsyncIterableIterator<Signal<T>>;
    close(): Promise<void>;
}
export interface Channel<S extends Schema, P> extends Common, Readable<Values<S>> {
    readonly fields: Handles<S>;
    readonly presence: Presence<P>;
    /** Follows other parts of the record from now on; resolves when they are there. */
    select(select: Select<Handles<S>>, options?: Options): Promise<void>;
    /** Follows more of the record; resolves when it is there. */
    load(select: Select<Handles<S>>, options?: Options): Promise<void>;
}
/** A channel without a schema: paths instead of handles. */
export interface AnyChannel extends Common, Any, Readable<Json> {
    readonly presence: Presence<{ [key: string]: Json }>;
    select(select: Select<Any>, options?: Options): Promise<void>;
    load(select: Select<Any>, options?: Options): Promise<void>;
}

export const closed = (): TandemError => new TandemError('connection_closed', 'It is closed.');

interface Transaction {
    readonly ops: Draft[];
    readonly paths: Set<string>;
    readonly write: PendingWrite;
}

export interface Recorder {
    record(before: Node, ops: readonly Op[], label: string | undefined, write: Write): void;
    /** The entry was refused. */
    forget(write: Write): void;
}

export class ChannelHandle implements Host {
    readonly fields: object;
    readonly status = new StatusCell();
    readonly conflicts = new Cell<readonly Conflict[]>(Object.freeze([]));
    /** Told of own entries; the history, where one is kept. */
    recorder: Recorder | undefined;
    readonly presence: PresenceHandle;
    private readonly watchers = new Watchers();
    private readonly waiting = new Watchers();
    private readonly edits = new Feed<Change>();
    private readonly signalFeeds = new Map<string, Feed<Signal<Json>>>();
    readonly shape: Shape | undefined;
    /** What this handle follows, in normal form; empty: the whole record. */
    selection: readonly Selected[] = [];
    private transaction: Transaction | undefined;
    private failure: TandemError | undefined;
    private closed = false;

    constructor(
        readonly client: Client,
        readonly replica: Replica,
        // eslint-disable-next-line @typescript-eslint/no-explicit-any
        private readonly def: Def<any, any> | undefined,
        // eslint-disable-next-line @typescript-eslint/no-explicit-any
        select?: Select<any>,
    ) {
        this.shape = def && { k: 'object', s: def.fields as unknown as Shapes };
        this.presence = new PresenceHandle(state => client.run(session => session.setPresence(replica, state)));
        this.fields = def ? fieldsOf(this, [], def.fields as unknown as Shapes) : {};
        // Without a schema, paths stand for handles: `field`, `counter`, `set` and `list`.
        Object.assign(this, anyAt(this, []));
        if (select) this.selection = normalForm(this.pick(select));
    }
    get name(): string {
        return this.replica.name;
    }
    get view(): Node {
        return this.replica.view;
    }
    get value(): unknown {
        return read(this.shape, this.replica.view) ?? EMPTY_MAP;
    }
    subscribe(fn: (value: never) => void, options?: Options): () => void {
        return this.watch(() => this.value as never, fn, options);
    }
    watch<T>(get: () => T, fn: (value: T) => void, options?: Options): () => void {
        return this.watchers.add(get, fn, options);
    }
    random(): number {
        return this.client.platform.random();
    }
    // Edits

    commit(drafts: readonly Draft[], ifUnchanged: readonly string[] = [], seen: Seen = this.replica): Write {
        if (this.closed) throw closed();
        const { replica } = this;
        const ops = drafts.flatMap(draft => based(draft, seen));
        if (this.transaction) {
            const edit = new Edit(replica.view);
            for (const op of ops) edit.op(op, this.nextDot);
            replica.view = edit.root;
            this.transaction.ops.push(...ops);
            for (const path of ifUnchanged) this.transaction.paths.add(path);
            return this.transaction.write;
        }
        return this.send(ops, ifUnchanged, new PendingWrite());
    }
    private get nextDot(): Dot {
        const { lane } = this.replica;
        return [0, lane.loaded ? lane.last + 1 : -1 - lane.pending.length];
    }
    private send(ops: Op[], ifUnchanged: readonly string[], write: PendingWrite, label?: string): Write {
        const { replica } = this;
        const before = replica.view;
        this.client.run((session, now) => {
            session.edit(replica, ops, ifUnchanged, write, now);
            this.recorder?.record(before, ops, label, write);
        });
        return write;
    }
    transact(fn: () => void, { label, ifUnchanged = [] }: TransactOptions = {}): Write {
        const outer = this.transaction;
        if (outer) {
            for (const handle of ifUnchanged) outer.paths.add(pathText(pathOf(handle)));
            fn();
            return outer.write;
        }
        const transaction: Transaction = { ops: [], paths: new Set(ifUnchanged.map(handle => pathText(pathOf(handle)))), write: new PendingWrite() };
        const { replica } = this;
        const before = replica.view;
        this.transaction = transaction;
        try {
            fn();
        } finally {
            this.transaction = undefined;
            replica.view = before;
        }
        if (transaction.ops.length === 0) transaction.write.commit(replica.seq);
        else this.send(transaction.ops.map(op => op as Op), [...transaction.paths], transaction.write, label);
        return transaction.write;
    }

    // What the session tells

    viewChanged(old: Node, by: string, local: boolean): void {
        this.watchers.check();
        if (this.edits.wanted)
            compareTrees(old, this.replica.view, (path, before, after) =>
                this.edits.push(Object.freeze({ seq: this.replica.seq, path: pathText(path), by, local, before, after })),
            );
    }
    conflictsChanged(): void {
        this.conflicts.set(conflictsOf(this.replica.conflicts.values(), this));
    }
    membersChanged(): void {
        this.presence.update(this.replica.members.values(), this.replica.self);
    }
    signalled(name: string, from: string, value: Json): void {
        this.signalFeeds.get(name)?.push({ from, value });
    }
    statusChanged(link: SyncStatus['link'], storage: SyncStatus['storage'], retryInMs: number | undefined): void {
        this.status.update(link, this.replica.unacked, this.replica.caughtUp, storage, retryInMs);
        this.waiting.check();
    }
    refused(error: TandemError, write: Write | undefined): void {
        if (write) this.recorder?.forget(write);
        else {
            this.failure = error;
            this.waiting.check();
            // Only a change of the selection was refused; the channel goes on with what it follows.
            if (this.replica.handle) this.failure = undefined;
        }
    }

    // Waiting

    private async until(met: () => boolean, { signal }: Options = {}): Promise<void> {
        const stop = new AbortController();
        // What held once is enough, even if it no longer does when the caller runs.
        let held = false;
        let failure: TandemError | undefined;
        const over = (): boolean => (held ||= met()) || this.closed || !!(failure = this.failure);
        const listen = (fn: () => void): void => void this.waiting.add(over, fn, { signal: stop.signal });
        try {
            await until(over, listen, signal);
        } finally {
            stop.abort();
        }
        if (held) return;
        throw failure ?? closed();
    }
    ready(options?: Options): Promise<void> {
        return this.until(() => this.replica.hasCursor, options);
    }
    synced(options?: Options): Promise<void> {
        return this.until(() => this.status.value.synced, options);
    }

    // Selections

    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    private pick(select: Select<any>): Selected[] {
        return select(this.def ? this.fields : this).map(selectedOf);
    }
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    select(select: Select<any>, options?: Options): Promise<void> {
        return this.follow(this.pick(select), options);
    }
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    load(select: Select<any>, options?: Options): Promise<void> {
        return this.selection.length ? this.follow([...this.selection, ...this.pick(select)], options) : this.ready(options);
    }
    private async follow(parts: readonly Selected[], options?: Options): Promise<void> {
        const before = this.selection;
        this.selection = normalForm(parts);
        this.client.reselect(this.replica);
        try {
            await this.until(() => !this.failure && this.replica.hasCursor && this.replica.isSelected, options);
        } catch (error) {
            if ((error as { code?: string }).code === 'bad_select') this.selection = before;
            throw error;
        }
    }
    total(list: Path): number {
        return this.replica.total(list);
    }

    changes(options?: Options): AsyncIterableIterator<Change> {
        return this.edits.read(options);
    }
    signal(name: string, value: Json): void {
        if (name === '') throw invalid('A signal has a name.');
        const plain = normalize(value);
        this.client.run(session => session.signal(this.replica, name, plain));
    }
    signals<T = Json>(name: string, options?: Options): AsyncIterableIterator<Signal<T>> {
        let feed = this.signalFeeds.get(name);
        if (!feed) this.signalFeeds.set(name, (feed = new Feed()));
        return feed.read(options) as unknown as AsyncIterableIterator<Signal<T>>;
    }
    async close(): Promise<void> {
        if (this.closed) return;
        this.closed = true;
        this.watchers.clear();
        this.edits.end();
        for (const feed of this.signalFeeds.values()) feed.end();
        this.waiting.check();
        await this.client.closeChannel(this);
    }
    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }
}
const EMPTY_MAP: Json = Object.freeze({});
