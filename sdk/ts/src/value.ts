import { Reader, Writer, compareText, utf8 } from './bytes.js';
import { TandemError, malformed } from './errors.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const DEPTH_MAX = 32;
const KEYS_MAX = 1000;
const RESERVED = /^(?:__proto__|constructor|prototype)$/;
const CONTROL = /[\u0000-\u001f\u007f]/;
/** With the `u` flag only halves without their other half match. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Throws unless the text may be a key of a map or the id of an item. */
export function checkKey(key: string): void {
    if (RESERVED.test(key)) throw new TandemError('reserved_key', `The key ${key} is reserved.`);
    if (key === '' || CONTROL.test(key) || LONE_SURROGATE.test(key) || utf8(key).length > 255)
        throw new TandemError('bad_path', 'A key has 1-255 bytes.');
}

function checkDepth(depth: number): void {
    if (depth > DEPTH_MAX) throw new TandemError('too_deep', `Nested deeper than ${DEPTH_MAX}.`);
}

/** A frozen copy in the form in which values are kept; throws for what JSON cannot hold. */
export function normalize(value: unknown): Json {
    let keys = 0;
    const walk = (v: unknown, depth: number): Json => {
        checkDepth(depth);
        if (v === null || typeof v === 'boolean') return v;
        if (typeof v === 'string' && !LONE_SURROGATE.test(v)) return v;
        if (typeof v === 'number' && Number.isFinite(v)) return v === 0 ? 0 : v;
        if (Array.isArray(v)) return Object.freeze(v.map(x => walk(x, depth + 1)));
        const proto = typeof v === 'object' ? Object.getPrototypeOf(v) : 1;
        if (proto !== null && Object.getPrototypeOf(proto) !== null)
            throw new TandemError('wrong_type', 'The value is not JSON.');
        const out: Record<string, Json> = {};
        for (const key of Object.keys(v as object).sort(compareText)) {
            const member = (v as Record<string, unknown>)[key];
            if (member === undefined) continue;
            checkKey(key);
            if (++keys > KEYS_MAX) throw new TandemError('too_many_keys', `More than ${KEYS_MAX} keys.`);
            out[key] = walk(member, depth + 1);
        }
        return Object.freeze(out);
    };
    return walk(value, 1);
}

export function isObject(value: Json): value is { readonly [key: string]: Json } {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Canonical bytes: equal values have equal bytes and the reverse. */
export function encodeValue(value: Json): Uint8Array {
    const out = new Writer();
    if (typeof value === 'boolean') {
        out.tag(1, 0);
        out.varint(value ? 1 : 0);
    } else if (typeof value === 'number') {
        if (Number.isSafeInteger(value)) out.signed(2, value);
        else out.double(3, value);
    } else if (typeof value === 'string') out.bytes(4, utf8(value));
    else if (Array.isArray(value)) {
        const items = new Writer();
        for (const item of value) items.bytes(1, encodeValue(item));
        out.bytes(5, items.finish());
    } else if (value !== null) {
        const members = new Writer();
        for (const key of Object.keys(value).sort(compareText))
            members.bytes(1, new Writer().bytes(1, utf8(key)).bytes(2, encodeValue((value as { [k: string]: Json })[key]!)).finish());
        out.bytes(6, members.finish());
    }
    return out.finish();
}

/** Refuses every encoding but the canonical one. */
export function decodeValue(bytes: Uint8Array): Json {
    return decodeOne(bytes, 1);
}

function expect(reader: Reader, field: number): Reader {
    if (!reader.next() || reader.field !== field) throw malformed();
    return reader;
}
/** Of an array or an object, which are all field 1 of a message. */
function elements(reader: Reader): Uint8Array[] {
    const out: Uint8Array[] = [];
    for (const inner = new Reader(reader.bytes()); !inner.done; ) out.push(expect(inner, 1).bytes());
    return out;
}

function decodeOne(bytes: Uint8Array, depth: number): Json {
    checkDepth(depth);
    const reader = new Reader(bytes);
    if (!reader.next()) return null;
    let value: Json;
    switch (reader.field) {
        case 1: {
            const n = reader.num();
            if (n > 1) throw malformed();
            value = n === 1;
            break;
        }
        case 2:
            value = reader.signed();
            break;
        case 3:
            value = reader.double();
            if (!Number.isFinite(value) || Number.isSafeInteger(value)) throw malformed();
            break;
        case 4:
            value = reader.text();
            break;
        case 5:
            value = Object.freeze(elements(reader).map(bytes => decodeOne(bytes, depth + 1)));
            break;
        case 6: {
            const out: Record<string, Json> = {};
            let before = '';
            for (const bytes of elements(reader)) {
                const member = new Reader(bytes);
                const key = expect(member, 1).text();
                checkKey(key);
                if (compareText(before, key) >= 0) throw malformed();
                before = key;
                out[key] = decodeOne(expect(member, 2).bytes(), depth + 1);
                if (!member.done) throw malformed();
            }
            value = Object.freeze(out);
            break;
        }
        default:
            throw malformed();
    }
    if (!reader.done) throw malformed();
    return value;
}

/** Equality as the protocol means it. Values in their kept form list their members in one order, so their texts tell. */
export function equal(a: Json | undefined, b: Json | undefined): boolean {
    return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
