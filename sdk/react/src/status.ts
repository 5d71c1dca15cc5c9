import type { Readable, SyncStatus } from '@tandem/client';
import { useClient } from './context.js';
import { useValue, type Maybe, type SkipOptions } from './store.js';

/** Whether the client's connection is `online`, `connecting` or `offline`. */
export function useConnectionState(): SyncStatus['link'] {
    return useValue(useClient().status).link;
}

/** Of a channel; without an argument of all channels of the client: what waits, and whether all is saved and seen. */
export function useSyncStatus(channel?: Maybe<{ readonly status: Readable<SyncStatus> }>, options?: SkipOptions): SyncStatus {
    const client = useClient();
    const of = options?.skip ? client : (channel ?? client);
    return useValue(of.status);
}
