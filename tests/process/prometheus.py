"""Prometheus' text format, read as strictly as its own checker does."""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"^({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\+Inf|-?[0-9.]+(?:e[-+]?[0-9]+)?)$")
TYPES = ("counter", "gauge", "histogram")


class Metric:
    def __init__(self, name, kind):
        self.name = name
        self.kind = kind
        self.samples = {}  # (suffix, labels): number

    def value(self):
        (number,) = self.samples.values()
        return number


def parse(text):
    """Metrics by name; AssertionError where a strict reader would complain."""
    assert text.endswith("\n"), "the last line has no end"
    metrics, helped, metric = {}, None, None
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert re.fullmatch(NAME, name) and words.strip(), line
            assert name not in metrics and helped is None, f"{line}: told twice, or without its type"
            helped = name
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == helped and kind in TYPES, f"{line}: the type does not follow its help"
            metric = metrics[name] = Metric(name, kind)
            helped = None
        else:
            matched = SAMPLE.match(line)
            assert matched, f"no sample: {line!r}"
            name, labels, number = matched.groups()
            assert metric and helped is None and name.startswith(metric.name), f"{line}: not behind its type"
            suffix = name[len(metric.name):]
            assert suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)), line
            key = (suffix, labels or "")
            assert key not in metric.samples, f"{line}: twice"
            metric.samples[key] = float(number)
    assert helped is None, f"{helped} has no type"
    for metric in metrics.values():
        assert metric.samples, f"{metric.name} has no samples"
        assert (metric.kind == "counter") == metric.name.endswith("_total"), f"{metric.name} is a {metric.kind}"
        if metric.kind == "histogram":
            check_histogram(metric)
    return metrics


def series(metric):
    """{labels but le: ([(bound, count)], sum, count)} of a histogram."""
    found = {}
    for (suffix, labels), number in metric.samples.items():
        bounds = re.findall(r'(?:^|,)le="([^"]+)"', labels)
        rest = re.sub(r',?le="[^"]+"', "", labels)
        buckets, sums = found.setdefault(rest, ([], {}))
        if suffix == "_bucket":
            (bound,) = bounds
            buckets.append((math.inf if bound == "+Inf" else float(bound), number))
        else:
            assert not bounds, f"{metric.name}{suffix} has le"
            sums[suffix] = number
    return {labels: (buckets, sums["_sum"], sums["_count"]) for labels, (buckets, sums) in found.items()}


def check_histogram(metric):
    assert metric.name.endswith("_seconds"), metric.name
    for labels, (buckets, total, count) in series(metric).items():
        where = f"{metric.name}{{{labels}}}"
        bounds = [bound for bound, _ in buckets]
        counts = [number for _, number in buckets]
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf, f"{where}: bounds {bounds}"
        assert counts == sorted(counts), f"{where}: the counts fall: {counts}"
        assert counts[-1] == count and count == int(count), f"{where}: {counts[-1]} in buckets, {count} counted"
        assert total >= 0 and (count > 0 or total == 0), f"{where}: sum {total} of {count}"
        # No shorter than the buckets say, and the longest known ones no longer.
        least = sum((b - a) * low for (low, a), (_, b) in zip([(0, 0), *buckets], buckets))
        assert total >= least * (1 - 1e-6) - 1e-9, f"{where}: sum {total}, but at least {least} by the buckets"
