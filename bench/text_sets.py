"""The sets of operations B1 to B3 of crdt-benchmarks, as lists that every implementation lives through alike.

B4 is the recorded session `automerge-paper`, which the benchmark `text` has anyway. The sets follow the description
at https://github.com/dmonad/crdt-benchmarks; the random positions and words are our own, from one seed.
"""

import math
import random
import string

N = 6000
SEED = 42


def _char(rng):
    return rng.choice(string.ascii_lowercase)


def _word(rng):
    return "".join(_char(rng) for _ in range(rng.randint(2, 10)))


class _Text:
    """The ops of one user on a text, whose length it keeps."""

    def __init__(self, user, length=0):
        self.user, self.length, self.ops = user, length, []

    def insert(self, position, text):
        self.ops.append([self.user, "insert_text", position, text])
        self.length += len(text)

    def remove(self, position, count):
        self.ops.append([self.user, "delete_text", position, count])
        self.length -= count

    def insert_or_remove(self, rng):
        position = rng.randint(0, self.length)
        if position == self.length or rng.random() < 0.5:
            self.insert(position, _word(rng))
        else:
            self.remove(position, min(self.length - position, rng.randint(1, 9)))


def _alone(rng):
    """B1: one user, whose every update another gets at once."""
    for name, place, inserted in (
            ("B1.1", lambda length: length, _char),
            ("B1.3", lambda length: 0, _char),
            ("B1.4", lambda length: rng.randint(0, length), _char),
            ("B1.5", lambda length: rng.randint(0, length), _word)):
        text = _Text(0)
        for _ in range(N):
            text.insert(place(text.length), inserted(rng))
        yield name, text.ops
    whole = "".join(_char(rng) for _ in range(N))
    yield "B1.2", [[0, "insert_text", 0, whole]]
    yield "B1.6", [[0, "insert_text", 0, whole], [0, "delete_text", 0, N]]
    text = _Text(0)
    for _ in range(N):
        text.insert_or_remove(rng)
    yield "B1.7", text.ops
    numbers = [rng.randrange(2 ** 31) for _ in range(N)]
    yield "B1.8", [[0, "insert_values", at, [number]] for at, number in enumerate(numbers)]
    yield "B1.9", [[0, "insert_values", 0, numbers]]
    yield "B1.10", [[0, "insert_values", 0, [number]] for number in numbers]
    yield "B1.11", [[0, "insert_values", rng.randint(0, at), [number]] for at, number in enumerate(numbers)]


def _two(rng):
    """B2: two users who do not know of each other's edits until all are made."""
    def both(edit):
        texts = [_Text(0), _Text(1)]
        for text in texts:
            edit(text)
        return [op for text in texts for op in text.ops]

    def times(change):
        def edit(text):
            for _ in range(N):
                change(text)
        return edit

    yield "B2.1", both(lambda text: text.insert(0, "".join(_char(rng) for _ in range(N))))
    yield "B2.2", both(times(lambda text: text.insert(rng.randint(0, text.length), _char(rng))))
    yield "B2.3", both(times(lambda text: text.insert(rng.randint(0, text.length), _word(rng))))
    yield "B2.4", both(times(lambda text: text.insert_or_remove(rng)))


def _many():
    """B3: many users, each with one change, all of which one of them gets."""
    users = 20 * math.isqrt(N)
    for name, value in (("B3.1", lambda user: user), ("B3.2", lambda user: {"address": "here", "name": str(user)}),
                        ("B3.3", lambda user: str(user) * math.isqrt(N))):
        yield name, users, [[user, "set", "v", value(user)] for user in range(users)]
    yield "B3.4", users, [[user, "insert_values", 0, [str(user)]] for user in range(users)]


def sets():
    """[{"name", "users", "live", "ops"}…] with ops as the programs of bench/text read them."""
    rng = random.Random(SEED)
    made = [{"name": name, "users": 2, "live": True, "ops": ops} for name, ops in _alone(rng)]
    made += [{"name": name, "users": 2, "live": False, "ops": ops} for name, ops in _two(rng)]
    made += [{"name": name, "users": users, "live": False, "ops": ops} for name, users, ops in _many()]
    return made
