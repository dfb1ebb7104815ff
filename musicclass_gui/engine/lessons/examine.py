"""The examination: what a lesson did to every class, measured on recordings kept from learning, group by group, before it is kept.

Examples come in memory. Each fold's examples are unlearned from a copy of the head and then judged by it, so that what is measured is
what training from scratch on the others would give. Nothing is measured on what it was fitted on. It knows no project and no audio.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.calibration import macro_f1, wilson
from musicclass_gui.engine.lessons.exam import Exam, hold, of_base
from musicclass_gui.engine.lessons.items import Context, Item, Side
from musicclass_gui.engine.lessons.report import ClassReport, Confusion, LessonCard, Twin
from musicclass_gui.engine.lessons.suggest import suggestions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.lessons.exam import Verdicts
    from musicclass_gui.engine.project.rows import ClassRow
    from musicclass_gui.engine.task import Token

    Right = dict[str, tuple[int, int]]

__all__ = ["Context", "Item", "Side", "examine"]

_MOST_TWINS = 50
_MOST_PAIRS = 10
_ROUGH_GROUPS = 5

_ONLY_CLASS = "The only class: teach another one, so that there is something to tell it from."
_ONE_RECORDING = "Only one recording: it cannot be tested."
_ONE_GROUP = "All its recordings are of one group (artist, album or folder), so none can be held out: add recordings of another one."
_LEARNED = "Tested on the recordings that it learned from."
_FEW = "Few recordings: a rough number."
_NOTHING = "It came without recordings, so it cannot be tested."
_NOT_HELD = "None of its recordings was held out."


def examine(before: Side | None, after: Side, context: Context, token: Token) -> LessonCard:
    """The card of a lesson that leads from `before` (None: there was nothing) to `after`. Raises Cancelled, ClassifierError."""
    started = time.perf_counter()
    exam = hold(before, after, token)
    token.check()
    base, base_before = of_base(after), of_base(before)
    fitted = exam.fitted(context.fallback)
    old_before, old_after = _old(exam, base, base_before)
    accuracy = _share(exam.verdicts.right, exam.counted)
    return LessonCard(
        title=context.title,
        method=context.method,
        encoder=context.encoder,
        classes=[_report(exam, one, base, base_before) for one in after.classes],
        old_before=old_before,
        old_after=old_after,
        accuracy=accuracy,
        interval=() if accuracy is None else wilson(accuracy, exam.groups(exam.counted)),
        macro_f1=_macro_f1(exam),
        judged=exam.recordings(exam.counted),
        groups=exam.groups(exam.counted),
        grew=_grew(exam),
        twins=_twins(exam)[:_MOST_TWINS],
        suggestions=suggestions(exam, fitted.temperature),
        notes=_notes(exam, base, max(len(exam.everyone), context.examples)),
        fitted=fitted,
        said={exam.items[place].example: int(exam.verdicts.said[place]) for place in np.flatnonzero(exam.verdicts.judged)},
        curve=context.curve,
        embed_s=context.embed_s,
        learn_s=context.learn_s,
        examine_s=time.perf_counter() - started,
    )


def _share(right: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(right[among].mean()) if among.any() else None


def _report(exam: Exam, one: ClassRow, base: Right, base_before: Right) -> ClassReport:
    mine = exam.of(one.label)
    judged = mine & exam.verdicts.judged
    if not judged.any() and one.label in base:
        return _learned_report(exam, one, base, base_before)
    after = _share(exam.verdicts.right, judged)
    recordings, groups = exam.sizes.get(one.label, (0, 0))
    return ClassReport(
        cls=one.id,
        name=one.name,
        role=one.role,
        new=_is_new(exam, one),
        recordings=recordings,
        groups=groups,
        judged=exam.recordings(judged),
        before=_share(exam.verdicts_before.right, judged & exam.verdicts_before.judged),
        after=after,
        interval=() if after is None else wilson(after, exam.groups(judged)),
        note=_class_note(exam, recordings, groups, judged),
    )


def _learned_report(exam: Exam, one: ClassRow, base: Right, base_before: Right) -> ClassReport:
    """Of a class that came without recordings: its numbers are of those that it learned from."""
    right, count = base[one.label]
    earlier = base_before.get(one.label)
    share, before = right / count, earlier[0] / earlier[1] if earlier else None
    recordings = count + exam.sizes.get(one.label, (0, 0))[0]
    return ClassReport(
        one.id, one.name, one.role, _is_new(exam, one), recordings, recordings, count, before, share, wilson(share, count), False, _LEARNED
    )


def _is_new(exam: Exam, one: ClassRow) -> bool:
    return exam.before is None or one.id not in {other.id for other in exam.before.classes}


def _class_note(exam: Exam, recordings: int, groups: int, judged: NDArray[np.bool_]) -> str:
    if judged.any():
        return _FEW if exam.groups(judged) < _ROUGH_GROUPS else ""
    if len(exam.classes) == 1:
        return _ONLY_CLASS
    if recordings < 2:
        return _ONE_RECORDING if recordings else _NOTHING
    return _ONE_GROUP if groups < 2 else _NOT_HELD


def _old(exam: Exam, base: Right, base_before: Right) -> tuple[float | None, float | None]:
    """The old classes' accuracy before and after, on the same recordings: held-out ones, or where there are none, those learned from."""
    both = exam.counted & exam.verdicts_before.judged
    if both.any():
        return _share(exam.verdicts_before.right, both), _share(exam.verdicts.right, both)
    common = base.keys() & base_before.keys()
    if not common:
        return None, None
    before, after = (sum(one[label][0] for label in common) / sum(one[label][1] for label in common) for one in (base_before, base))
    return before, after


