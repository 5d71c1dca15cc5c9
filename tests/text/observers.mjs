// Observers of Yjs documents that write down what they are told, in the form in which our own events are shown
// (append_event_json in src/yjs).
import * as Y from 'yjs'

export const kindOf = (type) =>
  type instanceof Y.XmlText ? 'xml_text'
    : type instanceof Y.Text ? 'text'
      : type instanceof Y.XmlElement ? 'xml_element'
        : type instanceof Y.XmlFragment ? 'xml_fragment'
          : type instanceof Y.XmlHook ? 'xml_hook'
            : type instanceof Y.Map ? 'map' : 'array'

const shown = (value) => {
  if (value instanceof Y.AbstractType) return { type: kindOf(value) }
  if (value instanceof Y.Doc) return { guid: value.guid }
  if (value instanceof Uint8Array) return Array.from(value)
  return value
}

// Where a run of insertions is cut into items is not part of what is compared.
const ranges = (items) => {
  const result = []
  for (const { id: { client, clock }, length } of items) {
    const last = result[result.length - 1]
    if (last !== undefined && last[0] === client && last[1] + last[2] === clock) last[2] += length
    else result.push([client, clock, length])
  }
  return result
}

const eventOf = (event) => ({
  path: event.path,
  keys: Object.fromEntries([...event.changes.keys].map(
    ([key, { action, oldValue }]) => [key, { action, oldValue: shown(oldValue) }])),
  delta: event.changes.delta.map((op) =>
    ({ ...op, ...('insert' in op && { insert: Array.isArray(op.insert) ? op.insert.map(shown) : shown(op.insert) }) })),
  added: ranges(event.changes.added),
  deleted: ranges(event.changes.deleted),
})

export class Observers {
  constructor() {
    this.known = new Map()
    this.count = 0
    this.log = []
  }

  // The observer's number, or null if the type has that observer already.
  observe(type, isDeep) {
    const key = isDeep ? 'deep' : 'plain'
    const known = this.known.get(type) ?? {}
    if (known[key] !== undefined) return null
    const number = this.count++
    this.known.set(type, { ...known, [key]: number })
    const write = (events) => this.log.push(`${number} ` + JSON.stringify(events.map(eventOf)))
    if (isDeep) type.observeDeep(write)
    else type.observe((event) => write([event]))
    return number
  }

  take() {
    const log = this.log
    this.log = []
    return log
  }
}
