import './dispose.js';
import { ChannelHandle, closed, type AnyChannel, type Channel } from './channel.js';
import { TandemError, invalid } from './errors.js';
import type { OutboxStorage, StoredChannel } from './outbox.js';
import { MemoryStorage, type Platform, type Socket } from './platform.js';
import { positionTail } from './position.js';
import type { Replica } from './replica.js';
import type { Def, Handles, Schema } from './schema.js';
import { Session, type SessionEvent } from './session.js';
import type { Any, Select } from './handles.js';
import { normalForm } from './select.js';
import { StatusCell, type SyncStatus } from './status.js';
import { call, type Readable } from './store.js';
import type { Options } from './write.js';

export interface ConnectOptions {
    /** An edit was refused for good and taken back, or the connection or a channel was refused. */
    readonly onRefused?: (error: TandemError) => void;
    readonly token?: () => string | Promise<string>;
    /** 'memory': nothing is kept on the device. */
    readonly storage?: 'auto' | 'memory';
    readonly signal?: AbortSignal;
    /** Whose outbox it is; another subject has another one. */
    readonly subject?: string;
}
export interface ChannelOptions<H> extends Options {
    /** The parts of the record that are followed; else the whole of it. */
    readonly select?: Select<H>;
}
export interface TandemClient extends AsyncDisposable {
    channel<S extends Schema, P>(def: Def<S, P>, id: string, options?: ChannelOptions<Handles<S>>): Channel<S, P>;
    /** By its whole name, without a schema. */
    channel(name: string, options?: ChannelOptions<Any>): AnyChannel;
    readonly status: Readable<SyncStatus>;
    /** Closes the socket and opens none until `goOnline`: for a switch in the application, and to try things out. */
    goOffline(): void;
    goOnline(): void;
    close(): Promise<void>;
}

const SAVE_MS = 500;
/** Until an open that hangs is given up; one that fails is tried again after a while that doubles, up to the greatest. */
const OPEN_MS = 10_000;
const OPEN_RETRY_MS = 25;
const OPEN_RETRY_MAX_MS = 1600;
const ADOPT_MS = 30_000;
const lockName = (outbox: string): string => 'tandem:outbox:' + outbox;

interface Orphan {
    readonly id: string;
    readonly actor: number;
    readonly release: () => void;
    readonly channels: Map<string, StoredChannel>;
}

/** Drives a session: its socket, its timers and its outbox. */
export class Client {
    readonly status = new StatusCell();
    private readonly session: Session;
    private readonly channels = new Map<string, Set<ChannelHandle>>();
    private readonly unsaved = new Set<Replica>();
    private readonly orphans = new Map<string, Orphan>();
    private storage!: OutboxStorage;
    private outbox = '';
    private release: () => void = () => {};
    private socket: Socket | undefined;
    private timer: unknown;
    private saveTimer: unknown;
    private adoptTimer: unknown;
    private saveDelay = SAVE_MS;
    private keeps: SyncStatus['storage'] = 'opening';
    private writes: Promise<unknown> = Promise.resolve();
    private busy = false;
    private stopped = false;
    private readonly unlisten: () => void;
    private readonly booted: Promise<void>;

    constructor(readonly url: string, readonly options: ConnectOptions, readonly platform: Platform) {
        this.session = new Session({ random: () => platform.random() });
        this.unlisten = platform.listen(
            () => this.run((session, now) => session.wake(now)),
            () => this.saveAll(),
        );
        options.signal?.addEventListener('abort', () => void this.close(), { once: true });
        this.booted = this.boot().catch(error => this.unkept(error));
    }

    /** Everything that changes the session goes through here: its events and messages are taken out after it. */
    run(work: (session: Session, now: number) => void): void {
        try {
            work(this.session, this.platform.now());
        } finally {
            this.pump();
        }
    }
    private pump(): void {
        if (this.busy) return;
        this.busy = true;
        try {
            for (let idle = false; !idle; ) {
                idle = true;
                for (let event; (event = this.session.pollEvent()); idle = false) this.handle(event);
                for (let message; (message = this.session.pollTransmit(this.platform.now())); idle = false) this.transmit(message);
            }
        } finally {
            this.busy = false;
        }
        this.schedule();
    }
    private transmit(message: Uint8Array): void {
        try {
            this.socket?.send(message);
        } catch {
            // The socket is closing; its end is told by `closed`, and what was sent is sent again.
        }
    }
    private schedule(): void {
        this.platform.clearTimer(this.timer);
        const next = this.session.nextTimeout();
        if (next === undefined || this.stopped) return;
        const wait = Math.min(2 ** 31 - 1, Math.max(0, Math.ceil(next - this.platform.now())));
        this.timer = this.platform.setTimer(() => this.run((session, now) => session.handleTimeout(now)), wait);
    }

