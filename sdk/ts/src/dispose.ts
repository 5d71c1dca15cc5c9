// Runtimes before explicit resource management have no such symbol; compiled `await using` looks for it by name.
// Imported first, because classes read the symbol when they are defined.
(Symbol as { asyncDispose?: symbol }).asyncDispose ??= Symbol.for('Symbol.asyncDispose');

export {};
