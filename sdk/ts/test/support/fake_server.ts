import { EPOCH_NONE, Reader, Writer, type Epoch } from '../../src/bytes.js';
import {
    CHANGE_CLEAR, CHANGE_CONFLICT, CHANGE_COUNTER, CHANGE_ELEMENT, CHANGE_EMPTY, CHANGE_ITEM, CHANGE_NO_ELEMENT, CHANGE_VALUE, delta,
    encodeChanges, type Delta,
} from '../../src/changes.js';
import { OP_COUNTER_SET, OP_INC, decodeOps } from '../../src/ops.js';
import { encodePath, isItem, parsePath, pathText, type Path } from '../../src/path.js';
import type { Selected } from '../../src/select.js';
import { decodeValue, encodeValue, type Json } from '../../src/value.js';
import { COUNTER, EMPTY, Edit, LIST, MAP, NONE, REGISTER, SET, nodeAt, shownJson, type Node } from '../../src/view.js';
import { catchUp, liveChanges, readSelected } from './selected.js';

/** What a client frame holds, by field number of the protocol. */
interface Fields {
    [field: number]: number | string | Uint8Array | string[] | Selected[];
}
const PLANS: { [frame: number]: string } = { 1: 'ntnnt', 2: 'tencnqnnqn', 3: 't', 4: 'tnnnnbnsn', 5: 'tbn', 6: 'ttb', 7: 'n' };

function readFields(bytes: Uint8Array, plan: string): Fields {
    const out: Fields = {};
    const r = new Reader(bytes);
    while (r.next()) {
        const kind = plan[r.field - 1];
        if (kind === 'n') out[r.field] = r.num();
        else if (kind === 't') out[r.field] = r.text();
        else if (kind === 'b') out[r.field] = r.bytes().slice();
        else if (kind === 'e') out[r.field] = r.epoch();
        else if (kind === 'c') out[r.field] = r.fixed32();
        else if (kind === 's') out[r.field] = [...((out[r.field] as string[]) ?? []), r.text()];
        else if (kind === 'q') out[r.field] = [...((out[r.field] as Selected[]) ?? []), readSelected(r.bytes())];
        else throw new Error(`client sent unknown field ${r.field} of ${plan}`);
    }
    return out;
}

interface Entry {
    actor: number;
    counter: number;
    body: Uint8Array;
    skip: boolean;
    changes: Delta[];
    ms: number;
}

class FakeChannel {
    /** roots[n] is the state at seq n. */
    roots: Node[] = [EMPTY];
    log: Entry[] = [];
    epoch: Epoch = '00000000000000e1';
    acked = new Map<number, number>();
    /** Below this nothing is known: older cursors get a reset. */
    floor = 0;
    conflicts: Delta[] = [];
    get head(): number {
        return this.roots.length - 1;
    }
    seqOf(actor: number, counter: number): number {
        return this.log.findIndex(e => e.actor === actor && e.counter === counter) + 1;
    }
    check(seq: number): number {
        return seq * 7 + 1;
    }
}

interface Subscription {
    name: string;
    handle: number;
    actor: number;
    slots: Map<string, number>;
    select: Selected[];
}

/** One end of a connection as the server holds it; what it sends goes to `out`. */
export class FakeConnection {
    subscriptions = new Map<string, Subscription>();
    members = new Map<string, string>();
    open = true;
    constructor(readonly server: FakeServer, readonly id: string, readonly out: (bytes: Uint8Array) => void, readonly end: () => void) {}

    send(field: number, body: Writer): void {
        if (!this.open) return;
        const frame = new Writer().bytes(field, body.finish()).finish();
        this.out(new Writer().bytes(1, frame).finish());
    }
    receive(message: Uint8Array): void {
        const batch = new Reader(message);
        while (batch.next()) {
            const frame = new Reader(batch.bytes());
            while (frame.next()) {
                const field = frame.field;
                if (field === 8) {
                    this.server.texts?.receive(this, frame.bytes());
                    continue;
                }
                const f = readFields(frame.bytes(), PLANS[field]!);
                this.server.seen.push({ frame: field, fields: f });
                this.server.handle(this, field, f);
            }
        }
    }
    close(): void {
        if (!this.open) return;
        this.open = false;
        this.server.connections.delete(this);
        for (const name of this.members.keys()) this.server.leave(this, name);
        this.end();
    }
}

