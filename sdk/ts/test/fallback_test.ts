import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { EventReader, connect, transportOf, type Transport } from '../src/fallback.js';
import { connect as connectCore, type Client } from '../src/index.js';
import { defaultPlatform } from '../src/platform.js';
import { keepFresh } from '../src/token.js';
import { Board } from './support/board.js';
import { StreamServer } from './support/stream_server.js';

const soon = (): AbortSignal => AbortSignal.timeout(15_000);
let server: StreamServer;
let url: string;
let clients: Client[] = [];

beforeEach(async () => {
    server = new StreamServer();
    url = await server.start();
});
afterEach(async () => {
    await Promise.all(clients.map(client => client.close()));
    clients = [];
    await server.stop();
});
function open(...more: [options?: Parameters<typeof connect>[1], platform?: Parameters<typeof connect>[2]]): Client {
    const client = connect(url, ...more);
    clients.push(client);
    return client;
}
/** Resolves when the transport is such a one. */
function transport(client: Client, fits: (transport: Transport) => boolean): Promise<Transport> {
    return new Promise((resolve, reject) => {
        soon().addEventListener('abort', () => reject(new Error(JSON.stringify(transportOf(client).value))));
        transportOf(client).subscribe(value => fits(value) && resolve(value));
    });
}
async function until(fits: () => boolean): Promise<void> {
    for (const end = Date.now() + 10_000; !fits() && Date.now() < end; ) await new Promise(resolve => setTimeout(resolve, 5));
}
/** A platform whose long waits the test ends itself, and whose clock it moves. */
function clockwork() {
    const own = defaultPlatform();
    const waits = new Map<object, () => void>();
    let ahead = 0;
    return {
        platform: {
            now: () => own.now() + ahead,
            setTimer: (fn: () => void, ms: number) => {
                if (ms < 300_000) return own.setTimer(fn, ms);
                const timer = {};
                waits.set(timer, fn);
                return timer;
            },
            clearTimer: (timer: unknown) => {
                if (!waits.delete(timer as object)) own.clearTimer(timer);
            },
        },
        pass: (ms: number): void => {
            ahead += ms;
            for (const [timer, fn] of [...waits]) if (waits.delete(timer)) fn();
        },
        waits,
    };
}

test('where upgrades are refused two clients share a record over HTTP', async () => {
    const [a, b] = [open(), open()];
    const [one, two] = [a.channel(Board, '1'), b.channel(Board, '1')];
    await two.ready({ signal: soon() });
    const { seq } = await one.fields.title.set('behind a proxy').committed({ signal: soon() });
    assert.equal(seq, 1);
    await new Promise<void>(resolve => two.fields.title.subscribe(v => v === 'behind a proxy' && resolve()));
    assert.deepEqual(transportOf(a).value, { by: 'http' });
    assert.equal(server.upgrades, 2, 'each has tried');
    assert.ok(!server.requests.some(({ token }) => token !== undefined));
});

test('a WebSocket that opens is used, and once it worked its end is no reason for anything else', async () => {
    server.refusesUpgrades = false;
    const client = open();
    const board = client.channel(Board, '1');
    await board.fields.votes.add(1).committed({ signal: soon() });
    assert.deepEqual(transportOf(client).value, { by: 'websocket' });
    server.dropWebSockets();
    await board.fields.votes.add(1).committed({ signal: soon() });
    assert.equal(server.requests.length, 0);
    assert.equal(server.upgrades, 2);
});

test('what could not be opened is remembered, also when the stream ends', async () => {
    const client = open();
    const board = client.channel(Board, '1');
    await board.synced({ signal: soon() });
    for (let i = 1; i <= 3; ++i) {
        server.dropStreams();
        await board.fields.votes.add(1).committed({ signal: soon() });
    }
    assert.equal(server.upgrades, 1);
    assert.deepEqual(server.fake.shown('board:1'), { votes: 3 });
});

test('a WebSocket that opens and lets nothing through is as good as none', async () => {
    server.refusesUpgrades = false;
    server.swallows = true;
    const client = open();
    await client.channel(Board, '1').synced({ signal: soon() });
    assert.deepEqual(transportOf(client).value, { by: 'http' });
});

