import { EPOCH_NONE, type Epoch } from './bytes.js';
import {
    CHANGE_CLEAR, CHANGE_CONFLICT, CHANGE_NO_CONFLICT, CHANGE_OUTSIDE, CHANGE_WINDOW, decodeChanges, encodeChanges, type Delta,
} from './changes.js';
import { TandemError } from './errors.js';
import { Lane, newPush, pushRow, type Push } from './lane.js';
import { BASE_NONE, OP_ASSIGN, OP_DELETE, OP_SET, type Dot, type Draft, type Op } from './ops.js';
import type { StoredChange, StoredState } from './outbox.js';
import { covers, keySegment, pathText, type Path } from './path.js';
import { coveredBelow, ROOT, isCovered, sameSelection, type Selected } from './select.js';
import { EMPTY, Edit, itemsOf, nodeAt, reconcile, treeChanges, type Node } from './view.js';
import { LIVE, SNAPSHOT, type Delivery, type MemberFrame, type ServerFrame } from './wire.js';
import { PendingWrite } from './write.js';
import { isObject, type Json } from './value.js';

/** What a replica has to tell; handled by whoever drives the session, after the call that caused it. */
export type ReplicaEvent =
    | { type: 'view'; replica: Replica; old: Node; by: string; local: boolean }
    | { type: 'conflicts' | 'members' | 'status' | 'ready'; replica: Replica }
    | { type: 'write'; replica: Replica; outbox: string; change: StoredChange; pushes: Push[]; lane: Lane }
    /** `first`: the device has no copy of the channel yet. */
    | { type: 'save'; replica: Replica; first: boolean }
    | { type: 'refused'; replica: Replica | undefined; error: TandemError; push: Push | undefined }
    | { type: 'signal'; replica: Replica; from: string; name: string; value: Json };

/** What an op's author had seen. */
export type Seen = Pick<Replica, 'hasCursor' | 'epoch' | 'seq' | 'confirmed' | 'inForce'>;

/** A drafted op with what it has seen; one that concerns more than is covered becomes ops on the covered parts. */
export function based(draft: Draft, seen: Seen): Op[] {
    const { kind, path, value } = draft;
    const { confirmed, inForce: select = [] } = seen;
    const base = seen.hasCursor ? { epoch: seen.epoch, seq: seen.seq } : BASE_NONE;
    if (isCovered(select, confirmed, path)) return [{ ...draft, base }];
    const whole = kind === OP_SET || kind === OP_DELETE || kind === OP_ASSIGN;
    const ops: Op[] = whole ? coveredBelow(select, confirmed, path).map(path => ({ kind: OP_DELETE, path, base })) : [];
    if (kind === OP_DELETE && ops.length) return ops;
    const members = kind === OP_ASSIGN && isObject(value!) ? Object.entries(value) : [];
    if (!members.length) ops.push({ ...draft, base: BASE_NONE });
    for (const [key, value] of members)
        ops.push(...based({ kind: isObject(value) ? OP_ASSIGN : OP_SET, path: [...path, keySegment(key)], value }, seen));
    return ops;
}

