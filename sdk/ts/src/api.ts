import type { ChannelHandle } from './channel.js';
import { TandemError, type ErrorCode } from './errors.js';
import type { Options } from './write.js';

/** The HTTP API of a channel, for what is asked of the server and not followed. */

/** What the server says; the names in it are the API's own, so they are quoted. */
export interface Answer {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    readonly [name: string]: any;
}

export class Api {
    private readonly address: string;

    constructor(private readonly channel: ChannelHandle) {
        const url = new URL(channel.client.url);
        url.protocol = url.protocol.replace('ws', 'http');
        url.pathname = url.pathname.replace(/connection\/websocket$/, '') + 'api/v1/channels/' + encodeURIComponent(channel.name);
        url.search = '';
        this.address = url.href;
    }

    async ask(method: string, what: string, options?: Options, content?: object): Promise<Answer> {
        return (await (await this.fetch(method, what, options, content)).json().catch(() => ({}))) as Answer;
    }
    async bytes(what: string, options?: Options): Promise<Uint8Array> {
        return new Uint8Array(await (await this.fetch('GET', what, options)).arrayBuffer());
    }

    private async fetch(method: string, what: string, { signal }: Options = {}, content?: object): Promise<Response> {
        const token = await this.channel.client.options.token?.();
        const headers = {
            ...(token ? { 'Authorization': `Bearer ${token}` } : {}),
            ...(content ? { 'Content-Type': 'application/json' } : {}),
        };
        const request = { 'method': method, 'headers': headers, 'signal': signal ?? null, 'body': content ? JSON.stringify(content) : null };
        const answer = await fetch(this.address + what, request).catch((error: unknown) => {
            if (signal?.aborted) throw signal.reason;
            throw new TandemError('connection_closed', `The server was not reached: ${String(error)}`, { temporary: true });
        });
        if (answer.ok) return answer;
        const told = (await answer.json().catch(() => ({}))) as Answer;
        const { code = 'internal', message, hint, docs, detail } = told['error'] ?? {};
        const more = { hint, docs, temporary: answer.status === 503 || answer.status === 507, channel: this.channel.name };
        throw Object.assign(new TandemError(code as ErrorCode, message, more), { 'detail': detail });
    }
}

export const named = (version: number | string): string =>
    typeof version === 'number' ? `at=${version}` : `version=${encodeURIComponent(version)}`;
