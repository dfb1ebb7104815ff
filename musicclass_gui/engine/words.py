"""Naming by words: a classifier that is a list of phrases, each compared with the sound by an encoder that knows both.

It says what a list may hold and how embeddings become an Answer. Nothing is learned and nothing was tested, and it says so; it loads no
encoder, and knows neither files nor projects.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import pooling
from musicclass_gui.engine.answers import Answer
from musicclass_gui.engine.calibration import Calibration, softmax
from musicclass_gui.engine.errors import ClassifierError, LessonError
from musicclass_gui.engine.lessons.plan import clean_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.heads import Matrix
    from musicclass_gui.engine.pooling import Readings
    from musicclass_gui.engine.windows import Span

PLACE = "{phrase}"
TEMPLATE = "This is a recording of {phrase}."
"""A sentence, as the captions were that a CLAP learned from; `transformers` takes “This is a sound of …” for any sound."""
MOST = 500
LONGEST = 200  # letters of a phrase, and of what is around it; a net reads far fewer

HARDLY = 2.0
"""A phrase with less than this many times the share of the next is said to be hardly nearer.

The contrastive loss that a CLAP is trained with (Wu et al., 2023) makes the difference of two phrases' scores the logarithm of the odds
between them, so this rule asks for odds of 2 to 1, whatever the encoder's scale and the number of phrases.
"""
MEASURED = "Not tested: no recording was ever compared with these phrases by somebody who knew what it is."
NOTE = "The shares only compare the phrases with each other: one of them is always the nearest, whatever the recording is."
_ALONE = "It is the only phrase, so it is the nearest whatever the recording is; add others to compare it with."


@dataclass(frozen=True)
class WordList:
    """What a user typed; make it with `checked`. `template` has {phrase} where each of `phrases` goes."""

    title: str
    encoder: str
    template: str
    phrases: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """What the encoder reads, one sentence for each phrase."""
        return [self.template.replace(PLACE, phrase) for phrase in self.phrases]


def checked(title: str, encoder: str, template: str, phrases: Sequence[str]) -> WordList:
    """A list made clean: spaces around phrases go, and so do empty ones and those that are there already; {} is short for {phrase}.

    An empty template is the usual one. Raises LessonError for what cannot be compared with.
    """
    kept = tuple(dict.fromkeys(filter(None, map(_clean, phrases))))
    template = _clean(template.replace("{}", PLACE)) or TEMPLATE
    if not clean_name(title):
        raise LessonError("A classifier needs a name that can be seen; type one.")
    if PLACE not in template:
        raise LessonError(f"The sentence “{_short(template)}” needs {PLACE} where the phrase goes.")
    if not kept:
        raise LessonError("There is no phrase to compare sound with; type one or more.")
    if len(kept) > MOST:
        raise LessonError(f"These are {len(kept)} phrases, and {MOST} is the most; leave some out.")
    return WordList(clean_name(title), encoder, template, kept)


@dataclass(frozen=True)
class WordsClassifier:
    """Phrases that answer as a `Classifier` does. `embeddings` `(phrases, dim)` have length 1; `scale` multiplies cosines."""

    id: str
    title: str
    encoder: str
    encoder_version: str
    phrases: tuple[str, ...]
    embeddings: Embeddings
    scale: float
    tail: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def require_fit(self, spec: EncoderSpec) -> None:
        """Raise ClassifierError unless its phrases were read by this encoder in this version."""
        if (spec.id, spec.version, spec.dim) != (self.encoder, self.encoder_version, self.embeddings.shape[1]):
            raise ClassifierError(
                f"The phrases of “{self.title}” were read by {self.encoder} {self.encoder_version}, and this program has {spec.version}; "
                "make it again."
            )

    def answer(self, embeddings: Embeddings, spans: Sequence[Span], loud: NDArray[np.bool_]) -> Answer:
        """The answer for a recording, as `Classifier.answer` gives it."""
        heard = np.asarray(embeddings)[np.asarray(loud, bool)]
        mean = heard.mean(axis=0, dtype=np.float64) if len(heard) else None
        return self.conclude(self.read(embeddings, spans, loud), mean)

    def read(self, embeddings: Embeddings, spans: Sequence[Span], loud: NDArray[np.bool_]) -> Readings:
        """Each window's cosine to each phrase, times the scale; windows that are not loud are not looked at. Raises ClassifierError."""
        keep, times = np.asarray(loud, bool), pooling.spans_array(spans)
        if not len(embeddings) == len(times) == len(keep):
            raise ClassifierError(f"{len(embeddings)} embeddings came with {len(times)} spans and {len(keep)} loudness marks.")
        scores = np.zeros((len(keep), len(self.phrases)))
        scores[keep] = self._scores(np.asarray(embeddings)[keep])
        return pooling.Readings(list(self.phrases), times, scores, np.zeros(len(keep)), keep)

    def conclude(self, readings: Readings, mean: NDArray[np.float64] | None) -> Answer:
        """The answer from what `read` said of all windows, and from the mean embedding `(dim,)` of the loud ones.

        The shares of the whole recording are those of that mean, scaled to length 1 again: of the sound as a whole, not of its moments.
        """
        whole = pooling.verdict(readings)
        if whole is None or mean is None or whole.sounding_s < pooling.SHORTEST_S:
            shares = np.full(len(self.phrases), 1.0 / len(self.phrases))
            return replace(self._blank(readings, shares), reason=pooling.why_nothing(readings, whole.sounding_s if whole else 0.0))
        shares = softmax(self._scores(mean[None]))[0]
        winner = int(shares.argmax())
        return replace(
            self._blank(readings, shares),
            label=self.phrases[winner],
            none_of_these=False,
            evidence=pooling.deciding_windows(readings, winner),
            reason=self._why_unsure(shares),
        )

    def _scores(self, rows: Matrix | Embeddings) -> Matrix:
        points = np.asarray(rows, np.float64)
        lengths = np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
        return np.asarray(self.scale * (points / lengths) @ self.embeddings.T)

    def _why_unsure(self, shares: NDArray[np.float64]) -> str:
        """A sentence where the nearest phrase says little, else nothing (see `HARDLY`)."""
        if len(shares) == 1:
            return _ALONE
        first, second = np.argsort(-shares, kind="stable")[:2]
        if shares[first] >= HARDLY * shares[second]:
            return ""
        told = f"{shares[first]:.0%} against {shares[second]:.0%}".replace("%", " %")
        return f"It is hardly nearer to “{self.phrases[first]}” than to “{self.phrases[second]}” ({told}), so it may be neither."

    def _blank(self, readings: Readings, shares: NDArray[np.float64]) -> Answer:
        return Answer(
            classifier=self.id,
            encoder=self.encoder,
            label=None,
            none_of_these=True,
            ranking=pooling.ranking(readings.classes, shares),
            segments=pooling.segments(readings.classes, pooling.cells(readings), Calibration()),
            measured=MEASURED,
            note=NOTE,
            colours={phrase: number for number, phrase in enumerate(self.phrases)},
            kind="words",
        )


def _clean(text: str) -> str:
    """On one line and visible, as the names of classes are, since a phrase may become one. Raises LessonError when it is too long."""
    spaced = " ".join(text.split())
    if len(spaced) > LONGEST:
        raise LessonError(f"“{_short(spaced)}” is longer than {LONGEST} letters; say it in fewer words.")
    return clean_name(spaced)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59].rstrip() + "…"
