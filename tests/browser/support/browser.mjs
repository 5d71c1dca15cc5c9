import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { until } from './wait.mjs';

const kOptions = {
    executablePath: process.env.TANDEM_TEST_CHROMIUM || '/usr/bin/chromium',
    timeout: 120_000,
    args: [
        '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync',
    ],
};
const kContext = { viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' };
const kActionMs = 60_000;

let shared;
/** One browser for the tests of a file; each test has contexts, and so profiles, of its own. */
export async function new_context(t, options = {}) {
    shared ??= chromium.launch(kOptions);
    const context = await (await shared).newContext({ ...kContext, ...options });
    context.setDefaultTimeout(kActionMs);
    t.after(() => context.close());
    watch(context);
    return context;
}
export async function end_browser() {
    await (await shared)?.close();
    shared = undefined;
}

/** A browser whose profile is a folder that outlives it. */
export async function launch_profile(folder) {
    const context = await chromium.launchPersistentContext(folder, { ...kOptions, ...kContext });
    context.setDefaultTimeout(kActionMs);
    watch(context);
    const devtools = await context.browser().newBrowserCDPSession();
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    const pid = processInfo.find(({ type }) => type === 'browser').id;
    return { context, pid };
}

/**
 * Whether the browser has thrown its database away at its latest start, which it does when it was killed between the two halves of
 * a write in the session before the last (docs/decisions/0011).
 */
export async function has_dropped_database(folder) {
    const databases = join(folder, 'Default/IndexedDB');
    const logs = (await readdir(databases)).filter((name) => name.endsWith('.leveldb')).map((name) => join(databases, name, 'LOG'));
    const texts = await Promise.all(logs.map((log) => readFile(log, 'utf8')));
    return texts.some((text) => text.includes('since it was missing'));
}

function alive(pid) {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}

/** Ends a browser as a crash does: no page hears of it. */
export async function kill_browser({ pid }) {
    if (alive(pid)) process.kill(pid, 'SIGKILL');
    await until('the browser is gone', () => !alive(pid));
}

const troubles = new WeakMap();
const kExpected = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|WebSocket connection to/;

/** Collects what a page complains of: errors, refused scripts, requests without an answer. */
function watch(context) {
    const found = [];
    troubles.set(context, found);
    context.on('console', (message) => {
        if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) found.push(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => found.push(`thrown: ${error.error().stack ?? error.error()}`));
    context.on('response', (answer) => {
        if (answer.status() >= 400) found.push(`${answer.status()} ${answer.url()}`);
    });
}
/** Everything that pages of the context complained of; `server_away`: leaves out failing to reach a server that was ended. */
export function complaints(context, { server_away = false } = {}) {
    return troubles.get(context).filter((text) => !server_away || !kExpected.test(text));
}