def _macro_f1(exam: Exam) -> float | None:
    """Over the classes that could be judged."""
    places = np.flatnonzero(exam.counted).tolist()
    truth = [exam.items[place].cls for place in places]
    number = {label: place for place, label in enumerate(dict.fromkeys(truth))}
    if not number:
        return None
    said = [number.get(exam.verdicts.said[place], len(number)) for place in places]  # one more for all other classes, never true: F1 of 0
    return macro_f1(said, [number[label] for label in truth], len(number) + 1) * (len(number) + 1) / len(number)


def _grew(exam: Exam) -> list[Confusion]:
    """The pairs of classes that are confused more often than before, those that grew most first."""
    after = _confusions(exam, exam.verdicts, exam.counted)
    before = _confusions(exam, exam.verdicts_before, exam.counted & exam.verdicts_before.judged)
    judged = Counter(exam.items[place].cls for place in np.flatnonzero(exam.counted))
    grown = sorted((before[pair] - count, pair) for pair, count in after.items() if count > before[pair])
    names = {label: one.name for label, one in exam.classes.items()}
    return [
        Confusion(names[truth], names[said], before[truth, said], after[truth, said], judged[truth])
        for _, (truth, said) in grown[:_MOST_PAIRS]
    ]


def _confusions(exam: Exam, verdicts: Verdicts, among: NDArray[np.bool_]) -> Counter[tuple[str, str]]:
    wrong = np.flatnonzero(among & ~verdicts.right)
    return Counter((exam.items[place].cls, verdicts.said[place]) for place in wrong)


def _twins(exam: Exam) -> list[Twin]:
    """As a card lists them: those between classes first, then the likest."""
    return sorted(exam.twins, key=lambda twin: (twin.cls == twin.other_cls, twin.kind != "same", -twin.likeness))


def _notes(exam: Exam, base: Right, examples: int) -> list[str]:
    notes = []
    if exam.after.network:
        notes.append("The held-out recordings also decided when training stopped, which flatters these numbers a little.")
    if len(exam.items) < examples:
        notes.append(f"{len(exam.items)} of {examples} examples were examined, chosen evenly over the classes.")
    if exam.learned.any():
        notes.append(f"{int(exam.learned.sum())} recordings are also among those that came with the classifier, so they were not counted.")
    if any(twin.kind == "near" for twin in exam.twins):
        notes.append("Recordings that are nearly the same were held out together.")
    if base and not (exam.counted & exam.verdicts_before.judged).any():
        notes.append("The classes that came without recordings were tested on those that they had learned from, which flatters them.")
    return notes
