"""Tags as an answer: each has its own probability, a recording's is the mean of its windows'; the encoder is loaded when needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine import pooling, tagging
from musicclass_gui.engine.encoders import EncoderSpec, TagHead
from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.events import Answered, from_json, to_json
from musicclass_gui.engine.tagging import TagClassifier
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.windows import Audio

NAMES = tuple(f"tag {number}" for number in range(12))
SPEC = EncoderSpec(
    "made", "2", "Made", 8000, Grid(3, 3), 12, "MIT", tags="12 made tags", good_at=("Genres: some.", "Tags: all, measured here.")
)


class MadeTagger:
    """Its embeddings are its tags' logits."""

    spec = SPEC
    device = "cpu"
    notices: list[str] = []

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        return np.stack([window[:12] for window in windows])

    def tag_head(self) -> TagHead:
        return TagHead(NAMES, np.eye(12, dtype=np.float32), np.zeros(12, np.float32))


class Deaf:
    """An encoder without tags."""

    spec = SPEC
    device = "cpu"
    notices: list[str] = []

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        return np.zeros((len(windows), 12), np.float32)


def logit(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


def windows(*tags: dict[int, float]) -> Embeddings:
    """A window's embedding for each, with these probabilities and 1 % for all other tags."""
    rows = np.full((len(tags), 12), logit(0.01), np.float32)
    for row, chances in zip(rows, tags, strict=True):
        for place, chance in chances.items():
            row[place] = logit(chance)
    return rows


def spans(count: int, hop: float = 3.0, window: float = 3.0) -> list[tuple[float, float]]:
    return [(hop * k, hop * k + window) for k in range(count)]


def answer(rows: Embeddings, loud: Sequence[bool] | None = None, hop: float = 3.0) -> Answer:
    tags = TagClassifier.of(SPEC, MadeTagger)
    return tags.conclude(tags.read(rows, spans(len(rows), hop), np.asarray([True] * len(rows) if loud is None else loud)), None)


class TestRecording:
    def test_a_recordings_probability_is_the_mean_over_windows(self) -> None:
        found = answer(windows({3: 0.9, 5: 0.6}, {3: 0.5, 5: 0.6}, {3: 0.4, 5: 0.3}))
        assert [(one.label, round(one.probability, 4)) for one in found.ranking[:2]] == [("tag 3", 0.6), ("tag 5", 0.5)]
        assert (found.label, found.none_of_these, found.kind) == ("tag 3", False, "tags")

    def test_tags_do_not_exclude_each_other(self) -> None:
        found = answer(windows({1: 0.9, 2: 0.8}))
        assert sum(one.probability for one in found.ranking) > 1.5
        assert "do not exclude each other" in found.note

    def test_ten_are_ranked(self) -> None:
        found = answer(windows({place: 0.05 * (place + 1) for place in range(12)}))
        assert [one.label for one in found.ranking] == [f"tag {place}" for place in range(11, 1, -1)]

    def test_below_the_threshold_none_is_named_and_it_says_so(self) -> None:
        found = answer(windows({7: 0.19}))
        assert found.label is None
        assert found.none_of_these
        assert found.reason == "No tag is as likely as 20 %; the likeliest is “tag 7”."
        assert answer(windows({7: 0.21})).label == "tag 7"

    def test_silence_does_not_count(self) -> None:
        found = answer(windows({1: 0.9}, {2: 0.99}), [True, False])
        assert found.ranking[0].label == "tag 1"
        assert found.ranking[0].probability == pytest.approx(0.9)
        nothing = answer(windows({1: 0.9}), [False])
        assert (nothing.label, nothing.reason) == (None, "The recording is silent, so there is nothing to name.")
        assert len(nothing.ranking) == 10

    def test_extreme_logits_are_certain_and_not_errors(self) -> None:
        head = MadeTagger().tag_head()
        found = tagging.probabilities(head, np.asarray([[1e4, -1e4, *[0.0] * 10]], np.float32))
        assert found[0, :3].tolist() == [1.0, 0.0, 0.5]


class TestTime:
    def test_the_likeliest_over_time(self) -> None:
        found = answer(windows({1: 0.9}, {1: 0.7}, {2: 0.6}, {3: 0.1}))
        told = [(one.start_s, one.end_s, one.label, round(one.probability, 3)) for one in found.segments]
        assert told == [(0, 6, "tag 1", 0.8), (6, 9, "tag 2", 0.6), (9, 12, None, 0.0)]

    def test_where_windows_overlap_it_is_their_mean(self) -> None:
        found = answer(windows({1: 0.9}, {2: 0.5}), hop=1.5)
        told = [(one.start_s, one.end_s, one.label, round(one.probability, 3)) for one in found.segments]
        assert told == [(0, 3, "tag 1", pytest.approx(0.6775, abs=1e-3)), (3, 4.5, "tag 2", 0.5)]

    def test_silence_has_no_tag(self) -> None:
        found = answer(windows({1: 0.9}, {1: 0.9}), [True, False])
        assert [(one.label, one.end_s) for one in found.segments] == [("tag 1", 3), (None, 6)]

    def test_parts_that_were_read_one_by_one_are_one_answer(self) -> None:
        rows = windows({1: 0.9}, {2: 0.6}, {2: 0.7})
        tags = TagClassifier.of(SPEC, MadeTagger)
        parts = [tags.read(rows[k : k + 1], spans(3)[k : k + 1], np.asarray([True])) for k in range(3)]
        assert tags.conclude(pooling.joined(parts), None) == answer(rows)


class TestEncoder:
    def test_it_is_loaded_once_and_only_to_read(self) -> None:
        loaded: list[MadeTagger] = []

        def load() -> MadeTagger:
            loaded.append(MadeTagger())
            return loaded[-1]

        tags = TagClassifier.of(SPEC, load)
        tags.require_fit(SPEC)
        tags.read(np.zeros((0, 12), np.float32), [], np.zeros(0, bool))
        assert not loaded
        for _ in range(2):
            tags.read(windows({1: 0.5}), spans(1), np.asarray([True]))
        assert len(loaded) == 1

    def test_names_and_quality_come_from_the_encoder(self) -> None:
        tags = TagClassifier.of(SPEC, MadeTagger)
        assert (tags.id, tags.title, tags.encoder, tags.tail) == ("tags-made", "Tags: 12 made tags", "made", {})
        assert answer(windows({1: 0.5})).measured == "Tags: all, measured here."

    def test_an_encoder_without_tags_is_refused(self) -> None:
        with pytest.raises(ClassifierError, match="has no tags"):
            TagClassifier.of(replace(SPEC, tags=""), MadeTagger)
        with pytest.raises(ClassifierError, match="has no tags"):
            TagClassifier.of(SPEC, Deaf).read(windows({1: 0.5}), spans(1), np.asarray([True]))

    def test_another_version_does_not_fit(self) -> None:
        with pytest.raises(ClassifierError, match="made 2 cannot be read from made 3"):
            TagClassifier.of(SPEC, MadeTagger).require_fit(replace(SPEC, version="3"))

    def test_rows_that_do_not_fit_together_are_refused(self) -> None:
        with pytest.raises(ClassifierError, match="2 embeddings came with 1 spans"):
            TagClassifier.of(SPEC, MadeTagger).read(windows({1: 0.5}, {2: 0.5}), spans(1), np.asarray([True]))


def test_the_kind_of_answer_travels_between_processes() -> None:
    found = answer(windows({1: 0.9}))
    assert from_json(to_json(Answered([found], 3.0))) == Answered([found], 3.0)