test('a POST whose answer is lost is sent again and taken once', async () => {
    const client = open();
    const board = client.channel(Board, '1');
    await board.synced({ signal: soon() });
    const lost: string[] = [];
    for (const when of ['after', 'before', 'after'] as const) {
        let armed = true;
        server.lose = ({ method }) => {
            if (method !== 'POST' || !armed) return undefined;
            if (when === 'before') armed = false;
            else queueMicrotask(() => (armed = false));
            lost.push(when);
            return when;
        };
        await board.fields.votes.add(1).committed({ signal: soon() });
        server.lose = () => undefined;
    }
    assert.ok(lost.length >= 3);
    // A write is known to be stored by the stream, before the POST that brought it is answered.
    await until(() => server.repeats === 2);
    assert.equal(server.repeats, 2, 'those whose answer was lost');
    assert.deepEqual(server.fake.shown('board:1'), { votes: 3 });
    assert.equal(server.fake.channel('board:1').head, 3);
    const numbers = server.posts().map(({ sequence }) => sequence);
    assert.deepEqual([...new Set(numbers)], Array.from({ length: Math.max(...numbers) }, (_, i) => i + 1), 'in order, without gaps');
});

test('a stream that is cut in the middle of an event goes on from the cursor', async () => {
    const [reader, writer] = [open(), open()];
    const seen = reader.channel(Board, '1');
    const written = writer.channel(Board, '1');
    const values: number[] = [];
    seen.fields.votes.subscribe(value => values.push(value as number));
    await Promise.all([seen.synced({ signal: soon() }), written.synced({ signal: soon() })]);
    const before = server.requests.filter(({ method }) => method === 'GET').length;
    for (let i = 1; i <= 20; ++i) {
        if (i % 7 === 0) server.cutsNext = true;
        await written.fields.votes.add(1).committed({ signal: soon() });
    }
    await new Promise<void>((resolve, reject) => {
        soon().addEventListener('abort', () => reject(new Error(String(values))));
        seen.fields.votes.subscribe(value => value === 20 && resolve());
    });
    assert.ok(server.requests.filter(({ method }) => method === 'GET').length > before, 'it was cut');
    assert.deepEqual(values, [...values].sort((x, y) => x - y));
    assert.equal(new Set(values).size, values.length, 'nothing twice');
    assert.equal((server.fake.shown('board:1') as { votes: number }).votes, 20);
});

test('a proxy that keeps back the stream is told of', async () => {
    server.keepsBack = true;
    const client = open();
    assert.deepEqual(await transport(client, ({ trouble }) => trouble === 'buffered'), { by: 'none', trouble: 'buffered' });
    server.keepsBack = false;
    await client.channel(Board, '1').synced({ signal: soon() });
    assert.deepEqual(transportOf(client).value, { by: 'http' });
});

test('a server that is not there, and one that refuses', async () => {
    const nobody = connect('ws://127.0.0.1:1');
    clients.push(nobody);
    assert.deepEqual(await transport(nobody, ({ trouble }) => trouble !== undefined), { by: 'none', trouble: 'unreachable' });
    server.answer = () => ({ status: 401, text: JSON.stringify({ error: { code: 'token_invalid', message: 'No.', hint: 'h', docs: 'd' } }) });
    const refused: string[] = [];
    const client = open({ onRefused: error => refused.push(`${error.code} ${error.hint}`), token: () => 'bad' });
    assert.deepEqual(await transport(client, ({ trouble }) => trouble !== undefined), { by: 'none', trouble: 'refused' });
    assert.equal(refused[0], 'token_invalid h');
    server.answer = () => ({ status: 200, text: '<html>Log in to our network</html>', headers: { 'Content-Type': 'text/html' } });
    await transport(client, ({ trouble }) => trouble === 'unreachable');
});

test('what is no answer of the server is none, and what it puts off comes later', async () => {
    const client = open();
    const board = client.channel(Board, '1');
    await board.synced({ signal: soon() });
    const odd = [
        { status: 200, text: '<html>Log in to our network</html>' }, { status: 502 }, { status: 429, headers: { 'Retry-After': '1' } },
    ];
    let asked = 0;
    server.answer = ({ method }) => (method === 'POST' ? odd[asked++] : undefined);
    const since = Date.now();
    await board.fields.votes.add(1).committed({ signal: soon() });
    assert.ok(Date.now() - since >= 1_000);
    assert.deepEqual(server.fake.shown('board:1'), { votes: 1 });
    assert.equal(server.streams.size, 1, 'on the same stream');
});

