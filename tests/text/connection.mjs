// Texts over the connection of @tandem/client, from its sources. usage: node connection.mjs SCENARIO BINARY
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { kill, run, server, start, until } from './server.mjs'
import { inStep, openStock, typeWhileKilled } from './stock.mjs'

const sdk = fileURLToPath(new URL('../../sdk/ts/', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))
const opened = []

// Beside this file, so that it uses the same Yjs.
const bundle = join(here, `.connection-${process.pid}.mjs`)
await createRequire(join(sdk, 'package.json'))('esbuild').build({
  stdin: { contents: "export * from './index.ts'; export * from './yjs.ts'; export * from './text_past.ts'", resolveDir: join(sdk, 'src'), loader: 'ts' },
  bundle: true, format: 'esm', target: 'es2022', outfile: bundle, external: ['yjs', 'y-protocols', 'ws'],
})
const { connect, textOf, textPastOf } = await import(pathToFileURL(bundle).href)
await rm(bundle)

/** An application with a client, and texts of its channel. */
function open(channel = 'text:one', names = ['main'], options = {}) {
  const told = []
  const client = connect(`http://127.0.0.1:${server.port}`, { storage: 'memory', onRefused: error => told.push(error), ...options })
  opened.push({ destroy: () => client.close() })
  const handle = client.channel(channel)
  const texts = names.map(name => {
    const doc = new Y.Doc()
    return { doc, provider: textOf(handle, name, doc), text: doc.getText('t') }
  })
  return { client, channel: handle, told, texts, ...texts[0] }
}

function openEve(room) {
  const eve = openStock(room)
  opened.push(eve.provider)
  return eve
}

const api = async (path, options) => (await fetch(`http://127.0.0.1:${server.port}/api/v1/${path}`, options)).json()
const head = async () => (await api('channels/text%3Aone/record')).seq

