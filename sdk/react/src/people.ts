import type { Channel, Member } from '@tandem/client';
import { useCallback, useEffect, useState } from 'react';
import { useValue, type Maybe, type SkipOptions } from './store.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Of<P> = Maybe<Channel<any, P>>;

/** What this device shows of itself on the channel, and how to change parts of it. `initial` is shown from mounting on. */
export function usePresence<P>(channel: Of<P>, initial?: Partial<P>, { skip }: SkipOptions = {}): [Partial<P>, (state: Partial<P>) => void] {
    const [mine, setMine] = useState<Partial<P>>(initial ?? {});
    const followed = skip ? undefined : channel;
    const update = useCallback(
        (state: Partial<P>) => {
            setMine(before => ({ ...before, ...state }));
            followed?.presence.set(state);
        },
        [followed],
    );
    useEffect(() => {
        if (initial) followed?.presence.set(initial);
        // Only what is given first is shown; changes go through the function.
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, [followed]);
    return [mine, update];
}

const NOBODY: readonly never[] = Object.freeze([]);

/** Who else is on the channel. */
export function useOthers<P>(channel: Of<P>, options?: SkipOptions): readonly Member<P>[] {
    return useValue(channel?.presence.others, options) ?? NOBODY;
}
