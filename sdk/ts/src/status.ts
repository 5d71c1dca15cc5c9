import type { Link } from './session.js';
import { Cell } from './store.js';

export type Keeps = 'opening' | 'device' | 'memory';

export interface SyncStatus {
    readonly link: Link;
    /** Edits that are not on the server's disk yet. */
    readonly pending: number;
    /** Nothing is pending and nothing of the server's is missing. */
    readonly synced: boolean;
    /**
     * Where edits are that wait: on the `device`, so that they outlive the page, or in `memory`, which ends with it: nothing else
     * was asked for, or is there, or the device's storage failed, which is reported. `opening`: not known yet, and not safe yet.
     */
    readonly storage: Keeps;
    /** While offline: until the next attempt. */
    readonly retryInMs?: number;
}

export class StatusCell extends Cell<SyncStatus> {
    private told = '';

    constructor() {
        super(Object.freeze({ link: 'connecting', pending: 0, synced: false, storage: 'opening' }));
    }
    update(link: Link, pending: number, caughtUp: boolean, storage: Keeps, retryInMs: number | undefined): void {
        const synced = link === 'online' && pending === 0 && caughtUp;
        // That time goes by is no news.
        const told = `${link} ${pending} ${synced} ${storage} ${retryInMs === undefined}`;
        if (told === this.told) return;
        this.told = told;
        this.set(Object.freeze({ link, pending, synced, storage, ...(retryInMs === undefined ? {} : { retryInMs }) }));
    }
}
