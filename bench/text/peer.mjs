// What a trace of edits costs another implementation:
// node --expose-gc peer.mjs yjs|ywasm|loro|automerge TRACE.json [FOLDER]
// Prints one JSON object with the keys of tandem_text_bench, as far as the implementation has the operation; yjs also
// holds its bytes against those in FOLDER.

import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { formats } from './formats.mjs'

const [name, traceFile, folder] = process.argv.slice(2)
const trace = JSON.parse(readFileSync(traceFile, 'utf8'))
const smallUpdates = 18_335
const repeats = 20
const smallDocuments = 1_000
const smallEdits = 32
const author = 2_345_678_901
const report = {}

function ms(work) {
  const start = performance.now()
  work()
  return performance.now() - start
}

/** The first time, as for who does it once, and the median of many, when the engine has compiled it. */
function repeat(key, work) {
  const times = Array.from({ length: repeats }, () => ms(work))
  report[`${key}_ms`] = times[0]
  report[`${key}_warm_ms`] = times.sort((a, b) => a - b)[repeats / 2]
}

/** Bytes that live on after `work`, which returns what keeps them alive. */
function memory(work) {
  const used = () => {
    globalThis.gc()
    globalThis.gc()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = used()
  const kept = work()
  const after = used()
  return [after - before, kept]
}

function same(file, bytes) {
  return Buffer.compare(readFileSync(`${folder}/${file}`), Buffer.from(bytes)) === 0
}

function edit(api, doc, position, deleted, inserted) {
  return api.transact(doc, (types) => {
    if (deleted > 0) types.remove(position, deleted)
    if (inserted !== '') types.insert(position, inserted)
  })
}

/** All that is measured of an implementation of the format of Yjs. */
function measureFormat(api) {
  const updates = []
  const doc = api.make(author)
  report.edits_ms = ms(() => {
    for (const [position, deleted, inserted] of trace) updates.push(edit(api, doc, position, deleted, inserted))
  })
  const v1 = api.encode(doc)
  const v2 = api.encodeV2(doc)
  const remote = api.make(2)
  report.remote_ms = ms(() => {
    for (const update of updates) api.apply(remote, update)
  })
  repeat('load_v1', () => api.apply(api.make(3), v1))
  repeat('load_v2', () => api.applyV2(api.make(3), v2))
  const [bytes, loaded] = memory(() => {
    const fresh = api.make(3)
    api.apply(fresh, v1)
    return fresh
  })
  report.memory_bytes = bytes
  repeat('encode_v1', () => api.encode(loaded))
  repeat('encode_v2', () => api.encodeV2(loaded))
  const small = updates.slice(0, smallUpdates)
  let merged
  report.merge_ms = ms(() => {
    const fresh = api.make(3)
    for (const update of small) api.apply(fresh, update)
    merged = api.encode(fresh)
  })
  if (api.mergeUpdates) report.merge_updates_ms = ms(() => api.mergeUpdates(small))
  const kilobyte = api.make(author)
  for (let i = 0; i < smallEdits; i++) edit(api, kilobyte, i * 16, 0, String.fromCharCode(97 + (i % 26)).repeat(32))
  const kilobyteUpdate = api.encode(kilobyte)
  const [all, kept] = memory(() =>
    Array.from({ length: smallDocuments }, () => {
      const fresh = api.make(3)
      api.apply(fresh, kilobyteUpdate)
      return fresh
    }),
  )
  report.small_memory_bytes = all / kept.length
  report.v1_bytes = v1.length
  report.v2_bytes = v2.length
  if (folder) {
    report.bytes_equal = Number(
      same('updates', Buffer.concat(updates)) && same('v1', v1) && same('v2', v2) && same('merged', merged) &&
        same('kilobyte', kilobyteUpdate),
    )
  }
}

const peers = {
  async yjs() {
    measureFormat(await formats.yjs())
  },

  async ywasm() {
    measureFormat(await formats.ywasm())
    // Its memory is the module's, which the collector of the engine knows nothing of.
    delete report.memory_bytes
    delete report.small_memory_bytes
  },

  async loro() {
    const { LoroDoc } = await import('loro-crdt')
    const doc = new LoroDoc()
    doc.setPeerId('1')
    const text = doc.getText('text')
    const updates = []
    report.edits_ms = ms(() => {
      let version = doc.version()
      for (const [position, deleted, inserted] of trace) {
        if (deleted > 0) text.delete(position, deleted)
        if (inserted !== '') text.insert(position, inserted)
        doc.commit()
        updates.push(doc.export({ mode: 'update', from: version }))
        version = doc.version()
      }
    })
    const remote = new LoroDoc()
    report.remote_ms = ms(() => {
      for (const update of updates) remote.import(update)
    })
    const whole = doc.export({ mode: 'update' })
    const snapshot = doc.export({ mode: 'snapshot' })
    const load = (bytes) => {
      const fresh = new LoroDoc()
      fresh.import(bytes)
      return fresh.getText('text').length
    }
    repeat('load_v1', () => load(whole))
    repeat('snapshot_load', () => load(snapshot))
    repeat('encode_v1', () => doc.export({ mode: 'update' }))
    report.v1_bytes = whole.length
    report.snapshot_bytes = snapshot.length
  },

  async automerge() {
    const A = await import('@automerge/automerge')
    let doc = A.from({ text: '' })
    // One change: with one for each edit this takes minutes.
    report.one_change_edits_ms = ms(() => {
      doc = A.change(doc, (draft) => {
        for (const [position, deleted, inserted] of trace) A.splice(draft, ['text'], position, deleted, inserted)
      })
    })
    const bytes = A.save(doc)
    repeat('load_v1', () => A.load(bytes).text.length)
    report.v1_bytes = bytes.length
  },
}

if (!(name in peers)) throw new Error(`unknown peer ${name}: there are ${Object.keys(peers).join(', ')}`)
await peers[name]()
console.log(JSON.stringify(report))
