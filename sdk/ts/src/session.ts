import { EPOCH_NONE } from './bytes.js';
import { TandemError, type ErrorCode } from './errors.js';
import { Lane, type Push } from './lane.js';
import { encodeOps, type Op } from './ops.js';
import type { StoredChannel, StoredState } from './outbox.js';
import { Replica, type ReplicaEvent } from './replica.js';
import type { Selected } from './select.js';
import type { Json } from './value.js';
import { decodeMessage, encodeFrame, type ClientFrame, type ErrorFrame, type ServerFrame } from './wire.js';
import { PendingWrite } from './write.js';

export type SessionEvent =
    | ReplicaEvent
    | { type: 'connect' }
    | { type: 'disconnect' }
    | { type: 'actor'; actor: number }
    | { type: 'link' };
export type Link = 'online' | 'connecting' | 'offline';

export interface SessionOptions {
    /** Numbers in [0, 1). */
    readonly random: () => number;
}

const DELAY_MIN = 100;
const DELAY_MAX = 20_000;
const ANSWER_MAX = 10_000;
/** A connection that lived so long was a good one: the next attempt comes at once. */
const STEADY = 1_000;
const SIGNAL_GAP = 33;
const PRESENCE_GAP = 50;
const OPS_MAX = 1000;
/** Room for the fields around the ops in a message. */
const ENVELOPE = 1024;
const CLIENT = 'tandem-js/0.1.0';

/**
 * The protocol as a state machine without sockets, clocks and storage: bytes and times come in by `opened`,
 * `handleBytes`, `closed`, `handleTimeout`; what is to be done is taken out by `pollTransmit`, `pollEvent` and
 * `nextTimeout` after each of these and after every edit.
 */
export class Session {
    readonly replicas = new Map<string, Replica>();
    token = '';
    link: Link = 'connecting';
    /** When the next attempt to connect is due; 0 when none is. */
    retryAt = 0;
    private actor = 0;
    private outbox = '';
    private started = false;
    private state: 'idle' | 'wanted' | 'open' | 'ready' = 'idle';
    private closing = false;
    /** Kept offline by the application, until `goOnline`. */
    held = false;
    /** The hello of this connection asked for an actor. */
    private asksActor = false;
    private attempt = 0;
    private readyAt = 0;
    private heardAt = 0;
    private spokeAt = 0;
    private helloAt = 0;
    private pingDue = 0;
    private heartbeat = 25_000;
    messageMax = 65_536;
    private offset = 0;
    private stamp: [number, number] = [0, 0];
    readonly frames: Uint8Array[] = [];
    /** Reads of each message what only it knows. */
    extension: ((message: Uint8Array) => void) | undefined;
    private readonly events: SessionEvent[] = [];
    private readonly byHandle = new Map<number, Replica>();
    private readonly signals = new Map<string, ClientFrame>();
    private signalsAt = 0;
    private readonly presence = new Set<Replica>();
    private presenceAt = 0;

    constructor(private readonly options: SessionOptions) {}
    private emit = (event: SessionEvent): void => {
        this.events.push(event);
    };
    pollEvent(): SessionEvent | undefined {
        return this.events.shift();
    }

    /** Begins with the outbox that this tab holds. */
    start(outbox: string, actor: number, now: number): void {
        this.outbox = outbox;
        this.actor = actor;
        this.started = true;
        this.connect(now);
    }
    close(): void {
        this.closing = true;
        this.retryAt = 0;
        if (this.state !== 'idle') this.emit({ type: 'disconnect' });
        this.state = 'idle';
        this.setLink('offline');
    }

    // Channels

