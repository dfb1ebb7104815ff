from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musicclass_gui.engine import mel
from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.picture import BASE, MEL_BANDS, MEL_HOP, MEL_RATE, TILE, Picture, PictureWriter, hz_to_note, mel_band_hz

if TYPE_CHECKING:
    from pathlib import Path

RATE = 44100


def noise(frames: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loudness = np.abs(np.sin(np.arange(frames) / 5000)) * 0.9
    return (rng.uniform(-1, 1, frames) * loudness).astype(np.float32)


def write(folder: Path, samples: np.ndarray, *, rate: int = RATE, block: int = 10_000) -> Picture:
    """A picture whose native rate and mel rate see the same samples."""
    with PictureWriter(folder, rate) as writer:
        for first in range(0, len(samples), block):
            writer.push(samples[first : first + block])
            writer.push_mel(samples[first : first + block])
        writer.finish()
    return Picture(folder, rate)


def stored(value: np.ndarray) -> np.ndarray:
    return np.rint(value * 32767) / 32767


def test_mel_equals_librosa(tmp_path: Path) -> None:
    librosa = pytest.importorskip("librosa")
    samples = noise(3 * MEL_RATE + 77)
    stream = mel.MelStream()
    frames = np.concatenate([stream.push(samples[i : i + 5001]) for i in range(0, samples.size, 5001)] + [stream.finish()])
    expected = librosa.feature.melspectrogram(y=samples, sr=MEL_RATE, n_fft=2048, hop_length=MEL_HOP, n_mels=MEL_BANDS).T
    assert frames.shape == expected.shape
    assert np.abs(10 * np.log10(frames / expected)).max() < 0.01


def test_mel_equals_librosa_on_music(data_dir: Path) -> None:
    librosa, soundfile = pytest.importorskip("librosa"), pytest.importorskip("soundfile")
    samples, rate = soundfile.read(data_dir / "gtzan-mini/blues/blues.00000.flac", frames=10 * MEL_RATE, dtype="float32")
    assert rate == MEL_RATE
    stream = mel.MelStream()
    ours = np.concatenate([mel.decibels(stream.push(samples)), mel.decibels(stream.finish())])
    theirs = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=MEL_RATE), ref=mel.full_scale(), amin=1e-12, top_db=None).T
    loud = theirs > mel.FLOOR_DB
    assert np.abs(ours - theirs)[loud].max() < 0.01


def test_mel_scale_is_slaneys() -> None:
    librosa = pytest.importorskip("librosa")
    np.testing.assert_allclose(mel_band_hz(), librosa.mel_frequencies(MEL_BANDS + 2, fmin=0, fmax=MEL_RATE / 2)[1:-1], rtol=1e-12)
    np.testing.assert_allclose(mel.filters().T, librosa.filters.mel(sr=MEL_RATE, n_fft=2048, n_mels=MEL_BANDS), atol=1e-7)


@given(st.floats(20, 11_000))
def test_heights_and_hertz_are_inverse(hz: float) -> None:
    assert mel.height_to_hz(mel.hz_to_height(hz)) == pytest.approx(hz)


def test_a_band_is_drawn_around_its_centre() -> None:
    assert [mel.hz_to_height(hz) for hz in mel_band_hz()] == pytest.approx(np.arange(MEL_BANDS) + 0.5)


@pytest.mark.parametrize(
    ("hz", "note"), [(440, "A4 +0 ct"), (443, "A4 +12 ct"), (261.6256, "C4 +0 ct"), (435, "A4 −20 ct"), (27.5, "A0 +0 ct"), (0, "")]
)
def test_notes(hz: float, note: str) -> None:
    assert hz_to_note(hz) == note


