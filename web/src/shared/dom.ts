// Building DOM without a framework: one function that makes an element, one that makes SVG.

type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

function apply(element: Element, props: Props): void {
    for (const [name, value] of Object.entries(props)) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith('on') && typeof value === 'function') {
            element.addEventListener(name.slice(2), value as EventListener);
        } else if (name === 'class') {
            element.setAttribute('class', String(value));
        } else if (name === 'testid') {
            element.setAttribute('data-testid', String(value));
        } else if (name === 'value' && 'value' in element) {
            (element as HTMLInputElement).value = String(value);
        } else {
            element.setAttribute(name, value === true ? '' : String(value));
        }
    }
}

export function h<K extends keyof HTMLElementTagNameMap>(
    tag: K, props: Props = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    apply(element, props);
    element.append(...children.filter((child): child is Node | string => Boolean(child)));
    return element;
}

export function svg(tag: string, props: Props = {}, ...children: Element[]): SVGElement {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    apply(element, props);
    element.append(...children);
    return element;
}

export function by_id<T extends HTMLElement = HTMLElement>(id: string): T {
    const element = document.getElementById(id);
    if (!element) throw new Error(`the page has no #${id}`);
    return element as T;
}

/** Sets the text only when it differs, so that selections and live regions are left alone. */
export function set_text(element: Element, text: string): void {
    if (element.textContent !== text) element.textContent = text;
}

export const reduced_motion = matchMedia('(prefers-reduced-motion: reduce)');

// Chosen so that the demo's names get colours that are easy to tell apart.
const kTintSeed = 389;

/** A name's colour: one of eight, the same on every device. */
export function tint_of(name: string): number {
    let hash = kTintSeed;
    for (const letter of name) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
    return ((hash ^ (hash >>> 7)) >>> 0) % 8;
}

export function initials(name: string): string {
    const words = name.trim().split(/\s+/).filter(Boolean);
    const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
    return letters.map((word) => [...(word ?? '?')][0] ?? '?').join('').toUpperCase();
}