const scenarios = {
  // Texts, the record and a stock provider, over one socket for each client.
  async sync() {
    const [ann, bob] = [open(), open()]
    const eve = openEve('one')
    const told = []
    for (const event of ['status', 'synced', 'sync', 'saved']) ann.provider.on(event, value => told.push([event, value.status ?? value]))
    ann.text.insert(0, 'hello')
    await until('bob has it', () => bob.text.toString() === 'hello')
    bob.text.insert(5, ' world')
    await until('ann has it', () => ann.text.length === 11)
    ann.text.format(0, 5, { bold: true })
    eve.doc.getArray('a').push([1, 'two', new Y.Map([['three', 3]])])
    await until('all have it', () => ann.doc.getArray('a').length === 3 && bob.doc.getArray('a').length === 3)
    await inStep(ann, bob, eve)
    assert.deepEqual(bob.text.toDelta(), [{ insert: 'hello', attributes: { bold: true } }, { insert: ' world' }])
    await until('all is stored', () => ann.provider.saved && bob.provider.saved)
    ann.channel.field('title').set('A plan')
    await until('bob has the record', () => bob.channel.value.title === 'A plan')
    assert.equal((await api('connections')).connections.length, 3)
    for (const wanted of [['status', 'connected'], ['synced', true], ['sync', true], ['saved', true]])
      assert.ok(told.some(one => one.join() === wanted.join()), `told ${wanted}: ${told.join(' ')}`)
  },
  async several() {
    const [ann, bob] = [open('text:one', ['main', 'notes']), open('text:one', ['notes', 'main'])]
    ann.texts[0].text.insert(0, 'a')
    ann.texts[1].text.insert(0, 'z')
    await until('both are there', () => bob.texts[1].text.toString() === 'a' && bob.texts[0].text.toString() === 'z')
    assert.throws(() => textOf(ann.channel, 'main', new Y.Doc()), { code: 'invalid_argument' })
    // Who leaves one hears the other still, and may come back to it as another document.
    bob.texts[1].provider.destroy()
    ann.texts[0].text.insert(1, 'b')
    ann.texts[1].text.insert(1, 'y')
    await until('the other goes on', () => bob.texts[0].text.toString() === 'zy')
    assert.equal(bob.texts[1].text.toString(), 'a')
    const again = new Y.Doc()
    textOf(bob.channel, 'main', again)
    await until('it is all there', () => again.getText('t').toString() === 'ab')
  },
  async offline() {
    const [ann, bob] = [open(), open()]
    ann.text.insert(0, 'base')
    await until('bob has it', () => bob.text.toString() === 'base')
    await until('it is stored', () => ann.provider.saved && bob.provider.saved)
    bob.client.goOffline()
    await until('bob is offline', () => bob.provider.status === 'disconnected' && !bob.provider.synced)
    assert.ok(bob.provider.saved, 'nothing was typed')
    bob.text.insert(4, ' offline')
    assert.ok(!bob.provider.saved)
    ann.text.insert(0, 'online ')
    bob.client.goOnline()
    await until('both', () => ann.text.length === 19 && bob.text.length === 19)
    await inStep(ann, bob)
    await until('all is stored', () => ann.provider.saved && bob.provider.saved && bob.provider.synced)
    // What is known already takes no entry.
    const before = await head()
    bob.client.goOffline()
    await until('bob is offline', () => bob.provider.status === 'disconnected')
    bob.client.goOnline()
    await until('bob is back', () => bob.provider.synced)
    ann.text.insert(0, '!')
    await until('bob has it', () => bob.text.length === 20)
    await until('it is stored', () => ann.provider.saved)
    assert.equal(await head(), before + 1)
  },
  async killed() {
    const [ann, bob] = [open(), open()]
    await typeWhileKilled(ann, bob)
    await until('all is stored', () => ann.provider.saved && bob.provider.saved)
    await Promise.all([ann.client.close(), bob.client.close()])
    await kill()
    await start()
    const cold = open()
    await until('a cold start has all', () => cold.text.length === 300)
    await inStep(ann, cold)
  },
  // What `saved` says is on the disk, whatever happens after.
  async saved() {
    for (let round = 1; round <= 5; round++) {
      const ann = open()
      await until('synced', () => ann.provider.synced)
      for (let i = 0; i < 20; i++) ann.text.insert(ann.text.length, 'x')
      await until('it is stored', () => ann.provider.saved)
      await kill()
      await ann.client.close()
      await start()
      const cold = open()
      await until('it is there', () => cold.provider.synced)
      assert.equal(cold.text.length, 20 * round)
      await cold.client.close()
    }
  },
  async awareness() {
    const [ann, bob] = [open(), open()]
    const eve = openEve('one')
    const state = (one, of) => one.provider.awareness.getStates().get(of.doc.clientID)
    ann.provider.awareness.setLocalStateField('user', { name: 'Ann' })
    await until('both see ann', () => state(bob, ann)?.user?.name === 'Ann' && state(eve, ann)?.user?.name === 'Ann')
    eve.provider.awareness.setLocalStateField('cursor', 3)
    await until('a cursor is seen', () => state(ann, eve)?.cursor === 3)
    ann.client.goOffline()
    await until('she has gone', () => !state(bob, ann) && !state(eve, ann))
    assert.ok(!state(ann, eve), 'she knows of nobody')
    ann.client.goOnline()
    await until('she is back at once', () => state(bob, ann)?.user?.name === 'Ann' && state(eve, ann)?.user?.name === 'Ann' && state(ann, eve))
    ann.provider.destroy()
    await until('she has left', () => !state(bob, ann) && !state(eve, ann))
  },
  // Messages larger than the connection takes at once, each way.
  async large() {
    const [ann, bob] = [open(), open()]
    await until('synced', () => ann.provider.synced && bob.provider.synced)
    const half = 'x'.repeat(5 * 1024 * 1024)
    ann.text.insert(0, half)
    ann.text.insert(0, 'y')
    await until('bob has it', () => bob.text.length === half.length + 1)
    await until('it is stored', () => ann.provider.saved)
    await kill()
    await start()
    const cold = open()
    await until('a cold start has it', () => cold.text.length === half.length + 1)
  },
  async refused() {
    await kill()
    await start('--limits.text_message_bytes', '200000')
    const ann = open()
    const refusals = []
    ann.provider.on('refused', error => refusals.push(error))
    await until('synced', () => ann.provider.synced)
    ann.text.insert(0, 'x'.repeat(300_000))
    await until('it is refused', () => refusals.length > 0)
    assert.equal(refusals[0].code, 'too_large')
    assert.equal(ann.told[0].code, 'too_large')
    assert.ok(!ann.provider.saved)
    // The connection goes on, for the record and for other texts.
    const other = new Y.Doc()
    const notes = textOf(ann.channel, 'notes', other)
    other.getText('t').insert(0, 'a')
    await until('another text is stored', () => notes.saved)
    await ann.channel.field('a').set(1).committed()
    const far = open('nowhere:one')
    await until('the namespace is refused', () => far.told.some(error => error.code === 'unknown_namespace' || error.code === 'bad_channel'))
  },
  async readonly() {
    const ann = open('shown:one')
    const refusals = []
    ann.provider.on('refused', error => refusals.push(error.code))
    await until('what is there is here', () => ann.provider.saved && ann.provider.synced)
    ann.text.insert(0, 'a')
    await until('it is refused', () => refusals.length === 1)
    assert.deepEqual(refusals, ['forbidden'])
    assert.ok(!ann.provider.saved)
  },
  // Versions of a text: named, read, compared, deleted and brought back.
  async versions() {
    const ann = open('text:one', ['a b'])
    const past = textPastOf(ann.channel, 'a b')
    ann.text.insert(0, 'hello')
    await until('it is stored', () => ann.provider.saved)
    const { seq } = await past.saveVersion('good')
    ann.text.insert(5, ' world')
    ann.text.delete(0, 1)
    await until('it is stored', () => ann.provider.saved)
    const shown = async version => {
      const doc = new Y.Doc()
      Y.applyUpdate(doc, await past.at(version))
      return doc.getText('t').toString()
    }
    assert.equal(await shown('good'), 'hello')
    assert.equal(await shown(seq), 'hello')
    const [named, ...more] = await past.versions()
    assert.equal(more.length, 0)
    assert.deepEqual([named.name, named.kind, named.seq], ['good', 'named', seq])
    assert.ok(named.created instanceof Date && named.changed <= named.created && named.size > 0)
    const changes = await past.changesBetween('good')
    assert.equal(changes.length, 1)
    assert.deepEqual([changes[0].root, changes[0].path, changes[0].delta, changes[0].by],
      ['t', [], [{ delete: 1 }, { retain: 4 }, { insert: ' world' }], [ann.doc.clientID]])
    assert.deepEqual(await past.changesBetween('good', seq), [])
    const restored = await past.restore('good')
    assert.ok(restored.seq > seq)
    await until('it shows the version again', () => ann.text.toString() === 'hello')
    assert.deepEqual((await past.versions()).map(version => version.kind).sort(), ['before_restore', 'named'])
    await past.deleteVersion('good')
    const [before] = await past.versions()
    await past.deleteVersion(before.seq)
    assert.deepEqual(await past.versions(), [])
    await assert.rejects(past.at('good'), error => error.code === 'not_found' && error.channel === 'text:one')
    await assert.rejects(past.saveVersion('', 1), error => error.code === 'invalid_argument')
  },
  async deleted() {
    const [ann, bob] = [open(), open()]
    ann.text.insert(0, 'a')
    await until('bob has it', () => bob.text.length === 1)
    await until('it is stored', () => ann.provider.saved)
    let closed = 0
    for (const one of [ann, bob]) one.provider.on('closed', () => closed++)
    await api('channels/text%3Aone', { method: 'DELETE' })
    await until('both are told', () => closed === 2)
    assert.equal(ann.provider.status, 'disconnected')
    const fresh = open()
    await until('synced', () => fresh.provider.synced)
    assert.equal(fresh.text.length, 0, 'nobody has sent it again')
    ann.provider.connect()
    await until('who wants to does', () => fresh.text.length === 1)
  },
  // Anyone with a WebSocket and JSON.
  async json() {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/connection/websocket`, ['tandem.v1.json'])
    const heard = []
    socket.on('message', data => heard.push(...[JSON.parse(data)].flat()))
    await new Promise(resolve => socket.on('open', resolve))
    const say = frame => socket.send(JSON.stringify({ text: { channel: 'text:one', ...frame } }))
    const base64 = bytes => Buffer.from(bytes).toString('base64')
    const texts = () => heard.filter(frame => frame.text).map(frame => frame.text)
    const message = (kind, body) => base64([...kind, body.length, ...body])
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'json')
    const update = Y.encodeStateAsUpdate(doc)
    say({ message: message([0, 0], [0]) })
    await until('it is answered and asked', () => texts().length === 2)
    assert.deepEqual(texts().map(({ channel, name }) => [channel, name]), [['text:one', 'main'], ['text:one', 'main']])
    assert.deepEqual(texts().map(one => one.message), [base64([0, 1, 2, 0, 0]), base64([0, 0, 1, 0])])
    say({ message: message([0, 2], update), ref: 7 })
    await until('it is stored', () => texts().some(one => one.ref === 7 && one.seq === 1))
    say({ message: message([0, 2], update), ref: 8 })
    await until('it was there already', () => texts().some(one => one.ref === 8 && one.seq === 1))
    assert.equal(await head(), 1)
    const ann = open()
    await until('others have it', () => ann.text.toString() === 'json')
    ann.text.insert(4, '!')
    await until('it is told of others', () => texts().some(one => one.message && Buffer.from(one.message, 'base64')[1] === 2))
    // Pieces, and what does not fit together.
    const whole = Buffer.from(message([0, 2], update), 'base64')
    say({ message: base64(whole.subarray(0, 5)), more: true })
    say({ message: base64(whole.subarray(5)), ref: 9 })
    await until('the pieces are one', () => texts().some(one => one.ref === 9 && one.seq))
    say({ message: 'AAF/', ref: 10 })
    await until('nonsense is refused', () => texts().some(one => one.ref === 10 && one.code === 'malformed'))
    say({ message: base64(whole.subarray(0, 5)), more: true })
    say({ name: 'other', message: base64(whole.subarray(5)), ref: 11 })
    await until('a torn message is refused', () => texts().some(one => one.ref === 11 && one.code))
    say({ leave: true })
    const count = texts().length
    ann.text.insert(5, '?')
    await until('it is stored', () => ann.provider.saved)
    socket.send('{"ping":{}}')
    await until('it is heard', () => heard.some(frame => frame.pong))
    assert.equal(texts().length, count, 'who has left hears no more')
    socket.terminate()
  },
  async many() {
    const all = Array.from({ length: 6 }, () => open())
    all.push(openEve('one'))
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
      if (i % 40 === 27 && one.client) {
        one.client.goOffline()
        one.client.goOnline()
      }
      if (i % 10 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    await inStep(...all)
    await until('nothing waits', () => all.every(one => one.doc.store.pendingStructs === null && one.provider.saved !== false))
  },
}

await run(scenarios, opened)
