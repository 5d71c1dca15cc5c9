// Compiled, never run: what an application writes must type-check as it stands.
import { connect, TandemError, type Json, type Member, type SyncStatus } from '../../src/index.js';
import { historyOf } from '../../src/history.js';
import { pastOf } from '../../src/past.js';
import { textPastOf } from '../../src/text_past.js';
import { Board, type BoardPresence } from '../support/board.js';

declare const getToken: () => Promise<string>, toast: (s: string) => void, render: (v: unknown) => void;
declare const drawCursor: (id: string, p: Point) => void;
type Point = { x: number; y: number };
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T => true as T;

export async function page(): Promise<void> {
    const page = new AbortController();
    const { signal } = page;
    await using tandem = connect('wss://sync.example.com', { token: getToken, onRefused: e => toast(e.hint), storage: 'auto', signal });
    await using board = tandem.channel(Board, '42', {
        select: b => [b.title, b.price, b.votes, b.tags, b.cards.window(0, 40)],
    });
    await board.ready({ signal: AbortSignal.timeout(5_000) });
    board.subscribe(render, { signal });

    const { title, price, votes, tags, cards } = board.fields;
    is<Equal<typeof title.value, string>>();
    is<Equal<typeof price.value, number>>();
    is<Equal<typeof votes.value, number>>();
    is<Equal<typeof tags.value, ReadonlySet<string>>>();
    is<Equal<typeof board.value.title, string>>();
    is<Equal<(typeof cards.value)[number]['done'], boolean>>();
    is<Equal<typeof board.presence.others.value, readonly Member<BoardPresence>[]>>();
    is<Equal<typeof board.status.value, SyncStatus>>();

    title.set('Plan');
    // @ts-expect-error a title is a string
    title.set(1);
    votes.add(1);
    // @ts-expect-error a counter has no delete
    votes.delete();
    tags.add('urgent');
    tags.delete('later');
    // @ts-expect-error tags are strings
    tags.add(1);
    const card = cards.insert({ text: 'Buy milk', done: false }, 'first');
    // @ts-expect-error every field of an item is given
    cards.insert({ text: 'Buy milk' });
    card.fields.done.set(true);
    card.move({ after: cards.value[3]!.id });
    cards.item(cards.value[1]!.id).remove();
    const { seq } = await title.set('Plan 2').committed({ signal });
    is<Equal<typeof seq, number>>();

    try {
        await price.set(12, { ifUnchanged: true }).committed();
    } catch (e) {
        if (!(e instanceof TandemError) || e.code !== 'precondition_failed') throw e;
        toast(e.hint);
        // @ts-expect-error no such code
        if (e.code === 'nonsense') throw e;
    }
    board.transact(() => {
        title.set('Plan B');
        votes.add(5);
    }, { label: 'Rename', ifUnchanged: [title] });

    const history = historyOf(board);
    history.undo();
    history.redo();
    history.can.subscribe(can => render(can), { signal });
    board.status.subscribe(s => toast(s.synced ? 'Saved' : `${s.link}: ${s.pending} waiting`), { signal });
    board.conflicts.subscribe(cs => cs.forEach(c => c.restore(0)), { signal });

    const past = pastOf(board);
    const then = await past.at(3, { signal });
    is<Equal<typeof then.value.votes, number>>();
    is<Equal<typeof then.fields.title.value, string>>();
    is<Equal<ReturnType<typeof then.fields.cards.item>['fields']['done']['value'], boolean>>();
    // @ts-expect-error the past is not written
    then.fields.title.set('no');
    // @ts-expect-error nor are its lists
    then.fields.cards.insert({ text: 'no', done: false });
    for (const { path, before, after } of await past.changesBetween(0)) render([path, before, after]);
    await (await past.restore('release')).committed();

    const textPast = textPastOf(board, 'description');
    for (const { name, kind, seq, created } of await textPast.versions({ signal })) render([name, kind, seq, created]);
    is<Equal<Awaited<ReturnType<typeof textPast.at>>, Uint8Array>>();
    for (const { root, path, delta, by } of await textPast.changesBetween('release', 7)) render([root, path, delta, by]);
    // @ts-expect-error a version is named or numbered
    await textPast.restore(null);

    board.presence.set({ name: 'Ada', cursor: null });
    // @ts-expect-error not of the presence's type
    board.presence.set({ nickname: 'Ada' });
    board.presence.others.subscribe(render, { signal });
    board.signal('cursor', { x: 1, y: 2 });

    void (async () => {
        for await (const s of board.signals<Point>('cursor', { signal })) drawCursor(s.from, s.value);
    })();
    void (async () => {
        for await (const c of board.changes({ signal })) console.log(c.seq, c.path, c.before, c.after, c.by);
    })();

    await board.load(b => [b.cards.window(40, 80)]);
    await board.select(b => [b.title, b.cards.window(80, 120)], { signal });
    is<Equal<typeof cards.total.value, number>>();
    await board.synced({ signal });

    const any = tandem.channel('board:42', { signal });
    is<Equal<typeof any.value, Json>>();
    any.field('a/b').set({ any: 'json' });
    any.counter('votes').add();
    any.set('tags').add('x');
    any.list('cards').insert({ text: 'hi' }).move('last');
    page.abort();
}
