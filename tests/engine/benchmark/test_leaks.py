"""The leak detector finds what was put there, and nothing else; on the published features it says what is known of them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.benchmark import leaks
from musicclass_gui.engine.benchmark.data import Item
from musicclass_gui.engine.benchmark.splits import Split
from musicclass_gui.engine.errors import Cancelled, DataError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.protocol import Verdict


def split(train: list[str], test: list[str]) -> Split:
    return Split(tuple(train), (), tuple(test), "made")


def verdict(verdicts: list[Verdict], check: str) -> Verdict:
    (found,) = [one for one in verdicts if one.check == check]
    return found


@pytest.fixture
def songs(tmp_path: Path) -> list[Item]:
    """Eight files of equal size by four artists; the first and the last have the same bytes."""
    items = []
    for number in range(8):
        path = tmp_path / f"{number}.wav"
        path.write_bytes(bytes([0 if number == 7 else number]) * 10_000)
        items.append(
            Item(path.name, str(path), ("rock" if number % 2 else "jazz",), groups={"artist": f"artist{number // 2}", "fold": "1"})
        )
    return items


def test_copies_are_found_by_their_bytes(songs: list[Item]) -> None:
    keys = [item.key for item in songs]
    found = verdict(leaks.overlaps(songs, split(keys[:4], keys[4:])), "content")
    assert found.level == "leak"
    assert found.numbers == {"files": 1}
    assert "7.wav = 0.wav" in found.sentence
    assert verdict(leaks.overlaps(songs[:7], split(keys[:4], keys[4:7])), "content").level == "clear"


def test_files_and_items_on_both_sides_are_found(songs: list[Item]) -> None:
    keys = [item.key for item in songs]
    again = verdict(leaks.overlaps(songs, split(keys[:5], keys[4:6])), "files")
    assert (again.level, again.numbers["items"]) == ("leak", 1)
    halves = [Item(f"{item.key}#{part}", item.path, item.labels, start_s=part * 5.0) for item in songs for part in (0, 1)]
    cut = split([one.key for one in halves[:3]], [one.key for one in halves[3:]])
    assert verdict(leaks.overlaps(halves, cut), "files").numbers["items"] == 1
    assert verdict(leaks.overlaps(songs, split(keys[:4], keys[4:])), "files").level == "clear"


def test_artists_on_both_sides_are_found_and_folds_are_no_artists(songs: list[Item]) -> None:
    keys = [item.key for item in songs]
    verdicts = leaks.overlaps(songs, split(keys[:3], keys[3:]))
    artist = verdict(verdicts, "artist")
    assert artist.level == "leak"
    assert artist.numbers == {"items": 1, "groups": 1}
    assert "artist1" in artist.sentence
    assert {one.check for one in verdicts} == {"files", "content", "artist"}
    assert verdict(leaks.overlaps(songs, split(keys[:4], keys[4:])), "artist").level == "clear"


def test_a_singer_who_is_the_class_is_no_leak() -> None:
    items = [Item(f"{number}", labels=(f"s{number % 2}",), groups={"singer": f"s{number % 2}"}) for number in range(8)]
    verdicts = leaks.overlaps(items, split(["0", "1", "2", "3"], ["4", "5", "6", "7"]))
    assert [one.level for one in verdicts] == ["clear", "clear"]


def test_a_source_is_an_origin_only_where_it_is_a_recording() -> None:
    few = [Item(f"{n}", labels=(f"c{n % 4}",), groups={"source": f"kind{n % 3}"}) for n in range(12)]
    many = [Item(f"{n}", labels=(f"c{n % 2}",), groups={"source": f"rec{n // 2}"}) for n in range(12)]
    cut = split([f"{n}" for n in range(7)], [f"{n}" for n in range(7, 12)])
    assert not [one for one in leaks.overlaps(few, cut) if one.check == "source"]
    assert verdict(leaks.overlaps(many, cut), "source").numbers == {"items": 1, "groups": 1}


def test_missing_files_are_no_copies_of_each_other(tmp_path: Path) -> None:
    items = [Item(name, str(tmp_path / name), ("x",)) for name in ("a", "b")]
    assert verdict(leaks.overlaps(items, split(["a"], ["b"])), "content").level == "clear"


def test_looking_can_be_stopped(songs: list[Item]) -> None:
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        leaks.overlaps(songs, split(["0.wav"], ["7.wav"]), token)


def test_exact_and_near_duplicates_are_found() -> None:
    data = np.random.default_rng(0).normal(size=(200, 12)) * np.linspace(0.01, 100, 12)
    keys = [f"k{number}" for number in range(200)]
    parts = split(keys[:150], keys[150:])
    assert leaks.duplicates(data, keys, parts).level == "clear"
    data[160] = data[3] * (1 + 1e-4)
    near = leaks.duplicates(data, keys, parts)
    assert (near.level, near.numbers["near"], near.numbers["exact"]) == ("note", 1, 0)
    assert "k160 = k3" in near.sentence
    data[170] = data[5]
    exact = leaks.duplicates(data, keys, parts)
    assert (exact.level, exact.numbers["near"], exact.numbers["exact"]) == ("leak", 1, 1)
    assert leaks.duplicates(data, keys, split(keys, [])).level == "clear"


def made(batch_mark: float, count: int = 600, batch: int = 100) -> tuple[NDArray[np.float64], list[str]]:
    """Features that drift along the list as neighbouring files do, and carry a mark of their batch of the given strength."""
    generator = np.random.default_rng(1)
    labels = [f"c{number // 150}" for number in range(count)]
    drift = np.repeat(generator.normal(size=(count // 5, 20)), 5, axis=0)
    marks = np.repeat(generator.normal(size=(count // batch, 20)), batch, axis=0)
    return generator.normal(size=(count, 20)) + drift + batch_mark * marks, labels


def test_a_mark_of_the_batch_is_found_and_drift_is_none() -> None:
    found = leaks.fingerprint(*made(2.0), batch=100)
    assert found.level == "leak"
    assert found.numbers["auc_boundaries"] > found.numbers["auc_within"] + 0.1
    assert "gives the class away" in found.sentence
    assert leaks.fingerprint(*made(0.0), batch=100).level == "clear"


def test_with_another_batch_length_the_mark_is_not_at_the_boundaries() -> None:
    features, labels = made(2.0)
    assert leaks.fingerprint(features, labels, batch=130).level != "leak"


def test_one_batch_and_boundaries_outside_of_classes_are_said() -> None:
    features, labels = made(2.0)
    assert "fit into one batch" in leaks.fingerprint(features, labels, batch=600).sentence
    untold = leaks.fingerprint(features, labels, batch=150)
    assert (untold.level, untold.numbers["boundaries"]) == ("note", 0)
    assert "cannot be tested" in untold.sentence


def test_features_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="no numbers"):
        leaks.fingerprint(np.full((3, 2), np.nan), ["a"] * 3)
    with pytest.raises(DataError, match="no table"):
        leaks.duplicates(np.zeros(3), ["a"] * 3, split(["a"], ["b"]))


def published(folder: Path, key: str) -> tuple[NDArray[np.float32], list[str]]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = [row.get("label", "all") for row in csv.DictReader(file)]
    names = ["mfcc"] if key == "mfcc" else [f"layer_{number}" for number in range(5)]
    return np.hstack([np.load(folder / f"{name}.npy") for name in names]), labels


@pytest.mark.parametrize(
    ("task", "key", "level"),
    [
        ("gtzan_genre", "layers", "leak"),
        ("gtzan_genre", "mfcc", "clear"),
        ("ballroom_extended", "layers", "leak"),
        ("ballroom_extended", "mfcc", "clear"),
        ("urbansound", "layers", "leak"),
        ("jamendo_vd", "layers", "leak"),
        ("jamendo_vd", "mfcc", "clear"),
        ("gtzan_speechmusic", "layers", "clear"),
        ("emoMusic", "mfcc", "clear"),
    ],
)
def test_the_published_features_carry_their_batch_and_mfcc_do_not(data_dir: Path, task: str, key: str, level: str) -> None:
    folder = data_dir / "transfer-features" / task
    if not folder.is_dir():
        pytest.skip(f"no features of {task} in the data folder")
    found = leaks.fingerprint(*published(folder, key))
    assert found.level == level, found.sentence


def test_a_verdict_is_the_same_with_any_number_of_threads() -> None:
    from threadpoolctl import threadpool_limits

    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(leaks.fingerprint(*made(2.0), batch=100))
    assert found[0] == found[1]
