import { by_id } from '../shared/dom.ts';
import { h } from '../shared/dom.ts';
import { icon, mark } from '../shared/icons.ts';
import { start_theme } from '../shared/theme.ts';
import { Tour } from './tour.ts';

// The page holds two panes and no state of the board: each is a frame with a client, an outbox and a socket of its own.

const kNames = ['Ada', 'Grace'] as const;
const kGuests = ['Linus', 'Radia', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Margaret', 'Tim'];

function channel_id(): string {
    return decodeURIComponent(location.hash.slice(1)) || 'demo';
}

function pane_url(name: string): string {
    return `pane.html?name=${encodeURIComponent(name)}#${encodeURIComponent(channel_id())}`;
}

start_theme(by_id<HTMLButtonElement>('theme'));
by_id('mark').replaceChildren(mark());
by_id('hints-close').replaceChildren(icon('close'));

const another = by_id<HTMLAnchorElement>('another');
const point_guest = (): void => {
    another.href = pane_url(kGuests[Math.floor(Math.random() * kGuests.length)] ?? 'Linus');
};
another.prepend(icon('window'));
by_id('reset').prepend(icon('reset'));
by_id('inspector').prepend(icon('eye'));
another.addEventListener('click', () => setTimeout(point_guest));

let frames: HTMLIFrameElement[] = [];
const show_panes = (): void => {
    frames = kNames.map((name) => h('iframe', {
        src: pane_url(name), title: `${name}’s window`, name, testid: `pane-${name.toLowerCase()}`,
    }));
    by_id('panes').replaceChildren(...frames);
    point_guest();
};
show_panes();
addEventListener('hashchange', show_panes);

// The reset is an ordinary edit, made by the first pane's client.
by_id('reset').addEventListener('click', () => {
    frames[0]?.contentWindow?.postMessage({ tandem: 'reset' }, location.origin);
});

const tour = new Tour(by_id('hints'), by_id('hints-close'), by_id('hints-open'));
addEventListener('message', (event) => {
    if (event.origin !== location.origin || typeof event.data?.tandem !== 'string') return;
    const pane = frames.findIndex((frame) => frame.contentWindow === event.source);
    if (pane >= 0) tour.saw(pane, event.data.tandem);
});