/** One channel as this device knows it: `confirmed ⊕ pending`, its cursor and its outbox lanes. */
export class Replica {
    confirmed: Node = EMPTY;
    view: Node = EMPTY;
    epoch: Epoch = EPOCH_NONE;
    seq = 0;
    check = 0;
    hasCursor = false;
    /** The server's head, as far as it was told on this connection. */
    head = 0;
    /** Subscribed on this connection, and pushing under the lane's actor is safe. */
    mayPush = false;
    /** The number for this channel on this connection; 0 while a subscription is not answered. */
    handle = 0;
    asked = false;
    retryAt = 0;
    /** The user holds it; else it is only here to send what an ended tab left. */
    isOpen = false;
    readonly adopted: Lane[] = [];
    /** The adopted lane whose edits are shown, when that cannot show anything twice. */
    shownLane: Lane | undefined;
    readonly conflicts = new Map<string, Delta>();
    /** By the texts of their paths: lists that are seen through windows, and how many items they have. */
    private readonly windows = new Map<string, Delta>();
    /** What is to be followed; empty: the whole record. */
    wanted: readonly Selected[] = [];
    /** What the confirmed view was selected by. */
    inForce: readonly Selected[] | undefined;
    /** What the latest subscription asked for, and its number. */
    private asking: readonly Selected[] = [];
    /** What the latest subscription that was answered asked for. */
    private answered: readonly Selected[] = [];
    private version = 0;
    members = new Map<string, MemberFrame>();
    self = '';
    presence: Json | undefined;
    /** Counters of own pushes that left `pending` since the state was last saved. */
    settled: number[] = [];
    private paths = new Map<number, Path>();
    private actors = new Map<number, number>();
    private chunks: Delta[] | undefined;
    /** The highest of the chunks so far: those that are shared do not carry it. */
    private chunksAcked = 0;

    constructor(
        readonly name: string,
        readonly lane: Lane,
        private readonly emit: (event: ReplicaEvent) => void,
    ) {}

    private tell(type: 'conflicts' | 'status' | 'ready'): void {
        this.emit({ type, replica: this });
    }
    private keep(first = false): void {
        this.emit({ type: 'save', replica: this, first });
    }
    /** How many items a list has as shown here, also those outside of its windows. */
    total(list: Path): number {
        const count = (root: Node): number => itemsOf(nodeAt(root, list)).length;
        const whole = this.windows.get(pathText(list));
        return count(this.view) + (whole ? Math.max(0, Number(whole.value) - count(this.confirmed)) : 0);
    }
    get unacked(): number {
        return this.lanes().reduce((sum, { pending }) => sum + pending.filter(p => !p.acked && !p.skip).length, 0);
    }
    get caughtUp(): boolean {
        return this.handle !== 0 && this.hasCursor && this.seq >= this.head && !this.chunks && this.isSelected;
    }
    /** Whether the confirmed view is selected by what is to be followed. */
    get isSelected(): boolean {
        return sameSelection(this.inForce, this.wanted);
    }
    /** One change of the selection at a time, since the server is told what the view holds at its beginning. */
    get subscribes(): boolean {
        return !this.asked || (this.handle !== 0 && !this.isSelected && sameSelection(this.inForce, this.asking));
    }
    /** What the next subscription says of selections. */
    asks(): { select: readonly Selected[]; held: readonly Selected[]; selectVersion: number } {
        const { wanted, inForce } = this;
        const same = !this.hasCursor || this.isSelected;
        if (this.version || wanted.length || !same) this.version++;
        this.asked = true;
        this.asking = wanted;
        return { select: wanted, held: same ? [] : inForce!.length ? inForce! : [ROOT], selectVersion: this.version };
    }
    /** The server will not select so; what was in force goes on. */
    unselect(): void {
        this.wanted = this.asking = this.inForce!;
    }
    lanes(): Lane[] {
        return [this.lane, ...this.adopted];
    }

    /** Takes a state from the device; only before anything came from the server. */
    restore(state: StoredState): void {
        if (this.hasCursor) return;
        const edit = new Edit(EMPTY);
        for (const change of decodeChanges(state.changes)) this.applyTo(edit, change);
        this.inForce = state.select ?? [];
        this.confirmed = edit.root;
        this.epoch = state.epoch;
        this.seq = state.seq;
        this.check = state.check;
        this.hasCursor = true;
        this.tell('conflicts');
        this.tell('ready');
    }

    /** The state to keep on the device, and what may leave the outbox together with it. */
    save(): StoredChange {
        const changes = treeChanges(this.confirmed).concat([...this.windows.values(), ...this.conflicts.values()]);
        const drop = this.settled.splice(0);
        return {
            lane: this.lane.row(),
            drop,
            state: { epoch: this.epoch, seq: this.seq, check: this.check, changes: encodeChanges(changes), select: this.inForce },
        };
    }

