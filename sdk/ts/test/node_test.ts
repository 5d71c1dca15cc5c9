import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { connect } from '../src/index.js';
import { defaultPlatform } from '../src/platform.js';
import { Board } from './support/board.js';
import { FakeServer } from './support/fake_server.js';

test('over a real WebSocket on the loopback, with the platform as it is', async () => {
    const fake = new FakeServer();
    const listener = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'tandem.v1' });
    await new Promise(resolve => listener.once('listening', resolve));
    listener.on('connection', socket => {
        const connection = fake.connect(bytes => socket.send(bytes), () => socket.close());
        socket.on('message', data => connection.receive(new Uint8Array(data as Buffer)));
        socket.on('close', () => connection.close());
    });
    const url = `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    const a = connect(url);
    const b = connect(url);
    const one = a.channel(Board, '1');
    const two = b.channel(Board, '1');
    const signal = AbortSignal.timeout(5_000);
    await two.ready({ signal });
    const { seq } = await one.fields.title.set('over the wire').committed({ signal });
    assert.equal(seq, 1);
    await new Promise<void>(resolve => two.fields.title.subscribe(v => v === 'over the wire' && resolve()));
    for (const socket of listener.clients) socket.terminate();
    await one.fields.votes.add(1).committed({ signal });
    await one.synced({ signal });
    assert.deepEqual(fake.shown('board:1'), { title: 'over the wire', votes: 1 });
    await a.close();
    await b.close();
    await new Promise(resolve => listener.close(resolve));
});

test('a platform without crypto, such as Node 18, makes names of its own all the same', () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
    if (own) Reflect.deleteProperty(globalThis, 'crypto');
    try {
        const { random } = defaultPlatform();
        const drawn = Array.from({ length: 100 }, () => random());
        assert.ok(drawn.every(number => number >= 0 && number < 1));
        assert.equal(new Set(drawn).size, drawn.length);
    } finally {
        if (own) Object.defineProperty(globalThis, 'crypto', own);
    }
});

test('a server that is not there is no more than offline', async () => {
    const client = connect('ws://127.0.0.1:1');
    const signal = AbortSignal.timeout(5_000);
    const offline = new Promise(resolve => client.status.subscribe(({ link }) => link === 'offline' && resolve(true), { signal }));
    assert.ok(await offline);
    await client.close();
});
