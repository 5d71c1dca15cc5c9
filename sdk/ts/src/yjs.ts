import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import { applyUpdate, encodeStateAsUpdate, encodeStateVector, type Doc } from 'yjs';
import { Reader, Writer } from './bytes.js';
import type { AnyChannel, Channel, ChannelHandle } from './channel.js';
import type { Client } from './client.js';
import { TandemError, invalid, type ErrorCode } from './errors.js';
import { decodeFields, encodeFields, spec, type Loose } from './fields.js';
import type { Session } from './session.js';
import { call } from './store.js';

/** Yjs documents over a client's own connection, for every editor that has a Yjs binding. */

export interface TextOptions {
    /** The states of cursors and names; null for none. */
    readonly awareness?: Awareness | null;
    /** false: not before `connect()`. */
    readonly connect?: boolean;
}
export interface TextEvents {
    'status': [{ readonly status: 'connected' | 'connecting' | 'disconnected' }];
    /** All that the server had has come, or the connection has gone. */
    'sync': [synced: boolean];
    'synced': [synced: boolean];
    /** Whether everything in the document is on the server's disk, as far as is known here. */
    'saved': [saved: boolean];
    /** The server did not take an update; it stays in the document. */
    'refused': [error: TandemError];
    /** The channel was deleted. Nothing more is sent until `connect()`. */
    'closed': [];
}
type Listener<K extends keyof TextEvents> = (...args: TextEvents[K]) => void;

const TEXT_SEND = 8;
const TEXT_RECEIVED = 10;
const SEND = spec({ channel: 't', name: 't', message: 'b', more: 'o', ref: 'n', leave: 'o' });
const RECEIVED = spec({
    channel: 't', name: 't', message: 'b', ref: 'n', seq: 'n', code: 't', reason: 't', temporary: 'o', retryAfterMs: 'n', closed: 'o',
});
interface Received {
    readonly channel: string; readonly name: string; readonly message: Uint8Array; readonly ref: number; readonly seq: number;
    readonly code: string; readonly reason: string; readonly temporary: boolean; readonly retryAfterMs: number; readonly closed: boolean;
}

// Messages of y-protocols: a kind, of sync also a step, and a body with its length before it.
const SYNC = 0;
const AWARENESS = 1;
const QUESTION = 0;
const ANSWER = 1;
const UPDATE = 2;

function message(head: readonly number[], body: Uint8Array): Uint8Array {
    const w = new Writer();
    for (const number of [...head, body.length]) w.varint(number);
    w.raw(body);
    return w.finish();
}
/** An update without structs and deletes. */
const isEmpty = (update: Uint8Array): boolean => update.length === 2 && !update[0] && !update[1];

/** Room for the fields around a piece of a message. */
const ENVELOPE = 1024;

/** The texts of one client. */
class Texts {
    private readonly open = new Map<string, TandemProvider>();
    private lastRef = 0;
    private known = '';

    private constructor(readonly client: Client, private readonly session: Session) {
        session.extension = bytes => this.receive(bytes);
        client.status.subscribe(({ link }) => {
            if (link === this.known) return;
            this.known = link;
            for (const provider of [...this.open.values()]) provider.linked();
        });
    }
    private static readonly all = new WeakMap<Client, Texts>();
    static of(client: Client): Texts {
        let texts = Texts.all.get(client);
        if (!texts) client.run(session => Texts.all.set(client, (texts = new Texts(client, session))));
        return texts!;
    }
    get link(): string {
        return this.known;
    }
    enter(provider: TandemProvider): void {
        const key = keyOf(provider.channel.name, provider.name);
        if ((this.open.get(key) ?? provider) !== provider) throw invalid('This client has another document for this text.');
        this.open.set(key, provider);
    }
    leave(provider: TandemProvider): void {
        const key = keyOf(provider.channel.name, provider.name);
        if (this.open.get(key) === provider) this.open.delete(key);
    }
    /** Sends what the frame is about in as many pieces as it takes; returns the number that the answer names. */
    send(provider: TandemProvider, what: { message?: Uint8Array; ref?: boolean; leave?: boolean }): number {
        const ref = what.ref ? ++this.lastRef : 0;
        const whole = what.message ?? new Uint8Array(0);
        const room = Math.max(1, this.session.messageMax - ENVELOPE);
        this.client.run(session => {
            for (let at = 0; at === 0 || at < whole.length; at += room) {
                const more = at + room < whole.length;
                const frame = {
                    channel: provider.channel.name, name: provider.name, message: whole.subarray(at, at + room), more, ref: more ? 0 : ref,
                    leave: what.leave,
                };
                const body = encodeFields(SEND, frame as unknown as Loose);
                session.frames.push(new Writer().bytes(1, new Writer().bytes(TEXT_SEND, body).finish()).finish());
            }
        });
        return ref;
    }
    private receive(batch: Uint8Array): void {
        const r = new Reader(batch);
        while (r.next()) {
            if (r.field !== 1) {
                r.skip();
                continue;
            }
            const frame = new Reader(r.bytes());
            while (frame.next()) {
                if (frame.field !== TEXT_RECEIVED) {
                    frame.skip();
                    continue;
                }
                const f = decodeFields(RECEIVED, frame.bytes()) as unknown as Received;
                const provider = this.open.get(keyOf(f.channel, f.name));
                // What followers of the document throw is theirs.
                if (provider) call(f => provider.receive(f), f);
            }
        }
    }
}
const keyOf = (channel: string, name: string): string => `${channel} ${name}`;

