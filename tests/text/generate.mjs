// Lives random histories with Yjs and writes each as one line of JSON: what every user did and
// received, and what Yjs wrote and showed after each step. replay.cpp lives them again with our own
// documents.
//
// usage: node generate.mjs [--histories N] [--seed S] [--only text|array|map|xml|mixed]
import { parseArgs } from 'node:util'
import { clock } from './clock.mjs'
import * as Y from 'yjs'
import * as encoding from 'lib0/encoding'
import { fourteen } from './fourteen.mjs'
import { Observers } from './observers.mjs'
import { Undo } from './undo.mjs'

const { values: options } = parseArgs({
  options: {
    histories: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: 'mixed' },
  },
})

// mulberry32: small, seeded, and the same everywhere.
const random = (seed) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const anyBytes = (value) => {
  const encoder = encoding.createEncoder()
  encoding.writeAny(encoder, value)
  return encoding.toUint8Array(encoder)
}
const anyOf = (value) => base64(anyBytes(value))
const concat = (values) => base64(Buffer.concat(values.map((value) => anyBytes(value))))

const words = ['a', 'bc', 'xyz', ' ', '\n', 'longer text ', 'ä', 'ß€', '日本', '😀', 'q😀r', '12']
const formatNames = ['bold', 'em', 'color']
const formatValues = { bold: [true, null], em: [true, 1, null], color: ['red', '#00f', null] }

// What JSON has no word for; of a sub-document its name.
function jsonOf(key, value) {
  if (this[key] instanceof Y.Doc) return { guid: this[key].guid }
  return value instanceof Uint8Array ? Array.from(value) : value
}

class History {
  constructor(seed, only) {
    this.next = random(seed)
    this.seed = seed
    this.only = only
    const count = 2 + this.int(this.chance(0.2) ? 9 : 3)
    this.gc = !this.chance(0.15)
    this.users = []
    for (let i = 0; i < count; i++) {
      const doc = new Y.Doc({ gc: this.gc })
      // 53 bits are allowed; Yjs 13 itself takes 32.
      doc.clientID = this.chance(0.1) ? 2 ** 40 + this.int(1e9) : 1 + this.int(this.chance(0.3) ? 100 : 2 ** 32 - 2)
      this.users.push({ doc, inbox: [], v1: [], v2: [], observers: new Observers() })
    }
    // Two users of one id would be a different story.
    this.users.forEach((user, i) => { user.doc.clientID += i * 1000003 })
    this.ids = this.users.map((user) => user.doc.clientID)
    for (const user of this.users) {
      for (const [name, kind] of this.roots()) this.root(user.doc, name, kind)
      user.doc.on('update', (update) => user.v1.push(update))
      user.doc.on('updateV2', (update) => user.v2.push(update))
      user.subdocs = []
      user.doc.on('subdocs', (event) => user.subdocs.push(['added', 'removed', 'loaded'].map(
        (what) => [...event[what]].map(({ guid }) => guid).join(',')).join(' ')))
    }
    this.steps = []
    this.updates = []
    this.snapshots = []
    this.positions = []
    this.observes = this.chance(0.3)
    this.undoes = this.chance(0.3)
    clock.now = 1000
  }

  int(below) { return Math.floor(this.next() * below) }
  chance(p) { return this.next() < p }
  pick(list) { return list[this.int(list.length)] }

  roots() {
    const all = [['t', 'text'], ['a', 'array'], ['m', 'map'], ['x', 'xml_fragment']]
    if (this.only === 'text') return all.slice(0, 1)
    if (this.only === 'array') return all.slice(1, 2)
    if (this.only === 'map') return all.slice(2, 3)
    if (this.only === 'xml') return all.slice(3)
    return all
  }

  root(doc, name, kind) {
    switch (kind) {
      case 'text': return doc.getText(name)
      case 'array': return doc.getArray(name)
      case 'map': return doc.getMap(name)
      default: return doc.getXmlFragment(name)
    }
  }

