import { encodeOps, decodeOps, renameOwn, type Dot, type Op } from './ops.js';
import type { StoredChannel, StoredLane, StoredPush } from './outbox.js';
import { PendingWrite } from './write.js';

/** An own edit that the confirmed view does not hold yet. */
export interface Push {
    actor: number;
    counter: number;
    ops: Op[];
    body: Uint8Array;
    stampMs: number;
    stampLogical: number;
    ifUnchanged: readonly string[];
    skip: boolean;
    /** In the outbox, so that it may be sent. */
    stored: boolean;
    acked: boolean;
    /** Its place in the log, once an ack has told it. */
    seq: number;
    readonly write: PendingWrite;
}

const NO_BYTES = new Uint8Array(0);

/** A push that has no number and is stored nowhere yet. */
export function newPush(
    ops: Op[], { stampMs, stampLogical, ifUnchanged }: Pick<StoredPush, 'stampMs' | 'stampLogical' | 'ifUnchanged'>, write = new PendingWrite(),
): Push {
    return {
        actor: 0, counter: 0, ops, body: NO_BYTES, stampMs, stampLogical, ifUnchanged, skip: false, stored: false, acked: false, seq: 0, write,
    };
}

/** Below the server's limit of pushes under way, so that nothing is refused for its number. */
const WINDOW = 64;

/** The pushes of one outbox to one channel, in the order of their counters. */
export class Lane {
    actor = 0;
    /** The actor that the outbox holds for this channel; a push is sent only under that one. */
    storedActor = 0;
    last = 0;
    acked = 0;
    pending: Push[] = [];
    /** The highest counter sent on this connection. */
    sent = 0;
    /** Grows when sending begins again; answers to what was sent before carry an older one. */
    ref = 1;
    pausedUntil = 0;
    loaded = false;

    constructor(
        readonly outbox: string,
        /** Of this tab; else adopted from a tab that ended. */
        readonly own: boolean,
    ) {}

    /** Edits made before the outbox was read come after what it holds, and get their counters now. */
    load(stored: StoredChannel, actor: number): Push[] {
        const early = this.pending;
        this.last = stored.lane?.last ?? 0;
        this.acked = stored.lane?.acked ?? 0;
        this.storedActor = stored.lane?.actor ?? 0;
        this.actor = this.storedActor || actor;
        this.pending = stored.pushes.map(row => {
            const push = { ...newPush(row.skip ? [] : decodeOps(row.ops), row), body: row.ops, stored: true };
            return Object.assign(push, { actor: this.actor, counter: row.counter, skip: row.skip });
        });
        for (const p of this.pending) this.last = Math.max(this.last, p.counter);
        this.loaded = true;
        this.number(early);
        return early;
    }

    /** Appends pushes with new counters; names of each other are rewritten, foreign ones by `other`. */
    number(pushes: Push[], other: (counter: number) => Dot = c => [0, c]): void {
        const counters = new Map<number, number>();
        for (const push of pushes) {
            counters.set(push.counter, ++this.last);
            push.counter = this.last;
            push.actor = this.actor;
            push.stored = false;
            push.ops = renameOwn(push.ops, c => (counters.has(c) ? [0, counters.get(c)!] : other(c)));
            push.body = encodeOps(push.ops);
            this.pending.push(push);
        }
    }

    append(push: Push): void {
        push.actor = this.actor;
        if (this.loaded) {
            push.counter = ++this.last;
            push.body = encodeOps(push.ops);
        } else push.counter = -1 - this.pending.length;
        this.pending.push(push);
    }

    /** Starts again under an actor to be asked for: what was not acknowledged is numbered from 1. */
    requeue(): void {
        const old = this.actor;
        const rest = this.pending.filter(p => !p.acked && !p.skip);
        this.pending = this.pending.filter(p => p.acked && !p.skip);
        this.actor = this.storedActor = this.last = this.acked = 0;
        this.rewind(0);
        this.number(rest, c => [old, c]);
    }

    rewind(toCounter: number): void {
        this.sent = toCounter;
        this.ref++;
    }

    /** The next push to send, if there is one. */
    next(now: number): Push | undefined {
        if (this.actor === 0 || this.storedActor !== this.actor || now < this.pausedUntil) return undefined;
        let flying = 0;
        for (const push of this.pending) {
            if (push.acked || push.actor !== this.actor) continue;
            if (push.counter <= this.sent) {
                if (++flying >= WINDOW) return undefined;
            } else return push.stored ? push : undefined;
        }
        return undefined;
    }

    /** Takes out the pushes that match and returns them. */
    take(match: (push: Push) => boolean): Push[] {
        const taken = this.pending.filter(match);
        if (taken.length) this.pending = this.pending.filter(p => !match(p));
        return taken;
    }

    /** Turns a refused push into a bare counter. */
    giveUp(push: Push): void {
        push.skip = true;
        push.ops = [];
        push.body = NO_BYTES;
        push.ifUnchanged = [];
        push.stored = false;
    }

    row(): StoredLane {
        return { actor: this.actor, last: this.last, acked: this.acked };
    }
}

export function pushRow({ counter, body, stampMs, stampLogical, ifUnchanged, skip }: Push): StoredPush {
    return { counter, ops: body, stampMs, stampLogical, ifUnchanged, skip };
}
