// What the scenarios of several providers have in common.
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { kill, server, start, until } from './server.mjs'

/** An editor with the stock provider; who opens it destroys it. */
export function openStock(room, options = {}) {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(`ws://127.0.0.1:${server.port}/yjs`, room, doc,
    { WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 200, ...options })
  return { doc, provider, text: doc.getText('t') }
}

export const same = all =>
  all.every(one => Buffer.compare(Y.encodeStateAsUpdate(one.doc), Y.encodeStateAsUpdate(all[0].doc)) === 0)
export const inStep = (...all) => until('the same everywhere', () => same(all))

/** Both type while the server is killed and started three times; they end in step, with 300 characters. */
export async function typeWhileKilled(ann, bob) {
  await until('synced', () => ann.provider.synced && bob.provider.synced)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 50; i++) ann.text.insert(ann.text.length, String(i % 10))
    await until('bob has some', () => bob.text.length > round * 100)
    await kill()
    for (let i = 0; i < 50; i++) bob.text.insert(0, 'b')
    await start()
    await until('both have all', () => ann.text.length === (round + 1) * 100 && bob.text.length === (round + 1) * 100)
  }
  await inStep(ann, bob)
}