    /** Shows an edit at once; it is sent when the outbox has it. */
    edit(ops: Op[], stamp: readonly [ms: number, logical: number], ifUnchanged: readonly string[], write: PendingWrite): Push {
        const push = newPush(ops, { stampMs: stamp[0], stampLogical: stamp[1], ifUnchanged }, write);
        this.lane.append(push);
        if (this.lane.loaded) this.store(this.lane, [push]);
        const edit = new Edit(this.view);
        this.applyOwn(edit, this.lane, push);
        this.show(edit, String(this.lane.actor || ''), true);
        this.tell('status');
        return push;
    }

    store(lane: Lane, pushes: Push[], more: StoredChange = {}): void {
        const change = { lane: lane.row(), put: pushes.map(pushRow), ...more };
        this.emit({ type: 'write', replica: this, outbox: lane.outbox, change, pushes, lane });
    }

    /** Shows the confirmed view with the pending edits again. */
    refresh(by = '', local = false): void {
        const edit = new Edit(this.confirmed);
        let plain = true;
        for (const lane of [this.shownLane, this.lane])
            for (const push of lane?.pending ?? [])
                if (!push.skip) {
                    this.applyOwn(edit, lane!, push);
                    plain = false;
                }
        this.show(edit, by, local);
        if (plain) this.confirmed = this.view;
    }
    private show({ root }: Edit, by: string, local: boolean): void {
        const old = this.view;
        this.view = reconcile(old, root);
        if (this.view !== old) this.emit({ type: 'view', replica: this, old, by, local });
    }
    private applyOwn(edit: Edit, lane: Lane, push: Push): void {
        const dot: Dot = [lane.own ? 0 : lane.actor, push.counter];
        for (const op of push.ops) edit.op(op, dot);
    }

    /** The connection is gone: whatever it had told is void. */
    disconnected(): void {
        this.handle = 0;
        this.asked = this.mayPush = false;
        this.retryAt = 0;
        this.chunks = undefined;
        for (const lane of this.lanes()) lane.rewind(0);
    }
    /** Asks for the subscription again, from the cursor: there was a gap. */
    resubscribe(): void {
        this.handle = 0;
        this.asked = false;
        this.chunks = undefined;
    }

    subscribed(f: Extract<ServerFrame, { type: 'subscribed' }>): void {
        if (f.selectVersion !== this.version) return;
        this.answered = this.asking;
        this.handle = f.handle;
        this.head = f.head;
        this.paths.clear();
        this.actors.clear();
        this.chunks = undefined;
        if (this.hasCursor && f.epoch !== this.epoch) return;
        if (f.ackedCounter < this.lane.acked) return;
        this.acknowledge(f.ackedCounter);
        this.mayPush = true;
        if (this.hasCursor && this.seq >= f.head) this.settle(p => p.actor === this.lane.actor && p.counter <= f.ackedCounter);
        this.tell('status');
    }

    /** Counters up to this one are on the server's disk. */
    private acknowledge(counter: number): void {
        const lane = this.lane;
        lane.acked = Math.max(lane.acked, counter);
        lane.last = Math.max(lane.last, counter);
        for (const push of lane.pending) if (push.actor === lane.actor && push.counter <= counter) push.acked = true;
    }