    private handle(event: SessionEvent): void {
        if (event.type === 'connect') return void this.open();
        if (event.type === 'disconnect') {
            this.socket?.close();
            this.socket = undefined;
            return;
        }
        if (event.type === 'actor') return this.write(() => this.storage.setActor(this.outbox, event.actor));
        if (event.type === 'link') return this.tellAll();
        if (event.type === 'write') {
            const done = (): void => this.run(session => session.stored(event));
            return this.write(() => this.storage.write(event.outbox, event.replica.name, event.change), done);
        }
        if (event.type === 'save') return this.saveSoon(event.replica, event.first);
        if (event.type === 'refused') {
            for (const channel of this.of(event.replica)) channel.refused(event.error, event.push?.write);
            return this.report(event.error);
        }
        for (const channel of this.of(event.replica)) {
            if (event.type === 'view') channel.viewChanged(event.old, event.by, event.local);
            else if (event.type === 'conflicts') channel.conflictsChanged();
            else if (event.type === 'members') channel.membersChanged();
            else if (event.type === 'signal') channel.signalled(event.name, event.from, event.value);
            else this.tellStatus(channel);
        }
        if (event.type === 'status') {
            this.tellClient();
            this.letGo();
        }
    }
    private of(replica: Replica | undefined): ChannelHandle[] {
        return replica ? [...(this.channels.get(replica.name) ?? [])].filter(channel => channel.replica === replica) : [];
    }
    private get retryIn(): number | undefined {
        const { link, retryAt } = this.session;
        return link === 'offline' && retryAt ? Math.max(0, Math.round(retryAt - this.platform.now())) : undefined;
    }
    private tellStatus(channel: ChannelHandle): void {
        channel.statusChanged(this.session.link, this.keeps, this.retryIn);
    }
    private tellClient(): void {
        const replicas = [...this.session.replicas.values()];
        const pending = replicas.reduce((sum, replica) => sum + replica.unacked, 0);
        this.status.update(this.session.link, pending, replicas.every(r => !r.isOpen || r.caughtUp), this.keeps, this.retryIn);
    }
    private tellAll(): void {
        for (const set of this.channels.values()) for (const channel of set) this.tellStatus(channel);
        this.tellClient();
    }
    report(error: unknown): void {
        const known = error instanceof TandemError ? error : new TandemError('io_failed', String(error));
        call(this.options.onRefused ?? console.error, known);
    }
    /** The device's storage fails: what waits from here on is sent, but ends with the page. Told once. */
    private unkept(error: unknown): void {
        if (this.stopped || this.keeps === 'memory') return;
        this.keeps = 'memory';
        this.tellAll();
        this.report(new TandemError('io_failed', `Edits that wait end with this page: ${String(error)}`));
    }

    // Socket

    private async open(): Promise<void> {
        try {
            if (this.options.token) this.session.token = await this.options.token();
        } catch (error) {
            this.report(new TandemError('token_invalid', `No token: ${String(error)}`, { temporary: true }));
            return this.run((session, now) => session.closed(now));
        }
        if (this.stopped || this.session.held) return;
        // A socket that was given up has nothing more to say.
        const run = (work: (session: Session, now: number) => void): void => void (this.socket === socket && this.run(work));
        const socket: Socket = this.platform.connect(this.url, {
            opened: () => run((session, now) => session.opened(now)),
            message: bytes => run((session, now) => session.handleBytes(now, bytes)),
            closed: () =>
                run((session, now) => {
                    this.socket = undefined;
                    session.closed(now);
                }),
        });
        this.socket = socket;
    }

    // Outbox

