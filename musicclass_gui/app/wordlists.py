"""Classifiers that are lists of phrases: what is typed made clean, and the desk asked to keep it or to teach from it.

It knows no encoder; which ones can compare sound with words is `models`' matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

TEMPLATE = "This is a recording of {phrase}."
PLACE = "{phrase}"
FEWEST = 2  # with one phrase there would be nothing to tell it from
MOST = 500
LONGEST = 200  # letters of a phrase; what is read of a sentence ends at about 77 pieces of words


def phrases_in(typed: str) -> list[str]:
    """One phrase of each line, without spaces around it and without those that are there already."""
    lines = (" ".join(line.split()) for line in typed.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def example(template: str, phrases: Sequence[str]) -> str:
    """What the encoder is given to read for the first phrase."""
    return template.replace(PLACE, phrases[0] if phrases else "bossa nova")


def obstacle(title: str, encoder: str, template: str, phrases: Sequence[str]) -> str:
    """What is still missing, or empty."""
    if not title.strip():
        return "Give it a name."
    if not encoder:
        return "No encoder that compares sound with words is here."
    if PLACE not in template:
        return f"The sentence needs {PLACE} where the phrase goes."
    if len(phrases) < FEWEST:
        return "Type two phrases or more, one per line: each is told from the others."
    if len(phrases) > MOST:
        return f"That are {len(phrases):,} phrases; {MOST} is the most."
    long = next((phrase for phrase in phrases if len(phrase) > LONGEST), "")
    return f"“{long[:30]}…” is too long for a phrase." if long else ""


class WordLists:
    """Asks the desk. `learn` and `plan` run a call that can be cancelled; a board comes back, or a plan for the preview."""

    def __init__(self, learn: Callable[[str, dict[str, Any], str], None], plan: Callable[[str, dict[str, Any], str], None]) -> None:
        self._learn, self._plan = learn, plan

    def add(self, title: str, encoder: str, template: str, phrases: Sequence[str]) -> None:
        """Make a classifier of phrases."""
        fields = {"title": title, "encoder": encoder, "template": template, "phrases": list(phrases)}
        self._learn("add_words", fields, "Reading the phrases")

    def set(self, classifier: int, template: str, phrases: Sequence[str]) -> None:
        """Give a classifier other phrases, or another sentence."""
        self._learn("set_words", {"classifier": classifier, "template": template, "phrases": list(phrases)}, "Reading the phrases")

    def propose(self, classifier: int, phrase: str, paths: Sequence[Path]) -> None:
        """Propose as a class what sounds like a phrase, among recordings."""
        fields = {"classifier": classifier, "phrase": phrase, "paths": [str(path) for path in paths]}
        self._plan("words_plan", fields, "Looking for what sounds like it")
