// Writes src/errors.gen.ts from the catalogue of errors, which is the argument.
import { readFileSync, writeFileSync } from 'node:fs';

const source = process.argv[2] ?? new URL('../../../src/base/errors.def', import.meta.url);
const names = [...readFileSync(source, 'utf8').matchAll(/^TANDEM_ERROR\((\w+), (\d+),/gm)].map(m => m[1]);
if (names.length === 0) throw new Error('no errors found in the catalogue');
const lines = names.map(name => `    | '${name}'`).join('\n');
writeFileSync(
    new URL('../src/errors.gen.ts', import.meta.url),
    '// Generated from src/base/errors.def by sdk/ts/tools/gen_errors.mjs; do not edit.\n\n' +
        `/** Every code that a server or this library may report. */\nexport type ErrorCode =\n${lines};\n`,
);
