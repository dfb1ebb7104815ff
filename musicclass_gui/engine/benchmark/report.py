"""The report of a run: everything that was asked for, found and measured, as Markdown, HTML, CSV or LaTeX.

This module gathers what a report says; `report_rows` has the numbers, `report_text` and `report_html` write them down. It computes no cell.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark import measures, protocols, report_rows
from musicclass_gui.engine.benchmark.command import command_line
from musicclass_gui.engine.errors import BenchmarkError, MusicClassError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.benchmark.measures import Metric
    from musicclass_gui.engine.benchmark.protocol import About, BenchmarkProtocol, Cell, Config, Option, Published, Result
    from musicclass_gui.engine.benchmark.report_rows import Curve, Group, Row
    from musicclass_gui.engine.benchmark.runs import RunRow, Store

FORMATS = ("md", "html", "csv", "tex")
MODES = {"published": "as published", "coded": "as coded"}
"""Modes as people read them, where that is not how they are called."""


@dataclass(frozen=True)
class Report:
    """What a report is written from. Groups, rows and tests are worked out when they are first asked for."""

    run: RunRow
    about: About
    protocol: BenchmarkProtocol
    results: Sequence[tuple[Cell, Result]]
    folder: str
    baseline: str = ""

    @property
    def title(self) -> str:
        """What was run, as a heading."""
        return self.about.title or self.protocol.TITLE

    @property
    def command(self) -> str:
        """The command that repeats the run."""
        return command_line(self.run.config, self.folder)

    @cached_property
    def groups(self) -> list[Group]:
        """Results by method, mode, task and features."""
        return report_rows.groups(self.results)

    @cached_property
    def rows(self) -> list[list[Row]]:
        """Every measure of every group."""
        return [report_rows.rows(group, self._published) for group in self.groups]

    @cached_property
    def heads(self) -> list[Row]:
        """The main measure of each group, tested against the baseline."""
        found = [(group, report_rows.headline(group, rows)) for group, rows in zip(self.groups, self.rows, strict=True)]
        return report_rows.compared([(group, row) for group, row in found if row is not None], self.baseline, self.about.classes)

    @property
    def others(self) -> list[Row]:
        """Measures of the whole beside the main one."""
        heads = {(row.key, row.metric) for row in self.heads}
        return [row for rows in self.rows for row in rows if not row.session and (row.part or (row.key, row.metric) not in heads)]

    @property
    def metrics(self) -> list[Metric]:
        """The measures that occur, in their usual order."""
        there = {row.metric for rows in self.rows for row in rows}
        return [metric for name, metric in measures.METRICS.items() if name in there]

    @property
    def notes(self) -> list[tuple[str, tuple[str, ...]]]:
        """What was noted of each group, each sentence once."""
        found = [
            (self.name(group.key), tuple(dict.fromkeys(note for _, result in group.pairs for note in result.notes)))
            for group in self.groups
        ]
        return [(name, notes) for name, notes in found if notes]

    @property
    def seconds(self) -> float:
        """How long computing all cells took together."""
        return sum(result.seconds for _, result in self.results)

    def method(self, method: str) -> str:
        """A method's title."""
        return next((one.title for one in self.protocol.METHODS if one.id == method), method)

    def name(self, key: report_rows.Key) -> str:
        """A group in words."""
        method, mode, *rest = key
        return ", ".join(filter(None, (self.method(method), self.mode(mode), *rest)))

    def mode(self, mode: str) -> str:
        """A mode in words."""
        return MODES.get(mode, mode)

    def config(self) -> list[tuple[str, str]]:
        """The config's fields that were set, in words."""
        values = [(field.name.replace("_", " "), getattr(self.run.config, field.name)) for field in fields(self.run.config)]
        return [(name, _words(value)) for name, value in values if value not in ("", (), {}) and name != "options"]

    def options(self) -> list[tuple[Option, tuple[str, ...]]]:
        """The protocol's options with the value that each had in each of `modes`."""
        given = self.run.config.options
        return [
            (one, tuple(_words(given.get(one.id, one.modes.get(mode, one.default))) for mode in self.modes))
            for one in self.protocol.OPTIONS
        ]

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that were run."""
        return tuple(dict.fromkeys(cell.mode for cell, _ in self.results)) or self.run.config.modes

    def curves(self) -> list[tuple[str, str, list[Curve], list[Curve]]]:
        """For each mode and task with sessions, of the main measure and forgetting: a name, the measure, our curves, the published ones."""
        found = []
        places = dict.fromkeys((group.key[1:3], metric) for group in self.groups for metric in (group.headline, "forgetting"))
        for place, metric in places:
            mine = [(group, rows) for group, rows in zip(self.groups, self.rows, strict=True) if group.key[1:3] == place]
            names = [", ".join(filter(None, (self.method(group.key[0]), group.key[3]))) for group, _ in mine]
            drawn = [report_rows.curve(name, rows, metric) for name, (_, rows) in zip(names, mine, strict=True)]
            printed = [report_rows.printed_curve(name, rows, metric) for name, (_, rows) in zip(names, mine, strict=True)]
            ours = [one for one in drawn if one is not None]
            if ours:
                found.append(
                    (", ".join(filter(None, (self.mode(place[0]), place[1]))), metric, ours, [one for one in printed if one is not None])
                )
        return found

    def _published(self, cell: Cell) -> list[Published]:
        return self.protocol.published(self.run.config, cell)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def report(store: Store, run: int, format: str, *, baseline: str = "") -> str:
    """The report of a run as text: "md", "html", "csv" or "tex".

    `baseline` is what the others are tested against: "method", "method/mode", "method/mode/task/features" or the name of a cell, an empty
    part standing for the row's own; without it, the best of each mode and task. Raises BenchmarkError for an unknown run, format or
    baseline, and where the run has no results yet.
    """
    from musicclass_gui.engine.benchmark import report_html, report_text

    writers = {"md": report_text.markdown, "html": report_html.html, "csv": report_text.csv_table, "tex": report_text.latex}
    if format not in writers:
        raise BenchmarkError(f"There is no report as “{format}”; choose one of {', '.join(FORMATS)}.")
    return writers[format](gathered(store, run, baseline))


def gathered(store: Store, run: int, baseline: str = "") -> Report:
    """What the report of a run is written from. Raises BenchmarkError where there is no such run or nothing in it."""
    row = store.run(run)
    results = store.results(run)
    if not results:
        raise BenchmarkError(f"Run {run} has no results yet; let it go on with `musicclass bench run … --resume`.")
    protocol = protocols.protocol(row.config.protocol)
    return Report(row, store.about(run), protocol, _in_order(protocol, row.config, results), str(store.folder), baseline)


def _in_order(protocol: BenchmarkProtocol, config: Config, results: Sequence[tuple[Cell, Result]]) -> Sequence[tuple[Cell, Result]]:
    """Results as the protocol orders them, not as they came: several processes finish them in any order."""
    try:
        places = {cell.name: place for place, cell in enumerate(protocol.cells(config))}
    except MusicClassError:  # the data cannot be looked at any more
        return results
    return sorted(results, key=lambda pair: places.get(pair[0].name, len(places)))