    replica(name: string): Replica {
        let replica = this.replicas.get(name);
        if (!replica) this.replicas.set(name, (replica = new Replica(name, new Lane('', true), this.emit)));
        return replica;
    }
    open(name: string): Replica {
        const replica = this.replica(name);
        replica.isOpen = true;
        return replica;
    }
    /** What of the channel is to be followed, in normal form. */
    select(replica: Replica, wanted: readonly Selected[]): void {
        replica.wanted = wanted;
        this.emit({ type: 'status', replica });
    }
    /** What the outbox holds of the channel; `other` is a state that another outbox has. */
    load(name: string, stored: StoredChannel, other?: StoredState): void {
        const replica = this.replica(name);
        (replica.lane as { outbox: string }).outbox = this.outbox;
        const early = replica.lane.load(stored, this.actor);
        const state = stored.state ?? (stored.pushes.length === 0 ? other : undefined);
        if (state) replica.restore(state);
        this.settleActor(replica.lane, replica, early);
        replica.refresh('', true);
        this.emit({ type: 'status', replica });
    }
    private settleActor(lane: Lane, replica: Replica, pushes: Push[] = []): void {
        if (lane.actor === 0) {
            lane.actor = this.actor;
            for (const push of lane.pending) if (push.actor === 0) push.actor = this.actor;
        }
        if (pushes.length || (lane.actor !== lane.storedActor && lane.loaded)) replica.store(lane, pushes);
    }
    /** Takes over what an ended tab left in its outbox; `state` is that outbox's view. */
    adopt(name: string, outbox: string, stored: StoredChannel, actor: number): void {
        const replica = this.replica(name);
        const lane = new Lane(outbox, false);
        lane.load(stored, actor);
        replica.adopted.push(lane);
        if (lane.actor === 0) return replica.merge(lane);
        // Showing these edits is right only on a view that certainly does not hold them yet.
        const fresh = replica.isOpen && !replica.asked && replica.handle === 0 && !replica.shownLane && replica.lane.pending.length === 0;
        if (fresh && stored.state && (!replica.hasCursor || (replica.epoch === stored.state.epoch && stored.state.seq >= replica.seq))) {
            replica.hasCursor = false;
            replica.restore(stored.state);
            replica.shownLane = lane;
            replica.refresh('', true);
        }
        this.emit({ type: 'status', replica });
    }
    forget(name: string): void {
        const replica = this.replicas.get(name);
        if (!replica) return;
        replica.isOpen = false;
        if (replica.handle) this.byHandle.delete(replica.handle);
        if (replica.asked && this.state === 'ready') this.send({ type: 'unsubscribe', channel: name });
        replica.resubscribe();
        if (replica.unacked === 0) this.replicas.delete(name);
    }

    /** An edit; it is shown at once. The stamp is this device's clock as the server would tell it. */
    edit(replica: Replica, ops: Op[], ifUnchanged: readonly string[], write: PendingWrite, now: number): Push {
        if (ops.length > OPS_MAX || encodeOps(ops).length > this.messageMax - ENVELOPE)
            throw new TandemError('too_large', 'It is too large.');
        const ms = Math.max(0, Math.round(now + this.offset));
        this.stamp = ms > this.stamp[0] ? [ms, 0] : [this.stamp[0], this.stamp[1] + 1];
        return replica.edit(ops, this.stamp, ifUnchanged, write);
    }
    /** The storage has done a `write` event. */
    stored(event: Extract<SessionEvent, { type: 'write' }>): void {
        event.pushes.forEach((push, i) => {
            // A push that was numbered again meanwhile waits for its newer row.
            const row = event.change.put?.[i];
            if (row?.ops === push.body && row.counter === push.counter && row.skip === push.skip) push.stored = true;
        });
        if (event.change.lane) event.lane.storedActor = event.change.lane.actor;
    }
    setPresence(replica: Replica, state: Json): void {
        replica.presence = state;
        this.presence.add(replica);
    }
    /** Lossy: the latest value of a name wins, and nothing waits for a connection. */
    signal(replica: Replica, name: string, value: Json): void {
        if (replica.handle) this.signals.set(`${name} ${replica.name}`, { type: 'signal', channel: replica.name, name, value });
    }

    // Connection

