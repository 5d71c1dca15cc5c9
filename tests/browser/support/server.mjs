import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const kRoot = fileURLToPath(new URL('../../../', import.meta.url));
const kBinary = process.env.TANDEM_TEST_BINARY || join(kRoot, 'build/release/tandem');
const kWeb = process.env.TANDEM_TEST_WEB || join(kRoot, 'build/web');
const kStartMs = 60_000;

// A test process that is stopped from outside takes its servers along.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(1));

/** A folder of the test's own, gone when the test ends. */
export async function private_folder(t) {
    const folder = await mkdtemp(join(tmpdir(), 'tandem-browser-'));
    t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }));
    return folder;
}

/** The real server on a data folder and a port that stay the same when it is started again. */
export class Server {
    port = 0;
    log = '';
    #process;

    constructor(data, options) {
        this.data = data;
        this.options = options;
    }

    static async start(t, options = []) {
        const server = new Server(await private_folder(t), options);
        t.after(() => server.kill());
        await server.start();
        return server;
    }

    get is_running() {
        return this.#process !== undefined;
    }
    get url() {
        return `http://127.0.0.1:${this.port}`;
    }

    async start() {
        if (this.#process) throw new Error('the server is running already');
        // The server takes TANDEM_… variables for settings.
        const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TANDEM_')));
        const args = ['dev', '--port', String(this.port), '--data', this.data, '--json', '--web', kWeb, ...this.options];
        const child = spawn(kBinary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
        this.#process = child;
        running.add(child);
        child.once('exit', () => running.delete(child));
        child.stderr.setEncoding('utf8').on('data', (text) => (this.log = (this.log + text).slice(-20_000)));
        const line = await new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error(`the server is not ready:\n${this.log}`)), kStartMs);
            child.once('error', reject);
            child.once('exit', (code, signal) => reject(new Error(`the server ended (${code ?? signal}):\n${this.log}`)));
            createInterface(child.stdout).once('line', (text) => {
                clearTimeout(late);
                resolve(text);
            });
        });
        const ready = JSON.parse(line);
        if (ready.event !== 'ready' || ready.pid !== child.pid) throw new Error(`not a ready line: ${line}`);
        this.port = Number(new URL(ready.url).port);
    }

    /** The server has no chance to say or to write anything. */
    async kill() {
        const child = this.#process;
        this.#process = undefined;
        if (!child || child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
    }

    /** Of a development server's own key. */
    token(subject, rights) {
        return execFileSync(kBinary, ['gentoken', '--sub', subject, '--cap', rights], { encoding: 'utf8' }).trim();
    }
    async get(path) {
        const answer = await fetch(`${this.url}/api/v1/${path}`, { signal: AbortSignal.timeout(30_000) });
        if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
        return answer.json();
    }
    async patch(channel, ops) {
        const answer = await fetch(`${this.url}/api/v1/channels/${encodeURIComponent(channel)}/record`, { method: 'PATCH', body: JSON.stringify({ ops }) });
        if (!answer.ok) throw new Error(`PATCH ${channel}: ${answer.status} ${await answer.text()}`);
        return answer.json();
    }
    async record(board) {
        return (await this.state(board)).value;
    }
    /** The record with its `seq` and `epoch`. */
    state(board) {
        return this.get(`channels/${encodeURIComponent(`board:${board}`)}/record`);
    }
    async connections() {
        return (await this.get('connections')).connections;
    }
}

const kTypes = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

function page_server(folder) {
    const pages = createServer(async ({ url }, answer) => {
        const { pathname } = new URL(url, 'http://localhost');
        const body = await readFile(join(folder, pathname === '/' ? 'index.html' : pathname)).catch(() => undefined);
        answer.writeHead(body ? 200 : 404, { 'Content-Type': kTypes[pathname.split('.').at(-1)] ?? kTypes.html, 'Connection': 'close' });
        answer.end(body);
    });
    pages.on('upgrade', (request, socket) => socket.destroy());
    return pages;
}
async function end_of(pages) {
    if (!pages.listening) return;
    const closed = once(pages, 'close');
    pages.close();
    pages.closeAllConnections();
    await closed;
}

/**
 * Serves nothing but the pages, at the address of a server that was ended: a device opens an installed application the
 * same way when it reaches no server. Resolves with a function that ends it.
 */
export async function serve_pages_alone(t, server) {
    const pages = page_server(kWeb);
    pages.listen(server.port, '127.0.0.1');
    await once(pages, 'listening');
    const end = () => end_of(pages);
    t.after(end);
    return end;
}

/** Serves a folder of a page's files until the test ends; resolves with its address. */
export async function serve_folder(t, folder) {
    const pages = page_server(folder);
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    t.after(() => end_of(pages));
    return `http://127.0.0.1:${pages.address().port}`;
}
