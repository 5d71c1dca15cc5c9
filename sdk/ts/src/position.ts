/**
 * Position keys of list items: an integer part, a fraction and a random tail, in digits that sort as bytes.
 * The integer part's first letter tells its length (`a` one digit, `b` two, …; `Z` one digit below zero, …), so
 * that appending n items costs O(log n) characters. The tail makes keys made at once in one place differ.
 */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = DIGITS.length;
const digit = (c: string): number => DIGITS.indexOf(c);

/** `random` yields numbers in [0, 1). The last character is never `0`, so there is room before every key. */
export function positionTail(random: () => number, length = 8): string {
    let tail = '';
    for (let i = 1; i < length; i++) tail += DIGITS[Math.floor(random() * BASE)];
    return tail + DIGITS[1 + Math.floor(random() * (BASE - 1))];
}

/** The integer part of a key, or nothing for a key of another form. */
function integerOf(key: string): string | undefined {
    const head = key.charCodeAt(0);
    const length = head >= 97 ? head - 95 : head >= 65 && head <= 90 ? 92 - head : 0;
    return length !== 0 && key.length > length ? key.slice(0, length) : undefined;
}

/** The next integer part above (+1) or below (−1), or nothing at the end of the range. */
function step(integer: string, by: 1 | -1): string | undefined {
    const digits = [...integer.slice(1)];
    for (let i = digits.length - 1; i >= 0; i--) {
        const next = digit(digits[i]!) + by;
        digits[i] = DIGITS[(next + BASE) % BASE]!;
        if (next >= 0 && next < BASE) return integer[0] + digits.join('');
    }
    const fill = by > 0 ? '0' : 'z';
    const head = integer.charCodeAt(0) + by;
    if (head === 96) return 'Z' + 'z';
    if (head === 91) return 'a' + '0';
    if (head < 65 || head > 122) return undefined;
    const length = head >= 97 ? head - 96 : 91 - head;
    return String.fromCharCode(head) + fill.repeat(length);
}

/** Digits m such that low < m + tail < high for every tail; `high` empty is the open end. Needs low < high. */
function midpoint(low: string, high: string): string {
    let out = '';
    let open = high === '';
    for (let i = 0; ; i++) {
        const y = open ? BASE : digit(high[i]!);
        if (i >= low.length) {
            if (open) return out;
            if (y > 0) return out + DIGITS[Math.floor((y - 1) / 2)];
            out += '0';
            continue;
        }
        const x = digit(low[i]!);
        if (y - x > 1) return out + DIGITS[Math.floor((x + y) / 2)];
        out += low[i];
        if (y > x) open = true;
    }
}

/** A key strictly between the two; empty is the open end. */
export function positionBetween(low: string, high: string, tail: string): string {
    const usable = /^[0-9A-Za-z]*[1-9A-Za-z]$/;
    if (!usable.test(low)) low = '';
    if (!usable.test(high) || high <= low) high = '';
    if (low === '' && high === '') return 'a0' + tail;
    const a = integerOf(low);
    const b = integerOf(high);
    if ((low === '' || a !== undefined) && (high === '' || b !== undefined)) {
        if (low === '') {
            const below = step(b!, -1);
            if (below !== undefined) return below + tail;
        } else {
            const above = step(a!, 1);
            if (above !== undefined && (high === '' || above < b!)) return above + tail;
            if (high !== '' && a === b) return a! + midpoint(low.slice(a!.length), high.slice(b!.length)) + tail;
            return a! + midpoint(low.slice(a!.length), '') + tail;
        }
    }
    return midpoint(low, high) + tail;
}
