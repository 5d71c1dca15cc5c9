// Makes dist/: ESM, CommonJS, one minified file for <script type="module">, and the type declarations.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

const common = { entryPoints: ['src/index.ts'], ...bundle };
await build({ ...common, format: 'esm', outfile: 'dist/index.js', sourcemap: true });
await build({ ...common, format: 'cjs', outfile: 'dist/index.cjs', sourcemap: true });
await build({ ...common, format: 'esm', outfile: 'dist/tandem.min.js', minify: true });

execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { stdio: 'inherit' });
// CommonJS users need declarations that are CommonJS too.
for (const name of readdirSync('dist/types').filter(n => n.endsWith('.d.ts'))) {
    const text = readFileSync(`dist/types/${name}`, 'utf8');
    writeFileSync(`dist/types/${name.replace(/\.d\.ts$/, '.d.cts')}`, text.replace(/(['"]\.\/[\w.]+)\.js(['"])/g, '$1.cjs$2'));
}
