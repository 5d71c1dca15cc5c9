import type { Options } from './write.js';

/** State that can be read and followed. A follower is called at once, and after each change. */
export interface Readable<T> {
    readonly value: T;
    subscribe(fn: (value: T) => void, options?: Options): () => void;
}

/** Runs a follower so that what it throws does not reach the library. */
export function call<T>(fn: (value: T) => void, value: T): void {
    try {
        fn(value);
    } catch (error) {
        queueMicrotask(() => {
            throw error;
        });
    }
}

/** Followers of values that are computed on demand; they are told when identity changed. */
export class Watchers {
    private readonly all = new Set<() => void>();

    add<T>(get: () => T, fn: (value: T) => void, { signal }: Options = {}): () => void {
        if (signal?.aborted) return () => {};
        let last = get();
        const check = (): void => {
            const value = get();
            if (value === last) return;
            last = value;
            call(fn, value);
        };
        const stop = (): void => {
            this.all.delete(check);
            signal?.removeEventListener('abort', stop);
        };
        this.all.add(check);
        signal?.addEventListener('abort', stop, { once: true });
        call(fn, last);
        return stop;
    }
    check(): void {
        for (const check of [...this.all]) if (this.all.has(check)) check();
    }
    clear(): void {
        this.all.clear();
    }
}

/** A store that is set by its owner. */
export class Cell<T> implements Readable<T> {
    private readonly watchers = new Watchers();
    constructor(private current: T) {}

    get value(): T {
        return this.current;
    }
    set(value: T): void {
        this.current = value;
        this.watchers.check();
    }
    subscribe(fn: (value: T) => void, options?: Options): () => void {
        return this.watchers.add(() => this.current, fn, options);
    }
}

const QUEUE_MAX = 256;

/** Occurrences for `for await`: bounded (the oldest go), ended by the signal or by the channel's end. */
export class Feed<T> {
    private readonly readers = new Set<{ push(value: T): void; end(): void }>();

    get wanted(): boolean {
        return this.readers.size > 0;
    }
    push(value: T): void {
        for (const reader of this.readers) reader.push(value);
    }
    end(): void {
        for (const reader of [...this.readers]) reader.end();
    }
    read({ signal }: Options = {}): AsyncIterableIterator<T> {
        const queue: T[] = [];
        let wake: (() => void) | undefined;
        let ended = false;
        const reader = {
            push: (value: T) => {
                if (queue.push(value) > QUEUE_MAX) queue.shift();
                wake?.();
            },
            end: () => {
                ended = true;
                this.readers.delete(reader);
                signal?.removeEventListener('abort', reader.end);
                wake?.();
            },
        };
        if (signal?.aborted) ended = true;
        else {
            this.readers.add(reader);
            signal?.addEventListener('abort', reader.end, { once: true });
        }
        return {
            [Symbol.asyncIterator]() {
                return this;
            },
            async next(): Promise<IteratorResult<T>> {
                while (queue.length === 0 && !ended) await new Promise<void>(resolve => (wake = resolve));
                return queue.length > 0 && !signal?.aborted ? { done: false, value: queue.shift()! } : { done: true, value: undefined };
            },
            async return(): Promise<IteratorResult<T>> {
                reader.end();
                return { done: true, value: undefined };
            },
        };
    }
}
