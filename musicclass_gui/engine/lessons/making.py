"""A project's classifier, ready to answer: its head under the names of today, with the calibration and the sentence of its newest card.

It reads a project that another process may be writing, and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.card import Card, DataCard, HeadCard, Measured, Rejection, Temperature
from musicclass_gui.engine.classifier import Classifier, Training
from musicclass_gui.engine.heads.shown import ShownHead
from musicclass_gui.engine.lessons.boarding import newest_card
from musicclass_gui.engine.lessons.grounds import Ground
from musicclass_gui.engine.lessons.learning import head_of
from musicclass_gui.engine.lessons.report import Fitted
from musicclass_gui.engine.lessons.roles import columns_of
from musicclass_gui.engine.pooling import Other
from musicclass_gui.engine.project.rows import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.lessons.report import LessonCard
    from musicclass_gui.engine.project.rows import BaseRow, ClassifierRow, ExampleRow
    from musicclass_gui.engine.project.store import Project

NOT_TESTED = Measured(0.0, [0.0, 1.0], 0, 0, 0.0, {}, {}, float("nan"))
_UNTESTED_TEMPERATURE = {"gaussian": 4.0, "centers": 1.0, "replay": 1.0}
"""Until there is something to fit it on. The shipped Gaussian classifiers were found to need 3 to 10 for recordings."""
_MOST_NEAREST = 2000  # recordings that are compared with for "sounds most like"
_TRIES = 5
_ONE_CLASS = "Only one class has been taught: teach another one, or background sounds, so that there is something to tell it from."


def classifier_of(project: Project, classifier: int) -> Classifier | None:
    """The classifier as it is kept; None for one by words, or without any class. Raises ProjectError, ClassifierError."""
    for _ in range(_TRIES):
        row = project.classifier(classifier)
        made = None if row.method == WORDS else _made(project, row)
        if project.classifier(classifier).revision == row.revision:
            break  # no lesson was kept meanwhile
    return made


def _made(project: Project, row: ClassifierRow) -> Classifier | None:
    head, rows = head_of(project, row.id), project.classes(row.id)
    columns = columns_of(head, rows) if head else []
    names = {one.label: one.name for one in rows if one.role == "class"}
    classes = [column.name for column in columns if column.label in names]
    if head is None or not classes:
        return None
    examples = project.examples(row.id)
    grounds = [Ground(base) for base in project.bases(row.id)]
    card = newest_card(project.lessons(row.id), row.id)
    fitted, measured = _fitted(card, row, [] if examples else grounds, {one.id: one.name for one in rows})
    others = [Other(column.name, column.of) for column in columns[len(classes) :]]
    made = _card(row, head, classes, (fitted, measured), Counter(names.get(str(example.cls), "") for example in examples))
    tail = getattr(head, "tail", {})
    colours = {one.name: one.colour for one in rows if one.role == "class"}
    if len(columns) == 1:
        made = replace(made, note=_ONE_CLASS)
    training = Training() if tail else _training(project, row, examples, grounds)  # what another encoder heard is no neighbour
    return Classifier(ShownHead(head, columns), made, training, others, "class", colours, tail)


def _card(row: ClassifierRow, head: Scorer, classes: list[str], found: tuple[Fitted, Measured], recordings: Counter[str]) -> Card:
    fitted, measured = found
    return Card(
        id=row.key,
        title=row.title,
        encoder=row.encoder,
        encoder_version=row.encoder_version,
        grid=row.grid,
        head=HeadCard(head.kind, head.settings),
        classes=classes,
        data=DataCard("Recordings that you taught.", {name: recordings[name] for name in classes}, "", "By recording and group."),
        measured=measured,
        rejection=Rejection(fitted.threshold, fitted.window_threshold, fitted.false_rejection or 0.0, 0.5, {}),
        temperature=Temperature(fitted.temperature, fitted.window_temperature),
        compared=[],
        note="",
    )


def _fitted(card: LessonCard | None, row: ClassifierRow, alone: Sequence[Ground], names: dict[int, str]) -> tuple[Fitted, Measured]:
    """Calibration and accuracy from the newest card; what rests on one base and on nothing else (`alone`) has that of the base."""
    if card is not None and card.fitted.tested:
        return card.fitted, _measured(card, names)
    if len(alone) == 1:
        return _of_base(alone[0], row, names)
    return (card.fitted if card else fallback(row, [])), NOT_TESTED


def grounds_of(bases: Iterable[BaseRow]) -> list[Ground]:
    """The bases in use."""
    return [Ground(base) for base in bases if base.active]


def fallback(row: ClassifierRow, grounds: Sequence[Ground]) -> Fitted:
    """The calibration where there is too little to fit one on: that of the one base, else one that promises little and rejects nothing."""
    if len(grounds) == 1:
        return replace(_of_base(grounds[0], row, {})[0], tested=False)
    temperature = _UNTESTED_TEMPERATURE[row.method]
    return Fitted(temperature, temperature)


def _of_base(ground: Ground, row: ClassifierRow, names: dict[int, str]) -> tuple[Fitted, Measured]:
    shipped, lesson = ground.pack.shipped_card(), ground.pack.lesson_card()
    if shipped is not None:
        heat, rejection = shipped.temperature, shipped.rejection
        found = (rejection.threshold, rejection.window_threshold, shipped.measured.calibration_error, rejection.false_rejection)
        return Fitted(heat.recording, heat.window, *found, tested=True), shipped.measured
    return _fitted(lesson, row, [], names)


def _measured(card: LessonCard, names: dict[int, str]) -> Measured:
    error = card.fitted.calibration_error
    judged = [one for one in card.classes if one.cls in names and one.after is not None]
    return Measured(
        accuracy=card.accuracy or 0.0,
        interval_95=list(card.interval),
        n=card.judged,
        groups=card.groups,
        macro_f1=card.macro_f1 or 0.0,
        per_class={names[one.cls]: one.after for one in judged if one.after is not None},
        recordings={names[one.cls]: one.judged for one in judged},
        calibration_error=float("nan") if error is None else error,
    )


def _training(project: Project, row: ClassifierRow, examples: Sequence[ExampleRow], grounds: Sequence[Ground]) -> Training:
    """The recordings learned from, own ones first, with the names that their classes have now."""
    names = {one.id: one.name for one in project.classes(row.id) if one.role == "class"}
    own = sorted((one for one in examples if one.cls in names), key=lambda one: (one.hash, one.id))[:_MOST_NEAREST]
    parts = [_of_project(project, row, own, names), *(_of_ground(ground, names) for ground in grounds)]
    means = [part.means for part in parts if part.names]
    if not means:
        return Training()
    return Training([n for part in parts for n in part.names], [n for part in parts for n in part.labels], np.concatenate(means))


def _of_project(project: Project, row: ClassifierRow, own: Sequence[ExampleRow], names: dict[int, str]) -> Training:
    if not own:
        return Training()
    hashes, means = project.means(row.encoder, row.encoder_version, row.grid, {one.hash for one in own})
    place = {hash: number for number, hash in enumerate(hashes)}
    titles = {one.hash: one.path.name for one in project.recordings()}
    return Training([titles[one.hash] for one in own], [names[one.cls or 0] for one in own], means[[place[one.hash] for one in own]])


def _of_ground(ground: Ground, names: dict[int, str]) -> Training:
    training, mapping = ground.pack.training, ground.base.mapping
    labels = [names.get(mapping.get(label) or 0, "") for label in training.labels]
    kept = [number for number, label in enumerate(labels) if label]
    return Training([training.names[n] for n in kept], [labels[n] for n in kept], training.means[kept])
