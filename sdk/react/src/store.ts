import type { Readable } from '@tandem/client';
import { useCallback, useRef, useSyncExternalStore } from 'react';

/** A hook with `skip` does nothing and returns undefined, like one that is given nothing. */
export interface SkipOptions {
    readonly skip?: boolean;
}
export type Maybe<T> = T | null | undefined;

function alike(a: unknown, b: unknown): boolean {
    if (Object.is(a, b)) return true;
    if (typeof a !== 'object' || typeof b !== 'object' || !a || !b || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (a instanceof Set || Array.isArray(a)) return false;
    const keys = Object.keys(a);
    const same = (key: string): boolean => Object.is((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]);
    return keys.length === Object.keys(b).length && keys.every(same);
}

const nothing = (): void => {};

/** The value of any store of the client: a field, a list, a channel, `history.can`, `board.conflicts`, … */
export function useValue<T>(store: Readable<T>, options?: { readonly skip?: false }): T;
export function useValue<T>(store: Maybe<Readable<T>>, options?: SkipOptions): T | undefined;
export function useValue<T>(store: Maybe<Readable<T>>, { skip }: SkipOptions = {}): T | undefined {
    const followed = skip ? undefined : (store ?? undefined);
    // A store may make its value anew at each look; what is alike is the same to React.
    const last = useRef<T | undefined>(undefined);
    const subscribe = useCallback((told: () => void) => followed?.subscribe(told) ?? nothing, [followed]);
    const look = (): T | undefined => {
        const now = followed?.value;
        if (!alike(last.current, now)) last.current = now;
        return last.current;
    };
    return useSyncExternalStore(subscribe, look, look);
}
