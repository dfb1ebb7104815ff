"""Honest numbers for a card: heads judge only recordings they did not learn from, and calibration is never measured on itself.

It works on embeddings; files and encoders are others' matter.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import pooling
from musicclass_gui.engine.calibration import area_under_roc, calibration_error, calibration_error_by_chance, macro_f1, wilson
from musicclass_gui.engine.card import Compared, Measured
from musicclass_gui.engine.heldout import Judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.build.embedding import Embedded
    from musicclass_gui.engine.heads import Head, Matrix
    from musicclass_gui.engine.pooling import Readings

    MakeHead = Callable[[int], Head]
    Fold = tuple[list[Embedded], list[Embedded]]  # learn from, judge

_UNSEEN_SHARE = 0.3  # of the classes are left out to see whether their recordings are called strange
_UNSEEN_FOLDS = 7


def teach(make: MakeHead, classes: Sequence[str], recordings: Sequence[Embedded]) -> Head:
    """A head that learned all windows of `recordings`, and their copies; its columns are `classes` in that order, learned from or not."""
    head = make(recordings[0].data.shape[1])
    for label in classes:
        windows = [recording.taught for recording in recordings if recording.example.label == label]
        head.learn(np.concatenate([np.empty((0, head.dim), np.float32), *windows]), label)
    return head


def one_group_out(recordings: Sequence[Embedded]) -> Iterator[Fold]:
    """Each group in turn judged by what was learned from all others."""
    for group in dict.fromkeys(recording.example.group for recording in recordings):
        yield (
            [recording for recording in recordings if recording.example.group != group],
            [recording for recording in recordings if recording.example.group == group],
        )


def unheard(folds: Iterable[Fold]) -> list[Fold]:
    """The same without judging what the encoder was trained on."""
    kept = ((learned, [recording for recording in judged if not recording.example.heard]) for learned, judged in folds)
    return [(learned, judged) for learned, judged in kept if judged]


def group_folds(recordings: Sequence[Embedded], count: int) -> Iterator[Fold]:
    """`count` folds in which each class's groups are dealt out in turn."""
    fold = _deal([(recording.example.label, recording.example.group) for recording in recordings], count)
    for number in range(count):
        judged = [recording for recording, at in zip(recordings, fold, strict=True) if at == number]
        if judged:
            yield [recording for recording, at in zip(recordings, fold, strict=True) if at != number], judged


def _deal(keys: Sequence[tuple[str, str]], count: int) -> list[int]:
    """A fold for each (class, group), the same for the same pair, dealt out class by class."""
    dealt: dict[str, dict[str, int]] = defaultdict(dict)
    for label, group in keys:
        dealt[label].setdefault(group, len(dealt[label]) % count)
    return [dealt[label][group] for label, group in keys]


def judge(make: MakeHead, classes: list[str], folds: Iterator[Fold]) -> Judged:
    """What each fold's head says of the recordings kept from it."""
    recordings, readings = [], []
    for learn_from, judged in folds:
        head = teach(make, classes, learn_from)
        readings += [_read(head, recording) for recording in judged]
        recordings += judged
    return _judged(classes, recordings, readings)


def _read(head: Head, recording: Embedded) -> Readings:
    scores, novelty = head.judge(recording.data)
    return pooling.Readings(head.classes, pooling.spans_array(recording.spans), scores, novelty, np.ones(len(scores), bool))


def _judged(classes: list[str], recordings: list[Embedded], readings: list[Readings]) -> Judged:
    groups = list(dict.fromkeys(recording.example.group for recording in recordings))
    verdicts = [whole for reading in readings if (whole := pooling.verdict(reading)) is not None]
    cells = [pooling.cells(reading) for reading in readings]
    return Judged(
        classes,
        np.asarray([classes.index(recording.example.label) for recording in recordings], np.intp),
        np.asarray([groups.index(recording.example.group) for recording in recordings], np.intp),
        np.stack([whole.scores for whole in verdicts]),
        np.asarray([whole.novelty for whole in verdicts]),
        np.repeat(np.arange(len(cells)), [int(part.covered.sum()) for part in cells]),
        np.concatenate([part.scores[part.covered] for part in cells]),
        np.concatenate([part.novelty[part.covered] for part in cells]),
    )


def measured(judged: Judged, probabilities: Matrix) -> Measured:
    """The card's numbers for held-out recordings."""
    right, counts = judged.right, np.bincount(judged.truth, minlength=len(judged.classes))
    rights = np.bincount(judged.truth[right], minlength=len(judged.classes))
    return Measured(
        accuracy=_rounded(right.mean()),
        interval_95=_interval(judged),
        n=len(right),
        groups=judged.groups,
        macro_f1=_rounded(macro_f1(judged.scores.argmax(axis=1).tolist(), judged.truth.tolist(), len(judged.classes))),
        per_class={label: _rounded(rights[i] / counts[i]) for i, label in enumerate(judged.classes) if counts[i]},
        recordings={label: int(counts[i]) for i, label in enumerate(judged.classes)},
        calibration_error=_rounded(calibration_error(probabilities, judged.truth)),
        calibration_by_chance=_rounded(calibration_error_by_chance(probabilities)),
    )


def compared(what: str, judged: Judged) -> Compared:
    """Another way's accuracy, for the card."""
    return Compared(what, _rounded(judged.right.mean()), _interval(judged))


def unseen_classes(make: MakeHead, classes: list[str], folds: list[Fold]) -> float:
    """How well novelty tells recordings of unseen classes from held-out ones of known classes: mean area under the ROC curve.

    Three of ten classes (that share of however many) are left out of learning, every choice of them in turn; the known
    recordings kept from learning are those of one fold, in turn too.
    """
    unseen = max(1, round(_UNSEEN_SHARE * len(classes)))
    everyone = [recording for _, judged in folds for recording in judged]
    areas = []
    for number, left_out in enumerate(combinations(classes, unseen)):
        learn_from, judged = folds[number % len(folds)]
        head = teach(make, classes, [recording for recording in learn_from if recording.example.label not in left_out])
        known = _novelties(head, [recording for recording in judged if recording.example.label not in left_out])
        unknown = _novelties(head, [recording for recording in everyone if recording.example.label in left_out])
        if known.size and unknown.size:
            areas.append(area_under_roc(known, unknown))
    return _rounded(np.mean(areas))


def _novelties(head: Head, recordings: list[Embedded]) -> NDArray[np.float64]:
    return np.asarray([head.novelty(recording.data).mean() for recording in recordings])


def unseen_folds(recordings: Sequence[Embedded]) -> list[Fold]:
    """The folds in which unseen classes are looked for where no recordings are set aside."""
    return list(group_folds(recordings, _UNSEEN_FOLDS))


def _interval(judged: Judged) -> list[float]:
    return [_rounded(bound) for bound in wilson(float(judged.right.mean()), judged.groups)]


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 4)
