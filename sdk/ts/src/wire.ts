import { EPOCH_NONE, Reader, Writer, type Epoch } from './bytes.js';
import { decodePath, type Path } from './path.js';
import { decodeValue, encodeValue, type Json } from './value.js';

/** The binary codec of `tandem.v1`: frames as the protocol lists them, bodies as bytes. */
export const SUBPROTOCOL = 'tandem.v1';

export type ClientFrame =
    | { type: 'hello'; client: string; wantActor: boolean; timeMs: number; token: string }
    | {
          type: 'subscribe'; channel: string; hasAfter: boolean; epoch: Epoch; after: number; check: number;
          actor: number; knownCounter: number;
      }
    | { type: 'unsubscribe'; channel: string }
    | {
          type: 'push'; channel: string; actor: number; counter: number; stampMs: number; stampLogical: number;
          ops: Uint8Array; skip: boolean; ifUnchanged: readonly string[]; ref: number;
      }
    | { type: 'presence'; channel: string; state: Json; leave: boolean }
    | { type: 'signal'; channel: string; name: string; value: Json }
    | { type: 'ping'; timeMs: number };

export interface MemberFrame {
    readonly id: string;
    readonly user: string;
    readonly state: Json;
}
export interface SlotDef {
    readonly slot: number;
    readonly path: Path | undefined;
    readonly actor: number;
}

export const LIVE = 0;
export const DIFF = 1;
export const SNAPSHOT = 2;

export interface Delivery {
    type: 'delivery'; handle: number; from: number; to: number; kind: number; check: number; ackedCounter: number;
    actor: number; counter: number; actorSlot: number; defs: SlotDef[]; changes: Uint8Array; more: boolean;
    reset: boolean; epoch: Epoch; stampMs: number; stampLogical: number;
}
export interface ErrorFrame {
    type: 'error'; code: string; message: string; hint: string; docs: string; channel: string; actor: number;
    counter: number; retryAfterMs: number; ref: number; temporary: boolean; ackedCounter: number;
}
export interface AckFrame {
    type: 'ack'; channel: string; actor: number; counter: number; seq: number; duplicate: boolean; ref: number;
    stampMs: number; stampLogical: number; epoch: Epoch;
}
export type ServerFrame =
    | {
          type: 'welcome'; version: number; connection: string; actor: number; timeMs: number; heartbeatMs: number;
          messageBytesMax: number; server: string;
      }
    | { type: 'subscribed'; channel: string; handle: number; epoch: Epoch; head: number; ackedCounter: number }
    | Delivery
    | AckFrame
    | ErrorFrame
    | { type: 'members'; handle: number; full: boolean; joined: MemberFrame[]; left: string[]; self: string }
    | { type: 'signal'; handle: number; from: string; name: string; value: Json }
    | { type: 'pong'; timeMs: number; serverMs: number }
    | { type: 'bye'; code: string; message: string; reconnectAfterMs: number };

/** One frame as an element of a batch, so that a message is frames joined. */
export function encodeFrame(f: ClientFrame): Uint8Array {
    const w = new Writer();
    let field: number;
    switch (f.type) {
        case 'hello':
            field = 1;
            w.num(1, 1).text(2, f.client).num(3, f.wantActor).num(4, f.timeMs).text(5, f.token);
            break;
        case 'subscribe':
            field = 2;
            w.text(1, f.channel).epoch(2, f.epoch).num(3, f.after).fixed32(4, f.check).num(5, f.actor);
            w.num(7, f.knownCounter).num(8, f.hasAfter);
            break;
        case 'unsubscribe':
            field = 3;
            w.text(1, f.channel);
            break;
        case 'push':
            field = 4;
            w.text(1, f.channel).num(2, f.actor).num(3, f.counter).num(4, f.stampMs).num(5, f.stampLogical);
            if (f.ops.length) w.bytes(6, f.ops);
            w.num(7, f.skip);
            for (const path of f.ifUnchanged) w.bytes(8, new TextEncoder().encode(path));
            w.num(9, f.ref);
            break;
        case 'presence':
            field = 5;
            w.text(1, f.channel).bytes(2, encodeValue(f.state)).num(3, f.leave);
            break;
        case 'signal':
            field = 6;
            w.text(1, f.channel).text(2, f.name).bytes(3, encodeValue(f.value));
            break;
        case 'ping':
            field = 7;
            w.num(1, f.timeMs);
            break;
    }
    const body = new Writer().bytes(field, w.finish()).finish();
    return new Writer().bytes(1, body).finish();
}

const numberAt = (f: Fields, field: number): number => f.numbers.get(field) ?? 0;
const textAt = (f: Fields, field: number): string => f.texts.get(field) ?? '';

/** Fields of one frame, by kind; which are texts, bytes, epochs and repeated is told by the caller. */
interface Fields {
    numbers: Map<number, number>;
    texts: Map<number, string>;
    bytes: Map<number, Uint8Array>;
    lists: Map<number, Uint8Array[]>;
    epoch: Epoch;
}

