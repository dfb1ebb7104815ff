"""Every format, rate and number of channels: what is read is what was written, whole or by windows."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import psutil
import pytest
import soxr
from audio_files import LAYOUTS, WRITERS, Coded, Samples, music, write, write_av, write_sf
from hypothesis import given, settings
from hypothesis import strategies as st

from musicclass_gui.engine.audio import (
    Recording,
    Resampler,
    content_hash,
    find_recordings,
    open_blocks,
    probe,
    read_window,
    to_mono,
)
from musicclass_gui.engine.errors import AudioError, Cancelled
from musicclass_gui.engine.task import Token

RATE = 44100
SECONDS = 4.37
QUIET = slice(round(1.2 * RATE), round(2.1 * RATE))  # where Vorbis and VBR change their block sizes and bit rates

LOSSLESS = {
    "16.wav": 2**-15,
    "24.wav": 2**-23,
    "32.wav": 2**-24,
    "float.wav": 0,
    "double.wav": 0,
    "rf64.wav": 2**-15,
    "u8.wav": 2**-7,
    "16.flac": 2**-15,
    "24.flac": 2**-23,
    "16.aiff": 2**-15,
    "float.aiff": 0,
    "16.au": 2**-15,
    "alac.m4a": 2**-15,
    "flac.mkv": 2**-15,
}
EXACT_LENGTH = {*LOSSLESS, "ulaw.wav", "vorbis.ogg", "cbr.mp3", "vbr.mp3", "mp3.mkv", "vorbis.webm"}
UNALIGNED = {"adts.aac", "vbr-no-header.mp3", "v2.wma"}  # formats that do not say how much the encoder put in front
PYAV = {"cbr.mp3", "vbr.mp3", "vbr-no-header.mp3", "aac.m4a", "alac.m4a", "adts.aac", "opus.opus", "v2.wma"} | {
    kind for kind in WRITERS if kind.endswith((".mp4", ".mkv", ".webm"))
}
NOT_TO_THE_BIT = 1e-6  # Opus carries rounding errors of its past for longer than what is decoded before a window


def source() -> Samples:
    samples = music(SECONDS, RATE, 2)
    samples[QUIET] *= 0.0005
    return samples


def whole(recording: Recording, **options: int) -> Samples:
    with open_blocks(recording, **options) as blocks:
        parts = list(blocks)
        assert blocks.notices == []
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    folder = tmp_path_factory.mktemp("formats")
    return {kind: probe(write(folder / kind, kind, source(), RATE)) for kind in WRITERS}


@pytest.fixture(scope="module")
def decoded(files: dict[str, Recording]) -> dict[str, Samples]:
    return {kind: whole(recording) for kind, recording in files.items()}


@pytest.mark.parametrize("kind", WRITERS)
def test_probe_tells_rate_channels_and_length(kind: str, files: dict[str, Recording]) -> None:
    recording = files[kind]
    assert recording.sample_rate == (48000 if "opus" in kind else RATE)
    assert recording.channels == 2
    assert recording.duration_s == pytest.approx(SECONDS, abs=0.07)
    assert recording.reader == ("pyav" if kind in PYAV else "soundfile")
    assert "named" not in recording.format


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("16.wav", "WAV, 16 bit"),
        ("24.flac", "FLAC, 24 bit"),
        ("vorbis.ogg", "Ogg Vorbis"),
        ("16.aiff", "AIFF, 16 bit"),
        ("cbr.mp3", "MP3"),
        ("aac.m4a", "AAC in MP4"),
        ("alac.m4a", "ALAC in MP4"),
        ("adts.aac", "AAC"),
        ("opus.opus", "Opus"),
        ("v2.wma", "WMA"),
        ("film.mkv", "AAC in Matroska"),
    ],
)
def test_format_is_said_for_people(kind: str, words: str, files: dict[str, Recording]) -> None:
    assert files[kind].format == words


@pytest.mark.parametrize("kind", WRITERS)
def test_blocks_are_float32_frames_of_at_most_the_size_asked_for(kind: str, files: dict[str, Recording]) -> None:
    with open_blocks(files[kind], block_frames=5000) as blocks:
        for block in blocks:
            assert block.dtype == np.float32
            assert 0 < len(block) <= 5000
            assert block.shape[1] == 2


@pytest.mark.parametrize("kind", WRITERS)
def test_the_block_size_changes_nothing(kind: str, files: dict[str, Recording], decoded: dict[str, Samples]) -> None:
    np.testing.assert_array_equal(whole(files[kind], block_frames=777), decoded[kind])


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_give_back_what_was_written(kind: str, decoded: dict[str, Samples]) -> None:
    assert decoded[kind].shape == source().shape
    assert np.abs(decoded[kind] - source()).max() <= LOSSLESS[kind] * 1.01


@pytest.mark.parametrize("kind", sorted(set(WRITERS) - set(LOSSLESS) - UNALIGNED))
def test_lossy_formats_sound_like_what_was_written_at_the_same_time(kind: str, decoded: dict[str, Samples]) -> None:
    wanted = source() if "opus" not in kind else soxr.resample(source(), RATE, 48000)
    length = min(len(wanted), len(decoded[kind]))
    assert np.corrcoef(decoded[kind][:length, 0], wanted[:length, 0])[0, 1] > 0.98


@pytest.mark.parametrize("kind", sorted(EXACT_LENGTH))
def test_lengths_are_exact_where_the_format_says_them(kind: str, decoded: dict[str, Samples]) -> None:
    assert len(decoded[kind]) == round(SECONDS * RATE)


@pytest.mark.parametrize("kind", ["opus.opus", "opus.webm"])
def test_opus_is_as_long_as_its_granules_say(kind: str, decoded: dict[str, Samples]) -> None:
    assert len(decoded[kind]) == pytest.approx(SECONDS * 48000, abs=1)


@pytest.mark.parametrize("kind", ["aac.m4a", "film.mp4"])
def test_aac_in_mp4_is_longer_by_less_than_a_frame_of_padding(kind: str, decoded: dict[str, Samples]) -> None:
    assert 0 <= len(decoded[kind]) - round(SECONDS * RATE) < 1024


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=12, deadline=None)
@given(start=st.floats(0, SECONDS), length=st.floats(0, 0.3))
def test_any_window_equals_the_span_of_the_full_decode(
    kind: str, files: dict[str, Recording], decoded: dict[str, Samples], start: float, length: float
) -> None:
    rate = files[kind].sample_rate
    span = decoded[kind][round(start * rate) : round((start + length) * rate)]
    window = read_window(files[kind], start, start + length)
    assert window.shape == span.shape
    assert np.abs(window - span).max(initial=0) <= NOT_TO_THE_BIT


@pytest.mark.parametrize("kind", WRITERS)
def test_windows_at_the_very_end_are_exact(kind: str, files: dict[str, Recording], decoded: dict[str, Samples]) -> None:
    rate, full = files[kind].sample_rate, decoded[kind]
    for back in (1, 10, 500, 3000, 9000):
        start = (len(full) - back) / rate
        np.testing.assert_allclose(read_window(files[kind], start, start + 1), full[-back:], atol=NOT_TO_THE_BIT)


def test_a_window_of_aac_with_noise_substitution_is_in_place(tmp_path: Path) -> None:
    """FFmpeg draws that noise anew at each decode, so only time and likeness can be asked for."""
    path = tmp_path / "noisy.m4a"
    write_av(path, source(), RATE, Coded("aac", options={"aac_pns": "1"}))
    recording = probe(path)
    span = whole(recording)[round(2.5 * RATE) : round(3.5 * RATE)]
    window = read_window(recording, 2.5, 3.5)
    assert window.shape == span.shape
    assert np.sqrt(np.mean((window - span) ** 2)) < 0.1 * np.sqrt(np.mean(span**2))


def test_windows_before_and_behind_the_recording_are_cut(files: dict[str, Recording], decoded: dict[str, Samples]) -> None:
    for kind in ("16.wav", "cbr.mp3", "16.flac", "vorbis.ogg"):
        np.testing.assert_array_equal(read_window(files[kind], -1.0, 0.1), decoded[kind][:4410])
        assert read_window(files[kind], 2.0, 2.0).shape == (0, 2)
        assert read_window(files[kind], 3.0, 2.0).shape == (0, 2)
        assert read_window(files[kind], 50.0, 51.0).shape == (0, 2)


@pytest.mark.parametrize("kind", ["16.wav", "16.flac", "vorbis.ogg", "cbr.mp3", "aac.m4a", "opus.opus", "film.mkv", "vorbis.webm"])
def test_blocks_from_a_start_are_the_rest(kind: str, files: dict[str, Recording], decoded: dict[str, Samples]) -> None:
    rate = files[kind].sample_rate
    with open_blocks(files[kind], start_s=1.5) as blocks:
        rest = np.concatenate(list(blocks))
    np.testing.assert_allclose(rest, decoded[kind][round(1.5 * rate) :], atol=NOT_TO_THE_BIT)
    assert blocks.frames_read == len(rest)
    assert blocks.readable_s == pytest.approx(len(decoded[kind]) / rate)


@pytest.mark.parametrize("channels", LAYOUTS)
@pytest.mark.parametrize("kind", ["16.wav", "16.flac", "16.aiff", "vorbis.ogg", "aac.m4a", "film.mkv", "flac.mkv"])
def test_one_to_eight_channels(kind: str, channels: int, tmp_path: Path) -> None:
    samples = music(0.7, 48000, channels)
    recording = probe(write(tmp_path / kind, kind, samples, 48000))
    full = whole(recording)
    assert full.shape[1] == recording.channels == channels
    if kind in LOSSLESS:
        np.testing.assert_allclose(full, samples, atol=LOSSLESS[kind] * 1.01)
    assert not np.array_equal(full[:, 0], full[:, -1]) or channels == 1
    np.testing.assert_allclose(to_mono(full), full.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("rate", [1, 100, 4000, 8000, 11025, 22050, 32000, 96000, 192000, 768000])
def test_any_sample_rate(rate: int, tmp_path: Path) -> None:
    samples = music(2.0 if rate < 8000 else 0.3, rate, 1)
    recording = probe(write(tmp_path / "16.wav", "16.wav", samples, rate))
    assert recording.sample_rate == rate
    full = whole(recording)
    assert full.shape == samples.shape
    resampler = Resampler(rate, 22050)
    assert sum(map(len, (resampler.push(full), resampler.finish()))) == pytest.approx(len(full) * 22050 / rate, abs=1)


@pytest.mark.parametrize("kind", ["16.wav", "24.flac", "vorbis.ogg", "alac.m4a", "16.aiff", "16.au", "flac.mkv"])
@pytest.mark.parametrize("count", [1, 2, 63])
def test_files_of_hardly_any_samples(kind: str, count: int, tmp_path: Path) -> None:
    recording = probe(write(tmp_path / kind, kind, music(count / RATE), RATE))
    assert whole(recording).shape == (count, 2)
    assert read_window(recording, 0, 1).shape == (count, 2)


def test_probing_is_quick_and_reads_little(files: dict[str, Recording], tmp_path: Path) -> None:
    frames = files["vbr-no-header.mp3"].path.read_bytes()
    long = tmp_path / "long.mp3"
    long.write_bytes(frames * 400)
    before = psutil.Process().io_counters().read_chars
    assert probe(long).duration_s == pytest.approx(400 * SECONDS, rel=0.06)
    assert psutil.Process().io_counters().read_chars - before < 3_000_000 < long.stat().st_size


def test_the_length_of_a_vbr_mp3_without_header_is_not_extrapolated_from_its_beginning(tmp_path: Path) -> None:
    samples = music(24, RATE, 2)
    samples[: 8 * RATE] = 0
    recording = probe(write(tmp_path / "x.mp3", "vbr-no-header.mp3", samples, RATE))
    full = whole(recording)
    assert len(full) / RATE == pytest.approx(24, abs=0.1)
    assert recording.duration_s == pytest.approx(24, rel=0.05)


@pytest.mark.parametrize("name", ["a: b.mp3", "http:song.mp3", "concat:x.mp3", "%d.mp3", "noten–ü.mp3", "no suffix", "x.raw", "x.vox"])
@pytest.mark.parametrize("kind", ["cbr.mp3", "16.wav"])
def test_no_name_keeps_a_file_from_being_read(
    kind: str, name: str, files: dict[str, Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(files[kind].path.read_bytes())
    assert len(whole(probe(name))) == round(SECONDS * RATE)


@pytest.mark.skipif(os.name != "posix", reason="names that are no text exist on POSIX only")
def test_a_name_that_is_no_text(files: dict[str, Recording], tmp_path: Path) -> None:
    for kind in ("cbr.mp3", "16.wav"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
        path.write_bytes(files[kind].path.read_bytes())
        assert len(whole(probe(path))) == round(SECONDS * RATE)
    path.write_bytes(b"nothing")
    with pytest.raises(AudioError, match="caf") as caught:
        probe(path)
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize(("kind", "suffix"), [("16.wav", ".mp3"), ("cbr.mp3", ".wav"), ("aac.m4a", ".flac"), ("16.flac", ".ogg")])
def test_a_wrong_suffix_is_read_all_the_same_and_said(kind: str, suffix: str, files: dict[str, Recording], tmp_path: Path) -> None:
    path = tmp_path / f"wrong{suffix}"
    path.write_bytes(files[kind].path.read_bytes())
    recording = probe(path)
    assert recording.format == f"{files[kind].format} (named {suffix})"
    assert len(whole(recording)) == len(whole(files[kind]))


def test_not_numbers_become_silence_and_are_counted(tmp_path: Path) -> None:
    samples = source()
    samples[100, 0], samples[200] = np.nan, (np.inf, -np.inf)
    samples[300] = 7.5
    path = tmp_path / "nan.wav"
    write_sf(path, samples, RATE, "WAV", "FLOAT")
    with open_blocks(probe(path)) as blocks:
        full = np.concatenate(list(blocks))
    assert np.isfinite(full).all()
    assert full[100, 0] == 0
    assert full[100, 1] == samples[100, 1]
    assert (full[300] == 7.5).all()
    assert blocks.notices == ["Silence replaces 3 samples that were no numbers (NaN, infinite or far too large)."]
    assert np.isfinite(read_window(probe(path), 0, 0.1)).all()


def test_a_double_too_large_for_float32_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "huge.wav"
    write_sf(path, np.array([[0.5, 9e5], [1e300, -9e5], [-0.5, 0]]), RATE, "WAV", "DOUBLE")  # type: ignore[arg-type]  # doubles on purpose
    with open_blocks(probe(path)) as blocks:
        np.testing.assert_array_equal(np.concatenate(list(blocks)), [[0.5, 9e5], [0, -9e5], [-0.5, 0]])
    assert np.isfinite(to_mono(read_window(probe(path), 0, 1))).all()
    assert blocks.notices == ["Silence replaces 1 sample that was no number (NaN, infinite or far too large)."]


def test_cancelling_stops_at_the_next_block_and_closes_the_file(files: dict[str, Recording]) -> None:
    for kind in ("16.wav", "cbr.mp3"):
        token, before = Token(), psutil.Process().num_fds()
        blocks = open_blocks(files[kind], token=token)
        next(blocks)
        token.cancel()
        with pytest.raises(Cancelled):
            next(blocks)
        assert psutil.Process().num_fds() == before
        assert list(blocks) == []


def test_cancelling_also_stops_the_way_to_a_far_start(files: dict[str, Recording]) -> None:
    token, before = Token(), psutil.Process().num_fds()
    token.cancel()
    with pytest.raises(Cancelled):
        open_blocks(files["vorbis.webm"], start_s=3.0, token=token)
    assert psutil.Process().num_fds() == before


def test_the_file_is_closed_when_the_reader_stops_early(files: dict[str, Recording]) -> None:
    def mono(recording: Recording):  # noqa: ANN202
        with open_blocks(recording) as blocks:
            for block in blocks:
                yield to_mono(block)

    for kind in ("16.wav", "cbr.mp3"):
        before = psutil.Process().num_fds()
        stream = mono(files[kind])
        next(stream)
        assert psutil.Process().num_fds() == before + 1
        stream.close()
        assert psutil.Process().num_fds() == before


def test_content_hash_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(os.urandom(5_000_001))
    assert content_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        content_hash(path, token)
    with pytest.raises(AudioError, match="no longer there"):
        content_hash(tmp_path / "missing.wav")


def test_searching_folders_can_be_cancelled(tmp_path: Path) -> None:
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        find_recordings([tmp_path], token)


def test_find_recordings_searches_folders_in_natural_order(tmp_path: Path) -> None:
    names = ["10.wav", "9.MP3", "a/track 2.flac", "a/Track 10.flac", "a/b/x.m4a", "a/notes.txt", ".hidden.wav", ".git/x.wav", "_y.opus"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    given_file = tmp_path / "a" / "notes.txt"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        (tmp_path / "loop").symlink_to(tmp_path)
    found = find_recordings([given_file, tmp_path, tmp_path / "10.wav"])
    shown = [path.relative_to(tmp_path).as_posix() for path in found]
    assert shown == ["a/notes.txt", "9.MP3", "10.wav", "_y.opus", "a/track 2.flac", "a/Track 10.flac", "a/b/x.m4a"]


@settings(max_examples=25, deadline=None)
@given(
    rates=st.sampled_from([(44100, 22050), (44100, 32000), (48000, 22050), (22050, 32000), (8000, 22050), (22050, 22050), (96000, 32000)]),
    cuts=st.lists(st.integers(0, 6000), max_size=6),
    channels=st.integers(0, 2),
)
def test_resampling_in_blocks_equals_resampling_whole(rates: tuple[int, int], cuts: list[int], channels: int) -> None:
    samples = music(0.2, rates[0], max(1, channels))
    samples = samples if channels else samples[:, 0]
    resampler = Resampler(*rates)
    parts = [resampler.push(part) for part in np.split(samples, sorted(min(cut, len(samples)) for cut in cuts))]
    np.testing.assert_allclose(np.concatenate([*parts, resampler.finish()]), soxr.resample(samples, *rates), atol=1e-6)


def test_resampling_a_single_sample_and_nothing() -> None:
    resampler = Resampler(22050, 44100)
    single = np.concatenate([resampler.push(np.full(1, 0.5, np.float32)), resampler.finish()])
    assert len(single) == 2
    assert np.abs(single).max() > 0.1
    assert len(Resampler(44100, 22050).finish()) == 0


def test_real_recordings_read_whole_and_by_windows(data_dir: Path) -> None:
    random = np.random.default_rng(0)
    for path in find_recordings([data_dir / "gtzan-mini", data_dir / "instruments", data_dir / "composers"])[::40]:
        recording = probe(path)
        full = whole(recording)
        assert len(full) / recording.sample_rate == pytest.approx(recording.duration_s, abs=0.01)
        start = int(random.integers(0, len(full))) / recording.sample_rate
        window = read_window(recording, start, start + 0.2)
        first = round(start * recording.sample_rate)
        np.testing.assert_allclose(window, full[first : first + len(window)], atol=NOT_TO_THE_BIT)
