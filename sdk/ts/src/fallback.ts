import type { Client, ConnectOptions, TandemClient } from './client.js';
import { connect as connectCore } from './connect.js';
import { TandemError, type ErrorCode } from './errors.js';
import { defaultPlatform, type Platform, type Socket, type SocketEvents } from './platform.js';
import { Cell, type Readable } from './store.js';
import { SUBPROTOCOL } from './wire.js';

/**
 * `connect` for networks in which a WebSocket cannot be opened: where it cannot, the same session goes over server-sent events
 * and POSTs (docs/protocol.md, 1.1). A connection that worked and was lost is no reason to; one that could not be opened is.
 */

/** What carries the connection of a client. */
export interface Transport {
    /** `none`: neither way has worked last time, or none was tried yet. */
    readonly by: 'none' | 'websocket' | 'http';
    /**
     * Why it is `none`: the server is `unreachable`, or has `refused`; or the stream is `buffered`: something on the way keeps back
     * what the server sends until it is too late, and whoever runs that can let `text/event-stream` through as it comes; or as many
     * pages of this browser have a stream as can, and this one is `crowded` out until one of them closes.
     */
    readonly trouble?: 'unreachable' | 'refused' | 'buffered' | 'crowded';
}
type Trouble = NonNullable<Transport['trouble']>;

/** A WebSocket that is not open by then is given up. Both together are less than a session waits for its welcome. */
const SOCKET_MS = 4_000;
const STREAM_MS = 5_000;
/** How long a WebSocket is not tried again after it could not be opened. */
const AGAIN_MS = 600_000;
/** Of POSTs: so many at once, and then one each time this has passed, with all that has gathered. */
const BURST = 5;
const GAP_MS = 100;
const POST_MS = 10_000;
const POST_RETRY_MS = 250;
const POST_RETRY_MAX_MS = 5_000;
const POST_GIVE_UP_MS = 30_000;
/** Browsers have six connections to a host, and a stream holds one: the others are for POSTs, and for loading pages. */
const PAGES = 4;
/** Until the server has told its limit. */
const POST_BYTES = 65_536;

const TEMPORARY = new Set([408, 425, 429]);
const isTemporary = (status: number): boolean => status < 400 || status >= 500 || TEMPORARY.has(status);

interface Told {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    readonly [name: string]: any;
}

function bytesOf(base64: string): Uint8Array {
    const raw = atob(base64);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; ++i) out[i] = raw.charCodeAt(i);
    return out;
}

/** Server-sent events as they come, in pieces of any size; what was cut off at the end is no event. */
export class EventReader {
    private pieces = '';
    private name = '';
    private data: string | undefined;

    constructor(private readonly on: (name: string, data: string) => void) {}
    feed(text: string): void {
        let at = 0;
        for (let end; (end = text.indexOf('\n', at)) >= 0; at = end + 1) {
            const whole = this.pieces + text.slice(at, end);
            this.pieces = '';
            this.line(whole.endsWith('\r') ? whole.slice(0, -1) : whole);
        }
        this.pieces += text.slice(at);
    }
    private line(text: string): void {
        if (!text) {
            const { name, data } = this;
            this.name = '';
            this.data = undefined;
            if (data !== undefined) this.on(name, data);
            return;
        }
        const colon = text.indexOf(':');
        const field = colon < 0 ? text : text.slice(0, colon);
        const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
        if (field === 'event') this.name = value;
        else if (field === 'data') this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    }
}

interface StreamEvents extends SocketEvents {
    failed(trouble: Trouble, error?: TandemError): void;
}

/** A session's messages over one stream of events, and POSTs one after the other. */
class StreamSocket implements Socket {
    private readonly ending = new AbortController();
    private readonly waits = new Set<unknown>();
    private readonly queue: Uint8Array[] = [];
    private session = '';
    private most = POST_BYTES;
    private number = 0;
    private over = false;
    private posting = false;
    private allowance = BURST;
    private allowedAt = 0;

