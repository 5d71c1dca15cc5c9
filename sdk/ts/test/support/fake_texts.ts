import { Doc, applyUpdate, diffUpdate, encodeStateAsUpdate, encodeStateVector } from 'yjs';
import { Reader, Writer } from '../../src/bytes.js';
import type { FakeConnection } from './fake_server.js';

const TEXT = 10;

function message(head: readonly number[], body: Uint8Array): Uint8Array {
    const w = new Writer();
    for (const number of [...head, body.length]) w.varint(number);
    w.raw(body);
    return w.finish();
}

class FakeText {
    doc = new Doc();
    seq = 0;
    readonly readers = new Map<FakeConnection, number>();
}

/** What a server does with frames of texts, as section 8 of docs/protocol.md says, without a disk. */
export class FakeTexts {
    readonly texts = new Map<string, FakeText>();
    /** Refuses an update with this. */
    refuse: () => { code: string; temporary: boolean; retryMs: number } | undefined = () => undefined;
    /** Loses acknowledgements. */
    losesAcks = false;
    /** Frames that came, as bytes in hexadecimal. */
    readonly seen: string[] = [];
    private readonly pieces = new Map<FakeConnection, Uint8Array[]>();

    text(channel: string, name = 'main'): FakeText {
        const key = `${channel} ${name}`;
        let text = this.texts.get(key);
        if (!text) this.texts.set(key, (text = new FakeText()));
        return text;
    }
    private tell(c: FakeConnection, channel: string, name: string, fill: (w: Writer) => Writer): void {
        c.send(TEXT, fill(new Writer().text(1, channel).text(2, name)));
    }
    close(channel: string): void {
        const { readers } = this.text(channel);
        for (const c of readers.keys()) this.tell(c, channel, 'main', w => w.num(10, 1));
        this.texts.clear();
    }
    receive(c: FakeConnection, bytes: Uint8Array): void {
        this.seen.push(Buffer.from(bytes).toString('hex'));
        const f = { channel: '', name: 'main', message: new Uint8Array(0), more: 0, ref: 0, leave: 0 };
        const r = new Reader(bytes);
        while (r.next())
            if (r.field === 1) f.channel = r.text();
            else if (r.field === 2) f.name = r.text();
            else if (r.field === 3) f.message = r.bytes().slice();
            else if (r.field === 4) f.more = r.num();
            else if (r.field === 5) f.ref = r.num();
            else f.leave = r.num();
        const text = this.text(f.channel, f.name);
        for (const reader of [...text.readers.keys()]) if (!reader.open) text.readers.delete(reader);
        if (f.leave) return void text.readers.delete(c);
        const pieces = [...(this.pieces.get(c) ?? []), f.message];
        if (f.more) return void this.pieces.set(c, pieces);
        this.pieces.delete(c);
        if (!text.readers.has(c)) text.readers.set(c, 0);
        const tell = (fill: (w: Writer) => Writer): void => this.tell(c, f.channel, f.name, fill);
        const whole = new Reader(Uint8Array.from(pieces.flatMap(piece => [...piece])));
        if (whole.varint() !== 0) return;
        const step = whole.varint();
        const body = whole.raw(whole.varint());
        if (step === 0) {
            tell(w => w.bytes(3, message([0, 1], diffUpdate(encodeStateAsUpdate(text.doc), body))));
            return tell(w => w.bytes(3, message([0, 0], encodeStateVector(text.doc))));
        }
        const refusal = this.refuse();
        if (refusal)
            return tell(w => w.num(4, f.ref).text(6, refusal.code).text(7, 'No.').num(8, refusal.temporary).num(9, refusal.retryMs));
        const before = Buffer.from(encodeStateAsUpdate(text.doc));
        applyUpdate(text.doc, body);
        // As when the server depends on what it never got: nothing of it is taken.
        if (text.doc.store.pendingStructs) {
            text.doc = new Doc();
            applyUpdate(text.doc, before);
            return tell(w => w.bytes(3, message([0, 0], encodeStateVector(text.doc))));
        }
        const isNews = Buffer.compare(before, encodeStateAsUpdate(text.doc)) !== 0;
        if (isNews) text.seq++;
        if (f.ref && !this.losesAcks) tell(w => w.num(4, f.ref).num(5, text.seq));
        if (!isNews) return;
        for (const reader of text.readers.keys())
            if (reader !== c && reader.open) this.tell(reader, f.channel, f.name, w => w.bytes(3, message([0, 2], body)));
    }
}
