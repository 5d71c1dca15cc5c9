// Takes orders over HTTP against a stock that people and devices change at the same time.
//   curl -X POST localhost:3000/orders -d '{"good":"tea","amount":2}'
import { createServer } from 'node:http';
import { connect } from '@tandem/client';

const { TANDEM = 'http://localhost:8080', WAREHOUSE = 'main', PORT = '3000' } = process.env;
const stop = new AbortController();
const tandem = connect(TANDEM, { onRefused: (error) => console.error(`refused: ${error.message} ${error.hint}`) });
const stock = tandem.channel(`stock:${WAREHOUSE}`);

/** What the goods are now; it is in memory, and up to date, so reading costs nothing. */
const goods = () => stock.value.goods ?? {};

// Whatever runs low is told at once, whoever took it.
const low = new Set();
stock.subscribe(() => {
    for (const [id, { name, count = 0 }] of Object.entries(goods())) {
        if (count >= 5) low.delete(id);
        else if (!low.has(id)) {
            low.add(id);
            console.log(`only ${count} of ${name} left`);
        }
    }
}, stop);

async function order({ good, amount }) {
    const price = goods()[good]?.price;
    if (!Number.isInteger(amount) || amount < 1 || price === undefined) return [400, { error: 'Say which good, and how many.' }];
    if ((goods()[good].count ?? 0) < amount) return [409, { error: 'There is not as much left.', left: goods()[good].count ?? 0 }];
    // One entry, all or nothing; refused when somebody changed the count or the price since we looked.
    const write = stock.transact(() => {
        stock.counter(`goods/${good}/count`).add(-amount);
        stock.field('last_order').set({ good, amount, at: new Date().toISOString() });
    }, { label: 'Order', ifUnchanged: [stock.counter(`goods/${good}/count`), stock.field(`goods/${good}/price`)] });
    const { seq } = await write.committed({ signal: AbortSignal.timeout(5_000) });
    return [201, { total: price * amount, left: goods()[good].count, seq }];
}

async function answer(request) {
    if (request.method === 'GET' && request.url === '/goods') return [200, goods()];
    if (request.method !== 'POST' || request.url !== '/orders') return [404, { error: 'There are GET /goods and POST /orders.' }];
    let body = '';
    for await (const part of request) if ((body += part).length > 10_000) return [413, { error: 'That is no order.' }];
    let wanted;
    try {
        wanted = JSON.parse(body);
    } catch {
        return [400, { error: 'An order is JSON: {"good":"tea","amount":2}' }];
    }
    for (let attempt = 1; ; attempt++) {
        try {
            return await order(wanted);
        } catch (error) {
            // Somebody was faster. What they did is here as soon as the refusal is, so look again.
            if (error.code !== 'precondition_failed' || attempt === 5) return [503, { error: error.message, hint: error.hint }];
        }
    }
}

await stock.ready({ signal: AbortSignal.timeout(10_000) });
const server = createServer((request, response) => {
    answer(request).then(([status, value]) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value) + '\n');
    });
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`orders on http://localhost:${server.address().port}`));

for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, async () => {
        server.close();
        stop.abort();
        await tandem.close();     // what is on its way still arrives
        process.exit(0);
    });
