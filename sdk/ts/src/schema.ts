import { nameOf } from './path.js';
import { COUNTER, LIST, MAP, NONE, SET, itemsOf, shownJson, type Node } from './view.js';
import type { Counter, Field, List, MapField, ObjectField, SetField } from './handles.js';
import type { Json } from './value.js';

/** A field's type: `T` is what is read, `H` the handle. Phantoms only; at run time it is a Shape. */
export type Kind<T, H> = { readonly __t: T; readonly __h: H };
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Schema = { readonly [key: string]: Kind<any, any> };
export type Values<S> = { readonly [K in keyof S]: S[K] extends Kind<infer T, any> ? T : never };
export type Handles<S> = { readonly [K in keyof S]: S[K] extends Kind<any, infer H> ? H : never };

/** A namespace's schema, as `tandem types --ts` writes it. `P` is the state of presence. */
export interface Def<S extends Schema, P> {
    readonly namespace: string;
    readonly fields: S;
    readonly __p?: P;
}

export type Shape =
    | { readonly k: 'field'; readonly d: Json }
    | { readonly k: 'counter' }
    | { readonly k: 'set' }
    | { readonly k: 'list'; readonly s: Shapes }
    | { readonly k: 'object'; readonly s: Shapes }
    | { readonly k: 'map'; readonly of: Shape };
export type Shapes = { readonly [key: string]: Shape };

const kind = <T, H>(shape: object): Kind<T, H> => shape as Kind<T, H>;

/** The vocabulary of schemas. */
export const f = {
    string: (unset = ''): Kind<string, Field<string>> => kind({ k: 'field', d: unset }),
    number: (unset = 0): Kind<number, Field<number>> => kind({ k: 'field', d: unset }),
    boolean: (unset = false): Kind<boolean, Field<boolean>> => kind({ k: 'field', d: unset }),
    /** Any JSON, kept and replaced whole; `unset` is read where nothing was written. */
    json: <T = Json>(unset: T = null as T): Kind<T, Field<T>> => kind({ k: 'field', d: unset }),
    counter: (): Kind<number, Counter> => kind({ k: 'counter' }),
    set: <T extends string | number = string>(): Kind<ReadonlySet<T>, SetField<T>> => kind({ k: 'set' }),
    list: <S extends Schema>(fields: S): Kind<readonly ({ id: string } & Values<S>)[], List<S>> => kind({ k: 'list', s: fields }),
    object: <S extends Schema>(fields: S): Kind<Values<S>, ObjectField<S>> => kind({ k: 'object', s: fields }),
    map: <T, H>(of: Kind<T, H>): Kind<{ readonly [key: string]: T }, MapField<T, H>> => kind({ k: 'map', of }),
};

const NO_ITEMS: readonly never[] = Object.freeze([]);
const NO_SET: ReadonlySet<never> = new Set<never>();
const unset = new WeakMap<object, unknown>();

/** What is read of a node under a shape; the same node gives the same object. */
export function read(shape: Shape | undefined, node: Node | undefined): unknown {
    if (!shape) return shownJson(node);
    if (shape.k === 'field') return shownJson(node) ?? shape.d;
    if (shape.k === 'counter') return node?.kind === COUNTER ? node.value : 0;
    if (shape.k === 'set' && node?.kind !== SET) return NO_SET;
    if (shape.k === 'list' && node?.kind !== LIST) return NO_ITEMS;
    if (!node) {
        if (!unset.has(shape)) unset.set(shape, make(shape, undefined));
        return unset.get(shape);
    }
    return cached(node, shape, () => make(shape, node));
}

function cached(node: Node, shape: object, build: () => unknown): unknown {
    if (!node.cached || node.shape !== shape) {
        node.shown = build();
        node.shape = shape;
        node.cached = true;
    }
    return node.shown;
}

function make(shape: Shape, node: Node | undefined): unknown {
    switch (shape.k) {
        case 'set':
            return new Set(shownJson(node) as Json[]);
        case 'list':
            return Object.freeze(itemsOf(node).map(item => readItem(shape.s, item.id, item.node)));
        case 'object':
            return Object.freeze(members(shape.s, node, {}));
        case 'map': {
            const out: Record<string, unknown> = {};
            if (node?.kind === MAP) for (const [segment, child] of node.children) out[nameOf(segment)] = read(shape.of, child);
            return Object.freeze(out);
        }
        default:
            return undefined;
    }
}

function members(shapes: Shapes, node: Node | undefined, out: Record<string, unknown>): Record<string, unknown> {
    for (const key of Object.keys(shapes)) out[key] = read(shapes[key], node?.kind === MAP ? node.children.get(key) : undefined);
    return out;
}

export function readItem(shapes: Shapes, id: string, node: Node | undefined): unknown {
    const build = (): unknown => Object.freeze(members(shapes, node, { id }));
    return node && node.kind !== undefined && (node.kind === MAP || node.kind === NONE) ? cached(node, shapes, build) : build();
}
