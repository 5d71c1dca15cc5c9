// Compiles the tests with the hooks and the client's sources, and hands them to node's test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const out = 'build/tests'; // Not in node_modules: there the runner of Node 22 looks for no tests.
rmSync(out, { recursive: true, force: true });
const tests = readdirSync('test').filter(n => n.endsWith('_test.ts'));
await build({
    entryPoints: tests.map(n => `test/${n}`), outdir: out, outExtension: { '.js': '.mjs' }, bundle: true, format: 'esm', target: 'node18',
    platform: 'node', external: ['react', 'react-dom', 'jsdom'], alias: { '@tandem/client': '../ts/src/index.ts' }, sourcemap: 'inline',
});
const files = tests.map(n => `${out}/${n.replace(/\.ts$/, '.mjs')}`);
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], { stdio: 'inherit' });
process.exitCode = run.status ?? 1;
