// The reading half of the HTTP API, as far as the inspector uses it.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface ChannelRow {
    name: string; head: number; floor: number; bytes: number; changed_ms: number; members: number; subscribers: number;
}
export interface RecordAnswer { epoch: string | number; seq: number; hash: string; value: Json }
export interface OpRow { op: string; path: string; value?: Json; position?: string; at?: Json }
export interface EntryRow {
    seq: number; actor: number | string; counter: number; stamp?: [ms: number, logical: number] | { ms: number; logical: number };
    wall_ms?: number; ops: OpRow[];
}
export interface MemberRow { id: string; user: string; state: Json; connection: string | number }
export interface ConflictRow {
    path: string; reason: string; dot: Json; value: Json; stamp: Json; seq: number; closed_seq: number; shown?: Json;
}
export interface ConnectionRow {
    id: string | number; remote: string; codec: string; client: string; since_ms: number; channels: string[];
    bytes_in: number; bytes_out: number; pending_bytes: number;
}

export class ApiError extends Error {
    constructor(readonly status: number, message: string) {
        super(message);
    }
}

const kKeyName = 'tandem.api_key';

function api_key(): string {
    try {
        return sessionStorage.getItem(kKeyName) ?? '';
    } catch {
        return '';
    }
}

export function keep_api_key(key: string): void {
    try {
        sessionStorage.setItem(kKeyName, key);
    } catch {
        // The key then has to be typed again.
    }
}

async function ask(path: string, signal?: AbortSignal): Promise<Response> {
    const key = api_key();
    const response = await fetch(path, {
        headers: key === '' ? {} : { 'X-API-Key': key }, cache: 'no-store', ...(signal ? { signal } : {}),
    });
    if (response.ok) return response;
    const text = await response.text().catch(() => '');
    let message = text.slice(0, 200);
    try {
        const body = JSON.parse(text) as { message?: string; error?: { message?: string } };
        message = body.error?.message ?? body.message ?? message;
    } catch {
        // Not JSON: the text as it is.
    }
    throw new ApiError(response.status, message || `The server answered ${response.status}.`);
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return (await ask(path, signal)).json() as Promise<T>;
}

const channel_path = (name: string): string => `/api/v1/channels/${encodeURIComponent(name)}`;

export const api = {
    channels: (prefix: string, after: string, limit: number, signal?: AbortSignal) =>
        get<{ channels: ChannelRow[]; more: boolean }>(
            `/api/v1/channels?prefix=${encodeURIComponent(prefix)}&after=${encodeURIComponent(after)}&limit=${limit}`, signal),
    record: (name: string, signal?: AbortSignal) => get<RecordAnswer>(`${channel_path(name)}/record`, signal),
    entries: (name: string, after: number, limit: number, signal?: AbortSignal) =>
        get<{ entries: EntryRow[]; oldest: number; head: number }>(`${channel_path(name)}/entries?after=${after}&limit=${limit}`, signal),
    presence: (name: string, signal?: AbortSignal) => get<{ members: MemberRow[] }>(`${channel_path(name)}/presence`, signal),
    conflicts: (name: string, signal?: AbortSignal) => get<{ conflicts: ConflictRow[] }>(`${channel_path(name)}/conflicts?all=1`, signal),
    connections: (signal?: AbortSignal) => get<{ connections: ConnectionRow[] }>('/api/v1/connections', signal),
    health: (signal?: AbortSignal) => get<{ status: string; version?: string }>('/health', signal),
    metrics: async (signal?: AbortSignal) => parse_metrics(await (await ask('/metrics', signal)).text()),
};

/** Prometheus text: per metric the sum over its labels. Buckets are left out. */
export function parse_metrics(text: string): Map<string, number> {
    const sums = new Map<string, number>();
    for (const line of text.split('\n')) {
        if (line === '' || line.startsWith('#')) continue;
        const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)/.exec(line);
        const name = match?.[1];
        const value = Number(match?.[2]);
        if (name === undefined || name.endsWith('_bucket') || !Number.isFinite(value)) continue;
        sums.set(name, (sums.get(name) ?? 0) + value);
    }
    return sums;
}
