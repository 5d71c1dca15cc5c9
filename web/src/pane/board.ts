import { type Channel, type Def, f, type Values } from '@tandem/client';

// The board's schema, as the server's `board` namespace has it.

export const kColors = ['none', 'blue', 'green', 'amber', 'red', 'violet'] as const;

const kCard = { text: f.string(), done: f.boolean(), color: f.string('none') };
const kBoard = { title: f.string(), decision: f.string(), votes: f.counter(), tags: f.set(), cards: f.list(kCard) };

export type BoardValue = Values<typeof kBoard>;
export type Card = { readonly id: string } & Values<typeof kCard>;

/** What a person tells the others: `at` is the field they are in, `actor` the writer that conflicts name. */
export interface Person { name: string; at: string | null; actor?: string }

export type BoardChannel = Channel<typeof kBoard, Person>;

export const Board: Def<typeof kBoard, Person> = { namespace: 'board', fields: kBoard };

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
        for (const card of cards.value) cards.item(card.id).remove();
        for (const tag of tags.value) tags.delete(tag);
        if (votes.value !== 0) votes.add(-votes.value);
        title.set('Weekend at the lighthouse');
        decision.set('Saturday, take the early ferry');
        for (const tag of ['trip', 'friends']) tags.add(tag);
        for (const [text, done, color] of kSample) cards.insert({ text, done, color }, 'last');
    }, { label: 'Reset the board' });
}

export function is_blank(board: BoardChannel): boolean {
    const { title, cards, tags } = board.fields;
    return title.value === '' && cards.value.length === 0 && tags.value.size === 0;
}
