// Prints the gzip size of the minified library, and fails above the limit.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundle } from './bundle.mjs';

const LIMIT = 20_000;
const result = await build({
    entryPoints: [fileURLToPath(new URL('../src/index.ts', import.meta.url))],
    ...bundle, minify: true, write: false, format: 'esm', metafile: true,
});
const bytes = result.outputFiles[0].contents;
const gzip = gzipSync(bytes, { level: 9 }).length;
if (process.argv.includes('--files')) {
    const inputs = Object.values(result.metafile.outputs)[0].inputs;
    for (const [name, { bytesInOutput }] of Object.entries(inputs).sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput))
        console.log(String(bytesInOutput).padStart(7), name);
}
console.log(`minified ${bytes.length} bytes`);
console.log(`gzip ${gzip} bytes (limit ${LIMIT})`);
process.exitCode = gzip <= LIMIT ? 0 : 1;
