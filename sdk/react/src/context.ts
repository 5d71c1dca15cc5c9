import type { Client } from '@tandem/client';
import { createContext, createElement, useContext, type ReactElement, type ReactNode } from 'react';

const Context = createContext<Client | undefined>(undefined);

/** Gives the components below a client. The client is made and closed by the application. */
export function TandemProvider({ client, children }: { client: Client; children?: ReactNode }): ReactElement {
    return createElement(Context.Provider, { value: client }, children);
}

/** The client of the nearest provider. */
export function useClient(): Client {
    const client = useContext(Context);
    if (!client) throw new Error('No <TandemProvider client={…}> above this component.');
    return client;
}
