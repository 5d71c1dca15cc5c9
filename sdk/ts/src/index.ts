import './dispose.js';

export { connect } from './connect.js';
export { f } from './schema.js';
export { TandemError } from './errors.js';
export type { ErrorCode } from './errors.js';
export type { TandemClient as Client, ConnectOptions, ChannelOptions } from './client.js';
export type { AnyChannel, Change, Channel, Signal, TransactOptions } from './channel.js';
export type { Conflict } from './conflicts.js';
export type {
    Any, AnyItem, AnyList, Counter, Field, Item, List, MapField, ObjectField, Place, Select, Selection, SetField, WriteOptions,
} from './handles.js';
export type { Platform, Socket, SocketEvents } from './platform.js';
export type { Member, Presence } from './presence.js';
export type { Def, Handles, Kind, Schema, Values } from './schema.js';
export type { SyncStatus } from './status.js';
export type { Readable } from './store.js';
export type { Json } from './value.js';
export type { Options, Write } from './write.js';