    constructor(
        private readonly address: string, private readonly events: StreamEvents, private readonly platform: Platform,
        private readonly token: () => string,
    ) {
        const limit = this.after(STREAM_MS, () => this.silent());
        void this.listen(limit).catch(() => this.end('unreachable'));
        // A page that goes says so; else others would see it for a while yet.
        if (typeof addEventListener === 'function' && typeof document !== 'undefined')
            addEventListener('pagehide', () => this.leave(), { signal: this.ending.signal });
    }
    private after(ms: number, fn: () => void): unknown {
        const timer = this.platform.setTimer(() => {
            this.waits.delete(timer);
            fn();
        }, ms);
        this.waits.add(timer);
        return timer;
    }
    private cancel(timer: unknown): void {
        this.platform.clearTimer(timer);
        this.waits.delete(timer);
    }
    private pause(ms: number): Promise<void> {
        return new Promise(resolve => this.after(ms, resolve));
    }
    private fetch(method: string, more: Told, query = ''): Promise<Response> {
        const token = this.token();
        const headers = {
            ...(token ? { 'Authorization': `Bearer ${token}` } : {}),
            ...(this.session ? { 'Tandem-Session': this.session } : {}),
            ...(more['headers'] as Told | undefined),
        };
        return fetch(this.address + query, { 'method': method, 'cache': 'no-store', ...more, 'headers': headers } as RequestInit);
    }

    // Down

    /** One of the places that all pages of a browser share, where it tells that there are no more; HTTP/2 has room for all. */
    private async place(): Promise<boolean> {
        const { locks } = this.platform;
        if (!locks || typeof document === 'undefined') return true;
        const { host } = new URL(this.address);
        const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
        if (host === location.host && /^h[23]/.test(page?.nextHopProtocol ?? '')) return true;
        for (let i = 0; i < PAGES; ++i) {
            // Where locks fail, nothing can be told.
            const release = await locks.tryLock(`tandem:stream:${host}:${i}`).catch(() => () => {});
            if (!release) continue;
            if (this.over) release();
            else this.ending.signal.addEventListener('abort', release);
            return true;
        }
        return false;
    }
    private async listen(limit: unknown): Promise<void> {
        const { signal } = this.ending;
        if (!(await this.place())) return this.end('crowded');
        if (this.over) return;
        const answer = await this.fetch('GET', { 'signal': signal, 'headers': { 'Accept': 'text/event-stream' } }, `?protocol=${SUBPROTOCOL}`);
        const stream = answer['body'];
        if (!answer.ok || !stream || !/^text\/event-stream/.test(answer.headers.get('content-type') ?? '')) {
            const error = await refusalOf(answer);
            return this.end(error ? 'refused' : 'unreachable', error);
        }
        const reader = stream.getReader();
        const text = new TextDecoder();
        const events = new EventReader((name, data) => {
            if (this.over) return;
            if (!name) this.events.message(bytesOf(data));
            else if (name === 'close') this.end();
            else if (name === 'session' && !this.session) {
                this.cancel(limit);
                const told = JSON.parse(data) as Told;
                this.session = told['session'];
                this.most = told['post_bytes_max'];
                this.events.opened();
                void this.pump();
            }
        });
        for (;;) {
            const { done, value } = await reader.read();
            if (done || this.over) return this.end('unreachable');
            events.feed(text.decode(value, { stream: true }));
        }
    }
    /** No first event in time. Where an answer that ends comes through at once, it is what goes on that is kept back. */
    private silent(): void {
        const { events } = this;
        this.end('unreachable');
        const stop = new AbortController();
        const limit = this.platform.setTimer(() => stop.abort(), STREAM_MS);
        this.fetch('DELETE', { 'signal': stop.signal })
            .then(refusalOf)
            .then(error => error?.code === 'session_unknown' && events.failed('buffered'))
            .catch(() => {})
            .finally(() => this.platform.clearTimer(limit));
    }

    // Up

