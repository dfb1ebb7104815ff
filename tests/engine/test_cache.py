"""The cache: gives back what it was given, forgets what changed, survives damage."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.cache import Cache, Embedded, FileStamp, Reading
from musicclass_gui.engine.encoders import EncoderSpec
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

GRID = Grid(10.0, 5.0)
SPEC = EncoderSpec("made-up", "1", "Made up", 8000, GRID, 3, "MIT")
EMBEDDED = Embedded(np.arange(6, dtype=np.float32).reshape(2, 3), [(0.0, 10.0), (5.0, 15.0)], np.array([True, False]))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path)
    yield cache
    cache.close()


def test_embeddings_come_back_bit_for_bit(cache: Cache) -> None:
    cache.remember_embedded("h", SPEC, GRID, EMBEDDED)
    found = cache.embedded("h", SPEC, GRID)
    assert found is not None
    assert np.array_equal(found.data, EMBEDDED.data)
    assert found.spans == EMBEDDED.spans
    assert found.loud.tolist() == [True, False]


def test_another_version_grid_or_content_is_not_mixed_up(cache: Cache) -> None:
    cache.remember_embedded("h", SPEC, GRID, EMBEDDED)
    assert cache.embedded("other", SPEC, GRID) is None
    assert cache.embedded("h", replace(SPEC, version="2"), GRID) is None
    assert cache.embedded("h", SPEC, Grid(5.0, 2.5)) is None


def test_a_hash_is_known_until_the_file_changes(cache: Cache, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"abc")
    cache.remember_hash(FileStamp.of(path), "h")
    assert cache.known_hash(FileStamp.of(path)) == "h"
    path.write_bytes(b"abcd")
    assert cache.known_hash(FileStamp.of(path)) is None


def test_equal_names_in_two_folders_are_two_files(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.wav").write_bytes(name.encode())
        os.utime(tmp_path / name / "a.wav", (1e9, 1e9))
    monkeypatch.chdir(tmp_path / "one")
    cache.remember_hash(FileStamp.of(Path("a.wav")), "h")
    monkeypatch.chdir(tmp_path / "two")
    assert cache.known_hash(FileStamp.of(Path("a.wav"))) is None


@pytest.mark.skipif(os.name != "posix", reason="other systems' file names are text")
def test_a_name_that_is_no_text_is_remembered_too(cache: Cache, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    path.write_bytes(b"abc")
    cache.remember_hash(FileStamp.of(path), "h")
    assert cache.known_hash(FileStamp.of(path)) == "h"
    assert cache.problem == ""


def test_readings_and_pictures_come_back(cache: Cache) -> None:
    cache.remember_reading("h", Reading(12.5, ["Only 12.5 s."]))
    assert cache.reading("h") == Reading(12.5, ["Only 12.5 s."])
    folder = cache.new_picture_folder("h")
    assert cache.picture("h") is None
    folder.mkdir(parents=True)
    cache.remember_picture("h", folder)
    assert cache.picture("h") == folder


def picture(cache: Cache, name: str, *, age_s: float, finished: bool) -> Path:
    folder = cache.new_picture_folder(name)
    folder.mkdir(parents=True)
    file = folder / "data"
    file.write_bytes(bytes(1000))
    for path in (file, folder):
        os.utime(path, (time.time() - age_s,) * 2)
    if finished:
        cache.remember_picture(name, folder)
    return folder


def test_trimming_drops_the_oldest_and_what_was_abandoned(cache: Cache) -> None:
    old, new = picture(cache, "old", age_s=100, finished=True), picture(cache, "new", age_s=0, finished=True)
    growing, abandoned = picture(cache, "growing", age_s=5, finished=False), picture(cache, "left", age_s=1e6, finished=False)
    cache.trim(limit_bytes=2500)
    assert [folder.is_dir() for folder in (old, new, growing, abandoned)] == [False, True, True, False]
    assert cache.picture("old") is None


def test_a_picture_that_was_looked_at_lately_outlives_newer_ones(cache: Cache) -> None:
    looked_at, newer = picture(cache, "old", age_s=100, finished=True), picture(cache, "new", age_s=50, finished=True)
    assert cache.picture("old") == looked_at
    cache.trim(limit_bytes=1500)
    assert [looked_at.is_dir(), newer.is_dir()] == [True, False]


def test_what_else_is_in_the_folder_does_not_hinder_trimming(cache: Cache, tmp_path: Path) -> None:
    old = picture(cache, "old", age_s=1e6, finished=False)
    (tmp_path / "pictures" / "Thumbs.db").write_bytes(b"")
    cache.trim()
    assert not old.exists()


@pytest.fixture
def unusable(tmp_path: Path) -> Path:
    """A cache folder that cannot be made, whoever asks: a file is in its place."""
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file"


def test_a_folder_that_cannot_be_used_is_told_and_costs_only_time(unusable: Path) -> None:
    cache = Cache(unusable)
    assert str(unusable) in cache.problem
    cache.remember_reading("h", Reading(1.0, []))
    assert cache.picture("h") is None
    cache.trim()
    cache.close()


def test_what_another_process_is_writing_is_waited_for_and_never_thrown_away(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("musicclass_gui.engine.cache._WAIT_S", 0.05)
    cache.remember_reading("h", Reading(1.0, []))
    cache._db.execute("BEGIN IMMEDIATE")
    other = Cache(tmp_path)
    other.remember_reading("i", Reading(2.0, []))
    assert "locked" in other.problem
    assert other.reading("h") == Reading(1.0, [])
    other.close()


def test_a_disk_that_is_full_is_told(cache: Cache) -> None:
    pages = cache._db.execute("PRAGMA page_count").fetchone()[0]
    cache._db.execute(f"PRAGMA max_page_count={pages}")
    cache.remember_embedded("h", SPEC, GRID, replace(EMBEDDED, data=np.zeros((2, 100_000), np.float32)))
    assert "full" in cache.problem
    assert cache.embedded("h", SPEC, GRID) is None


@pytest.mark.parametrize("damage", [b"not a database at all" * 100, b""])
def test_a_damaged_cache_is_started_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "cache.sqlite").write_bytes(damage)
    cache = Cache(tmp_path)
    cache.remember_reading("h", Reading(1.0, []))
    assert cache.reading("h") == Reading(1.0, [])
    cache.close()


def test_two_processes_may_have_it_open(cache: Cache, tmp_path: Path) -> None:
    other = Cache(tmp_path)
    other.remember_reading("h", Reading(1.0, []))
    cache.remember_reading("i", Reading(2.0, []))
    assert (cache.reading("h"), other.reading("i")) == (Reading(1.0, []), Reading(2.0, []))
    other.close()
