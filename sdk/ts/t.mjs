import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { bundle } from './tools/bundle.mjs';
for (const extra of [{}, { tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, target: 'es2022' } } }, { target: 'es2024' }, {external:['./storage_memory.js']}]) {
const r = await build({ entryPoints: ['src/index.ts'], ...bundle, ...extra, minify: true, write: false, format: 'esm' });
console.log(r.outputFiles[0].contents.length, gzipSync(r.outputFiles[0].contents, { level: 9 }).length);
}
