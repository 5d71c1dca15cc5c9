import type { OutboxRow, OutboxStorage, StoredChange, StoredChannel } from './outbox.js';

const NOTHING: StoredChannel = { lane: undefined, pushes: [], state: undefined };

/**
 * One outbox that ends with the page; for where there is no IndexedDB. Pushes are not kept: a channel whose pushes wait
 * is not closed before they are sent, and nobody else could take them over.
 */
export class MemoryStorage implements OutboxStorage {
    private readonly channels = new Map<string, StoredChannel>();

    async outboxes(): Promise<OutboxRow[]> {
        return [];
    }
    async setActor(): Promise<void> {}
    async waiting(): Promise<string[]> {
        return [];
    }
    async load(_id: string, channel: string): Promise<StoredChannel> {
        return this.channels.get(channel) ?? NOTHING;
    }
    async newest(): Promise<undefined> {}
    async write(_id: string, channel: string, { lane, state }: StoredChange): Promise<void> {
        const old = this.channels.get(channel) ?? NOTHING;
        this.channels.set(channel, { pushes: [], lane: lane ?? old.lane, state: state === null ? undefined : (state ?? old.state) });
    }
    close(): void {}
}
