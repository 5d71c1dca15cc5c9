import { TandemError } from './errors.js';

export interface Options {
    readonly signal?: AbortSignal | undefined;
}

/** An edit on its way: shown already, and later committed on the server's disk or refused. */
export interface Write {
    readonly state: 'pending' | 'committed' | 'refused';
    /**
     * Resolves when the edit is on the server's disk. `seq` is its place in the log; when the connection was
     * lost before the answer came, the cursor by which it was certainly there.
     */
    committed(options?: Options): Promise<{ seq: number }>;
}

export class PendingWrite implements Write {
    state: 'pending' | 'committed' | 'refused' = 'pending';
    private seq = 0;
    private error: TandemError | undefined;
    private waiters: (() => void)[] = [];

    commit(seq: number): void {
        if (this.state !== 'pending') return;
        this.state = 'committed';
        this.seq = seq;
        this.settle();
    }
    refuse(error: TandemError): void {
        if (this.state !== 'pending') return;
        this.state = 'refused';
        this.error = error;
        this.settle();
    }
    private settle(): void {
        for (const waiter of this.waiters.splice(0)) waiter();
    }
    async committed({ signal }: Options = {}): Promise<{ seq: number }> {
        await until(() => this.state !== 'pending', fn => this.waiters.push(fn), signal);
        if (this.error) throw this.error;
        return { seq: this.seq };
    }
}

/** Waits for a condition that `listen` tells of, or throws the signal's reason. */
export function until(met: () => boolean, listen: (fn: () => void) => unknown, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        if (met()) return resolve();
        const abort = (): void => reject(signal!.reason);
        signal?.addEventListener('abort', abort, { once: true });
        listen(() => {
            if (!met()) return;
            signal?.removeEventListener('abort', abort);
            resolve();
        });
    });
}
