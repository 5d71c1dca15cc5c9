import { Reader, Writer, decodeText, utf8 } from './bytes.js';
import { TandemError } from './errors.js';
import { checkKey } from './value.js';

/**
 * A step in its text form: an item is `@` and its id, anything else a key; `~0`, `~1` and `~2` stand for
 * `~`, `/` and a leading `@`. Kept escaped so that a path's text is its segments joined.
 */
export type Segment = string;
export type Path = readonly Segment[];

const SEGMENTS_MAX = 32;
const PATH_BYTES_MAX = 1024;

const escape = (text: string): string => text.replace(/~/g, '~0').replace(/\//g, '~1');

export const isItem = (segment: Segment): boolean => segment[0] === '@';

export function keySegment(key: string): Segment {
    checkKey(key);
    return key[0] === '@' ? '~2' + escape(key.slice(1)) : escape(key);
}

export function itemSegment(id: string): Segment {
    checkKey(id);
    return '@' + escape(id);
}

/** The key or the id that a segment stands for. */
export function nameOf(segment: Segment): string {
    const text = isItem(segment) ? segment.slice(1) : segment;
    if (!text.includes('~')) return text;
    return text.replace(/^~2/, '@').replace(/~([01])/g, (_, digit) => (digit === '0' ? '~' : '/'));
}

export function checkPath(path: Path): Path {
    if (path.length > SEGMENTS_MAX || (path.length > 3 && encodePath(path).length > PATH_BYTES_MAX + SEGMENTS_MAX * 2))
        throw new TandemError('bad_path', 'It is too long.');
    for (let i = 1; i < path.length; i++)
        if (path[i] === 'id' && isItem(path[i - 1]!)) throw new TandemError('bad_path', 'An item has its own id.');
    return path;
}

export function parsePath(text: string): Path {
    if (text[0] === '/') text = text.slice(1);
    if (text === '') return [];
    return checkPath(
        text.split('/').map(segment => {
            const rest = segment.replace(/^~2/, '');
            if (/~(?![01])/.test(rest)) throw new TandemError('bad_path', 'Write ~ as ~0.');
            // A key that begins with @ is written ~2, so what begins with @ here is an item.
            checkKey(nameOf(segment));
            return segment;
        }),
    );
}

export const pathText = (path: Path): string => path.join('/');

/** True when `prefix` is the path or an ancestor of it. */
export function covers(prefix: Path, path: Path): boolean {
    return prefix.length <= path.length && prefix.every((segment, i) => segment === path[i]);
}

export function encodePath(path: Path): Uint8Array {
    const out = new Writer();
    for (const segment of path) {
        const bytes = utf8(nameOf(segment));
        out.varint(bytes.length * 2 + (isItem(segment) ? 1 : 0));
        out.raw(bytes);
    }
    return out.finish();
}

export function decodePath(bytes: Uint8Array): Path {
    const reader = new Reader(bytes);
    const path: Segment[] = [];
    while (!reader.done) {
        const head = reader.varint();
        const name = decodeText(reader.raw(Math.floor(head / 2)));
        path.push(head % 2 ? itemSegment(name) : keySegment(name));
    }
    return checkPath(path);
}