def test_full_scale_is_a_sine_at_1_khz(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 1000 / MEL_RATE * np.arange(MEL_RATE)).astype(np.float32)
    levels = write(tmp_path, tone).mel_tile(0, 0)
    assert levels[:, 5:-5].max() >= 254
    assert abs(int(levels[:, 20].argmax()) + 0.5 - mel.hz_to_height(1000)) < 1
    quiet = write(tmp_path, tone / 100).mel_tile(0, 0)
    assert mel.level_db(int(quiet[:, 5:-5].max())) == pytest.approx(-40, abs=0.4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.integers(1, 60_000),
    block=st.integers(1, 30_000),
    span=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    columns=st.integers(1, 700),
)
def test_envelope_is_exact(tmp_path: Path, frames: int, block: int, span: tuple[float, float], columns: int) -> None:
    """Every column holds the extremes of its samples and of none further off than the level's rows."""
    samples = noise(frames, seed=frames)
    with PictureWriter(tmp_path, RATE) as writer:
        for first in range(0, frames, max(block, frames // 50 + 1)):
            writer.push(samples[first : first + max(block, frames // 50 + 1)])
        writer.finish()
    start, end = (edge * frames / RATE for edge in sorted(span))
    end = max(end, start + 100 / RATE)
    mins, maxs = Picture(tmp_path, RATE).envelope(start, end, columns)
    width = (end - start) / columns * RATE
    row = max(BASE, width)
    whole = int(np.clip(np.floor((frames - start * RATE) / width), 0, columns))
    assert whole <= len(mins) == len(maxs) <= columns
    for column in range(len(mins)):
        low, high = start * RATE + column * width, start * RATE + (column + 1) * width
        inner = samples[int(np.ceil(low)) : max(int(np.floor(high)), int(np.ceil(low)))]
        outer = samples[max(0, int(low - row) - 1) : int(high + row) + 2]
        assert not inner.size or (mins[column] <= stored(inner.min()) + 1e-6 and maxs[column] >= stored(inner.max()) - 1e-6)
        assert stored(outer.min()) - 1e-6 <= mins[column] <= maxs[column] <= stored(outer.max()) + 1e-6


def test_levels_on_disk_equal_brute_force(tmp_path: Path) -> None:
    samples = noise(1_000_003)
    write(tmp_path, samples, block=65_536)
    for level in range(8):
        size = BASE * 4**level
        padded = np.pad(samples, (0, -samples.size % size), mode="edge").reshape(-1, size)
        rows = np.fromfile(tmp_path / f"envelope_{level}.i16", np.int16).reshape(-1, 2)
        np.testing.assert_array_equal(rows, np.rint(np.stack([padded.min(1), padded.max(1)], 1) * 32767).astype(np.int16))
    frames = np.fromfile(tmp_path / "mel_0.u8", np.uint8).reshape(-1, MEL_BANDS)
    assert len(frames) == 1 + samples.size // MEL_HOP
    for level in range(1, Picture.mel_levels):
        padded = np.pad(frames, ((0, -len(frames) % 2**level), (0, 0)), mode="edge").reshape(-1, 2**level, MEL_BANDS).max(axis=1)
        np.testing.assert_array_equal(np.fromfile(tmp_path / f"mel_{level}.u8", np.uint8).reshape(-1, MEL_BANDS), padded)


def test_tiles_and_strips_show_the_same(tmp_path: Path) -> None:
    picture = write(tmp_path, noise(60 * MEL_RATE), rate=MEL_RATE)
    whole = np.concatenate([picture.mel_tile(0, index) for index in range(3)], axis=1)
    assert whole.shape == (MEL_BANDS, 1 + 60 * MEL_RATE // MEL_HOP)
    assert picture.mel_tile(0, 0).shape == (MEL_BANDS, TILE)
    assert picture.mel_tile(0, 3).shape == (MEL_BANDS, 0)
    strip = picture.mel(1.0, 3.0, 1200)
    first = round(strip.start_s * MEL_RATE / MEL_HOP + 0.5)
    np.testing.assert_array_equal(strip.levels, whole[:, first : first + strip.levels.shape[1]])
    assert strip.start_s <= 1.0 < 3.0 <= strip.end_s
    overview = picture.mel(0.0, 60.0, 300)
    assert overview.levels.shape == (MEL_BANDS, 300)
    assert (overview.start_s, overview.end_s) == (0.0, 60.0)
    assert overview.levels.max() == whole.max()


def test_level_under_the_cursor(tmp_path: Path) -> None:
    tone = np.concatenate([np.zeros(MEL_RATE), np.sin(2 * np.pi * 440 / MEL_RATE * np.arange(MEL_RATE))]).astype(np.float32)
    picture = write(tmp_path, tone, rate=MEL_RATE)
    assert picture.mel_level_at(0.5, mel.hz_to_height(440)) == 0
    assert picture.mel_level_at(1.5, mel.hz_to_height(440)) > 240
    assert picture.mel_level_at(1.5, mel.hz_to_height(8000)) < 60
    assert picture.mel_level_at(9.0, 10.0) is None
    assert picture.mel_level_at(0.5, 128.0) is None


@pytest.mark.parametrize("frames", [1, 63, 64, 65, 511, 512, 4096, 44_100])
def test_short_recordings(tmp_path: Path, frames: int) -> None:
    picture = write(tmp_path, np.full(frames, 0.5, np.float32))
    assert picture.complete
    assert picture.ready_s == frames / RATE
    mins, maxs = picture.envelope(0.0, frames / RATE, 100)
    np.testing.assert_allclose(np.r_[mins, maxs], 0.5, atol=1e-4)
    assert mins.size == 100
    assert picture.mel(0.0, 1.0, 500).levels.shape[1] >= 1


def test_nothing_was_pushed(tmp_path: Path) -> None:
    picture = write(tmp_path, np.empty(0, np.float32))
    assert picture.complete
    assert picture.ready_s == 0
    assert picture.envelope(0.0, 1.0, 10)[0].size == 0


def test_broken_samples_are_drawn_as_silence(tmp_path: Path) -> None:
    samples = np.array([np.nan, np.inf, -np.inf, 0.0] * 64, np.float32)
    with PictureWriter(tmp_path, RATE) as writer:
        writer.push(samples)
    mins, maxs = Picture(tmp_path, RATE).envelope(0.0, 256 / RATE, 4)
    assert np.isfinite(np.r_[mins, maxs]).all()


def test_ten_hours_have_a_small_overview(tmp_path: Path) -> None:
    """Only the levels' lengths matter for reading, so sparse files stand for ten hours of sound."""
    frames = 10 * 3600 * RATE
    for level in range(8):
        with (tmp_path / f"envelope_{level}.i16").open("wb") as file:
            file.truncate(-(-frames // (BASE * 4**level)) * 4)
    for level in range(12):
        with (tmp_path / f"mel_{level}.u8").open("wb") as file:
            file.truncate(-(-(10 * 3600 * MEL_RATE // MEL_HOP + 1) // 2**level) * MEL_BANDS)
    (tmp_path / "meta.json").write_text(json.dumps({"version": 1, "frames": frames, "sample_rate": RATE, "complete": True}))
    picture = Picture(tmp_path, RATE)
    assert picture.ready_s == 36_000
    assert picture.envelope(0.0, 36_000.0, 1200)[0].size == 1200
    assert picture.envelope(35_999.0, 36_000.0, 1200)[0].size == 1200
    assert picture.mel(0.0, 36_000.0, 1200).levels.shape == (MEL_BANDS, 1200)
    assert picture.mel(0.0, 36_000.0, 7).levels.shape == (MEL_BANDS, 7)


def test_a_growing_picture_is_never_torn(tmp_path: Path) -> None:
    """A ramp is written in one thread and read in another: every value read must be the value written."""
    frames = 40 * RATE
    ramp = np.linspace(-1, 1, frames, dtype=np.float32)
    picture, failures = Picture(tmp_path, RATE), []

    def look() -> None:
        while not picture.complete:
            ready = picture.ready_s
            mins, maxs = picture.envelope(0.0, 40.0, 800)
            expected = -1 + 2 * np.arange(1, len(maxs) + 1) / 800
            strip = picture.mel(0.0, 40.0, 800)
            if mins.size and (np.abs(maxs - expected).max() > 0.004 or mins.size / 800 * 40 < ready - 0.2):
                failures.append((mins.size, ready))
            if strip.levels.shape[0] != MEL_BANDS:
                failures.append(strip.levels.shape)

    reader = threading.Thread(target=look)
    reader.start()
    with PictureWriter(tmp_path, RATE) as writer:
        for first in range(0, frames, 1000):
            writer.push(ramp[first : first + 1000])
            writer.push_mel(ramp[first : first + 500])
        writer.finish()
    reader.join(timeout=30)
    assert not reader.is_alive()
    assert not failures


def test_not_there_yet_and_gone(tmp_path: Path) -> None:
    picture = Picture(tmp_path / "none", RATE)
    assert (picture.ready_s, picture.complete) == (0.0, False)
    assert picture.envelope(0.0, 10.0, 50)[0].size == 0
    assert picture.mel(0.0, 10.0, 50).levels.shape == (MEL_BANDS, 0)
    assert picture.mel_tile(3, 2).shape == (MEL_BANDS, 0)


def test_unfinished_is_not_complete_and_can_be_written_anew(tmp_path: Path) -> None:
    with PictureWriter(tmp_path, RATE) as writer:
        writer.push(noise(RATE))
    picture = Picture(tmp_path, RATE)
    assert not picture.complete
    assert picture.ready_s == RATE // BASE * BASE / RATE
    assert write(tmp_path, noise(1000)).ready_s == 1000 / RATE


def test_a_damaged_picture_is_not_complete(tmp_path: Path) -> None:
    write(tmp_path, noise(RATE))
    with (tmp_path / "envelope_0.i16").open("r+b") as file:
        file.truncate(100)
    assert not Picture(tmp_path, RATE).complete
    write(tmp_path, noise(RATE))
    (tmp_path / "meta.json").write_text("{")
    assert not Picture(tmp_path, RATE).complete


def test_unwritable_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MusicClassError, match="could not be written"):
        PictureWriter(tmp_path / "file" / "picture", RATE)


def test_a_view_must_have_a_length(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a view"):
        Picture(tmp_path, RATE).envelope(1.0, 1.0, 10)


def test_reader_imports_only_numpy() -> None:
    heavy = ("scipy", "librosa", "torch", "PySide6")
    code = f"import sys; import musicclass_gui.engine.picture; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
