"""What to listen to first: recordings and stretches of them that a classifier is least sure of, with the reason in words.

Pure functions of answers: it reads no file and no project.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.project.board import Doubt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from musicclass_gui.engine.answers import Answer, Segment
    from musicclass_gui.engine.project.rows import VerdictRow

MOST = 200

_MOST_OF_ONE = 5  # stretches of one recording
_SHORTEST_S = 1.0
_GAP_S = 1.0  # a stretch that is interrupted for less goes on
_STRANGE = 0.9  # how doubtful "none of these" is when it was close to the limit; half of that when it was far
_SURE = 0.2  # less doubt than this in a stretch is not worth a line
_SAME_S = 0.05

Bounds = tuple[float | None, float | None]
Taught = tuple[str, float | None, float | None]
"""Hash, start and end of an example (None: the whole recording)."""


@dataclass(frozen=True)
class Asked:
    """A recording and what it was answered. `strangeness` is its novelty over the limit of "none of these" (None: not known)."""

    hash: str
    path: str
    name: str
    answer: Answer
    strangeness: float | None = None


def doubts(asked: Iterable[Asked], *, taught: Iterable[Taught] = (), verdicts: Iterable[VerdictRow] = (), most: int = MOST) -> list[Doubt]:
    """The recordings and stretches to review, the most doubtful first, at most `most`.

    A recording's doubt is 1 − the margin between its two likeliest classes, or how near it is to the limit of "none of these" if
    that is more. A stretch, neighbouring windows of one label, is listed where it is doubtful or is answered otherwise than the
    whole; its doubt takes all that its label leaves for the second class. What is `taught` is left out; `verdicts` are put in.
    """
    known: defaultdict[str, list[Bounds]] = defaultdict(list)
    for hash, start, end in taught:
        known[hash].append((start, end))
    found = [doubt for one in asked for doubt in _of_recording(one) if not _is_taught(doubt, known[one.hash])]
    found.sort(key=lambda doubt: (-doubt.doubt, doubt.name, doubt.start_s or 0.0))
    said = list(verdicts)
    return [_with_verdict(doubt, said) for doubt in found[:most]]


def merged(segments: Sequence[Segment], gap_s: float = _GAP_S) -> list[Segment]:
    """Labelled stretches only, those of one label as one when less than `gap_s` that is unlabelled lies between."""
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if segment.label is None:
            continue
        if last is not None and last.label == segment.label and segment.start_s - last.end_s <= gap_s:
            joined[-1] = _joined(last, segment)
        else:
            joined.append(segment)
    return joined


def _joined(one: Segment, other: Segment) -> Segment:
    lengths = one.end_s - one.start_s, other.end_s - other.start_s
    weighed = one.probability * lengths[0] + other.probability * lengths[1]
    return replace(one, end_s=other.end_s, probability=weighed / max(sum(lengths), 1e-9))


def _of_recording(one: Asked) -> Iterator[Doubt]:
    ranking = one.answer.ranking
    if not ranking:
        return
    yield _whole(one)
    stretches = [_stretch(one, segment) for segment in merged(one.answer.segments) if segment.end_s - segment.start_s >= _SHORTEST_S]
    if len(stretches) == 1 and one.answer.label == stretches[0].label:  # says the same as the whole
        return
    worth = sorted((stretch for stretch in stretches if stretch.doubt >= _SURE), key=lambda stretch: -stretch.doubt)
    yield from worth[:_MOST_OF_ONE]


def _whole(one: Asked) -> Doubt:
    first, second, margin = _two_first(one.answer)
    near = _nearness(one)
    why = _strange_words(one, first) if near > 1 - margin else _margin_words(one.answer, first, second, margin)
    label = "" if one.answer.none_of_these else first
    return _doubt(one, (None, None), (label, one.answer.ranking[0].probability, second), max(1 - margin, near), why)


def _two_first(answer: Answer) -> tuple[str, str, float]:
    first = answer.ranking[0]
    if len(answer.ranking) == 1:
        return first.label, "", 1.0
    second = answer.ranking[1]
    return first.label, second.label, max(0.0, first.probability - second.probability)


def _nearness(one: Asked) -> float:
    """How near a recording is to the limit of "none of these", 0..1; one beyond it deserves a look in any case."""
    if one.strangeness is None:
        return _STRANGE / 2 if one.answer.none_of_these else 0.0
    close = max(0.0, 1 - 2 * abs(one.strangeness - 1)) * _STRANGE
    return max(close, _STRANGE / 2) if one.answer.none_of_these else close


def _strange_words(one: Asked, first: str) -> str:
    if one.answer.none_of_these:
        return f"It sounds like none of the classes; “{first}” would be nearest."
    return f"It is answered “{first}”, but it is almost too strange for any of the classes."


def _margin_words(answer: Answer, first: str, second: str, margin: float) -> str:
    if not second:
        return f"“{first}” is the only class so far."
    one, other = (_percent(ranked.probability) for ranked in answer.ranking[:2])
    if margin < 0.3:
        return f"It could be “{first}” ({one}) as well as “{second}” ({other})."
    return f"“{first}” is likelier ({one}) than “{second}” ({other})."


def _stretch(one: Asked, segment: Segment) -> Doubt:
    label, whole = segment.label or "", one.answer.label
    rival = next((ranked.label for ranked in one.answer.ranking if ranked.label != label), "")
    doubt = min(1.0, 2 * (1 - segment.probability))
    why = f"Here “{label}” is no more than {_percent(segment.probability)} likely."
    if whole is not None and label != whole:
        rival, doubt = whole, max(doubt, 0.5)
        why = f"Here it sounds like “{label}” ({_percent(segment.probability)}), the whole recording like “{whole}”."
    return _doubt(one, (segment.start_s, segment.end_s), (label, segment.probability, rival), doubt, why)


def _doubt(one: Asked, span: Bounds, said: tuple[str, float, str], doubt: float, why: str) -> Doubt:
    label, probability, second = said
    return Doubt(one.hash, one.path, one.name, *span, label, probability, second, min(1.0, max(0.0, doubt)), why)


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _is_taught(doubt: Doubt, spans: Iterable[Bounds]) -> bool:
    """Whether it is an example, or overlaps one; a recording of which only spans were taught is still worth a look."""
    return any(start is None or end is None or _overlap(doubt, start, end) for start, end in spans)


def _overlap(doubt: Doubt, start_s: float, end_s: float) -> bool:
    if doubt.start_s is None or doubt.end_s is None:
        return False
    return doubt.start_s < end_s and start_s < doubt.end_s


def _with_verdict(doubt: Doubt, verdicts: Sequence[VerdictRow]) -> Doubt:
    """With what the user said of it, the newest."""
    for row in reversed(verdicts):
        if row.hash == doubt.hash and _same(row.start_s, doubt.start_s) and _same(row.end_s, doubt.end_s):
            return replace(doubt, verdict=row.cls or 0, verdict_id=row.id)
    return doubt


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < _SAME_S