/** A server that speaks the binary protocol as docs/protocol.md says, without merging: the last write wins. */
export class FakeServer {
    channels = new Map<string, FakeChannel>();
    connections = new Set<FakeConnection>();
    seen: { frame: number; fields: Fields }[] = [];
    nextActor = 1000;
    clock = 5_000_000;
    heartbeatMs = 25_000;
    useSlots = true;
    chunkSize = 0;
    /** Chunks are the same for all readers; what is a reader's own comes in one before them. */
    sharesChunks = false;
    /** Refuses selections that it names. */
    refuseSelect: (select: Selected[]) => boolean = () => false;
    /** Loses acks, so that clients learn of their pushes otherwise. */
    loseAcks = false;
    issueActors = true;
    /** Texts, where a test has them. */
    texts: { receive(c: FakeConnection, frame: Uint8Array): void } | undefined;
    /** As after a restart, when nobody has come back: a subscription tells of no members. */
    knowsNobody = false;
    /** Returns an error to answer a push with. */
    refuse: (path: string, ops: ReturnType<typeof decodeOps>) => { code: string; temporary?: boolean; retryMs?: number } | undefined = () => undefined;
    private nextHandle = 1;
    private nextConnection = 1;

    channel(name: string): FakeChannel {
        let channel = this.channels.get(name);
        if (!channel) this.channels.set(name, (channel = new FakeChannel()));
        return channel;
    }
    connect(out: (bytes: Uint8Array) => void, end: () => void): FakeConnection {
        const c = new FakeConnection(this, `c${this.nextConnection++}`, out, end);
        this.connections.add(c);
        return c;
    }
    shown(name: string): Json {
        const { roots } = this.channel(name);
        return shownJson(roots[roots.length - 1]) ?? {};
    }
    frames(field: number): Fields[] {
        return this.seen.filter(s => s.frame === field).map(s => s.fields);
    }

    handle(c: FakeConnection, frame: number, f: Fields): void {
        const name = f[1] as string;
        switch (frame) {
            case 1: {
                const w = new Writer().num(1, 1).text(2, c.id);
                if (f[3] && this.issueActors) w.num(3, this.nextActor++);
                return c.send(1, w.num(4, this.clock).num(5, this.heartbeatMs).num(6, 65536).text(7, 'fake/1'));
            }
            case 2:
                return this.subscribe(c, name, f);
            case 3:
                c.subscriptions.delete(name);
                return;
            case 4:
                return this.push(c, name, f);
            case 5: {
                c.members.set(name, JSON.stringify(decodeValue((f[2] as Uint8Array) ?? new Uint8Array(0))));
                for (const other of this.connections) {
                    const s = other.subscriptions.get(name);
                    if (s) other.send(6, new Writer().num(1, s.handle).bytes(3, this.member(c, name)));
                }
                return;
            }
            case 6:
                for (const other of this.connections) {
                    const s = other.subscriptions.get(name);
                    if (s && other !== c)
                        other.send(7, new Writer().num(1, s.handle).text(2, c.id).text(3, f[2] as string).bytes(4, f[3] as Uint8Array));
                }
                return;
            case 7:
                return c.send(8, new Writer().num(1, f[1] as number).num(2, this.clock));
        }
    }
    private member(c: FakeConnection, name: string): Uint8Array {
        return new Writer().text(1, c.id).text(2, 'user-' + c.id).bytes(3, encodeValue(JSON.parse(c.members.get(name)!))).finish();
    }
    leave(c: FakeConnection, name: string): void {
        for (const other of this.connections) {
            const s = other.subscriptions.get(name);
            if (s) other.send(6, new Writer().num(1, s.handle).text(4, c.id));
        }
    }