    send(bytes: Uint8Array): void {
        if (this.over) return;
        this.queue.push(bytes);
        void this.pump();
    }
    private async pump(): Promise<void> {
        if (this.posting || !this.session) return;
        this.posting = true;
        while (!this.over && this.queue.length) {
            await this.allow();
            if (this.over) break;
            let size = 0;
            let count = 0;
            while (count < this.queue.length && (count === 0 || size + this.queue[count]!.length <= this.most)) size += this.queue[count++]!.length;
            const joined = new Uint8Array(size);
            let at = 0;
            for (const message of this.queue.splice(0, count)) {
                joined.set(message, at);
                at += message.length;
            }
            await this.post(joined, ++this.number);
        }
        this.posting = false;
    }
    private async allow(): Promise<void> {
        const now = this.platform.now();
        this.allowance = Math.min(BURST, this.allowance + Math.max(0, now - this.allowedAt) / GAP_MS);
        this.allowedAt = now;
        const lacks = 1 - this.allowance;
        this.allowance -= 1;
        if (lacks > 0) await this.pause(Math.ceil(lacks * GAP_MS));
    }
    /** Sends it until it is answered; the server takes a number once. */
    private async post(joined: Uint8Array, number: number): Promise<void> {
        const { platform } = this;
        const since = platform.now();
        const headers = { 'Content-Type': 'application/octet-stream', 'Tandem-Sequence': String(number) };
        for (let wait = POST_RETRY_MS; !this.over; wait = Math.min(POST_RETRY_MAX_MS, 2 * wait)) {
            const one = new AbortController();
            const abort = (): void => one.abort();
            const limit = this.after(POST_MS, abort);
            this.ending.signal.addEventListener('abort', abort, { signal: one.signal });
            const answer = await this.fetch('POST', { 'headers': headers, 'body': joined, 'signal': one.signal }).catch(() => undefined);
            const status = answer?.status ?? 0;
            // Anything else that looks like success is not the server's.
            if (status === 204 || this.over) return this.settled(limit, one);
            const error = answer && (await refusalOf(answer));
            this.settled(limit, one);
            // The end of the stream says the rest where it is only that the stream has ended.
            if (!isTemporary(status)) return this.end('refused', error?.code === 'session_unknown' ? undefined : error);
            if (platform.now() - since > POST_GIVE_UP_MS) return this.end('unreachable');
            const told = Number(answer?.headers.get('retry-after')) * 1000;
            await this.pause(Math.max(told || 0, wait * (0.5 + platform.random() / 2)));
        }
    }
    private settled(limit: unknown, one: AbortController): void {
        this.cancel(limit);
        one.abort();
    }

    // The end

    private stop(): void {
        this.over = true;
        this.queue.length = 0;
        for (const timer of [...this.waits]) this.cancel(timer);
        this.ending.abort();
    }
    private end(trouble?: Trouble, error?: TandemError): void {
        if (this.over) return;
        const worked = this.session !== '';
        this.stop();
        if (error || (trouble && !worked)) this.events.failed(trouble ?? 'refused', error);
        this.events.closed();
    }
    /** Begun by this side: without a word to `closed`, as every socket. */
    close(): void {
        if (this.over) return;
        if (this.session) this.fetch('DELETE', { 'keepalive': true }).catch(() => {});
        this.stop();
    }
    /** The same, told to the session. */
    leave(): void {
        if (this.over) return;
        this.close();
        this.events.closed();
    }
}

/** What the server has said against it; nothing where the answer is not Tandem's. */
async function refusalOf(answer: Response): Promise<TandemError | undefined> {
    const told = (await answer.json().catch(() => ({}))) as Told | null;
    const { code, message, hint, docs } = (told?.['error'] ?? {}) as { code?: ErrorCode; message?: string; hint?: string; docs?: string };
    if (typeof code !== 'string') return undefined;
    return new TandemError(code, message ?? code, { hint: hint ?? '', docs: docs ?? '', temporary: isTemporary(answer.status) });
}

/** Chooses, for one client, what carries its connections. */
class Chooser {
    readonly transport = new Cell<Transport>(Object.freeze({ by: 'none' }));
    /** Of the client, as it was last fetched. */
    token = '';
    report: (error: TandemError) => void = () => {};
    /** Until then no WebSocket is tried. */
    private avoidUntil: number;
    private readonly key: string;

    constructor(private readonly platform: Platform, address: string) {
        this.key = `tandem:http:${address}`;
        // A clock that was set back meanwhile is not waited for.
        this.avoidUntil = Math.min(Number(remembered()?.getItem(this.key)) || 0, platform.now() + AGAIN_MS);
    }
    /** Also for the pages that this tab will show. */
    private avoid(until: number): void {
        this.avoidUntil = until;
        try {
            if (until) remembered()?.setItem(this.key, String(until));
            else remembered()?.removeItem(this.key);
        } catch {
            // It is full, and what is found out once more costs seconds.
        }
    }