  // A random shared type of a document and the way to it.
  place(doc) {
    const [name, kind] = this.pick(this.roots())
    let type = this.root(doc, name, kind)
    const path = [name, kind]
    while (this.chance(0.6)) {
      const children = []
      if (type instanceof Y.Array || type instanceof Y.XmlFragment) {
        type.toArray().forEach((child, i) => { if (child instanceof Y.AbstractType) children.push([i, child]) })
      } else if (type instanceof Y.Map) {
        type.forEach((child, key) => { if (child instanceof Y.AbstractType) children.push([key, child]) })
      }
      if (children.length === 0) break
      const [step, child] = this.pick(children)
      path.push(step)
      type = child
    }
    return { type, path }
  }

  value() {
    return this.pick([
      () => this.int(1000) - 500, () => this.int(2 ** 31), () => this.next() * 1e6, () => 0.5, () => -0,
      () => 2 ** 40 + this.int(1000), () => this.pick(words), () => true, () => false, () => null,
      () => ({ b: this.int(9), a: [1, 'x', null] }), () => [this.int(5), { k: 'v' }], () => 'key' + this.int(5),
    ])()
  }

  content() {
    const kind = this.pick(['text', 'array', 'map', 'map', 'xml_element', 'xml_text', 'binary', 'doc'])
    switch (kind) {
      case 'text': return { made: new Y.Text(), step: { k: kind } }
      case 'array': return { made: new Y.Array(), step: { k: kind } }
      case 'map': return { made: new Y.Map(), step: { k: kind } }
      case 'xml_text': return { made: new Y.XmlText(), step: { k: kind } }
      case 'xml_element': {
        const n = this.pick(['p', 'Div', 'h1'])
        return { made: new Y.XmlElement(n), step: { k: kind, n } }
      }
      case 'doc': {
        const options = {}
        if (this.chance(0.2)) options.gc = false
        if (this.chance(0.3)) options.autoLoad = true
        if (this.chance(0.3)) options.meta = { m: this.value() }
        const n = 'g' + this.int(6)
        const made = new Y.Doc({ guid: n, ...options, shouldLoad: this.chance(0.7) })
        return { made, step: { k: kind, n, loaded: made.shouldLoad, gc: made.gc, auto: made.autoLoad, meta: 'meta' in options ? anyOf(options.meta) : '' } }
      }
      default: {
        const bytes = Uint8Array.from([this.int(256), this.int(256)])
        return { made: bytes, step: { k: 'binary', b: base64(bytes) } }
      }
    }
  }

  // Positions that do not lie within a surrogate pair, where replicas of Yjs itself would part.
  textPositions(type) {
    const positions = [0]
    let at = 0
    for (const op of type.toDelta()) {
      if (typeof op.insert !== 'string') {
        positions.push(++at)
        continue
      }
      for (const character of op.insert) positions.push(at += character.length)
    }
    return positions
  }

  attributes() {
    const attributes = {}
    for (let i = 1 + this.int(2); i > 0; i--) {
      const name = this.pick(formatNames)
      attributes[name] = this.pick(formatValues[name])
    }
    return attributes
  }

  attributeList(attributes) {
    return Object.entries(attributes).map(([name, value]) => [name, anyOf(value)])
  }

  editText(type, path) {
    const positions = this.textPositions(type)
    const at = this.int(positions.length)
    const i = positions[at]
    const left = positions.length - 1 - at
    const formatted = this.formats ?? (this.formats = this.chance(0.6))
    const roll = this.next()
    if (left > 0 && roll < 0.3) {
      const n = positions[at + 1 + this.int(Math.min(left, this.chance(0.2) ? 50 : 4))] - i
      type.delete(i, n)
      return { op: 'delete_text', p: path, i, n }
    }
    if (formatted && left > 0 && roll < 0.5) {
      const n = positions[at + 1 + this.int(Math.min(left, 8))] - i
      const attributes = this.attributes()
      type.format(i, n, attributes)
      return { op: 'format', p: path, i, n, a: this.attributeList(attributes) }
    }
    const t = this.pick(words) + (this.chance(0.2) ? this.pick(words) : '')
    if (formatted && roll < 0.6) {
      const attributes = this.attributes()
      type.insert(i, t, { ...attributes })
      return { op: 'insert_formatted', p: path, i, t, a: this.attributeList(attributes) }
    }
    if (formatted && roll < 0.65) {
      const embed = { image: 'u' + this.int(10) }
      type.insertEmbed(i, embed, {})
      return { op: 'embed', p: path, i, b: anyOf(embed), a: [] }
    }
    type.insert(i, t)
    return { op: 'insert_text', p: path, i, t }
  }

