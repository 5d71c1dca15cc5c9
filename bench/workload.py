#!/usr/bin/env python3
"""Writes the committed bench/workload.json: ten minutes of twenty people with fifty devices.

Everything comes from the seed. Each person works on one shared record, mostly on cards of their own, on one
device at a time, and changes devices in between; phones lose their network for a while, in half of the cases
while they are used. usage: workload.py > workload.json
"""

import json
import random

SEED = 20
PERIOD_MS = 600_000
POLL_MS = 12_000
RECORDS = 6
CARDS = 240
USERS = 20
# field, what is done to it, weight
ACTIONS = [
    ("status", "set", 28), ("assignee", "set", 10), ("due", "set", 9), ("title", "set", 15), ("note", "set", 13),
    ("votes", "inc", 10), ("comments", "comment", 10), ("tags", "add", 5),
]
TOKENS_MAX = 12  # comments or tags that one card collects


def main():
    rng = random.Random(SEED)
    devices, events = [], []
    for user in range(USERS):
        surfaces = ["web", "mobile"] + (["desktop"] if user % 2 == 0 else [])
        for surface in surfaces:
            devices.append({"user": user, "surface": surface, "record": user % RECORDS,
                            "phase_ms": rng.randrange(POLL_MS)})
    collected = {}
    for user in range(USERS):
        mine = {d["surface"]: i for i, d in enumerate(devices) if d["user"] == user}
        record = user % RECORDS
        own_cards = rng.sample(range(20, CARDS), 12)
        offline = []  # (from, to, is the phone in use)
        at = rng.randrange(60_000, 200_000)
        while at < PERIOD_MS - 120_000:
            length = rng.randrange(20_000, 80_000)
            offline.append((at, at + length, rng.random() < 0.5))
            events.append([at, mine["mobile"], "offline", 0, ""])
            events.append([at + length, mine["mobile"], "online", 0, ""])
            at += length + rng.randrange(120_000, 300_000)
        t, surface = rng.randrange(10_000), "web"
        while t < PERIOD_MS - 30_000:
            if rng.random() < 0.06:  # a break, and then maybe another device
                t += rng.randrange(10_000, 50_000)
                surface = rng.choice(list(mine))
            t += int(rng.expovariate(1 / 4500)) + 300
            if t >= PERIOD_MS - 30_000:
                break
            where = surface
            for start, end, in_use in offline:
                if start <= t < end:
                    where = "mobile" if in_use else ("web" if surface == "mobile" else surface)
            if rng.random() < 0.8:
                card = rng.choice(own_cards)
            elif rng.random() < 0.5:
                card = rng.randrange(20)  # what everybody looks at
            else:
                card = rng.randrange(CARDS)
            field, action, _ = rng.choices(ACTIONS, [w for _, _, w in ACTIONS])[0]
            if action in ("comment", "add"):
                key = (record, card, field)
                collected[key] = collected.get(key, 0) + 1
                if collected[key] > TOKENS_MAX:
                    continue
            events.append([t, mine[where], action, card, field])
    events.sort(key=lambda e: e[0])
    print(json.dumps({"seed": SEED, "period_ms": PERIOD_MS, "poll_ms": POLL_MS, "records": RECORDS, "cards": CARDS})[:-1]
          + ',\n"devices": [\n' + ",\n".join(json.dumps(d) for d in devices)
          + '\n],\n"events": [\n' + ",\n".join(json.dumps(e, separators=(",", ":")) for e in events) + "\n]}")


if __name__ == "__main__":
    main()
