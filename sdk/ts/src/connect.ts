import { Client, type ConnectOptions, type TandemClient } from './client.js';
import { invalid } from './errors.js';
import { defaultPlatform, type Platform } from './platform.js';

function urlOf(address: string): URL | undefined {
    try {
        return new URL(address, typeof location === 'object' ? location.href : undefined);
    } catch {
        return undefined;
    }
}

/** The address of the server's endpoint; a bare origin gets the usual path. */
export function endpoint(address: string): string {
    const url = urlOf(address);
    if (url) url.protocol = url.protocol.replace(/^http/, 'ws');
    if (!url || !/^wss?:$/.test(url.protocol)) throw invalid('The address begins with wss:// or ws://.');
    if (url.pathname === '/') url.pathname = '/connection/websocket';
    url.hash = '';
    return url.href;
}

/** Returns at once; everything works offline until the server is there. `platform` replaces what is outside, for tests. */
export function connect(address: string, options: ConnectOptions = {}, platform: Partial<Platform> = {}): TandemClient {
    const client = new Client(endpoint(address), options, { ...defaultPlatform(), ...platform });
    return client as unknown as TandemClient;
}
