import { icon } from './icons.ts';

// The theme follows the system until the reader chooses; the choice holds for every page of this origin.

const kKey = 'tandem.theme';
const system_dark = matchMedia('(prefers-color-scheme: dark)');

function chosen(): 'light' | 'dark' | null {
    try {
        const value = localStorage.getItem(kKey);
        return value === 'light' || value === 'dark' ? value : null;
    } catch {
        return null;   // Storage can be refused; the system's choice is good enough.
    }
}

function current(): 'light' | 'dark' {
    return chosen() ?? (system_dark.matches ? 'dark' : 'light');
}

function show(): void {
    document.documentElement.dataset['theme'] = current();
}

export function start_theme(button?: HTMLButtonElement): void {
    const render = (): void => {
        show();
        if (!button) return;
        const dark = current() === 'dark';
        button.replaceChildren(icon(dark ? 'sun' : 'moon'));
        button.title = dark ? 'Use the light theme' : 'Use the dark theme';
        button.setAttribute('aria-label', button.title);
    };
    render();
    system_dark.addEventListener('change', render);
    addEventListener('storage', render);
    button?.addEventListener('click', () => {
        try {
            localStorage.setItem(kKey, current() === 'dark' ? 'light' : 'dark');
        } catch {
            // Then the choice holds for no longer than this page.
        }
        render();
    });
}
