"""Building the shipped classifiers: recordings in, folders with measured cards out; the same bytes for the same recordings.

`build` is what `musicclass models build` calls. Of the rest of the program only `engine.training` imports this package.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from musicclass_gui.engine import encoders
from musicclass_gui.engine.build import assemble, datasets, embedding
from musicclass_gui.engine.build.baseline import MfccStatistics
from musicclass_gui.engine.encoders import house, weights
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from musicclass_gui.engine.build.datasets import Dataset
    from musicclass_gui.engine.build.embedding import Embedded
    from musicclass_gui.engine.card import Compared
    from musicclass_gui.engine.encoders import Encoder
    from musicclass_gui.engine.task import Token


SHIPPED_ENCODERS = ("timbre", "house-v1", "mn04-as")
"""Those that the program's own classifiers are built for."""

COPIES = 2
"""How often each recording is learned as it may come to a user (quieter, through MP3, in a room) beside as it is."""


def build(name: str, data_dir: Path, out_dir: Path, encoder_ids: Sequence[str], token: Token) -> list[Path]:
    """Build, measure and write the classifier `name` for each encoder; returns the folders `out_dir/name/encoder`.

    Weights are taken from `data_dir/weights/ENCODER` when they are there, else from the usual folders.
    Raises DataError, AudioError, EncoderError or WeightsError in words for what is missing, Cancelled when `token` says so.
    """
    dataset = datasets.load(name, data_dir).described(COPIES)
    with one_thread():
        return _build_all(dataset, data_dir, out_dir, encoder_ids, token)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let sums be made by one thread: the last bits, and so the files, then do not depend on the number of processors."""
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _build_all(dataset: Dataset, data_dir: Path, out_dir: Path, encoder_ids: Sequence[str], token: Token) -> list[Path]:
    chosen = [encoders.load(encoder_id, weights=weights_in(encoder_id, data_dir)) for encoder_id in encoder_ids]
    known = [dataset.known_to(encoder.spec.id, house.heard() if encoder.spec.id == house.SPEC.id else ()) for encoder in chosen]
    mfcc = embedding.embed(dataset, MfccStatistics(), token, COPIES)
    return [_build_one(one, encoder, _yardstick(one, mfcc), out_dir, token) for one, encoder in zip(known, chosen, strict=True)]


def baseline_mfcc(dataset: Dataset, token: Token) -> Compared:
    """How good 120 MFCC statistics are with the same head on the same held-out recordings."""
    return _yardstick(dataset, embedding.embed(dataset, MfccStatistics(), token, COPIES))


def _yardstick(dataset: Dataset, mfcc: list[Embedded]) -> Compared:
    recordings = [replace(recording, example=example) for recording, example in zip(mfcc, dataset.examples, strict=True)]
    return assemble.accuracy("120 MFCC statistics, gaussian head", dataset, assemble.gaussian(recordings), recordings)


def _build_one(dataset: Dataset, encoder: Encoder, yardstick: Compared, out_dir: Path, token: Token) -> Path:
    recordings, strangers = embedding.embed(dataset, encoder, token, COPIES), embedding.embed_strangers(dataset, encoder, token)
    token.progress(float("nan"), f"{encoder.spec.id}: measuring")
    folder = out_dir / dataset.id / encoder.spec.id
    assemble.classifier(dataset, encoder.spec, recordings, [yardstick], strangers).save(folder)
    return folder


def weights_in(encoder_id: str, data_dir: Path) -> Path | None:
    """An encoder's weights in `data_dir/weights`; None when they are not there, or none are needed."""
    spec = encoders.find_spec(encoder_id)
    if spec is None or spec.weights is None:
        return None
    try:
        return weights.find(spec, [data_dir / "weights"])
    except WeightsError:
        return None
