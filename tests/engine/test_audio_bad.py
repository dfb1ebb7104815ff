"""Bad files: one clear sentence for what cannot be read, the good part and a notice for what can; never a crash or a hang."""

from __future__ import annotations

import errno
import io
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from audio_files import WRITERS, Coded, Samples, music, write, write_av, write_sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musicclass_gui.engine.audio import content_hash, open_blocks, probe, read_window
from musicclass_gui.engine.audio_paths import naming_errors_of
from musicclass_gui.engine.decoders_pyav import PyavDecoder
from musicclass_gui.engine.errors import AudioError

RATE = 44100
SECONDS = 3.0


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("good")
    return {kind: write(folder / kind, kind, music(SECONDS), RATE).read_bytes() for kind in WRITERS}


@pytest.fixture(autouse=True)
def no_file_stays_open() -> Iterator[None]:
    before = psutil.Process().num_fds()
    yield
    assert psutil.Process().num_fds() == before


def read(path: Path) -> tuple[Samples, list[str]]:
    with open_blocks(probe(path)) as blocks:
        parts = list(blocks)
    return np.concatenate(parts), blocks.notices


def refusal(path: Path) -> str:
    """Why `path` is refused, after checking that it is said in one sentence and at once."""
    caught: list[AudioError] = []
    opener = threading.Thread(target=lambda: caught.append(_error_of(path)), daemon=True)
    opener.start()
    opener.join(10)
    assert caught, "opening hangs"
    sentence = str(caught[0])
    assert re.fullmatch(r"“[^”]+” cannot be read because [^;.]+(?:\.\w+[^;.]*)*; [a-z][^;.]+\.", sentence), sentence
    return sentence


def _error_of(path: Path) -> AudioError:
    with pytest.raises(AudioError) as caught:
        read(path)
    return caught.value