    private subscribe(c: FakeConnection, name: string, f: Fields): void {
        const channel = this.channel(name);
        const actor = (f[5] as number) ?? 0;
        const select = (f[6] as Selected[]) ?? [];
        if (this.refuseSelect(select)) return c.send(5, new Writer().text(1, 'bad_select').text(2, 'bad_select').text(5, name));
        const held = (f[9] as Selected[]) ?? select;
        const s: Subscription = { name, handle: this.nextHandle++, actor, slots: new Map(), select };
        c.subscriptions.set(name, s);
        const acked = channel.acked.get(actor) ?? 0;
        c.send(2, new Writer().text(1, name).num(2, s.handle).epoch(3, channel.epoch).num(4, channel.head).num(5, acked).num(6, (f[10] as number) ?? 0));
        const after = (f[3] as number) ?? 0;
        const known = f[8] === 1;
        const sameEpoch = ((f[2] as string) ?? EPOCH_NONE) === channel.epoch;
        const good = sameEpoch && after <= channel.head && after >= channel.floor && (!f[4] || f[4] === channel.check(after));
        if (known && good) {
            const changes = catchUp(channel.roots[after]!, channel.roots[channel.head]!, held, select);
            if (after < channel.head || f[9]) this.range(c, s, channel, 1, after, changes, false, !!f[9]);
        } else this.range(c, s, channel, 2, 0, liveChanges(EMPTY, channel.roots[channel.head]!, select).concat(channel.conflicts), known, !!f[9]);
        if (this.knowsNobody) return;
        const full = new Writer().num(1, s.handle).num(2, 1);
        for (const other of this.connections) if (other.members.has(name)) full.bytes(3, this.member(other, name));
        c.send(6, full.text(5, c.id));
    }
    /** A diff or snapshot, in chunks if the test wants them. */
    range(c: FakeConnection, s: Subscription, channel: FakeChannel, kind: number, from: number, changes: Delta[], reset: boolean, installs = false): void {
        const size = this.chunkSize || changes.length || 1;
        for (let at = 0; at === 0 || at < changes.length; at += size) {
            const w = new Writer().num(1, s.handle).num(2, from).num(3, channel.head).num(4, kind).fixed32(5, channel.check(channel.head));
            const acked = channel.acked.get(s.actor) ?? 0;
            const more = at + size < changes.length;
            if (at === 0 && this.sharesChunks)
                c.send(3, joined(w, new Writer().num(6, acked).num(12, 1).num(13, reset).epoch(14, channel.epoch).num(17, installs)));
            if (!this.sharesChunks) w.num(6, acked);
            w.bytes(11, encodeChanges(changes.slice(at, at + size))).num(12, more).num(13, reset).epoch(14, channel.epoch);
            c.send(3, w.num(17, installs));
        }
        s.slots.clear();
    }