    private tell(by: Transport['by'], trouble?: Trouble): void {
        const { value } = this.transport;
        if (value.by !== by || value.trouble !== trouble) this.transport.set(Object.freeze({ by, ...(trouble ? { trouble } : {}) }));
    }
    connect = (url: string, events: SocketEvents): Socket => {
        const { platform } = this;
        let current!: Socket;
        let probing: Socket | undefined;
        let timer: unknown;
        let over = false;
        const clear = (): void => platform.clearTimer(timer);
        const end = (): void => {
            if (over) return;
            over = true;
            clear();
            unlisten();
            events.closed();
        };
        /** A WebSocket is tried beside the stream, and taken when it opens. */
        const probe = (): void => {
            clear();
            probing?.close();
            const attempt = platform.connect(url, {
                opened: () => {
                    attempt.close();
                    if (over) return;
                    this.avoid(0);
                    (current as StreamSocket).leave();
                },
                message: () => {},
                closed: later,
            });
            probing = attempt;
            timer = platform.setTimer(later, SOCKET_MS);
        };
        const later = (): void => {
            clear();
            probing?.close();
            probing = undefined;
            if (over) return;
            this.avoid(platform.now() + AGAIN_MS);
            timer = platform.setTimer(probe, AGAIN_MS);
        };
        const viaStream = (): void => {
            clear();
            let worked = false;
            const opened = (): void => {
                worked = true;
                this.tell('http');
                const left = this.avoidUntil - platform.now();
                if (left > 0) timer = platform.setTimer(probe, left);
                else later();
                events.opened();
            };
            const failed = (trouble: Trouble, error?: TandemError): void => {
                // Neither way works: it may have been the server, and the next attempt begins anew.
                if (!worked && trouble !== 'crowded') this.avoid(0);
                this.tell('none', trouble);
                if (error && !error.temporary) this.report(error);
            };
            current = new StreamSocket(streamAddress(url), { ...events, opened, closed: end, failed }, platform, () => this.token);
        };
        const viaWebSocket = (): void => {
            let opened = 0;
            let heard = false;
            // Some let it open, and then nothing through.
            const judge = (): void => {
                if (opened && !heard) this.avoid(platform.now() + AGAIN_MS);
            };
            const attempt = platform.connect(url, {
                opened: () => {
                    clear();
                    opened = platform.now();
                    events.opened();
                },
                message: bytes => {
                    if (!heard) this.tell('websocket');
                    heard = true;
                    events.message(bytes);
                },
                closed: () => {
                    if (over) return;
                    if (!opened) return viaStream();
                    judge();
                    end();
                },
            });
            current = {
                send: bytes => attempt.send(bytes),
                close: () => {
                    if (platform.now() - opened >= SOCKET_MS) judge();
                    attempt.close();
                },
            };
            timer = platform.setTimer(() => {
                attempt.close();
                viaStream();
            }, SOCKET_MS);
        };
        const unlisten = onNetworkChange(() => {
            this.avoid(0);
            if (current instanceof StreamSocket && !over) probe();
        });
        if (platform.now() < this.avoidUntil) viaStream();
        else viaWebSocket();
        return {
            send: bytes => current.send(bytes),
            close: () => {
                over = true;
                clear();
                unlisten();
                current.close();
            },
        };
    };
}

/** What outlives a page, where there is such a thing. */
function remembered(): Storage | undefined {
    try {
        return typeof document === 'undefined' ? undefined : sessionStorage;
    } catch {
        return undefined; // The user allows none.
    }
}

function onNetworkChange(fn: () => void): () => void {
    const stop = new AbortController();
    if (typeof addEventListener === 'function' && typeof document !== 'undefined') addEventListener('online', fn, { signal: stop.signal });
    const { connection } = (typeof navigator === 'object' ? navigator : {}) as { connection?: EventTarget };
    connection?.addEventListener?.('change', fn, { signal: stop.signal });
    return () => stop.abort();
}

function streamAddress(url: string): string {
    const address = new URL(url);
    address.protocol = address.protocol.replace('ws', 'http');
    address.pathname = address.pathname.replace(/websocket$/, 'sse');
    address.search = '';
    return address.href;
}

const choosers = new WeakMap<object, Chooser>();

/** As `connect` of `@tandem/client`, with another way where a WebSocket cannot be opened. */
export function connect(address: string, options: ConnectOptions = {}, platform: Partial<Platform> = {}): TandemClient {
    const chooser = new Chooser({ ...defaultPlatform(), ...platform }, address);
    const { token } = options;
    const noted = token && { token: async () => (chooser.token = await token()) };
    const client = connectCore(address, { ...options, ...noted }, { ...platform, connect: chooser.connect });
    chooser.report = error => (client as unknown as Client).report(error);
    choosers.set(client, chooser);
    return client;
}

/** What carries the connections of a client that the `connect` above has made. */
export function transportOf(client: TandemClient): Readable<Transport> {
    const chooser = choosers.get(client);
    if (!chooser) throw new TandemError('invalid_argument', 'This client was made by another connect.');
    return chooser.transport;
}
