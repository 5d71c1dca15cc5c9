import type { Context } from './context.ts';
import type { Figures } from './figures.ts';
import type { People } from './people.ts';

// How long until another window shows an edit: whoever shows a change tells its number and the time by a lossy signal, and the
// author compares that with when the edit was made. Clocks of two machines differ, so a time outside the edit's own round trip is left out.

const kKept = 64;
const kTellEveryMs = 60;

function now_ms(): number {
    return performance.timeOrigin + performance.now();
}

class Recent<V> {
    private readonly map_ = new Map<number, V>();
    set(key: number, value: V): void {
        this.map_.set(key, value);
        if (this.map_.size > kKept) this.map_.delete(this.map_.keys().next().value as number);
    }
    take(key: number): V | undefined {
        const value = this.map_.get(key);
        this.map_.delete(key);
        return value;
    }
}

export class Seen {
    private readonly made_ = new Recent<number>();
    private readonly early_ = new Recent<{ at: number; by: string }>();
    private next_tell_ = 0;

    constructor(private readonly ctx_: Context, private readonly figures_: Figures, private readonly people_: People) {
        void this.listen();
        void this.tell();
    }

    /** The write made at `performance.now() == started` became entry `seq`. */
    made(seq: number, started: number): void {
        const at = performance.timeOrigin + started;
        const early = this.early_.take(seq);
        if (early) this.compare(at, early);
        else this.made_.set(seq, at);
    }

    private compare(made: number, seen: { at: number; by: string }): void {
        const took = seen.at - made;
        if (took >= 0 && seen.at <= now_ms() + 1) this.figures_.seen(took, this.people_.name_of(seen.by));
    }

    private async listen(): Promise<void> {
        for await (const { from, value } of this.ctx_.board.signals('seen')) {
            const { seq, at } = (value ?? {}) as { seq?: unknown; at?: unknown };
            if (typeof seq !== 'number' || typeof at !== 'number') continue;
            const made = this.made_.take(seq);
            if (made === undefined) this.early_.set(seq, { at, by: from });
            else this.compare(made, { at, by: from });
        }
    }

    private async tell(): Promise<void> {
        for await (const change of this.ctx_.board.changes()) {
            const now = now_ms();
            if (change.local || now < this.next_tell_ || this.people_.count === 0) continue;
            this.next_tell_ = now + kTellEveryMs;
            this.ctx_.board.signal('seen', { seq: change.seq, at: now });
        }
    }
}
