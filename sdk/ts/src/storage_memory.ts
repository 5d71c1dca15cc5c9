import type { OutboxRow, OutboxStorage, StoredChange, StoredChannel, StoredPush, StoredState } from './outbox.js';

interface Row {
    id: string;
    actor: number;
    channels: Map<string, StoredChannel>;
}

/** Outboxes that end with the page; for where there is no IndexedDB. */
export class MemoryStorage implements OutboxStorage {
    private readonly rows = new Map<string, Row>();

    async outboxes(): Promise<OutboxRow[]> {
        return [...this.rows.values()].map(({ id, actor }) => ({ id, actor }));
    }
    async create(id: string): Promise<void> {
        this.rows.set(id, { id, actor: 0, channels: new Map() });
    }
    async setActor(id: string, actor: number): Promise<void> {
        this.rows.get(id)!.actor = actor;
    }
    async waiting(id: string): Promise<string[]> {
        return [...(this.rows.get(id)?.channels ?? [])].filter(([, c]) => c.pushes.length > 0).map(([name]) => name);
    }
    async load(id: string, channel: string): Promise<StoredChannel> {
        return this.rows.get(id)?.channels.get(channel) ?? { lane: undefined, pushes: [], state: undefined };
    }
    async newest(channel: string): Promise<StoredState | undefined> {
        let best: StoredState | undefined;
        for (const row of this.rows.values()) {
            const state = row.channels.get(channel)?.state;
            if (state && (!best || state.seq > best.seq)) best = state;
        }
        return best;
    }
    async write(id: string, channel: string, change: StoredChange): Promise<void> {
        const row = this.rows.get(id);
        if (!row) return;
        const old = row.channels.get(channel) ?? { lane: undefined, pushes: [], state: undefined };
        const pushes = new Map<number, StoredPush>(change.clear ? [] : old.pushes.map(p => [p.counter, p]));
        for (const counter of change.drop ?? []) pushes.delete(counter);
        for (const push of change.put ?? []) pushes.set(push.counter, push);
        row.channels.set(channel, {
            lane: change.lane ?? old.lane,
            pushes: [...pushes.values()].sort((a, b) => a.counter - b.counter),
            state: change.state === null ? undefined : (change.state ?? old.state),
        });
        if (change.actor !== undefined) row.actor = change.actor;
        const other = change.clearOther !== undefined ? this.rows.get(change.clearOther) : undefined;
        const there = other?.channels.get(channel);
        if (there) other!.channels.set(channel, { ...there, pushes: [] });
    }
    close(): void {}
}
