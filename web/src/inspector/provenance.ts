import type { EntryRow, Json } from './api.ts';

// Who last wrote what, as far as the log that was read tells it.

// Ops that write everything below their path.
const kWhole = new Set(['set', 'assign', 'insert', 'delete']);

export interface Origin { readonly seq: number; readonly actor: number | string }

export function escape_key(key: string): string {
    const escaped = key.replaceAll('~', '~0').replaceAll('/', '~1');
    return escaped.startsWith('@') ? `~2${escaped.slice(1)}` : escaped;
}

function join(path: string, segment: string): string {
    return path === '' ? segment : `${path}/${segment}`;
}

export class Provenance {
    private readonly at_ = new Map<string, Origin>();    // The newest write at or below the path.
    private readonly whole_ = new Map<string, Origin>(); // The newest write that carried all below it.
    private last_ = 0;

    /** Entries come in the order of `seq`; one that was seen is skipped. */
    add(entries: readonly EntryRow[]): void {
        for (const entry of entries) {
            if (entry.seq <= this.last_) continue;
            this.last_ = entry.seq;
            const origin = { seq: entry.seq, actor: entry.actor };
            for (const op of entry.ops ?? []) {
                const path = (op.path ?? '').replace(/^\//, '');
                if (kWhole.has(op.op)) this.whole_.set(path, origin);
                const segments = path === '' ? [] : path.split('/');
                for (let n = 0; n <= segments.length; n += 1) this.at_.set(segments.slice(0, n).join('/'), origin);
            }
        }
    }

    of(path: string): Origin | null {
        let best = this.at_.get(path) ?? null;
        const segments = path.split('/');
        for (let n = 0; n < segments.length; n += 1) {
            const above = this.whole_.get(segments.slice(0, n).join('/'));
            if (above && (!best || above.seq > best.seq)) best = above;
        }
        return best;
    }
}

export interface TreeChild { readonly label: string; readonly path: string; readonly value: Json }

/** What is inside a value: keys of a map, items of a list (which carry an `id`), elements of any other array. */
export function children_of(path: string, value: Json): TreeChild[] {
    if (Array.isArray(value)) {
        return value.map((child, i) => {
            const id = typeof child === 'object' && child !== null && !Array.isArray(child) ? child['id'] : undefined;
            if (typeof id !== 'string') return { label: String(i), path, value: child };
            const { id: _, ...rest } = child as { [key: string]: Json };
            return { label: `@${id}`, path: join(path, `@${id.replaceAll('~', '~0').replaceAll('/', '~1')}`), value: rest };
        });
    }
    if (typeof value === 'object' && value !== null) {
        return Object.entries(value).map(([key, child]) => ({ label: key, path: join(path, escape_key(key)), value: child }));
    }
    return [];
}
