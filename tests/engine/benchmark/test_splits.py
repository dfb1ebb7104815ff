"""Splits keep their shares, keep groups whole, come out the same every time, and say so when they are not clean."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicclass_gui.engine import plain
from musicclass_gui.engine.benchmark import splits
from musicclass_gui.engine.benchmark.data import Item
from musicclass_gui.engine.errors import BenchmarkError

SHARES = (0.48, 0.32, 0.2)


def items(counts: dict[str, int], groups: int = 0) -> list[Item]:
    return [
        Item(f"{label}/{n}", f"/data/{label}/{n}.wav", (label,), groups={"artist": f"{label} {n % groups}"} if groups else {})
        for label, count in counts.items()
        for n in range(count)
    ]


def of_class(split: splits.Split, label: str) -> tuple[int, ...]:
    return tuple(sum(key.startswith(f"{label}/") for key in split.part(part)) for part in splits.PARTS)


def test_own_split_leaves_out_what_has_none() -> None:
    data = [Item("a", split="train"), Item("b", split="test"), Item("c"), Item("d", split="valid")]
    assert splits.own(data) == splits.Split(("a",), ("d",), ("b",), "the data set's own split")
    with pytest.raises(BenchmarkError, match="no split of their own"):
        splits.own(data[1:])


def test_random_split_keeps_shares_in_each_class() -> None:
    split = splits.random(items({"x": 50, "y": 25, "z": 3}), SHARES, 7)
    assert of_class(split, "x") == (24, 16, 10)
    assert of_class(split, "y") == (12, 8, 5)
    assert of_class(split, "z") == (1, 1, 1)
    splits.require_disjoint(split, items({"x": 50, "y": 25, "z": 3}))


def test_random_split_is_the_seeds() -> None:
    data = items({"x": 40, "y": 40})
    assert splits.random(data, SHARES, 1) == splits.random(data, SHARES, 1)
    assert splits.random(data, SHARES, 1) != splits.random(data, SHARES, 2)


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(0, 5), st.sampled_from([SHARES, (0.8, 0.0, 0.2), (0.5, 0.25, 0.25)])
)
def test_every_item_is_in_exactly_one_part(sizes: list[int], seed: int, shares: splits.Shares) -> None:
    data = items({f"c{n}": size + 3 for n, size in enumerate(sizes)})
    split = splits.random(data, shares, seed)
    assert Counter((*split.train, *split.valid, *split.test)) == Counter(item.key for item in data)
    assert bool(split.valid) == (shares[1] > 0)


def test_groups_stay_whole_and_classes_near_their_shares() -> None:
    data = items({"x": 100, "y": 60}, groups=20)
    split = splits.random(data, (0.5, 0.25, 0.25), 3, by="artist")
    assert splits.overlap(split, data, "artist") == ()
    assert of_class(split, "x") == (50, 25, 25)
    assert of_class(split, "y") == (30, 15, 15)
    assert splits.overlap(splits.random(data, (0.5, 0.25, 0.25), 3), data, "artist") != ()


def test_segments_of_a_file_stay_together() -> None:
    data = [Item(f"{song}#{n}", f"/data/{song}.mp3", ("sing",)) for song in range(10) for n in range(5)]
    split = splits.random(data, (0.8, 0.0, 0.2), 0, by="file")
    assert splits.overlap(split, data, "file") == ()
    assert (len(split.train), len(split.test)) == (40, 10)


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="too few artists"):
        splits.random(items({"x": 10}, groups=1), SHARES, 0, by="artist")


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.2, 0.0), (0.5, 0.5)])
def test_shares_that_are_none_are_refused(shares: splits.Shares) -> None:
    with pytest.raises(BenchmarkError, match="add up to 1"):
        splits.random(items({"x": 10}), shares, 0)


def test_independent_permutations_overlap_as_the_paper_says() -> None:
    data = items({f"singer{n}": 181 for n in range(20)})
    split = splits.independent_permutations(data, SHARES, 42)
    shared = len(set(split.train) & set(split.test)) / len(split.test)
    assert shared == pytest.approx(0.48, abs=0.03)  # 48.2 % by the arithmetic of continual learning, section 0
    assert of_class(split, "singer0") == (87, 58, 36)
    with pytest.raises(BenchmarkError, match="same item is in more than one"):
        splits.require_disjoint(split, data)
    clean = splits.random(data, SHARES, 42)
    splits.require_disjoint(clean, data)


def test_a_shared_piece_is_named() -> None:
    data = [Item("a", "/a.wav", groups={"piece": "Fugue"}), Item("b", "/b.wav", groups={"piece": "Fugue"}), Item("c", "/c.wav")]
    split = splits.Split(("a",), (), ("b", "c"), "by hand")
    splits.require_disjoint(split, data)
    assert splits.overlap(split, data, "piece") == ("Fugue",)
    with pytest.raises(BenchmarkError, match=r"same piece .*“Fugue”.*choose a split by piece"):
        splits.require_disjoint(split, data, ["piece"])


def test_a_file_under_two_keys_is_found() -> None:
    data = [Item("a#0", "/a.wav"), Item("a#1", "/a.wav")]
    with pytest.raises(BenchmarkError, match="same file"):
        splits.require_disjoint(splits.Split(("a#0",), (), ("a#1",), "by hand"), data)


def test_a_split_is_saved_and_loaded() -> None:
    split = splits.random(items({"x": 20}), SHARES, 5)
    assert plain.from_plain(splits.Split, plain.to_plain(split)) == split
