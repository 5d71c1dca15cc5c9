import { malformed } from './errors.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The channel's epoch: 64 bits as 16 hex digits, because doubles cannot hold it. */
export type Epoch = string;
export const EPOCH_NONE: Epoch = '0000000000000000';

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** Appends protobuf fields to a growing buffer. Zero and empty fields are left out by the caller's choice. */
export class Writer {
    private buffer = new Uint8Array(64);
    private length = 0;

    private room(count: number): void {
        if (this.length + count <= this.buffer.length) return;
        const next = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
        next.set(this.buffer.subarray(0, this.length));
        this.buffer = next;
    }
    byte(value: number): void {
        this.room(1);
        this.buffer[this.length++] = value;
    }
    varint(value: number): void {
        while (value > 127) {
            this.byte((value % 128) | 128);
            value = Math.floor(value / 128);
        }
        this.byte(value);
    }
    /** Zigzag of a 53-bit integer; the doubled number would not fit a double, so the first group is made apart. */
    sint(value: number): void {
        const magnitude = value < 0 ? -value - 1 : value;
        const low = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
        const rest = Math.floor(magnitude / 64);
        if (rest === 0) return this.byte(low);
        this.byte(low | 128);
        this.varint(rest);
    }
    raw(bytes: Uint8Array): void {
        this.room(bytes.length);
        this.buffer.set(bytes, this.length);
        this.length += bytes.length;
    }
    u32(value: number): void {
        for (let i = 0; i < 4; i++) this.byte((value >>> (8 * i)) & 255);
    }

    /** The functions below write a tag and the field; those with a `?` leave zero and empty out. */
    tag(field: number, type: number): void {
        this.varint(field * 8 + type);
    }
    num(field: number, value: number | boolean | undefined): this {
        if (value) {
            this.tag(field, 0);
            this.varint(Number(value));
        }
        return this;
    }
    signed(field: number, value: number): this {
        this.tag(field, 0);
        this.sint(value);
        return this;
    }
    fixed32(field: number, value: number): this {
        if (value) {
            this.tag(field, 5);
            this.u32(value);
        }
        return this;
    }
    epoch(field: number, value: Epoch): this {
        if (value && value !== EPOCH_NONE) {
            this.tag(field, 1);
            this.u32(parseInt(value.slice(8), 16));
            this.u32(parseInt(value.slice(0, 8), 16));
        }
        return this;
    }
    double(field: number, value: number): this {
        this.tag(field, 1);
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setFloat64(0, value, true);
        this.raw(bytes);
        return this;
    }
    /** Always written, even when empty. */
    bytes(field: number, value: Uint8Array): this {
        this.tag(field, 2);
        this.varint(value.length);
        this.raw(value);
        return this;
    }
    text(field: number, value: string | undefined): this {
        return value ? this.bytes(field, utf8(value)) : this;
    }
    finish(): Uint8Array {
        return this.buffer.slice(0, this.length);
    }
}

/** Reads what Writer writes; every read is checked against the end. */
export class Reader {
    private at = 0;
    /** The field that `next` found. */
    field = 0;
    private type = 0;

    constructor(private readonly data: Uint8Array) {}

    get done(): boolean {
        return this.at >= this.data.length;
    }
    byte(): number {
        if (this.at >= this.data.length) throw malformed();
        return this.data[this.at++]!;
    }
    /** Shortest form only, and within 2^53 − 1. */
    varint(): number {
        let value = 0;
        for (let scale = 1; ; scale *= 128) {
            const byte = this.byte();
            value += (byte & 127) * scale;
            if (value > MAX_SAFE) throw malformed();
            if (byte < 128) {
                if (byte === 0 && scale > 1) throw malformed();
                return value;
            }
        }
    }
    sint(): number {
        const first = this.byte();
        let magnitude = (first >> 1) & 63;
        if (first > 127) {
            const rest = this.varint();
            if (rest === 0) throw malformed();
            magnitude += rest * 64;
        }
        const value = first & 1 ? -magnitude - 1 : magnitude;
        if (!Number.isSafeInteger(value)) throw malformed();
        return value;
    }
    raw(count: number): Uint8Array {
        if (count > this.data.length - this.at) throw malformed();
        this.at += count;
        return this.data.subarray(this.at - count, this.at);
    }
    u32(): number {
        const b = this.raw(4);
        return (b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24)) >>> 0;
    }

    /** Moves to the next field; false at the end. */
    next(): boolean {
        if (this.done) return false;
        const tag = this.varint();
        this.field = Math.floor(tag / 8);
        this.type = tag % 8;
        if (this.field === 0) throw malformed();
        return true;
    }
    private want(type: number): void {
        if (this.type !== type) throw malformed();
    }
    num(): number {
        this.want(0);
        return this.varint();
    }
    signed(): number {
        this.want(0);
        return this.sint();
    }
    fixed32(): number {
        this.want(5);
        return this.u32();
    }
    epoch(): Epoch {
        this.want(1);
        const hex = (): string => this.u32().toString(16).padStart(8, '0');
        const low = hex();
        return hex() + low;
    }
    double(): number {
        this.want(1);
        const b = this.raw(8);
        return new DataView(b.buffer, b.byteOffset, 8).getFloat64(0, true);
    }
    bytes(): Uint8Array {
        this.want(2);
        return this.raw(this.varint());
    }
    text(): string {
        return decodeText(this.bytes());
    }
    /** Passes over a field that is not known here. */
    skip(): void {
        if (this.type === 0) while (this.byte() > 127);
        else if (this.type === 1) this.raw(8);
        else if (this.type === 2) this.raw(this.varint());
        else if (this.type === 5) this.raw(4);
        else throw malformed();
    }
}

export function decodeText(bytes: Uint8Array): string {
    try {
        return decoder.decode(bytes);
    } catch {
        throw malformed();
    }
}

/** Order of the UTF-8 bytes; UTF-16 units alone would put astral characters before U+E000. */
export function compareText(a: string, b: string): number {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) {
        let x = a.charCodeAt(i);
        let y = b.charCodeAt(i);
        if (x === y) continue;
        if (x >= 0xd800 && y >= 0xd800) {
            x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
            y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
        }
        return x - y;
    }
    return a.length - b.length;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
    return a.length - b.length;
}
