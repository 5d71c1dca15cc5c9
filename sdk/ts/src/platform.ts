import { WebLocks, type Locks } from './locks.js';
import type { OutboxStorage } from './outbox.js';
import { IdbStorage } from './storage_idb.js';
import { MemoryStorage } from './storage_memory.js';
import { SUBPROTOCOL } from './wire.js';

/** A socket as the client sees it; closing twice is harmless. */
export interface Socket {
    send(bytes: Uint8Array): void;
    close(): void;
}
export interface SocketEvents {
    opened(): void;
    message(bytes: Uint8Array): void;
    closed(): void;
}

/** Everything that is outside; tests replace parts of it. */
export interface Platform {
    now(): number;
    random(): number;
    connect(url: string, events: SocketEvents): Socket;
    /** null where nothing outlives the page. */
    openStorage(name: string): Promise<OutboxStorage | null>;
    locks: Locks | null;
    setTimer(fn: () => void, ms: number): unknown;
    clearTimer(timer: unknown): void;
    /** Tells when the network or the page comes back, and when the page may end. */
    listen(wake: () => void, leave: () => void): () => void;
}

interface WebSocketLike {
    binaryType: string;
    onopen: (() => void) | null;
    onmessage: ((event: { data: unknown }) => void) | null;
    onclose: (() => void) | null;
    onerror: (() => void) | null;
    send(bytes: Uint8Array): void;
    close(): void;
}
type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** Node before 22 has no WebSocket of its own; `ws` is used when it is installed. */
async function webSocketClass(): Promise<WebSocketClass> {
    const builtIn = (globalThis as { WebSocket?: unknown }).WebSocket;
    if (builtIn) return builtIn as WebSocketClass;
    const name = 'ws';
    return ((await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as { default: WebSocketClass }).default;
}

function connect(url: string, events: SocketEvents): Socket {
    let socket: WebSocketLike | undefined;
    let ended = false;
    const end = (): void => {
        if (ended) return;
        ended = true;
        events.closed();
    };
    const open = (Class: WebSocketClass): void => {
        if (ended) return;
        socket = new Class(url, [SUBPROTOCOL]);
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => !ended && events.opened();
        socket.onmessage = ({ data }) => !ended && data instanceof ArrayBuffer && events.message(new Uint8Array(data));
        // Closing a socket that has failed makes it fail again, and again, in Node.
        socket.onclose = socket.onerror = end;
    };
    webSocketClass().then(open).catch(end);
    return {
        send: bytes => socket?.send(bytes),
        close: () => {
            ended = true;
            try {
                socket?.close();
            } catch {
                // A socket that never opened may refuse to be closed; it is not used again.
            }
        },
    };
}

function listen(wake: () => void, leave: () => void): () => void {
    if (typeof addEventListener !== 'function' || typeof document === 'undefined') return () => {};
    const seen = (): void => (document.visibilityState === 'visible' ? wake() : leave());
    const stop = new AbortController();
    addEventListener('online', wake, stop);
    addEventListener('pagehide', leave, stop);
    document.addEventListener('visibilitychange', seen, stop);
    return () => stop.abort();
}

export function defaultPlatform(): Platform {
    const manager = typeof navigator === 'object' ? (navigator as { locks?: LockManager }).locks : undefined;
    const random = new Uint32Array(1);
    return {
        now: () => Date.now(),
        // Node 18 has no global crypto; names need to be rare there too, not secret.
        random: () => (globalThis.crypto ? crypto.getRandomValues(random)[0]! / 2 ** 32 : Math.random()),
        connect,
        openStorage: async name => (typeof indexedDB === 'object' && indexedDB ? IdbStorage.open(indexedDB, name) : null),
        locks: manager ? new WebLocks(manager) : null,
        setTimer: (fn, ms) => setTimeout(fn, ms),
        clearTimer: timer => clearTimeout(timer as number),
        listen,
    };
}

export { MemoryStorage };
