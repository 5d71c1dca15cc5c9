import { malformed } from './errors.js';
import { decodeAll, encodeAll, spec } from './fields.js';
import { DOT_NONE, type Dot } from './ops.js';
import type { Path } from './path.js';
import type { Json } from './value.js';

export const CHANGE_VALUE = 1;
export const CHANGE_COUNTER = 2;
export const CHANGE_CLEAR = 3;
export const CHANGE_EMPTY = 4;
export const CHANGE_ELEMENT = 5;
export const CHANGE_NO_ELEMENT = 6;
export const CHANGE_ITEM = 7;
export const CHANGE_CONFLICT = 8;
export const CHANGE_NO_CONFLICT = 9;
export const CHANGE_WINDOW = 10;
export const CHANGE_OUTSIDE = 11;

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

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** Slot → path, per subscription. */
export type PathSlots = ReadonlyMap<number, Path>;
const NO_SLOTS: PathSlots = new Map();

const CHANGE = spec({
    kind: 'n', path: 'p', slot: 'n', value: 'v', position: 'u', actor: 'n', counter: 'n', reason: 'n', stampMs: 'n', stampLogical: 'n', stampActor: 'n', seq: 'n',
});

export function decodeChanges(bytes: Uint8Array, slots: PathSlots = NO_SLOTS): Delta[] {
    return decodeAll(CHANGE, bytes).map(raw => {
        const change = raw as unknown as Mutable<Delta> & { slot: number; actor: number; counter: number };
        if (change.slot !== 0) {
            const path = slots.get(change.slot);
            if (!path) throw malformed();
            change.path = path;
        }
        change.path ??= [];
        change.kind ||= CHANGE_VALUE;
        change.dot = [change.actor, change.counter];
        return change;
    });
}

const HAS_VALUE = new Set([CHANGE_VALUE, CHANGE_COUNTER, CHANGE_ELEMENT, CHANGE_NO_ELEMENT, CHANGE_CONFLICT, CHANGE_WINDOW]);

export function encodeChanges(changes: readonly Delta[]): Uint8Array {
    return encodeAll(CHANGE, changes.map(c => ({
        ...c, kind: c.kind === CHANGE_VALUE ? 0 : c.kind, value: HAS_VALUE.has(c.kind) ? c.value : undefined, actor: c.dot[0], counter: c.dot[1],
    })));
}
