"""The cache: gives back what it was given, forgets what changed, survives damage."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.cache import Cache, Embedded, Reading
from musicclass_gui.engine.encoders import EncoderSpec
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    cache.remember_hash(path, "h")
    assert cache.known_hash(path) == "h"
    path.write_bytes(b"abcd")
    assert cache.known_hash(path) is None


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
    os.utime(file, (file.stat().st_mtime - age_s,) * 2)
    if finished:
        cache.remember_picture(name, folder)
    return folder


def test_trimming_drops_the_oldest_and_what_was_abandoned(cache: Cache) -> None:
    old, new = picture(cache, "old", age_s=100, finished=True), picture(cache, "new", age_s=0, finished=True)
    growing, abandoned = picture(cache, "growing", age_s=5, finished=False), picture(cache, "left", age_s=1e6, finished=False)
    cache.trim(limit_bytes=2500)
    assert [folder.is_dir() for folder in (old, new, growing, abandoned)] == [False, True, True, False]
    assert cache.picture("old") is None


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
