import type { Channel, Counter, Def, Field, Kind, List, SetField } from '@tandem/client';

// The board's schema, as the server's `board` namespace has it.

export const kColors = ['none', 'blue', 'green', 'amber', 'red', 'violet'] as const;

type CardFields = {
    text: Kind<string, Field<string>>;
    done: Kind<boolean, Field<boolean>>;
    color: Kind<string, Field<string>>;
};

type BoardFields = {
    title: Kind<string, Field<string>>;
    decision: Kind<string, Field<string>>;
    votes: Kind<number, Counter>;
    tags: Kind<ReadonlySet<string>, SetField<string>>;
    cards: Kind<readonly Card[], List<CardFields>>;
};

export interface Card { readonly id: string; readonly text: string; readonly done: boolean; readonly color: string }

/** What a person tells the others: `at` is the field they are in. */
export interface Person { name: string; at: string | null; actor?: string }

export type BoardChannel = Channel<BoardFields, Person>;

export const Board = {
    namespace: 'board',
    fields: {
        title: 'register', decision: 'register', votes: 'counter', tags: 'set',
        cards: { list: { text: 'register', done: 'register', color: 'register' } },
    },
} as unknown as Def<BoardFields, Person>;

const kSample: readonly (readonly [text: string, done: boolean, color: string])[] = [
    ['Book the lighthouse for Friday', true, 'blue'],
    ['Buy oat milk and good coffee', false, 'amber'],
    ['Print the map of the coast path', false, 'none'],
    ['Ask Margaret about the boat', false, 'violet'],
];

/** Empties the board and writes the sample, as one edit that one undo takes back. */
export function reset_board(board: BoardChannel): void {
    const { title, decision, votes, tags, cards } = board.fields;
    board.transact(() => {
        for (const card of cards.value ?? []) cards.item(card.id).remove();
        for (const tag of tags.value ?? []) tags.delete(tag);
        const counted = votes.value ?? 0;
        if (counted !== 0) votes.add(-counted);
        title.set('Weekend at the lighthouse');
        decision.set('Saturday, take the early ferry');
        for (const tag of ['trip', 'friends']) tags.add(tag);
        for (const [text, done, color] of kSample) cards.insert({ text, done, color }, 'last');
    }, { label: 'Reset the board' });
}

export function is_blank(board: BoardChannel): boolean {
    const { title, cards, tags } = board.fields;
    return !title.value && (cards.value?.length ?? 0) === 0 && (tags.value?.size ?? 0) === 0;
}
