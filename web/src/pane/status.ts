import type { SyncStatus } from '@tandem/client';
import { h, set_text } from '../shared/dom.ts';

// The pill that says whether what is shown is saved, the count of what waits, and the network switch.

const kRetrySoonMs = 1500;

export class Status {
    readonly pill: HTMLElement;
    readonly toggle: HTMLButtonElement;
    /** Shown while the next attempt to connect is some time off. */
    readonly retry = h('button', { class: 'button small retry', type: 'button', testid: 'retry-now', hidden: true }, 'Retry now');
    private readonly text_ = h('span', {});
    /** The bare number of waiting writes; the pill says it in words. */
    readonly count = h('span', { class: 'visually-hidden', 'aria-hidden': 'true', testid: 'pending-count' }, '0');
    private status_: SyncStatus = { link: 'connecting', pending: 0, synced: false, storage: 'opening' };
    private retry_at_ = 0;
    private timer_: ReturnType<typeof setInterval> | undefined;

    constructor(private readonly root_: HTMLElement, private on_: boolean, switched: (on: boolean) => void) {
        this.retry.addEventListener('click', () => {
            switched(false);
            switched(true);
        });
        this.pill = h('div', { class: 'pill', testid: 'status', role: 'status' },
            h('span', { class: 'pill-dot' }), this.text_);
        this.toggle = h('button', {
            class: 'switch', type: 'button', role: 'switch', testid: 'network-switch',
            title: 'Takes this window off the network and back', 'aria-keyshortcuts': 'Control+Shift+O',
        }, h('span', { class: 'switch-label' }, 'Network'), h('span', { class: 'switch-track' }, h('span', { class: 'switch-knob' })));
        this.toggle.addEventListener('click', () => {
            this.on_ = !this.on_;
            switched(this.on_);
            this.render();
        });
        this.render();
    }

    get is_on(): boolean {
        return this.on_;
    }

    show(status: SyncStatus): void {
        this.status_ = status;
        this.retry_at_ = status.retryInMs === undefined ? 0 : performance.now() + status.retryInMs;
        this.render();
    }

    private render(): void {
        const { link, pending, synced, storage } = this.status_;
        const offline = !this.on_ || link === 'offline';
        const tone = offline ? 'off' : link === 'connecting' || pending > 0 || !synced ? 'wait' : 'good';
        const lost = storage === 'memory' ? ', not kept on this device' : '';
        const waiting = pending > 0 ? `${pending} waiting${lost}` : '';
        const left = Math.max(0, this.retry_at_ - performance.now());
        const retrying = this.on_ && link !== 'online' && left > 0;
        let text: string;
        if (!this.on_) text = 'Offline';
        else if (retrying) text = `Retry in ${Math.ceil(left / 1000)} s`;
        else if (link === 'offline') text = 'Offline';
        else if (link === 'connecting') text = 'Connecting…';
        else if (pending > 0) text = '';
        else text = synced ? 'Saved' : 'Catching up…';
        set_text(this.text_, [text, waiting].filter(Boolean).join(' · '));
        this.retry.hidden = !retrying || left < kRetrySoonMs;
        set_text(this.count, String(pending));
        this.pill.dataset['tone'] = tone;
        this.root_.dataset['link'] = this.on_ ? link : 'offline';
        this.root_.dataset['pending'] = String(pending);
        this.root_.dataset['storage'] = storage;
        this.root_.dataset['synced'] = String(synced && pending === 0 && link === 'online');
        this.toggle.setAttribute('aria-checked', String(this.on_));
        this.toggle.setAttribute('aria-label', this.on_ ? 'Network on' : 'Network off');
        if (retrying && this.timer_ === undefined) this.timer_ = setInterval(() => this.render(), 250);
        if (!retrying && this.timer_ !== undefined) {
            clearInterval(this.timer_);
            this.timer_ = undefined;
        }
    }
}