/** Keeps a document and a text of a channel the same, by way of `y-protocols`, as stock providers do. */
export class TandemProvider {
    readonly awareness: Awareness | null;
    /** The document has what the server had when this connection asked. */
    synced = false;
    /** Everything in the document is on the server's disk, as far as is known here. */
    saved = false;
    status: TextEvents['status'][0]['status'] = 'disconnected';
    /** Its owner wants it to be connected. */
    shouldConnect = false;
    private readonly texts: Texts;
    private readonly listeners = new Map<string, Set<unknown>>();
    /** Updates that are under way to the server's disk. */
    private readonly underWay = new Set<number>();
    /** The server has asked for what it lacks on this connection, and was answered. */
    private replied = false;
    private retry: unknown;

    constructor(
        // eslint-disable-next-line @typescript-eslint/no-explicit-any
        readonly channel: Channel<any, any> | AnyChannel, readonly name: string, readonly doc: Doc, options: TextOptions = {},
    ) {
        this.texts = Texts.of((channel as unknown as ChannelHandle).client);
        this.awareness = options.awareness === undefined ? new Awareness(doc) : options.awareness;
        doc.on('update', this.updated);
        doc.on('destroy', this.destroy);
        this.awareness?.on('update', this.moved);
        if (options.connect !== false) this.connect();
    }

    on<K extends keyof TextEvents>(event: K, fn: Listener<K>): void {
        const all = this.listeners.get(event) ?? new Set();
        this.listeners.set(event, all.add(fn));
    }
    off<K extends keyof TextEvents>(event: K, fn: Listener<K>): void {
        this.listeners.get(event)?.delete(fn);
    }
    once<K extends keyof TextEvents>(event: K, fn: Listener<K>): void {
        const first = (...args: TextEvents[K]): void => {
            this.off(event, first);
            fn(...args);
        };
        this.on(event, first);
    }
    private fire<K extends keyof TextEvents>(event: K, ...args: TextEvents[K]): void {
        for (const fn of [...(this.listeners.get(event) ?? [])]) call(() => (fn as Listener<K>)(...args), undefined);
    }

    connect(): void {
        if (this.shouldConnect) return;
        this.texts.enter(this);
        this.shouldConnect = true;
        this.linked();
    }
    disconnect(): void {
        if (!this.shouldConnect) return;
        this.shouldConnect = false;
        if (this.status === 'connected') {
            const { awareness } = this;
            if (awareness?.getLocalState()) this.speak(encodeAwarenessUpdate(awareness, [awareness.clientID], new Map()));
            this.texts.send(this, { leave: true });
        }
        this.texts.leave(this);
        this.linked();
    }
    /** Ends it for good; the document stays as it is. */
    destroy = (): void => {
        this.disconnect();
        this.doc.off('update', this.updated);
        this.doc.off('destroy', this.destroy);
        this.awareness?.off('update', this.moved);
        this.listeners.clear();
    };

