// Makes dist/: ESM, CommonJS, one minified file for <script type="module">, and the type declarations.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Doc } from 'yjs';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

// What few applications need has an entry of its own; all share one table of shortened names.
const entryPoints = ['src/index.ts', 'src/history.ts', 'src/assign.ts', 'src/past.ts', 'src/text_past.ts', 'src/decide.ts', 'src/token.ts', 'src/yjs.ts', 'src/fallback.ts'];
const common = { ...bundle, outdir: 'dist', sourcemap: true, external: ['yjs', 'y-protocols'] };
const { mangleCache } = await build({
    ...common, entryPoints, format: 'esm', splitting: true, chunkNames: 'shared-[hash]', mangleCache: {},
});
await build({ ...common, mangleCache, entryPoints, format: 'cjs', outExtension: { '.js': '.cjs' } });
await build({ ...bundle, entryPoints: ['src/index.ts'], format: 'esm', outfile: 'dist/tandem.min.js', minify: true });

execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { stdio: 'inherit' });
// CommonJS users need declarations that are CommonJS too.
for (const name of readdirSync('dist/types').filter(n => n.endsWith('.d.ts'))) {
    const text = readFileSync(`dist/types/${name}`, 'utf8');
    writeFileSync(`dist/types/${name.replace(/\.d\.ts$/, '.d.cts')}`, text.replace(/(['"]\.\/[\w.]+)\.js(['"])/g, '$1.cjs$2'));
}

// The entries must agree on the shortened names: an edit made through one is undone through the other.
const require = createRequire(import.meta.url);
const names = ['index', 'history', 'assign', 'past', 'text_past'];
// Two formats of Yjs in one program complain of each other.
const modules = await Promise.all([...names, 'yjs'].map(name => import(`../dist/${name}.js`)));
const formats = [modules, names.map(name => require(`../dist/${name}.cjs`))];
for (const [{ connect }, { historyOf }, { wholeOf }, { pastOf }, { textPastOf }, { textOf } = {}] of formats) {
    const client = connect('ws://127.0.0.1:1', { storage: 'memory' });
    const board = client.channel('board:1');
    const history = historyOf(board);
    board.field('title').set('A');
    board.field('title').set('B');
    history.undo();
    wholeOf(board).assign({ title: board.field('title').value, list: [{ id: 'i' }] });
    if (JSON.stringify(board.value) !== '{"list":[{"id":"i"}],"title":"A"}') throw new Error('The entries of dist/ do not fit together.');
    const told = await pastOf(board).at(1).catch(error => error.code);
    if (told !== 'connection_closed') throw new Error(`Without a server the past is ${told}.`);
    const toldOfText = await textPastOf(board).versions().catch(error => error.code);
    if (toldOfText !== 'connection_closed') throw new Error(`Without a server the past of a text is ${toldOfText}.`);
    const text = textOf?.(board, 'main', new Doc());
    if (text && text.status !== 'connecting') throw new Error(`Without a server a text is ${text.status}.`);
    text?.doc.destroy();
    await client.close();
}
