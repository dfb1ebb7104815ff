"""A report as Markdown, as a LaTeX table, and as a CSV table with every number in full. It writes down what a `Report` holds."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.measures import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musicclass_gui.engine.benchmark.report import Report
    from musicclass_gui.engine.benchmark.report_rows import Row

NOTHING = "–"
_MOST_PARTS = 6
_PARTS = "train valid test"
INTERVALS = (
    "Values are means over “repeats”, that is class orders and seeds; “spread” is least to greatest, “±” the standard deviation. Intervals "
    "cover 95 % for the items that were asked (Wilson for accuracies, bootstrap over items else); that of several repeats is the mean of "
    "theirs, since they were asked the same items. Tests are on the same items and not corrected for how many there are."
)


def shown(value: float | None, metric: str, *, sign: bool = False) -> str:
    """A value as people read it: percent with one digit after the point, or four digits."""
    if value is None:
        return NOTHING
    text = f"{value * 100:+.1f}" if METRICS[metric].percent else f"{value:+.4f}"
    if not any(digit in text for digit in "123456789"):
        return text[1:]
    return (text if sign else text.removeprefix("+")).replace("-", "−")


def title(metric: str) -> str:
    """A measure's title with its unit."""
    return METRICS[metric].title + (" (%)" if METRICS[metric].percent else "")


def between(low: float | None, high: float | None, metric: str) -> str:
    """An interval or a spread."""
    return NOTHING if low is None or high is None else f"{shown(low, metric)} to {shown(high, metric)}"


def spread(row: Row) -> str:
    """Least to greatest with the deviation, where there are several cells."""
    if row.deviation is None:
        return NOTHING
    return f"{between(min(row.values), max(row.values), row.metric)} (±{shown(row.deviation, row.metric)})"


def verdict(row: Row) -> str:
    """What the paired test says, in few words."""
    if row.baseline == row.key:
        return "baseline"
    if row.p is None:
        return row.said or NOTHING
    return (
        f"differs, p {'< 0.001' if row.p < 0.001 else f'= {row.p:.3f}'}" if row.distinguishable else f"not distinguishable, p = {row.p:.3f}"
    )


def head_columns(report: Report) -> list[str]:
    """The titles of the main table's columns."""
    against = f"Δ {report.baseline}" if report.baseline else "Δ best"
    return [
        "Method",
        "Mode",
        "Task",
        "Features",
        "Measure",
        "Value",
        "95 %",
        "Spread",
        "Repeats",
        "Items",
        "Published",
        "Difference",
        against,
        "Test",
        "Source",
    ]


def head_fields(report: Report, row: Row) -> list[str]:
    """The main table's fields of a row."""
    method, mode, task, features = row.key
    numbers = [shown(row.mean, row.metric), between(row.low, row.high, row.metric), spread(row), str(len(row.values)), str(row.n)]
    printed = [shown(row.published, row.metric), shown(row.difference, row.metric, sign=True)]
    delta = shown(row.delta, row.metric, sign=True)
    start = [report.method(method), report.mode(mode), task, features, title(row.metric)]
    return [*start, *numbers, *printed, delta, verdict(row), row.source]


def in_short(report: Report) -> list[str]:
    """For each mode and task a sentence on which is best, and which cannot be told from it; nothing where a baseline was asked for."""
    rivals: dict[tuple[str, str, str], list[Row]] = {}
    for row in report.heads if not report.baseline else []:
        if row.baseline is not None:
            rivals.setdefault((*row.key[1:3], row.metric), []).append(row)
    return [_in_short(report, rows) for rows in rivals.values()]


def _in_short(report: Report, rows: Sequence[Row]) -> str:
    best = next(row for row in rows if row.key == row.baseline)
    same = [_without_place(report, row) for row in rows if row.distinguishable is False]
    others = f"not distinguishable from it: {', '.join(same)}" if same else "all others differ from it"
    untested = [row for row in rows if row is not best and row.p is None]
    place = ", ".join(filter(None, (report.mode(best.key[1]), best.key[2])))
    unit = " %" if METRICS[best.metric].percent else ""
    said = f"{_without_place(report, best)} is best ({METRICS[best.metric].title} {shown(best.mean, best.metric)}{unit})"
    sentence = said + ("." if len(untested) == len(rows) - 1 else f"; {others}.")
    return f"{place[:1].upper()}{place[1:]}: {sentence}" if place else sentence


def _without_place(report: Report, row: Row) -> str:
    return report.name((row.key[0], "", "", row.key[3]))


def head_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """The main table without what says nothing: empty columns, and a measure that is the same in all lines, which then is a title."""
    columns, lines = without_empty(head_columns(report), [head_fields(report, row) for row in report.heads])
    if "Repeats" in columns and all(len(row.values) == 1 for row in report.heads):
        columns, lines = _without(columns, lines, "Repeats")
    place = columns.index("Measure")
    measures = {line[place] for line in lines}
    if len(measures) > 1:
        return columns, lines
    titled = [next(iter(measures)) if column == "Value" else column for column in columns if column != "Measure"]
    return titled, _without(columns, lines, "Measure")[1]


