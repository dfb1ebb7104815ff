"""A learned mix finds the layers that tell classes apart, on held-out groups, the same each time; from folders it ends as an encoder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from encoders import hubert_folders

from musicclass_gui.engine import encoders, mixing
from musicclass_gui.engine.encoders import layers, registry
from musicclass_gui.engine.errors import Cancelled, DataError, EncoderError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 16_000


def made(
    count: int, telling: Sequence[int], seed: int = 0, classes: int = 3, dim: int = 20, by: float = 2.0
) -> tuple[NDArray[np.float32], list[str]]:
    """Rows of four layers, of which only those in `telling` have anything to do with the class."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((classes, dim))
    labels = np.arange(count) % classes
    data = rng.standard_normal((count, 4, dim))
    for layer in telling:
        data[:, layer] += by * centers[labels]
    return data.astype(np.float32), [f"class {label}" for label in labels]


def held_out_accuracy(data: NDArray[np.float32], labels: Sequence[str], weights: Sequence[float]) -> float:
    """Nearest class mean on the second half, learned from the first."""
    mixed, named = np.einsum("nld,l->nd", data, np.asarray(weights)), np.asarray(labels)
    half, names = len(mixed) // 2, sorted(set(labels))
    means = np.stack([mixed[:half][named[:half] == name].mean(axis=0) for name in names])
    nearest = np.linalg.norm(mixed[half:, None] - means[None], axis=2).argmin(axis=1)
    return float((np.asarray(names)[nearest] == named[half:]).mean())


