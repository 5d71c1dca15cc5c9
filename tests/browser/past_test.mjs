import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { private_folder, Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

// The past of a channel and decisions by the client library, against the real server and without a browser.

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

async function library(t) {
    const { build } = createRequire(here('../../sdk/ts/package.json'))('esbuild');
    const contents = "export { connect, f } from './index.ts'; export { pastOf } from './past.ts'; export { historyOf } from './history.ts'; export { decide } from './decide.ts';";
    const result = await build({
        stdin: { contents, resolveDir: here('../../sdk/ts/src'), loader: 'ts' }, bundle: true, write: false, format: 'esm', target: 'es2022',
    });
    const file = `${await private_folder(t)}/client.mjs`;
    await writeFile(file, result.outputFiles[0].text);
    return import(pathToFileURL(file));
}

test('every state of a board is read as it was, and brought back as an edit that others conflict with fairly', async (t) => {
    const { connect, f, pastOf, historyOf } = await library(t);
    const server = await Server.start(t);
    const Board = {
        namespace: 'board',
        fields: { title: f.string(), votes: f.counter(), tags: f.set(), cards: f.list({ text: f.string(), done: f.boolean() }) },
    };
    const tandem = connect(server.url, { storage: 'memory' });
    t.after(() => tandem.close());
    const board = tandem.channel(Board, 'past');
    await board.synced();
    const { title, votes, tags, cards } = board.fields;
    const plain = ({ title, votes, tags, cards }) => ({ title, votes, tags: [...tags].sort(), cards });
    const states = [];
    const edit = async (make) => {
        const { seq } = await make().committed();
        await until('it is shown', () => board.status.value.synced);
        states[seq] = plain(board.value);
    };
    states[0] = plain(board.value);
    await edit(() => title.set('Plan'));
    await edit(() => votes.add(3));
    await edit(() => tags.add('trip'));
    const ids = [];
    for (const text of ['one', 'two', 'three'])
        await edit(() => board.transact(() => ids.push(cards.insert({ text, done: false }).id)));
    await edit(() => cards.item(ids[2]).move('first'));
    await edit(() => cards.item(ids[1]).fields.done.set(true));
    await edit(() => cards.item(ids[0]).remove());
    await edit(() => tags.delete('trip'));
    await edit(() => title.delete());

    const past = pastOf(board);
    const { oldest, newest } = await past.range();
    assert.deepEqual([oldest, newest], [0, states.length - 1]);
    for (let seq = oldest; seq <= newest; seq++) {
        const view = await past.at(seq);
        assert.equal(view.seq, seq);
        assert.deepEqual(plain(view.value), states[seq], `at ${seq}`);
        assert.deepEqual(view.fields.cards.value.map((card) => card.id), states[seq].cards.map((card) => card.id));
    }
    const rows = await past.changesBetween(0);
    assert.deepEqual(rows.slice(0, 2).map(({ seq, path, before, after }) => [seq, path, before, after]), [
        [1, 'title', undefined, 'Plan'], [2, 'votes', undefined, 3],
    ]);
    assert.equal(new Set(rows.map((row) => row.by)).size, 1, 'one author');
    assert.ok(rows.every((row) => Math.abs(Date.now() - row.at) < 600_000));
    await assert.rejects(past.at(newest + 1), { name: 'TandemError' });

    await past.saveVersion('before', 6);
    assert.deepEqual((await past.versions()).map(({ name, seq }) => [name, seq]), [['before', 6]]);
    await assert.rejects(past.saveVersion('before'), { code: 'version_exists' });
    assert.deepEqual(plain((await past.at('before')).value), states[6]);

    // Every state can be brought back from every other; items keep their identity and their places.
    const history = historyOf(board);
    for (const seq of [6, 2, 9, 0, 8, 11, 5]) {
        const restored = await (await past.restore(seq)).committed();
        await until('it is shown', () => board.status.value.synced);
        assert.deepEqual(plain(board.value), states[seq], `back to ${seq}`);
        const record = await server.state('past');
        assert.equal(record.seq, restored.seq, 'one entry');
        assert.deepEqual(plain({ votes: 0, title: '', tags: [], cards: [], ...record.value }), states[seq], `the server shows ${seq}`);
    }
    history.undo();
    await until('undone', () => board.status.value.synced);
    assert.deepEqual(plain(board.value), states[11], 'the last restore is taken back');

    // Somebody writes what is restored at the same time: nobody's text is lost.
    tandem.goOffline();
    await past.restore(2);
    await server.patch('board:past', [{ op: 'set', path: 'title', value: 'Meanwhile' }]);
    tandem.goOnline();
    await until('merged', () => board.status.value.synced && board.conflicts.value.length === 1);
    const [conflict] = board.conflicts.value;
    assert.deepEqual([conflict.shown, conflict.losers[0].value].sort(), ['Meanwhile', 'Plan']);
    await past.deleteVersion('before');
    assert.deepEqual(await past.versions(), []);
});

test('a decision settles what waits for one, unless somebody wrote meanwhile, and the journal names it', async (t) => {
    const { connect, f, decide } = await library(t);
    const server = await Server.start(t);
    const tandem = connect(server.url, { storage: 'memory', onRefused: () => undefined });
    t.after(() => tandem.close());
    const board = tandem.channel({ namespace: 'board', fields: { decision: f.string(), title: f.string() } }, 'decide');
    await board.synced();
    const { decision } = board.fields;
    const crossing = async (mine, other) => {
        tandem.goOffline();
        const write = decision.set(mine);
        await server.patch('board:decide', [{ op: 'set', path: 'decision', value: other }]);
        tandem.goOnline();
        await write.committed();
        await until('it is seen', () => board.status.value.synced && board.conflicts.value.length === 1);
    };
    await crossing('Saturday', 'Sunday');
    const { seq } = await decide(board, board.conflicts.value[0], 'Monday').committed();
    await until('settled', () => board.conflicts.value.length === 0);
    assert.equal(decision.value, 'Monday');
    const { conflicts } = await server.get('channels/board%3Adecide/conflicts?all=1');
    const settled = conflicts.filter((row) => row.closed_seq === seq);
    assert.ok(settled.length > 0 && settled.every((row) => row.decided_by), JSON.stringify(conflicts));

    await crossing('June', 'July');
    const [conflict] = board.conflicts.value;
    tandem.goOffline();
    const late = decide(board, conflict, 'August');
    await server.patch('board:decide', [{ op: 'set', path: 'decision', value: 'September' }]);
    tandem.goOnline();
    await assert.rejects(late.committed(), { code: 'precondition_failed' });
    await until('what was written meanwhile stands', () => decision.value === 'September');
    await assert.rejects(decide(board, { path: 'title' }, 'No').committed(), { code: 'invalid_argument' });
});
