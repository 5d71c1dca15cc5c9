// Edits a board from inside the page, faster than a test can drive it, until it is told to stop or its page ends.

const kEveryMs = 12;

/** Votes, and adds a card with every third vote; `tag` parts the cards of one run from another's. */
export async function edit_without_end(pane, tag = pane.name) {
    await pane.frame.locator('#pane').evaluate((root, [name, every_ms]) => {
        const one = (id) => root.querySelector(`[data-testid=${id}]`);
        const made = { votes: 0, cards: [] };
        const step = () => {
            one('votes-plus').click();
            made.votes += 1;
            if (made.votes % 3 !== 0) return;
            const text = `${name} ${made.cards.length + 1}`;
            one('card-add-input').value = text;
            one('card-add-input').form.requestSubmit();
            made.cards.push(text);
        };
        window.typist = { made, timer: setInterval(step, every_ms) };
    }, [tag, kEveryMs]);
}
export function edits_of(pane) {
    return pane.frame.locator('#pane').evaluate(() => window.typist.made);
}
export function end_edits(pane) {
    return pane.frame.locator('#pane').evaluate(() => {
        clearInterval(window.typist.timer);
        return window.typist.made;
    });
}
