// Stock providers of Hocuspocus, 2 and 4, against the server. usage: node hocuspocus.mjs SCENARIO BINARY
//
// Each scenario starts its own server, in a folder of its own, and ends with exit code 0 when all held.
import assert from 'node:assert/strict'
import * as two from 'hocuspocus2'
import * as four from 'hocuspocus4'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { kill, run, server, start, until } from './server.mjs'
import { inStep, openStock, typeWhileKilled } from './stock.mjs'

// A provider that ends while it connects no longer listens, and an error that nobody hears ends the process.
class Socket extends WebSocket {
  constructor(...given) {
    super(...given)
    this.on('error', () => {})
  }
}

const providers = []
const versions = [two, four]

function socket(version, query = '') {
  const one = new version.HocuspocusProviderWebsocket({ url: `ws://127.0.0.1:${server.port}/hocuspocus${query}`,
    WebSocketPolyfill: Socket, delay: 50, minDelay: 50, maxDelay: 200 })
  providers.push(one)
  return one
}

// A document over a socket of its own, or over that of `options`.
function open(version, name, options = {}) {
  const doc = new Y.Doc()
  const websocketProvider = options.websocketProvider ?? socket(version)
  const heard = { scope: null, denied: null, stateless: [], closed: 0 }
  const provider = new version.HocuspocusProvider({
    name, document: doc, token: 'anything', broadcast: false, ...options, websocketProvider,
    onAuthenticationFailed: ({ reason }) => { heard.denied = reason },
    onStateless: ({ payload }) => heard.stateless.push(payload),
    onClose: () => heard.closed++,
  })
  provider.on('authenticated', () => { heard.scope = provider.authorizedScope })
  if (version === four) provider.attach()
  return { doc, provider, websocketProvider, heard, text: doc.getText('t') }
}

function openYjs(room) {
  const yjs = openStock(room)
  providers.push(yjs.provider)
  return yjs
}

// Version 2 forgets to count what it typed before it was connected, and then counts to -1, with any server.
const stored = (...all) => until('all is told to be stored', () => all.every(one => one.provider.unsyncedChanges <= 0))
const has = (one, text) => until(`it has ${text}`, () => one.text.toString() === text)
const stateOf = (one, other) => one.provider.awareness.getStates().get(other.doc.clientID)