def _without(columns: Sequence[str], lines: Sequence[Sequence[str]], title_: str) -> tuple[list[str], list[list[str]]]:
    place = columns.index(title_)
    first, *rest = ([*line[:place], *line[place + 1 :]] for line in (columns, *lines))
    return first, rest


def sources(report: Report) -> list[str]:
    """Where the published values are from."""
    return list(dict.fromkeys(row.source for rows in report.rows for row in rows if row.source))


def without_empty(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """A table without the columns that have nothing in any line."""
    kept = [place for place in range(len(columns)) if any(line[place] not in ("", NOTHING) for line in lines)]
    return [columns[place] for place in kept], [[line[place] for place in kept] for line in lines]


def facts(report: Report) -> list[tuple[str, str]]:
    """What the run was, as names and values."""
    run = report.run
    state = f"{run.state}, {len(report.results)} of {run.total} results, computed in {report.seconds:.1f} s"
    return [
        ("Protocol", f"{report.protocol.TITLE} ({report.protocol.PAPER})"),
        ("Run", f"{run.id}, begun {run.made_at.replace('T', ' ').replace('+00:00', ' UTC')}, {state}"),
        *((name.capitalize(), value) for name, value in report.config() if name != "protocol"),
        ("Data fingerprint", run.fingerprint),
        ("Computed on", run.device or NOTHING),
        ("Versions", ", ".join(f"{name} {version}" for name, version in run.versions.items()) or NOTHING),
    ]


def counts(report: Report) -> list[list[str]]:
    """What was found of the data, and how that agrees with what was published."""
    return [
        [one.what, str(one.found), str(one.published) if one.published else NOTHING, _agrees(one.found, one.published)]
        for one in report.about.counts
    ]


def _agrees(found: int, published: int) -> str:
    if not published:
        return NOTHING
    return "as published" if found == published else f"{abs(found - published)} {'more' if found > published else 'fewer'}"


def split_line(report: Report) -> str:
    """The sizes of the split's parts; of many parts, such as folds, their number only."""
    parts = {part: len(keys) for part, keys in sorted(report.about.split.items(), key=lambda pair: _PARTS.find(pair[0]))}
    if len(parts) > _MOST_PARTS:
        return f"{len(parts)} parts of {min(parts.values())} to {max(parts.values())} items"
    return ", ".join(f"{part} {count}" for part, count in parts.items())


def other_fields(report: Report, row: Row) -> list[str]:
    """The second table's fields of a row."""
    numbers = [shown(row.mean, row.metric), between(row.low, row.high, row.metric), spread(row)]
    printed = [shown(row.published, row.metric), shown(row.difference, row.metric, sign=True)]
    return [report.name(row.key), row.part, title(row.metric), *numbers, *printed]


def other_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """The measures of the whole side by side, a line for each result: their values, with the spread where there is one."""
    whole = [row for row in report.others if not row.part]
    metrics = list(dict.fromkeys(row.metric for row in whole))
    found = {(row.key, row.metric): row for row in whole}
    keys = list(dict.fromkeys(row.key for row in whole))
    lines = [[report.name(key), *(_value_and_spread(found.get((key, metric))) for metric in metrics)] for key in keys]
    return ["Results", *map(title, metrics)], lines


def _value_and_spread(row: Row | None) -> str:
    if row is None:
        return NOTHING
    return shown(row.mean, row.metric) + (f" (±{shown(row.deviation, row.metric)})" if row.deviation is not None else "")


OTHER_COLUMNS = ["Results", "Part", "Measure", "Value", "95 %", "Spread", "Published", "Difference"]


def markdown(report: Report) -> str:
    """The report as Markdown, without figures."""
    return "\n".join(_markdown(report)).rstrip() + "\n"


def _markdown(report: Report) -> Iterator[str]:
    yield from (f"# {report.title}", "")
    yield from (f"* {name}: {value}" for name, value in facts(report))
    yield from ("", "To repeat it:", "", f"    {report.command}", "", "## Data", "")
    yield from _table(["What", "Found", "Published", "Agreement"], counts(report))
    yield from [f"Split: {split_line(report)}.", ""] if report.about.split else []
    yield from _list(report.about.problems)
    yield from ["### Leaks", "", *_list([f"**{one.level}** ({one.check}): {one.sentence}" for one in report.about.verdicts])]
    yield from ("## Results", "", *_list(in_short(report)))
    yield from _table(*head_table(report))
    yield from (INTERVALS, "")
    yield from [f"Published values: {'; '.join(sources(report))}.", ""] if sources(report) else []
    yield from _list([f"{report.name(row.key)}: {row.said}" for row in report.heads if row.said])
    if report.others:
        yield from ("### Other measures", "")
        yield from _table(*without_empty(OTHER_COLUMNS, [other_fields(report, row) for row in report.others]))
    yield from _sessions(report)
    yield from _switches(report)
    if report.notes:
        yield from ("## Notes", "", *_list([f"{name}: {' '.join(notes)}" for name, notes in report.notes]))
    yield from ("## Measures", "", *_list([f"{metric.title}: {metric.formula}" for metric in report.metrics]))


def _sessions(report: Report) -> Iterator[str]:
    for place, metric, ours, _ in report.curves():
        yield from (f"### {title(metric)} by session{': ' + place if place else ''}", "")
        sessions = sorted({session for one in ours for session in one.sessions})
        lines = [[one.name, *(shown(dict(zip(one.sessions, one.mean, strict=True)).get(at), metric) for at in sessions)] for one in ours]
        yield from _table(["Method", *map(str, sessions)], lines)


def _switches(report: Report) -> Iterator[str]:
    if report.options():
        yield from ("## Options", "")
        modes = [report.mode(mode).capitalize() or "Value" for mode in report.modes]
        yield from _table(["Option", *modes, "What it does"], [[one.title, *values, one.line] for one, values in report.options()])


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    if lines:
        rows = [columns, ["---"] * len(columns), *lines]
        yield from ("| " + " | ".join(field.replace("|", "\\|") for field in row) + " |" for row in rows)
        yield ""


def _list(lines: Sequence[str]) -> list[str]:
    return [*(f"* {line}" for line in lines), ""] if lines else []


CSV_COLUMNS = (
    "run", "what", "method", "mode", "task", "features", "order", "seed", "metric", "session", "part",
    "value", "cells", "deviation", "least", "most", "low", "high", "n", "published", "difference",
    "source", "baseline", "delta", "p", "test",
)  # fmt: skip


def csv_table(report: Report) -> str:
    """Every number with all its digits: a line "mean" for each measure of a group, and a line "cell" for each cell of it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    tested = {(row.key, row.metric, row.session, row.part): row for row in report.heads}
    for rows in report.rows:
        for row in rows:
            writer.writerow(_mean_line(report, tested.get((row.key, row.metric, row.session, row.part), row)))
            if len(row.values) > 1:
                writer.writerows(_cell_lines(report, row))
    return text.getvalue()


def _mean_line(report: Report, row: Row) -> list[object]:
    order, seed = (row.cells[0].order, row.cells[0].seed) if len(row.cells) == 1 else ("", "")
    numbers = [row.mean, len(row.values), row.deviation, min(row.values), max(row.values), row.low, row.high, row.n]
    tested = ["/".join(row.baseline) if row.baseline else "", row.delta, row.p, verdict(row) if row.baseline else ""]
    start = [report.run.id, "mean", *row.key, order, seed, row.metric, row.session, row.part]
    return [*start, *numbers, row.published, row.difference, row.source, *tested]


def _cell_lines(report: Report, row: Row) -> list[list[object]]:
    return [
        [report.run.id, "cell", *row.key, cell.order, cell.seed, row.metric, row.session, row.part, value, 1, *[""] * 5, row.n, *[""] * 7]
        for cell, value in zip(row.cells, row.values, strict=True)
    ]


_TEX = {
    "\\": r"\textbackslash{}", "−": "$-$", "±": r"$\pm$", "Δ": r"$\Delta$", "²": r"$^2$", "–": "--", "<": "$<$", ">": "$>$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "†": r"$^\dagger$", **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip


def latex(report: Report) -> str:
    """The main table for a paper (booktabs); what is not distinguishable from the baseline is marked with a dagger."""
    columns, lines = without_empty(_TEX_COLUMNS, [_tex_fields(report, row) for row in report.heads])
    numeric = {"Value", "95 %", "±", "Published", "Difference"}
    align = "".join("r" if column in numeric else "l" for column in columns)
    body = [" & ".join(_tex(field) for field in line) + r" \\" for line in lines]
    against = report.baseline or "the best of each mode and task"
    caption = f"{report.title}. A dagger: not distinguishable from {against} (paired test, p at least 0.05)."
    head = [
        f"% {report.command}",
        *(f"% Published values: {one}" for one in sources(report)),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_tex(caption)}}}",
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        " & ".join(map(_tex, columns)) + r" \\",
        r"\midrule",
    ]
    return "\n".join([*head, *body, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


_TEX_COLUMNS = ["Method", "Mode", "Task", "Features", "Measure", "Value", "95 %", "±", "Published", "Difference"]
_DAGGER = "†"


def _tex_fields(report: Report, row: Row) -> list[str]:
    method, mode, task, features = row.key
    mark = _DAGGER if row.distinguishable is False else ""
    interval = between(row.low, row.high, row.metric).replace(" to ", "–")
    numbers = [shown(row.mean, row.metric) + mark, interval, shown(row.deviation, row.metric)]
    printed = [shown(row.published, row.metric), shown(row.difference, row.metric, sign=True)]
    return [report.method(method), report.mode(mode), task, features, title(row.metric), *numbers, *printed]


def _tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in text)
