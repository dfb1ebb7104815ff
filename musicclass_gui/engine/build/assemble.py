"""From embeddings to a classifier with its measured card: which head, what is measured on what, and what the card says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import heldout
from musicclass_gui.engine.build import evaluate
from musicclass_gui.engine.card import Card, Compared, DataCard, HeadCard, Rejection, Temperature
from musicclass_gui.engine.classifier import Classifier, Training
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.heads.gaussian import GaussianHead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musicclass_gui.engine.build.datasets import Dataset
    from musicclass_gui.engine.build.embedding import Embedded
    from musicclass_gui.engine.build.evaluate import Fold, MakeHead
    from musicclass_gui.engine.calibration import Calibration
    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.heads import Head, Matrix
    from musicclass_gui.engine.heldout import Judged

    Strangers = Mapping[str, Sequence[Embeddings]]


@dataclass(frozen=True)
class _Measures:
    """What was measured on `judged`: the recordings of the card's accuracy."""

    judged: Judged
    probabilities: Matrix
    false_rejection: float
    auroc: float
    calibration: Calibration
    others: list[Compared]


def classifier(
    dataset: Dataset, spec: EncoderSpec, recordings: list[Embedded], yardsticks: Sequence[Compared] = (), strangers: Strangers | None = None
) -> Classifier:
    """The classifier that these recordings make, with its measured card; `strangers` are windows of recordings of another sort."""
    make = gaussian(recordings)
    learned = [recording for recording in recordings if not recording.example.held_out]
    head, measures = evaluate.teach(make, dataset.classes, learned), _measure(dataset, make, recordings)
    others = [*measures.others, _centers(dataset, recordings), *yardsticks]
    rejection = _rejection(head, measures, strangers or {})
    names, labels = [r.example.name for r in learned], [r.example.label for r in learned]
    return Classifier(
        head, _card(dataset, spec, head, measures, others, rejection), Training(names, labels, np.stack([r.mean for r in learned]))
    )


def gaussian(recordings: Sequence[Embedded]) -> MakeHead:
    """The shipped head. Its settings were chosen on the genres and hold for every classifier and encoder.

    `GaussianHead` says why a window counts for less than an independent example.
    """
    independent = round(len(recordings) / sum(len(recording.taught) for recording in recordings), 4)
    return lambda dim: GaussianHead(dim, normalise="l2", target="diagonal", independent=independent)


def accuracy(what: str, dataset: Dataset, make: MakeHead, recordings: list[Embedded]) -> Compared:
    """The accuracy of heads from `make` on the recordings that the card's accuracy is measured on."""
    return evaluate.compared(what, evaluate.judge(make, dataset.classes, iter(_folds(dataset, recordings))))


def _centers(dataset: Dataset, recordings: list[Embedded]) -> Compared:
    return accuracy("same embeddings, centers head", dataset, CentersHead, recordings)


def _measure(dataset: Dataset, make: MakeHead, recordings: list[Embedded]) -> _Measures:
    """Calibrate on every recording that was judged without having been learned from; each is measured with others' calibration."""
    folds = _folds(dataset, recordings)
    judged = everyone = evaluate.judge(make, dataset.classes, iter(folds))
    others = [_as_they_may_come(dataset, make, folds)] if folds[0][1][0].copies is not None else []
    if _has_held_out(dataset) and not _has_heard(dataset):
        inner = evaluate.judge(make, dataset.classes, evaluate.one_group_out(folds[0][0]))
        everyone = judged.with_more(inner)
        others.append(evaluate.compared("same head, each group of the learned recordings left out in turn", inner))
    unseen = _unseen_folds(dataset, recordings)
    probabilities, rejected = heldout.nested(everyone)
    count, auroc = len(judged.truth), evaluate.unseen_classes(make, dataset.classes, unseen)
    return _Measures(judged, probabilities[:count], float(rejected[:count].mean()), auroc, heldout.calibrate(everyone), others)


def _as_they_may_come(dataset: Dataset, make: MakeHead, folds: list[Fold]) -> Compared:
    changed = ((learned, [recording.copied() for recording in judged]) for learned, judged in folds)
    return evaluate.compared("same head, the recordings quieter, through MP3, in rooms", evaluate.judge(make, dataset.classes, changed))


def _has_held_out(dataset: Dataset) -> bool:
    return any(example.held_out for example in dataset.examples)


def _has_heard(dataset: Dataset) -> bool:
    return any(example.heard for example in dataset.examples)


def _folds(dataset: Dataset, recordings: list[Embedded]) -> list[Fold]:
    """What accuracy is measured on: the held-out recordings where there are some, else each group in turn; none that the encoder heard."""
    if not _has_held_out(dataset):
        return evaluate.unheard(evaluate.one_group_out(recordings))
    held_out = [recording for recording in recordings if recording.example.held_out]
    return evaluate.unheard([([recording for recording in recordings if not recording.example.held_out], held_out)])


def _unseen_folds(dataset: Dataset, recordings: list[Embedded]) -> list[Fold]:
    """What unseen classes are looked for in: an encoder that heard some recordings is asked about all others at once."""
    if _has_held_out(dataset):
        return _folds(dataset, recordings)
    if not _has_heard(dataset):
        return evaluate.unseen_folds(recordings)
    return [
        ([recording for recording in recordings if recording.example.heard], [one for one in recordings if not one.example.heard]),
    ]


def _rejection(head: Head, measures: _Measures, strangers: Strangers) -> Rejection:
    limit = measures.calibration.threshold
    return Rejection(
        threshold=_brief(limit),
        window_threshold=_brief(measures.calibration.window_threshold),
        false_rejection=round(measures.false_rejection, 4),
        auroc_unseen_classes=measures.auroc,
        strangers={what: round(float(np.mean([head.novelty(x).mean() > limit for x in some])), 4) for what, some in strangers.items()},
    )


def _card(dataset: Dataset, spec: EncoderSpec, head: Head, measures: _Measures, others: list[Compared], rejection: Rejection) -> Card:
    counts = {label: sum(example.label == label for example in dataset.learned()) for label in dataset.classes}
    return Card(
        id=dataset.id,
        title=dataset.title,
        encoder=spec.id,
        encoder_version=spec.version,
        grid=spec.grid.name,
        head=HeadCard(head.kind, head.settings),
        classes=head.classes,
        data=DataCard(dataset.what, counts, dataset.licence, dataset.split),
        measured=evaluate.measured(measures.judged, measures.probabilities),
        rejection=rejection,
        temperature=Temperature(_brief(measures.calibration.temperature), _brief(measures.calibration.window_temperature)),
        compared=others,
        note=dataset.note,
    )


def _brief(value: float) -> float:
    return float(f"{value:.6g}")