    private push(c: FakeConnection, name: string, f: Fields): void {
        const channel = this.channel(name);
        const actor = f[2] as number;
        const counter = f[3] as number;
        const acked = channel.acked.get(actor) ?? 0;
        const body = (f[6] as Uint8Array) ?? new Uint8Array(0);
        const fail = (code: string, temporary: boolean, more = new Writer()): void =>
            c.send(5, joined(
                new Writer().text(1, code).text(2, code).text(3, `hint for ${code}`).text(5, name).num(6, actor).num(7, counter), more,
                new Writer().num(9, (f[9] as number) ?? 0).num(10, temporary),
            ));
        if (counter <= acked) {
            const entry = channel.log[channel.seqOf(actor, counter) - 1];
            if (entry && !entry.skip && (f[7] === 1 || !same(entry.body, body))) return fail('actor_forked', false);
            return this.ack(c, name, f, channel.seqOf(actor, counter), true);
        }
        if (counter > acked + 1) return fail('counter_gap', true, new Writer().num(12, acked));
        const ops = decodeOps(body);
        if (!f[7]) {
            for (const text of (f[8] as string[]) ?? []) {
                const path = parsePath(text);
                const base = ops[0]!.base.seq;
                for (let seq = base + 1; seq <= channel.head; seq++)
                    if (channel.log[seq - 1]!.actor !== actor && nodeAt(channel.roots[seq]!, path) !== nodeAt(channel.roots[seq - 1]!, path))
                        return fail('precondition_failed', false);
            }
            const refusal = this.refuse(name, ops);
            if (refusal) return fail(refusal.code, refusal.temporary ?? false, new Writer().num(8, refusal.retryMs ?? 0));
        }
        channel.acked.set(actor, counter);
        this.append(name, actor, counter, body, f[7] === 1);
        if (!this.loseAcks) this.ack(c, name, f, channel.head, false);
    }
    private ack(c: FakeConnection, name: string, f: Fields, seq: number, duplicate: boolean): void {
        const w = new Writer().text(1, name).num(2, f[2] as number).num(3, f[3] as number).num(4, seq).num(5, duplicate);
        c.send(4, w.num(6, this.clock).num(8, (f[9] as number) ?? 0).epoch(9, this.channel(name).epoch));
    }
    append(name: string, actor: number, counter: number, body: Uint8Array, skip = false, extra: Delta[] = []): void {
        const channel = this.channel(name);
        const before = channel.roots[channel.head]!;
        const edit = new Edit(before);
        for (let op of decodeOps(body)) {
            if (op.kind === OP_COUNTER_SET) {
                const node = nodeAt(edit.root, op.path);
                let [a, n] = op.generation!;
                if (a === 0 && n > 0) a = actor;
                if (node?.kind === COUNTER) {
                    if (n !== 0 && (node.generation[0] !== a || node.generation[1] !== n)) continue;
                    op = { ...op, value: Number(op.value) + Number(node.value) - (op.seen ?? 0) };
                }
            }
            if (op.kind === OP_INC && !Number.isSafeInteger(op.value)) throw new Error('inc');
            edit.op(op, [actor, counter]);
        }
        channel.roots.push(edit.root);
        const changes = diff(before, edit.root).concat(extra);
        channel.log.push({ actor, counter, body, skip, changes, ms: this.clock });
        for (const c of this.connections) {
            const s = c.subscriptions.get(name);
            if (s) this.live(c, s, channel, channel.head);
        }
    }
    /** Of the entry as it was delivered when new. */
    live(c: FakeConnection, s: Subscription, channel: FakeChannel, seq: number): void {
        const entry = channel.log[seq - 1]!;
        const w = new Writer().num(1, s.handle).num(3, seq).fixed32(5, channel.check(seq)).num(8, entry.counter);
        const defs: Uint8Array[] = [];
        const body = new Writer();
        if (this.useSlots) {
            const key = `actor ${entry.actor}`;
            if (!s.slots.has(key)) {
                s.slots.set(key, s.slots.size + 1);
                defs.push(new Writer().num(1, s.slots.get(key)!).num(3, entry.actor).finish());
            }
            w.num(9, s.slots.get(key)!);
        } else w.num(7, entry.actor);
        const { roots } = channel;
        for (const change of s.select.length ? liveChanges(roots[seq - 1]!, roots[seq]!, s.select) : entry.changes) {
            const text = pathText(change.path);
            if (!this.useSlots) {
                body.raw(encodeChanges([change]));
                continue;
            }
            if (!s.slots.has(text)) {
                s.slots.set(text, s.slots.size + 1);
                defs.push(new Writer().num(1, s.slots.get(text)!).bytes(2, encodePath(change.path)).finish());
            }
            body.raw(withSlot(change, s.slots.get(text)!));
        }
        for (const def of defs) w.bytes(10, def);
        c.send(3, w.bytes(11, body.finish()).num(15, entry.ms));
    }
    bye(reconnectAfterMs: number): void {
        for (const c of [...this.connections]) {
            c.send(9, new Writer().text(1, 'shutting_down').num(3, reconnectAfterMs));
            c.close();
        }
    }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

function joined(...writers: Writer[]): Writer {
    const out = new Writer();
    for (const w of writers) out.raw(w.finish());
    return out;
}

/** The change with a slot in the place of its path. */
function withSlot(change: Delta, slot: number): Uint8Array {
    const whole = new Reader(encodeChanges([change]));
    whole.next();
    const r = new Reader(whole.bytes());
    const w = new Writer();
    while (r.next()) {
        const field = r.field;
        if (field === 2) {
            r.bytes();
            w.num(3, slot);
        } else if (field === 4 || field === 5) w.bytes(field, r.bytes());
        else w.num(field, r.num());
    }
    return new Writer().bytes(1, w.finish()).finish();
}

/** Changes that make the one tree the other, as section 7 of docs/merge.md describes them. */
export function diff(old: Node | undefined, now: Node | undefined, path: Path = [], out: Delta[] = []): Delta[] {
    if (old === now) return out;
    const item = isItem(path[path.length - 1] ?? '');
    if (!now || (now.kind === NONE && !item)) {
        if (old && (old.kind !== NONE || item)) out.push(delta(CHANGE_CLEAR, path));
        return out;
    }
    let before = old;
    if (before && before.kind !== now.kind && before.kind !== NONE) {
        out.push(delta(CHANGE_CLEAR, path));
        before = undefined;
    }
    if (item && (!before || before.position !== now.position)) out.push(delta(CHANGE_ITEM, path, { position: now.position }));
    if (now.kind === REGISTER) out.push(delta(CHANGE_VALUE, path, { value: now.value }));
    else if (now.kind === COUNTER) out.push(delta(CHANGE_COUNTER, path, { value: now.value, dot: now.generation }));
    else if (now.kind === SET) {
        for (const [key, value] of before?.elements ?? []) if (!now.elements.has(key)) out.push(delta(CHANGE_NO_ELEMENT, path, { value }));
        for (const [key, value] of now.elements) if (!before?.elements.has(key)) out.push(delta(CHANGE_ELEMENT, path, { value }));
    } else if (now.kind === MAP || now.kind === LIST) {
        for (const [segment, child] of before?.children ?? []) if (!now.children.has(segment)) diff(child, undefined, [...path, segment], out);
        if (now.marker && now.children.size === 0) out.push(delta(CHANGE_EMPTY, path));
        for (const [segment, child] of now.children) diff(before?.children.get(segment), child, [...path, segment], out);
    }
    return out;
}

export const conflictRow = (path: string, value: Json, actor: number, ms: number): Delta =>
    delta(CHANGE_CONFLICT, parsePath(path), { value, reason: 1, dot: [actor, 1], stampMs: ms, stampActor: actor, seq: 1 });
