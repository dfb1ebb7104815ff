"""The protocol of Choi et al. 2017: features of a tagging convnet put to six other tasks, as published and corrected.

It says what can be asked for and what came of it; features are from `transfer.sources`, numbers from `transfer.selection`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import Count
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, About, Cell, Method, Option, Prediction, Result, Score, Verdict
from musicclass_gui.engine.benchmark.transfer import published as tables
from musicclass_gui.engine.benchmark.transfer import tasks
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.benchmark.protocol import Config, Published, Tell
    from musicclass_gui.engine.benchmark.transfer import folds, grid, selection
    from musicclass_gui.engine.benchmark.transfer.feature_files import Rows
    from musicclass_gui.engine.benchmark.transfer.sources import Glance, Material, Source
    from musicclass_gui.engine.benchmark.transfer.tasks import Task
    from musicclass_gui.engine.task import Token

ID = "transfer"
TITLE = "Transfer learning for music classification and regression"
PAPER = "Choi, Fazekas, Sandler and Cho, ISMIR 2017"
LINE = (
    "Layers of a tagging convnet, and MFCC, put to six tasks with a support vector machine; from audio, or from the published features, "
    "where “exact” stands for those whose published values come out."
)
DATASETS = ("gtzan", "ballroom", "speechmusic", "emomusic", "jamendo_voice", "urbansound8k")
ENCODERS = ("choi2017", "choi2017-keras2")
METHODS = (
    Method("svm", "Support vector machine", "32 settings of kernel, C and width, as in the paper; regression where values are predicted."),
    Method("knn", "Nearest neighbours", "1 to 25 neighbours; the paper's code names it and never runs it.", paper=False),
)
OLD, TODAY = "old", "today"
OPTIONS = (
    Option(
        "scaled",
        "Scale the features",
        "Each dimension to mean 0 and deviation 1 of the training part. The paper's code meant to, but its grid search sets a switch "
        "that the scaler no longer reads, so that every published result is an unscaled one.",
        "bool",
        True,
        modes={PUBLISHED: False, CORRECTED: True},
    ),
    Option(
        "nested",
        "Choose inside the training part",
        "Settings are chosen without the test part. The paper reports the best average of the very folds on which it chose.",
        "bool",
        True,
        modes={PUBLISHED: False, CORRECTED: True},
    ),
    Option(
        "folds",
        "How stratified folds are dealt",
        "As scikit-learn did before version 0.22, or as it does today; the two give other numbers on the same data.",
        "choice",
        TODAY,
        (OLD, TODAY),
        {PUBLISHED: OLD, CORRECTED: TODAY},
    ),
    Option(
        "weighted",
        "Weight folds by their size",
        "As scikit-learn's grid search did before version 0.24; else each fold counts the same.",
        "bool",
        False,
        modes={PUBLISHED: True, CORRECTED: False},
    ),
    Option(
        "inner_folds", "Inner folds", "Into how many folds the training part is dealt where settings are chosen inside of it.", "int", 3
    ),
    Option(
        "iterations",
        "Iterations at most",
        "Where libsvm is stopped; unscaled features with a large C may never converge. Results say how many fits were stopped. A fifth "
        "of these iterations misses what was published for ballroom by one clip.",
        "int",
        1_000_000,
    ),
    Option(
        "mfcc_iterations",
        "Iterations at most, linear kernel on MFCC",
        "The same for the linear kernel with C=0.1 on unscaled MFCC, which settles after up to 7 millions; stopped earlier, it misses what "
        "was published.",
        "int",
        8_000_000,
    ),
    Option(
        "steep_iterations",
        "Iterations at most, larger C on MFCC",
        "The same for linear kernels with a larger C on unscaled MFCC, which settle in no bearable time and are far from the best.",
        "int",
        200_000,
    ),
)
MODES = (PUBLISHED, CORRECTED)
ORDERS: tuple[str, ...] = ()
TASKS = tuple(one.id for one in tasks.TASKS)
FEATURES = (*tasks.KEYS, tables.EXACT)
"""“exact” stands for the features of each task whose published values the published files give."""
_FOLDS = 10
_FIT_S = 1.2e-8
"""Seconds of one fit by the square of its rows, about, as measured on one core of a small machine."""
_PREDICTION_BYTES = 200.0
_UNSCALED_MFCC = 8.0
"""How much longer fits of unscaled MFCC take."""
_SLOWEST = 30.0
_UNSCALED_VALUES = 4.0
"""How much longer fits to unscaled values take, of which those with linear kernels rarely end."""


@dataclass(frozen=True)
class Settings:
    """The protocol's options, as they are in a mode or as the user set them."""

    scaled: bool
    nested: bool
    folds: str
    weighted: bool
    inner_folds: int
    iterations: int
    mfcc_iterations: int
    steep_iterations: int

    def limits(self, cell: Cell) -> grid.Limits:
        """How many iterations a cell's fits may take."""
        from musicclass_gui.engine.benchmark.transfer import grid

        is_slow = not self.scaled and tasks.MFCC in tasks.parts(cell.features)
        own = {"gentle": self.mfcc_iterations, "steep": self.steep_iterations} if is_slow else {}
        return grid.Limits(self.iterations, **own)