test('a server that no longer knows the stream gets a new one', async () => {
    const client = open({ onRefused: error => assert.fail(error) });
    const board = client.channel(Board, '1');
    await board.synced({ signal: soon() });
    // Its proxy keeps the response open, and the server is another.
    const [stream] = server.streams.values();
    server.streams.clear();
    await board.fields.votes.add(1).committed({ signal: soon() });
    assert.notEqual([...server.streams.values()][0], stream);
    assert.deepEqual(server.fake.shown('board:1'), { votes: 1 });
});

test('after a while, and when the network changes, a WebSocket is tried again', async () => {
    const clock = clockwork();
    const client = open({}, clock.platform);
    const board = client.channel(Board, '1');
    await board.synced({ signal: soon() });
    clock.pass(600_000);
    await until(() => clock.waits.size > 0);
    assert.equal(server.upgrades, 2);
    assert.deepEqual(transportOf(client).value, { by: 'http' }, 'it was refused again');
    assert.equal(server.streams.size, 1);
    server.refusesUpgrades = false;
    clock.pass(600_000);
    await transport(client, ({ by }) => by === 'websocket');
    await board.fields.votes.add(1).committed({ signal: soon() });
    assert.equal(server.streams.size, 0);
    assert.ok(server.requests.some(({ method }) => method === 'DELETE'), 'the stream was given up in good order');
});

test('requests show the newest token, and none is in an address', async () => {
    let calls = 0;
    const tokenUntil = (ms: number): string => `h.${Buffer.from(JSON.stringify({ exp: ms / 1000, n: ++calls })).toString('base64url')}.s`;
    const client = open({ token: () => tokenUntil(Date.now() + 4_000) });
    const stop = keepFresh(client);
    const board = client.channel(Board, '1');
    await board.synced({ signal: soon() });
    const [first] = server.requests;
    assert.equal(first!.method, 'GET');
    const hellos = (): number => server.fake.frames(1).length;
    await until(() => hellos() === 2);
    stop();
    assert.equal(hellos(), 2, 'it was refreshed');
    assert.equal(server.requests.filter(({ method }) => method === 'GET').length, 1, 'on the same stream');
    const last = server.posts().at(-1)!.token;
    assert.ok(first!.token && last && last !== first!.token);
});

test('many messages are joined, and POSTs keep to their pace', async () => {
    const client = open();
    const board = client.channel(Board, '1');
    await board.synced({ signal: soon() });
    const before = server.posts().length;
    const since = Date.now();
    const writes = [];
    for (let i = 0; i < 200; ++i) {
        writes.push(board.fields.votes.add(1).committed({ signal: soon() }));
        await new Promise(resolve => setTimeout(resolve, 5));
    }
    await Promise.all(writes);
    const posts = server.posts().length - before;
    assert.ok(posts <= 6 + (Date.now() - since) / 100, `${posts} in ${Date.now() - since} ms`);
    assert.deepEqual(server.fake.shown('board:1'), { votes: 200 });
});

test('who closes says so', async () => {
    const client = open();
    await client.channel(Board, '1').synced({ signal: soon() });
    await client.close();
    await until(() => server.streams.size === 0);
    assert.equal(server.streams.size, 0);
    assert.deepEqual(server.requests.map(({ method }) => method).filter(method => method === 'DELETE'), ['DELETE']);
});

test('a client of the other connect has no transport to tell of', () => {
    const client = connectCore('ws://127.0.0.1:1');
    clients.push(client);
    assert.throws(() => transportOf(client), { code: 'invalid_argument' });
});

test('events are read the same however they are cut', () => {
    const text = ': hello\r\n\r\nevent: session\r\ndata: {"a":1}\r\n\r\ndata: one\ndata:two\n\n:\n\nevent: odd\n\ndata\n\nid: 7\nretry: 1\ndata: last\n\ndata: cut of';
    for (let size = 1; size <= text.length; ++size) {
        const seen: [string, string][] = [];
        const reader = new EventReader((name, data) => seen.push([name, data]));
        for (let at = 0; at < text.length; at += size) reader.feed(text.slice(at, at + size));
        assert.deepEqual(seen, [['session', '{"a":1}'], ['', 'one\ntwo'], ['', ''], ['', 'last']]);
    }
});
