from __future__ import annotations

from pathlib import Path

import pytest

from musicclass_gui.app import wordlists
from musicclass_gui.app.wordlists import WordLists
from musicclass_gui.engine import words as typed

GOOD = ("By words", "clap-music", "This is {phrase}.", ["a fugue", "bossa nova"])


def test_phrases_are_one_per_line_clean_and_each_only_once() -> None:
    assert wordlists.phrases_in("  a fugue\n\nbossa  nova \r\na fugue\n") == ["a fugue", "bossa nova"]


def test_the_example_is_what_is_read() -> None:
    assert wordlists.example("This is {phrase}.", ["a fugue", "x"]) == "This is a fugue."
    assert wordlists.example("{phrase} of {x}", []) == "bossa nova of {x}"


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, " ", "name"),
        (1, "", "encoder"),
        (2, "This is it.", "{phrase}"),
        (3, ["a fugue"], "two phrases"),
        (3, [str(number) for number in range(wordlists.MOST + 1)], "500 is the most"),
        (3, ["a fugue", "x" * 201], "too long"),
    ],
)
def test_what_is_missing_is_said(place: int, value: object, words: str) -> None:
    assert wordlists.obstacle(*GOOD) == ""
    given = [*GOOD]
    given[place] = value  # type: ignore[call-overload]
    assert words in wordlists.obstacle(*given)  # type: ignore[arg-type]


def test_the_desk_is_asked_with_what_it_needs() -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    lists = WordLists(*([lambda name, fields, _text: asked.append((name, fields))] * 2))
    lists.add(*GOOD)
    lists.set(3, "{phrase}", ["x", "y"])
    lists.propose(3, "x", [Path("/music/a.wav")])
    assert asked == [
        (
            "add_words",
            {"title": "By words", "encoder": "clap-music", "template": "This is {phrase}.", "phrases": ["a fugue", "bossa nova"]},
        ),
        ("set_words", {"classifier": 3, "template": "{phrase}", "phrases": ["x", "y"]}),
        ("words_plan", {"classifier": 3, "phrase": "x", "paths": ["/music/a.wav"]}),
    ]


def test_what_the_window_knows_of_words_is_what_the_engine_does() -> None:
    known = wordlists.TEMPLATE, wordlists.PLACE, wordlists.MOST, wordlists.LONGEST
    assert known == (typed.TEMPLATE, typed.PLACE, typed.MOST, typed.LONGEST)
