"""What an answer's kind changes in words: classes of which one is right, tags that do not exclude each other, phrases that were typed.

Only the probabilities of classes are calibrated, so only they are called likely. It knows no Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.app import words

if TYPE_CHECKING:
    from musicclass_gui.engine.answers import Answer

CLASSES, TAGS, WORDS = "classes", "tags", "words"
_MOST_TAGS = 3
_NAMED_FROM = 0.2  # as the engine names tags


@dataclass(frozen=True)
class Kind:
    """The words of a kind: what no answer is called, what stands over a ranking that was not meant, and what its percentages mean."""

    nothing: str
    nearest: str
    meaning: str


_KINDS = {
    CLASSES: Kind(
        "None of these",
        "If it were one of these",
        "Percentages are calibrated on recordings that the classifier had not heard: of the answers given with about 70 %, about 70 in "
        "100 should be right. The last lines say how far off that was, and in brackets the 95 % interval of the accuracy.",
    ),
    TAGS: Kind(
        "No tag",
        "The likeliest all the same",
        "Each tag has a probability of its own, as its encoder gives it: they do not add up to 100 %, do not exclude each other, and "
        "were not calibrated.",
    ),
    WORDS: Kind(
        "No phrase",
        "The nearest all the same",
        "The phrases share 100 % by how well each fits the sound. A share is no probability of being right: nothing was tested on "
        "recordings, and other phrases would share otherwise.",
    ),
}


def kind_of(answer: Answer) -> Kind:
    """The words for an answer."""
    return _KINDS.get(answer.kind, _KINDS[CLASSES])


def said(kind: str, probability: float) -> str:
    """A probability in words for a table or a lane."""
    if kind == CLASSES:
        return f"{words.percent(probability)}, {words.confidence_words(probability)}"
    return f"{words.percent(probability)} of the phrases’ share" if kind == WORDS else words.percent(probability)


def nothing(kind: str) -> str:
    """What a stretch is called that has no label."""
    return _KINDS.get(kind, _KINDS[CLASSES]).nothing


def headline(answer: Answer) -> tuple[str, str]:
    """An answer of tags or words in large type, and the line under it."""
    if answer.label is None:
        return kind_of(answer).nothing, answer.reason
    if answer.kind == TAGS:
        named = [ranked.label for ranked in answer.ranking if ranked.probability >= _NAMED_FROM][:_MOST_TAGS]
        return ", ".join(named or [answer.label]), "Its likeliest tags; each has a probability of its own"
    share = next((ranked.probability for ranked in answer.ranking if ranked.label == answer.label), float("nan"))
    return answer.label, f"Fits better than the other phrases: {words.percent(share)} of their share, untested"
