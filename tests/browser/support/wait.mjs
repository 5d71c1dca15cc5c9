import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

// Everything is waited for by its condition. The limit is generous: it is met only by what never happens.

const kLimitMs = 60_000;
const kLookEveryMs = 25;
const kNoAnswer = Symbol('no answer');

/** Resolves with the first truthy result of `look`; fails with the last result or error when there is none in time. */
export async function until(what, look, limit_ms = kLimitMs) {
    const end = Date.now() + limit_ms;
    for (let last; ; await pause(kLookEveryMs)) {
        try {
            // A look that gets no answer counts as one that failed: a page may be gone.
            const found = await Promise.race([look(), pause(end - Date.now(), kNoAnswer, { ref: false })]);
            if (found !== kNoAnswer) last = found;
            if (found && found !== kNoAnswer) return found;
        } catch (error) {
            last = error;
        }
        if (Date.now() > end) assert.fail(`waited in vain: ${what} (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`);
    }
}

/** Resolves when `look` gives a value deeply equal to `wanted`; fails with the difference. */
export async function until_equal(what, look, wanted, limit_ms = kLimitMs) {
    let last;
    const same = async () => {
        last = await look();
        try {
            assert.deepEqual(last, wanted);
            return true;
        } catch {
            return false;
        }
    };
    await until(what, same, limit_ms).catch((error) => {
        assert.deepEqual(last, wanted, what);
        throw error;
    });
}
