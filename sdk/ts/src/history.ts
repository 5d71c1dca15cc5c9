import type { AnyChannel, Channel, ChannelHandle, Recorder } from './channel.js';
import { again } from './difference.js';
import type { Host } from './handles.js';
import {
    OP_ADD, OP_ASSIGN, OP_COUNTER_SET, OP_DELETE, OP_INC, OP_INSERT, OP_MOVE, OP_REMOVE, OP_SET, BASE_NONE, DOT_NONE,
    type Draft,
} from './ops.js';
import { Cell, type Readable } from './store.js';
import { equal, type Json } from './value.js';
import { COUNTER, Edit, SET, nodeAt, shownJson, type Node } from './view.js';
import type { Write } from './write.js';

export interface CanUndo {
    readonly undo: boolean;
    readonly redo: boolean;
    /** Labels of the steps that would be undone and redone. */
    readonly undoLabel?: string | undefined;
    readonly redoLabel?: string | undefined;
}
export interface Undo {
    /** Takes my latest step back where it still shows; what others wrote over it stays. */
    undo(): Write | undefined;
    redo(): Write | undefined;
    readonly can: Readable<CanUndo>;
}

/** One op with what its path showed before and after. */
interface Step {
    readonly op: Draft;
    readonly before: Node | undefined;
    readonly after: Node | undefined;
}
interface Entry {
    readonly steps: readonly Step[];
    readonly label: string | undefined;
    readonly write: Write;
}
const STEPS_MAX = 100;

/** Undo and redo of this channel's own edits, for the life of the page. */
export class History implements Undo, Recorder {
    private readonly undos: Entry[] = [];
    private readonly redos: Entry[] = [];
    private mode: 'edit' | 'undo' | 'redo' = 'edit';
    private modeLabel: string | undefined;
    readonly can = new Cell<CanUndo>({ undo: false, redo: false });

    constructor(private readonly host: Host) {}

    /** Told of every own entry, with the view before it. */
    record(view: Node, ops: readonly Draft[], label: string | undefined, write: Write): void {
        const edit = new Edit(view);
        const steps = ops.map(op => {
            const before = nodeAt(edit.root, op.path);
            // Each op has an edit of its own, so that the nodes kept here never change.
            const next = new Edit(edit.root);
            next.op({ ...op, base: BASE_NONE }, DOT_NONE);
            edit.root = next.root;
            return { op, before, after: nodeAt(edit.root, op.path) };
        });
        const stack = this.mode === 'undo' ? this.redos : this.undos;
        stack.push({ steps, label: this.mode === 'edit' ? label : this.modeLabel, write });
        if (stack.length > STEPS_MAX) stack.shift();
        if (this.mode === 'edit') this.redos.length = 0;
        this.tell();
    }
    /** A refused edit never happened. */
    forget(write: Write): void {
        for (const stack of [this.undos, this.redos]) {
            const at = stack.findIndex(entry => entry.write === write);
            if (at >= 0) stack.splice(at, 1);
        }
        this.tell();
    }
    undo(): Write | undefined {
        return this.back(this.undos, 'undo');
    }
    redo(): Write | undefined {
        return this.back(this.redos, 'redo');
    }
    private back(stack: Entry[], mode: 'undo' | 'redo'): Write | undefined {
        const entry = stack.pop();
        if (!entry) return undefined;
        let changed = false;
        this.mode = mode;
        this.modeLabel = entry.label;
        try {
            const write = this.host.transact(() => {
                for (const step of [...entry.steps].reverse()) {
                    const ops = inverse(step, this.host.view);
                    if (ops.length) this.host.commit(ops);
                    changed ||= ops.length > 0;
                }
            });
            return changed ? write : undefined;
        } finally {
            this.mode = 'edit';
            this.tell();
        }
    }
    private tell(): void {
        const undo = this.undos[this.undos.length - 1];
        const redo = this.redos[this.redos.length - 1];
        const now = { undo: !!undo, redo: !!redo, undoLabel: undo?.label, redoLabel: redo?.label };
        if (!equal(now as unknown as Json, this.can.value as unknown as Json)) this.can.set(now);
    }
}

const shows = (a: Node | undefined, b: Node | undefined): boolean =>
    a === b || (a?.kind === b?.kind && a?.position === b?.position && equal(shownJson(a), shownJson(b)));

function inverse({ op, before, after }: Step, view: Node): Draft[] {
    const { path } = op;
    const now = nodeAt(view, path);
    switch (op.kind) {
        case OP_INC:
            return [{ kind: OP_INC, path, value: -Number(op.value) }];
        case OP_COUNTER_SET:
            return [{ kind: OP_INC, path, value: (before?.kind === COUNTER ? Number(before.value) : 0) - Number(op.value) }];
        case OP_ADD:
        case OP_REMOVE: {
            const had = holds(before, op.value);
            if (had === holds(now, op.value)) return [];
            return [{ kind: had ? OP_ADD : OP_REMOVE, path, value: op.value }];
        }
        case OP_INSERT:
            return before ? [] : now ? [{ kind: OP_DELETE, path }] : [];
        case OP_MOVE:
            if (!before || !now || now.position !== after?.position || before.position === undefined) return [];
            return [{ kind: OP_MOVE, path, position: before.position }];
        case OP_SET:
        case OP_ASSIGN:
        case OP_DELETE:
            if (!shows(now, after)) return [];
            return before ? again(path, before) : now ? [{ kind: OP_DELETE, path }] : [];
        default:
            return [];
    }
}

function holds(node: Node | undefined, value: Json | undefined): boolean {
    return node?.kind === SET && [...node.elements.values()].some(v => equal(v, value));
}

/** The history of a channel, kept from the first call on: steps before it cannot be undone. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function historyOf(channel: Channel<any, any> | AnyChannel): Undo {
    const handle = channel as unknown as ChannelHandle;
    return (handle.recorder ??= new History(handle)) as History;
}
