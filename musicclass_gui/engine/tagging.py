"""Tags as an answer: what an encoder was trained to tag, over time and for a whole recording.

Tags do not exclude each other, so there is no "none of these" by distance and no calibration: each has the probability that its encoder
gives it. Nothing is taught here, no file is read, and the encoder is loaded only once there is something to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import pooling
from musicclass_gui.engine.answers import Answer
from musicclass_gui.engine.encoders import Tagger
from musicclass_gui.engine.errors import ClassifierError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.answers import Segment
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec, TagHead
    from musicclass_gui.engine.heads import Matrix
    from musicclass_gui.engine.pooling import Readings, Verdict
    from musicclass_gui.engine.windows import Span

SHOWN_FROM = 0.2
"""The least probability with which a tag is named, for a moment and for a whole recording; of 477 windows of music 97 % have such a tag."""
RANKED = 10

_LEAST = f"{100 * SHOWN_FROM:.0f} %"
_NOTE = (
    "Tags do not exclude each other: each has a probability of its own, as its encoder gives it, which was not calibrated. "
    f"Over time the likeliest is shown, where it has at least {_LEAST}."
)


@dataclass
class TagClassifier:
    """The tags of one encoder, answering as a `Classifier` does; make it with `of`. `measured` says how good they are, and who says so."""

    id: str
    title: str
    encoder: str
    encoder_version: str
    dim: int
    load: Callable[[], Encoder]
    measured: str = ""
    tail: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: EncoderSpec, encoder_loader: Callable[[], Encoder]) -> TagClassifier:
        """The tags of the encoder that `encoder_loader` gives. Raises ClassifierError for one that has none."""
        if not spec.tags:
            raise ClassifierError(f"The encoder {spec.id} has no tags; choose one that was trained to tag.")
        measured = " ".join(sentence for sentence in spec.good_at if sentence.startswith("Tags:"))
        return cls(f"tags-{spec.id}", f"Tags: {spec.tags}", spec.id, spec.version, spec.dim, encoder_loader, measured)

    def require_fit(self, spec: EncoderSpec) -> None:
        """Raise ClassifierError unless it is of this encoder in this version."""
        if (spec.id, spec.version, spec.dim) != (self.encoder, self.encoder_version, self.dim):
            raise ClassifierError(f"The tags of {self.encoder} {self.encoder_version} cannot be read from {spec.id} {spec.version}.")

    def read(self, embeddings: Embeddings, spans: Sequence[Span], loud: NDArray[np.bool_]) -> Readings:
        """The tags' probabilities `(n, tags)` in each window; windows that are not loud are not looked at. Raises ClassifierError."""
        keep, times = np.asarray(loud, bool), pooling.spans_array(spans)
        if not len(embeddings) == len(times) == len(keep):
            raise ClassifierError(f"{len(embeddings)} embeddings came with {len(times)} spans and {len(keep)} loudness marks.")
        names = list(self._head.names) if len(keep) else []
        scores = np.zeros((len(keep), len(names)))
        if keep.any():
            scores[keep] = probabilities(self._head, np.asarray(embeddings)[keep])
        return pooling.Readings(names, times, scores, np.zeros(len(keep)), keep)

    def conclude(self, readings: Readings, mean: NDArray[np.float64] | None) -> Answer:
        """The answer from what `read` said of all windows: a recording's probability of a tag is the mean over its loud windows."""
        whole = pooling.verdict(readings)
        if whole is None or whole.sounding_s < pooling.SHORTEST_S:
            return replace(self._blank(readings, None), reason=pooling.why_nothing(readings, 0.0 if whole is None else whole.sounding_s))
        blank = self._blank(readings, whole)
        first = blank.ranking[0]
        if first.probability < SHOWN_FROM:
            return replace(blank, reason=f"No tag is as likely as {_LEAST}; the likeliest is “{first.label}”.")
        return replace(blank, label=first.label, none_of_these=False)

    def _blank(self, readings: Readings, whole: Verdict | None) -> Answer:
        chances = np.zeros(len(readings.classes)) if whole is None else whole.scores
        return Answer(
            classifier=self.id,
            encoder=self.encoder,
            label=None,
            none_of_these=True,
            ranking=pooling.ranking(readings.classes, chances)[:RANKED],
            segments=_segments(readings),
            measured=self.measured,
            note=_NOTE,
            kind="tags",
        )

    @cached_property
    def _head(self) -> TagHead:
        encoder = self.load()
        if not isinstance(encoder, Tagger):
            raise ClassifierError(f"The encoder {self.encoder} has no tags; choose one that was trained to tag.")
        return encoder.tag_head()


def probabilities(head: TagHead, embeddings: Embeddings) -> Matrix:
    """The tags' probabilities `(n, tags)` for embeddings `(n, dim)`, each on its own."""
    logits = np.asarray(embeddings, np.float64) @ head.weight.T + head.bias
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))  # the sigmoid, without its overflow


def _segments(readings: Readings) -> list[Segment]:
    """The likeliest tag of each stretch, None where it is less likely than `SHOWN_FROM` or nothing is heard."""
    parts = pooling.cells(readings)
    if not len(parts.starts):
        return []
    first = parts.scores.argmax(axis=1)
    chance = parts.scores[np.arange(len(first)), first]
    known = parts.covered & (chance >= SHOWN_FROM)
    return pooling.merged(readings.classes, parts, np.where(known, first, -1), np.where(known, chance, 0.0))
