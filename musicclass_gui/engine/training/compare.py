"""Encoders side by side: how well few and many examples teach classes on them, how fast they are, how big.

Whatever a classifier is judged on here was held out from the training of `house-v1` (see `sounds.find`). It knows no files but weights.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import encoders
from musicclass_gui.engine.build import assemble, embedding, evaluate, one_thread, weights_in
from musicclass_gui.engine.build.datasets import Dataset, Example
from musicclass_gui.engine.calibration import wilson
from musicclass_gui.engine.encoders import house, timbre
from musicclass_gui.engine.encoders.running import OnRunner
from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.training import sounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.build.embedding import Embedded
    from musicclass_gui.engine.build.evaluate import MakeHead
    from musicclass_gui.engine.encoders import Encoder
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.training.sounds import Sound

ENCODERS = ("timbre", "house-v1", "choi2017", "musicnn-msd", "mn04-as")
SHOTS = (1, 3, 5, 0)
"""Examples per class; 0 is all that are not held out."""

_DRAWS = 10
_TIMED_S = 10.0
_ROUNDS = 15


@dataclass(frozen=True)
class Row:
    """The share of `n` held-out recordings that a head named rightly, with its 95 % interval, which counts pieces.

    Few examples were drawn ten times.
    """

    encoder: str
    collection: str
    head: str
    shots: int
    accuracy: float
    interval_95: list[float]
    n: int


@dataclass(frozen=True)
class Size:
    """What an encoder costs: milliseconds for ten seconds on one thread here, numbers that were learned, megabytes of files."""

    encoder: str
    milliseconds: float
    parameters: int
    megabytes: float


def rows(recordings: Sequence[Sound], encoder: Encoder, token: Token) -> list[Row]:
    """Each collection that has recordings on both sides, head and number of examples. Raises AudioError, DataError, Cancelled."""
    found = []
    for collection in _on_both_sides(recordings):
        dataset = _dataset(collection, [sound for sound in recordings if sound.collection == collection])
        embedded = embedding.embed(dataset, encoder, token)
        heads: dict[str, MakeHead] = {"class centers": CentersHead, "gaussian": assemble.gaussian(embedded)}
        for head, make in heads.items():
            for shots in SHOTS:
                right = _right(make, dataset, embedded, shots)
                share = float(right.mean())
                interval = [round(bound, 4) for bound in wilson(share, _groups(embedded))]
                found.append(Row(encoder.spec.id, collection, head, shots, round(share, 4), interval, right.shape[1]))
    return found


def _on_both_sides(recordings: Sequence[Sound]) -> list[str]:
    sides = {(sound.collection, sound.held_out) for sound in recordings}
    both = [name for name in dict.fromkeys(sound.collection for sound in recordings) if {(name, True), (name, False)} <= sides]
    if not both:
        raise DataError("No collection here has recordings to learn from and others to measure on; give the folder with all of them.")
    return both


def _dataset(collection: str, sounds: Sequence[Sound]) -> Dataset:
    examples = [
        Example(sound.path, sound.name, sound.label.partition("/")[2], f"{sound.label}: {sound.piece or sound.name}", sound.held_out)
        for sound in sounds
    ]
    return Dataset(collection, collection, examples, "", "", "", "", {})


def _groups(recordings: list[Embedded]) -> int:
    """How many held-out recordings speak independently: one of each piece."""
    return len({recording.example.group for recording in recordings if recording.example.held_out})


def _right(make: MakeHead, dataset: Dataset, recordings: list[Embedded], shots: int) -> NDArray[np.bool_]:
    """`(draws, held-out recordings)`: whether each was named rightly."""
    held_out = [recording for recording in recordings if recording.example.held_out]
    learned = [recording for recording in recordings if not recording.example.held_out]
    draws = [_drawn(learned, shots, number) for number in range(_DRAWS)] if shots else [learned]
    return np.stack([evaluate.judge(make, dataset.classes, iter([(some, held_out)])).right for some in draws])


def _drawn(recordings: list[Embedded], shots: int, number: int) -> list[Embedded]:
    """`shots` recordings of each class."""
    chance, chosen = np.random.default_rng((shots, number)), []
    for label in sorted({recording.example.label for recording in recordings}):
        own = [recording for recording in recordings if recording.example.label == label]
        chosen += [own[place] for place in sorted(chance.permutation(len(own))[:shots])]
    return chosen


def cell(row: Row) -> str:
    """Per cent with the interval, as every table shows it."""
    low, high = row.interval_95
    return f"{100 * row.accuracy:.1f} ({100 * low:.0f}–{100 * high:.0f})"


def markdown(found: Sequence[Row]) -> list[str]:
    """The lines of the table in an encoder's card, without its head."""
    lines = []
    for collection, head, encoder in dict.fromkeys((row.collection, row.head, row.encoder) for row in _sorted(found)):
        own = [row for row in found if (row.collection, row.head, row.encoder) == (collection, head, encoder)]
        lines.append(f"| {collection}, {own[0].n} | {head} | {encoder} | {' | '.join(cell(row) for row in own)} |")
    return lines


