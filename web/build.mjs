// Builds the demo and the inspector into build/web at the root of the repository, or the folder given as first argument.
import { build } from 'esbuild';
import { cp, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const kTotalBytesMax = 300 * 1024;   // It is embedded in the server's binary.

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '../build/web'));
const src = (path) => join(here, 'src', path);
const common = {
    bundle: true, minify: true, format: 'esm', target: ['es2022'], legalComments: 'none', logLevel: 'warning',
    alias: {
        '@tandem/client/history': join(here, '../sdk/ts/src/history.ts'),
        '@tandem/client/past': join(here, '../sdk/ts/src/past.ts'),
        '@tandem/client': process.env.TANDEM_CLIENT ?? join(here, '../sdk/ts/src/index.ts'),
    },
};

// Files go, folders stay: a running server holds them open.
for (const entry of await readdir(out, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory()) await rm(join(entry.parentPath ?? entry.path, entry.name));
}
await mkdir(join(out, 'assets'), { recursive: true });
await mkdir(join(out, 'inspector/assets'), { recursive: true });
await build({
    ...common, outdir: join(out, 'assets'),
    entryPoints: [
        { in: src('demo/main.ts'), out: 'demo' }, { in: src('demo/demo.css'), out: 'demo' },
        { in: src('pane/main.ts'), out: 'pane' }, { in: src('pane/pane.css'), out: 'pane' },
    ],
});
await build({
    ...common, outdir: join(out, 'inspector/assets'),
    entryPoints: [
        { in: src('inspector/main.ts'), out: 'inspector' }, { in: src('inspector/inspector.css'), out: 'inspector' },
    ],
});
await cp(src('demo/index.html'), join(out, 'index.html'));
await cp(src('pane/pane.html'), join(out, 'pane.html'));
await cp(src('inspector/index.html'), join(out, 'inspector/index.html'));
await cp(src('shared/favicon.svg'), join(out, 'assets/favicon.svg'));
await cp(src('shared/favicon.svg'), join(out, 'inspector/assets/favicon.svg'));

let total = 0;
for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) total += (await stat(join(entry.parentPath ?? entry.path, entry.name))).size;
}
console.log(`${out}: ${(total / 1024).toFixed(1)} KiB`);
if (total > kTotalBytesMax) {
    console.error(`more than ${kTotalBytesMax / 1024} KiB`);
    process.exit(1);
}