    private async boot(): Promise<void> {
        const { platform, options } = this;
        const name = `tandem ${this.url} ${options.subject ?? 'anonymous'}`;
        const storage = options.storage !== 'memory' && platform.locks ? await this.openStorage(name) : null;
        const actor = await this.takeOutbox(storage).catch(error => {
            this.unkept(error);
            this.release();
            return this.takeOutbox(null);
        });
        if (this.keeps === 'opening') this.keeps = storage ? 'device' : 'memory';
        const durable = this.keeps === 'device';
        if (durable) await this.findOrphans().catch(error => this.report(error));
        if (this.stopped) return;
        this.tellAll();
        this.run((session, now) => session.start(this.outbox, actor, now));
        const names = new Set([...this.channels.keys(), ...(await this.storage.waiting(this.outbox))]);
        await Promise.all([...names].map(channel => this.loadChannel(channel)));
        await this.adoptAll();
        if (durable) this.adoptLater();
    }
    /** Opening may fail for a while, such as while a browser that has just ended still holds the files; or it may hang. */
    private openStorage(name: string): Promise<OutboxStorage | null> {
        const { platform } = this;
        return new Promise(resolve => {
            const giveUp = (error: unknown): void => {
                this.unkept(error);
                resolve(null);
            };
            const limit = platform.setTimer(() => giveUp('timeout'), OPEN_MS);
            const attempt = (wait: number): unknown =>
                platform.openStorage(name).then(
                    storage => {
                        platform.clearTimer(limit);
                        resolve(storage);
                    },
                    error => (wait > OPEN_RETRY_MAX_MS ? giveUp(error) : platform.setTimer(() => attempt(2 * wait), wait)),
                );
            attempt(OPEN_RETRY_MS);
        });
    }
    /** The first outbox whose lock is free, else a new one; resolves with its actor. */
    private async takeOutbox(storage: OutboxStorage | null): Promise<number> {
        this.storage = storage ?? new MemoryStorage();
        const locks = storage && this.platform.locks;
        for (const row of await this.storage.outboxes()) {
            const release = await locks?.tryLock(lockName(row.id));
            if (!release) continue;
            this.outbox = row.id;
            this.release = release;
            return row.actor;
        }
        this.outbox = positionTail(() => this.platform.random(), 20);
        this.release = (await locks?.tryLock(lockName(this.outbox))) ?? (() => {});
        await this.storage.setActor(this.outbox, 0);
        return 0;
    }
    /** Outboxes of tabs that ended with edits unsent. */
    private async findOrphans(): Promise<void> {
        for (const row of await this.storage.outboxes()) {
            if (row.id === this.outbox || this.orphans.has(row.id)) continue;
            const release = await this.platform.locks!.tryLock(lockName(row.id));
            if (!release) continue;
            const waiting = await this.storage.waiting(row.id);
            if (waiting.length === 0 || this.stopped) {
                release();
                continue;
            }
            const channels = new Map<string, StoredChannel>();
            for (const name of waiting) channels.set(name, await this.storage.load(row.id, name));
            this.orphans.set(row.id, { ...row, release, channels });
        }
    }
    private adoptLater(): void {
        this.adoptTimer = this.platform.setTimer(() => {
            this.findOrphans()
                .then(() => this.adoptAll())
                .catch(error => this.report(error))
                .finally(() => !this.stopped && this.adoptLater());
        }, ADOPT_MS);
    }
    private async adoptAll(): Promise<void> {
        for (const orphan of this.orphans.values())
            for (const name of [...orphan.channels.keys()])
                if (this.session.replicas.get(name)?.lane.loaded) this.adopt(name);
                else await this.loadChannel(name);
    }
    private adopt(name: string): void {
        for (const orphan of this.orphans.values()) {
            const stored = orphan.channels.get(name);
            if (!stored) continue;
            orphan.channels.delete(name);
            this.run(session => session.adopt(name, orphan.id, stored, orphan.actor));
        }
    }
    /** Gives the lock of a drained outbox back, so that another tab may use it. */
    private letGo(): void {
        for (const orphan of this.orphans.values()) {
            if (orphan.channels.size) continue;
            let waits = false;
            for (const replica of this.session.replicas.values()) {
                const at = replica.adopted.findIndex(lane => lane.outbox === orphan.id);
                if (at < 0) continue;
                if (replica.adopted[at]!.pending.length) waits = true;
                else {
                    if (replica.shownLane === replica.adopted[at]) replica.shownLane = undefined;
                    replica.adopted.splice(at, 1);
                }
            }
            if (waits) continue;
            this.orphans.delete(orphan.id);
            // After what is still being written to it.
            this.writes = this.writes.then(() => orphan.release());
        }
    }
    private async loadChannel(name: string): Promise<void> {
        const replica = this.session.replica(name);
        const stored = await this.storage.load(this.outbox, name);
        const other = stored.state ? undefined : await this.storage.newest(name);
        if (replica.lane.loaded || this.stopped) return;
        this.run(session => {
            session.load(name, stored, other);
            this.adopt(name);
        });
    }
    /** Writes go to the storage in the order of the session's events; each is one transaction. */
    private write(work: () => Promise<void>, done: () => void = () => {}): void {
        const ended = work().catch(error => this.unkept(error));
        this.writes = Promise.all([this.writes, ended]);
        // What cannot be kept on the device is at least sent.
        void ended.then(done);
    }
    private saveSoon(replica: Replica, first: boolean): void {
        this.unsaved.add(replica);
        if (first) this.saveAll();
        else this.saveTimer ??= this.platform.setTimer(() => this.saveAll(), this.saveDelay);
    }
    private saveAll(): void {
        this.platform.clearTimer(this.saveTimer);
        this.saveTimer = undefined;
        const start = this.platform.now();
        for (const replica of this.unsaved)
            if (replica.lane.loaded && replica.hasCursor) {
                const change = replica.save();
                this.write(() => this.storage.write(this.outbox, replica.name, change));
            }
        this.unsaved.clear();
        this.saveDelay = Math.max(SAVE_MS, 20 * (this.platform.now() - start));
    }

