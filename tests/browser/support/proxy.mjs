import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** What lies between one page and the server, and can be cut: connections end, and new ones are refused. */
export class Proxy {
    #server;
    #port;
    #target;
    #sockets = new Set();

    static async start(t, target) {
        const proxy = new Proxy();
        proxy.#target = target;
        await proxy.mend();
        t.after(() => proxy.cut());
        return proxy;
    }

    get url() {
        return `http://127.0.0.1:${this.#port}`;
    }

    async cut() {
        if (!this.#server) return;
        const closed = once(this.#server, 'close');
        this.#server.close();
        for (const socket of this.#sockets) socket.destroy();
        this.#server = undefined;
        await closed;
    }
    /** At the same address as before. */
    async mend() {
        const server = createServer((near) => {
            const far = connect(this.#target.port, '127.0.0.1');
            for (const [socket, other] of [[near, far], [far, near]]) {
                this.#sockets.add(socket);
                socket.setNoDelay(true);
                socket.on('error', () => {});
                socket.on('close', () => {
                    this.#sockets.delete(socket);
                    other.destroy();
                });
                socket.pipe(other);
            }
        });
        server.listen(this.#port ?? 0, '127.0.0.1');
        await once(server, 'listening');
        this.#port = server.address().port;
        this.#server = server;
    }
}