def settings(config: Config, mode: str) -> Settings:
    """The options of a mode. Raises BenchmarkError for values that cannot be meant."""
    found = Settings(**{one.id: config.options.get(one.id, one.modes.get(mode, one.default)) for one in OPTIONS})
    iterations = (found.iterations, found.mfcc_iterations, found.steep_iterations)
    if found.folds not in (OLD, TODAY) or found.inner_folds < 2 or min(iterations) < 1:
        raise BenchmarkError("Folds are dealt “old” or “today”, with at least 2 inner folds and 1 iteration; check the options.")
    return found


def cells(config: Config) -> list[Cell]:
    """Every task, its features from the first key on, each by all methods in all modes. Raises BenchmarkError."""
    from musicclass_gui.engine.benchmark.transfer import sources

    methods = _known(config.methods, tuple(one.id for one in METHODS), "method")
    modes = _known(config.modes, MODES, "mode")
    for mode in modes:
        settings(config, mode)
    return [
        Cell(method, mode, task=source.task.id, features=key)
        for source in sources.find(config)
        for key in _keys(config, source)
        for method in methods
        for mode in modes
    ]


def _known(asked: tuple[str, ...], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    wrong = [name for name in asked if name not in known]
    if wrong:
        raise BenchmarkError(f"There is no {what} “{wrong[0]}” in this protocol; known are {', '.join(known)}.")
    return asked or known


def _keys(config: Config, source: Source) -> tuple[str, ...]:
    """The features asked for, which the source has to be able to give; else all that it has."""
    from musicclass_gui.engine.benchmark.transfer import sources

    asked = tables.meant(source.task, config.features)
    for key in asked:
        sources.require(source, key, config.encoder)
    return asked or sources.default_keys(source, config.encoder)


def about(config: Config, token: Token, tell: Tell) -> About:
    """Look at the data and ask the leak detector; of published features, which need no embedding, also for traces of their computation."""
    from musicclass_gui.engine.benchmark.transfer import sources

    asked = cells(config)
    found = sources.find(config)
    seen = [sources.look(source, token) for source in found]
    rows = [glance.rows for glance in seen]
    count = {source.task.id: len(those) for source, those in zip(found, rows, strict=True)}
    verdicts = [verdict for source, glance in zip(found, seen, strict=True) for verdict in _verdicts(source, glance, token, tell)]
    problems = [text for source, glance in zip(found, seen, strict=True) for text in (*glance.problems, *_lacking(source))]
    return About(
        title=TITLE,
        counts=tuple(Count(source.task.title, count[source.task.id], source.task.items) for source in found),
        problems=tuple(dict.fromkeys(problems)),
        verdicts=tuple(verdicts),
        classes=rows[0].classes if len(rows) == 1 else (),
        fingerprint=sources.fingerprint(found, rows),
        cells=len(asked),
        seconds=sum(_seconds(config, cell, count[cell.task]) for cell in asked),
        disk_bytes=sum(_PREDICTION_BYTES * count[cell.task] for cell in asked),
        split=_split(found, rows),
    )


def _verdicts(source: Source, glance: Glance, token: Token, tell: Tell) -> list[Verdict]:
    from musicclass_gui.engine.benchmark.transfer import judging

    dealt = _folds(source.task, glance.rows, OLD)
    if source.published:
        return judging.of_files(source, glance.rows, dealt, token, tell)
    return judging.of_items(source, glance.rows, dealt, glance.items)


def _lacking(source: Source) -> list[str]:
    from musicclass_gui.engine.benchmark.transfer import feature_files

    if not source.published or feature_files.has(source.folder, tasks.MFCC):
        return []
    return [f"{source.task.title}: its MFCC were not published, so they are left out."]


def _seconds(config: Config, cell: Cell, count: int) -> float:
    """About what a cell takes."""
    chosen = settings(config, cell.mode)
    if cell.method == "knn":
        return 1e-7 * count**2 * (chosen.inner_folds if chosen.nested else 1)
    outer = 1 if tasks.task(cell.task).folds == tasks.OFFICIAL else _FOLDS
    one = _FIT_S * count**2 * (1.0 if chosen.scaled else _unscaled(cell))
    inner = chosen.inner_folds * (1 - 1 / chosen.inner_folds) ** 2
    return 32.0 * outer * one * (inner if chosen.nested else 1.0)


def _unscaled(cell: Cell) -> float:
    is_value = tasks.task(cell.task).kind == tasks.REGRESSION
    if is_value and tasks.MFCC in tasks.parts(cell.features):
        return _SLOWEST
    return max(_UNSCALED_MFCC if tasks.MFCC in cell.features else 1.0, _UNSCALED_VALUES if is_value else 1.0)


def _split(found: Sequence[Source], rows: Sequence[Rows]) -> dict[str, tuple[str, ...]]:
    """What is asked in each fold of each task, as published."""
    return {
        f"{source.task.id}, test part of fold {number}": tuple(those.keys[place] for place in test)
        for source, those in zip(found, rows, strict=True)
        for number, (_, test) in enumerate(_folds(source.task, those, OLD), 1)
    }


def prepare(config: Config, token: Token, tell: Tell) -> dict[str, Material]:
    """The material of each task by its id, heard where it is audio."""
    from musicclass_gui.engine.benchmark.transfer import sources

    return {source.task.id: sources.material(source, _keys(config, source), config, token, tell) for source in sources.find(config)}


def run(config: Config, cell: Cell, prepared: dict[str, Material], token: Token, tell: Tell) -> Result:
    """Search the grid for one task and its features. Raises BenchmarkError, DataError, Cancelled."""
    from musicclass_gui.engine.benchmark.transfer import grid, selection

    began = time.perf_counter()
    material, chosen = prepared[cell.task], settings(config, cell.mode)
    task, rows = material.source.task, material.rows
    problem = selection.Problem(
        material.features(cell.features), rows.truth, _folds(task, rows, chosen.folds), task.kind == tasks.REGRESSION
    )
    way = selection.Way(grid.METHODS[cell.method], chosen.scaled, chosen.weighted, chosen.limits(cell))
    tell(f"{task.title}, {cell.features}: {len(way.points)} settings on {len(problem.folds)} folds.")
    if chosen.nested:
        outcome = selection.nested(problem, way, _inner(task, rows, chosen), token.check)
    else:
        outcome = selection.published(problem, way, token.check)
    scores = _scores(task, rows, outcome, [test for _, test in problem.folds], chosen.weighted)
    return Result(
        scores, predictions=_predictions(rows, outcome), notes=_notes(material, cell, chosen, outcome), seconds=time.perf_counter() - began
    )


def _folds(task: Task, rows: Rows, how: str) -> list[folds.Fold]:
    from musicclass_gui.engine.benchmark.transfer import folds

    if task.folds == tasks.OFFICIAL:
        return folds.official(rows.splits, ("train", "valid"), "test")
    if task.folds == tasks.NUMBERED:
        return folds.of(folds.numbered(rows.groups))
    if task.folds == tasks.PLAIN:
        return folds.of(folds.blocks(len(rows), _FOLDS))
    deal = folds.stratified_old if how == OLD else folds.stratified
    return folds.of(deal(rows.truth.tolist(), _FOLDS))


def _inner(task: Task, rows: Rows, chosen: Settings) -> Callable[[folds.Numbers], list[folds.Fold]]:
    """Deals the training part: the data set's own validation part, its own folds kept whole, or as the outer folds are dealt."""
    from musicclass_gui.engine.benchmark.transfer import folds

    def deal(train: folds.Numbers) -> list[folds.Fold]:
        if task.folds == tasks.OFFICIAL:
            found = folds.official([rows.splits[place] for place in train], ("train",), "valid")
        elif task.folds == tasks.NUMBERED:
            found = folds.of(folds.grouped([rows.groups[place] for place in train], chosen.inner_folds))
        elif task.folds == tasks.PLAIN:
            found = folds.of(folds.blocks(train.size, chosen.inner_folds))
        else:
            deal_them = folds.stratified_old if chosen.folds == OLD else folds.stratified
            found = folds.of(deal_them(rows.truth[train].tolist(), chosen.inner_folds))
        return [(train[learned], train[asked]) for learned, asked in found]

    return deal


def _scores(task: Task, rows: Rows, outcome: selection.Outcome, tests: Sequence[folds.Numbers], weighted: bool) -> tuple[Score, ...]:
    """The average over folds; the interval of an accuracy is Wilson's of all answers together, that of R² is drawn."""
    import numpy as np

    from musicclass_gui.engine.benchmark import measures

    truth = rows.truth[outcome.asked]
    if task.kind == tasks.REGRESSION:
        sizes = [test.size for test in tests]
        places = np.split(np.arange(len(truth)), np.cumsum(sizes)[:-1])
        parts = [(truth[those], outcome.said[those]) for those in places]
        return (measures.mean_r2(parts, sizes if weighted else [1.0] * len(sizes)),)
    right, said = [rows.classes[int(one)] for one in truth], [rows.classes[int(one)] for one in outcome.said]
    return replace(measures.accuracy(right, said), value=outcome.value), measures.macro_f1(right, said)


def _predictions(rows: Rows, outcome: selection.Outcome) -> tuple[Prediction, ...]:
    truth = rows.truth[outcome.asked]
    return tuple(_prediction(rows, *three) for three in zip(outcome.asked.tolist(), truth.tolist(), outcome.said.tolist(), strict=True))


def _prediction(rows: Rows, place: int, truth: float, said: float) -> Prediction:
    if rows.classes:
        return Prediction(rows.keys[place], rows.classes[int(truth)], rows.classes[int(said)])
    return Prediction(rows.keys[place], f"{truth:.6g}", f"{said:.6g}", scores=(said,))


def _notes(material: Material, cell: Cell, chosen: Settings, outcome: selection.Outcome) -> tuple[str, ...]:
    from musicclass_gui.engine.benchmark.transfer import grid

    points = ", ".join(f"{point.name} ({count} folds)" if chosen.nested else point.name for point, count in outcome.chosen)
    how = "chosen inside the training part" if chosen.nested else "chosen on the folds that are reported"
    notes = [
        f"Settings: {points}; {how}.",
        f"Features are {'scaled by the training part' if chosen.scaled else 'not scaled'}.",
        f"By fold: {', '.join(f'{value:.4f}' for value in outcome.by_fold)}.",
    ]
    if outcome.stopped:
        limits = chosen.limits(cell)
        own = f" ({limits.gentle:,} of {grid.GENTLE.name}, {limits.steep:,} with a larger C)" if limits.gentle else ""
        notes.append(f"{outcome.stopped} fits were stopped after {limits.iterations:,} iterations{own}.")
    if material.source.published:
        notes.append(
            "The published layers carry a trace of the batch in which they were computed, whatever the mode; run from audio without it."
        )
    return (*notes, *material.problems)


def published(config: Config, cell: Cell) -> list[Published]:
    """What the paper's code gave for the task and features, beside both modes; it has no results of nearest neighbours."""
    return tables.values(tasks.task(cell.task), cell.features) if cell.method == "svm" else []
