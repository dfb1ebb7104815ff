"""Long recordings: constant memory, quick seeking, and decoding about as fast as the library underneath."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import av
import numpy as np
import psutil
import pytest
from audio_files import Coded, music, write_av

from musicclass_gui.engine.audio import Recording, open_blocks, probe, read_window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEGABYTE = 1_000_000
TEN_HOURS_S = 36_000


@pytest.fixture(scope="module")
def ten_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wav of ten hours at 8 kHz and 8 bits, a hole on the disk but for its last second."""
    path = tmp_path_factory.mktemp("long") / "ten hours.wav"
    rate = 8000
    frames = TEN_HOURS_S * rate
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate, 1, 8)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + frames) + b"WAVE" + form + b"data" + struct.pack("<I", frames))
        file.seek(44 + frames - rate)
        file.write((128 + 100 * music(1, rate, 1)).astype(np.uint8).tobytes())
    return path


@pytest.fixture(scope="module")
def hours_of_mp3(tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], Path]:
    folder = tmp_path_factory.mktemp("mp3")
    plain = Coded("libmp3lame", bit_rate=48_000, muxer={"write_xing": "0", "id3v2_version": "0"})
    write_av(folder / "part.mp3", music(12, 44100, 1), 44100, plain)
    frames = (folder / "part.mp3").read_bytes()

    def joined(hours: float) -> Path:
        path = folder / f"{hours} h.mp3"
        path.write_bytes(frames * round(hours * 300))
        return path

    return joined


def peak_growth(recording: Recording) -> int:
    process = psutil.Process()
    before, peak = process.memory_info().rss, 0
    with open_blocks(recording) as blocks:
        for _ in blocks:
            peak = max(peak, process.memory_info().rss)
    assert blocks.readable_s == pytest.approx(recording.duration_s, rel=0.01)
    return peak - before


def test_ten_hours_need_no_more_memory_than_a_block(ten_hours: Path) -> None:
    recording = probe(ten_hours)
    assert recording.duration_s == TEN_HOURS_S
    assert peak_growth(recording) < 20 * MEGABYTE


def test_the_last_second_of_ten_hours_is_reached_at_once(ten_hours: Path) -> None:
    started = time.perf_counter()
    window = read_window(probe(ten_hours), TEN_HOURS_S - 1, TEN_HOURS_S + 5)
    assert time.perf_counter() - started < 0.5
    assert window.shape == (8000, 1)
    assert np.corrcoef(window[:, 0], music(1, 8000, 1)[:, 0])[0, 1] > 0.99


def test_a_long_mp3_needs_no_more_memory_than_a_short_one(hours_of_mp3: Callable[[float], Path]) -> None:
    short, long = (peak_growth(probe(hours_of_mp3(hours))) for hours in (0.25, 1.5))
    assert short < 30 * MEGABYTE
    assert long < 30 * MEGABYTE


def test_a_window_far_into_an_mp3_is_read_by_seeking(hours_of_mp3: Callable[[float], Path]) -> None:
    recording = probe(hours_of_mp3(0.5))
    started = time.perf_counter()
    window = read_window(recording, 1700, 1701)
    assert time.perf_counter() - started < 1.0
    with open_blocks(recording) as blocks:
        samples = np.concatenate(list(blocks))[1700 * 44100 : 1701 * 44100]
    np.testing.assert_allclose(window, samples, atol=1e-6)


def test_probing_takes_milliseconds(hours_of_mp3: Callable[[float], Path], ten_hours: Path) -> None:
    for path in (hours_of_mp3(3.0), ten_hours):
        probe(path)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            probe(path)
            times.append(time.perf_counter() - started)
        assert min(times) < 0.02


def test_decoding_costs_hardly_more_than_ffmpeg_alone(hours_of_mp3: Callable[[float], Path]) -> None:
    """Bare decoding never touches the samples; here they are joined, checked and counted too."""
    path = hours_of_mp3(0.25)
    recording = probe(path)

    def bare() -> None:
        with av.open(str(path)) as container:
            for _ in container.decode(audio=0):
                pass

    def blocks() -> None:
        with open_blocks(recording) as stream:
            for _ in stream:
                pass

    times: dict[str, list[float]] = {"bare": [], "blocks": []}
    for _ in range(3):
        for name, work in (("bare", bare), ("blocks", blocks)):
            started = time.process_time()
            work()
            times[name].append(time.process_time() - started)
    assert min(times["blocks"]) < 1.25 * min(times["bare"])
