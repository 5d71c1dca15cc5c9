import type { AnyChannel, Channel, ChannelHandle } from './channel.js';
import { OP_SET } from './ops.js';
import { parsePath } from './path.js';
import { normalize, type Json } from './value.js';
import type { Write } from './write.js';

/**
 * Settles a conflict of a field whose resolver is `manual` or `agent`, at the path that the conflict names: everybody sees this value,
 * and the journal names this write as the decision. It is refused with `precondition_failed` when somebody has written there since
 * what is shown here, so that nothing is decided over that nobody looked at; and with `invalid_argument` for other fields, which
 * `conflict.resolve` is for.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function decide(channel: Channel<any, any> | AnyChannel, conflict: { readonly path: string }, value: Json): Write {
    const handle = channel as unknown as ChannelHandle;
    return handle.commit([{ kind: OP_SET, path: parsePath(conflict.path), value: normalize(value), decides: true }]);
}
