import { Reader, Writer, type Epoch } from './bytes.js';
import { decodeFields, encodeFields, spec, type Fields, type Loose, type Spec } from './fields.js';
import type { Path } from './path.js';
import type { Selected } from './select.js';
import type { Json } from './value.js';

/** The binary codec of `tandem.v1`: frames as the protocol lists them, bodies as bytes. */
export const SUBPROTOCOL = 'tandem.v1';

export type ClientFrame =
    | { type: 'hello'; version: number; client: string; wantActor: boolean; timeMs: number; token: string }
    | {
          type: 'subscribe'; channel: string; hasAfter: boolean; epoch: Epoch; after: number; check: number;
          actor: number; select: readonly Selected[]; knownCounter: number; held: readonly Selected[]; selectVersion: number;
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
    reset: boolean; epoch: Epoch; stampMs: number; stampLogical: number; installs: boolean;
}
export interface ErrorFrame {
    type: 'error'; code: string; message: string; hint: string; docs: string; channel: string; actor: number;
    counter: number; retryAfterMs: number; ref: number; temporary: boolean; number: number; ackedCounter: number;
}
export interface AckFrame {
    type: 'ack'; channel: string; actor: number; counter: number; seq: number; duplicate: boolean; stampMs: number;
    stampLogical: number; ref: number; epoch: Epoch;
}
export type ServerFrame =
    | {
          type: 'welcome'; version: number; connection: string; actor: number; timeMs: number; heartbeatMs: number;
          messageBytesMax: number; server: string;
      }
    | { type: 'subscribed'; channel: string; handle: number; epoch: Epoch; head: number; ackedCounter: number; selectVersion: number }
    | Delivery
    | AckFrame
    | ErrorFrame
    | { type: 'members'; handle: number; full: boolean; joined: MemberFrame[]; left: string[]; self: string }
    | { type: 'signal'; handle: number; from: string; name: string; value: Json }
    | { type: 'pong'; timeMs: number; serverMs: number }
    | { type: 'bye'; code: string; message: string; reconnectAfterMs: number };

/** Frames in the order of their numbers. */
const CLIENT = {
    hello: { version: 'n', client: 't', wantActor: 'o', timeMs: 'n', token: 't' },
    subscribe: {
        channel: 't', epoch: 'e', after: 'n', check: 'c', actor: 'n', select: 'q', knownCounter: 'n', hasAfter: 'o', held: 'q',
        selectVersion: 'n',
    },
    unsubscribe: { channel: 't' },
    push: {
        channel: 't', actor: 'n', counter: 'n', stampMs: 'n', stampLogical: 'n', ops: 'b', skip: 'o', ifUnchanged: 's', ref: 'n',
    },
    presence: { channel: 't', state: 'v', leave: 'o' },
    signal: { channel: 't', name: 't', value: 'v' },
    ping: { timeMs: 'n' },
};
const SERVER = {
    welcome: { version: 'n', connection: 't', actor: 'n', timeMs: 'n', heartbeatMs: 'n', messageBytesMax: 'n', server: 't' },
    subscribed: { channel: 't', handle: 'n', epoch: 'e', head: 'n', ackedCounter: 'n', selectVersion: 'n' },
    delivery: {
        handle: 'n', from: 'n', to: 'n', kind: 'n', check: 'c', ackedCounter: 'n', actor: 'n', counter: 'n', actorSlot: 'n',
        defs: 'd', changes: 'b', more: 'o', reset: 'o', epoch: 'e', stampMs: 'n', stampLogical: 'n',
        installs: 'o',
    },
    ack: {
        channel: 't', actor: 'n', counter: 'n', seq: 'n', duplicate: 'o', stampMs: 'n', stampLogical: 'n', ref: 'n', epoch: 'e',
    },
    error: {
        code: 't', message: 't', hint: 't', docs: 't', channel: 't', actor: 'n', counter: 'n', retryAfterMs: 'n', ref: 'n',
        temporary: 'o', number: 'n', ackedCounter: 'n',
    },
    members: { handle: 'n', full: 'o', joined: 'm', left: 's', self: 't' },
    signal: { handle: 'n', from: 't', name: 't', value: 'v' },
    pong: { timeMs: 'n', serverMs: 'n' },
    bye: { code: 't', message: 't', reconnectAfterMs: 'n' },
};
const PARTS = {
    d: spec({ slot: 'n', path: 'p', actor: 'n' }), m: spec({ id: 't', user: 't', state: 'v' }), q: spec({ path: 'p', from: 'n', to: 'n' }),
};
type Frames = [type: string, fields: Spec][];
const frames = (all: { [type: string]: Fields }): Frames => Object.entries(all).map(([type, fields]) => [type, spec(fields, PARTS)]);
const CLIENT_FRAMES = frames(CLIENT);
const SERVER_FRAMES = frames(SERVER);

/** One frame as an element of a batch, so that a message is frames joined. */
export function encodeFrame(frame: ClientFrame): Uint8Array {
    const number = CLIENT_FRAMES.findIndex(([type]) => type === frame.type);
    const body = encodeFields(CLIENT_FRAMES[number]![1], frame as unknown as Loose);
    return new Writer().bytes(1, new Writer().bytes(number + 1, body).finish()).finish();
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
        const r = new Reader(batch.bytes());
        while (r.next()) {
            const known = SERVER_FRAMES[r.field - 1];
            if (!known) {
                r.skip();
                continue;
            }
            const frame = decodeFields(known[1], r.bytes(), known[0]) as unknown as ServerFrame;
            // A live frame leaves `from` out, being the one entry before `to`.
            if (frame.type === 'delivery' && frame.kind === LIVE && frame.from === 0) frame.from = Math.max(0, frame.to - 1);
            out.push(frame);
        }
    }
    return out;
}
