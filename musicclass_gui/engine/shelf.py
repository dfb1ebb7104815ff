"""Which classifiers can answer here and now: what is shipped, and which encoders have their weights.

A classifier such as `genre` comes in one variant per encoder; the best measured one that can run is taken. Where accuracies cannot be
told apart (their difference is within its 95 % interval), the program's own encoder answers: it is on every machine, and its
probabilities and its "none of these" are the better of the two that are. Of others that measure alike the best calibrated one is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine import encoders
from musicclass_gui.engine.classifier import Classifier
from musicclass_gui.engine.encoders import EncoderSpec, house, weights
from musicclass_gui.engine.errors import ClassifierError, WeightsError
from musicclass_gui.engine.places import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.card import Measured


@dataclass(frozen=True)
class Variant:
    """One classifier on one encoder, and why it cannot answer here (`missing` is empty when it can)."""

    classifier: str
    encoder: str
    folder: Path
    measured: Measured
    missing: str


class Shelf:
    """The shipped classifiers as seen from one machine's weights folders."""

    def __init__(self, weights_folders: Sequence[Path]) -> None:
        self._folders = list(weights_folders)
        self._loaded: dict[Path, Classifier] = {}

    def ids(self) -> list[str]:
        """Every classifier's id, those first that a new user sees first."""
        found = {classifier for classifier, _ in classifiers.shipped()}
        return [*(name for name in SHIPPED if name in found), *sorted(found.difference(SHIPPED))]

    def variants(self, classifier_id: str) -> list[Variant]:
        """All variants of one classifier that can be read, the best first. Raises ClassifierError when all are damaged."""
        found: list[Variant] = []
        damaged: list[ClassifierError] = []
        for (name, encoder), folder in classifiers.shipped().items():
            if name == classifier_id:
                try:
                    found.append(self._variant(name, encoder, folder))
                except ClassifierError as error:
                    damaged.append(error)
        if damaged and not found:
            raise damaged[0]
        return _best_first(found)

    def choose(self, classifier_id: str, encoder_id: str = "") -> Classifier:
        """The best variant that can run here, or the one of `encoder_id`.

        Raises ClassifierError for an unknown classifier, WeightsError when the wanted encoder lacks its weights.
        """
        variants = self.variants(classifier_id)
        if not variants:
            raise ClassifierError(f"There is no classifier “{classifier_id}”; known are {', '.join(self.ids())}.")
        wanted = [v for v in variants if encoder_id in ("", v.encoder)]
        if not wanted:
            known = ", ".join(v.encoder for v in variants)
            raise ClassifierError(f"Classifier “{classifier_id}” has no variant for encoder “{encoder_id}”; it has {known}.")
        usable = [v for v in wanted if not v.missing]
        if not usable:
            raise WeightsError(wanted[0].missing)
        return self._load(usable[0].folder)

    def weights_of(self, encoder_id: str) -> Path | None:
        """The weights file of an encoder; None for one that needs none. Raises WeightsError when it is missing or wrong."""
        spec = self.spec(encoder_id)
        spec = self.spec(spec.of) if spec.of else spec
        return weights.find(spec, self._folders, None) if spec.weights else None

    def missing(self, encoder_id: str) -> str:
        """Why an encoder cannot be loaded, as a sentence; empty when it can."""
        try:
            self.weights_of(encoder_id)
        except WeightsError as error:
            return str(error)
        return house.missing() if encoder_id == house.SPEC.id else ""

    def spec(self, encoder_id: str) -> EncoderSpec:
        """What there is to know of an encoder, or of a view of one. Raises ClassifierError when this program has none of that name."""
        spec = encoders.find_spec(encoder_id)
        if spec is None:
            raise ClassifierError(f"There is no encoder “{encoder_id}”; known are {', '.join(encoders.specs())}.")
        return spec

    def _variant(self, classifier_id: str, encoder_id: str, folder: Path) -> Variant:
        return Variant(classifier_id, encoder_id, folder, self._load(folder).card.measured, self.missing(encoder_id))

    def _load(self, folder: Path) -> Classifier:
        if folder not in self._loaded:
            self._loaded[folder] = Classifier.load(folder)
        return self._loaded[folder]


def _best_first(variants: list[Variant]) -> list[Variant]:
    if not variants:
        return []
    best = max(variants, key=lambda variant: variant.measured.accuracy).measured

    def rank(variant: Variant) -> tuple[float, float, float]:
        found = variant.measured
        if _told_apart(best, found):
            return 1.0, 0.0, -found.accuracy
        return 0.0, float(variant.encoder != house.SPEC.id), found.calibration_error

    return sorted(variants, key=rank)


def _told_apart(better: Measured, other: Measured) -> bool:
    """Whether the 95 % interval of the difference leaves out zero, from both accuracies' own intervals (Newcombe, 1998, method 10)."""
    below, above = better.accuracy - better.interval_95[0], other.interval_95[1] - other.accuracy
    return better.accuracy - other.accuracy > math.hypot(below, above)
