import type { Counter, Field, Item, List, Place, Schema, Values, Write, WriteOptions } from '@tandem/client';
import { useCallback, useMemo } from 'react';
import { useValue, type Maybe, type SkipOptions } from './store.js';

const none = (): undefined => undefined;

/** A field's value and how to set it, like `useState`; the edit is shown at once and reaches everybody. */
export function useField<T>(field: Field<T>, options?: { readonly skip?: false }): [T, (value: T, options?: WriteOptions) => Write];
export function useField<T>(
    field: Maybe<Field<T>>, options?: SkipOptions,
): [T | undefined, (value: T, options?: WriteOptions) => Write | undefined];
export function useField<T>(
    field: Maybe<Field<T>>, options?: SkipOptions,
): [T | undefined, (value: T, options?: WriteOptions) => Write | undefined] {
    const set = useCallback((value: T, how?: WriteOptions) => field?.set(value, how), [field]);
    return [useValue(field, options), set];
}

/** A counter's number and how to add to it; additions of several people all count. */
export function useCounter(counter: Counter, options?: { readonly skip?: false }): [number, (n?: number) => Write];
export function useCounter(counter: Maybe<Counter>, options?: SkipOptions): [number | undefined, (n?: number) => Write | undefined];
export function useCounter(counter: Maybe<Counter>, options?: SkipOptions): [number | undefined, (n?: number) => Write | undefined] {
    const add = useCallback((n?: number) => counter?.add(n), [counter]);
    return [useValue(counter, options), add];
}

export interface UsedList<S> {
    readonly items: readonly ({ id: string } & Values<S>)[];
    /** How many there are, also outside of the windows that are followed. */
    readonly total: number;
    insert(value: Values<S>, at?: Place): Item<S> | undefined;
    /** To write to an item, move it or remove it. */
    item(id: string): Item<S> | undefined;
}
const NO_ITEMS: readonly never[] = Object.freeze([]);

/** A list's items and its verbs. */
export function useList<S extends Schema>(list: Maybe<List<S>>, options?: SkipOptions): UsedList<S> {
    const items = useValue(list, options) ?? NO_ITEMS;
    const total = useValue(useMemo(() => list?.total, [list]), options) ?? 0;
    return useMemo(
        () => ({ items, total, insert: list ? (value, at) => list.insert(value, at) : none, item: list ? id => list.item(id) : none }),
        [list, items, total],
    );
}
