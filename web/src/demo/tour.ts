// The strip of four steps. Panes tell what was done in them; the strip ticks the steps off and remembers being closed.

const kKey = 'tandem.steps';
const kSteps = ['typed', 'offline', 'both', 'merged'] as const;
type Step = (typeof kSteps)[number];

export class Tour {
    private readonly done_ = new Set<Step>();
    private readonly titled_ = new Set<number>();
    private offline_ = false;

    constructor(private readonly strip_: HTMLElement, close: HTMLElement, private readonly open_: HTMLElement) {
        close.addEventListener('click', () => this.remember(true));
        open_.addEventListener('click', () => this.remember(false));
        let closed = false;
        try {
            closed = localStorage.getItem(kKey) === 'closed';
        } catch {
            // Without storage the strip is shown each time.
        }
        this.show(closed);
        this.render();
    }

    /** What a pane tells: `typed`, `title`, `offline`, `online`, `synced`. */
    saw(pane: number, what: string): void {
        if (what === 'typed' || what === 'title') {
            if (pane === 0) this.done_.add('typed');
        }
        if (what === 'offline') {
            this.done_.add('offline');
            this.offline_ = true;
            this.titled_.clear();
        }
        if (what === 'title' && this.offline_) {
            this.titled_.add(pane);
            if (this.titled_.size > 1) this.done_.add('both');
        }
        if (what === 'online' && this.done_.has('both')) this.done_.add('merged');
        if (what === 'online') this.offline_ = false;
        this.render();
    }

    private remember(closed: boolean): void {
        try {
            localStorage.setItem(kKey, closed ? 'closed' : 'open');
        } catch {
            // Nothing to do: it only opens again next time.
        }
        this.show(closed);
    }

    private show(closed: boolean): void {
        this.strip_.hidden = closed;
        this.open_.hidden = !closed;
    }

    private render(): void {
        const now = kSteps.find((step) => !this.done_.has(step));
        for (const item of this.strip_.querySelectorAll<HTMLElement>('[data-step]')) {
            const step = item.dataset['step'] as Step;
            item.classList.toggle('done', this.done_.has(step));
            item.classList.toggle('now', step === now);
            if (step === now) item.setAttribute('aria-current', 'step');
            else item.removeAttribute('aria-current');
        }
    }
}
