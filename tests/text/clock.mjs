// A clock that the histories set. Yjs takes Date.now when it is loaded, so this comes before it.
export const clock = { now: 1000 }
Date.now = () => clock.now
