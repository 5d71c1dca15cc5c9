// The part of `ws` that the tests use.
declare module 'ws' {
    import type { EventEmitter } from 'node:events';
    interface Peer extends EventEmitter {
        send(data: Uint8Array): void;
        close(): void;
        terminate(): void;
        on(event: 'message', fn: (data: Buffer) => void): this;
        on(event: 'close', fn: () => void): this;
    }
    export class WebSocketServer extends EventEmitter {
        constructor(options: { port: number; host: string; handleProtocols: () => string });
        readonly clients: Set<Peer>;
        address(): unknown;
        close(fn: (error?: Error) => void): void;
        on(event: 'connection', fn: (socket: Peer) => void): this;
    }
}
