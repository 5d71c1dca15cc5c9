// Prints the gzip sizes of the minified library and of what is imported beside it, and fails above a limit.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundle } from './bundle.mjs';

const LIMIT = 20_000;
const YJS_LIMIT = 3_500;
const FALLBACK_LIMIT = 3_500;
const source = name => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url));
const common = { ...bundle, minify: true, write: false, format: 'esm', metafile: true };
const gzipOf = result => gzipSync(result.outputFiles[0].contents, { level: 9 }).length;

const result = await build({ ...common, entryPoints: [source('index')] });
const gzip = gzipOf(result);
if (process.argv.includes('--files')) {
    const inputs = Object.values(result.metafile.outputs)[0].inputs;
    for (const [name, { bytesInOutput }] of Object.entries(inputs).sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput))
        console.log(String(bytesInOutput).padStart(7), name);
}
console.log(`minified ${result.outputFiles[0].contents.length} bytes`);
console.log(`gzip ${gzip} bytes (limit ${LIMIT})`);

// What an application with the library adds for texts, beside yjs and y-protocols.
const shared = ['bytes', 'errors', 'fields', 'store'].map(name => `./${name}.js`);
const yjs = gzipOf(await build({ ...common, entryPoints: [source('yjs')], external: ['yjs', 'y-protocols', ...shared] }));
console.log(`gzip ${yjs} bytes for yjs, besides (limit ${YJS_LIMIT})`);
// And for networks without WebSockets.
const core = ['connect', 'errors', 'platform', 'store', 'wire'].map(name => `./${name}.js`);
const fallback = gzipOf(await build({ ...common, entryPoints: [source('fallback')], external: core }));
console.log(`gzip ${fallback} bytes for fallback, besides (limit ${FALLBACK_LIMIT})`);
process.exitCode = gzip <= LIMIT && yjs <= YJS_LIMIT && fallback <= FALLBACK_LIMIT ? 0 : 1;
