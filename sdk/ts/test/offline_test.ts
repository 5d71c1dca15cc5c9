import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from './support/board.js';
import { World } from './support/world.js';

test('goOffline closes the socket and opens none; goOnline sends what waited', async () => {
    const world = new World();
    const { client } = world.tab();
    const board = client.channel(Board, '1');
    await world.wait(board.synced());
    client.goOffline();
    client.goOffline();
    assert.equal(board.status.value.link, 'offline');
    assert.equal(board.status.value.retryInMs, undefined);
    const before = world.attempts;
    board.fields.votes.add(3);
    world.wake();
    await world.advance(120_000);
    assert.equal(world.attempts, before);
    assert.equal([...world.server.connections].length, 0);
    assert.equal(board.fields.votes.value, 3);
    assert.equal(board.status.value.pending, 1);
    client.goOnline();
    await world.wait(board.synced());
    assert.equal(world.attempts, before + 1);
    assert.deepEqual(world.server.shown('board:1'), { votes: 3 });
    await client.close();
});

test('goOffline before the first connection holds it back', async () => {
    const world = new World();
    const { client } = world.tab();
    client.goOffline();
    const board = client.channel(Board, '1');
    board.fields.title.set('Plan');
    await world.advance(60_000);
    assert.equal(world.attempts, 0);
    client.goOnline();
    await world.wait(board.synced());
    assert.deepEqual(world.server.shown('board:1'), { title: 'Plan' });
    await client.close();
});

test('who was there is forgotten when the client goes offline', async () => {
    const world = new World();
    const a = world.tab().client.channel(Board, '1');
    const tab = world.tab();
    const b = tab.client.channel(Board, '1');
    a.presence.set({ name: 'Ada' });
    await world.until(() => b.presence.others.value.length === 1);
    tab.client.goOffline();
    assert.deepEqual(b.presence.others.value, []);
    tab.client.goOnline();
    await world.until(() => b.presence.others.value.length === 1);
});
