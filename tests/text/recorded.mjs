// Lives recorded data with Yjs, one history a line as generate.mjs writes them: a session of two authors who
// often did not know of each other's edits, whole documents of up to hundreds of clients, and 5,320 small documents
// whose contents their file tells.
//
// usage: node recorded.mjs friendsforever|A1|C1|S1|S2|y-crdt FOLDER
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'
import * as decoding from 'lib0/decoding'

// Ids that no recording has: Yjs takes another one when it meets its own, and says so where the histories go.
const readers = [900_000_001, 900_000_002]
const [name, folder] = process.argv.slice(2)
const base64 = (bytes) => Buffer.from(bytes ?? []).toString('base64')

class Recording {
  constructor(ids, roots) {
    this.roots = roots
    this.users = ids.map((id) => {
      const doc = new Y.Doc()
      doc.clientID = id
      const user = { doc, v1: [], v2: [] }
      for (const [root, kind] of roots) this.root(doc, root, kind)
      doc.on('update', (update) => user.v1.push(update))
      doc.on('updateV2', (update) => user.v2.push(update))
      return user
    })
    this.head = { gc: true, users: ids, roots }
    this.steps = []
  }

  root(doc, root, kind) {
    return kind === 'text' ? doc.getText(root) : kind === 'map' ? doc.getMap(root) : doc.getArray(root)
  }

  /** Notes a step and what it made Yjs write, which it returns. */
  did(u, step) {
    const user = this.users[u]
    const [update, ...c] = user.v1
    this.steps.push({ u, ...step, x: base64(update), y: base64(user.v2[0]), ...(c.length > 0 && { c: c.map(base64) }) })
    user.v1 = []
    user.v2 = []
    return update
  }

  apply(u, bytes, v = 1) {
    const { doc } = this.users[u]
    if (v === 2) Y.applyUpdateV2(doc, bytes, 3)
    else Y.applyUpdate(doc, bytes, 3)
    return this.did(u, { op: 'apply', v, g: 3, b: base64(bytes) })
  }

  check(u) {
    const { doc } = this.users[u]
    const shown = this.roots.map(([root, kind]) => {
      const type = this.root(doc, root, kind)
      return [root, kind, JSON.stringify(type.toJSON()), ...(kind === 'text' ? [JSON.stringify(type.toDelta())] : [])]
    })
    this.steps.push({
      u, op: 'check', shown, s1: base64(Y.encodeStateAsUpdate(doc)), s2: base64(Y.encodeStateAsUpdateV2(doc)),
      sv: base64(Y.encodeStateVector(doc)), places: [],
    })
  }

  line(seed) {
    return JSON.stringify({ seed, ...this.head, steps: this.steps })
  }
}

/** Each author types what the recording says, in a document that has what the author then knew, and nothing else. */
function * twoAuthors() {
  const session = JSON.parse(gunzipSync(readFileSync(join(folder, 'editing-traces', `${name}.json.gz`))))
  const recording = new Recording(readers, [['t', 'text']])
  const updates = [[], []]
  // Of each transaction: how many of either author's it knows, with itself.
  const known = []
  const has = [[0, 0], [0, 0]]
  const deliver = (u, count) => {
    for (const other = 1 - u; has[u][other] < count; has[u][other]++) recording.apply(u, updates[other][has[u][other]])
  }
  for (const { agent: u, parents, patches } of session.txns) {
    const knows = [0, 1].map((author) => Math.max(0, ...parents.map((parent) => known[parent][author])))
    assert.equal(knows[u], updates[u].length, 'an author knows all of their own')
    deliver(u, knows[1 - u])
    assert.equal(patches.length, 1)
    const [i, n, t] = patches[0]
    assert.ok(n === 0 || t === '', 'a patch inserts or deletes')
    const text = recording.users[u].doc.getText('t')
    if (n > 0) text.delete(i, n)
    else text.insert(i, t)
    updates[u].push(recording.did(u, { p: ['t', 'text'], g: 0, i, ...(n > 0 ? { op: 'delete_text', n } : { op: 'insert_text', t }) }))
    has[u][u]++
    knows[u]++
    known.push(knows)
    if (known.length % 5000 === 0) recording.check(u)
  }
  for (const u of [0, 1]) {
    deliver(u, updates[1 - u].length)
    recording.check(u)
  }
  yield recording.line(1)
}

function * wholeDocument() {
  const bytes = readFileSync(join(folder, 'egwalker-paper', `${name}.yjs`))
  const recording = new Recording(readers, [['text', 'text']])
  recording.apply(0, bytes, 2)
  assert.ok(recording.users[0].doc.getText('text').length > 10_000, 'the document has its text')
  recording.check(0)
  recording.apply(1, Y.convertUpdateFormatV2ToV1(bytes))
  recording.check(1)
  yield recording.line(1)
}

/** The file: a count, then for each document a list of updates and its text, map and array in the end. */
function * smallDocuments() {
  const decoder = decoding.createDecoder(readFileSync(join(folder, 'y-crdt', 'small-test-dataset.bin')))
  const count = decoding.readVarUint(decoder)
  assert.equal(count, 5320)
  for (let seed = 1; seed <= count; seed++) {
    const recording = new Recording(readers.slice(0, 1), [['text', 'text'], ['map', 'map'], ['array', 'array']])
    for (let left = decoding.readVarUint(decoder); left > 0; left--) recording.apply(0, decoding.readVarUint8Array(decoder))
    recording.check(0)
    const { doc } = recording.users[0]
    assert.equal(doc.getText('text').toString(), decoding.readVarString(decoder))
    assert.deepEqual(doc.getMap('map').toJSON(), decoding.readAny(decoder))
    assert.deepEqual(doc.getArray('array').toJSON(), decoding.readAny(decoder))
    yield recording.line(seed)
  }
}

const lines = name === 'friendsforever' ? twoAuthors() : name === 'y-crdt' ? smallDocuments() : wholeDocument()
for (const line of lines) {
  if (!process.stdout.write(line + '\n')) await new Promise((resolve) => process.stdout.once('drain', resolve))
}
