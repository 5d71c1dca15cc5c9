import type { ErrorCode } from './errors.gen.js';

export type { ErrorCode };

/** What went wrong, in a form that a program can react to (`code`) and a person can read. */
export class TandemError extends Error {
    readonly code: ErrorCode;
    /** What to do about it. */
    readonly hint: string;
    readonly docs: string;
    /** True when the same request may succeed later. */
    readonly temporary: boolean;
    /** The channel concerned, when there is one. */
    readonly channel: string;

    constructor(
        code: ErrorCode,
        message: string = code,
        more: { hint?: string; docs?: string; temporary?: boolean; channel?: string } = {},
    ) {
        super(message);
        this.name = 'TandemError';
        this.code = code;
        this.hint = more.hint || message;
        this.docs = more.docs ?? '';
        this.temporary = more.temporary ?? false;
        this.channel = more.channel ?? '';
    }
}

/** For arguments that a program must not pass. */
export function invalid(message: string): TandemError {
    return new TandemError('invalid_argument', message);
}

/** For bytes that do not follow the protocol. */
export function malformed(): TandemError {
    return new TandemError('malformed', 'The bytes do not decode.');
}
