import type { Json } from '@tandem/client';
import type { PastChange } from '@tandem/client/past';

// What an entry of the log did, in a person's words.

const kValueMax = 40;
const kPartsMax = 2;

function quoted(value: Json | undefined): string {
    const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
    return `“${text.length > kValueMax ? `${text.slice(0, kValueMax)}…` : text}”`;
}

function text_in(value: Json | undefined): string | undefined {
    const text = value && typeof value === 'object' && !Array.isArray(value) ? (value as { text?: Json }).text : undefined;
    return typeof text === 'string' ? text : undefined;
}

const kFirstUpper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The path of the element that shows what the change is about. */
export function place_of({ path }: PastChange): string {
    const [root = '', item] = path.split('/');
    return item?.startsWith('@') ? `${root}/${item}` : root;
}

/** `text_of` tells a card's text as it is shown at that time. */
export function words_of(change: PastChange, text_of: (id: string) => string | undefined): string {
    const { path, op, before, after } = change;
    const [root = '', item, field] = path.split('/');
    if (root === 'cards' && item?.startsWith('@')) {
        const name = (value?: Json): string => {
            const text = text_in(value) ?? text_of(item.slice(1));
            return text ? quoted(text) : 'a card';
        };
        if (field === undefined && op === 'move') return `moved ${name()}`;
        if (field === undefined && before === undefined) return `added ${name(after)}`;
        if (field === undefined && after === undefined) return `removed ${name(before)}`;
        if (field === 'done') return `${after === true ? 'ticked' : 'unticked'} ${name()}`;
        if (field === 'color') return `coloured ${name()} ${typeof after === 'string' && after !== 'none' ? after : 'plain'}`;
        if (field === 'text') return before ? `${quoted(before)} → ${quoted(after)}` : `wrote ${quoted(after)}`;
        return `changed ${name()}`;
    }
    if (root === 'votes') return `votes ${Number(before ?? 0)} → ${Number(after ?? 0)}`;
    if (root === 'tags') {
        const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value as readonly Json[] : []);
        const added = list(after).filter((tag) => !list(before).includes(tag)).map((tag) => `tag +${String(tag)}`);
        const gone = list(before).filter((tag) => !list(after).includes(tag)).map((tag) => `tag −${String(tag)}`);
        return [...added, ...gone].join(', ') || 'tags';
    }
    if (after === undefined) return `${root} cleared`;
    return before ? `${root} ${quoted(before)} → ${quoted(after)}` : `${root} ${quoted(after)}`;
}

/** All that one entry did, shortened when it is much. */
export function sentence_of(changes: readonly PastChange[], text_of: (id: string) => string | undefined): string {
    const parts = changes.slice(0, kPartsMax).map((change) => words_of(change, text_of));
    const more = changes.length - parts.length;
    const told = more > 0 ? [...parts, `${more} more`] : parts;
    return kFirstUpper(told.join(' · '));
}
