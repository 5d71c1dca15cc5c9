import type { OutboxRow, OutboxStorage, StoredChange, StoredChannel, StoredLane, StoredPush, StoredState } from './outbox.js';

/** Quoted, because these names are on the disk. */
const STORES = {
    'outbox': 'id',
    'lane': ['outbox', 'channel'],
    'push': ['outbox', 'channel', 'counter'],
    'state': ['channel', 'outbox'],
};
type PushRow = StoredPush & { outbox: string; channel: string };
type LaneRow = StoredLane & { outbox: string; channel: string };
type StateRow = StoredState & { outbox: string; channel: string };

function done<T>(request: IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

/** Resolves when the transaction is committed, which is what survives the page. */
function committed(tx: IDBTransaction): Promise<void> {
    return new Promise((resolve, reject) => {
        tx.oncomplete = () => resolve();
        tx.onabort = tx.onerror = () => reject(tx.error);
    });
}

/** Outboxes in IndexedDB, one database per server and subject. */
export class IdbStorage implements OutboxStorage {
    private constructor(private readonly db: IDBDatabase) {
        db.onversionchange = () => db.close();
    }

    static async open(factory: IDBFactory, name: string): Promise<IdbStorage> {
        const request = factory.open(name, 1);
        request.onupgradeneeded = () => {
            for (const [store, keyPath] of Object.entries(STORES)) request.result.createObjectStore(store, { keyPath });
        };
        return new IdbStorage(await done(request));
    }

    private tx(mode: IDBTransactionMode): IDBTransaction {
        return this.db.transaction(Object.keys(STORES), mode);
    }
    private async edit(work: (tx: IDBTransaction) => void): Promise<void> {
        const tx = this.tx('readwrite');
        const end = committed(tx);
        work(tx);
        await end;
    }

    async outboxes(): Promise<OutboxRow[]> {
        return done<OutboxRow[]>(this.tx('readonly').objectStore('outbox').getAll());
    }
    setActor(id: string, actor: number): Promise<void> {
        return this.edit(tx => void tx.objectStore('outbox').put({ id, actor }));
    }
    async waiting(id: string): Promise<string[]> {
        const range = keysFrom([id], [id, []]);
        const keys = await done(this.tx('readonly').objectStore('push').getAllKeys(range));
        return [...new Set(keys.map(key => (key as string[])[1]!))];
    }
    async load(id: string, channel: string): Promise<StoredChannel> {
        const tx = this.tx('readonly');
        const lane = done<LaneRow | undefined>(tx.objectStore('lane').get([id, channel]));
        const pushes = done<PushRow[]>(tx.objectStore('push').getAll(keysFrom([id, channel], [id, channel, []])));
        const state = done<StateRow | undefined>(tx.objectStore('state').get([channel, id]));
        return { lane: await lane, pushes: await pushes, state: await state };
    }
    async newest(channel: string): Promise<StoredState | undefined> {
        const range = keysFrom([channel], [channel, []]);
        const rows = await done<StateRow[]>(this.tx('readonly').objectStore('state').getAll(range));
        return rows.sort((a, b) => b.seq - a.seq)[0];
    }
    write(outbox: string, channel: string, change: StoredChange): Promise<void> {
        return this.edit(tx => {
            const push = tx.objectStore('push');
            const all = (id: string) => keysFrom([id, channel], [id, channel, []]);
            if (change.clear) push.delete(all(outbox));
            for (const counter of change.drop ?? []) push.delete([outbox, channel, counter]);
            for (const row of change.put ?? []) push.put({ ...row, outbox, channel });
            if (change.lane) tx.objectStore('lane').put({ ...change.lane, outbox, channel });
            if (change.state) tx.objectStore('state').put({ ...change.state, outbox, channel });
            if (change.state === null) tx.objectStore('state').delete([channel, outbox]);
            if (change.actor !== undefined) tx.objectStore('outbox').put({ id: outbox, actor: change.actor });
            if (change.clearOther !== undefined) push.delete(all(change.clearOther));
        });
    }
    close(): void {
        this.db.close();
    }
}

/** From a prefix to its end: an empty array sorts behind every number and string. */
function keysFrom(low: IDBValidKey, high: IDBValidKey): IDBKeyRange {
    return IDBKeyRange.bound(low, high);
}
