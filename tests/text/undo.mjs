// An undo manager of Yjs that writes down what happens to its stacks.
import * as Y from 'yjs'

export class Undo {
  constructor(doc, scope, options) {
    this.manager = new Y.UndoManager(scope, { ...options, trackedOrigins: new Set(options.trackedOrigins), doc })
    this.log = []
    this.count = 0
    this.manager.on('stack-item-added', ({ stackItem, type }) => {
      stackItem.meta.set('n', String(this.count++))
      this.log.push(`added ${type}`)
    })
    this.manager.on('stack-item-updated', ({ type }) => this.log.push(`updated ${type}`))
    this.manager.on('stack-item-popped', ({ stackItem, type }) =>
      this.log.push(`popped ${type} ${stackItem.meta.get('n')}`))
    this.manager.on('stack-cleared', ({ undoStackCleared, redoStackCleared }) => {
      if (undoStackCleared) this.log.push('cleared undo')
      if (redoStackCleared) this.log.push('cleared redo')
    })
  }

  undo() { this.manager.undo() }
  redo() { this.manager.redo() }
  clear() { this.manager.clear() }
  stop() { this.manager.stopCapturing() }

  take() {
    const { undoStack, redoStack } = this.manager
    const log = [...this.log, `${undoStack.length} ${redoStack.length}`].join(', ')
    this.log = []
    return log
  }
}
