import type { Write } from '@tandem/client';
import type { BoardChannel } from './board.ts';

/** What the parts of a pane share. */
export interface Context {
    readonly board: BoardChannel;
    readonly name: string;
    /** Follows a write: measures it, and keeps a refusal from becoming an unhandled rejection. */
    track(write: Write | undefined): void;
    /** Tells the page around the pane what the person did, for the strip of steps. */
    tell(what: 'typed' | 'title' | 'offline' | 'online'): void;
    toast(text: string, tone?: 'plain' | 'bad'): void;
}
