"""A list of phrases answers in shares, says what these are worth, and takes only what can be compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.encoders import EncoderSpec
from musicclass_gui.engine.errors import ClassifierError, LessonError
from musicclass_gui.engine.windows import Grid
from musicclass_gui.engine.words import TEMPLATE, WordsClassifier, checked

if TYPE_CHECKING:
    from musicclass_gui.engine.answers import Answer

DIM = 4
SPEC = EncoderSpec("clap", "1", "CLAP", 48_000, Grid(10, 10), DIM, "MIT", words=True)
PHRASES = ("a fugue", "bossa nova", "a waltz")
AXES = np.eye(DIM, dtype=np.float32)


def made(*phrases: str, scale: float = 10.0) -> WordsClassifier:
    """Each phrase is an axis of its own."""
    names = phrases or PHRASES
    return WordsClassifier("forms", "Forms", SPEC.id, SPEC.version, names, AXES[: len(names)], scale)


def answered(rows: list[list[float]], classifier: WordsClassifier | None = None, loud: list[bool] | None = None) -> Answer:
    spans = [(10.0 * n, 10.0 * n + 10) for n in range(len(rows))]
    return (classifier or made()).answer(np.asarray(rows, np.float32).reshape(-1, DIM), spans, np.asarray(loud or [True] * len(rows)))


class TestList:
    def test_what_was_typed_is_made_clean(self) -> None:
        found = checked("  Forms ", "clap", "  Here is\n{} played. ", [" a fugue", "", "a  fugue", "bossa\nnova", "   "])
        assert (found.title, found.template, found.phrases) == ("Forms", "Here is {phrase} played.", ("a fugue", "bossa nova"))
        assert found.sentences == ["Here is a fugue played.", "Here is bossa nova played."]

    def test_without_a_sentence_the_usual_one_is_taken(self) -> None:
        assert checked("Forms", "clap", "", ["jazz"]).template == TEMPLATE
        assert checked("Forms", "clap", "{phrase}", ["jazz"]).sentences == ["jazz"]

    def test_braces_in_a_phrase_are_letters(self) -> None:
        assert checked("Forms", "clap", "{}, live", ["{phrase}", "{0.__class__}"]).sentences == ["{phrase}, live", "{0.__class__}, live"]

    def test_accents_are_written_in_one_way(self) -> None:
        assert checked("Forms", "clap", "", ["Dvor\u030ca\u0301k", "Dvo\u0159\u00e1k"]).phrases == ("Dvo\u0159\u00e1k",)

    @pytest.mark.parametrize(
        ("title", "template", "phrases", "sentence"),
        [
            (" ", "", ["a"], "needs a name"),
            ("Forms", "no place", ["a"], r"needs \{phrase\}"),
            ("Forms", "", [], "no phrase"),
            ("Forms", "", ["  ", ""], "no phrase"),
            ("Forms", "", ["x" * 201], "longer than 200"),
            ("Forms", "{}" + "x" * 200, ["a"], "longer than 200"),
            ("Forms", "", [str(number) for number in range(501)], "501 phrases"),
        ],
    )
    def test_what_cannot_be_compared_with_is_refused(self, title: str, template: str, phrases: list[str], sentence: str) -> None:
        with pytest.raises(LessonError, match=sentence):
            checked(title, "clap", template, phrases)


class TestAnswer:
    def test_shares_are_the_softmax_of_scaled_cosines_to_the_mean(self) -> None:
        rows = [[0.9, 0.1, 0.2, 0.3], [0.5, 0.6, 0.1, 0.0]]
        mean = np.mean(rows, axis=0)
        expected = np.exp(10 * mean[:3] / np.linalg.norm(mean))
        found = answered(rows)
        assert found.label == "a fugue"
        assert not found.none_of_these
        assert [one.label for one in found.ranking] == ["a fugue", "bossa nova", "a waltz"]
        assert [one.probability for one in found.ranking] == pytest.approx(expected / expected.sum(), rel=1e-6)

    def test_the_timeline_has_each_windows_own_phrase(self) -> None:
        found = answered([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]])
        assert [(one.start_s, one.end_s, one.label) for one in found.segments] == [(0, 20, "a fugue"), (20, 30, "a waltz")]
        alone = np.exp(10) / (np.exp(10) + 2)
        assert [one.probability for one in found.segments] == pytest.approx([alone, alone])
        assert [(one.start_s, one.weight) for one in found.evidence] == [(0, pytest.approx(10)), (10, pytest.approx(10))]

    def test_it_says_that_shares_only_compare_and_that_nothing_was_tested(self) -> None:
        found = answered([[1, 0, 0, 0]])
        assert found.kind == "words"
        assert "Not tested" in found.measured
        assert "only compare the phrases with each other" in found.note
        assert found.reason == ""

    def test_a_phrase_that_is_hardly_nearer_is_named_with_its_rival(self) -> None:
        found = answered([[0.70, 0.68, 0.1, 0.2]], made(scale=20))
        assert found.label == "a fugue"
        assert "hardly nearer to “a fugue” than to “bossa nova”" in found.reason
        assert "against" in found.reason

    @pytest.mark.parametrize(("odds", "says"), [(1.9, True), (2.1, False)])
    def test_hardly_nearer_is_less_than_two_to_one_whatever_the_scale(self, odds: float, says: bool) -> None:
        for scale in (5.0, 50.0):
            angle = np.pi / 4 - np.arcsin(np.log(odds) / scale / np.sqrt(2))
            found = answered([[np.cos(angle), np.sin(angle), 0, 0]], made(scale=scale))
            assert found.ranking[0].probability / found.ranking[1].probability == pytest.approx(odds, rel=1e-3)
            assert bool(found.reason) == says

    def test_one_phrase_is_the_nearest_and_says_why(self) -> None:
        found = answered([[0, 0, 0, 1]], made("jazz"))
        assert (found.label, found.ranking[0].probability) == ("jazz", 1.0)
        assert "the only phrase" in found.reason

    def test_silence_has_no_phrase(self) -> None:
        found = answered([[1, 0, 0, 0]], loud=[False])
        assert found.label is None
        assert "silent" in found.reason
        assert [one.label for one in found.segments] == [None]
        assert found.ranking[0].probability == pytest.approx(1 / 3)

    def test_silent_windows_do_not_count(self) -> None:
        found = answered([[0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], loud=[False, True, False])
        assert found.label == "a fugue"
        assert [one.label for one in found.segments] == [None, "a fugue", None]

    def test_nothing_read_yet_is_no_answer(self) -> None:
        found = answered([])
        assert found.label is None
        assert "Nothing could be read" in found.reason

    def test_an_embedding_of_nothing_but_zeros_is_near_to_none(self) -> None:
        shares = [one.probability for one in answered([[0, 0, 0, 0]]).ranking]
        assert shares == pytest.approx([1 / 3] * 3)

    def test_embeddings_that_do_not_go_with_their_spans_are_refused(self) -> None:
        with pytest.raises(ClassifierError, match="came with"):
            made().read(AXES, [(0, 10)], np.ones(4, bool))

    def test_another_version_of_the_encoder_is_refused(self) -> None:
        made().require_fit(SPEC)
        with pytest.raises(ClassifierError, match="make it again"):
            made().require_fit(EncoderSpec("clap", "2", "CLAP", 48_000, Grid(10, 10), DIM, "MIT"))
