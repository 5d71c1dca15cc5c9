// Options with which the library is bundled. The names below are of properties that never leave the library:
// neither its API, nor the platform's objects, nor rows of the storage, nor frames. They are shortened in dist/.
const INTERNAL = `
    attempt channels commit emit events finish frames host platform root stopped view closeChannel edits early options refuse
    refused report retryIn setLink setPresence shapes until waiters pump acknowledge adopt adoptAll adoptLater adoptTimer adopted
    advance applyOwn applyTo asked asksActor booted byHandle caughtUp children chunks closing compose confirmed conflictsChanged
    covered disconnected drainsFirst drop dropElement elements findOrphans fixed32 forget generation giveUp handleBytes
    handleTimeout hasCursor heardAt heartbeat helloAt hideAdopted isOpen lane lanes learnOffset letGo loadChannel loaded marker
    mayPush membersChanged messageMax mode modeLabel nextDot nextTimeout orphans owner pausedUntil pingDue pollEvent pollTransmit
    presenceAt readyAt redos refresh release renew renewActor replica replicas requeue resubscribe retryAt rewind saveAll
    saveDelay saveSoon saveTimer session settle settleActor settled shape shownLane signalFeeds signalled signalsAt sint spokeAt
    statusChanged steps stored storedActor takeOutbox tellClient tellStatus transmit unacked undos unlisten unsaved varint vanish
    viewChanged extension watchers dotOf baseOf schedule reach turn cached wantActor timeMs knownCounter hasAfter heartbeatMs
    messageBytesMax ackedCounter duplicate actorSlot defs retryAfterMs joined left reconnectAfterMs serverMs stampActor
    forgetMembers clearMembers readers failure actors room leave segment slot sent seen reset head started handle current position
    kind dot more base edit watch take tell merge append run row ref byte bytes raw tag num self full update bool u32 signed body
    keep show keeps unkept tellAll first node own child want writes boot recorder part fail told seenSeq declared decides resolver old windows wanted inForce asking answered subscribes isSelected asks unselect chunksAcked held selectVersion installs
    reselect pick follow selection busy timer socket stamp offset any paths def
`.trim().split(/\s+/);

export const mangleProps = new RegExp(`^(?:${INTERNAL.join('|')})$`);
export const bundle = {
    bundle: true, target: 'es2022', platform: 'neutral', legalComments: 'none', mangleProps,
    // Declarations of fields that constructors set anyway are left out.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
};
