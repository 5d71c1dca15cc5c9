// Compiles every test with the sources it uses, shortened as in dist/, and hands them to node's test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { mangleProps } from './bundle.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const out = 'build/tests'; // Not in node_modules: there the runner of Node 22 looks for no tests.
rmSync(out, { recursive: true, force: true });
const wanted = process.argv.slice(2).filter(a => !a.startsWith('-'));
const tests = readdirSync('test').filter(n => n.endsWith('_test.ts') && (wanted.length === 0 || wanted.some(w => n.includes(w))));
const common = {
    outdir: out, outExtension: { '.js': '.mjs' }, bundle: true, format: 'esm', target: 'node18', platform: 'node', packages: 'external',
    sourcemap: 'inline',
};
// Vectors are JSON whose names must stay as they are.
const entries = named => tests.filter(n => n.startsWith('vectors') === named).map(n => `test/${n}`);
await build({ ...common, entryPoints: entries(true) });
await build({ ...common, entryPoints: entries(false), mangleProps });
const flags = process.argv.slice(2).filter(a => a.startsWith('-'));
const files = tests.map(n => `${out}/${n.replace(/\.ts$/, '.mjs')}`);
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...flags, ...files], { stdio: 'inherit' });
process.exitCode = run.status ?? 1;
