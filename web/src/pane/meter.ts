// Counts what the pane's socket carries. The socket class is wrapped before the client makes one, so that the figures are
// those of the wire and not an estimate.

export interface Meter {
    /** Bytes of the last change of one's own, as sent. */
    sent_change: number;
    /** Bytes of the last change of another, as received. */
    received_change: number;
    sent: number;
    received: number;
    onchange: () => void;
}

// Frame numbers of the protocol, and the field of a delivery that says that it is not a live one.
const kPush = 4;
const kDelivery = 3;
const kDeliveryKind = 4;
const kWireVarint = 0;
const kWireFixed64 = 1;
const kWireBytes = 2;

function read_varint(bytes: Uint8Array, at: number): [value: number, next: number] {
    let value = 0;
    let scale = 1;
    for (let i = at; i < bytes.length && i < at + 8; i += 1) {
        const byte = bytes[i] ?? 0;
        value += (byte & 127) * scale;
        if (byte < 128) return [value, i + 1];
        scale *= 128;
    }
    return [0, bytes.length];
}

/** Whether a delivery is one change, and not a snapshot or what was missed. */
function is_live(message: Uint8Array, from: number, to: number): boolean {
    for (let at = from; at < to;) {
        const [tag, next] = read_varint(message, at);
        const wire = tag % 8;
        if (wire === kWireVarint) {
            const [value, after] = read_varint(message, next);
            if (Math.floor(tag / 8) === kDeliveryKind) return value === 0;
            at = after;
        } else if (wire === kWireBytes) {
            const [length, body] = read_varint(message, next);
            at = body + length;
        } else {
            at = next + (wire === kWireFixed64 ? 8 : 4);
        }
    }
    return true;
}

/** Bytes of the frames with this number in a message, each with its envelope; 0: there is none. */
export function bytes_of_frames(message: Uint8Array, number: number): { bytes: number; frames: number } {
    let bytes = 0;
    let frames = 0;
    for (let at = 0; at < message.length;) {
        const [outer, after_tag] = read_varint(message, at);
        const [length, body] = read_varint(message, after_tag);
        if (outer !== 10 || body + length > message.length) break;   // Not a `repeated Frame frame = 1`.
        const [inner, inner_length_at] = read_varint(message, body);
        const [, inner_body] = read_varint(message, inner_length_at);
        if (Math.floor(inner / 8) === number && (number !== kDelivery || is_live(message, inner_body, body + length))) {
            bytes += body + length - at;
            frames += 1;
        }
        at = body + length;
    }
    return { bytes, frames };
}

function view_of(data: unknown): Uint8Array | null {
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return null;
}

export function install_meter(): Meter {
    const meter: Meter = { sent_change: 0, received_change: 0, sent: 0, received: 0, onchange: () => undefined };
    const Plain = globalThis.WebSocket;
    const count = (data: unknown, number: number): [total: number, change: number] => {
        if (typeof data === 'string') return [new TextEncoder().encode(data).length, 0];
        const view = view_of(data);
        if (!view) return [0, 0];
        const { bytes, frames } = bytes_of_frames(view, number);
        return [view.length, frames > 0 ? Math.round(bytes / frames) : 0];
    };
    globalThis.WebSocket = class extends Plain {
        constructor(url: string | URL, protocols?: string | string[]) {
            super(url, protocols);
            this.addEventListener('message', (event) => {
                const [total, change] = count(event.data, kDelivery);
                meter.received += total;
                if (change > 0) meter.received_change = change;
                meter.onchange();
            });
        }
        override send(data: string | ArrayBufferLike | Blob | ArrayBufferView<ArrayBuffer>): void {
            const [total, change] = count(data, kPush);
            meter.sent += total;
            if (change > 0) meter.sent_change = change;
            super.send(data);
            meter.onchange();
        }
    };
    return meter;
}
