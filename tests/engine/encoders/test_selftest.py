"""The self-test finds what a wrong encoder would do, runs once for given files, and is remembered for the manager."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from encoders.hubert_folders import made_model, save_new

from musicclass_gui.engine import encoders, places
from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource, registry, selftest, timbre, trust
from musicclass_gui.engine.errors import EncoderError, WeightsError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.windows import Audio

SPEC = EncoderSpec(
    id="made",
    version="1",
    title="Made for tests",
    sample_rate=1000,
    grid=Grid(1.0, 1.0),
    dim=4,
    licence="MIT",
    weights=WeightsSource("http://nowhere.invalid", "MIT", (WeightsFile("made.bin"),)),
)


def right(windows: Sequence[Audio]) -> Embeddings:
    return np.stack([np.array([window.std(), np.abs(window).max(), window.size, 1.0], np.float32) for window in windows])


@dataclass
class Made:
    """An encoder that computes what a test wants, and counts the windows."""

    compute: Callable[[Sequence[Audio]], Embeddings] = right
    spec: EncoderSpec = SPEC
    device: str = "cpu"
    notices: list[str] = field(default_factory=list)
    heard: int = 0

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        self.heard += len(windows)
        return self.compute(windows)


def failed(compute: Callable[[Sequence[Audio]], Embeddings]) -> list[str]:
    return [check.what for check in selftest.run(Made(compute)) if not check.ok]


def weights_file(folder: Path, content: bytes = b"weights") -> Path:
    path = folder / "made.bin"
    path.write_bytes(content)
    return path


class TestRun:
    def test_a_right_encoder_passes_everything(self) -> None:
        checks = selftest.run(Made())
        assert [check.what for check in checks] == ["Weights", "Shape", "Finite", "Silence", "Batch"]
        assert all(check.ok for check in checks)

    def test_a_wrong_dimension(self) -> None:
        assert failed(lambda windows: right(windows)[:, :3]) == ["Shape"]

    def test_a_row_too_few(self) -> None:
        assert "Shape" in failed(lambda windows: right(windows)[:1])

    def test_numbers_that_are_not_finite(self) -> None:
        assert failed(lambda windows: right(windows) * np.float32("nan")) == ["Finite", "Silence"]

    def test_silence_that_is_divided_by(self) -> None:
        def levelled(windows: Sequence[Audio]) -> Embeddings:
            return np.stack([right([window])[0] if window.any() else np.full(4, np.nan, np.float32) for window in windows])

        assert failed(levelled) == ["Silence"]

    def test_a_window_that_hears_its_neighbours(self) -> None:
        assert failed(lambda windows: right(windows) - right(windows).mean(0)) == ["Batch"]

    @pytest.mark.parametrize(("error", "passes"), [(5e-5, True), (3e-4, False)])
    def test_the_tolerance_is_a_ten_thousandth(self, error: float, passes: bool) -> None:
        assert failed(lambda windows: right(windows) * np.float32(1 + error * (len(windows) > 1))) == ([] if passes else ["Batch"])

    def test_rounded_arithmetic_may_differ_more(self) -> None:
        def rough(windows: Sequence[Audio]) -> Embeddings:
            return right(windows) * np.float32(1 + 0.01 * (len(windows) > 1))

        assert all(check.ok for check in selftest.run(Made(rough), rounded=True))
        assert not all(check.ok for check in selftest.run(Made(rough)))

    def test_an_encoder_without_weights(self) -> None:
        assert all(check.ok for check in selftest.run(encoders.load("timbre")))


class TestOnce:
    def test_it_runs_once_for_given_files(self, tmp_path: Path) -> None:
        path, made = weights_file(tmp_path), Made()
        selftest.once(made, path)
        heard = made.heard
        assert 0 < heard <= 3
        selftest.once(made, path)
        assert made.heard == heard
        assert [check.what for check in selftest.found(SPEC, path)] == ["Weights", "Shape", "Finite", "Silence", "Batch"]

    def test_another_version_or_another_place_is_tested_again(self, tmp_path: Path) -> None:
        path = weights_file(tmp_path)
        selftest.once(Made(), path)
        assert selftest.found(replace(SPEC, version="2"), path) == []
        (tmp_path / "b").mkdir()
        assert selftest.found(SPEC, weights_file(tmp_path / "b")) == []

    def test_rounded_arithmetic_is_tested_for_itself(self, tmp_path: Path) -> None:
        path, made = weights_file(tmp_path), Made()
        selftest.once(made, path, rounded=True)
        assert selftest.found(SPEC, path) == []
        heard = made.heard
        selftest.once(made, path, rounded=True)
        assert made.heard == heard
        selftest.once(made, path)
        assert made.heard == 2 * heard
        selftest.forget("made")
        assert selftest.found(SPEC, path) == selftest.found(SPEC, path, rounded=True) == []

    def test_one_that_fails_is_a_sentence_and_is_shown(self, tmp_path: Path) -> None:
        path = weights_file(tmp_path)
        wrong = Made(lambda windows: right(windows) + np.float32("inf"))
        for _ in range(2):
            with pytest.raises(EncoderError, match=r"made failed its self-test .finite: the numbers of noise are not all finite"):
                selftest.once(wrong, path)
        assert [check.what for check in selftest.found(SPEC, path) if not check.ok] == ["Finite", "Silence"]
        assert trust.problem(SPEC, path) == ""

    def test_one_that_breaks_is_a_sentence(self, tmp_path: Path) -> None:
        def broken(windows: Sequence[Audio]) -> Embeddings:
            raise RuntimeError("size of tensor a must match\nsize of tensor b")

        with pytest.raises(EncoderError, match=r"made failed its self-test .it stopped: size of tensor a must match."):
            selftest.once(Made(broken), weights_file(tmp_path))

    def test_an_encoder_without_weights_needs_none(self) -> None:
        made = Made(spec=timbre.SPEC)
        selftest.once(made)
        assert made.heard == 0

    def test_where_nothing_can_be_written_it_still_loads(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "blocked").write_text("not a folder")
        monkeypatch.setenv("MUSICCLASS_HOME", str(tmp_path / "blocked"))
        selftest.once(Made(), weights_file(tmp_path))

    @pytest.mark.parametrize("content", ["{", '{"made": 5}', '{"made": {"version": "1", "files": [], "checks": 5}}'])
    def test_a_damaged_record_is_as_none(self, tmp_path: Path, content: str) -> None:
        places.data_dir().mkdir(parents=True, exist_ok=True)
        (places.data_dir() / "selftests.json").write_text(content)
        path, made = weights_file(tmp_path), Made()
        selftest.once(made, path)
        assert made.heard > 0
        assert len(selftest.found(SPEC, path)) == 5


class TestTrust:
    def test_what_was_loaded_first_is_known_again(self, tmp_path: Path) -> None:
        path = weights_file(tmp_path)
        selftest.once(Made(), path)
        weights_file(tmp_path, b"others!")
        with pytest.raises(WeightsError, match="is another file than the one that was first used as made"):
            selftest.once(Made(), path)
        weights_file(tmp_path)
        selftest.once(Made(), path)

    def test_a_copy_elsewhere_is_the_same(self, tmp_path: Path) -> None:
        selftest.once(Made(), weights_file(tmp_path))
        (tmp_path / "b").mkdir()
        selftest.once(Made(), weights_file(tmp_path / "b"))

    def test_unchanged_files_are_not_hashed_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = weights_file(tmp_path)
        selftest.once(Made(), path)
        monkeypatch.setattr("musicclass_gui.engine.encoders.weights.sha256", lambda _path: pytest.fail("hashed"))
        selftest.once(Made(), path)

    def test_accepting_takes_the_new_ones(self, tmp_path: Path) -> None:
        path = weights_file(tmp_path)
        selftest.once(Made(), path)
        weights_file(tmp_path, b"others!")
        assert trust.accept(SPEC, path)
        selftest.once(Made(), path)
        assert not trust.accept(SPEC, path)

    def test_forgetting_takes_whatever_comes(self, tmp_path: Path) -> None:
        path = weights_file(tmp_path)
        selftest.once(Made(), path)
        trust.forget(SPEC)
        weights_file(tmp_path, b"others!")
        selftest.once(Made(), path)


def test_loading_through_the_door_tests_and_remembers(tmp_path: Path) -> None:
    save_new(tmp_path / "one", made_model())
    spec = registry.add_folder(tmp_path / "one")
    assert selftest.found(spec, tmp_path / "one") == []
    encoders.load("one")
    assert all(check.ok for check in selftest.found(spec, tmp_path / "one"))
