// Stock Yjs providers against the server. usage: node providers.mjs SCENARIO BINARY
//
// Each scenario starts its own server, in a folder of its own, and ends with exit code 0 when all held.
import assert from 'node:assert/strict'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { kill, run, server, start, until } from './server.mjs'
import { inStep, openStock, typeWhileKilled } from './stock.mjs'

const providers = []

class Plain extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { perMessageDeflate: false })
  }
}

function open(room, options) {
  const one = openStock(room, options)
  providers.push(one.provider)
  return one
}

const scenarios = {
  async sync() {
    const [ann, bob] = [open('text:one'), open('text:one')]
    ann.text.insert(0, 'hello')
    await until('bob has it', () => bob.text.toString() === 'hello')
    bob.text.insert(5, ' world')
    await until('ann has it', () => ann.text.length === 11)
    ann.text.format(0, 5, { bold: true })
    bob.doc.getMap('m').set('k', [1, { a: null }])
    ann.doc.getArray('a').push([1, 'two', new Y.Map([['three', 3]])])
    await until('both have all', () => ann.doc.getMap('m').has('k') && bob.doc.getArray('a').length === 3)
    await inStep(ann, bob)
    assert.deepEqual(bob.text.toDelta(), [{ insert: 'hello', attributes: { bold: true } }, { insert: ' world' }])
  },
  // A room needs no namespace, and a channel has several texts.
  async rooms() {
    const [ann, bob, other] = [open('plain'), open('text:plain'), open('plain', { params: { text: 'other' } })]
    ann.text.insert(0, 'a')
    other.text.insert(0, 'z')
    await until('bob has it', () => bob.text.toString() === 'a')
    await until('other is synced', () => other.provider.synced)
    assert.equal(other.text.toString(), 'z')
  },
  async offline() {
    const [ann, bob] = [open('text:one'), open('text:one')]
    ann.text.insert(0, 'base')
    await inStep(ann, bob)
    await until('bob has it', () => bob.text.toString() === 'base')
    bob.provider.disconnect()
    bob.text.insert(4, ' offline')
    ann.text.insert(0, 'online ')
    bob.provider.connect()
    await until('both', () => ann.text.length === 19 && bob.text.length === 19)
    await inStep(ann, bob)
  },
  // Nothing that the server has told others is lost by a kill, and what is typed meanwhile comes after.
  async killed() {
    const [ann, bob] = [open('text:one'), open('text:one')]
    await typeWhileKilled(ann, bob)
    for (const one of [ann, bob]) one.provider.destroy()
    await kill()
    await start()
    const cold = open('text:one')
    await until('a cold start has all', () => cold.text.length === 300)
    await inStep(ann, cold)
  },
  async awareness() {
    const [ann, bob] = [open('text:one'), open('text:one')]
    ann.provider.awareness.setLocalStateField('user', { name: 'Ann' })
    await until('bob sees ann', () => bob.provider.awareness.getStates().get(ann.doc.clientID)?.user?.name === 'Ann')
    ann.provider.awareness.setLocalStateField('cursor', 3)
    await until('and her cursor', () => bob.provider.awareness.getStates().get(ann.doc.clientID)?.cursor === 3)
    ann.provider.ws.terminate()
    await until('she has gone', () => !bob.provider.awareness.getStates().has(ann.doc.clientID))
    await until('she is back before she moves', () => bob.provider.awareness.getStates().get(ann.doc.clientID)?.cursor === 3)
    ann.provider.ws.terminate()
    ann.provider.shouldConnect = false
    await until('she has gone', () => !bob.provider.awareness.getStates().has(ann.doc.clientID))
  },
  // One message of several megabytes, each way.
  async large() {
    const [ann, bob] = [open('text:one'), open('text:one')]
    await until('synced', () => ann.provider.synced && bob.provider.synced)
    const half = 'x'.repeat(12 * 1024 * 1024)
    ann.text.insert(0, half)
    await until('bob has it', () => bob.text.length === half.length)
    await kill()
    await start()
    const cold = open('text:one')
    await until('a cold start has it', () => cold.text.length === half.length)
  },
  async many() {
    const all = Array.from({ length: 8 }, () => open('text:one'))
    await until('synced', () => all.every(one => one.provider.synced))
    let seed = 7
    const dice = below => (seed = (seed * 48271) % 2147483647) % below
    for (let i = 0; i < 400; i++) {
      const one = all[dice(all.length)]
      if (one.text.length > 20 && dice(3) === 0) one.text.delete(dice(one.text.length - 5), 1 + dice(4))
      else one.text.insert(dice(one.text.length + 1), 'abc'.slice(dice(3)))
      if (i % 40 === 7) {
        one.provider.disconnect()
        one.provider.connect()
      }
      if (i % 10 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    await inStep(...all)
    await until('nothing waits', () => all.every(one => one.doc.store.pendingStructs === null))
  },
  // What a provider agrees on by itself: a large document is a fraction of itself on the wire, both ways.
  async compressed() {
    const [ann, without] = [open('text:one'), open('text:one', { WebSocketPolyfill: Plain })]
    const words = 'a text that says much the same, and says it again; '
    ann.text.insert(0, words.repeat(4000))
    await until('the other has it', () => without.text.length === words.length * 4000)
    assert.match(ann.provider.ws.extensions, /permessage-deflate/)
    assert.equal(without.provider.ws.extensions, '')
    const socket = ann.provider.ws._socket
    assert.ok(socket.bytesWritten < 20_000, `${socket.bytesWritten} bytes sent`)
    assert.ok(without.provider.ws._socket.bytesRead > 200_000)
    const cold = open('text:one')
    await until('a cold start has all', () => cold.text.length === ann.text.length)
    const read = cold.provider.ws._socket.bytesRead
    assert.ok(read < 20_000, `${read} bytes received`)
    without.text.insert(7, words.repeat(1000))
    await inStep(ann, without, cold)
    assert.equal(ann.text.length, words.length * 5000)
  },
}

await run(scenarios, providers)
