import { defineConfig } from 'vite';

// The client lies in this repository with packages of its own; a document knows only one copy of Yjs.
export default defineConfig({ resolve: { dedupe: ['yjs', 'y-protocols', 'lib0'] } });
