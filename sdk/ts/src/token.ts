import type { Client, TandemClient } from './client.js';
import { encodeFrame } from './wire.js';

/** Renews the token on the live connection, so that it need not end with it. */

/** It is renewed when this part of its time is left, but at least so long before it ends. */
const PART_LEFT = 0.1;
const LEFT_MIN = 2_000;
/** Between two attempts, and the longest that timers wait. */
const PAUSE = 1_000;
const WAIT_MAX = 2 ** 31 - 1;

/** When the token says that it ends, in ms; undefined when it does not. Nothing of it is checked. */
export function expiryOf(token: string): number | undefined {
    try {
        const payload = token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/');
        const { 'exp': exp } = JSON.parse(atob(payload)) as { 'exp'?: unknown };
        return typeof exp === 'number' ? exp * 1000 : undefined;
    } catch {
        return undefined;
    }
}

/** Fetches the next token before the one in use ends, and shows it to the server. Returns what stops it. */
export function keepFresh(client: TandemClient): () => void {
    const own = client as unknown as Client;
    const { platform, options } = own;
    let timer: unknown;
    let seen = '';
    let stopped = false;
    const later = (wait: number): void => {
        platform.clearTimer(timer);
        timer = platform.setTimer(() => void renew(), Math.min(WAIT_MAX, Math.max(PAUSE, wait)));
    };
    const arm = (token: string): void => {
        seen = token;
        const expiry = expiryOf(token);
        const left = expiry === undefined ? NaN : expiry - platform.now();
        if (left > 0) later(left - Math.max(left * PART_LEFT, LEFT_MIN));
    };
    const renew = async (): Promise<void> => {
        let token: string;
        try {
            token = (await options.token?.()) ?? '';
        } catch (error) {
            own.report(error);
            if (!stopped) later(PAUSE);
            return;
        }
        if (stopped) return;
        own.run(session => {
            session.token = token;
            // The time is left out: the answer is not for measuring.
            if (session.link === 'online')
                session.frames.push(encodeFrame({ type: 'hello', version: 1, client: '', wantActor: false, timeMs: 0, token }));
        });
        arm(token);
    };
    // Each connection has fetched a token of its own.
    const unsubscribe = client.status.subscribe(({ link }) => {
        if (link === 'online') own.run(session => session.token !== seen && arm(session.token));
    });
    return () => {
        stopped = true;
        platform.clearTimer(timer);
        unsubscribe();
    };
}