    delivery(d: Delivery): void {
        if (d.handle !== this.handle || this.handle === 0) return;
        const replaces = d.kind === SNAPSHOT && (d.reset || !this.hasCursor);
        if (d.kind !== LIVE && !this.chunks) {
            this.paths.clear();
            this.actors.clear();
        }
        for (const def of d.defs) {
            if (def.path) this.paths.set(def.slot, def.path);
            else this.actors.set(def.slot, def.actor);
        }
        if (!replaces && d.to <= this.seq && this.hasCursor && !(d.installs && d.to === this.seq)) {
            if (d.kind !== LIVE) this.covered(d.ackedCounter, this.seq);
            return;
        }
        const fits = d.kind === LIVE ? d.from === this.seq && this.hasCursor : d.kind === SNAPSHOT || (this.hasCursor && d.from <= this.seq);
        if (!fits) return this.resubscribe();
        const changes = decodeChanges(d.changes, this.paths);
        if (!this.chunks) this.chunksAcked = 0;
        d.ackedCounter = this.chunksAcked = Math.max(this.chunksAcked, d.ackedCounter);
        const all = this.chunks ? this.chunks.concat(changes) : changes;
        this.chunks = d.more ? all : undefined;
        if (!d.more) this.advance(d, all);
    }

    private advance(d: Delivery, changes: Delta[]): void {
        const wasReady = this.hasCursor;
        const otherEpoch = this.hasCursor && d.epoch !== EPOCH_NONE && d.epoch !== this.epoch;
        if (d.kind === SNAPSHOT) {
            this.conflicts.clear();
            this.windows.clear();
        }
        if (d.installs || d.kind === SNAPSHOT) this.inForce = this.answered;
        const edit = new Edit(d.kind === SNAPSHOT ? EMPTY : this.confirmed);
        let conflicts = d.kind === SNAPSHOT;
        for (const change of changes) conflicts = this.applyTo(edit, change) || conflicts;
        const counted = changes.some(change => change.kind === CHANGE_WINDOW);
        this.confirmed = edit.root;
        this.seq = d.to;
        this.check = d.check;
        this.hasCursor = true;
        if (d.kind !== LIVE && d.epoch !== EPOCH_NONE) this.epoch = d.epoch;
        this.head = Math.max(d.to, d.reset ? 0 : this.head);
        const actor = d.actor || this.actors.get(d.actorSlot) || 0;
        let own = false;
        if (d.kind === LIVE) {
            const mine = (p: Push): boolean => p.actor === actor && p.counter === d.counter;
            own = actor !== 0 && actor === this.lane.actor;
            this.drop(p => mine(p) || (p.seq !== 0 && p.seq <= d.to), d.to);
        } else this.covered(d.ackedCounter, d.to, false);
        if (d.kind === SNAPSHOT && (d.ackedCounter < this.lane.acked || (d.reset && otherEpoch))) this.renew();
        else this.mayPush = true;
        this.refresh(actor ? String(actor) : '', own);
        if (counted) this.emit({ type: 'view', replica: this, old: this.view, by: '', local: false });
        if (conflicts) this.tell('conflicts');
        if (!wasReady) this.tell('ready');
        this.keep(!wasReady);
        this.tell('status');
    }

    /** True when the conflicts have changed. */
    private applyTo(edit: Edit, change: Delta): boolean {
        const { kind, path, reason, dot } = change;
        const text = pathText(path);
        const key = `${reason} ${dot[0]} ${dot[1]} ${text}`;
        const forget = (rows: Map<string, Delta>): void => rows.forEach((row, key) => covers(path, row.path) && rows.delete(key));
        if (kind === CHANGE_CONFLICT) this.conflicts.set(key, change);
        else if (kind === CHANGE_NO_CONFLICT) this.conflicts.delete(key);
        else if (kind === CHANGE_WINDOW) {
            if (change.value) this.windows.set(text, change);
            else this.windows.delete(text);
        } else edit.change(change);
        if (kind === CHANGE_OUTSIDE) forget(this.conflicts);
        if (kind === CHANGE_OUTSIDE || kind === CHANGE_CLEAR) forget(this.windows);
        return kind === CHANGE_CONFLICT || kind === CHANGE_NO_CONFLICT || kind === CHANGE_OUTSIDE;
    }

