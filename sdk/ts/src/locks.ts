/** Exclusive locks among the tabs of a profile; a lock ends with its tab. */
export interface Locks {
    /** A function that releases the lock, or nothing when another tab holds it. */
    tryLock(name: string): Promise<(() => void) | undefined>;
}

/** The browser's Web Locks. */
export class WebLocks implements Locks {
    constructor(private readonly manager: LockManager) {}

    tryLock(name: string): Promise<(() => void) | undefined> {
        return new Promise((resolve, reject) => {
            this.manager
                .request(name, { ifAvailable: true }, lock => {
                    if (!lock) return resolve(undefined);
                    return new Promise<void>(release => resolve(release));
                })
                .catch(reject);
        });
    }
}
