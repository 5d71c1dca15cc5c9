import assert from 'node:assert/strict';
import test from 'node:test';
import { expiryOf, keepFresh } from '../src/token.js';
import { Board } from './support/board.js';
import { World } from './support/world.js';

const tokenUntil = (ms: number, n = 0): string =>
    `h.${Buffer.from(JSON.stringify({ exp: ms / 1000, n, text: '???>>>' })).toString('base64url')}.s`;

test('the end of a token is read from it', () => {
    assert.equal(expiryOf(tokenUntil(5_000)), 5_000);
    for (const bad of ['', 'x', 'a.b.c', 'a..c', `a.${btoa('{"exp":"1"}')}.c`, `a.${btoa('null')}.c`]) assert.equal(expiryOf(bad), undefined);
});

test('a token is renewed on the live connection before it ends', async () => {
    const world = new World();
    let calls = 0;
    const { client } = world.tab({ token: () => tokenUntil(world.now + 60_000, ++calls) });
    const stop = keepFresh(client);
    await world.wait(client.channel(Board, '1').synced());
    assert.equal(calls, 1);
    await world.advance(53_000);
    assert.equal(calls, 1, 'not before a tenth of its time is left');
    await world.advance(2_000);
    assert.equal(calls, 2);
    const hellos = world.server.frames(1);
    assert.equal(hellos.length, 2);
    assert.deepEqual([hellos[1]![3], hellos[1]![4]], [undefined, undefined], 'it asks for no actor and measures no time');
    assert.equal(world.attempts, 1, 'on the same connection');
    assert.equal(client.status.value.link, 'online');
    await world.advance(60_000);
    assert.equal(calls, 3);
    stop();
    await world.advance(600_000);
    assert.equal(calls, 3);
});

test('a token that cannot be had is asked for again', async () => {
    const world = new World();
    let calls = 0;
    const errors: string[] = [];
    const { client } = world.tab({
        token: async () => {
            if (++calls === 2) throw new Error('login server down');
            return tokenUntil(world.now + 60_000, calls);
        },
        onRefused: e => errors.push(e.message),
    });
    const stop = keepFresh(client);
    await world.wait(client.channel(Board, '1').synced());
    await world.advance(58_000);
    assert.equal(calls, 3);
    assert.match(errors[0]!, /login server down/);
    stop();
});

test('a new connection has a token of its own, which is renewed in its turn', async () => {
    const world = new World();
    let calls = 0;
    const { client, cut } = world.tab({ token: () => tokenUntil(world.now + 60_000, ++calls) });
    const stop = keepFresh(client);
    await world.wait(client.channel(Board, '1').synced());
    await world.advance(30_000);
    cut();
    await world.advance(1_000);
    assert.equal(calls, 2);
    await world.advance(40_000);
    assert.equal(calls, 2);
    await world.advance(20_000);
    assert.equal(calls, 3);
    stop();
});
