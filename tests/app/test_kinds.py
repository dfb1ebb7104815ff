from __future__ import annotations

import pytest

from musicclass_gui.app import kinds
from musicclass_gui.engine.answers import Answer, Ranked


def answer(kind: str, label: str | None = None, reason: str = "") -> Answer:
    return Answer("one", "x", label, label is None, [Ranked("harp", 0.15), Ranked("slow", 0.1)], [], reason=reason, kind=kind)


@pytest.mark.parametrize(("kind", "words"), [("classes", "70 %, likely"), ("tags", "70 %"), ("words", "70 % of the phrases’ share")])
def test_only_calibrated_probabilities_are_called_likely(kind: str, words: str) -> None:
    assert kinds.said(kind, 0.7) == words


def test_each_kind_has_a_name_for_no_answer() -> None:
    assert [kinds.nothing(kind) for kind in ("classes", "tags", "words", "of a later version")] == [
        "None of these", "No tag", "No phrase", "None of these",
    ]  # fmt: skip


def test_the_one_tag_that_is_given_is_named_however_unlikely() -> None:
    assert kinds.headline(answer("tags", "harp"))[0] == "harp"


def test_what_has_no_answer_says_why() -> None:
    assert kinds.headline(answer("words", reason="It is silent.")) == ("No phrase", "It is silent.")
