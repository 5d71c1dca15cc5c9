import { useChannel, useCounter, useField, useList, useOthers, usePresence, useSyncStatus, useValue } from '@tandem/react';
import { useState, type FormEvent } from 'react';
import { Poll } from './tandem.gen';

type PollChannel = ReturnType<typeof usePoll>;
const usePoll = (id: string) => useChannel(Poll, id, { suspense: true });

const guest = `Guest ${Math.ceil(Math.random() * 100)}`;

export function PollPage({ id }: { id: string }) {
    const poll = usePoll(id);
    const [question, setQuestion] = useField(poll.fields.question);
    const { items, insert } = useList(poll.fields.answers);
    const [text, setText] = useState('');
    const most = Math.max(1, ...items.map(answer => answer.votes));
    const add = (event: FormEvent) => {
        event.preventDefault();
        if (text.trim()) insert({ text: text.trim(), votes: 0 });
        setText('');
    };
    return (
        <main>
            <input id="question" value={question} placeholder="What is the question?" aria-label="Question"
                onChange={event => setQuestion(event.target.value)} />
            <ul id="answers">
                {items.map(answer => <Answer key={answer.id} poll={poll} id={answer.id} most={most} />)}
            </ul>
            <form onSubmit={add}>
                <input id="text" value={text} placeholder="Another answer" aria-label="New answer" onChange={event => setText(event.target.value)} />
            </form>
            <Foot poll={poll} />
            <Conflicts poll={poll} />
        </main>
    );
}

/** Draws again only when this answer changes. */
function Answer({ poll, id, most }: { poll: PollChannel; id: string; most: number }) {
    const answer = poll.fields.answers.item(id);
    const [text, setText] = useField(answer.fields.text);
    const [votes, vote] = useCounter(answer.fields.votes);
    return (
        <li>
            <input value={text} aria-label="Answer" onChange={event => setText(event.target.value)} />
            <output>{votes}</output>
            <button aria-label={`Vote for ${text}`} onClick={() => vote()}>+1</button>
            <button aria-label={`Remove ${text}`} onClick={() => answer.remove()}>×</button>
            <meter value={votes} max={most} />
        </li>
    );
}

function Foot({ poll }: { poll: PollChannel }) {
    const { link, pending, synced } = useSyncStatus(poll);
    usePresence(poll, { name: guest });
    const others = useOthers(poll);
    return (
        <p>
            <span role="status">{synced ? 'Saved' : link === 'online' ? 'Saving…' : `Offline, ${pending} waiting`}</span>
            {others.length > 0 && <span id="others"> · with {others.map(({ state }) => String(state.name)).join(', ')}</span>}
        </p>
    );
}

/** What was written at the same time and is not shown. */
function Conflicts({ poll }: { poll: PollChannel }) {
    const conflicts = useValue(poll.conflicts);
    return (
        <ul id="conflicts">
            {conflicts.flatMap(conflict => conflict.losers.map((loser, i) => (
                <li key={`${conflict.path} ${i}`}>
                    {conflict.path}: {JSON.stringify(loser.value)} was not taken <button onClick={() => conflict.restore(i)}>Restore</button>
                </li>
            )))}
        </ul>
    );
}
