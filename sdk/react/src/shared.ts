import type { Channel, Client, Def, Schema, Select } from '@tandem/client';

/** How long a channel outlives its last component: remounting, StrictMode and route changes do not reopen it. */
const LINGER_MS = 1_000;

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Any = any;
type Part = ReturnType<Select<Any>>[number];

/** One part as a text that is equal for equal parts. Handles of fields carry their path as segments. */
function keyOf(part: Part): string {
    const { path, window } = part as unknown as { path: string | readonly string[]; window?: readonly [number, number] };
    return JSON.stringify(typeof path === 'string' ? [path, window] : [path.join('/')]);
}
const keyOfAll = (parts: readonly Part[] | undefined): string => (parts?.length ? parts.map(keyOf).join() : '');

/** A channel that the components of a client share, with what they select together. */
export class SharedChannel {
    readonly channel: Channel<Any, Any>;
    /** Settles once, when the channel is ready or was refused. */
    readonly ready: Promise<void>;
    state: 'waiting' | 'ready' | 'refused' = 'waiting';
    error: unknown;
    private readonly users = new Map<object, readonly Part[] | undefined>();
    private timer: ReturnType<typeof setTimeout> | undefined;
    private selected: string;

    constructor(client: Client, def: Def<Schema, Any>, id: string, select: Select<Any> | undefined, private readonly closed: () => void) {
        this.channel = client.channel(def, id, select ? { select } : {});
        this.selected = keyOfAll(this.parts(select));
        this.ready = this.channel.ready().then(
            () => void (this.state = 'ready'),
            (error: unknown) => {
                this.state = 'refused';
                this.error = error;
            },
        );
        // A component that suspends before it is mounted never lets go; the first answer is waited for in any case.
        void this.ready.then(() => this.linger());
    }
    parts(select: Select<Any> | undefined): readonly Part[] | undefined {
        return select?.(this.channel.fields);
    }
    /** What a component's selection is known by, so that an equal one changes nothing. */
    selectionKey(select: Select<Any> | undefined): string {
        return keyOfAll(this.parts(select));
    }
    /** Held by a mounted component until the returned function is called. */
    hold(select: Select<Any> | undefined): () => void {
        const user = {};
        this.users.set(user, this.parts(select));
        this.reselect();
        clearTimeout(this.timer);
        return () => {
            this.users.delete(user);
            this.linger();
        };
    }
    private linger(): void {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => {
            if (this.users.size) return this.reselect();
            this.closed();
            void this.channel.close();
        }, LINGER_MS);
        // A timer that only tidies up keeps no process alive.
        (this.timer as { unref?: () => void }).unref?.();
    }
    private reselect(): void {
        const all = [...this.users.values()];
        const parts = all.every(part => part?.length) ? all.flatMap(part => part!) : [];
        const key = keyOfAll(parts);
        if (key === this.selected) return;
        this.selected = key;
        // What is refused is told to the client's `onRefused`.
        this.channel.select(() => parts).catch(() => {});
    }
}

const shared = new WeakMap<Client, Map<string, SharedChannel>>();

/** The shared channel, made by whoever asks first, also while rendering. */
export function sharedChannel(client: Client, def: Def<Schema, Any>, id: string, select?: Select<Any>): SharedChannel {
    let channels = shared.get(client);
    if (!channels) shared.set(client, (channels = new Map()));
    const name = `${def.namespace}:${id}`;
    let one = channels.get(name);
    if (!one) {
        const known = channels;
        one = new SharedChannel(client, def, id, select, () => known.delete(name));
        channels.set(name, one);
    }
    return one;
}