    private setLink(link: Link): void {
        this.link = link;
        this.emit({ type: 'link' });
    }
    private connect(now: number): void {
        if (this.closing || this.held || !this.started || this.state !== 'idle') return;
        this.retryAt = 0;
        this.state = 'wanted';
        this.helloAt = now;
        if (this.link !== 'online') this.setLink('connecting');
        this.emit({ type: 'connect' });
    }
    opened(now: number): void {
        this.state = 'open';
        this.heardAt = this.helloAt = now;
        this.asksActor = this.actor === 0;
        this.send({
            type: 'hello', version: 1, client: CLIENT, wantActor: this.asksActor, timeMs: Math.round(now),
            token: this.token,
        });
    }
    closed(now: number): void {
        if (this.state === 'idle') return;
        this.state = 'idle';
        this.frames.length = 0;
        this.byHandle.clear();
        this.signals.clear();
        for (const replica of this.replicas.values()) replica.disconnected();
        if (this.closing) return;
        if (this.readyAt !== 0 && now - this.readyAt >= STEADY) this.attempt = 0;
        this.readyAt = 0;
        if (this.retryAt === 0) {
            // Full jitter; the first attempt after a good connection comes at once.
            const most = Math.min(DELAY_MAX, 2 * DELAY_MIN * 2 ** Math.min(this.attempt, 10));
            this.retryAt = this.attempt === 0 ? now : now + Math.max(DELAY_MIN, this.options.random() * most);
        }
        const waits = this.attempt++ > 0;
        this.setLink(waits ? 'offline' : 'connecting');
        if (waits) this.forgetMembers();
    }
    private forgetMembers(): void {
        for (const replica of this.replicas.values()) this.clearMembers(replica);
    }
    private clearMembers(replica: Replica): void {
        if (!replica.members.size) return;
        replica.members = new Map();
        this.emit({ type: 'members', replica });
    }
    /** Ends the connection and makes none until `goOnline`; edits go on and wait. */
    goOffline(now: number): void {
        if (this.held || this.closing) return;
        this.held = true;
        if (this.state !== 'idle') this.drop(now);
        this.retryAt = this.attempt = 0;
        this.setLink('offline');
        this.forgetMembers();
    }
    goOnline(now: number): void {
        if (!this.held) return;
        this.held = false;
        this.connect(now);
    }
    private drop(now: number): void {
        this.emit({ type: 'disconnect' });
        this.closed(now);
    }
    /** The network may be back, or the page is looked at again. */
    wake(now: number): void {
        if (this.state === 'idle' && this.retryAt !== 0) {
            this.attempt = 0;
            this.connect(now);
        } else if (this.state === 'ready' && this.pingDue === 0) this.ping(now, ANSWER_MAX / 2);
    }
    private ping(now: number, within: number): void {
        this.send({ type: 'ping', timeMs: Math.round(now) });
        this.pingDue = now + within;
    }
    private send(frame: ClientFrame): void {
        this.frames.push(encodeFrame(frame));
    }

    nextTimeout(): number | undefined {
        let next = Infinity;
        const at = (time: number): void => {
            if (time) next = Math.min(next, time);
        };
        if (this.state === 'idle') at(this.retryAt);
        else if (this.state !== 'ready') at(this.helloAt + ANSWER_MAX);
        else {
            at(this.pingDue || this.spokeAt + this.heartbeat);
            at(this.heardAt + 2 * this.heartbeat);
            if (this.signals.size) at(this.signalsAt + SIGNAL_GAP);
            if (this.presence.size) at(this.presenceAt + PRESENCE_GAP);
            for (const replica of this.replicas.values()) {
                if (!replica.asked) at(replica.retryAt);
                for (const lane of replica.lanes()) at(lane.pausedUntil);
            }
        }
        return next === Infinity ? undefined : next;
    }
    handleTimeout(now: number): void {
        if (this.state === 'idle') {
            if (this.retryAt !== 0 && now >= this.retryAt) this.connect(now);
        } else if (this.state !== 'ready') {
            if (now >= this.helloAt + ANSWER_MAX) this.drop(now);
        } else if (this.pingDue !== 0 ? now >= this.pingDue : now >= this.heardAt + 2 * this.heartbeat) {
            // Silence where an answer was due: the link is dead, whatever the socket says.
            if (this.pingDue !== 0) this.drop(now);
            else this.ping(now, ANSWER_MAX);
        } else if (this.pingDue === 0 && now >= this.spokeAt + this.heartbeat) this.ping(now, ANSWER_MAX);
        for (const replica of this.replicas.values()) {
            if (replica.retryAt && now >= replica.retryAt) replica.retryAt = 0;
            for (const lane of replica.lanes()) if (now >= lane.pausedUntil) lane.pausedUntil = 0;
        }
    }

