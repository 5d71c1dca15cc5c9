// A stand-in for the server's HTTP API with made-up data, to work on the inspector's looks without a server:
//   npm run build && npm run mock   → http://localhost:8099/_/
// The demo's panes need a real server: `tandem dev --web build/web`.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = join(dirname(fileURLToPath(import.meta.url)), '../../build/web');
const kTypes = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const kPolicy = "default-src 'self'; connect-src 'self' ws: wss: http: https:; frame-src 'self'";
const started = Date.now();
const actors = [5021994112873551, 771203998154021, 3319450072110943];

const board = {
    cards: [
        { id: 'k1', color: 'blue', done: true, text: 'Book the lighthouse for Friday' },
        { id: 'k2', color: 'amber', done: false, text: 'Buy oat milk and good coffee' },
        { id: 'k3', color: 'none', done: false, text: 'Print the map of the coast path' },
    ],
    decision: 'Saturday, take the early ferry', tags: ['friends', 'trip'], title: 'Weekend at the lighthouse', votes: 7,
};
const entries = [];
const write = (actor, ops) => entries.push({
    seq: entries.length + 1, actor: actors[actor], counter: entries.length + 1, stamp: [Date.now(), 0], wall_ms: Date.now(), ops,
});
write(0, [
    { op: 'set', path: 'title', value: board.title }, { op: 'set', path: 'decision', value: board.decision },
    { op: 'add', path: 'tags', value: 'trip' }, { op: 'add', path: 'tags', value: 'friends' },
    ...board.cards.map(({ id, ...value }, i) => ({ op: 'insert', path: `cards/@${id}`, position: `a${i}`, value })),
]);
for (let i = 0; i < 140; i += 1) write(i % 3, [{ op: 'inc', path: 'votes', value: 1 }]);
write(1, [{ op: 'set', path: 'cards/@k2/text', value: 'Buy oat milk and good coffee' }]);
write(2, [{ op: 'move', path: 'cards/@k3', position: 'a1V' }]);
setInterval(() => {
    board.votes += 1;
    write(entries.length % 2, [{ op: 'inc', path: 'votes', value: 1 }]);
}, 3000);

const channels = ['board:demo', 'board:42', 'board:team-7', 'doc:handbook', 'doc:minutes-2031', 'live:scores'];
const api = {
    '/health': () => ({ status: 'ok', version: '0.1.0' }),
    '/api/v1/channels': (query) => {
        const found = channels.filter((name) => name.startsWith(query.get('prefix') ?? '') && name > (query.get('after') ?? '')).sort();
        return {
            channels: found.map((name, i) => ({
                name, head: i === 2 ? entries.length : 40 * i + 3, floor: 0, bytes: 2 ** (9 + 2 * i), changed_ms: Date.now() - 40_000 * i ** 3,
                members: 2, subscribers: name === 'board:demo' ? 2 : 0,
            })), more: false,
        };
    },
    '/api/v1/connections': () => ({ connections: [0, 1].map((i) => ({
        id: `c${i + 17}`, remote: `127.0.0.1:${52110 + i}`, codec: 'tandem.v1', client: '@tandem/client/0.1.0', since_ms: started, channels: ['board:demo'],
        bytes_in: 4211 + 900 * i, bytes_out: 18_330, pending_bytes: 0,
    })) }),
    record: () => ({ epoch: '8851234096611234567', seq: entries.length, hash: '9f2c41d07be35a6688aa0c1d2e3f4455', value: board }),
    entries: (query) => {
        const after = Number(query.get('after') ?? 0);
        return { entries: entries.slice(after, after + Number(query.get('limit') ?? 100)), oldest: 1, head: entries.length };
    },
    presence: () => ({ members: [
        { id: 'm1', user: 'anonymous', state: { name: 'Ada', at: 'title' }, connection: 'c17' },
        { id: 'm2', user: 'anonymous', state: { name: 'Grace', at: null }, connection: 'c18' }] }),
    conflicts: () => ({ conflicts: [
        { path: 'title', reason: 'value', dot: [actors[1], 12], value: 'Weekend by the sea', stamp: [Date.now(), 0, actors[1]], seq: 120, closed_seq: 0, shown: board.title },
        { path: 'cards/@k2', reason: 'position', dot: [actors[0], 9], value: 'a0V', stamp: [Date.now(), 0, actors[0]], seq: 77, closed_seq: 81, shown: 'a1' }] }),
};
const metrics = () => {
    const s = (Date.now() - started) / 1000;
    const burst = 40 + 30 * Math.sin(s / 5);
    return [`tandem_connections{codec="v1"} 2`, 'tandem_subscriptions 2', `tandem_pushes_total{shard="0"} ${Math.floor(s * 41 + burst)}`,
        `tandem_commits_total ${Math.floor(s * 12 + burst / 3)}`, `tandem_deliveries_total ${Math.floor(s * 82 + burst * 2)}`, ''].join('\n');
};

const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const channel = /^\/api\/v1\/channels\/[^/]+\/(record|entries|presence|conflicts)$/.exec(url.pathname)?.[1];
    const answer = api[channel ?? url.pathname];
    if (url.pathname === '/metrics') return response.end(metrics());
    if (answer) return response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer(url.searchParams)));
    let path = normalize(url.pathname).replace(/^\/_(?=\/)/, '/inspector');
    if (path.endsWith('/')) path += 'index.html';
    try {
        const body = await readFile(join(web, path));
        response.writeHead(200, { 'Content-Type': kTypes[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': kPolicy });
        response.end(body);
    } catch {
        response.writeHead(404).end();
    }
});
server.listen(Number(process.argv[2] ?? 8099), '127.0.0.1', () => console.log(`http://localhost:${server.address().port}/_/`));
