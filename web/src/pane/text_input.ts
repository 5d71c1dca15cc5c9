// Binds a text field of the record to an input: what is typed is written a few times a second, what others write is shown
// at once, and the caret stays where it was.

const kFlushMs = 140;

type TextElement = HTMLInputElement | HTMLTextAreaElement;

export interface TextBinding {
    /** Shows the record's value, unless there is unsent typing. */
    show(value: string): void;
    /** Writes unsent typing now. */
    flush(): void;
}

export function fit_height(element: TextElement): void {
    if (!(element instanceof HTMLTextAreaElement) || CSS.supports('field-sizing', 'content')) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
}

export function bind_text(element: TextElement, write: (value: string) => void): TextBinding {
    let shown = element.value;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const flush = (): void => {
        if (timer !== undefined) clearTimeout(timer);
        timer = undefined;
        if (element.value === shown) return;
        shown = element.value;
        write(shown);
    };
    const show = (value: string): void => {
        if (timer !== undefined || value === element.value) {
            if (timer === undefined) shown = value;
            return;
        }
        const focused = document.activeElement === element;
        const { selectionStart, selectionEnd } = element;
        const before = element.value;
        shown = value;
        element.value = value;
        fit_height(element);
        if (focused) {
            // A change in front of the caret pushes it along.
            let same = 0;
            while (same < before.length && before[same] === value[same]) same += 1;
            const shift = (at: number): number =>
                at <= same ? at : Math.max(same, at + value.length - before.length);
            element.setSelectionRange(shift(selectionStart ?? 0), shift(selectionEnd ?? 0));
        }
    };
    element.addEventListener('input', () => {
        fit_height(element);
        timer ??= setTimeout(flush, kFlushMs);
    });
    element.addEventListener('blur', flush);
    element.addEventListener('change', flush);
    return { show, flush };
}