  editList(type, path) {
    const roll = this.next()
    if (type.length > 0 && roll < 0.3) {
      const i = this.int(type.length)
      const n = 1 + this.int(Math.min(type.length - i, 4))
      type.delete(i, n)
      return { op: 'delete_values', p: path, i, n }
    }
    const i = this.int(type.length + 1)
    if (roll < 0.5) {
      const { made, step } = this.content()
      type.insert(i, [made])
      return { op: 'insert_content', p: path, i, ...step }
    }
    const values = Array.from({ length: 1 + this.int(3) }, () => this.value())
    if (roll < 0.6) {
      type.push(values)
      return { op: 'push_values', p: path, b: concat(values) }
    }
    type.insert(i, values)
    return { op: 'insert_values', p: path, i, b: concat(values) }
  }

  editMap(type, path, set, remove) {
    const key = this.pick(['one', 'two', 'three', 'four'])
    const roll = this.next()
    if (roll < 0.2) {
      remove(key)
      return { op: 'delete_key', p: path, key }
    }
    if (roll < 0.4 && type instanceof Y.Map) {
      const { made, step } = this.content()
      set(key, made)
      return { op: 'set_content', p: path, key, ...step }
    }
    const value = type instanceof Y.Map ? this.value() : this.pick(words)
    set(key, value)
    return { op: 'set_value', p: path, key, b: anyOf(value) }
  }

  editXml(type, path) {
    if (type instanceof Y.XmlElement && this.chance(0.3)) {
      return this.editMap(type, path, (k, v) => type.setAttribute(k, v), (k) => type.removeAttribute(k))
    }
    if (type.length > 0 && this.chance(0.25)) {
      const i = this.int(type.length)
      type.delete(i, 1)
      return { op: 'delete_values', p: path, i, n: 1 }
    }
    const i = this.int(type.length + 1)
    const n = this.pick(['p', 'Div', 'h1'])
    const isText = this.chance(0.4)
    type.insert(i, [isText ? new Y.XmlText() : new Y.XmlElement(n)])
    return { op: 'insert_content', p: path, i, ...(isText ? { k: 'xml_text' } : { k: 'xml_element', n }) }
  }

  edit(doc) {
    const { type, path } = this.place(doc)
    if (type instanceof Y.Text) return this.editText(type, path)
    if (type instanceof Y.Array) return this.editList(type, path)
    if (type instanceof Y.Map) return this.editMap(type, path, (k, v) => type.set(k, v), (k) => type.delete(k))
    return this.editXml(type, path)
  }

  // What the last step of a user made Yjs write, and what its observers were told. Clean-ups of formats come as
  // further updates.
  written(user) {
    const [x, ...c] = user.v1
    const [y] = user.v2
    const result = { x: base64(x ?? []), y: base64(y ?? []) }
    if (c.length > 0) result.c = c.map(base64)
    const stacks = user.undo?.take()
    if (stacks !== undefined) result.z = stacks
    if (user.subdocs.length > 0) {
      result.s = user.subdocs
      user.subdocs = []
    }
    const events = user.observers.take()
    if (events.length > 0) result.e = events
    for (const update of user.v1) {
      this.updates.push(update)
      for (const other of this.users) {
        if (other !== user) other.inbox.push(update)
      }
    }
    user.v1 = []
    user.v2 = []
    return result
  }

