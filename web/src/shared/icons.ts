import { svg } from './dom.ts';

// 16 by 16, stroked with the text's colour.
const kPaths = {
    undo: 'M6 3.5 2.5 7 6 10.5M3 7h6.5a4 4 0 0 1 0 8H7',
    redo: 'M10 3.5 13.5 7 10 10.5M13 7H6.5a4 4 0 0 0 0 8H9',
    up: 'M8 12.5v-9M4.5 7 8 3.5 11.5 7',
    down: 'M8 3.5v9M4.5 9 8 12.5 11.5 9',
    trash: 'M3 4.5h10M6.5 4.5v-1a1 1 0 0 1 1-1h1a1 1 0 0 1 1 1v1M4.5 4.5l.6 8a1 1 0 0 0 1 1h3.8a1 1 0 0 0 1-1l.6-8',
    plus: 'M8 3.5v9M3.5 8h9',
    close: 'm4.5 4.5 7 7m0-7-7 7',
    check: 'm3.5 8.5 3 3 6-7',
    sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7',
    moon: 'M13.2 9.6A5.7 5.7 0 0 1 6.4 2.8a5.7 5.7 0 1 0 6.8 6.8Z',
    window: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v3a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1h3',
    reset: 'M13 8a5 5 0 1 1-1.6-3.7M13.2 2v3h-3',
    fork: 'M4.5 5v6M4.5 5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM4.5 14a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM11.5 6.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM11.5 6.5c0 3-7 1.5-7 4.5',
    restore: 'M3.2 8.4a5 5 0 1 0 1.4-3.9L2.8 6.2M2.6 3v3.4H6',
    vote: 'M8 2.8 13 9H9.8v4.2H6.2V9H3z',
    search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5l3 3',
    chevron: 'm6 4 4 4-4 4',
    eye: 'M1.5 8s2.4-4.5 6.5-4.5S14.5 8 14.5 8 12.1 12.5 8 12.5 1.5 8 1.5 8ZM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z',
    clock: 'M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM8 4.8V8l2.4 1.6',
    play: 'm5.5 3.5 7 4.5-7 4.5z',
    pause: 'M5.8 3.8v8.4M10.2 3.8v8.4',
} as const;

export type Icon = keyof typeof kPaths;

export function icon(name: Icon): SVGElement {
    return svg('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
        svg('path', { d: kPaths[name] }));
}

/** Six dots: the place to take hold of a card. */
export function grip(): SVGElement {
    const dots = [3, 8, 13].flatMap((y) => [5, 11].map((x) => svg('circle', { cx: x, cy: y, r: 1.2 })));
    return svg('svg', { class: 'icon solid', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, ...dots);
}

/** The product's mark: two overlapping rounds, one state. */
export function mark(): SVGElement {
    return svg('svg', { class: 'mark', viewBox: '0 0 28 20', 'aria-hidden': 'true' },
        svg('circle', { cx: 10, cy: 10, r: 8, class: 'mark-a' }),
        svg('circle', { cx: 18, cy: 10, r: 8, class: 'mark-b' }),
        svg('path', { d: 'M14 3.07a8 8 0 0 1 0 13.86 8 8 0 0 1 0-13.86Z', class: 'mark-ab' }));
}
