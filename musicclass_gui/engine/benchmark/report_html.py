"""A report as one HTML file with figures: right on light and dark, on paper, and without network. It writes down what a `Report` holds."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark import report_figures, report_rows, report_text
from musicclass_gui.engine.benchmark.measures import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musicclass_gui.engine.benchmark.report import Report
    from musicclass_gui.engine.benchmark.report_rows import Group, Row

_MOST_CLASSES = 40
_NUMBER = ' class="number"'
_NUMERIC = set("0123456789.−+±() to%e-")
_MATRIX = "R[t,k]: accuracy in % on the classes of session k (column) after session t (row), mean over class orders and seeds."
_CONFUSION = "How often each class (row) was taken for each (column) after the last session, all orders and seeds together."
_STYLE = """
:root{color-scheme:light dark;--text:#1d2127;--muted:#5c6672;--page:#fff;--line:#d8dde3;--code:#f3f5f7;
--good:#1f7a4d;--warn:#8a5a00;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--text:#e6e9ed;--muted:#9aa5b1;--page:#16191d;--line:#343a41;--code:#20252b;
--good:#62c08f;--warn:#e0b050;--bad:#f0837a}}
body{color:var(--text);background:var(--page);font:15px/1.5 system-ui,sans-serif;max-width:1160px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid var(--line)}h3{font-size:1.05rem}
table{border-collapse:collapse;font-size:.86rem;margin:.8rem 0}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{vertical-align:bottom}th.number,td.number{text-align:right}td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
.facts td:first-child{white-space:nowrap;color:var(--muted)}.facts td{overflow-wrap:anywhere}
.results td,.results th{white-space:nowrap}.results td:nth-last-child(-n+2){white-space:normal;min-width:4rem}.wide{overflow-x:auto}
.grid{display:flex;flex-wrap:wrap;gap:.4rem 2.2rem}.grid figure{margin:.4rem 0}.grid figcaption{font-weight:600;color:var(--text)}
pre{background:var(--code);padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere}.muted{color:var(--muted)}
.clear{color:var(--good)}.note{color:var(--warn)}.leak{color:var(--bad)}.clear,.note,.leak{font-weight:600}
figure{margin:1rem 0;overflow-x:auto}figcaption{color:var(--muted);font-size:.86rem}svg{max-width:100%;height:auto}summary{cursor:pointer}
dt{font-weight:600}dd{margin:0 0 .4rem}
@media print{:root{color-scheme:light;--text:#000;--page:#fff;--line:#bbb;--muted:#444;--code:#f3f5f7;
--good:#1f7a4d;--warn:#8a5a00;--bad:#b3261e}
body{max-width:none;margin:0;font-size:10pt}table{font-size:7.5pt}th,td{padding:1.5pt 3pt}
td.number,.results td,.results th{white-space:normal}.wide,figure{overflow:visible}
figure,tr{break-inside:avoid}h2,h3{break-after:avoid}}
"""


def html(report: Report) -> str:
    """The report as an HTML page."""
    head = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(report.title)}</title>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    body = "\n".join((*_beginning(report), *_data(report), *_results(report), *_figures(report), *_end(report)))
    return f"{head}\n{view}\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"


def _beginning(report: Report) -> Iterator[str]:
    yield f"<h1>{escape(report.title)}</h1>"
    yield f'<div class="facts">{_table(("", ""), [list(fact) for fact in report_text.facts(report)])}</div>'
    yield f"<p>To repeat it:</p><pre>{escape(report.command)}</pre>"


def _data(report: Report) -> Iterator[str]:
    yield "<h2>Data</h2>"
    yield _table(("What", "Found", "Published", "Agreement"), report_text.counts(report))
    if report.about.split:
        yield f"<p>Split: {escape(report_text.split_line(report))}.</p>"
    if report.about.problems:
        yield _folded("What to know of these data", _list([escape(problem) for problem in report.about.problems]))
    verdicts = [
        f'<span class="{escape(one.level)}">{escape(one.level)}</span> {escape(one.check)}: {escape(one.sentence)}'
        for one in report.about.verdicts
    ]
    if verdicts:
        yield "<h3>Leaks</h3>" + _list(verdicts)


def _results(report: Report) -> Iterator[str]:
    yield "<h2>Results</h2>"
    yield _list([escape(sentence) for sentence in report_text.in_short(report)])
    yield f'<div class="results">{_table(*report_text.head_table(report))}</div>'
    yield f'<p class="muted">{escape(report_text.INTERVALS)}</p>'
    if sources := report_text.sources(report):
        yield f"<p>Published values: {escape('; '.join(sources))}.</p>"
    tested = [f"{escape(report.name(row.key))}: {escape(row.said)}" for row in report.heads if row.said]
    if tested:
        yield _folded("Paired tests", _list(tested))
    if report.others:
        parts = [report_text.other_fields(report, row) for row in report.others if row.part or row.published is not None]
        yield _folded("Other measures", _table(*report_text.other_table(report)))
        if parts:
            yield _folded("Parts, and other published values", _table(*report_text.without_empty(report_text.OTHER_COLUMNS, parts)))


def _figures(report: Report) -> Iterator[str]:
    curves = report.curves()
    if curves:
        yield "<h2>By session</h2>"
    for place, metric, ours, printed in curves:
        drawing = report_figures.curves(ours, printed, METRICS[metric].title, percent=METRICS[metric].percent)
        more = " Crosses: published." if printed else ""
        what = f"{METRICS[metric].title} after each session{', ' + place if place else ''}."
        caption = f"{what} Bands: least to greatest over class orders and seeds.{more}"
        yield _figure(drawing, caption)
    if not curves:
        yield from _bars(report)
    yield from _matrices(report)
    yield from _confusions(report)


def _bars(report: Report) -> Iterator[str]:
    for metric, task in dict.fromkeys((row.metric, row.key[2]) for row in report.heads):
        mine = [row for row in report.heads if (row.metric, row.key[2]) == (metric, task)]
        names = [report.name((row.key[0], row.key[1], "", row.key[3])) for row in mine]
        drawing = report_figures.bars(names, [_bar(row) for row in mine], percent=METRICS[metric].percent)
        yield _figure(drawing, f"{report_text.title(metric)}{': ' + task if task else ''}. Lines: 95 % intervals. Crosses: published.")


def _bar(row: Row) -> tuple[float, float | None, float | None, float | None]:
    return row.mean, row.low, row.high, row.published


def _matrices(report: Report) -> Iterator[str]:
    found = [(group, matrix) for group in report.groups if (matrix := report_rows.matrix(group))]
    if found:
        yield f'<h2>What was forgotten</h2><p class="muted">{_MATRIX}</p>'
        yield _grid([_figure(_matrix(matrix), report.name(group.key)) for group, matrix in found])


def _matrix(matrix: Sequence[Sequence[float | None]]) -> str:
    names = [str(number + 1) for number in range(len(matrix))]
    return report_figures.heat(names, names, matrix, [["" if value is None else f"{value * 100:.0f}" for value in line] for line in matrix])


def _confusions(report: Report) -> Iterator[str]:
    drawn = [(group, figure) for group in report.groups if (figure := _confusion(report, group))]
    if drawn:
        yield f'<h2>Confusion</h2><p class="muted">{_CONFUSION}</p>'
        yield _grid([_figure(figure, report.name(group.key)) for group, figure in drawn])


def _confusion(report: Report, group: Group) -> str:
    found = report_rows.confusion(group, report.about.classes)
    if found is None or len(found[0]) > _MOST_CLASSES:
        return ""
    names, cells = found
    texts = [[str(count) if count else "" for count in line] for line in cells.tolist()]
    return report_figures.heat(names, names, report_rows.square(cells).tolist(), texts)


def _end(report: Report) -> Iterator[str]:
    if report.options():
        modes = [report.mode(mode).capitalize() or "Value" for mode in report.modes]
        lines = [[one.title, *values, one.line] for one, values in report.options()]
        yield "<h2>Options</h2>" + _table(("Option", *modes, "What it does"), lines)
    if report.notes:
        notes = [f"{escape(name)}: {escape(' '.join(notes))}" for name, notes in report.notes]
        yield "<h2>Notes</h2>" + _folded(f"Of {len(notes)} results", _list(notes))
    measures = "".join(f"<dt>{escape(metric.title)}</dt><dd>{escape(metric.formula)}</dd>" for metric in report.metrics)
    yield f"<h2>Measures</h2><dl>{measures}</dl>"


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return ""
    kinds = [_NUMBER if _is_number([line[place] for line in lines]) else "" for place in range(len(columns))]
    head = "".join(f"<th{kind}>{escape(column)}</th>" for column, kind in zip(columns, kinds, strict=True))
    top = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    rows = [zip(line, kinds, strict=True) for line in lines]
    body = "".join(f"<tr>{''.join(f'<td{kind}>{escape(field)}</td>' for field, kind in row)}</tr>" for row in rows)
    return f'<div class="wide"><table>{top}<tbody>{body}</tbody></table></div>'


def _is_number(fields: Sequence[str]) -> bool:
    """Whether a column holds numbers."""
    there = [field for field in fields if field not in ("", report_text.NOTHING)]
    return bool(there) and all(set(field) <= _NUMERIC and any(map(str.isdigit, field)) for field in there)


def _grid(figures: Sequence[str]) -> str:
    """Figures side by side, as many as there is room for."""
    return f'<div class="grid">{"".join(figures)}</div>'


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>" if lines else ""


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _folded(title: str, inside: str) -> str:
    return f"<details open><summary>{escape(title)}</summary>{inside}</details>"
