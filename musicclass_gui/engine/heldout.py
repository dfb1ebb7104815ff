"""What heads say of recordings that they did not learn from, and the calibration that follows; calibration is never measured on itself.

It works on scores; which recordings were kept from which head is the caller's part, and so are encoders and files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.calibration import Calibration, fit_temperature, softmax, threshold_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix

_NESTED_FOLDS = 10


@dataclass(frozen=True)
class Judged:
    """What heads that had not learned from them say of recordings: as a whole `(n, …)`, and of their moments `(m, …)`."""

    classes: list[str]
    truth: NDArray[np.intp]  # (n,)
    group: NDArray[np.intp]  # (n,) recordings of one group do not speak independently
    scores: Matrix  # (n, C)
    novelty: NDArray[np.float64]  # (n,)
    moment_of: NDArray[np.intp]  # (m,) which recording a moment belongs to
    moment_scores: Matrix  # (m, C)
    moment_novelty: NDArray[np.float64]  # (m,)

    def among(self, chosen: NDArray[np.bool_]) -> Judged:
        """Only the recordings marked in `chosen` (n,), and their moments."""
        keep = chosen[self.moment_of]
        renumbered = (np.cumsum(chosen) - 1)[self.moment_of[keep]]
        whole = (self.truth[chosen], self.group[chosen], self.scores[chosen], self.novelty[chosen])
        return Judged(self.classes, *whole, renumbered, self.moment_scores[keep], self.moment_novelty[keep])

    def with_more(self, other: Judged) -> Judged:
        """These recordings, then those of `other`, whose groups are others."""
        return Judged(
            self.classes,
            np.concatenate([self.truth, other.truth]),
            np.concatenate([self.group, other.group + self.group.max() + 1]),
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.novelty, other.novelty]),
            np.concatenate([self.moment_of, other.moment_of + len(self.truth)]),
            np.concatenate([self.moment_scores, other.moment_scores]),
            np.concatenate([self.moment_novelty, other.moment_novelty]),
        )

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.group))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the likeliest class is the true one, rejection aside, `(n,)`."""
        return np.asarray(self.scores.argmax(axis=1) == self.truth)


def calibrate(judged: Judged, *, humble: bool = False) -> Calibration:
    """Temperatures and thresholds from held-out recordings. Groups weigh alike, and within them recordings, and within them moments.

    A recording whose class had no other example is left out: nothing could have named it. With `humble`, n groups that are all answered
    right promise no more than n + 1 in n + 2 (see `fit_temperature`).
    """
    known = _known(judged)
    share = (_weight(known) / np.bincount(known.moment_of))[known.moment_of]
    temperature, threshold = _calibrate_whole(judged, humble)
    return Calibration(
        temperature,
        fit_temperature(known.moment_scores, known.truth[known.moment_of], share, doubt=_doubt(known, humble)),
        threshold,
        threshold_at(known.moment_novelty, share),
    )


def nested(judged: Judged, *, humble: bool = False) -> tuple[Matrix, NDArray[np.bool_]]:
    """Probabilities and rejections when each tenth of the groups is calibrated by the other nine."""
    probabilities, rejected = np.zeros_like(judged.scores), np.zeros(len(judged.truth), bool)
    for number in range(_NESTED_FOLDS):
        now = judged.group % _NESTED_FOLDS == number
        if now.any():
            temperature, threshold = _calibrate_whole(judged.among(~now), humble)
            probabilities[now], rejected[now] = softmax(judged.scores[now] / temperature), judged.novelty[now] > threshold
    return probabilities, rejected


def _doubt(judged: Judged, humble: bool) -> float:
    return 1 / (judged.groups + 2) if humble else 0.0


def _calibrate_whole(judged: Judged, humble: bool) -> tuple[float, float]:
    """Temperature and threshold for whole recordings."""
    known = _known(judged)
    weight = _weight(known)
    return fit_temperature(known.scores, known.truth, weight, doubt=_doubt(known, humble)), threshold_at(known.novelty, weight)


def _known(judged: Judged) -> Judged:
    return judged.among(np.isfinite(judged.scores[np.arange(len(judged.truth)), judged.truth]))


def _weight(judged: Judged) -> NDArray[np.float64]:
    return np.asarray(1.0 / np.bincount(judged.group)[judged.group])