    /** For the connection, which has come or gone. */
    linked(): void {
        const { link } = this.texts;
        const status = !this.shouldConnect || link === 'offline' ? 'disconnected' : link === 'online' ? 'connected' : 'connecting';
        if (status === this.status) return;
        this.status = status;
        if (status === 'connected') this.open();
        else this.lost();
        this.fire('status', { status });
    }
    private open(): void {
        const { awareness } = this;
        this.underWay.clear();
        this.replied = false;
        this.texts.send(this, { message: message([SYNC, QUESTION], encodeStateVector(this.doc)) });
        if (awareness?.getLocalState()) this.speak(encodeAwarenessUpdate(awareness, [awareness.clientID]));
    }
    private lost(): void {
        const { awareness } = this;
        this.texts.client.platform.clearTimer(this.retry);
        this.replied = false;
        this.arrived(false);
        if (!awareness) return;
        const others = [...awareness.getStates().keys()].filter(id => id !== awareness.clientID);
        removeAwarenessStates(awareness, others, this);
        // Else those who have not moved meanwhile would not be seen again: what they say is no newer.
        for (const id of others) awareness.meta.delete(id);
    }
    private arrived(synced: boolean): void {
        if (this.synced === synced) return;
        this.synced = synced;
        this.fire('synced', synced);
        this.fire('sync', synced);
    }
    private judge(saved: boolean): void {
        if (this.saved === saved) return;
        this.saved = saved;
        this.fire('saved', saved);
    }
    private speak(body: Uint8Array): void {
        this.texts.send(this, { message: message([AWARENESS], body) });
    }
    private write(step: number, update: Uint8Array): void {
        this.underWay.add(this.texts.send(this, { message: message([SYNC, step], update), ref: true }));
    }

    private updated = (update: Uint8Array, origin: unknown): void => {
        if (origin === this) return;
        this.judge(false);
        // Before the server's question, the answer to that has it.
        if (this.replied) this.write(UPDATE, update);
    };
    private moved = ({ added, updated, removed }: { added: number[]; updated: number[]; removed: number[] }): void => {
        const { awareness } = this;
        const own = awareness!.clientID;
        if (this.status === 'connected' && [...added, ...updated, ...removed].includes(own)) this.speak(encodeAwarenessUpdate(awareness!, [own]));
    };

    /** For the connection: what it heard of this text. */
    receive(f: Received): void {
        if (f.closed) {
            this.shouldConnect = false;
            this.texts.leave(this);
            this.linked();
            return this.fire('closed');
        }
        if (f.code) this.refused(f);
        else if (f.ref) this.stored(f.ref);
        if (!f.message.length) return;
        const r = new Reader(f.message);
        const kind = r.varint();
        if (kind !== SYNC && kind !== AWARENESS) return;
        const step = kind === SYNC ? r.varint() : UPDATE;
        const body = r.raw(r.varint());
        if (kind === AWARENESS) {
            if (this.awareness) applyAwarenessUpdate(this.awareness, body, this);
        } else if (step === QUESTION) this.answer(body);
        else {
            applyUpdate(this.doc, body, this);
            if (step === ANSWER) this.arrived(true);
        }
    }
    /** What the server lacks is all that is not stored: what was lost or refused on the way is in it. */
    private answer(vector: Uint8Array): void {
        const missing = encodeStateAsUpdate(this.doc, vector);
        this.underWay.clear();
        this.replied = true;
        if (isEmpty(missing)) this.judge(true);
        else this.write(ANSWER, missing);
    }
    private stored(ref: number): void {
        if (this.underWay.delete(ref) && this.underWay.size === 0) this.judge(true);
    }
    private refused({ code, reason, temporary, retryAfterMs, channel, ref }: Received): void {
        const error = new TandemError(code as ErrorCode, reason, { temporary, channel });
        const { client } = this.texts;
        if (temporary) {
            client.platform.clearTimer(this.retry);
            this.retry = client.platform.setTimer(() => this.status === 'connected' && this.open(), retryAfterMs || 1000);
        } else if (ref) this.underWay.delete(ref);
        this.fire('refused', error);
        if (!temporary) client.report(error);
    }
}

/** The text of that name of a channel, as the document. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function textOf(channel: Channel<any, any> | AnyChannel, name: string, doc: Doc, options?: TextOptions): TandemProvider {
    return new TandemProvider(channel, name, doc, options);
}
