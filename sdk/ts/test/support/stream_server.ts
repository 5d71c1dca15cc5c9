import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { FakeServer, type FakeConnection } from './fake_server.js';

interface Stream {
    connection: FakeConnection;
    response: ServerResponse;
    taken: number;
}

/** What of `ws` is used here, beyond its own declarations in this package. */
interface Opened {
    send(bytes: Uint8Array): void;
    close(): void;
    terminate(): void;
    on(event: 'message' | 'close', fn: (data: Buffer) => void): void;
}
interface Upgrader {
    readonly clients: Set<Opened>;
    handleUpgrade(request: IncomingMessage, socket: unknown, head: Buffer, then: (opened: Opened) => void): void;
}

/** A FakeServer behind a WebSocket and behind a stream with POSTs, as docs/protocol.md says, on the loopback. */
export class StreamServer {
    readonly fake = new FakeServer();
    readonly streams = new Map<string, Stream>();
    /** Refuses upgrades as a proxy does that knows nothing of them. */
    refusesUpgrades = true;
    /** What it answers instead of what it would. */
    answer: (request: IncomingMessage, body: Buffer) => { status: number; text?: string; headers?: Record<string, string> } | undefined = () => undefined;
    /** `before`: the request never arrived; `after`: it was handled, but its answer gets lost. */
    lose: (request: IncomingMessage) => 'before' | 'after' | undefined = () => undefined;
    /** Events come out of it only when they end. */
    keepsBack = false;
    /** Cuts the stream in the middle of the next event. */
    cutsNext = false;
    /** Ends WebSockets at their first message, unanswered. */
    swallows = false;
    upgrades = 0;
    repeats = 0;
    readonly requests: { method: string; token: string | undefined; sequence: number; bytes: number }[] = [];
    private readonly sockets = new Set<Socket>();
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    private readonly webSockets = new (WebSocketServer as any)({ noServer: true, handleProtocols: () => 'tandem.v1' }) as Upgrader;
    private readonly http = createServer((request, response) => {
        const pieces: Buffer[] = [];
        request.on('data', piece => pieces.push(piece as Buffer));
        request.on('end', () => this.serve(request, response, Buffer.concat(pieces)));
    });

    async start(): Promise<string> {
        this.http.on('connection', socket => {
            this.sockets.add(socket);
            socket.on('close', () => this.sockets.delete(socket));
        });
        this.http.on('upgrade', (request, socket, head) => {
            ++this.upgrades;
            if (this.refusesUpgrades) return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
            this.webSockets.handleUpgrade(request, socket, head, opened => {
                if (this.swallows) return void opened.on('message', () => opened.terminate());
                const connection = this.fake.connect(bytes => opened.send(bytes), () => opened.close());
                opened.on('message', data => connection.receive(new Uint8Array(data)));
                opened.on('close', () => connection.close());
            });
        });
        await new Promise<void>(resolve => this.http.listen(0, '127.0.0.1', resolve));
        return `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
    }
    dropWebSockets(): void {
        for (const socket of this.webSockets.clients) socket.terminate();
    }
    dropStreams(): void {
        for (const { response } of this.streams.values()) response.destroy();
    }
    async stop(): Promise<void> {
        for (const socket of this.sockets) socket.destroy();
        await new Promise(resolve => this.http.close(resolve));
    }
    posts(): typeof this.requests {
        return this.requests.filter(({ method }) => method === 'POST');
    }

    private serve(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
        const { method = '', headers } = request;
        if (this.lose(request) === 'before') return void request['socket'].destroy();
        this.requests.push({
            method, token: headers.authorization?.replace('Bearer ', ''), sequence: Number(headers['tandem-sequence'] ?? 0), bytes: body.length,
        });
        const other = this.answer(request, body);
        const reply = (status: number, text = '', more: Record<string, string> = {}): void => {
            if (this.lose(request) === 'after') return void request['socket'].destroy();
            response.writeHead(status, more).end(text);
        };
        if (other) return reply(other.status, other.text, other.headers);
        if (method === 'GET') return this.open(request, response);
        const stream = this.streams.get(String(headers['tandem-session']));
        if (!stream) return reply(410, JSON.stringify({ error: { code: 'session_unknown', message: 'No stream.' } }));
        if (method === 'DELETE') {
            stream.connection.close();
            return reply(204);
        }
        const sequence = Number(headers['tandem-sequence']);
        if (sequence > stream.taken + 1) return reply(400, JSON.stringify({ error: { code: 'protocol_error', message: 'A gap.' } }));
        if (sequence <= stream.taken) ++this.repeats;
        else {
            stream.taken = sequence;
            stream.connection.receive(new Uint8Array(body));
        }
        reply(204);
    }
    private open(request: IncomingMessage, response: ServerResponse): void {
        const session = randomUUID();
        const write = (text: string): void => {
            if (this.keepsBack) return;
            if (this.cutsNext && text.startsWith('data:')) {
                this.cutsNext = false;
                response.write(text.slice(0, text.length - 7));
                // What is written leaves before the end does.
                return void setTimeout(() => request['socket'].destroy(), 10);
            }
            response.write(text);
        };
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.flushHeaders();
        // In two pieces, so that events come cut.
        let queue = Promise.resolve();
        const later = (text: string): void =>
            void (queue = queue.then(() => (write(text), new Promise(resolve => setTimeout(resolve, 1)))));
        const next = (text: string): void => {
            const at = this.cutsNext ? 0 : Math.floor(text.length / 3);
            if (at) later(text.slice(0, at));
            later(text.slice(at));
        };
        const connection = this.fake.connect(
            bytes => next(`data: ${Buffer.from(bytes).toString('base64')}\n\n`),
            () => response.end(),
        );
        this.streams.set(session, { connection, response, taken: 0 });
        next(`event: session\ndata: ${JSON.stringify({ 'session': session, 'post_bytes_max': 1_000_000 })}\n\n`);
        next(':\n\n');
        response.on('close', () => {
            this.streams.delete(session);
            connection.close();
        });
    }
}
