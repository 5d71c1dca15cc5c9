import type { Epoch } from './bytes.js';
import type { Selected } from './select.js';

/** A push as it rests on the device; `ops` are the bytes that are sent. */
export interface StoredPush {
    readonly counter: number;
    readonly ops: Uint8Array;
    readonly stampMs: number;
    readonly stampLogical: number;
    readonly ifUnchanged: readonly string[];
    /** Given up after a final refusal: only its counter is still to be sent. */
    readonly skip: boolean;
}

/** What an outbox knows of one channel. Actor 0: none of its pushes was ever sent. */
export interface StoredLane {
    readonly actor: number;
    /** The highest counter given to a push. */
    readonly last: number;
    /** The highest counter known to be acknowledged. */
    readonly acked: number;
}

/** The confirmed view at a cursor, as changes from nothing. */
export interface StoredState {
    readonly epoch: Epoch;
    readonly seq: number;
    readonly check: number;
    readonly changes: Uint8Array;
    /** What the view was selected by; missing or empty: the whole record. */
    readonly select?: readonly Selected[] | undefined;
}

export interface StoredChannel {
    readonly lane: StoredLane | undefined;
    /** In the order of their counters. */
    readonly pushes: readonly StoredPush[];
    readonly state: StoredState | undefined;
}

/** What one transaction does; the parts take effect together or not at all. */
export interface StoredChange {
    readonly lane?: StoredLane;
    /** Removes all pushes of the channel first. */
    readonly clear?: boolean;
    readonly put?: readonly StoredPush[];
    readonly drop?: readonly number[];
    /** null forgets the stored state. */
    readonly state?: StoredState | null;
    /** Sets the outbox's own actor. */
    readonly actor?: number;
    /** Removes all pushes of the channel from this other outbox too. */
    readonly clearOther?: string;
}

export interface OutboxRow {
    readonly id: string;
    readonly actor: number;
}

/**
 * Where outboxes live. An outbox belongs to whoever holds its lock; the storage itself guards nothing.
 * Every promise that resolves means that the change survives the end of the page.
 */
export interface OutboxStorage {
    outboxes(): Promise<OutboxRow[]>;
    /** Makes the outbox if it is not there. Actor 0: none yet. */
    setActor(id: string, actor: number): Promise<void>;
    /** Channels of which the outbox holds pushes. */
    waiting(id: string): Promise<string[]>;
    load(id: string, channel: string): Promise<StoredChannel>;
    /** The state with the highest seq that any outbox has of the channel. */
    newest(channel: string): Promise<StoredState | undefined>;
    write(id: string, channel: string, change: StoredChange): Promise<void>;
    close(): void;
}
