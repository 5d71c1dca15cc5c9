import type { Delta } from './changes.js';
import type { Host } from './handles.js';
import { OP_ASSIGN, OP_COUNTER_SET, OP_MOVE, OP_SET, type Draft } from './ops.js';
import { pathText } from './path.js';
import { isObject, normalize, type Json } from './value.js';
import { COUNTER, nodeAt, shownJson, type Node } from './view.js';
import type { Write } from './write.js';

/** Writes that were made at once at one place, of which one is shown. */
export interface Conflict {
    readonly path: string;
    readonly shown: Json;
    readonly losers: readonly { readonly value: Json; readonly by: string; readonly at: Date }[];
    /** Decides: everybody sees this value, and the conflict is closed. */
    resolve(value: Json): Write;
    /** Decides for one that lost. */
    restore(index: number): Write;
}

const POSITION = 2;
const TYPE = 3;
const GENERATION = 4;

/** The open rows of the journal, one conflict per path and sort. */
export function conflictsOf(rows: Iterable<Delta>, host: Host): readonly Conflict[] {
    const groups = new Map<string, Delta[]>();
    for (const row of rows) {
        // A value that folded away is one more loser of the field's own conflict.
        const sort = row.reason === POSITION || row.reason === TYPE || row.reason === GENERATION ? row.reason : 1;
        const key = `${sort} ${pathText(row.path)}`;
        groups.set(key, [...(groups.get(key) ?? []), row]);
    }
    return Object.freeze([...groups.values()].map(group => make(group, host)));
}

function make(group: readonly Delta[], host: Host): Conflict {
    const { path, reason } = group[0]!;
    const losers = group.map(row => ({ value: row.value, by: String(row.stampActor || row.dot[0]), at: new Date(row.stampMs) }));
    const node = nodeAt(host.view, path);
    const resolve = (value: Json): Write => host.commit([decision(reason, path, value, nodeAt(host.view, path))]);
    return {
        path: pathText(path),
        shown: (reason === POSITION ? node?.position : shownJson(node)) ?? null,
        losers,
        resolve,
        restore: index => resolve(losers[index]!.value),
    };
}

function decision(reason: number, path: Delta['path'], given: Json, node: Node | undefined): Draft {
    const value = normalize(given);
    if (reason === POSITION) return { kind: OP_MOVE, path, position: String(value) };
    if (reason === GENERATION && node?.kind === COUNTER)
        return { kind: OP_COUNTER_SET, path, value: Number(value), generation: node.generation, seen: Number(node.value) };
    return { kind: reason === TYPE && isObject(value) ? OP_ASSIGN : OP_SET, path, value };
}
