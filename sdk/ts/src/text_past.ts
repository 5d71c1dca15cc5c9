import { Api, named, type Answer } from './api.js';
import type { AnyChannel, Channel, ChannelHandle } from './channel.js';
import type { Schema } from './schema.js';
import type { Options } from './write.js';

/** A state of a text that the server keeps. */
export interface TextVersion {
    /** null: kept by the server itself, and named by its seq. */
    readonly name: string | null;
    /** `before_restore` is what a restore replaced. */
    readonly kind: 'named' | 'automatic' | 'before_restore';
    readonly seq: number;
    /** When the text was last changed before it. */
    readonly changed: Date;
    readonly created: Date;
    /** Bytes that it takes on the server's disk. */
    readonly size: number;
}
/** What has come of one shared type between two states. */
export interface TextChange {
    readonly root: string;
    /** From the root to it: keys of maps, positions in lists. */
    readonly path: readonly (string | number)[];
    /** Of a text or list: `insert`, `delete` and `retain`, as Quill has it. */
    readonly delta: readonly { readonly [name: string]: unknown }[];
    /** The client of Yjs that made each insertion of `delta`, in their order. */
    readonly by: readonly number[];
    /** Of a map, or attributes. */
    readonly keys: { readonly [key: string]: { readonly action: string } };
}

/** The past of a text, as far as the server keeps it. It is asked of the server, so all of this needs a connection. */
export interface TextPast {
    /** Those with names, and those that the server keeps by itself; the oldest first. */
    versions(options?: Options): Promise<readonly TextVersion[]>;
    /** Names the newest state, or the one at `seq`. Throws `version_exists`. */
    saveVersion(name: string, seq?: number, options?: Options): Promise<{ readonly seq: number }>;
    /** By its name, or one without a name by its seq. */
    deleteVersion(version: number | string, options?: Options): Promise<void>;
    /** The text as of an entry or a named version, as an update: `Y.applyUpdate(new Y.Doc(), update)`. Throws `not_found` and `state_gone`. */
    at(version: number | string, options?: Options): Promise<Uint8Array>;
    /** What has come of it since a state, up to another one or the newest. */
    changesBetween(from: number | string, to?: number | string, options?: Options): Promise<readonly TextChange[]>;
    /** Brings a state back, as an edit of the server's; what it replaces is kept as a version. The entry that it was stored as. */
    restore(version: number | string, options?: Options): Promise<{ readonly seq: number }>;
}

class ChannelTextPast implements TextPast {
    private readonly api: Api;
    private readonly which: string;

    constructor(channel: ChannelHandle, name: string) {
        this.api = new Api(channel);
        this.which = `?name=${encodeURIComponent(name)}`;
    }

    async versions(options?: Options): Promise<readonly TextVersion[]> {
        const { versions } = (await this.api.ask('GET', `/text-versions${this.which}`, options)) as { versions: readonly Answer[] };
        return versions.map(row => ({
            name: row['name'], kind: row['kind'], seq: row['seq'],
            changed: new Date(row['changed_ms']), created: new Date(row['created_ms']), size: row['bytes'],
        }));
    }
    async saveVersion(name: string, seq?: number, options?: Options): Promise<{ seq: number }> {
        const content = { 'name': name, ...(seq === undefined ? {} : { 'at': seq }) };
        return { seq: (await this.api.ask('POST', `/text-versions${this.which}`, options, content))['seq'] };
    }
    async deleteVersion(version: number | string, options?: Options): Promise<void> {
        await this.api.ask('DELETE', `/text-versions${this.which}&${named(version)}`, options);
    }
    async at(version: number | string, options?: Options): Promise<Uint8Array> {
        return this.api.bytes(`/text${this.which}&as=update&${named(version)}`, options);
    }
    async changesBetween(from: number | string, to?: number | string, options?: Options): Promise<readonly TextChange[]> {
        const range = moment('from', from) + (to === undefined ? '' : moment('to', to));
        const { changes } = (await this.api.ask('GET', `/text-changes${this.which}${range}`, options)) as { changes: readonly Answer[] };
        return changes.map(row => ({
            root: row['root'], path: row['path'], delta: row['delta'] ?? [], by: row['by'] ?? [], keys: row['keys'] ?? {},
        }));
    }
    async restore(version: number | string, options?: Options): Promise<{ seq: number }> {
        const content = typeof version === 'number' ? { 'at': version } : { 'version': version };
        return { seq: (await this.api.ask('POST', `/text-restore${this.which}`, options, content))['seq'] };
    }
}

const moment = (name: string, version: number | string): string =>
    typeof version === 'number' ? `&${name}=${version}` : `&${name}_version=${encodeURIComponent(version)}`;

/** The past of a text of a channel: its versions, what came in between, and bringing one back. */
export function textPastOf<S extends Schema, P>(channel: Channel<S, P>, name?: string): TextPast;
export function textPastOf(channel: AnyChannel, name?: string): TextPast;
export function textPastOf(channel: object, name = 'main'): TextPast {
    return new ChannelTextPast(channel as ChannelHandle, name);
}
