"""Tags are read from every kind of file that has them, and whatever is wrong with a file, nothing is raised."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.id3 import TALB, TIT2, TPE1

from musicclass_gui.engine.project.tags import Tags, clean, group_of, read_tags

if TYPE_CHECKING:
    from pathlib import Path

HEADS = [
    b"",
    b"ID3\x04\0\0\0\0\x0f\x7f",
    b"fLaC",
    b"OggS\0\x02",
    b"RIFF\xff\xff\xff\xffWAVEfmt ",
    b"FORM\0\0\xff\xffAIFFCOMM",
    b"\xff\xfb\x90\x64",
]


def made(path: Path) -> Path:
    soundfile.write(path, np.zeros(4000, np.float32), 8000)
    return path


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3"])
def test_tags_of_a_file_are_read(tmp_path: Path, kind: str) -> None:
    import mutagen

    path = made(tmp_path / f"x.{kind}")
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    file["title"], file["artist"], file["album"] = ["  A\ntitle "], ["", "Someone 🎹", "Another"], ["عود"]
    file.save()
    assert read_tags(path) == Tags("A title", "Someone 🎹", "عود")


@pytest.mark.parametrize("kind", ["wav", "aiff"])
def test_tags_in_chunks_are_read(tmp_path: Path, kind: str) -> None:
    import mutagen

    path = made(tmp_path / f"x.{kind}")
    file = mutagen.File(path)
    file.add_tags()
    for frame, text in ((TIT2, "Title"), (TPE1, "Someone"), (TALB, "Album")):
        file.tags.add(frame(encoding=3, text=[text]))
    file.save()
    assert read_tags(path) == Tags("Title", "Someone", "Album")


def test_a_file_without_tags_has_none(tmp_path: Path) -> None:
    assert read_tags(made(tmp_path / "x.wav")) == Tags()
    assert read_tags(tmp_path / "none.mp3") == Tags()
    assert read_tags(tmp_path) == Tags()
    (tmp_path / "text.mp3").write_text("no sound")
    assert read_tags(tmp_path / "text.mp3") == Tags()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    assert read_tags(tmp_path / "pipe.mp3") == Tags()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.sampled_from(HEADS), st.binary(max_size=400), st.sampled_from(["mp3", "flac", "ogg", "wav", "m4a", "wma", "aiff"]))
def test_no_bytes_raise(tmp_path: Path, head: bytes, rest: bytes, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    path.write_bytes(head + rest)
    tags = read_tags(path)
    assert all(text == clean(text) for text in (tags.title, tags.artist, tags.album))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(place=st.floats(0, 1), garbage=st.binary(min_size=1, max_size=40))
def test_no_damage_raises(tmp_path: Path, place: float, garbage: bytes) -> None:
    path = tmp_path / "damaged.flac"
    whole = made(tmp_path / "x.flac").read_bytes()
    start = int(place * min(len(whole), 300))
    path.write_bytes(whole[:start] + garbage + whole[start + len(garbage) :])
    assert isinstance(read_tags(path), Tags)


@given(st.text())
def test_a_cleaned_text_is_one_line_that_can_be_printed(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable() or not cleaned
    assert len(cleaned) <= 500
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("tags", "subfolder", "group"),
    [
        (Tags("T", "Someone", "Album"), "folder", "someone"),
        (Tags("T", "SOMEONE", "Other album"), "", "someone"),
        (Tags("T", "", "Album"), "folder", "album"),
        (Tags("T"), "Folder/deep", "Folder/deep"),
        (Tags(), "", ""),
    ],
)
def test_recordings_of_an_artist_or_album_or_folder_are_one_group(tags: Tags, subfolder: str, group: str) -> None:
    assert group_of(tags, subfolder) == group
