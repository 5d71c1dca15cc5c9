import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const kSdk = fileURLToPath(new URL('../../../sdk/ts/dist/', import.meta.url));
const kPage = '<!doctype html><meta charset="utf-8"><title>Fallback</title><body></body>';

/** A proxy of a company: it speaks HTTP and knows no upgrades. It serves an empty page of its own at /page, and the SDK at /sdk/. */
export class StrictProxy {
    /** Of upgrades that were asked for. */
    upgrades = 0;
    /** Lets upgrades through. */
    is_tolerant = false;
    /** Ends answers to POSTs before they have begun. */
    loses_answers = false;
    /** Nothing comes out until it is whole. */
    buffers = false;
    /** Of all requests. */
    addresses = [];
    #target;
    #server;
    #streams = new Set();
    #sockets = new Set();

    static async start(t, target) {
        const proxy = new StrictProxy();
        proxy.#target = target;
        const server = createServer((request, response) => void proxy.#serve(request, response));
        server.on('connection', (socket) => {
            proxy.#sockets.add(socket);
            socket.on('close', () => proxy.#sockets.delete(socket));
        });
        server.on('upgrade', (request, socket, head) => proxy.#upgrade(request, socket, head));
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        proxy.#server = server;
        t.after(() => {
            server.close();
            for (const socket of proxy.#sockets) socket.destroy();
        });
        return proxy;
    }
    get url() {
        return `http://127.0.0.1:${this.#server.address().port}`;
    }
    get streams() {
        return this.#streams.size;
    }
    /** Cuts every stream, as proxies do with long answers. */
    cut_streams() {
        for (const response of this.#streams) response.destroy();
    }

    async #serve(request, response) {
        this.addresses.push(request.url);
        if (request.url === '/page') return void response.writeHead(200, { 'Content-Type': 'text/html' }).end(kPage);
        if (request.url.startsWith('/sdk/')) {
            const text = await readFile(join(kSdk, normalize(request.url.slice(4)))).catch(() => undefined);
            return void response.writeHead(text ? 200 : 404, { 'Content-Type': 'text/javascript' }).end(text);
        }
        const passed = ask({ host: '127.0.0.1', port: this.#target.port, method: request.method, path: request.url, headers: request.headers });
        passed.on('error', () => response.destroy());
        passed.on('response', (answer) => {
            if (this.loses_answers && request.method === 'POST') return void response.destroy();
            const is_stream = /event-stream/.test(answer.headers['content-type'] ?? '');
            if (is_stream) this.#streams.add(response);
            response.on('close', () => {
                this.#streams.delete(response);
                passed.destroy();
            });
            if (this.buffers && is_stream) return void answer.resume();
            response.writeHead(answer.statusCode, answer.headers);
            response.flushHeaders();
            answer.on('error', () => response.destroy());
            answer.pipe(response);
        });
        request.pipe(passed);
    }
    #upgrade(request, socket, head) {
        ++this.upgrades;
        socket.on('error', () => {});
        if (!this.is_tolerant) return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        const passed = ask({ host: '127.0.0.1', port: this.#target.port, path: request.url, headers: request.headers });
        passed.on('error', () => socket.destroy());
        passed.on('upgrade', (answer, far, rest) => {
            const fields = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
            socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('')}\r\n`);
            far.on('error', () => socket.destroy());
            far.write(head);
            socket.write(rest);
            far.pipe(socket).pipe(far);
        });
        passed.end();
    }
}
