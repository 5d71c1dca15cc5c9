import { EPOCH_NONE, Reader } from './bytes.js';
import { decodePath } from './path.js';
import { decodeValue } from './value.js';

/** Fields by name; what they hold is told by a spec. */
export type Loose = { [name: string]: unknown };
/**
 * The fields of a message in the order of their numbers, each a name and a type: n number, o boolean, i zigzag, t text,
 * u text that may be missing, b bytes, v value, w value that may be missing, e epoch, c fixed32, p path that may be missing,
 * s repeated text, or a spec of repeated messages.
 */
export type Spec = readonly (readonly [name: string, type: string | Spec])[];

const UNSET: Loose = { n: 0, i: 0, c: 0, o: false, t: '', b: new Uint8Array(0), v: null, e: EPOCH_NONE };

/** Written as an object, so that its names are shortened together with those of the frames. */
export type Fields = { readonly [name: string]: string };

export function spec(fields: Fields, parts: { readonly [type: string]: Spec } = {}): Spec {
    return Object.entries(fields).map(([name, type]) => [name, parts[type] ?? type] as const);
}

export function decodeFields(fields: Spec, bytes: Uint8Array, type?: string): Loose {
    const out: Loose = { type };
    for (const [name, kind] of fields) out[name] = typeof kind === 'string' && kind !== 's' ? UNSET[kind] : [];
    const r = new Reader(bytes);
    while (r.next()) {
        const [name, kind] = fields[r.field - 1] ?? ['', ''];
        if (kind === 'n') out[name] = r.num();
        else if (kind === 'p') out[name] = decodePath(r.bytes());
        else if (kind === 'v' || kind === 'w') out[name] = decodeValue(r.bytes());
        else if (kind === 't' || kind === 'u') out[name] = r.text();
        else if (kind === 'b') out[name] = r.bytes();
        else if (kind === 'e') out[name] = r.epoch();
        else if (kind === 'c') out[name] = r.fixed32();
        else if (kind === 'o') out[name] = r.bool();
        else if (kind === 'i') out[name] = r.signed();
        else if (kind === '') r.skip();
        else (out[name] as unknown[]).push(kind === 's' ? r.text() : decodeFields(kind as Spec, r.bytes()));
    }
    return out;
}

/** The messages of a body, which are all its field 1. */
export function decodeAll(fields: Spec, bytes: Uint8Array): Loose[] {
    return decodeFields([['all', fields]], bytes)['all'] as Loose[];
}
