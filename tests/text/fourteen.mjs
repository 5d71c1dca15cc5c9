// Yjs 14, the release candidate, beside 13.6: it is given a history's state, writes on, and both must have the same.
// What it shows differs by design (one kind of type with children and attributes), so what 13.6 has is put in its form.
import * as Y from 'yjs'
import * as Y14 from '@y/y'

const joined = (children) => {
  const result = []
  for (const child of children) {
    const last = result.length - 1
    if (typeof child === 'string' && typeof result[last] === 'string') result[last] += child
    else result.push(child)
  }
  return result
}

// A value of 14, with neighbouring strings joined: where it cuts a text depends on its formats.
const shape14 = (value) => {
  if (value instanceof Y14.Type) {
    const { name, children, attrs } = shapeOf(value.name ?? undefined, value.toArray(), value.attrEntries(), shape14)
    return { name, children, attrs }
  }
  return value instanceof Uint8Array ? Array.from(value) : value
}

// The release candidate's lists leave out sub-documents.
const isShown = (value) => !(value instanceof Y.Doc || value instanceof Y14.Doc)

const shapeOf = (name, children, attributes, inner) => ({
  name,
  children: joined(children.filter(isShown).map(inner)),
  attrs: Object.fromEntries([...attributes].filter(([, value]) => isShown(value)).map(([key, value]) => [key, inner(value)]).sort(([a], [b]) => a < b ? -1 : 1)),
})

const shape13 = (value) => {
  if (value instanceof Y.Text) {
    return shapeOf(undefined, value.toDelta().map(({ insert }) => insert), Object.entries(value.getAttributes()), shape13)
  }
  if (value instanceof Y.Map) return shapeOf(undefined, [], value.entries(), shape13)
  if (value instanceof Y.XmlElement) {
    return shapeOf(value.nodeName, value.toArray(), Object.entries(value.getAttributes()), shape13)
  }
  if (value instanceof Y.AbstractType) return shapeOf(undefined, value.toArray(), [], shape13)
  return value instanceof Uint8Array ? Array.from(value) : value
}

const same = (what, a, b) => {
  const [first, second] = [JSON.stringify(a), JSON.stringify(b)]
  if (first !== second) throw new Error(`${what} differ\n  13 ${first}\n  14 ${second}`)
}

const edit = (history, doc) => {
  const text = doc.get('t')
  const list = doc.get('a')
  const map = doc.get('m')
  const roll = history.next()
  if (roll < 0.25) text.insert(history.int(2) * text.length, history.pick(['ab', 'ä', '😀 ']), history.chance(0.5) ? { bold: true } : undefined)
  else if (roll < 0.35) text.format(0, text.length, { em: history.pick([true, null]) })
  else if (roll < 0.45 && text.length > 0) text.delete(history.int(2) * (text.length - 1), 1)
  else if (roll < 0.65) list.insert(history.int(list.length + 1), [history.value(), history.value()])
  else if (roll < 0.75 && list.length > 0) list.delete(history.int(list.length), 1)
  else if (roll < 0.95) map.setAttr(history.pick(['one', 'two', 'fourteen']), history.value())
  else map.deleteAttr(history.pick(['one', 'two']))
}

// One step: a state, what 14 makes of it and adds to it, and what 13.6 makes of that.
export const fourteen = (history, state) => {
  const newer = new Y14.Doc({ gc: history.gc })
  newer.clientID = 2 ** 45 + history.int(1e6)
  for (const [name] of history.roots()) newer.get(name)
  Y14.applyUpdate(newer, state)
  const step = {
    b: state, s1: Y14.encodeStateAsUpdate(newer), s2: Y14.encodeStateAsUpdateV2(newer), sv: Y14.encodeStateVector(newer),
    updates: [],
  }
  newer.on('update', (update) => step.updates.push(update))
  if (history.only === 'mixed') {
    for (let i = 1 + history.int(4); i > 0; i--) edit(history, newer)
  }
  const older = new Y.Doc({ gc: history.gc })
  const types = history.roots().map(([name, kind]) => [name, history.root(older, name, kind)])
  Y.applyUpdate(older, state)
  for (const update of step.updates) Y.applyUpdate(older, update)
  same('state vectors', Array.from(Y.encodeStateVector(older)), Array.from(Y14.encodeStateVector(newer)))
  Y14.applyUpdate(newer, Y.encodeStateAsUpdate(older))
  for (const [name, type] of types) same(`types ${name}`, shape13(type), shape14(newer.get(name)))
  step.then = Y.encodeStateAsUpdate(older)
  return step
}
