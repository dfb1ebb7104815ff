"""Twins: the same bytes and near copies are found, what is only alike is not; on real recordings as often as the docstring says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import soxr

from musicclass_gui.engine import encoders
from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.build.embedding import windows_of
from musicclass_gui.engine.lessons.twins import Pair, find_twins
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings, Encoder

Span = tuple[float | None, float | None]
DIM = 24
WHOLE = (None, None)


def different(n: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    """Recordings of four sorts, alike within a sort."""
    rng = np.random.default_rng(seed)
    sorts = rng.normal(0, 1, (4, dim))
    return (5 + sorts[np.arange(n) % 4] + rng.normal(0, 0.7, (n, dim))).astype(np.float32)


def pairs_of(means: np.ndarray, hashes: list[str] | None = None, spans: list[Span] | None = None) -> list[Pair]:
    return find_twins(hashes or [f"h{number}" for number in range(len(means))], spans or [WHOLE] * len(means), means)


class TestMadeUp:
    def test_different_recordings_are_no_twins(self) -> None:
        assert pairs_of(different(200)) == []

    def test_a_near_copy(self) -> None:
        means = different(60)
        means[50] = means[7] + np.random.default_rng(1).normal(0, 0.1, DIM)
        (pair,) = pairs_of(means)
        assert (pair.kind, pair.a, pair.b) == ("near", 7, 50)
        assert 0.9 <= pair.likeness < 1

    def test_several_copies_of_one_recording(self) -> None:
        means, rng = different(60), np.random.default_rng(1)
        for place in (50, 51, 52):
            means[place] = means[7] + rng.normal(0, 0.05, DIM)
        assert {(pair.a, pair.b) for pair in pairs_of(means)} == {(7, 50), (7, 51), (7, 52), (50, 51), (50, 52), (51, 52)}

    def test_a_class_where_all_are_alike_has_no_twins(self) -> None:
        means, rng = different(60), np.random.default_rng(1)
        means[:30] = means[0] + rng.normal(0, 0.15, (30, DIM))
        points = (means - means.mean(axis=0)) / means.std(axis=0)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        likeness = points[:30] @ points[:30].T - 2 * np.eye(30)
        assert np.median(likeness.max(axis=1)) > 0.9
        assert pairs_of(means) == []

    def test_the_same_bytes(self) -> None:
        means = different(12)
        means[9] = means[2]
        found = pairs_of(means, [f"h{number % 9 if number == 11 else number}" for number in range(12)])
        assert [(pair.kind, pair.a, pair.b, pair.likeness) for pair in found][:1] == [("same", 2, 11, 1.0)]
        assert [(pair.kind, pair.a, pair.b) for pair in found][1:] == [("near", 2, 9)]

    def test_spans_of_one_recording(self) -> None:
        means = different(10)
        means[1] = means[2] = means[0]
        spans: list[Span] = [(0.0, 5.0), (5.0, 10.0), (4.0, 6.0), *[WHOLE] * 7]
        hashes = ["one"] * 3 + [f"h{number}" for number in range(7)]
        assert [(pair.kind, pair.a, pair.b) for pair in pairs_of(means, hashes, spans)] == [("same", 0, 2), ("same", 1, 2)]
        spans[1] = WHOLE
        assert {(pair.a, pair.b) for pair in pairs_of(means, hashes, spans)} == {(0, 1), (0, 2), (1, 2)}

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_few(self, n: int) -> None:
        assert pairs_of(different(n).reshape(n, DIM)) == []
        assert len(pairs_of(different(n), ["one"] * n)) == (n == 2)

    def test_all_equal_and_constant_dimensions(self) -> None:
        assert pairs_of(np.ones((20, DIM), np.float32)) == []
        means = different(60)
        means[:, 3] = 7
        means[50] = means[7]
        assert [(pair.a, pair.b) for pair in pairs_of(means)] == [(7, 50)]

    def test_blocks_do_not_matter(self) -> None:
        means = different(2500)
        for a, b in ((3, 2400), (1023, 1024), (2047, 2499)):
            means[b] = means[a] + 0.001
        assert {(3, 2400), (1023, 1024), (2047, 2499)} <= {(pair.a, pair.b) for pair in pairs_of(means)}

    def test_ten_thousand_in_seconds(self) -> None:
        means, started = different(10_000, dim=64), time.process_time()
        pairs_of(means)
        assert time.process_time() - started < 30


def encoder_named(name: str, data_dir: Path) -> Encoder:
    if name == "timbre":
        return encoders.load(name)
    return encoders.load(name, weights=data_dir / "weights" / name / "mn04_as_mAP_432.pt")


def mean_of(path: Path, encoder: Encoder) -> Embeddings:
    windows = windows_of(path, encoder.spec.grid, encoder.spec.sample_rate, Token())
    return np.asarray(encoder.embed([window.samples for window in windows]).mean(axis=0))


def copies(path: Path, folder: Path) -> list[Path]:
    """An MP3, an Opus, a quieter one, and one that begins 0.3 s later."""
    samples, rate = soundfile.read(path, dtype="float32")
    made = [folder / f"{path.stem}.{kind}" for kind in ("mp3", "opus", "quiet.wav", "later.wav")]
    soundfile.write(made[0], samples, rate, format="MP3")
    soundfile.write(made[1], soxr.resample(samples, rate, 48_000), 48_000, format="OGG", subtype="OPUS")
    soundfile.write(made[2], samples / 2, rate)
    soundfile.write(made[3], samples[int(0.3 * rate) :], rate)
    return made


@pytest.mark.parametrize("name", ["timbre", "mn04-as"])
def test_copies_of_real_recordings_are_found_and_nothing_else(name: str, data_dir: Path, tmp_path: Path) -> None:
    encoder = encoder_named(name, data_dir)
    paths = [path for path in find_recordings([data_dir / "gtzan-mini"]) if path.stem.endswith(("00001", "00002", "00003", "00004"))]
    chosen = range(0, len(paths), 8)
    made = [copy for place in chosen for copy in copies(paths[place], tmp_path)]
    means = np.stack([mean_of(path, encoder) for path in [*paths, *made]])
    found = {(pair.a, pair.b) for pair in pairs_of(means)}
    truth = {(place, len(paths) + 4 * number + copy) for number, place in enumerate(chosen) for copy in range(4)}
    assert len(found & truth) >= 0.8 * len(truth)
    assert not {(a, b) for a, b in found if b < len(paths)}
    assert pairs_of(means[: len(paths)]) == []
