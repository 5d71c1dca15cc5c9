// Written by `tandem types --ts` from the server's schema; write it again when that changes.
import { f, type Def, type Json } from '@tandem/client';

const todo = {
    items: f.list({
        done: f.boolean(),
        text: f.string(),
    }),
    title: f.string(),
};
export type TodoPresence = Record<string, Json>;
export const Todo: Def<typeof todo, TodoPresence> = { namespace: "todo", fields: todo };
