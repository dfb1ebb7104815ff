"""Listening: every file ends with its embeddings in the project or with a reason, once, whatever happens in between."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from audio_files import Coded, music, write_av
from listening_files import RATE, SPEC, Levels, noise

from musicclass_gui.engine import encoders
from musicclass_gui.engine.audio import content_hash
from musicclass_gui.engine.build.embedding import windows_of
from musicclass_gui.engine.cache import Cache, opened
from musicclass_gui.engine.errors import Cancelled, EncoderError, ProjectError
from musicclass_gui.engine.lessons.listen import CHANGED, NOT_FINITE, SILENT, Listened, listen
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musicclass_gui.engine.encoders import Encoder
    from musicclass_gui.engine.lessons.news import Heard
    from musicclass_gui.engine.windows import Audio

NAMES = (SPEC.id, SPEC.version, SPEC.grid.name)


@dataclass
class Room:
    """A project and a cache, with what was told."""

    project: Project
    cache: Cache
    told: list[Heard] = field(default_factory=list)

    def listen(self, files: Sequence[Path], encoder: Encoder | None = None, token: Token | None = None) -> dict[Path, Listened]:
        """Listen with `encoder`; None where it must not be needed."""

        def load() -> Encoder:
            assert encoder is not None, "nothing should be computed"
            return encoder

        spec = encoder.spec if encoder else SPEC
        return listen(self.project, files, spec, load, self.cache, token or Token(), self.told.append)

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(Path(heard.path).name, heard.state) for heard in self.told]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    threads = threading.active_count()
    with Project.create(tmp_path / "p.musicclass") as project, opened(tmp_path / "cache") as cache:
        yield Room(project, cache)
    assert threading.active_count() == threads


def test_what_is_stored_is_what_the_encoder_makes_of_the_windows(room: Room, tmp_path: Path) -> None:
    files = [noise(tmp_path / f"{n}.wav", 2.0 + n / 3, seed=n, rate=rate) for n, rate in enumerate((8000, 11025, 8000))]
    found = room.listen(files, Levels())
    assert list(found) == files
    for path in files:
        windows = windows_of(path, SPEC.grid, RATE, Token())
        stored = room.project.embedded(found[path].hash, *NAMES)
        assert stored is not None
        np.testing.assert_allclose(stored.data, Levels().embed([w.samples for w in windows]), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(stored.mean, stored.data.mean(axis=0), rtol=1e-5)
        assert stored.spans == [(w.start_s, w.end_s) for w in windows]
        assert stored.loud.all()
        recording = room.project.recording(content_hash(path))
        assert recording is not None
        assert (recording.path, recording.hash, recording.notices) == (path, found[path].hash, [])
    assert sorted(room.states) == [("0.wav", "embedded"), ("1.wav", "embedded"), ("2.wav", "embedded")]
    assert [(heard.done, heard.total) for heard in room.told] == [(1, 3), (2, 3), (3, 3)]


def test_quiet_windows_are_stored_but_not_in_the_mean(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "half.wav"
    soundfile.write(path, np.r_[np.zeros(2 * RATE), 0.1 * np.ones(2 * RATE)], RATE)
    stored = room.project.embedded(room.listen([path], Levels())[path].hash, *NAMES)
    assert stored is not None
    assert stored.loud.tolist() == [False, False, False, True, True, True, True]
    np.testing.assert_allclose(stored.mean, stored.data[3:].mean(axis=0), rtol=1e-5)


def test_windows_of_several_files_go_together_and_each_call_has_one_length(room: Room, tmp_path: Path) -> None:
    files = [noise(tmp_path / f"{n}.wav", 1.0 if n % 2 else 0.5, level=0.01 + n / 100) for n in range(30)]
    encoder = Levels(lambda windows: time.sleep(0.05))  # so that windows gather
    room.listen(files, encoder)
    assert all(len(set(sizes)) == 1 for sizes in encoder.calls)
    assert sum(map(len, encoder.calls)) == 30
    assert max(map(len, encoder.calls)) > 2


def test_what_the_project_has_is_not_computed_again(room: Room, tmp_path: Path) -> None:
    files = [noise(tmp_path / f"{n}.wav", seed=n) for n in range(3)]
    first = room.listen(files, Levels())
    assert room.listen(files) == first
    assert room.states[3:] == [("0.wav", "known"), ("1.wav", "known"), ("2.wav", "known")]


def test_what_the_cache_has_is_taken_into_another_project_and_the_other_way_round(room: Room, tmp_path: Path) -> None:
    path = noise(tmp_path / "a.flac")
    hash = room.listen([path], Levels())[path].hash
    assert room.cache.reading(hash) is not None
    with Project.create(tmp_path / "other.musicclass") as project:
        other = Room(project, room.cache)
        assert other.listen([path]) == {path: Listened(hash)}
        one, two = (p.embedded(hash, *NAMES) for p in (room.project, project))
        assert one is not None
        assert two is not None
        np.testing.assert_array_equal(one.data, two.data)
        np.testing.assert_array_equal(one.mean, two.mean)
        assert project.recordings() == room.project.recordings()
    with opened(tmp_path / "empty") as empty:
        assert Room(room.project, empty).listen([path]) == {path: Listened(hash)}


def test_another_grid_is_another_embedding(room: Room, tmp_path: Path) -> None:
    path, encoder = noise(tmp_path / "a.wav"), Levels()
    for grid in (None, Grid(0.5, 0.5)):
        listen(room.project, [path], SPEC, lambda: encoder, room.cache, Token(), room.told.append, grid=grid)
    assert sum(map(len, encoder.calls)) == 3 + 4
    assert room.project.has_embedding(content_hash(path), SPEC.id, SPEC.version, "0.5/0.5")


def test_the_same_content_is_embedded_once(room: Room, tmp_path: Path) -> None:
    one = noise(tmp_path / "one.wav")
    two = tmp_path / "two.wav"
    two.write_bytes(one.read_bytes())
    encoder = Levels()
    found = room.listen([one, two, one], encoder)
    assert sum(map(len, encoder.calls)) == 3
    assert found[one] == found[two] == Listened(content_hash(one))
    assert sorted(state for _, state in room.states) == ["embedded", "known"]


def test_bad_files_say_why_and_the_rest_goes_on(room: Room, tmp_path: Path) -> None:
    good = noise(tmp_path / "good.wav")
    bad, empty, gone = tmp_path / "bad.wav", tmp_path / "empty.wav", tmp_path / "gone.wav"
    bad.write_bytes(b"this is no sound")
    empty.touch()
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(2 * RATE), RATE)
    found = room.listen([bad, empty, gone, silent, tmp_path, good], Levels())
    assert found[good].reason == ""
    assert found[silent].reason == SILENT
    assert "it is empty" in found[empty].reason
    assert "no longer there" in found[gone].reason
    assert "it is a folder" in found[tmp_path].reason
    assert "cannot be read" in found[bad].reason
    assert [row.path for row in room.project.recordings()] == [good]
    assert {heard.reason for heard in room.told if heard.state == "failed"} == {one.reason for one in found.values() if one.reason}
    again = room.listen([silent, good])  # nor is silence listened to twice
    assert again[silent].reason == SILENT


def test_a_file_that_is_cut_off_is_taught_as_far_as_it_can_be_read(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    noise(path, 4.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = room.listen([path], Levels())
    recording = room.project.recording(found[path].hash)
    assert recording is not None
    assert 1.0 < recording.duration_s < 3.0
    assert recording.notices


def test_tags_are_kept(room: Room, tmp_path: Path) -> None:
    import mutagen

    path = noise(tmp_path / "a.flac")
    tags = mutagen.File(path, easy=True)
    tags["title"], tags["artist"], tags["album"] = "Air", "Anna", "First"
    tags.save()
    room.listen([path], Levels())
    [recording] = room.project.recordings()
    assert (recording.title, recording.artist, recording.album) == ("Air", "Anna", "First")


def test_files_that_change_or_vanish_while_they_are_read_are_refused(room: Room, tmp_path: Path) -> None:
    one, two, good = (noise(tmp_path / f"{n}.wav", level=n / 10) for n in (1, 2, 3))

    def meddle(windows: Sequence[Audio]) -> None:
        if any(abs(window.mean() - 0.1) < 0.01 for window in windows):
            one.write_bytes(one.read_bytes() + b"more")
        if any(abs(window.mean() - 0.2) < 0.01 for window in windows):
            two.unlink(missing_ok=True)

    found = room.listen([one, two, good], Levels(meddle))
    assert [found[path].reason for path in (one, two, good)] == [CHANGED, CHANGED, ""]
    assert [row.path for row in room.project.recordings()] == [good]
    assert room.listen([one], Levels())[one].reason == ""  # as it is now


def test_a_copy_of_a_file_that_changed_meanwhile_is_read_itself(room: Room, tmp_path: Path) -> None:
    one, copy = noise(tmp_path / "one.wav"), tmp_path / "copy.wav"
    copy.write_bytes(one.read_bytes())
    found = room.listen([one, copy], Levels(lambda windows: os.utime(one, (1, 1))))
    assert (found[one].reason, found[copy].reason) == (CHANGED, "")


def test_a_recording_that_was_moved_is_found_where_it_is_now(room: Room, tmp_path: Path) -> None:
    old = noise(tmp_path / "old.wav")
    room.listen([old], Levels())
    new = old.rename(tmp_path / "new.wav")
    room.listen([new])
    assert [row.path for row in room.project.recordings()] == [new]
    assert room.project.missing() == set()


def test_cancelling_keeps_what_is_through(room: Room, tmp_path: Path) -> None:
    files = [noise(tmp_path / f"{n}.wav", level=0.01 * (n + 1)) for n in range(20)]
    token = Token()
    with pytest.raises(Cancelled):
        listen(
            room.project, files, SPEC, lambda: Levels(lambda windows: time.sleep(0.01)), room.cache, token,
            lambda heard: token.cancel() if heard.done == 3 else None,
        )  # fmt: skip
    kept = len(room.project.recordings())
    assert 3 <= kept < 20
    room.listen(files, Levels())
    assert [state for _, state in room.states].count("known") >= kept
    assert len(room.project.recordings()) == 20


def test_cancelling_does_not_wait_for_a_long_file(room: Room, tmp_path: Path) -> None:
    path = noise(tmp_path / "long.wav", 600.0)
    token = Token()
    with pytest.raises(Cancelled):
        room.listen([path], Levels(lambda windows: token.cancel()), token)
    assert room.project.recordings() == []


def test_numbers_that_are_not_finite_cost_only_their_file(room: Room, tmp_path: Path) -> None:
    class Odd(Levels):
        def embed(self, windows: Sequence[Audio]) -> encoders.Embeddings:
            rows = super().embed(windows)
            return np.where(rows[:, :1] > 0.4, np.float32(np.nan), rows)

    bad, good = noise(tmp_path / "bad.wav", level=0.5), noise(tmp_path / "good.wav")
    found = room.listen([bad, good], Odd())
    assert (found[bad].reason, found[good].reason) == (NOT_FINITE, "")
    assert room.cache.embedded(content_hash(bad), SPEC, SPEC.grid) is None


def test_an_encoder_that_fails_is_said_in_a_sentence(room: Room, tmp_path: Path) -> None:
    def fail(windows: Sequence[Audio]) -> None:
        raise RuntimeError("no room\nat all")

    with pytest.raises(EncoderError, match=r"The encoder levels failed \(no room\); close"):
        room.listen([noise(tmp_path / "a.wav", 60.0)], Levels(fail))


def test_a_project_that_cannot_be_written_stops_it_with_its_reason(room: Room, tmp_path: Path) -> None:
    with Project.open(room.project.path, write=False) as closed, pytest.raises(ProjectError, match="opened only to be read"):
        Room(closed, room.cache).listen([noise(tmp_path / "a.wav", 30.0), noise(tmp_path / "b.wav", 60.0)], Levels())


def test_an_hour_needs_no_more_memory_than_a_minute(room: Room, tmp_path: Path) -> None:
    path = noise(tmp_path / "long.wav", 3600.0)  # 115 MB of samples
    tracemalloc.start()
    try:
        room.listen([path], Levels())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6


def test_progress_grows_within_a_file_and_ends_at_the_whole(room: Room, tmp_path: Path) -> None:
    seen: list[float] = []
    files = [noise(tmp_path / "a.wav", 60.0), noise(tmp_path / "b.wav", 2.0)]
    room.listen(files, Levels(), Token(lambda fraction, text: seen.append(fraction)))
    assert seen[-1] == 1.0
    assert len({round(value, 2) for value in seen}) > 4


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_at_any_moment_nothing_is_computed_twice_for_a_finished_file(tmp_path: Path) -> None:
    files = {n: noise(tmp_path / "audio" / f"{n:03}.wav", 3.0, level=n / 100) for n in range(5, 85)}
    numbers = {path: n for n, path in files.items()}
    log, project = tmp_path / "log", tmp_path / "p.musicclass"
    log.touch()
    moments, rounds = random.Random(7), 0
    done: set[int] = set()
    while len(done) < len(files):
        before = log.stat().st_size
        kill_at(
            moments.uniform(0.0, 0.15) if rounds < 12 else 60.0,
            [sys.executable, str(Path(__file__).parents[1] / "listening_files.py"), str(tmp_path)],
            log,
        )
        rounds += 1
        heard = {int(line) for line in log.read_bytes()[before:].decode().splitlines()}
        assert not heard & done
        done = finished(project, numbers)
    assert rounds > 5
    assert done == set(numbers.values())


def kill_at(seconds: float, command: list[str], log: Path) -> None:
    """Kill a process so long after it has begun to work, unless it ends before."""
    before = log.stat().st_size
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}) as process:
        while process.poll() is None and log.stat().st_size == before:
            time.sleep(0.005)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        assert process.wait() in (0, -signal.SIGKILL)


def finished(path: Path, numbers: dict[Path, int]) -> set[int]:
    with Project.open(path, write=False) as project:
        rows = project.recordings()
        assert all(project.has_embedding(row.hash, *NAMES) for row in rows)
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        db.close()
    return {numbers[row.path] for row in rows}


def test_compressed_files_in_stereo_and_the_real_encoder(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    write_av(path, music(12.0), 44100, Coded("libmp3lame", bit_rate=128_000))
    encoder = encoders.load("timbre")
    found = room.listen([path], encoder)
    stored = room.project.embedded(found[path].hash, "timbre", encoder.spec.version, encoder.spec.grid.name)
    windows = windows_of(path, encoder.spec.grid, encoder.spec.sample_rate, Token())
    assert stored is not None
    np.testing.assert_allclose(stored.data, encoder.embed([w.samples for w in windows]), rtol=1e-4, atol=1e-4)


def test_real_instruments(room: Room, data_dir: Path) -> None:
    files = sorted((data_dir / "instruments" / "freesound10" / "Flute").iterdir())[:4]
    found = room.listen(files, encoders.load("timbre"))
    assert [one.reason for one in found.values()] == [""] * 4
    assert len(room.project.means("timbre", "1", "5/2.5")[0]) == 4
