"""Recordings in a project: what goes in comes out, whatever their names; moved files are found; nothing is read without need."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project_files import KIND, embedded, recording

from musicclass_gui.engine.audio_paths import content_hash
from musicclass_gui.engine.errors import Cancelled, ProjectError
from musicclass_gui.engine.project import recordings
from musicclass_gui.engine.project.recordings import _is_there
from musicclass_gui.engine.project.rows import EmbeddedRow, RecordingRow
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from musicclass_gui.engine.project.store import Project

SAME_PROJECT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def add_file(project: Project, path: Path, text: str) -> str:
    """A file with this text, as a recording of the project."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    hash, status = content_hash(path), path.stat()
    with project.writing():
        project.add_recording(RecordingRow(hash, path, status.st_size, status.st_mtime_ns, 1.0))
        project.add_embedding(embedded(hash), *KIND)
    return hash


def test_recordings_come_back_as_they_were_in_their_order(project: Project) -> None:
    with project.writing():
        project.add_recording(recording("0"))
    assert project.recordings() == [recording(hash) for hash in "ab0"]
    assert project.recording("b") == recording("b")
    assert project.recording("c") is None


def test_a_recording_added_again_is_brought_up_to_date_and_keeps_its_embeddings(project: Project) -> None:
    row = replace(recording("a"), title="New", path=Path("/elsewhere.wav"), notices=[])
    with project.writing():
        project.add_recording(row)
    assert project.recordings() == [row, recording("b")]
    assert project.has_embedding("a", *KIND)


def test_embeddings_come_back_bit_for_bit_and_reading_them_is_counted(project: Project) -> None:
    found, wanted = project.embedded("a", *KIND), embedded("a")
    assert found is not None
    for name in ("data", "loud", "mean"):
        assert getattr(found, name).dtype == getattr(wanted, name).dtype
        assert np.array_equal(getattr(found, name), getattr(wanted, name))
    assert found.spans == wanted.spans
    assert project.reads == 1


@pytest.mark.parametrize("other", [("timbre", "2", "2/1"), ("timbre", "1", "2/2"), ("mn04-as", "1", "2/1")])
def test_another_version_grid_or_encoder_is_not_mixed_up(project: Project, other: tuple[str, str, str]) -> None:
    assert project.embedded("a", *other) is None
    assert not project.has_embedding("a", *other)
    assert project.means(*other) == ([], pytest.approx(np.zeros((0, 0))))


def test_means_are_sorted_chosen_and_read_no_windows(project: Project) -> None:
    hashes, means = project.means(*KIND)
    assert hashes == ["a", "b"]
    assert np.array_equal(means, [embedded("a").mean, embedded("b").mean])
    hashes, means = project.means(*KIND, hashes=["b", "unknown"])
    assert (hashes, means.shape) == (["b"], (1, 4))
    assert project.means(*KIND, hashes=[])[0] == []
    assert project.reads == 0


def test_a_recording_without_windows_is_kept(project: Project) -> None:
    none = EmbeddedRow("a", np.zeros((0, 4), np.float32), [], np.zeros(0, np.bool_), np.zeros(4, np.float32))
    with project.writing():
        project.add_embedding(none, *KIND)
    found = project.embedded("a", *KIND)
    assert found is not None
    assert (found.data.shape, found.spans, found.loud.shape) == ((0, 4), [], (0,))


def test_embeddings_that_are_not_whole_are_said_to_be_damaged(project: Project) -> None:
    with project.writing():
        project._change("UPDATE embeddings SET data=x'0102' WHERE hash='a'")
    with pytest.raises(ProjectError, match="stored embeddings are not whole"):
        project.embedded("a", *KIND)


def test_notices_that_are_no_list_are_said_to_be_damaged(project: Project) -> None:
    with project.writing():
        project._change("UPDATE recordings SET notices='{' WHERE hash='a'")
    with pytest.raises(ProjectError, match="damaged"):
        project.recordings()


def test_a_picture_comes_back(project: Project) -> None:
    assert project.picture("a") is None
    with project.writing():
        project.set_picture("a", b"\0\1\2")
    assert project.picture("a") == b"\0\1\2"
    assert project.picture("unknown") is None


@SAME_PROJECT
@given(st.binary(min_size=1, max_size=60).filter(lambda name: b"\0" not in name))
def test_paths_of_any_bytes_come_back(project: Project, name: bytes) -> None:
    path = Path(os.path.abspath(os.fsdecode(b"/music/" + name)))
    with project.writing():
        project.add_recording(recording("odd", path))
    found = project.recording("odd")
    assert found is not None
    assert found.path == path
    assert "odd" in project.missing()


@SAME_PROJECT
@given(st.text(max_size=600))
def test_tags_of_any_text_come_back(project: Project, text: str) -> None:
    row = replace(recording("odd"), title=text, artist=text[::-1], notices=[text])
    with project.writing():
        project.add_recording(row)
    assert project.recording("odd") == row