  observe(u, { type, path } = this.place(this.users[u].doc)) {
    const { observers } = this.users[u]
    const deep = this.chance(0.5)
    const o = observers.observe(type, deep)
    if (o !== null) this.steps.push({ u, op: 'observe', p: path, deep, o })
  }

  // A place that somebody points at; where it is for others is looked at from time to time.
  point(u) {
    const { type, path } = this.place(this.users[u].doc)
    if (type instanceof Y.Map) return
    const i = this.int(type.length + 1)
    const assoc = this.pick([-2, -1, 0, 0, 1, 63])
    const position = Y.createRelativePositionFromTypeIndex(type, i, assoc)
    this.positions.push(position)
    this.steps.push({
      u, op: 'point', p: path, i, assoc, b: base64(Y.encodeRelativePosition(position)), json: JSON.stringify(Y.relativePositionToJSON(position)),
    })
  }

  resolved(doc) {
    return this.positions.slice(-8).map((position) => {
      const follow = this.chance(0.8)
      // What is encoded has less than what was made.
      const read = Y.decodeRelativePosition(Y.encodeRelativePosition(position))
      const found = Y.createAbsolutePositionFromRelativePosition(read, doc, follow)
      if (found === null) return [base64(Y.encodeRelativePosition(position)), follow, '']
      const { type, index } = found
      const at = type._item === null ? Y.findRootTypeKey(type) : `${type._item.id.client}:${type._item.id.clock}`
      return [base64(Y.encodeRelativePosition(position)), follow, `${at} ${index}`]
    })
  }

  // What the text was at two moments, or is now, and what a document without collection was.
  past(u) {
    const { doc } = this.users[u]
    const snapshot = Y.snapshot(doc)
    const encoded = (one) => one === undefined ? '' : base64(Y.encodeSnapshot(one))
    const own = this.snapshots.filter((one) => one.u === u).map((one) => one.snapshot)
    const step = { u, op: 'snapshot', now: clock.now, b: encoded(snapshot), b2: base64(Y.encodeSnapshotV2(snapshot)), pasts: [], deltas: [] }
    own.push(snapshot)
    this.snapshots.push({ u, snapshot })
    if (this.only === 'text' || this.only === 'mixed') {
      for (let i = 0; i < 3; i++) {
        const now = this.chance(0.8) ? this.pick(own) : undefined
        const before = this.chance(0.8) ? this.pick(own) : undefined
        step.deltas.push([encoded(now), encoded(before), JSON.stringify(doc.getText('t').toDelta(now, before))])
      }
    }
    if (!doc.gc) {
      for (let i = 0; i < 2; i++) {
        const old = this.pick(own)
        const past = Y.createDocFromSnapshot(doc, old, new Y.Doc({ gc: this.chance(0.5) }))
        step.pasts.push([encoded(old), past.gc, base64(Y.encodeStateAsUpdate(past))])
      }
    }
    if (this.updates.length > 0) {
      const update = this.pick(this.updates)
      step.update = base64(update)
      step.has = Y.snapshotContainsUpdate(snapshot, update)
    }
    this.steps.push(step)
  }

  // Gives a user an undo manager of some or all types.
  manage(u) {
    const { doc } = this.users[u]
    const whole = this.chance(0.1)
    const scope = this.roots().filter(() => this.chance(0.7))
    if (scope.length === 0) scope.push(this.roots()[0])
    const options = {
      captureTimeout: this.pick([0, 500]),
      ignoreRemoteMapChanges: this.chance(0.2),
      trackedOrigins: this.pick([[null], [null, 1], [1], [1, 2]]),
    }
    // Rules that replay.cpp has too.
    const picky = this.chance(0.1)
    if (picky) options.captureTransaction = ({ deleteSet }) => deleteSet.clients.size === 0
    const sparing = this.chance(0.1)
    if (sparing) options.deleteFilter = ({ id }) => id.clock % 3 !== 0
    this.users[u].undo = new Undo(doc, whole ? doc : scope.map(([name, kind]) => this.root(doc, name, kind)), options)
    this.steps.push({
      u, op: 'manage', whole, scope, picky, sparing, timeout: options.captureTimeout, ignore: options.ignoreRemoteMapChanges,
      origins: options.trackedOrigins.map((origin) => origin ?? 0),
    })
  }

