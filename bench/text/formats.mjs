// The implementations of the format of Yjs that are measured, with the same calls:
// make(id) → doc; transact(doc, types => …) → the update; apply, applyV2, encode, encodeV2, and mergeUpdates if it has it.
// Of `types`, insert and remove edit the text, insertValues the array, and set the map.

async function yjs() {
  const Y = await import('yjs')
  return {
    make(id) {
      const doc = new Y.Doc()
      doc.clientID = id
      return doc
    },
    transact(doc, work) {
      let update
      doc.once('update', (bytes) => (update = bytes))
      doc.transact(() => work({
        insert: (position, text) => doc.getText('text').insert(position, text),
        remove: (position, count) => doc.getText('text').delete(position, count),
        insertValues: (position, values) => doc.getArray('array').insert(position, values),
        set: (key, value) => doc.getMap('map').set(key, value),
      }))
      return update
    },
    apply: Y.applyUpdate,
    applyV2: Y.applyUpdateV2,
    encode: (doc) => Y.encodeStateAsUpdate(doc),
    encodeV2: (doc) => Y.encodeStateAsUpdateV2(doc),
    mergeUpdates: Y.mergeUpdates,
  }
}

async function ywasm() {
  const Y = (await import('ywasm')).default
  // Its types cannot be asked for while a transaction is open.
  const kept = new WeakMap()
  function typesOf(doc) {
    let found = kept.get(doc)
    if (found === undefined) {
      found = { text: doc.getText('text'), array: doc.getArray('array'), map: doc.getMap('map'), update: undefined }
      doc.onUpdate((bytes) => (found.update = bytes))
      kept.set(doc, found)
    }
    return found
  }
  return {
    make(id) {
      return new Y.YDoc({ id })
    },
    transact(doc, work) {
      const types = typesOf(doc)
      const transaction = doc.beginTransaction('edit')
      work({
        insert: (position, text) => types.text.insert(position, text, undefined, transaction),
        remove: (position, count) => types.text.delete(position, count, transaction),
        insertValues: (position, values) => types.array.insert(position, values, transaction),
        set: (key, value) => types.map.set(key, value, transaction),
      })
      transaction.free()
      return types.update
    },
    apply: (doc, bytes) => Y.applyUpdate(doc, bytes, 'remote'),
    applyV2: (doc, bytes) => Y.applyUpdateV2(doc, bytes, 'remote'),
    encode: (doc) => Y.encodeStateAsUpdate(doc),
    encodeV2: (doc) => Y.encodeStateAsUpdateV2(doc),
  }
}

export const formats = { yjs, ywasm }
