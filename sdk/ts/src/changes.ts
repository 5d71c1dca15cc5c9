import { Reader, Writer, decodeText, utf8 } from './bytes.js';
import { malformed } from './errors.js';
import { DOT_NONE, type Dot } from './ops.js';
import { decodePath, encodePath, type Path } from './path.js';
import { decodeValue, encodeValue, type Json } from './value.js';

export const CHANGE_VALUE = 1;
export const CHANGE_COUNTER = 2;
export const CHANGE_CLEAR = 3;
export const CHANGE_EMPTY = 4;
export const CHANGE_ELEMENT = 5;
export const CHANGE_NO_ELEMENT = 6;
export const CHANGE_ITEM = 7;
export const CHANGE_CONFLICT = 8;
export const CHANGE_NO_CONFLICT = 9;

/** One absolute change of the shown state. Idempotent. */
export interface Delta {
    readonly kind: number;
    readonly path: Path;
    readonly value: Json;
    readonly position: string | undefined;
    /** A counter's generation, or the loser's dot of a conflict. */
    readonly dot: Dot;
    readonly reason: number;
    readonly stampMs: number;
    readonly stampLogical: number;
    readonly stampActor: number;
    readonly seq: number;
}

export function delta(kind: number, path: Path, more: Partial<Delta> = {}): Delta {
    return {
        kind, path, value: null, position: undefined, dot: DOT_NONE, reason: 0,
        stampMs: 0, stampLogical: 0, stampActor: 0, seq: 0, ...more,
    };
}

/** Slot → path, per subscription. */
export type PathSlots = ReadonlyMap<number, Path>;
const NO_SLOTS: PathSlots = new Map();

export function decodeChanges(bytes: Uint8Array, slots: PathSlots = NO_SLOTS): Delta[] {
    const out: Delta[] = [];
    const body = new Reader(bytes);
    while (body.next()) {
        if (body.field !== 1) throw malformed('changes');
        const r = new Reader(body.bytes());
        let kind = CHANGE_VALUE;
        let path: Path | undefined;
        let value: Json = null;
        let position: string | undefined;
        let actor = 0;
        let counter = 0;
        let reason = 0;
        let stampMs = 0;
        let stampLogical = 0;
        let stampActor = 0;
        let seq = 0;
        while (r.next()) {
            switch (r.field) {
                case 1: kind = r.num(); break;
                case 2: path = decodePath(r.bytes()); break;
                case 3:
                    path = slots.get(r.num());
                    if (!path) throw malformed('unknown slot');
                    break;
                case 4: value = decodeValue(r.bytes()); break;
                case 5: position = decodeText(r.bytes()); break;
                case 6: actor = r.num(); break;
                case 7: counter = r.num(); break;
                case 8: reason = r.num(); break;
                case 9: stampMs = r.num(); break;
                case 10: stampLogical = r.num(); break;
                case 11: stampActor = r.num(); break;
                case 12: seq = r.num(); break;
                default: r.skip();
            }
        }
        const dot: Dot = [actor, counter];
        out.push({ kind, path: path ?? [], value, position, dot, reason, stampMs, stampLogical, stampActor, seq });
    }
    return out;
}

const HAS_VALUE = new Set([CHANGE_VALUE, CHANGE_COUNTER, CHANGE_ELEMENT, CHANGE_NO_ELEMENT, CHANGE_CONFLICT]);

export function encodeChanges(changes: readonly Delta[]): Uint8Array {
    const out = new Writer();
    for (const c of changes) {
        const w = new Writer();
        if (c.kind !== CHANGE_VALUE) w.num(1, c.kind);
        w.bytes(2, encodePath(c.path));
        if (HAS_VALUE.has(c.kind)) w.bytes(4, encodeValue(c.value));
        if (c.position !== undefined) w.bytes(5, utf8(c.position));
        w.num(6, c.dot[0]).num(7, c.dot[1]).num(8, c.reason);
        w.num(9, c.stampMs).num(10, c.stampLogical).num(11, c.stampActor).num(12, c.seq);
        out.bytes(1, w.finish());
    }
    return out.finish();
}