def test_text_that_is_no_text_is_kept_as_far_as_it_is(project: Project) -> None:
    with project.writing():
        project.add_recording(replace(recording("odd"), title="caf\udce9", notices=["caf\udce9"]))
    found = project.recording("odd")
    assert found is not None
    assert (found.title, found.notices) == ("caf?", ["caf\udce9"])


def test_a_file_is_known_until_it_changes(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    hash = add_file(project, path, "sound")
    assert project.known_hash(path) == hash
    os.utime(path, ns=(1, 1))
    assert project.known_hash(path) is None
    assert project.known_hash(tmp_path / "none.wav") is None


def test_moved_files_are_found_by_content_and_the_rest_is_missing(project: Project, tmp_path: Path) -> None:
    names = ("kept", "moved", "renamed", "deleted", "changed")
    hashes = {name: add_file(project, tmp_path / "old" / f"{name}.wav", f"{name:>10}") for name in names}
    new = tmp_path / "new" / "deep"
    new.mkdir(parents=True)
    (tmp_path / "old" / "moved.wav").rename(new / "moved.wav")
    (tmp_path / "old" / "renamed.wav").rename(new / "other name.wav")
    (tmp_path / "old" / "deleted.wav").unlink()
    (tmp_path / "old" / "changed.wav").write_text("longer than it was")
    (new / "deleted.wav").write_text("same size!")
    gone = {hashes[name] for name in names if name != "kept"}
    assert project.missing() == gone | {"a", "b"}
    found = project.find_moved([tmp_path], Token())
    assert found == {hashes["moved"]: new / "moved.wav", hashes["renamed"]: new / "other name.wav"}
    assert project.missing() == {hashes["deleted"], hashes["changed"], "a", "b"}
    assert project.known_hash(new / "moved.wav") == hashes["moved"]
    assert project.embedded(hashes["deleted"], *KIND) is not None


def test_only_files_of_the_right_size_are_read(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hash = add_file(project, tmp_path / "old.wav", "sound")
    (tmp_path / "old.wav").rename(tmp_path / "new.wav")
    for number in range(5):
        (tmp_path / f"{number}.wav").write_text("another" * (number + 1))
    read: list[str] = []

    def watched(path: Path, token: Token) -> str:
        read.append(path.name)
        return content_hash(path, token)

    monkeypatch.setattr("musicclass_gui.engine.project.moved.content_hash", watched)
    assert project.find_moved([tmp_path], Token()) == {hash: tmp_path / "new.wav"}
    assert read == ["new.wav"]


def test_looking_for_moved_files_passes_over_what_cannot_be_read_and_stops_when_asked(project: Project, tmp_path: Path) -> None:
    hash = add_file(project, tmp_path / "x" / "old.wav", "sound")
    (tmp_path / "x" / "old.wav").rename(tmp_path / "x" / "new.wav")
    (tmp_path / "x" / "link.wav").symlink_to("nowhere")
    (tmp_path / "x" / "loop").symlink_to(tmp_path / "x")
    assert project.find_moved([tmp_path / "none", tmp_path / "x"], Token()) == {hash: tmp_path / "x" / "new.wav"}
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        project.find_moved([tmp_path], token)


def test_the_same_content_is_found_once(project: Project, tmp_path: Path) -> None:
    hash = add_file(project, tmp_path / "old.wav", "sound")
    (tmp_path / "old.wav").rename(tmp_path / "copy 1.wav")
    (tmp_path / "copy 2.wav").write_text("sound")
    found = project.find_moved([tmp_path], Token())
    assert list(found) == [hash]
    assert project.missing() == {"a", "b"}


def test_a_thousand_recordings_of_their_own_transactions_are_quick(project: Project) -> None:
    rows = [embedded(f"n{number}", windows=6, dim=384) for number in range(1000)]
    start = time.perf_counter()
    for row in rows:
        with project.writing():
            project.add_recording(recording(row.hash))
            project.add_embedding(row, *KIND)
    assert time.perf_counter() - start < 10  # measured: 0.25 s
    start = time.perf_counter()
    assert project.means(*KIND, hashes=[row.hash for row in rows])[1].shape == (1000, 384)
    assert time.perf_counter() - start < 1  # measured: 0.01 s


def test_a_slow_drive_is_not_asked_at_each_step(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = add_file(project, tmp_path / "here.wav", "here")
    asked: list[bytes] = []

    def slow(path: bytes, size: int) -> bool:
        asked.append(path)
        time.sleep(0.05)
        return _is_there(path, size)

    assert project.missing_lately() == {"a", "b"}
    Path(tmp_path / "here.wav").unlink()
    assert project.missing_lately() == {"a", "b", here}  # a quick drive is asked each time
    monkeypatch.setattr(recordings, "_is_there", slow)
    assert project.missing_lately() == project.missing_lately() == {"a", "b", here}
    assert len(asked) == 3
    add_file(project, tmp_path / "here.wav", "here")
    assert project.missing_lately() == {"a", "b"}
    assert len(asked) == 3
    project.find_moved([], Token())
    assert project.missing_lately() == {"a", "b"}
    assert len(asked) == 9
