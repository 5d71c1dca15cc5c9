import { EPOCH_NONE, type Epoch } from './bytes.js';
import { decodeAll, encodeAll, spec } from './fields.js';
import type { Path } from './path.js';
import type { Json } from './value.js';

export const OP_SET = 1;
export const OP_DELETE = 2;
export const OP_ASSIGN = 3;
export const OP_INC = 4;
export const OP_COUNTER_SET = 5;
export const OP_ADD = 6;
export const OP_REMOVE = 7;
export const OP_INSERT = 8;
export const OP_MOVE = 9;

/** `(actor, counter)` of an entry; actor 0 stands for this outbox. */
export type Dot = readonly [actor: number, counter: number];
export const DOT_NONE: Dot = [0, 0];

/** The view on which an op was made. */
export interface Base {
    readonly epoch: Epoch;
    readonly seq: number;
}
export const BASE_NONE: Base = { epoch: EPOCH_NONE, seq: 0 };

export interface Op {
    readonly kind: number;
    readonly path: Path;
    readonly value?: Json | undefined;
    readonly position?: string | undefined;
    readonly generation?: Dot | undefined;
    readonly seen?: number | undefined;
    /** Of a `set`: it settles a conflict. */
    readonly decides?: boolean | undefined;
    readonly base: Base;
}

/** An op whose author's view is not told yet. */
export type Draft = Omit<Op, 'base'>;

const OP = spec({
    kind: 'n', path: 'p', value: 'w', position: 'u', actor: 'n', counter: 'n', seen: 'i', epoch: 'e', seq: 'n', seenSeq: 'n', resolver: 'n',
    declared: 'o', decides: 'o',
});

/** The body of a push. The bytes are kept as they are, because the server compares digests of retries. */
export function encodeOps(ops: readonly Op[]): Uint8Array {
    return encodeAll(OP, ops.map(op => ({ ...op, actor: op.generation?.[0], counter: op.generation?.[1], ...op.base })));
}

export function decodeOps(bytes: Uint8Array): Op[] {
    return decodeAll(OP, bytes).map(raw => {
        const { kind, path = [], value, position, actor, counter, seen, epoch, seq, decides } = raw as unknown as Op & Base & { actor: number; counter: number };
        const counts: Partial<Op> = kind === OP_COUNTER_SET ? { generation: [actor, counter], seen } : {};
        return { kind, path, value, position, decides, ...counts, base: { epoch, seq } };
    });
}

/** The same ops for another outbox: names of own pushes are rewritten, everything else stays. */
export function renameOwn(ops: readonly Op[], rename: (counter: number) => Dot): Op[] {
    return ops.map(op =>
        op.generation && op.generation[0] === 0 && op.generation[1] !== 0
            ? { ...op, generation: rename(op.generation[1]) }
            : op,
    );
}