/** `plan`: for fields 1, 2, …: n varint, t text, b bytes, l repeated bytes, e epoch, c fixed32. */
function readFields(data: Uint8Array, plan: string): Fields {
    const f: Fields = { numbers: new Map(), texts: new Map(), bytes: new Map(), lists: new Map(), epoch: EPOCH_NONE };
    const r = new Reader(data);
    while (r.next()) {
        const kind = plan[r.field - 1];
        if (kind === 'n') f.numbers.set(r.field, r.num());
        else if (kind === 't') f.texts.set(r.field, r.text());
        else if (kind === 'b') f.bytes.set(r.field, r.bytes());
        else if (kind === 'l') f.lists.set(r.field, [...(f.lists.get(r.field) ?? []), r.bytes()]);
        else if (kind === 'e') f.epoch = r.epoch();
        else if (kind === 'c') f.numbers.set(r.field, r.fixed32());
        else r.skip();
    }
    return f;
}

const NOTHING = new Uint8Array(0);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function decodeBody(field: number, data: Uint8Array): ServerFrame | undefined {
    switch (field) {
        case 1: {
            const f = readFields(data, 'ntnnnnt');
            return {
                type: 'welcome', version: numberAt(f, 1), connection: textAt(f, 2), actor: numberAt(f, 3), timeMs: numberAt(f, 4),
                heartbeatMs: numberAt(f, 5), messageBytesMax: numberAt(f, 6), server: textAt(f, 7),
            };
        }
        case 2: {
            const f = readFields(data, 'tnenn');
            return {
                type: 'subscribed', channel: textAt(f, 1), handle: numberAt(f, 2), epoch: f.epoch, head: numberAt(f, 4),
                ackedCounter: numberAt(f, 5),
            };
        }
        case 3: {
            const f = readFields(data, 'nnnncnnnnlbnnenn');
            const kind = numberAt(f, 4);
            const to = numberAt(f, 3);
            return {
                type: 'delivery', handle: numberAt(f, 1), from: f.numbers.get(2) ?? (kind === LIVE ? Math.max(0, to - 1) : 0), to, kind,
                check: numberAt(f, 5), ackedCounter: numberAt(f, 6), actor: numberAt(f, 7), counter: numberAt(f, 8),
                actorSlot: numberAt(f, 9), defs: (f.lists.get(10) ?? []).map(decodeDef), changes: f.bytes.get(11) ?? NOTHING,
                more: numberAt(f, 12) > 0, reset: numberAt(f, 13) > 0, epoch: f.epoch, stampMs: numberAt(f, 15),
                stampLogical: numberAt(f, 16),
            };
        }
        case 4: {
            const f = readFields(data, 'tnnnnnnne');
            return {
                type: 'ack', channel: textAt(f, 1), actor: numberAt(f, 2), counter: numberAt(f, 3), seq: numberAt(f, 4),
                duplicate: numberAt(f, 5) > 0, stampMs: numberAt(f, 6), stampLogical: numberAt(f, 7), ref: numberAt(f, 8), epoch: f.epoch,
            };
        }
        case 5: {
            const f = readFields(data, 'tttttnnnnnnn');
            return {
                type: 'error', code: textAt(f, 1), message: textAt(f, 2), hint: textAt(f, 3), docs: textAt(f, 4), channel: textAt(f, 5),
                actor: numberAt(f, 6), counter: numberAt(f, 7), retryAfterMs: numberAt(f, 8), ref: numberAt(f, 9),
                temporary: numberAt(f, 10) > 0, ackedCounter: numberAt(f, 12),
            };
        }
        case 6: {
            const f = readFields(data, 'nnllt');
            return {
                type: 'members', handle: numberAt(f, 1), full: numberAt(f, 2) > 0, joined: (f.lists.get(3) ?? []).map(decodeMember),
                left: (f.lists.get(4) ?? []).map(textOf), self: textAt(f, 5),
            };
        }
        case 7: {
            const f = readFields(data, 'nttb');
            return {
                type: 'signal', handle: numberAt(f, 1), from: textAt(f, 2), name: textAt(f, 3), value: decodeValue(f.bytes.get(4) ?? NOTHING),
            };
        }
        case 8: {
            const f = readFields(data, 'nn');
            return { type: 'pong', timeMs: numberAt(f, 1), serverMs: numberAt(f, 2) };
        }
        case 9: {
            const f = readFields(data, 'ttn');
            return { type: 'bye', code: textAt(f, 1), message: textAt(f, 2), reconnectAfterMs: numberAt(f, 3) };
        }
        default:
            return undefined;
    }
}

function decodeDef(data: Uint8Array): SlotDef {
    const f = readFields(data, 'nbn');
    const path = f.bytes.get(2);
    return { slot: numberAt(f, 1), path: path && decodePath(path), actor: numberAt(f, 3) };
}

function decodeMember(data: Uint8Array): MemberFrame {
    const f = readFields(data, 'ttb');
    return { id: textAt(f, 1), user: textAt(f, 2), state: decodeValue(f.bytes.get(3) ?? NOTHING) };
}

/** A whole message; unknown frames are passed over. Throws for bytes that do not decode. */
export function decodeMessage(message: Uint8Array): ServerFrame[] {
    const out: ServerFrame[] = [];
    const batch = new Reader(message);
    while (batch.next()) {
        if (batch.field !== 1) {
            batch.skip();
            continue;
        }
        const frame = new Reader(batch.bytes());
        while (frame.next()) {
            const field = frame.field;
            const decoded = decodeBody(field, frame.bytes());
            if (decoded) out.push(decoded);
        }
    }
    return out;
}
