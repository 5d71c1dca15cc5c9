import { f, type Def } from '../../src/index.js';

const fields = {
    title: f.string(),
    price: f.number(),
    votes: f.counter(),
    tags: f.set<string>(),
    cards: f.list({ text: f.string(), done: f.boolean() }),
};
export type BoardPresence = { name: string; cursor: { x: number; y: number } | null };
export const Board: Def<typeof fields, BoardPresence> = { namespace: 'board', fields };