    /** The next message to send, if any. Frames are joined up to the size of a message. */
    pollTransmit(now: number): Uint8Array | undefined {
        if (this.state === 'open' || this.state === 'ready') this.compose(now);
        if (this.frames.length === 0) return undefined;
        let size = 0;
        let count = 0;
        while (count < this.frames.length && (count === 0 || size + this.frames[count]!.length <= this.messageMax))
            size += this.frames[count++]!.length;
        const message = new Uint8Array(size);
        let at = 0;
        for (const frame of this.frames.splice(0, count)) {
            message.set(frame, at);
            at += frame.length;
        }
        this.spokeAt = now;
        return message;
    }
    private compose(now: number): void {
        for (const replica of this.replicas.values()) {
            if (!replica.lane.loaded) continue;
            const welcomed = this.state === 'ready';
            if (replica.isOpen && replica.subscribes && now >= replica.retryAt && (welcomed || replica.lane.actor !== 0) &&
                !replica.drainsFirst) this.subscribe(replica);
            if (!welcomed) continue;
            // The lane gave its actor up, and a new one comes only with a hello.
            if (replica.lane.actor === 0 && !this.asksActor && replica.lane.pending.some(p => !p.acked)) return this.renewActor(now);
            for (const lane of replica.lanes()) {
                if (lane.own && !(replica.mayPush || !replica.isOpen)) continue;
                for (let push; (push = lane.next(now)); ) this.push(replica, lane, push);
            }
        }
        if (this.state !== 'ready') return;
        if (this.signals.size && now >= this.signalsAt + SIGNAL_GAP) {
            this.signalsAt = now;
            for (const frame of this.signals.values()) this.send(frame);
            this.signals.clear();
        }
        if (this.presence.size && now >= this.presenceAt + PRESENCE_GAP) {
            this.presenceAt = now;
            for (const replica of [...this.presence])
                if (replica.handle) {
                    this.presence.delete(replica);
                    if (replica.presence !== undefined)
                        this.send({ type: 'presence', channel: replica.name, state: replica.presence, leave: false });
                }
        }
    }
    private renewActor(now: number): void {
        this.actor = this.attempt = this.readyAt = 0;
        this.drop(now);
    }
    private subscribe(replica: Replica): void {
        this.send({
            type: 'subscribe', channel: replica.name, hasAfter: replica.hasCursor, epoch: replica.hasCursor ? replica.epoch : EPOCH_NONE,
            after: replica.seq, check: replica.check, actor: replica.lane.actor, knownCounter: replica.lane.acked,
            ...replica.asks(),
        });
    }
    private push(replica: Replica, lane: Lane, push: Push): void {
        lane.sent = push.counter;
        this.send({
            type: 'push', channel: replica.name, actor: lane.actor, counter: push.counter, stampMs: push.stampMs,
            stampLogical: push.stampLogical, ops: push.body, skip: push.skip, ifUnchanged: push.ifUnchanged, ref: lane.ref,
        });
    }

