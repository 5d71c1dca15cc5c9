// Written by `tandem types --ts` from the server's schema; write it again when that changes.
import { f, type Def, type Json } from '@tandem/client';

const poll = {
    answers: f.list({
        text: f.string(),
        votes: f.counter(),
    }),
    question: f.string(),
};
export type PollPresence = Record<string, Json>;
export const Poll: Def<typeof poll, PollPresence> = { namespace: "poll", fields: poll };