const scenarios = {
  // Both versions and y-websocket, on one room.
  async sync() {
    const [ann, bob, yjs] = [open(two, 'one'), open(four, 'one'), openYjs('one')]
    ann.text.insert(0, 'hello')
    await has(bob, 'hello')
    bob.text.insert(5, ' world')
    await has(ann, 'hello world')
    await has(yjs, 'hello world')
    yjs.text.insert(0, '> ')
    bob.doc.getMap('m').set('k', [1, { a: null }])
    await until('all have all', () => [ann, bob, yjs].every(one => one.text.length === 13 && one.doc.getMap('m').has('k')))
    await inStep(ann, bob, yjs)
    await stored(ann, bob)
    assert.ok(ann.provider.synced && bob.provider.synced)
    assert.deepEqual([ann.heard.scope, bob.heard.scope], ['read-write', 'read-write'])
    // Cursors cross, too, and who leaves is gone.
    yjs.provider.awareness.setLocalStateField('user', 'yjs')
    ann.provider.setAwarenessField('user', 'ann')
    bob.provider.setAwarenessField('user', 'bob')
    await until('all see all', () => [ann, bob, yjs].every(one => [ann, bob, yjs].every(other => stateOf(one, other)?.user)))
    bob.provider.destroy()
    await until('bob has gone', () => !stateOf(ann, bob) && !stateOf(yjs, bob))
    assert.equal(stateOf(ann, yjs).user, 'yjs')
  },
  // Several documents on one socket; one that is closed leaves the others alone and can be opened again.
  async documents() {
    for (const version of versions) {
      const websocketProvider = socket(version)
      const names = ['a', 'text:b', 'c'].map(name => `${name}${versions.indexOf(version)}`)
      const all = names.map(name => open(version, name, { websocketProvider, preserveConnection: true }))
      const others = names.map(name => open(version, name))
      all.forEach((one, i) => one.text.insert(0, `text ${i}`))
      for (const [i, other] of others.entries()) await has(other, `text ${i}`)
      await stored(...all)
      all[0].provider.destroy()
      await until('its cursor has gone', () => !stateOf(others[0], all[0]))
      others[1].text.insert(0, 'still ')
      await has(all[1], 'still text 1')
      others[0].text.insert(0, 'meanwhile ')
      await stored(others[0])
      const again = open(version, names[0], { websocketProvider, preserveConnection: true })
      await has(again, 'meanwhile text 0')
      const notes = open(version, names[0], { websocketProvider: socket(version, '?text=notes') })
      await until('another text of that channel is synced', () => notes.provider.synced)
      assert.equal(notes.text.length, 0)
    }
  },
  // A program that edits over HTTP in a name is among the editors, with a cursor that they can place.
  async agent() {
    const edit = async body => {
      const done = await fetch(`http://localhost:${server.port}/api/v1/channels/text:one/text`, { method: 'POST',
        headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
      assert.equal(done.status, 200, await done.text())
    }
    const ann = open(four, 'one')
    ann.text.insert(0, 'Dear agent, ')
    await stored(ann)
    const author = { name: 'Agent', color: '#30bced' }
    const agent = () => [...ann.provider.awareness.getStates()].find(([, state]) => state.user?.name === 'Agent')
    for (const word of 'hello this is typed'.split(' ')) await edit({ root: 't', author, edits: [{ append: `${word} ` }] })
    await has(ann, 'Dear agent, hello this is typed ')
    const placeOf = json => Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(json), ann.doc)
    await until('ann sees where it is', () => agent()?.[1].cursor && placeOf(agent()[1].cursor.head)?.index === ann.text.length)
    const [client, state] = agent()
    assert.equal(state.user.color, '#30bced')
    assert.ok(Y.decodeStateVector(Y.encodeStateVector(ann.doc)).has(client), 'it is the author of what it wrote')
    assert.equal(ann.doc.store.clients.size, 2)
    ann.text.insert(0, '> ')
    await stored(ann)
    await edit({ author: { ...author, leaves: true }, edits: [{ delta: [{ retain: 2, attributes: { bold: true } }] }] })
    await until('it has gone', () => !agent())
    assert.deepEqual(ann.text.toDelta()[0], { insert: '> ', attributes: { bold: true } })
  },
  // Two sessions of one document on one socket are two editors.
  async sessions() {
    const websocketProvider = socket(four)
    const [ann, bob] = [1, 2].map(() => open(four, 'one', { websocketProvider, sessionAwareness: true }))
    ann.text.insert(0, 'ann')
    await has(bob, 'ann')
    bob.text.insert(3, ' bob')
    await has(ann, 'ann bob')
    ann.provider.setAwarenessField('user', 'ann')
    bob.provider.setAwarenessField('user', 'bob')
    await until('they see each other', () => stateOf(ann, bob)?.user && stateOf(bob, ann)?.user)
    await stored(ann, bob)
    ann.provider.destroy()
    await until('ann has gone', () => !stateOf(bob, ann))
    assert.equal(stateOf(bob, bob).user, 'bob')
    bob.text.insert(0, '> ')
    await stored(bob)
  },
  async offline() {
    for (const version of versions) {
      const room = `room${versions.indexOf(version)}`
      const [ann, bob] = [open(version, room), open(version, room)]
      ann.text.insert(0, 'base')
      await has(bob, 'base')
      bob.websocketProvider.disconnect()
      await until('bob is offline', () => bob.websocketProvider.status === 'disconnected')
      bob.text.insert(4, ' offline')
      ann.text.insert(0, 'online ')
      bob.websocketProvider.connect()
      await until('both', () => ann.text.length === 19 && bob.text.length === 19)
      await inStep(ann, bob)
      await stored(ann, bob)
    }
  },
  // What was told to be stored is there after a kill, and what is typed meanwhile comes after.
  async killed() {
    const [ann, bob] = [open(two, 'one'), open(four, 'one')]
    await typeWhileKilled(ann, bob)
    ann.text.insert(0, 'last ')
    await stored(ann, bob)
    const state = ann.text.toString()
    for (const one of [ann, bob]) one.provider.destroy()
    await kill()
    await start()
    await has(open(four, 'one'), state)
  },
  // A namespace whose texts editors may only read.
  async readonly() {
    for (const version of versions) {
      const [ann, bob] = [open(version, 'shown:one'), open(version, 'shown:one')]
      await until('they are told', () => ann.heard.scope === 'readonly' && bob.heard.scope === 'readonly')
      await stored(ann, bob)
      ann.provider.setAwarenessField('user', 'ann')
      await until('bob sees her', () => stateOf(bob, ann)?.user === 'ann')
      let refused = 0
      ann.provider.on('message', ({ message }) => {
        message.readVarString()
        if (message.readVarUint() === 8 && message.readVarUint() === 0) refused++
      })
      ann.text.insert(0, 'no')
      await until('it is refused', () => refused === 1)
      assert.equal(ann.provider.unsyncedChanges, 1)
      assert.equal(ann.heard.denied, null)
      assert.equal(bob.text.length, 0)
      for (const one of [ann, bob]) one.provider.destroy()
    }
    const yjs = openYjs('shown:one')
    await until('synced', () => yjs.provider.synced)
    assert.equal(yjs.text.length, 0)
  },
  async stateless() {
    const [ann, bob, other] = [open(two, 'one'), open(four, 'one'), open(four, 'other')]
    await until('synced', () => [ann, bob, other].every(one => one.provider.synced))
    ann.provider.sendStateless('from ann')
    await until('bob heard her', () => bob.heard.stateless.length === 1)
    bob.provider.sendStateless('{"from":"bob"}')
    await until('ann heard him', () => ann.heard.stateless.length === 1)
    assert.deepEqual([ann.heard.stateless, bob.heard.stateless, other.heard.stateless],
      [['{"from":"bob"}'], ['from ann'], []])
    // What is too large is refused and told, and the document stays open.
    ann.provider.sendStateless('x'.repeat(100_000))
    await until('ann is told', () => ann.heard.stateless.length === 2)
    assert.equal(JSON.parse(ann.heard.stateless[1]).code, 'too_large')
    ann.text.insert(0, 'still here')
    await has(bob, 'still here')
  },
  // A document of a namespace that is not configured is denied, and no other with it.
  async denied() {
    for (const version of versions) {
      const websocketProvider = socket(version)
      const good = open(version, 'good', { websocketProvider, preserveConnection: true })
      const bad = open(version, 'unknown:one', { websocketProvider, preserveConnection: true })
      await until('it is told', () => bad.heard.denied !== null)
      assert.match(bad.heard.denied, /unknown_namespace/)
      good.text.insert(0, 'a')
      await stored(good)
    }
  },
  // One whose channel is deleted is told, and does not bring the text back.
  async deleted() {
    const [ann, old] = [open(four, 'one'), open(two, 'one')]
    ann.text.insert(0, 'gone soon')
    await has(old, 'gone soon')
    await stored(ann)
    for (const provider of [old.provider, old.websocketProvider]) provider.destroy()
    const done = await fetch(`http://localhost:${server.port}/api/v1/channels/text:one`, { method: 'DELETE' })
    assert.equal(done.status, 200)
    await until('ann is told', () => ann.heard.closed > 0)
    const cold = open(four, 'one')
    await until('synced', () => cold.provider.synced)
    assert.equal(cold.text.length, 0)
  },
  async many() {
    const all = Array.from({ length: 8 }, (_, i) => open(versions[i % 2], 'one'))
    await until('synced', () => all.every(one => one.provider.synced))
    let seed = 7
    const dice = below => (seed = (seed * 48271) % 2147483647) % below
    for (let i = 0; i < 400; i++) {
      const one = all[dice(all.length)]
      if (one.text.length > 20 && dice(3) === 0) one.text.delete(dice(one.text.length - 5), 1 + dice(4))
      else one.text.insert(dice(one.text.length + 1), 'abc'.slice(dice(3)))
      if (i % 40 === 7) {
        one.websocketProvider.disconnect()
        await until('it is offline', () => one.websocketProvider.status === 'disconnected')
        one.websocketProvider.connect()
      }
      if (i % 10 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    await inStep(...all)
    await stored(...all)
    await until('nothing waits', () => all.every(one => one.doc.store.pendingStructs === null))
  },
}

await run(scenarios, providers)
