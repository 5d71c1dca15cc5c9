"""Statistics of the benchmarks: pure functions on lists of numbers."""

import operator

OPERATORS = {">=": operator.ge, "<=": operator.le, "<": operator.lt, "==": operator.eq}


def quantile(samples, q):
    """The smallest sample that at least a share `q` of all samples does not exceed (nearest rank)."""
    if not samples:
        raise ValueError("no samples")
    if not 0 <= q <= 1:
        raise ValueError(f"not a quantile: {q}")
    ordered = sorted(samples)
    # The tolerance keeps 0.07 * 100, which is 7.000000000000001, at rank 7.
    rank = -int(-(q * len(ordered) - 1e-9) // 1)
    return ordered[max(rank, 1) - 1]


def median(numbers):
    """The middle one, or the mean of the two in the middle."""
    if not numbers:
        raise ValueError("no numbers")
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def cut(before, after):
    """How much less `after` is than `before`, as a share; nothing to cut is no success."""
    if before <= 0:
        raise ValueError("the baseline measured nothing")
    return 1 - after / before


def target(key, op, limit, metrics, reason=None):
    """One row of the result. Without a value it was not measured, and `ok` is None."""
    value = metrics.get(key)
    row = {"key": key, "op": op, "limit": limit, "value": value,
           "ok": None if value is None else OPERATORS[op](value, limit)}
    if value is None:
        row["reason"] = reason or "not measured"
    return row


def exit_code(targets):
    """1 when a target was missed, else 2 when one was not measured, else 0."""
    if any(row["ok"] is False for row in targets):
        return 1
    return 2 if not targets or any(row["ok"] is None for row in targets) else 0
