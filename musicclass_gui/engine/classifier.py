"""Classifier: an encoder's name, a head, class names and a card; a folder of `head.safetensors` and `card.json`.

It turns the embeddings of a recording into an Answer. It never loads an encoder, decodes audio or unpickles anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from musicclass_gui.engine import heads, places, pooling
from musicclass_gui.engine.answers import Answer, Evidence
from musicclass_gui.engine.card import Card
from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.heads import Matrix, Scorer
    from musicclass_gui.engine.pooling import Other, Readings, Verdict
    from musicclass_gui.engine.windows import Span

HEAD_FILE = "head.safetensors"
CARD_FILE = "card.json"
_LARGEST_HEAD = 256 << 20  # bytes
_NEAREST_FILES = 5
_ROWS_AT_ONCE = 512  # so that the memory for judging does not grow with the recording
_SAME_RECORDING = 0.01  # nearer than this, times the distance to the next recording, it is the same one
_MEANS = "training_means"


class Answering(Protocol):
    """What an analysis needs of whoever answers: a classifier, a tagger, a list of words."""

    @property
    def id(self) -> str:
        """Which question it answers."""
        ...

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        ...

    @property
    def encoder(self) -> str:
        """Whose embeddings it reads."""
        ...

    @property
    def tail(self) -> Mapping[str, NDArray[np.float32]]:
        """Tuned last tensors of the encoder, where it hears through one of its own."""
        ...

    def require_fit(self, spec: EncoderSpec) -> None:
        """Raise ClassifierError unless it was made for this encoder in this version."""
        ...

    def read(self, embeddings: Embeddings, spans: Sequence[Span], loud: NDArray[np.bool_]) -> Readings:
        """What it says of each window."""
        ...

    def conclude(self, readings: Readings, mean: NDArray[np.float64] | None) -> Answer:
        """The answer from what `read` said of all windows and the mean embedding `(dim,)` of the loud ones."""
        ...


@dataclass(frozen=True)
class Training:
    """The recordings that a classifier learned from: names (not paths), classes, and mean embeddings `(n, dim)`."""

    names: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    means: Embeddings = field(default_factory=lambda: np.zeros((0, 0), np.float32))


@dataclass
class Classifier:
    """A head and its card, ready to answer.

    The head's columns are the card's classes, then the `others`, which are no answers. `kind` is what a class is called in a sentence,
    `colours` are the numbers of its classes' colours where they have any. `tail` holds tuned last tensors of the encoder, where the
    classifier hears through an encoder of its own (`MobileNetEncoder.with_tail`).
    """

    head: Scorer
    card: Card
    training: Training = field(default_factory=Training)
    others: Sequence[Other] = ()
    kind: str = ""
    colours: Mapping[str, int] = field(default_factory=dict)
    tail: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Which question it answers, such as `genre`."""
        return self.card.id

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return self.card.title

    @property
    def encoder(self) -> str:
        """Whose embeddings it reads."""
        return self.card.encoder

    def require_fit(self, spec: EncoderSpec) -> None:
        """Raise ClassifierError unless it was built for this encoder in this version."""
        if (spec.id, spec.version, spec.dim) != (self.card.encoder, self.card.encoder_version, self.head.dim):
            raise ClassifierError(
                f"The classifier “{self.id}” was built for {self.card.encoder} {self.card.encoder_version} ({self.head.dim} numbers), "
                f"but this program has {spec.id} {spec.version} ({spec.dim}); build it again with “musicclass models build”."
            )

    def answer(self, embeddings: Embeddings, spans: list[Span], loud: NDArray[np.bool_], *, evidence: bool = True) -> Answer:
        """The answer for a recording, or for what has been read of it.

        `embeddings` is `(n, dim)`, `spans` their `[start_s, end_s)` in order of time, and `loud` False where a window is
        silence. Raises ClassifierError when these do not fit together or with the head.
        """
        heard = np.asarray(embeddings)[np.asarray(loud, bool)]
        mean = heard.mean(axis=0, dtype=np.float64) if evidence and len(heard) else None
        return self.conclude(self.read(embeddings, spans, loud), mean)

    def conclude(self, readings: Readings, mean: NDArray[np.float64] | None) -> Answer:
        """The answer from what `read` said of all windows; `mean` `(dim,)` over the loud ones finds the nearest recordings."""
        whole = pooling.verdict(readings)
        if whole is None or whole.sounding_s < pooling.SHORTEST_S:
            return self._nothing_heard(readings, whole)
        return self._answer(readings, whole, None if mean is None else self._nearest_files(mean))

    def read(self, embeddings: Embeddings, spans: Sequence[Span], loud: NDArray[np.bool_]) -> Readings:
        """What the head says of each window; windows that are not loud are not looked at."""
        keep = np.asarray(loud, bool)
        times = pooling.spans_array(spans)
        if not len(embeddings) == len(times) == len(keep):
            raise ClassifierError(f"{len(embeddings)} embeddings came with {len(times)} spans and {len(keep)} loudness marks.")
        scores, novelty = np.zeros((len(keep), len(self.card.classes) + len(self.others))), np.zeros(len(keep))
        rows = np.flatnonzero(keep)
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[first : first + _ROWS_AT_ONCE]
            scores[some], novelty[some] = self.head.judge(embeddings[some])
        return pooling.Readings(self.card.classes, times, scores, novelty, keep, self.others)

    def _answer(self, readings: Readings, whole: Verdict, nearest: list[Evidence] | None) -> Answer:
        probabilities, winners = pooling.decided(whole.scores[None], self.others, self.card.temperature.recording)
        winner, blank = int(winners[0]), self._blank(readings, probabilities[0])
        why_none = self._why_none(readings, whole, winner)
        if why_none:
            return replace(blank, evidence=nearest or [], reason=why_none)
        windows = [] if nearest is None else pooling.deciding_windows(readings, winner)
        return replace(
            blank,
            label=readings.classes[winner],
            none_of_these=False,
            evidence=windows + (nearest or []),
            reason=_why_too_sure(nearest or []),
        )

    def _why_none(self, readings: Readings, whole: Verdict, winner: int) -> str:
        """A sentence when it is none of the classes, else nothing."""
        if whole.novelty > self.card.rejection.threshold:
            return self._too_strange()
        if winner < len(readings.classes):
            return ""
        other = self.others[winner - len(readings.classes)]
        if other.of is None:
            return f"It sounds like “{other.name}”, which was taught as background."
        return f"It would be “{readings.classes[other.of]}”, but it sounds more like what was taught as “{other.name}”."

    def _nothing_heard(self, readings: Readings, whole: Verdict | None) -> Answer:
        classes = len(readings.classes)
        blank = self._blank(readings, np.full(classes, 1.0 / classes))
        return replace(blank, reason=pooling.why_nothing(readings, 0.0 if whole is None else whole.sounding_s))

    def _blank(self, readings: Readings, probabilities: NDArray[np.float64]) -> Answer:
        return Answer(
            classifier=self.id,
            encoder=self.encoder,
            label=None,
            none_of_these=True,
            ranking=pooling.ranking(readings.classes, probabilities),
            segments=pooling.segments(readings.classes, pooling.cells(readings), self.card.calibration, self.others),
            measured=self.card.measured.sentence(),
            note=self.card.note,
            colours=dict(self.colours),
        )

    def _too_strange(self) -> str:
        share = round(100 * (1 - self.card.rejection.false_rejection))
        kind = self.kind or self.card.title.lower()
        return f"It sounds unlike every {kind} known here: {share} % of the recordings that this was tried on came nearer to one."

    def _nearest_files(self, mean: NDArray[np.float64]) -> list[Evidence]:
        """Training recordings by distance between mean embeddings, where the head measures distance (see `Head.whiten`).

        Of the five nearest to a genre recording 66 % (timbre) and 75 % (mn04-as) share its class there, 54 % and 66 % by plain distance.
        """
        if not self.training.names:
            return []
        distance = np.linalg.norm(self._training_points - self.head.whiten(mean[None]), axis=1)
        nearest = np.argsort(distance, kind="stable")[:_NEAREST_FILES]
        return [Evidence("training", self.training.labels[i], float(distance[i]), name=self.training.names[i]) for i in nearest]

    @cached_property
    def _training_points(self) -> Matrix:
        return self.head.whiten(self.training.means)

    def save(self, folder: Path) -> None:
        """Write the folder: each file to a temporary name, fsynced, then renamed; the card last. The same bytes for the same classifier."""
        from safetensors.numpy import save

        arrays = {**self.head.state(), _MEANS: self.training.means}
        contents = {"classes": self.head.classes, "names": self.training.names, "labels": self.training.labels}
        metadata = {"musicclass": json.dumps(contents, ensure_ascii=False)}
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / HEAD_FILE, save({name: np.ascontiguousarray(a) for name, a in arrays.items()}, metadata=metadata))
        write_whole(folder / CARD_FILE, self.card.to_text().encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read and check a classifier's folder. Raises ClassifierError in words for whatever is wrong."""
        if not folder.is_dir():
            raise ClassifierError(f"There is no classifier in {folder}: the folder does not exist.")
        card = Card.read(_inside(folder, CARD_FILE))
        arrays, contents = _read_arrays(_inside(folder, HEAD_FILE))
        if contents.get("classes") != card.classes:
            raise ClassifierError(f"The card and the head in {folder} name different classes; get the classifier again.")
        means = arrays.pop(_MEANS, None)
        head = heads.load(card.head.kind, _as_state(arrays), card.classes, card.head.settings)
        return cls(head, card, _training(contents, means, head))


def shipped() -> dict[tuple[str, str], Path]:
    """The folders of the program's own classifiers by (classifier id, encoder id); cards are not read yet."""
    cards = sorted(places.models_dir().glob(f"*/*/{CARD_FILE}"))
    return {(card.parent.parent.name, card.parent.name): card.parent for card in cards}


def _why_too_sure(nearest: list[Evidence]) -> str:
    """A sentence when the recording is one that the classifier learned from: such an answer shows nothing."""
    if len(nearest) < 2 or nearest[0].weight > _SAME_RECORDING * nearest[1].weight:
        return ""
    return f"It learned from this very recording, {nearest[0].name}: that it is right here proves nothing."


def _inside(folder: Path, name: str) -> Path:
    """The path of a classifier's file; a link that leads out of the folder is refused."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ClassifierError(f"{path} is a link that leads out of the classifier's folder; put the file itself there.")
    return path


def _read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > _LARGEST_HEAD:
            raise ClassifierError(f"{path} is over {_LARGEST_HEAD >> 20} MB, so it is not a classifier's head.")
        with safe_open(path, framework="numpy") as file:
            contents = json.loads((file.metadata() or {}).get("musicclass", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (the file has keys() but is no dictionary)
    except OSError as error:
        raise ClassifierError(f"The head {path} cannot be read: {error.strerror or error}. Get the classifier again.") from error
    except (SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ClassifierError(f"The head {path} is damaged ({error}). Get the classifier again.") from error
    if not isinstance(contents, dict):
        raise ClassifierError(f"The head {path} does not say what it holds. Get the classifier again.")
    return arrays, contents


def _as_state(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    wrong = [name for name, array in arrays.items() if array.dtype != np.float64]
    if wrong:
        raise ClassifierError(f"The head's {', '.join(wrong)} should be float64. Get the classifier again.")
    return arrays


def _training(contents: dict[str, Any], means: NDArray[Any] | None, head: Scorer) -> Training:
    names, labels = contents.get("names", []), contents.get("labels", [])
    if means is None or not names:
        return Training()
    texts = isinstance(names, list) and isinstance(labels, list) and all(isinstance(text, str) for text in [*names, *labels])
    fits = means.dtype == np.float32 and means.shape == (len(names), head.dim) and len(labels) == len(names)
    if not texts or not fits or not np.isfinite(means).all() or not set(labels) <= set(head.classes):
        raise ClassifierError("The classifier's list of training recordings is damaged. Get the classifier again.")
    return Training(names, labels, means)
