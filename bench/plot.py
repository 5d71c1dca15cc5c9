#!/usr/bin/env python3
"""Draws what `./dev bench --json FILE` found: plot.py FILE writes docs/images/benchmarks.svg and the table of docs/benchmarks.md.

Every target is a line of one picture. Its axis is logarithmic and says how many times better than the target a figure is,
so that figures of different kinds can stand beside each other: small dots are runs, the large one is what counts.
"""

import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "benchmarks.svg"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
ROW, LEFT, WIDTH, RIGHT, TOP = 30, 300, 420, 190, 46
DECADES = (-1, 3)


def times_better(op, limit, value):
    """How many times better than its limit a figure is; None where a ratio says nothing."""
    if value is None or limit == 0 or value <= 0:
        return None
    return value / limit if op == ">=" else limit / value


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def rows_of(results):
    """One row a target: bench, key, op, limit, value, ok, the runs' own figures."""
    for result in results:
        for target in result["targets"]:
            runs = [run[target["key"]] for run in result["runs"] if isinstance(run.get(target["key"]), (int, float))]
            yield {**target, "bench": result["bench"], "runs": runs}


def x_of(ratio):
    low, high = DECADES
    place = (math.log10(ratio) - low) / (high - low)
    return LEFT + WIDTH * min(max(place, 0), 1)


def picture_of(rows):
    height = TOP + ROW * len(rows) + 34
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" font-family="system-ui, sans-serif" '
           'font-size="13" role="img"><title>Each figure against its target</title>',
           "<style>.ink{fill:#0f172a}.dim{fill:#64748b}.grid{stroke:#cbd5e1}.aim{stroke:#0f172a;stroke-width:1.5}.ground{fill:#f8fafc}"
           ".met{fill:#2563eb}.missed{fill:#dc2626}@media(prefers-color-scheme:dark){.ink{fill:#f1f5f9}.dim{fill:#94a3b8}"
           ".grid{stroke:#334155}.aim{stroke:#f1f5f9}.ground{fill:#0f172a}.met{fill:#60a5fa}.missed{fill:#f87171}}</style>",
           f'<rect class="ground" width="100%" height="{height}" rx="8"/>',
           f'<text class="dim" x="{LEFT + WIDTH}" y="22" text-anchor="end">times better than the target →</text>']
    bottom = TOP + ROW * len(rows)
    for decade in range(DECADES[0], DECADES[1] + 1):
        x = x_of(10 ** decade)
        name = {0: "target"}.get(decade, f"{10 ** decade:g}×")
        out.append(f'<line class="{"aim" if decade == 0 else "grid"}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}"/>')
        out.append(f'<text class="dim" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{name}</text>')
    for index, row in enumerate(rows):
        y = TOP + ROW * index + ROW / 2
        out.append(f'<text class="ink" x="16" y="{y + 4}">{row["bench"]}</text>')
        out.append(f'<text class="dim" x="{LEFT - 14}" y="{y + 4}" text-anchor="end">{row["key"]}</text>')
        tone = "met" if row["ok"] else "missed"
        for run in row["runs"]:
            ratio = times_better(row["op"], row["limit"], run)
            if ratio is not None:
                out.append(f'<circle class="{tone}" cx="{x_of(ratio):.1f}" cy="{y}" r="2.5" opacity=".4"/>')
        ratio = times_better(row["op"], row["limit"], row["value"])
        if ratio is not None:
            out.append(f'<circle class="{tone}" cx="{x_of(ratio):.1f}" cy="{y}" r="5"/>')
        told = "not measured" if row["value"] is None else number(row["value"])
        sign = {">=": "≥", "<=": "≤", "==": "="}.get(row["op"], row["op"].replace("<", "&lt;"))
        out.append(f'<text class="ink" x="{LEFT + WIDTH + 14}" y="{y + 4}">{told} <tspan class="dim">{sign} {number(row["limit"])}</tspan></text>')
    return "\n".join([*out, "</svg>", ""])


def table_of(results, rows):
    lines = ["| bench | figure | measured | target | |", "|---|---|---|---|---|"]
    for row in rows:
        told = "not measured" if row["value"] is None else number(row["value"])
        verdict = "" if row["ok"] is None else "met" if row["ok"] else "**missed**"
        lines.append(f'| {row["bench"]} | `{row["key"]}` | {told} | {row["op"].replace("<=", "≤").replace(">=", "≥")} {number(row["limit"])} | {verdict} |')
    env = results[0]["env"]
    disk = env["fdatasync_ms"]
    lines.append(f'\n{env["cpus"]} processors; `fdatasync` takes {disk["p50"]:.3g} ms (p99 {disk["p99"]:.3g} ms); one processor second buys '
                 f'{number(env["bare_send_per_cpu_s"])} bare sends of 32 bytes; load when it began {env["load_at_start"]:.1f}.')
    return "\n".join(lines)


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    results = json.loads(pathlib.Path(arguments[0]).read_text(encoding="utf-8"))
    results = results if isinstance(results, list) else [results]
    rows = list(rows_of(results))
    PICTURE.write_text(picture_of(rows), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table_of(results, rows)}\n{END}{after}", encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)} and the table of {PAGE.relative_to(ROOT)}: {len(rows)} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
