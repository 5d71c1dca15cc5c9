import type { Channel, Def, Handles, Schema, Select, Values } from '@tandem/client';
import { useEffect, useState } from 'react';
import { useClient } from './context.js';
import { sharedChannel } from './shared.js';
import { useValue, type Maybe, type SkipOptions } from './store.js';

export interface ChannelOptions<S extends Schema> extends SkipOptions {
    /** The parts of the record that are followed; may change from one rendering to the next. */
    readonly select?: Select<Handles<S>>;
    /** Suspends until the record is there: the device's copy, else the server's. */
    readonly suspense?: boolean;
}

/**
 * The channel `id` of a namespace, shared by all components of the client that name it. It is closed a while after the last
 * of them is gone. Components that select different parts follow them together.
 */
export function useChannel<S extends Schema, P>(
    def: Def<S, P>, id: string, options?: ChannelOptions<S> & { readonly skip?: false },
): Channel<S, P>;
export function useChannel<S extends Schema, P>(def: Def<S, P>, id: Maybe<string>, options?: ChannelOptions<S>): Channel<S, P> | undefined;
export function useChannel<S extends Schema, P>(
    def: Def<S, P>, id: Maybe<string>, { select, skip, suspense }: ChannelOptions<S> = {},
): Channel<S, P> | undefined {
    const client = useClient();
    const off = skip || id === null || id === undefined;
    const shared = off ? undefined : sharedChannel(client, def as Def<Schema, P>, id, select as Select<unknown> | undefined);
    const key = shared?.selectionKey(select);
    const [, again] = useState<unknown>();
    useEffect(() => {
        if (off) return undefined;
        // The one of the rendering may have been closed since.
        const now = sharedChannel(client, def as Def<Schema, P>, id, select as Select<unknown> | undefined);
        if (now !== shared) again(now);
        return now.hold(select);
        // `key` stands for `select`, which is a new function at each rendering.
    }, [client, def, id, off, key, shared]);
    if (suspense && shared?.state === 'waiting') throw shared.ready;
    if (suspense && shared?.state === 'refused') throw shared.error;
    return shared?.channel as Channel<S, P> | undefined;
}

/** What a channel's record shows. Parts that did not change keep their identity. */
export function useRecord<S extends Schema, P>(channel: Channel<S, P>, options?: { readonly skip?: false }): Values<S>;
export function useRecord<S extends Schema, P>(channel: Maybe<Channel<S, P>>, options?: SkipOptions): Values<S> | undefined;
export function useRecord<S extends Schema, P>(channel: Maybe<Channel<S, P>>, options?: SkipOptions): Values<S> | undefined {
    return useValue(channel, options);
}
