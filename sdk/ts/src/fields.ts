import { EPOCH_NONE, Reader, Writer, utf8 } from './bytes.js';
import { decodePath, encodePath } from './path.js';
import { decodeValue, encodeValue } from './value.js';

/** Fields by name; what they hold is told by a spec. */
export type Loose = { [name: string]: unknown };
/**
 * The fields of a message in the order of their numbers, each a name and a type: n number, o boolean, i zigzag, t text,
 * u text that may be missing, b bytes, v value, w value that may be missing, e epoch, c fixed32, p path that may be missing,
 * s repeated text, or a spec of repeated messages.
 */
export type Spec = readonly (readonly [name: string, type: string | Spec])[];

/** Of each type: what a missing field reads as, how it is read, and how it is written. */
type Type = readonly [unset: unknown, read: (r: Reader) => unknown, write: (w: Writer, field: number, value: never) => unknown];

const value: Type = [null, r => decodeValue(r.bytes()), (w, field, v) => w.bytes(field, encodeValue(v))];
const TYPES: { readonly [type: string]: Type } = {
    n: [0, r => r.num(), (w, field, v) => w.num(field, v)],
    o: [false, r => r.num() !== 0, (w, field, v) => w.num(field, v)],
    i: [0, r => r.signed(), (w, field, v) => v && w.signed(field, v)],
    c: [0, r => r.fixed32(), (w, field, v) => w.fixed32(field, v)],
    e: [EPOCH_NONE, r => r.epoch(), (w, field, v) => w.epoch(field, v)],
    t: ['', r => r.text(), (w, field, v) => w.text(field, v)],
    u: [undefined, r => r.text(), (w, field, v) => w.bytes(field, utf8(v))],
    b: [new Uint8Array(0), r => r.bytes(), (w, field, v: Uint8Array) => v.length && w.bytes(field, v)],
    p: [undefined, r => decodePath(r.bytes()), (w, field, v) => w.bytes(field, encodePath(v))],
    v: value,
    w: [undefined, value[1], value[2]],
};

/** Written as an object, so that its names are shortened together with those of the frames. */
export type Fields = { readonly [name: string]: string };

export function spec(fields: Fields, parts: { readonly [type: string]: Spec } = {}): Spec {
    return Object.entries(fields).map(([name, type]) => [name, parts[type] ?? type] as const);
}

/** What is undefined, and where the type has no place for it what is zero or empty, is left out. */
export function encodeFields(fields: Spec, from: Loose): Uint8Array {
    const w = new Writer();
    fields.forEach(([name, type], i) => {
        const value = from[name];
        const known = TYPES[type as string];
        if (value === undefined) return;
        if (known) known[2](w, i + 1, value as never);
        else for (const part of value as Loose[]) w.bytes(i + 1, type === 's' ? utf8(part as unknown as string) : encodeFields(type as Spec, part));
    });
    return w.finish();
}

export function decodeFields(fields: Spec, bytes: Uint8Array, type?: string): Loose {
    const out: Loose = { type };
    for (const [name, kind] of fields) out[name] = (TYPES[kind as string] ?? [[]])[0];
    const r = new Reader(bytes);
    while (r.next()) {
        const [name, kind] = fields[r.field - 1] ?? [];
        const known = TYPES[kind as string];
        if (!name) r.skip();
        else if (known) out[name] = known[1](r);
        else (out[name] as unknown[]).push(kind === 's' ? r.text() : decodeFields(kind as Spec, r.bytes()));
    }
    return out;
}

/** The messages of a body, which are all its field 1. */
export function decodeAll(fields: Spec, bytes: Uint8Array): Loose[] {
    return decodeFields([['all', fields]], bytes)['all'] as Loose[];
}
export function encodeAll(fields: Spec, all: readonly Loose[]): Uint8Array {
    return encodeFields([['all', fields]], { all });
}
