// What the sets of operations of text_sets.py cost another implementation of the format of Yjs:
// node sets.mjs yjs|ywasm SETS.json FOLDER
// Prints one JSON object with the keys of tandem_text_sets, and whether the bytes are those in FOLDER.

import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { formats } from './formats.mjs'

const [name, setsFile, folder] = process.argv.slice(2)
const firstClient = 2_345_678_901
// The others are told beside, and take minutes.
const runs = name === 'yjs' ? 5 : 1
const repeats = 20

function ms(work) {
  const start = performance.now()
  work()
  return performance.now() - start
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1]

const changes = {
  insert_text: (types, position, text) => types.insert(position, text),
  delete_text: (types, position, count) => types.remove(position, count),
  insert_values: (types, position, values) => types.insertValues(position, values),
  set: (types, key, value) => types.set(key, value),
}

function live(api, set, docs, updates) {
  const { ops, live: isLive } = set
  for (const [user, what, ...words] of ops) {
    const update = api.transact(docs[user], (types) => changes[what](types, ...words))
    updates.push(update)
    if (isLive) api.apply(docs[1 - user], update)
  }
  if (isLive) return
  for (let reader = 0; reader < readersOf(set); reader++) {
    updates.forEach((update, i) => {
      if (ops[i][0] !== reader) api.apply(docs[reader], update)
    })
  }
}

/** Those who get what the others write: with two users both, with more the first. */
const readersOf = ({ users }) => (users === 2 ? 2 : 1)

function measure(api, set) {
  const times = []
  let state, compared
  for (let run = 0; run < runs; run++) {
    const docs = Array.from({ length: set.users }, (_, user) => api.make(firstClient + user))
    const updates = []
    times.push(ms(() => live(api, set, docs, updates)))
    if (run > 0) continue
    state = api.encode(docs[0])
    compared = Buffer.concat([...updates, ...docs.slice(0, readersOf(set)).map((doc) => api.encode(doc))])
  }
  const loads = []
  const encodes = []
  for (let i = 0; i < repeats; i++) {
    const doc = api.make(3)
    loads.push(ms(() => api.apply(doc, state)))
    encodes.push(ms(() => api.encode(doc)))
  }
  return {
    time_ms: median(times),
    load_ms: median(loads),
    encode_ms: median(encodes),
    bytes: state.length,
    bytes_equal: Number(Buffer.compare(readFileSync(`${folder}/${set.name}`), compared) === 0),
  }
}

if (!(name in formats)) throw new Error(`unknown peer ${name}: there are ${Object.keys(formats).join(', ')}`)
const api = await formats[name]()
const sets = JSON.parse(readFileSync(setsFile, 'utf8'))
console.log(JSON.stringify(Object.fromEntries(sets.map((set) => [set.name, measure(api, set)]))))
