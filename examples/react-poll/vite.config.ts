// One React for the application and the hooks, which are linked from another folder.
export default { resolve: { dedupe: ['react', 'react-dom', '@tandem/client'] } };