    // API

    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    channel(defOrName: Def<Schema, unknown> | string, id?: unknown, options?: ChannelOptions<any>): ChannelHandle {
        if (this.stopped) throw closed();
        const untyped = typeof defOrName === 'string';
        const name = untyped ? defOrName : `${defOrName.namespace}:${String(id)}`;
        const { signal, select } = (untyped ? (id as ChannelOptions<any> | undefined) : options) ?? {};
        if (!/^[^:]+:.+$/.test(name) || name.length > 255) throw invalid('A channel is named namespace:id.');
        const replica = this.session.replica(name);
        const known = replica.lane.loaded;
        const channel = new ChannelHandle(this as Client, replica, untyped ? undefined : defOrName, select);
        const set = this.channels.get(name) ?? new Set();
        this.channels.set(name, set.add(channel));
        this.reselect(replica);
        this.run(session => session.open(name));
        if (!known) void this.booted.then(() => this.loadChannel(name)).catch(error => this.unkept(error));
        else {
            channel.conflictsChanged();
            channel.membersChanged();
        }
        this.tellStatus(channel);
        signal?.addEventListener('abort', () => void channel.close(), { once: true });
        return channel;
    }
    /** Follows what the channel's handles want together. */
    reselect(replica: Replica): void {
        const all = [...(this.channels.get(replica.name) ?? [])].map(channel => channel.selection);
        const wanted = all.some(selection => !selection.length) ? [] : normalForm(all.flat());
        this.run(session => session.select(replica, wanted));
    }
    goOffline(): void {
        this.run((session, now) => session.goOffline(now));
    }
    goOnline(): void {
        this.run((session, now) => session.goOnline(now));
    }
    async closeChannel(channel: ChannelHandle): Promise<void> {
        const { name, replica } = channel;
        const set = this.channels.get(name);
        set?.delete(channel);
        if (set?.size) return this.reselect(replica);
        this.channels.delete(name);
        if (this.unsaved.has(replica)) this.saveAll();
        if (!this.stopped) this.run(session => session.forget(name));
        await this.writes;
    }
    async close(): Promise<void> {
        if (this.stopped) return;
        const channels = [...this.channels.values()].flatMap(set => [...set]);
        this.saveAll();
        this.stopped = true;
        this.run(session => session.close());
        this.platform.clearTimer(this.timer);
        this.platform.clearTimer(this.saveTimer);
        this.platform.clearTimer(this.adoptTimer);
        this.unlisten();
        await Promise.all(channels.map(channel => channel.close()));
        await this.booted;
        await this.writes;
        for (const orphan of this.orphans.values()) orphan.release();
        this.release();
        this.storage.close();
    }
    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }
}
