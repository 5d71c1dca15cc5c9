import { Cell, type Readable } from './store.js';
import { equal, normalize, type Json } from './value.js';
import type { MemberFrame } from './wire.js';

export interface Member<P> {
    /** Of the connection. */
    readonly id: string;
    readonly user: string;
    readonly state: P;
}
export interface Presence<P> {
    /** Merged into what was set before; vanishes with the connection. */
    set(state: Partial<P>): void;
    readonly others: Readable<readonly Member<P>[]>;
}

const NOBODY: readonly never[] = Object.freeze([]);

export class PresenceHandle implements Presence<unknown> {
    readonly others = new Cell<readonly Member<unknown>[]>(NOBODY);
    private state: { [key: string]: Json } = {};

    constructor(private readonly send: (state: Json) => void) {}

    set(state: { [key: string]: unknown }): void {
        const next = normalize({ ...this.state, ...state }) as { [key: string]: Json };
        this.state = next;
        this.send(next);
    }
    /** Members that did not change keep their identity. */
    update(members: Iterable<MemberFrame>, self: string): void {
        const old = new Map(this.others.value.map(m => [m.id, m]));
        const next: Member<unknown>[] = [];
        for (const m of members) {
            if (m.id === self) continue;
            const before = old.get(m.id);
            next.push(before && before.user === m.user && equal(before.state as Json, m.state) ? before : Object.freeze({ ...m }));
        }
        const same = next.length === this.others.value.length && next.every((m, i) => m === this.others.value[i]);
        if (!same) this.others.set(Object.freeze(next));
    }
}