class TestLearn:
    @pytest.mark.parametrize("layer", range(4))
    def test_it_finds_the_layer_that_tells(self, layer: int) -> None:
        weights = mixing.learn(*made(60, [layer])).weights
        assert int(np.argmax(weights)) == layer
        assert weights[layer] > 0.7

    def test_weights_are_a_mix(self) -> None:
        weights = mixing.learn(*made(60, [1, 2])).weights
        assert len(weights) == 4
        assert sum(weights) == pytest.approx(1)
        assert min(weights) >= 0
        assert min(weights[1], weights[2]) > 2 * max(weights[0], weights[3])

    def test_it_is_better_than_the_mean_on_examples_it_never_saw(self) -> None:
        data, labels = made(120, [3], classes=4, by=0.8)
        weights = mixing.learn(data[:60], labels[:60]).weights
        assert held_out_accuracy(data, labels, weights) > held_out_accuracy(data, labels, [0.25] * 4) + 0.1

    def test_layers_that_say_nothing_stay_nearly_even(self) -> None:
        weights = mixing.learn(*made(40, [0, 1, 2, 3])).weights
        assert max(weights) < 2 * min(weights)

    def test_it_is_the_same_each_time(self) -> None:
        assert mixing.learn(*made(30, [2])) == mixing.learn(*made(30, [2]))

    def test_groups_are_held_out_together(self) -> None:
        """Layer 0 only tells which recording it is; without groups that looks like knowing the class."""
        rng = np.random.default_rng(0)
        data, labels = made(64, [2], classes=2)
        labels = [f"class {number // 4 % 2}" for number in range(64)]
        centers = rng.standard_normal((2, 20))
        data = rng.standard_normal((64, 4, 20)).astype(np.float32)
        data[:, 2] += 0.8 * centers[[number // 4 % 2 for number in range(64)]]
        data[:, 0] += 4 * rng.standard_normal((16, 20))[np.arange(64) // 4]
        groups = [number // 4 for number in range(64)]
        together, apart = mixing.learn(data, labels, groups).weights, mixing.learn(data, labels).weights
        assert together[2] > together[0]
        assert apart[0] > together[0] + 0.2

    def test_classes_weigh_alike_however_many_examples_they_have(self) -> None:
        data, labels = made(90, [1])
        keep = [row for row, label in enumerate(labels) if label == "class 0" or row < 30]
        assert int(np.argmax(mixing.learn(data[keep], [labels[row] for row in keep]).weights)) == 1

    def test_many_examples_are_thinned_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mixing, "MOST_ROWS", 60)
        labels = ["a"] * 500 + ["b"] * 40
        chosen = mixing._chosen(labels)
        assert len(chosen) == 60
        assert sum(labels[row] == "b" for row in chosen) == 30
        data, labels = made(300, [3])
        assert int(np.argmax(mixing.learn(data, labels).weights)) == 3

    @pytest.mark.parametrize(
        ("labels", "groups", "match"),
        [
            (["a"] * 6, None, "at least two classes"),
            ([], None, "at least two classes"),
            (["a", "a", "a", "a", "a", "b"], None, "“b” has fewer than two"),
            (["a", "a", "a", "a", "b", "b"], [0, 1, 2, 3, 4, 4], "“b” has fewer than two"),
            (["a", "b"], None, "label each"),
        ],
    )
    def test_too_little_is_refused(self, labels: list[str], groups: list[int] | None, match: str) -> None:
        rows = 6 if len(labels) != 0 else 0
        with pytest.raises(DataError, match=match):
            mixing.learn(np.zeros((rows, 3, 4), np.float32), labels, groups)

    def test_what_is_not_a_number_is_refused(self) -> None:
        data, labels = made(12, [0])
        data[3, 1, 2] = np.nan
        with pytest.raises(DataError, match="not numbers"):
            mixing.learn(data, labels)


@pytest.fixture
def base(tmp_path: Path) -> str:
    return registry.add_folder(hubert_folders.save_new(tmp_path / "net", hubert_folders.made_model()), "Mine").id


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two classes of three recordings: low tones and high ones, one second each, with a silent one and one that is no audio."""
    folder = tmp_path / "classes"
    for name, hertz in (("low", 110.0), ("high", 1760.0)):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            t = np.arange(RATE) / RATE
            tone = 0.3 * np.sin(2 * np.pi * hertz * (1 + 0.1 * number) * t)
            soundfile.write(folder / name / f"{number}.wav", tone + 0.01 * np.random.default_rng(number).standard_normal(RATE), RATE)
    soundfile.write(folder / "low" / "silent.wav", np.zeros(RATE), RATE)
    (folder / "high" / "broken.wav").write_bytes(b"no audio")
    return folder


class TestFromFolders:
    def test_the_mix_becomes_an_encoder(self, base: str, recordings: Path) -> None:
        view = mixing.learn_from_folders(base, recordings, Token(), "cpu")
        assert len(view.weights) == 4
        assert sum(view.weights) == pytest.approx(1)
        mix = registry.add_mix(base, "Pitch", view)
        window = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
        encoder, plain = encoders.load(mix.id), encoders.load(base)
        assert isinstance(plain, encoders.Layered)
        assert np.array_equal(encoder.embed([window]), layers.apply(mix, plain.embed_layers([window])))

    def test_what_was_heard_is_not_heard_again(self, base: str, recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = mixing.learn_from_folders(base, recordings, Token(), "cpu")
        monkeypatch.setattr(encoders, "load", lambda *_args, **_how: pytest.fail("the encoder was loaded again"))
        assert mixing.learn_from_folders(base, recordings, Token(), "cpu") == first

    def test_copies_are_one_recording(self, base: str, recordings: Path) -> None:
        for name in ("1.wav", "2.wav"):
            shutil.copy(recordings / "low" / "0.wav", recordings / "low" / name)
        with pytest.raises(DataError, match="“low” has fewer than two different recordings"):
            mixing.learn_from_folders(base, recordings, Token(), "cpu")

    def test_the_reason_names_what_was_left_out(self, base: str, recordings: Path) -> None:
        for path in (recordings / "high").glob("*.wav"):
            path.write_bytes(b"no audio")
        with pytest.raises(DataError, match=r"at least two classes.*left out"):
            mixing.learn_from_folders(base, recordings, Token(), "cpu")

    def test_nothing_to_learn_from(self, base: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no sub-folders with recordings"):
            mixing.learn_from_folders(base, tmp_path / "net", Token(), "cpu")
        with pytest.raises(DataError, match="cannot be read"):
            mixing.learn_from_folders(base, tmp_path / "nowhere", Token(), "cpu")

    def test_it_can_be_cancelled(self, base: str, recordings: Path) -> None:
        token = Token()
        token.cancel()
        with pytest.raises(Cancelled):
            mixing.learn_from_folders(base, recordings, token, "cpu")

    @pytest.mark.parametrize(("encoder_id", "match"), [("timbre", "no layers"), ("nothing", "no layers"), ("choi2017", "side by side")])
    def test_encoders_without_a_mix(self, encoder_id: str, match: str, recordings: Path) -> None:
        with pytest.raises(EncoderError, match=match):
            mixing.learn_from_folders(encoder_id, recordings, Token(), "cpu")
