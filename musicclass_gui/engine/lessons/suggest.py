"""Which examples are worth hearing again: those taught twice as different things, answered wrong for sure, or unlike their class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.lessons.report import Suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from musicclass_gui.engine.lessons.exam import Exam
    from musicclass_gui.engine.lessons.items import Item

MOST = 10
_MOST_OF_A_SORT = 5
_FEWEST_OF_A_CLASS = 5
_FAR_OFF = 3.5  # robust standard deviations (Iglewicz and Hoaglin, 1993)
_MAD_TO_DEVIATION = 1.4826


def suggestions(exam: Exam, temperature: float) -> list[Suggestion]:
    """At most ten, each example once: twins in two classes first, then sure mistakes, then outliers; no sort pushes out the others."""
    sorts = [list(_twins(exam)), list(_mistakes(exam, temperature)), list(_outliers(exam))]
    first = [one for sort in sorts for one in sort[:_MOST_OF_A_SORT]]
    found: dict[int, Suggestion] = {}
    for one in [*first, *(one for sort in sorts for one in sort[_MOST_OF_A_SORT:])]:
        found.setdefault(one.example, one)
    return list(found.values())[:MOST]


def _made(exam: Exam, item: Item, said: str, why: str) -> Suggestion:
    return Suggestion(item.example, item.name, item.path, item.start_s, item.end_s, exam.classes[item.cls].name, said, why)


def _twins(exam: Exam) -> Iterator[Suggestion]:
    by_example = {item.example: item for item in exam.everyone}
    for twin in exam.twins:
        if twin.cls != twin.other_cls:
            what = "the same recording as" if twin.kind == "same" else "nearly the same as"
            yield _made(exam, by_example[twin.example], twin.other_cls, f"It is {what} “{twin.other_name}” in “{twin.other_cls}”.")


def _mistakes(exam: Exam, temperature: float) -> Iterator[Suggestion]:
    """Held-out examples that were answered wrong, the surest mistake first."""
    wrong = np.flatnonzero(exam.counted & ~exam.verdicts.right).tolist()
    margin = {place: exam.said.score(place, exam.verdicts.said[place]) - exam.said.score(place, exam.items[place].cls) for place in wrong}
    for place in sorted(wrong, key=lambda one: (-margin[one], exam.items[one].example)):
        item, said = exam.items[place], exam.classes[exam.verdicts.said[place]].name
        times = float(np.exp(min(margin[place] / temperature, 20.0)))
        sure = "clearly" if times >= 10 else "a little"
        yield _made(
            exam, item, said, f"When it was held out, it sounded {sure} more like “{said}” than like “{exam.classes[item.cls].name}”."
        )


def _outliers(exam: Exam) -> Iterator[Suggestion]:
    """Examples that were answered right but, held out, were far stranger than others of their class; the strangest first."""
    found: list[tuple[float, int]] = []
    for label, one in exam.classes.items():
        mine = np.flatnonzero(exam.of(label) & exam.verdicts.judged & exam.verdicts.right)
        if len(mine) >= _FEWEST_OF_A_CLASS and one.role == "class":
            found += zip(_deviations(exam.said.novelty[mine]).tolist(), mine.tolist(), strict=True)
    for deviation, place in sorted(found, reverse=True):
        if deviation > _FAR_OFF:
            item = exam.items[place]
            yield _made(exam, item, "", f"It sounds unlike the other recordings of “{exam.classes[item.cls].name}”.")


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far above the median each is, in robust standard deviations."""
    above = values - np.median(values)
    spread = _MAD_TO_DEVIATION * float(np.median(np.abs(above)))
    return np.asarray(above / spread) if spread > 0 else np.zeros(len(values))
