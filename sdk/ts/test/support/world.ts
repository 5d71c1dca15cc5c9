import { connect, type Client } from '../../src/index.js';
import type { ConnectOptions } from '../../src/client.js';
import type { Locks } from '../../src/locks.js';
import type { OutboxStorage } from '../../src/outbox.js';
import type { Platform } from '../../src/platform.js';
import { FakeServer, type FakeConnection } from './fake_server.js';

/** Locks as a browser's profile has them: each is held by one tab, and ends with it. */
export class FakeLocks {
    readonly held = new Map<string, number>();
    ofTab(tab: number): Locks {
        return {
            tryLock: async name => {
                if (this.held.has(name)) return undefined;
                this.held.set(name, tab);
                return () => void (this.held.get(name) === tab && this.held.delete(name));
            },
        };
    }
    endTab(tab: number): void {
        for (const [name, holder] of [...this.held]) if (holder === tab) this.held.delete(name);
    }
}

interface Timer {
    at: number;
    fn: () => void;
}

/** A browser profile, a server and a clock that moves only when told to. */
export class World {
    now = 1_000_000;
    readonly server = new FakeServer();
    readonly locks = new FakeLocks();
    online = true;
    attempts = 0;
    private timers = new Set<Timer>();
    private tabs = new Map<number, { connection: FakeConnection | undefined; dead: boolean }>();
    private nextTab = 1;
    private seed: number;
    private wakers: (() => void)[] = [];

    constructor(private readonly storage: (() => Promise<OutboxStorage | null>) | null = null, seed = 1) {
        this.seed = seed;
    }
    random = (): number => {
        this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
        return this.seed / 2 ** 32;
    };

    tab(options: ConnectOptions = {}): { client: Client; kill: () => void; cut: () => void; id: number } {
        const id = this.nextTab++;
        const state: { connection: FakeConnection | undefined; dead: boolean } = { connection: undefined, dead: false };
        this.tabs.set(id, state);
        const platform: Platform = {
            now: () => this.now,
            random: this.random,
            locks: this.storage ? this.locks.ofTab(id) : null,
            openStorage: async () => {
                const storage = await this.storage?.();
                return storage ? guard(storage, () => state.dead) : null;
            },
            setTimer: (fn, ms) => {
                const timer = { at: this.now + ms, fn: () => !state.dead && fn() };
                this.timers.add(timer);
                return timer;
            },
            clearTimer: timer => void this.timers.delete(timer as Timer),
            listen: wake => {
                this.wakers.push(() => !state.dead && wake());
                return () => {};
            },
            connect: (_url, events) => {
                this.attempts++;
                let open = true;
                const end = (): void => {
                    queueMicrotask(() => {
                        if (!open) return;
                        open = false;
                        if (!state.dead) events.closed();
                    });
                };
                if (!this.online) {
                    end();
                    return { send: () => {}, close: () => (open = false) };
                }
                const connection = this.server.connect(bytes => queueMicrotask(() => open && !state.dead && events.message(bytes)), end);
                state.connection = connection;
                queueMicrotask(() => open && !state.dead && events.opened());
                return {
                    send: bytes => open && !state.dead && queueMicrotask(() => connection.open && connection.receive(bytes)),
                    close: () => {
                        open = false;
                        connection.close();
                    },
                };
            },
        };
        return {
            client: connect('ws://fake.test', options, platform),
            id,
            /** The tab ends at once: nothing that it had begun goes on. */
            kill: () => {
                state.dead = true;
                state.connection?.close();
                this.locks.endTab(id);
            },
            cut: () => state.connection?.close(),
        };
    }
    offline(): void {
        this.online = false;
        for (const c of [...this.server.connections]) c.close();
    }
    wake(): void {
        this.online = true;
        for (const wake of this.wakers) wake();
    }
    /** Moves the clock to the next timer that is due within the span, and so on to its end. */
    async advance(ms: number): Promise<void> {
        const end = this.now + ms;
        for (;;) {
            await tick();
            const next = [...this.timers].filter(t => t.at <= end).sort((a, b) => a.at - b.at)[0];
            if (!next) break;
            this.timers.delete(next);
            this.now = Math.max(this.now, next.at);
            this.server.clock = this.now + 4_000_000;
            next.fn();
        }
        this.now = end;
        await tick();
    }
    /** Waits for a promise while the clock goes on. */
    async wait<T>(promise: Promise<T>): Promise<T> {
        let settled = false;
        const mark = (): void => void (settled = true);
        promise.then(mark, mark);
        await this.until(() => settled, 'a promise that settles');
        return promise;
    }
    /** Lets everything happen until the condition holds; the clock moves when nothing else does. */
    async until(met: () => boolean, what = met.toString()): Promise<void> {
        const deadline = performance.now() + 10_000;
        for (let n = 0; !met(); n++) {
            if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
            await tick();
            if (n % 5 === 4) await this.advance(20);
        }
    }
}

/** Storage work of a tab that is dead never reports back, and new work does not begin. */
function guard(storage: OutboxStorage, dead: () => boolean): OutboxStorage {
    return new Proxy(storage, {
        get(target, name) {
            const member = (target as unknown as Record<string | symbol, unknown>)[name];
            if (typeof member !== 'function') return member;
            return (...args: unknown[]) => {
                if (dead()) return new Promise(() => {});
                const result: unknown = (member as (...a: unknown[]) => unknown).apply(target, args);
                return result instanceof Promise ? result.then(value => (dead() ? new Promise(() => {}) : value)) : result;
            };
        },
    });
}

/** Lets pending promises, and the fake IndexedDB's turns, run. */
export async function tick(): Promise<void> {
    for (let i = 0; i < 4; i++) await new Promise<void>(resolve => setImmediate(resolve));
}
