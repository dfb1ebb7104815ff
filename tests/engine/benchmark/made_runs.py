"""A made-up protocol with results, and a worker that answers as the benchmark's would, whose run goes on when it is let."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.app.bench_plain import DatasetView, ProtocolView
from musicclass_gui.engine.benchmark import bench_news
from musicclass_gui.engine.benchmark.bench_news import Began, Ended, Failed, Finished, Staged
from musicclass_gui.engine.benchmark.data import Count
from musicclass_gui.engine.benchmark.measures import accuracy, continual_scores
from musicclass_gui.engine.benchmark.protocol import About, Cell, Config, Method, Option, Prediction, Published, Result, Verdict
from musicclass_gui.engine.benchmark.runs import RunRow
from musicclass_gui.engine.plain import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.task import Token

CLASSES = ("blues", "disco")
ITEMS = tuple((f"{label}/{number}.wav", label) for label in CLASSES for number in range(10))
METHODS = (
    Method("joint", "Joint (oracle)", "All classes at once."),
    Method("replay", "Replay", "Keeps exemplars."),
    Method("ranpac", "RanPAC", "Random projections.", paper=False),
)
WRONG = {"joint": 1, "replay": 8, "ranpac": 2}
"""How many of the 20 items a method gets wrong."""
PROTOCOL = ProtocolView(
    "continual", "Continual learning", "A paper, 2024", "Classes come in sessions.",
    (DatasetView("gtzan", "GTZAN", "classes", "Get it there.", "One folder for each genre."),
     DatasetView("folders", "Folders", "classes", "Yours.", "One folder for each class.")),
    ("timbre",), METHODS,
    (Option("ewc_lost", "EWC: the penalty is thrown away", "It is computed and not added.", "bool", False,
            modes={"published": True, "corrected": False}),
     Option("epochs", "Epochs", "How often all is seen.", "int", 50)),
    ("published", "corrected"), ("1", "2"),
)  # fmt: skip
OTHER = ProtocolView("transfer", "Transfer", "A paper, 2017", "One feature for all.", (DatasetView("ballroom", "Ballroom"),),
                     methods=METHODS[:1], modes=("published", "corrected"), tasks=("genre", "mood"), features=("12345", "1"))  # fmt: skip
ABOUT = About(
    "GTZAN, 20 items", (Count("recordings", 20, 930), Count("classes", 2)), ("blues/3.wav cannot be decoded.",),
    (Verdict("same file", "leak", "2 files are on both sides."), Verdict("duplicates", "clear", "None.")), CLASSES, "abc123", 12, 95.0, 4e6,
    {"train": tuple(key for key, _ in ITEMS), "test": ("blues/0.wav",)},
)  # fmt: skip


def config(**changes: Any) -> Config:
    """What is asked for."""
    asked = Config("continual", "/data", "gtzan", "timbre", ("joint", "replay", "ranpac"), ("published", "corrected"), ("1", "2"))
    return replace(asked, **changes)


def cells(asked: Config) -> list[Cell]:
    """The cells of a run."""
    return [Cell(method, mode, order, seed) for method in asked.methods for mode in asked.modes
            for order in asked.orders for seed in asked.seeds]  # fmt: skip


def result(cell: Cell) -> Result:
    """A result that a method's number of wrong items gives, in two sessions; order 2 gets one more wrong."""
    wrong = WRONG[cell.method] + (cell.order == "2")
    said = [(item, truth, truth if number >= wrong else CLASSES[1 - CLASSES.index(truth)]) for number, (item, truth) in enumerate(ITEMS)]
    last = tuple(Prediction(item, truth, one, 2) for item, truth, one in said)
    first = tuple(Prediction(item, truth, truth, 1) for item, truth, _ in said[:10])
    matrix = ((1.0, None), ((10 - min(wrong, 10)) / 10, 1.0))
    scores = (
        accuracy([one.truth for one in first], [one.said for one in first], session=1),
        accuracy([one.truth for one in last], [one.said for one in last], session=2),
        *continual_scores(matrix, (10, 10)),
    )
    return Result(scores, matrix, (*first, *last), (f"{cell.method} notes this.",), 2.0)


def published(cell: Cell) -> list[Published]:
    """What was printed for the published mode of the paper's methods."""
    if cell.mode != "published" or cell.method == "ranpac":
        return []
    return [Published("accuracy", 0.9, "The paper, table 1", 2), Published("accuracy", 0.95, "The paper, table 1", 1)]


class Worker:
    """Keeps runs in memory. A run computes `allowed` cells at once, and the others when it is let go."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.runs: dict[int, tuple[Config, dict[str, Result]]] = {}
        self.allowed = 100
        self.fails = ""  # the method whose cells fail
        self.problem: Exception | None = None
        self.let_go = threading.Event()
        self.about = ABOUT

    def keep(self, asked: Config, done: int = 100) -> int:
        """A run that was done before, up to some cells."""
        number = len(self.runs) + 1
        self.runs[number] = asked, {cell.name: result(cell) for cell in cells(asked)[:done]}
        return number

    def __call__(self, fields: dict[str, Any], token: Token, emit: Callable[[dict[str, Any]], None]) -> Any:
        self.asked.append(fields)
        if self.problem is not None:
            raise self.problem
        return getattr(self, f"_{fields['do']}")(fields, token, emit)

    def _list(self, *_: Any) -> Any:
        return to_plain((PROTOCOL, OTHER))

    def _about(self, fields: dict[str, Any], token: Token, _emit: Any) -> Any:
        token.progress(float("nan"), "Reading headers")
        return to_plain(self.about)

    def _runs(self, *_: Any) -> Any:
        rows = [RunRow(number, asked, "2026-01-02T03:04:05+00:00", "finished", "CPU", "abc123", len(done), len(cells(asked)))
                for number, (asked, done) in self.runs.items()]  # fmt: skip
        return to_plain(rows)

    def _results(self, fields: dict[str, Any], *_: Any) -> Any:
        asked, done = self.runs[fields["run"]]
        names = cells(asked)
        return {"config": to_plain(asked), "about": to_plain(ABOUT), "cells": to_plain(names), "results": to_plain(done),
                "published": {cell.name: to_plain(published(cell)) for cell in names if cell.name in done}}  # fmt: skip

    def _remove(self, fields: dict[str, Any], *_: Any) -> Any:
        del self.runs[fields["run"]]

    def _report(self, fields: dict[str, Any], *_: Any) -> Any:
        Path(fields["path"]).write_text(f"{fields['format']} of run {fields['run']}")
        return fields["path"]

    def _run(self, fields: dict[str, Any], token: Token, emit: Callable[[dict[str, Any]], None]) -> int:
        number = fields.get("run") or self.keep(from_plain(Config, fields["config"]), 0)
        asked, kept = self.runs[number]
        wanted = cells(asked)
        emit({**bench_news.to_json(Began(number, tuple(wanted), self.about)), "config": to_plain(asked)})
        emit(bench_news.to_json(Staged("Computing")))
        for place, cell in enumerate(wanted):
            while place >= self.allowed and not self.let_go.wait(0.01):
                token.check()
            if cell.method == self.fails:
                emit(bench_news.to_json(Failed(number, cell, "It has no room for that.")))
                continue
            kept[cell.name] = made = result(cell)
            told = bench_news.to_json(Finished(number, cell, made, len(kept), len(wanted)))
            emit({**told, "published": to_plain(published(cell))})
        emit(bench_news.to_json(Ended(number)))
        return number
