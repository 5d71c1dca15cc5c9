import type { Link } from './session.js';
import { Cell } from './store.js';

export interface SyncStatus {
    readonly link: Link;
    /** Edits that are not on the server's disk yet. */
    readonly pending: number;
    /** Nothing is pending and nothing of the server's is missing. */
    readonly synced: boolean;
    /** While offline: until the next attempt. */
    readonly retryInMs?: number;
}

export class StatusCell extends Cell<SyncStatus> {
    constructor() {
        super(Object.freeze({ link: 'connecting', pending: 0, synced: false }));
    }
    update(link: Link, pending: number, caughtUp: boolean, retryInMs: number | undefined): void {
        const old = this.value;
        const synced = link === 'online' && pending === 0 && caughtUp;
        if (old.link === link && old.pending === pending && old.synced === synced && (old.retryInMs === undefined) === (retryInMs === undefined))
            return;
        this.set(Object.freeze({ link, pending, synced, ...(retryInMs === undefined ? {} : { retryInMs }) }));
    }
}
