"""Mini mels: small, the right way up, of the right time, for any length of sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from musicclass_gui.engine.errors import AudioError
from musicclass_gui.engine.lessons.minimel import mini_mel

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 16000


def write(path: Path, *parts: NDArray[np.float64]) -> Path:
    soundfile.write(path, np.concatenate(parts), RATE)
    return path


def sine(hz: float, seconds: float, level: float = 0.3) -> NDArray[np.float64]:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def test_pitch_is_up_and_time_goes_right(tmp_path: Path) -> None:
    picture = mini_mel(write(tmp_path / "a.wav", sine(200, 2.0), sine(4000, 2.0)))
    assert (picture.shape, picture.dtype) == ((24, 64), np.uint8)
    rows = picture.argmax(axis=0)
    assert set(rows[2:30]) == {int(rows[5])}
    assert set(rows[34:62]) == {int(rows[40])}
    assert rows[5] < 3 < 12 < rows[40]
    assert picture.max() == 255


def test_a_span_and_no_more_than_ten_seconds_of_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(200, 12.0), sine(4000, 12.0))
    assert (mini_mel(path).argmax(axis=0) < 3).all()
    assert (mini_mel(path, 12.5, 20.0).argmax(axis=0) > 12).all()
    both = mini_mel(path, 7.0, None).argmax(axis=0)
    assert both[0] < 3
    assert both[-1] > 12


def test_loudness_does_not_matter(tmp_path: Path) -> None:
    loud, quiet = (mini_mel(write(tmp_path / f"{n}.wav", sine(500, 1.0, level))) for n, level in enumerate((0.5, 0.05)))
    assert np.abs(loud.astype(int) - quiet.astype(int)).mean() < 20  # 16 bits are coarse for the quiet one
    assert quiet.max() == 255


@pytest.mark.parametrize("seconds", [1 / RATE, 0.01, 0.3, 1.0])
def test_however_short(tmp_path: Path, seconds: float) -> None:
    assert mini_mel(write(tmp_path / "a.wav", sine(500, seconds) + 0.1)).max() == 255


def test_silence_is_black_also_beyond_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(RATE))
    assert not mini_mel(path).any()
    assert not mini_mel(path, 5.0, 6.0).any()


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no longer there"):
        mini_mel(tmp_path / "gone.wav")


def test_the_real_instruments_look_different(data_dir: Path) -> None:
    folder = data_dir / "instruments" / "freesound10"
    bass, hat = (mini_mel(sorted((folder / name).iterdir())[0]).astype(float).sum(axis=1) for name in ("Double_bass", "Hi_hat"))
    height = np.arange(24)
    assert (bass @ height) / bass.sum() < (hat @ height) / hat.sum()