  undo(u) {
    const user = this.users[u]
    const how = this.pick(['undo', 'undo', 'undo', 'redo', 'redo', 'stop', this.chance(0.1) ? 'clear' : 'undo'])
    user.undo[how]()
    this.steps.push({ u, op: 'undo', how, now: clock.now, ...this.written(user) })
  }

  subdocument(u) {
    const user = this.users[u]
    const docs = [...user.doc.subdocs]
    if (docs.length === 0) return
    const i = this.int(docs.length)
    const how = this.pick(['load', 'load', 'destroy'])
    docs[i][how]()
    this.steps.push({ u, op: 'subdocument', how, i, now: clock.now, ...this.written(user) })
  }

  local(u) {
    const user = this.users[u]
    if (this.chance(0.1)) this.subdocument(u)
    clock.now += this.pick([0, 10, 100, 400, 700])
    if (user.undo !== undefined && this.chance(0.25)) {
      this.undo(u)
      return
    }
    const origin = this.undoes ? this.pick([0, 0, 1, 2]) : 0
    if (this.chance(0.05)) this.past(u)
    if (this.chance(0.05)) this.point(u)
    if (this.observes && this.chance(0.2)) this.observe(u)
    let step
    if (this.chance(0.15)) {
      const ops = []
      user.doc.transact(() => { for (let i = 1 + this.int(4); i > 0; i--) ops.push(this.edit(user.doc)) }, origin || null)
      step = { op: 'batch', ops }
    } else {
      user.doc.transact(() => { step = this.edit(user.doc) }, origin || null)
    }
    this.steps.push({ u, ...step, g: origin, now: clock.now, ...this.written(user) })
  }

  // Updates arrive late, twice, out of order, or not at all.
  receive(u) {
    const user = this.users[u]
    if (user.inbox.length === 0) return
    const index = this.chance(0.7) ? 0 : this.int(user.inbox.length)
    let update = user.inbox[index]
    if (this.chance(0.85)) user.inbox.splice(index, 1)
    if (this.chance(0.05)) return
    if (this.chance(0.2) && user.inbox.length > 1) {
      const count = 2 + this.int(user.inbox.length - 1)
      update = Y.mergeUpdates([update, ...user.inbox.splice(0, count)])
    }
    this.apply(u, update)
  }

  apply(u, update) {
    const user = this.users[u]
    const v = this.chance(0.3) ? 2 : 1
    if (this.collidesWithPending(user.doc, update)) return
    const bytes = v === 2 ? Y.convertUpdateFormatV1ToV2(update) : update
    const g = this.undoes ? this.pick([0, 3, 3, 3]) : 3
    if (v === 2) Y.applyUpdateV2(user.doc, bytes, g || undefined)
    else Y.applyUpdate(user.doc, bytes, g || undefined)
    this.steps.push({ u, op: 'apply', v, g, now: clock.now, b: base64(bytes), ...this.written(user) })
  }

  // The same accident of sorting decides when what waits in a document is merged with an update that
  // has one of its structs as collected; such an update is lost on its way.
  collidesWithPending(doc, update) {
    const pending = doc.store.pendingStructs
    if (pending === null) return false
    const kinds = new Map(Y.decodeUpdateV2(pending.update).structs.map(
      ({ id, constructor }) => [id.client + ':' + id.clock, constructor]))
    return Y.decodeUpdate(update).structs.some(({ id, constructor }) =>
      (kinds.get(id.client + ':' + id.clock) ?? constructor) !== constructor)
  }