    /** Pushes up to the counter are in the state at the cursor. */
    private covered(ackedCounter: number, to: number, refresh = true): void {
        const renewed = ackedCounter < this.lane.acked;
        if (!renewed) this.acknowledge(ackedCounter);
        const actor = this.lane.actor;
        const dropped = this.drop(p => (p.actor === actor && p.counter <= ackedCounter) || (p.seq !== 0 && p.seq <= to), to);
        if (dropped && refresh) {
            this.refresh();
            this.keep();
        }
    }
    private settle(match: (push: Push) => boolean): void {
        if (!this.drop(match, this.seq)) return;
        this.refresh();
        this.keep();
    }
    /** Takes pushes that the confirmed view holds out of the pending ones. */
    private drop(match: (push: Push) => boolean, seq: number): boolean {
        let dropped = false;
        for (const lane of this.lanes())
            for (const push of lane.take(match)) {
                dropped = true;
                push.write.commit(push.seq || seq);
                if (lane.own) {
                    lane.acked = Math.max(lane.acked, push.actor === lane.actor ? push.counter : 0);
                    this.settled.push(push.counter);
                } else this.release(lane, push);
            }
        return dropped;
    }
    /** A stored state is forgotten with a push that it may not hold yet. */
    private release(lane: Lane, push: Push): void {
        this.store(lane, [], { drop: [push.counter], state: null });
    }

    ack(actor: number, counter: number, seq: number, epoch: Epoch): void {
        for (const lane of this.lanes()) {
            const push = lane.pending.find(p => p.actor === actor && p.counter === counter);
            if (!push) continue;
            if (lane.actor === actor) lane.acked = Math.max(lane.acked, counter);
            push.acked = true;
            push.seq = seq;
            push.write.commit(seq);
            if (push.skip) {
                lane.take(p => p === push);
                this.store(lane, [], { drop: [counter] });
            } else if (!this.isOpen || (!lane.own && lane !== this.shownLane)) {
                lane.take(p => p === push);
                this.release(lane, push);
            } else if (this.hasCursor && seq <= this.seq && (epoch === EPOCH_NONE || epoch === this.epoch))
                this.settle(p => p === push);
        }
        this.tell('status');
    }

    /** A final refusal: the edit is taken back, its counter is given up. */
    refuse(lane: Lane, push: Push, error: TandemError): void {
        lane.giveUp(push);
        lane.rewind(push.counter - 1);
        this.store(lane, [push]);
        this.refresh();
        push.write.refuse(error);
        this.emit({ type: 'refused', replica: this, error, push });
        this.tell('status');
    }

    /** The lane's actor cannot go on: what is not acknowledged is queued again under another. */
    renew(lane: Lane = this.lane): void {
        if (!lane.own) return this.merge(lane);
        lane.requeue();
        this.mayPush = false;
        const { state } = this.save();
        this.store(lane, lane.pending.filter(p => !p.acked), { clear: true, state: this.hasCursor ? state! : null, actor: 0 });
    }
    /** Edits of an ended tab that were never sent, or cannot be under their own actor, become this tab's. */
    merge(lane: Lane): void {
        const rest = lane.take(p => !p.acked && !p.skip);
        const old = lane.actor;
        this.lane.number(rest, c => [old, c]);
        this.store(this.lane, rest, { clearOther: lane.outbox });
        if (this.shownLane === lane) this.shownLane = undefined;
        this.adopted.splice(this.adopted.indexOf(lane), 1);
        this.refresh('', true);
    }
    /** Adopted edits are hidden when they cannot be sent before the subscription. */
    hideAdopted(): void {
        if (!this.shownLane) return;
        this.shownLane = undefined;
        this.refresh();
    }
    /** Whether the subscription waits for adopted edits, so that its first diff covers them. */
    get drainsFirst(): boolean {
        return !!this.shownLane && this.shownLane.pending.some(p => !p.acked);
    }
}
