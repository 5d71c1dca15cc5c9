import { connect } from '@tandem/client';
import { TandemProvider } from '@tandem/react';
import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { PollPage } from './poll';

// The poll is named by the address: …/#lunch
const tandem = connect(import.meta.env.VITE_TANDEM ?? 'http://localhost:8080');

createRoot(document.getElementById('root')!).render(
    <StrictMode>
        <TandemProvider client={tandem}>
            <Suspense fallback={<p>Opening…</p>}>
                <PollPage id={location.hash.slice(1) || 'lunch'} />
            </Suspense>
        </TandemProvider>
    </StrictMode>,
);