  check(u) {
    const user = this.users[u]
    const shown = this.roots().map(([name, kind]) => {
      const type = this.root(user.doc, name, kind)
      // What JSON has no word for is compared by its bytes alone.
      const json = JSON.stringify(type.toJSON(), jsonOf)
      const result = [name, kind, json]
      if (kind === 'text') result.push(JSON.stringify(type.toDelta()))
      return result
    })
    const state = Y.encodeStateAsUpdate(user.doc)
    const other = Y.encodeStateVector(this.pick(this.users).doc)
    const step = {
      u, op: 'check', shown, s1: base64(state), s2: base64(Y.encodeStateAsUpdateV2(user.doc)),
      sv: base64(Y.encodeStateVector(user.doc)), since: base64(other),
      d1: base64(Y.encodeStateAsUpdate(user.doc, other)), du: base64(Y.diffUpdate(state, other)),
      places: this.resolved(user.doc),
    }
    if (this.updates.length > 1 && this.chance(0.5)) {
      const parts = Array.from({ length: 2 + this.int(5) }, () => this.pick(this.updates))
      if (this.chance(0.3)) parts.push(state)
      if (this.sortsByAccident(parts)) {
        this.steps.push(step)
        return
      }
      const merged = Y.mergeUpdates(parts)
      step.parts = parts.map(base64)
      step.m1 = base64(merged)
      const second = Y.convertUpdateFormatV1ToV2(merged)
      step.m2 = base64(second)
      step.m3 = base64(Y.convertUpdateFormatV2ToV1(second))
      step.msv = base64(Y.encodeStateVectorFromUpdate(merged))
    }
    this.steps.push(step)
  }

  // Where one part has a struct as collected and another as an item, Yjs compares them
  // inconsistently, so that which of the two it takes depends on the engine's sort.
  sortsByAccident(parts) {
    const kinds = new Map()
    for (const part of parts) {
      for (const { id, constructor } of Y.decodeUpdate(part).structs) {
        const key = id.client + ':' + id.clock
        if ((kinds.get(key) ?? constructor) !== constructor) return true
        kinds.set(key, constructor)
      }
    }
    return false
  }

  live() {
    if (this.undoes) {
      for (let u = 0; u < this.users.length; u++) if (this.chance(0.6)) this.manage(u)
    }
    if (this.observes) {
      this.users.forEach(({ doc }, u) => {
        for (const [name, kind] of this.roots()) {
          if (this.chance(0.5)) this.observe(u, { type: this.root(doc, name, kind), path: [name, kind] })
        }
      })
    }
    const length = 10 + this.int(this.chance(0.1) ? 200 : 40)
    for (let i = 0; i < length; i++) {
      const u = this.int(this.users.length)
      const roll = this.next()
      if (roll < 0.55) this.local(u)
      else if (roll < 0.97) this.receive(u)
      else this.check(u)
    }
    // In the end everybody gets everything, and all are equal.
    for (let round = 0; round < 2; round++) {
      for (let u = 0; u < this.users.length; u++) {
        for (let v = 0; v < this.users.length; v++) {
          if (u === v) continue
          const vector = Y.encodeStateVector(this.users[u].doc)
          this.apply(u, Y.encodeStateAsUpdate(this.users[v].doc, vector))
        }
      }
    }
    for (let u = 0; u < this.users.length; u++) this.check(u)
    // What waits behind a gap is integrated by Yjs 14 and not by 13.6.
    const { pendingStructs, pendingDs } = this.users[0].doc.store
    if (this.chance(0.3) && pendingStructs === null && pendingDs === null) {
      const { b, s1, s2, sv, updates, then } = fourteen(this, Y.encodeStateAsUpdate(this.users[0].doc))
      this.steps.push({
        u: 0, op: 'fourteen', b: base64(b), s1: base64(s1), s2: base64(s2), sv: base64(sv),
        updates: updates.map(base64), then: base64(then),
      })
    }
    return { seed: this.seed, gc: this.gc, users: this.ids, roots: this.roots(), steps: this.steps }
  }
}

const first = Number(options.seed)
const count = Number(options.histories)
for (let i = 0; i < count; i++) {
  const line = JSON.stringify(new History(first + i, options.only).live()) + '\n'
  if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve))
}