NOT_AUDIO = {
    "empty.wav": (b"", "it is empty"),
    "picture.mp3": (b"\x89PNG\r\n\x1a\n" + bytes(5000), "a PNG picture"),
    "photo.flac": (b"\xff\xd8\xff\xe0" + os.urandom(5000), "a JPEG picture"),
    "paper.mp3": (b"%PDF-1.7\n" + os.urandom(50_000), "a PDF document"),
    "page.mp3": (b"<!DOCTYPE html><html><body>404</body></html>" * 30, "a web page"),
    "words.wav": ("Die Höhle war dunkel, it is only text.\n".encode() * 500, "text"),
    "list.m3u": (b"#EXTM3U\n/etc/passwd\n", "text"),
    "concat.mp3": (b"ffconcat version 1.0\nfile other.mp3\n", "text"),
    "pack.mp3": (b"PK\x03\x04" + os.urandom(3000), "a ZIP archive"),
    "notes.mid": (b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk" + bytes(50), "a MIDI file"),
    "zeros.mp3": (bytes(100_000), "it is not audio"),
    "byte.mp3": (b"\xff", "it is not audio"),
    "riff.wav": (b"RIFF\x24\0\0\0WAVE", "damaged or cut off near its beginning"),
    "flac.flac": (b"fLaC", "damaged or cut off near its beginning"),
    "ogg.ogg": (b"OggS" + bytes(200), "damaged or cut off near its beginning"),
    "ftyp.m4a": (b"\0\0\0\x18ftypM4A " + bytes(300), "its index is missing"),
}


@pytest.mark.parametrize("name", NOT_AUDIO)
def test_what_is_not_audio_is_named(name: str, tmp_path: Path) -> None:
    content, why = NOT_AUDIO[name]
    (tmp_path / name).write_bytes(content)
    assert why in refusal(tmp_path / name)


@pytest.mark.parametrize("seed", range(12))
def test_random_bytes_are_never_taken_for_music(seed: int, tmp_path: Path) -> None:
    path = tmp_path / ("noise.mp3", "noise.wav", "noise.aac", "noise")[seed % 4]
    path.write_bytes(np.random.default_rng(seed).bytes(400_000))
    assert "not audio" in refusal(path)


def test_a_film_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "it has no audio track" in refusal(path)


@pytest.mark.parametrize("kind", ["16.wav", "16.flac", "16.aiff"])
def test_a_header_without_any_sound_is_an_error(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / kind, kind, music(1), RATE)
    path.write_bytes(path.read_bytes()[: {"16.wav": 44, "16.flac": 86, "16.aiff": 54}[kind]])
    refusal(path)


def test_folders_links_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    assert "it is a folder" in refusal(tmp_path)
    assert "it is no longer there" in refusal(tmp_path / "missing.wav")
    assert "it is a link to a file that is not there" in refusal(tmp_path / "dangling.wav")
    assert "a link that leads back to itself" in refusal(tmp_path / "loop.wav")
    assert "its name is too long" in refusal(tmp_path / ("x" * 5000))
    assert "its name holds characters" in refusal(Path(f"{tmp_path}/nul\0.wav"))
    (tmp_path / "file.wav").write_bytes(b"x")
    refusal(tmp_path / "file.wav" / "below.wav")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name exist on POSIX only")
def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "it is a pipe or a device" in refusal(tmp_path / "pipe.wav")
    assert "it is a pipe or a device" in refusal(Path("/dev/zero"))
    with pytest.raises(AudioError, match="pipe or a device"):
        content_hash(tmp_path / "pipe.wav")


@contextmanager
def without_rights() -> Iterator[None]:
    """As a user who owns nothing, when the tests run as root, whom no permission stops."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="POSIX permissions")
def test_no_permission() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "private.wav"
        write(path, "16.wav", music(0.1), RATE)
        os.chmod(folder, 0o755)
        path.chmod(0)
        with without_rights():
            assert "you have no permission to read it" in refusal(path)
            with pytest.raises(AudioError, match="you have no permission to read it"):
                content_hash(path)


def test_what_a_failing_drive_says_is_passed_on() -> None:
    sentence = "“x.wav” cannot be read because the system reports “Input/output error”; check the drive"
    with pytest.raises(AudioError, match=re.escape(sentence)), naming_errors_of("folder/x.wav"):
        raise OSError(errno.EIO, "Input/output error")


class FailingFile(io.FileIO):
    """A file on a drive that fails for good once `left` bytes were read."""

    left = 500_000

    def read(self, size: int = -1) -> bytes:
        self.left -= size
        if self.left < 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_a_drive_that_fails_leaves_the_good_part(tmp_path: Path, good: dict[str, bytes], capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(good["vbr-no-header.mp3"] * 20)
    with FailingFile(path) as file:
        decoder = PyavDecoder(file)
        while len(decoder.read(65536)):
            pass
        decoder.close()
    assert decoder.ended_early
    assert 1.0 < decoder.position / RATE < 60.0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["16.wav", "float.aiff", "16.au", "rf64.wav", "16.flac", "24.flac", "cbr.mp3", "vbr.mp3", "flac.mkv"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.77])
def test_truncated_files_give_the_good_part_and_say_how_much(kind: str, part: float, good: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / kind
    path.write_bytes(good[kind][: int(len(good[kind]) * part)])
    full, notices = read(path)
    seconds = len(full) / RATE
    assert seconds == pytest.approx(SECONDS * part, abs=0.25)
    assert notices == [f"Only the first {seconds:.1f} s of 3.0 s could be read because the file is cut off or damaged there."]
    (tmp_path / "good").write_bytes(good[kind])
    whole, _ = read(tmp_path / "good")
    np.testing.assert_allclose(full[:-2000], whole[: len(full) - 2000], atol=1e-6)
    assert np.abs(full[-2000:]).max() > 0, "silence must not stand for what is missing"


@pytest.mark.parametrize("kind", ["vorbis.ogg", "opus.opus", "v2.wma"])
def test_truncated_streams_that_promise_no_length_say_that_they_break_off(kind: str, good: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / kind
    path.write_bytes(good[kind][: int(len(good[kind]) * 0.7)])
    full, notices = read(path)
    assert len(full) > RATE / 2
    assert re.match(r"(The file breaks off at|Only the first) \d\.\d s", notices[0])


def test_an_mp4_without_its_index_says_so(good: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "x.m4a"
    path.write_bytes(good["aac.m4a"][: int(len(good["aac.m4a"]) * 0.8)])
    assert "its index is missing or damaged" in refusal(path)


@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_an_mp4_that_is_cut_behind_its_index_gives_the_good_part(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "x.m4a"
    write_av(path, music(SECONDS), RATE, Coded(codec, muxer={"movflags": "faststart"}))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    full, notices = read(path)
    assert 1.0 < len(full) / RATE < 2.0
    assert notices == [f"Only the first {len(full) / RATE:.1f} s of 3.0 s could be read because the file is cut off or damaged there."]


@pytest.mark.parametrize("kind", ["16.flac", "24.flac", "vorbis.ogg", "film.mkv", "aac.m4a"])
def test_damage_in_the_middle_keeps_what_follows_in_its_place(kind: str, good: dict[str, bytes], tmp_path: Path) -> None:
    data = bytearray(good[kind])
    middle = len(data) // 2
    data[middle : middle + len(data) // 30] = bytes(len(data) // 30)
    (tmp_path / "good").write_bytes(good[kind])
    (tmp_path / kind).write_bytes(data)
    whole, _ = read(tmp_path / "good")
    full, notices = read(tmp_path / kind)
    assert len(full) == len(whole)
    assert re.fullmatch(r"Damaged sound \((at|from) 1\.\d s( on)?, 0\.\d s (long|in all)\) was replaced by silence\.", notices[0]), notices
    for span in (slice(0, RATE), slice(round(2.4 * RATE), None)):
        np.testing.assert_allclose(full[span], whole[span], atol=1e-5)


@pytest.mark.parametrize("kind", ["16.flac", "vorbis.ogg", "cbr.mp3", "vbr-no-header.mp3", "aac.m4a", "opus.opus", "v2.wma", "alac.m4a"])
def test_flipped_bits_cost_little(kind: str, good: dict[str, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(good[kind])
    data[len(data) // 2] ^= 0x10
    path = tmp_path / kind
    path.write_bytes(data)
    full, _ = read(path)
    rate = probe(path).sample_rate
    assert len(full) / rate == pytest.approx(SECONDS, abs=0.1)
    assert np.count_nonzero(np.abs(full).max(axis=1) == 0) <= 1.1 * rate
    assert capfd.readouterr().err == ""


Damage = Callable[[bytearray, np.random.Generator], bytearray]


def _flip(data: bytearray, random: np.random.Generator) -> bytearray:
    for position in random.integers(0, len(data), random.integers(1, 30)):
        data[position] ^= 1 << random.integers(8)
    return data


def _spoil_head(data: bytearray, random: np.random.Generator) -> bytearray:
    for position in random.integers(0, min(200, len(data)), 5):
        data[position] = random.integers(256)
    return data


def _cut(data: bytearray, random: np.random.Generator) -> bytearray:
    return data[: random.integers(1, len(data))]


def _erase(data: bytearray, random: np.random.Generator) -> bytearray:
    start = random.integers(len(data))
    end = min(len(data), start + len(data) // 8)
    data[start:end] = bytes(end - start)
    return data


def _insert(data: bytearray, random: np.random.Generator) -> bytearray:
    start = random.integers(len(data))
    data[start:start] = random.bytes(700)
    return data


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.sampled_from([_flip, _spoil_head, _cut, _erase, _insert]), seed=st.integers(0, 2**32))
def test_any_damage_gives_sound_or_one_sentence(kind: str, damage: Damage, seed: int, good: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / kind
    path.write_bytes(damage(bytearray(good[kind]), np.random.default_rng(seed)))
    try:
        full, _ = read(path)
        recording = probe(path)
    except AudioError:
        refusal(path)
        return
    assert np.isfinite(full).all()
    assert 0 < len(full) < 30 * SECONDS * max(recording.sample_rate, 48_000)  # a spoilt header may say 1 Hz
    read_window(recording, 1.0, 1.2)
    read_window(recording, 100.0, 101.0)


def flac_that_claims(frames: int, good: dict[str, bytes], path: Path) -> Path:
    data = bytearray(good["16.flac"])
    at = data.index(b"fLaC") + 8 + 10  # STREAMINFO: 20 bits of rate, 3 of channels, 5 of depth, 36 of length
    fields = int.from_bytes(data[at : at + 8], "big") >> 36 << 36
    data[at : at + 8] = (fields | frames).to_bytes(8, "big")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("frames", [2**31, 2**36 - 1])
def test_a_claim_of_billions_of_samples_costs_no_memory(frames: int, good: dict[str, bytes], tmp_path: Path) -> None:
    path = flac_that_claims(frames, good, tmp_path / "lie.flac")
    before = psutil.Process().memory_info().rss
    full, notices = read(path)
    assert psutil.Process().memory_info().rss - before < 40_000_000
    assert np.isnan(probe(path).duration_s)
    assert len(full) == SECONDS * RATE
    assert re.fullmatch(r"Only the first 3.0 s of \d+ h \d+ min could be read because the file is cut off or damaged there\.", notices[0])
    assert read_window(probe(path), 9000, 9001).shape == (0, 2)


@pytest.mark.parametrize("frames", [0, 10])
def test_a_flac_header_that_counts_too_few_or_nothing_hides_nothing(frames: int, good: dict[str, bytes], tmp_path: Path) -> None:
    path = flac_that_claims(frames, good, tmp_path / "lie.flac")
    full, notices = read(path)
    assert len(full) == SECONDS * RATE
    assert notices == []
    assert read_window(probe(path), 2.0, 2.5).shape == (RATE // 2, 2)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_that_was_never_closed_is_read_to_its_end(size: int, good: dict[str, bytes], tmp_path: Path) -> None:
    data = bytearray(good["16.wav"])
    data[4:8] = data[40:44] = size.to_bytes(4, "little")
    path = tmp_path / "recorder.wav"
    path.write_bytes(data)
    full, notices = read(path)
    assert len(full) == SECONDS * RATE
    assert probe(path).duration_s == pytest.approx(SECONDS)
    assert notices == []


def test_a_wav_that_claims_more_than_it_holds_says_so(good: dict[str, bytes], tmp_path: Path) -> None:
    data = bytearray(good["16.wav"])
    data[40:44] = (len(data) * 100).to_bytes(4, "little")
    path = tmp_path / "lie.wav"
    path.write_bytes(data)
    full, notices = read(path)
    assert len(full) == SECONDS * RATE
    assert notices == ["Only the first 3.0 s of 5 min 0 s could be read because the file is cut off or damaged there."]


def test_files_joined_end_to_end_are_read_to_the_end(tmp_path: Path) -> None:
    stereo = write(tmp_path / "a.mp3", "cbr.mp3", music(2.0), RATE).read_bytes()
    mono = write(tmp_path / "b.mp3", "cbr.mp3", music(1.5, 22050, 1), 22050).read_bytes()
    (tmp_path / "joined.mp3").write_bytes(stereo + mono)
    full, _ = read(tmp_path / "joined.mp3")
    assert full.shape[1] == 2
    assert len(full) / RATE == pytest.approx(3.5, abs=0.15)
    assert np.abs(full[-RATE:]).mean() > 0.01
    ogg = [write(tmp_path / "o", "vorbis.ogg", music(seconds), RATE).read_bytes() for seconds in (2.0, 1.0)]
    (tmp_path / "chained.ogg").write_bytes(b"".join(ogg))
    full, _ = read(tmp_path / "chained.ogg")
    assert len(full) / RATE == pytest.approx(3.0, abs=0.05)


def test_big_and_odd_tags_are_no_hindrance(good: dict[str, bytes], tmp_path: Path) -> None:
    size = 3_000_000
    header = b"ID3\x03\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    for kind in ("vbr.mp3", "vbr-no-header.mp3"):
        path = tmp_path / kind
        path.write_bytes(header + bytes(size) + good[kind] + b"TAG" + b"\xe9" * 125)
        full, notices = read(path)
        assert len(full) / RATE == pytest.approx(SECONDS, abs=0.06)
        assert probe(path).duration_s == pytest.approx(SECONDS, rel=0.06)
        assert notices == []


@pytest.mark.parametrize("kind", ["float.wav", "16.flac", "vbr.mp3"])
def test_a_file_that_shrinks_while_it_is_read_gives_the_good_part(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / kind, kind, music(20.0), RATE)
    with open_blocks(probe(path), block_frames=4096) as blocks:
        next(blocks)
        os.truncate(path, path.stat().st_size // 2)
        for _ in blocks:
            pass
    assert 1.0 < blocks.readable_s < 11.0
    assert "Only the first" in blocks.notices[0]


def test_what_was_read_counts_though_nothing_else_is_left(tmp_path: Path) -> None:
    path = write(tmp_path / "x.flac", "16.flac", music(20.0), RATE)
    with open_blocks(probe(path), block_frames=4096) as blocks:
        next(blocks)
        os.truncate(path, 60)
        for _ in blocks:
            pass
    assert 0.0 < blocks.readable_s < 1.0
    assert re.match(r"Only the first 0\.\d s of 20\.0 s could be read", blocks.notices[0])


@pytest.mark.skipif(os.name != "posix", reason="other systems do not let open files be deleted")
@pytest.mark.parametrize("kind", ["16.wav", "vbr.mp3"])
def test_a_file_that_is_deleted_while_it_is_read_is_read_on(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / kind, kind, music(SECONDS), RATE)
    recording = probe(path)
    with open_blocks(recording, block_frames=4096) as blocks:
        next(blocks)
        path.unlink()
        assert sum(map(len, blocks)) == SECONDS * RATE - 4096 or kind == "vbr.mp3"
    assert blocks.readable_s == pytest.approx(SECONDS)
    with pytest.raises(AudioError, match="no longer there"):
        open_blocks(recording)


def test_a_file_that_was_replaced_since_it_was_probed(tmp_path: Path) -> None:
    path = write(tmp_path / "x", "16.wav", music(0.5), RATE)
    recording = probe(path)
    write(path, "16.wav", music(0.5, 22050, 1), 22050)
    with pytest.raises(AudioError, match="it changed since it was opened; open it again"):
        open_blocks(recording)
    path.write_bytes(write(tmp_path / "x.mp3", "cbr.mp3", music(0.5), RATE).read_bytes())
    with pytest.raises(AudioError, match="it changed since it was opened"):
        open_blocks(recording)


def test_a_recording_of_nothing_but_not_numbers_is_read_as_reported_silence(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    write_sf(path, np.full((100, 1), np.nan, np.float32), RATE, "WAV", "FLOAT")
    full, notices = read(path)
    assert not full.any()
    assert notices == ["Silence replaces 100 samples that were no numbers (NaN, infinite or far too large)."]
