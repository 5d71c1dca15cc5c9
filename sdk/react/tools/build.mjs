// Makes dist/: ESM, CommonJS and the type declarations. The types are those of the built client, sdk/ts/dist.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
rmSync('dist', { recursive: true, force: true });
const common = {
    entryPoints: ['src/index.ts'], bundle: true, external: ['react', '@tandem/client'], target: 'es2022', platform: 'neutral', sourcemap: true,
};
await build({ ...common, format: 'esm', outfile: 'dist/index.js' });
await build({ ...common, format: 'cjs', outfile: 'dist/index.cjs' });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { stdio: 'inherit' });
// CommonJS users need declarations that are CommonJS too.
for (const name of readdirSync('dist/types').filter(n => n.endsWith('.d.ts'))) {
    const text = readFileSync(`dist/types/${name}`, 'utf8');
    writeFileSync(`dist/types/${name.replace(/\.d\.ts$/, '.d.cts')}`, text.replace(/(['"]\.\/[\w.]+)\.js(['"])/g, '$1.cjs$2'));
}