def _sorted(found: Sequence[Row]) -> list[Row]:
    collections, heads = ([*dict.fromkeys(getattr(row, what) for row in found)] for what in ("collection", "head"))
    return sorted(found, key=lambda row: (collections.index(row.collection), heads.index(row.head)))


def sizes(loaded: Sequence[Encoder]) -> list[Size]:
    """What encoders cost; they take turns, so that what else the machine does hits all alike. The median of several rounds."""
    sounds = {encoder.spec.id: _noise(encoder.spec.sample_rate) for encoder in loaded}
    times: dict[str, list[float]] = {encoder.spec.id: [] for encoder in loaded}
    for _ in range(_ROUNDS):
        for encoder in loaded:
            start = time.perf_counter()
            encoder.embed(sounds[encoder.spec.id])
            times[encoder.spec.id].append(time.perf_counter() - start)
    return [
        Size(encoder.spec.id, round(float(np.median(times[encoder.spec.id])) * 1000, 1), _parameters(encoder), _megabytes(encoder))
        for encoder in loaded
    ]


def _noise(rate: int) -> list[NDArray[np.float32]]:
    return [np.random.default_rng(1).normal(0, 0.1, round(_TIMED_S * rate)).astype(np.float32)]


def _parameters(encoder: Encoder) -> int:
    return encoder.parameters if isinstance(encoder, OnRunner) else 0


def _megabytes(encoder: Encoder) -> float:
    spec = encoder.spec
    own: dict[str, Path] = {"timbre": timbre.SCALE_FILE, "house-v1": house.weights_file()}
    if spec.id in own:
        return round(own[spec.id].stat().st_size / 1e6, 2)
    return round(sum(file.size_bytes or 0 for file in spec.weights.files) / 1e6, 2) if spec.weights else 0.0


def table(data: Path, encoder_ids: Sequence[str], house_weights: Path | None, token: Token) -> tuple[list[Row], list[Size]]:
    """Everything, on one thread. `house_weights` stands in for the file in the box.

    Raises DataError, AudioError, EncoderError, WeightsError, Cancelled.
    """
    found = sounds.find(data)
    if house.SPEC.id in encoder_ids:
        found = _unheard(found, house_weights)
    with one_thread():
        loaded = [_loaded(name, data, house_weights) for name in encoder_ids]
        return [row for encoder in loaded for row in rows(found, encoder, token)], sizes(loaded)


def _unheard(found: Sequence[Sound], weights: Path | None) -> list[Sound]:
    """The same with what `house-v1` was trained on to be learned from only, wherever it lies here."""
    heard = house.heard_by(weights, weights.with_suffix(".heard.txt")) if weights else house.heard()
    return [replace(sound, held_out=sound.held_out and sound.path.stem not in heard) for sound in found]


def _loaded(encoder_id: str, data: Path, house_weights: Path | None) -> Encoder:
    own = house_weights if encoder_id == house.SPEC.id else weights_in(encoder_id, data)
    return encoders.load(encoder_id, weights=own)
