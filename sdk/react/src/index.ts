export { TandemProvider, useClient } from './context.js';
export { useChannel, useRecord } from './channel.js';
export type { ChannelOptions } from './channel.js';
export { useCounter, useField, useList } from './fields.js';
export type { UsedList } from './fields.js';
export { useOthers, usePresence } from './people.js';
export { useConnectionState, useSyncStatus } from './status.js';
export { useValue } from './store.js';
export type { Maybe, SkipOptions } from './store.js';
