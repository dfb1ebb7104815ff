"""Computing one cell: what a method says of the test recordings, and what that is worth.

It knows the material and the methods, no data set and no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark import measures
from musicclass_gui.engine.benchmark.classical import classifiers, features, material, options, summaries
from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID
from musicclass_gui.engine.benchmark.protocol import Prediction, Result, Score
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.classical.material import Material
    from musicclass_gui.engine.benchmark.continual.sessions import Settings
    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.protocol import Cell
    from musicclass_gui.engine.task import Token

    Frames = NDArray[np.float32]
    Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """A cell with all that it is computed from; `parts` are training, validation and test."""

    cell: Cell
    chosen: Settings
    given: Material
    parts: dict[str, list[Item]]
    token: Token
    device: str

    @property
    def tags(self) -> bool:
        """Whether a recording may have any number of them."""
        return self.given.found.kind == "tags"

    def truth(self, part: str) -> Rows:
        """`(n, outputs)` 0/1 of a part."""
        return self.given.truth(self.parts[part])


Said = tuple["Rows", tuple[str, ...]]
"""`(n, outputs)` of the test recordings, and sentences on how they came about."""


def run(cell: Cell, chosen: Settings, given: Material, token: Token, device: str) -> Result:
    """Train and test. Raises BenchmarkError, AudioError, Cancelled."""
    parting = given.partings[cell.mode]
    parts = {part: given.items(parting.split, part) for part in (TRAIN, VALID, TEST)}
    task = Task(cell, chosen, given, parts, token, device)
    scores, notes = _said(task)
    about = (f"Split: {parting.split.how}.", *notes, *parting.problems, *given.problems)
    return Result(tuple(_scores(task, scores)), predictions=_predictions(task, scores), notes=(*about, *_left_out(task)))


def _said(task: Task) -> Said:
    method = task.cell.method
    if method in options.NETS:
        return _by_net(task)
    if method == options.TRIPLET:
        return _by_triplets(task)
    if method == options.MIXTURES:
        return _by_mixtures(task)
    return _by_rows(task)


def _by_rows(task: Task) -> Said:
    """A summary and a classifier."""
    summary, _, classifier = task.cell.method.partition("-")
    chosen, seed = task.chosen, task.cell.seed
    made = summaries.made(
        summary,
        size=chosen.whole("codebook"),
        components=chosen.whole("components"),
        coefficients=chosen.whole("coefficients"),
        root=chosen.flag("root"),
        seed=seed,
    )
    training = _frames(task, TRAIN)
    made.fit(summaries.thinned(training, chosen.whole("frames")))
    rows = {TRAIN: _rows(made, training), VALID: _rows(made, _frames(task, VALID)), TEST: _rows(made, _frames(task, TEST))}
    problem = classifiers.Problem(rows[TRAIN], task.truth(TRAIN), rows[VALID], task.truth(VALID), task.tags)
    way = classifiers.Way(classifier, chosen.whole("whitened"), chosen.number("alpha"), seed)
    fitted, setting = classifiers.fit(problem, way, task.token.check)
    return fitted.scores(rows[TEST]), (f"{rows[TRAIN].shape[1]} numbers for each recording; {setting}.",)


def _frames(task: Task, part: str) -> list[Frames]:
    return material.frames(task.parts[part], features.columns(task.cell.features, task.chosen.whole("mfcc")), task.token)


def _rows(made: summaries.Summary, frames: Iterable[Frames]) -> Rows:
    return np.array([made.row(one) for one in frames])


def _by_mixtures(task: Task) -> Said:
    """A mixture for each output; of training frames the summaries' share."""
    training = _frames(task, TRAIN)
    each = max(1, task.chosen.whole("frames") // len(training))
    thin = [summaries.thinned([one], each) for one in training]
    truth = np.repeat(task.truth(TRAIN).astype(bool), [len(one) for one in thin], axis=0)
    there = truth.any(axis=0) | task.tags
    made = summaries.Likelihoods(task.chosen.whole("components"), seed=task.cell.seed)
    made.fit(np.concatenate(thin), truth[:, there], tags=task.tags, check=task.token.check)
    scores = np.full((len(task.parts[TEST]), truth.shape[1]), -1e9)
    scores[:, there] = [made.scores(one) for one in _frames(task, TEST)]
    return scores, (f"Mixtures of {task.chosen.whole('components')} Gaussians from {len(truth):,} training frames.",)


def _by_net(task: Task) -> Said:
    from musicclass_gui.engine import device
    from musicclass_gui.engine.benchmark.classical import augment, nets, training

    chosen, seed = task.chosen, task.cell.seed
    place = device.resolve(task.device).name
    net = nets.made(task.cell.method, len(task.given.found.classes), seed).to(place)
    sounds = {part: material.Sounds(task.parts[part], task.token) for part in task.parts}
    kind = options.task_of(task.given.found.dataset, chosen) if chosen.flag("augment") else ""
    way = training.Way(
        chosen.whole("epochs"),
        chosen.whole("patience"),
        chosen.number("learning_rate"),
        chosen.whole("batch_size"),
        task.tags,
        seed,
        kind,
        place,
    )
    check = task.token.check
    said = training.fit(net, (sounds[TRAIN], task.truth(TRAIN)), (sounds[VALID], task.truth(VALID)), way, check)
    changes = f"Augmentation: {', '.join(augment.allowed(kind))}." if kind else "No augmentation."
    scores = training.scores(net, sounds[TEST], place, check)
    damaged = {key: why for one in sounds.values() for key, why in one.damaged.items() if key not in task.given.damaged}
    return scores, (said, changes, *(f"{key}: {why}" for key, why in sorted(damaged.items())))


def _by_triplets(task: Task) -> Said:
    from musicclass_gui.engine.benchmark.classical import metric

    chosen = task.chosen
    way = metric.Way(
        chosen.number("margin"),
        chosen.whole("epochs"),
        chosen.whole("patience"),
        chosen.number("learning_rate"),
        chosen.whole("batch_size"),
        task.cell.seed,
    )
    rows = {part: np.array([task.given.embeddings[item.key] for item in items]) for part, items in task.parts.items()}
    space, said = metric.fit((rows[TRAIN], task.truth(TRAIN)), (rows[VALID], task.truth(VALID)), task.given.vectors, way, task.token.check)
    words = "Vectors of words are learned from nothing." if task.given.vectors is None else "Vectors of words are the encoder's own."
    return space.scores(rows[TEST]), (said, words, *_most_precise(task.truth(TEST)))


def _most_precise(truth: Rows) -> tuple[str, ...]:
    """A sentence where words are true of so few recordings that not even the best ranking has ten right ones first."""
    counts = truth.sum(axis=0)
    most = np.minimum(counts[counts > 0], 10).mean() / min(10, len(truth)) if counts.any() else 1.0
    return (f"Precision at 10 can be {100 * most:.1f} % at most, as words are true of few test recordings.",) if most < 1 else ()


def _scores(task: Task, scores: Rows) -> list[Score]:
    """What the answers are worth: classes by accuracy, tags by areas; of metric learning how well words find sounds too."""
    truth = task.truth(TEST)
    found: list[Score] = []
    if task.tags:
        found += measures.ranking(truth, scores)
    else:
        right, said = _names(task, truth), _names(task, scores)
        found += [measures.accuracy(right, said), measures.macro_f1(right, said)]
    if task.cell.method == options.TRIPLET:
        found += measures.retrieval(truth.T, scores.T)
    return found


def _names(task: Task, rows: Rows) -> list[str]:
    return [task.given.found.classes[place] for place in rows.argmax(axis=1)]


def _left_out(task: Task) -> tuple[str, ...]:
    return measures.left_out(task.truth(TEST), task.given.found.classes) if task.tags else ()


def _predictions(task: Task, scores: Rows) -> tuple[Prediction, ...]:
    """What was said of each recording: its class, or of tags the likeliest of them, as many as are true."""
    if not np.isfinite(scores).all():
        raise BenchmarkError("The method gave scores that are not finite; choose other settings, such as a lower learning rate.")
    said = _likeliest(task, scores) if task.tags else _names(task, scores)
    return tuple(_prediction(item, *pair) for item, *pair in zip(task.parts[TEST], said, scores.tolist(), strict=True))


def _prediction(item: Item, said: str, scores: Sequence[float]) -> Prediction:
    return Prediction(item.key, "|".join(item.labels), said, scores=tuple(scores))


def _likeliest(task: Task, scores: Rows) -> list[str]:
    names, counts = task.given.found.classes, task.truth(TEST).sum(axis=1).astype(int)
    order = np.argsort(-scores, axis=1, kind="stable")
    return ["|".join(names[place] for place in sorted(row[:count])) for row, count in zip(order, counts, strict=True)]