    /** A message of the server. Bytes that do not decode end the connection, never the page. */
    handleBytes(now: number, bytes: Uint8Array): void {
        if (this.state !== 'open' && this.state !== 'ready') return;
        this.heardAt = now;
        this.pingDue = 0;
        try {
            for (const frame of decodeMessage(bytes)) this.handle(now, frame);
            this.extension?.(bytes);
        } catch (e) {
            this.tell(new TandemError('protocol_error', String(e)));
            this.drop(now);
        }
    }
    private handle(now: number, f: ServerFrame): void {
        switch (f.type) {
            case 'welcome':
                return this.welcome(now, f);
            case 'subscribed': {
                const replica = this.replicas.get(f.channel);
                if (!replica?.asked) return;
                this.byHandle.set(f.handle, replica);
                // A server that knows of nobody tells nothing, so whom the former one knew ends here.
                if (replica.handle === 0) this.clearMembers(replica);
                replica.subscribed(f);
                if (replica.presence !== undefined) this.presence.add(replica);
                return;
            }
            case 'delivery':
                return this.byHandle.get(f.handle)?.delivery(f);
            case 'ack':
                return this.replicas.get(f.channel)?.ack(f.actor, f.counter, f.seq, f.epoch);
            case 'error':
                return this.refused(now, f);
            case 'members': {
                const replica = this.byHandle.get(f.handle);
                if (!replica) return;
                if (f.full) {
                    replica.members = new Map();
                    replica.self = f.self;
                }
                for (const member of f.joined) replica.members.set(member.id, member);
                for (const id of f.left) replica.members.delete(id);
                return this.emit({ type: 'members', replica });
            }
            case 'signal': {
                const replica = this.byHandle.get(f.handle);
                if (replica) this.emit({ type: 'signal', replica, from: f.from, name: f.name, value: f.value });
                return;
            }
            case 'pong':
                return this.learnOffset(f.timeMs, f.serverMs, now);
            case 'bye':
                if (f.reconnectAfterMs) this.retryAt = now + f.reconnectAfterMs * (1 + this.options.random() / 2);
                return this.drop(now);
        }
    }
    private learnOffset(sent: number, server: number, now: number): void {
        if (server) this.offset = server - (sent + now) / 2;
    }
    private welcome(now: number, f: Extract<ServerFrame, { type: 'welcome' }>): void {
        this.state = 'ready';
        this.readyAt = now;
        this.learnOffset(this.helloAt, f.timeMs, now);
        if (f.heartbeatMs) this.heartbeat = f.heartbeatMs;
        if (f.messageBytesMax) this.messageMax = f.messageBytesMax;
        if (f.actor && this.actor === 0) {
            this.actor = f.actor;
            this.emit({ type: 'actor', actor: f.actor });
        }
        for (const replica of this.replicas.values()) if (replica.lane.loaded) this.settleActor(replica.lane, replica);
        this.setLink('online');
    }
    /** Tells of an error that concerns no push. */
    private tell(error: TandemError, replica?: Replica): void {
        this.emit({ type: 'refused', replica, error, push: undefined });
    }
    private refused(now: number, f: ErrorFrame): void {
        const replica = f.channel ? this.replicas.get(f.channel) : undefined;
        const error = new TandemError((f.code || 'internal') as ErrorCode, f.message || f.code, f);
        const wait = f.retryAfterMs || 500 + this.options.random() * 1500;
        if (!replica) {
            // Concerns the connection as a whole; the server closes it if it must.
            if (!f.temporary) this.tell(error);
            return;
        }
        if (!f.counter) {
            if (f.code === 'bad_select' && replica.handle && !replica.subscribes && !replica.isSelected) {
                replica.unselect();
                return this.tell(error, replica);
            }
            if (!replica.asked || replica.handle) return;
            replica.resubscribe();
            replica.retryAt = f.temporary ? now + wait : Infinity;
            if (!f.temporary) this.tell(error, replica);
            return;
        }
        const lane = replica.lanes().find(l => l.actor === f.actor) ?? replica.lane;
        if (f.ref && f.ref !== lane.ref) return;
        const push = lane.pending.find(p => p.counter === f.counter && p.actor === lane.actor && !p.acked);
        if (!push) return;
        if (f.code === 'counter_gap') {
            for (const p of lane.pending) if (p.counter <= f.ackedCounter) p.acked = true;
            const goesOn = lane.pending.some(p => p.counter === f.ackedCounter + 1);
            if (goesOn && f.ackedCounter >= lane.acked) lane.rewind(f.ackedCounter);
            else replica.renew(lane);
        } else if (f.code === 'actor_forked' || f.code === 'actor_unknown') replica.renew(lane);
        else if (f.temporary) {
            lane.pausedUntil = now + wait;
            lane.rewind(f.counter - 1);
            if (!lane.own) replica.hideAdopted();
        } else if (push.skip) {
            lane.take(p => p === push);
            replica.store(lane, [], { drop: [push.counter] });
        } else replica.refuse(lane, push, error);
    }
}
