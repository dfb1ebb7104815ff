"""A lesson's card in sentences: what it taught, what became of the old classes, what cannot be judged.

Pure text from plain data; it draws nothing and knows no session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.app import words
from musicclass_gui.app.projects import METHODS

if TYPE_CHECKING:
    from musicclass_gui.engine.lessons.plan import Plan
    from musicclass_gui.engine.lessons.report import ClassReport, Confusion, LessonCard, Suggestion, Twin

METHOD_TITLES = {method.id: method.title for method in METHODS}
METHOD_LINES = {method.id: method.line for method in METHODS}

ROLE_TITLES = {"class": "Class", "background": "Background", "negative": "Not …"}
ROLE_LINES = {
    "class": "Recordings that sound like this are answered with its name.",
    "background": "Sounds that are none of the classes, such as noise: they are answered with “none of these”.",
    "negative": "Sounds that are often taken for a class and are not: they make that class less likely.",
}
_SAME = 0.005  # accuracies that differ by less are "as before"
NOT_JUDGED = "cannot be judged"


def headline(card: LessonCard) -> str:
    """The most important sentence: what is new, and how the old classes are."""
    return "; ".join(filter(None, [_learned(card), _old_ones(card)])) + "."


def _learned(card: LessonCard) -> str:
    new = [report for report in card.classes if report.new and report.role == "class"]
    aside = [report for report in card.classes if report.new and report.role != "class"]
    if new:
        return f"Knows {words.counted(len(new), 'new class', 'new classes')}"
    if aside:
        return "Knows more of what is none of the classes"
    return card.title


def _old_ones(card: LessonCard) -> str:
    if not any(not report.new and report.role == "class" for report in card.classes):
        return ""
    if card.old_before is None or card.old_after is None:
        return f"how the old ones are now {NOT_JUDGED}"
    change = card.old_after - card.old_before
    if abs(change) < _SAME:
        return "the old ones are as before" if _all_same(card) else "the old ones are as before on the whole"
    shares = f"{words.percent(card.old_before)} → {words.percent(card.old_after)}"
    return f"the old ones got {'better' if change > 0 else 'worse'}, {shares}"


def _all_same(card: LessonCard) -> bool:
    changes = [one.after - one.before for one in card.classes if not one.new and one.before is not None and one.after is not None]
    return all(abs(change) < _SAME for change in changes)


def measured(card: LessonCard) -> str:
    """How often it is right on held-out recordings, or that it could not be tested."""
    return card.sentence()


def share(accuracy: float | None) -> str:
    """An accuracy in whole per cent, or a dash where there is none."""
    return "–" if accuracy is None else f"{round(100 * accuracy)} %"


def before_after(report: ClassReport) -> str:
    """Accuracy before and after in a few words."""
    if report.after is None:
        return "cannot be judged"
    if report.before is None:
        return share(report.after)
    return f"{share(report.before)} → {share(report.after)}{_arrow(report.after - report.before)}"


def _arrow(change: float) -> str:
    if abs(change) < _SAME:
        return ""
    return " ▲" if change > 0 else " ▼"


def spoken(report: ClassReport) -> str:
    """A class of the card as a screen reader says it."""
    parts = [role_name(report), words.counted(report.recordings, "recording")]
    if report.after is None:
        parts.append(f"{NOT_JUDGED}: {report.note}" if report.note else NOT_JUDGED)
    else:
        before = f"{share(report.before)} before, " if report.before is not None else ""
        parts.append(f"{before}{share(report.after)} right after the lesson")
    return ", ".join(parts)


def role_name(report: ClassReport) -> str:
    """A class's name, with what it is where it is no ordinary class."""
    marks = [{"background": "background", "negative": "negative"}.get(report.role, ""), "new" if report.new else ""]
    aside = ", ".join(filter(None, marks))
    return f"{report.name} ({aside})" if aside else report.name


def confusions(card: LessonCard) -> list[str]:
    """The pairs of classes that are mixed up more often than before; of a class that is new there is no before."""
    new = {report.name for report in card.classes if report.new}
    return [_confusion(pair, new=pair.truth in new) for pair in card.grew]


def _confusion(pair: Confusion, *, new: bool) -> str:
    count = f"{pair.after}" if new else f"{pair.before} → {pair.after}"
    return f"“{pair.truth}” answered as “{pair.said}”: {count} of {words.counted(pair.judged, 'recording')}"


def twin(pair: Twin) -> str:
    """Two examples that are the same, or almost."""
    how = "are the same file" if pair.kind == "same" else "sound nearly the same"
    where = f"both in “{pair.cls}”" if pair.cls == pair.other_cls else f"in “{pair.cls}” and “{pair.other_cls}”"
    return f"{pair.name} and {pair.other_name} {how}, {where}"


def suggestion(item: Suggestion) -> str:
    """Why an example is worth listening to."""
    heard_as = f"taught as “{item.cls}”, answered as “{item.said}”" if item.said and item.said != item.cls else f"taught as “{item.cls}”"
    return f"{heard_as}. {item.why}".rstrip(". ") + "."


def cost(card: LessonCard) -> str:
    """How it learned and how long that took."""
    took = f"listened {_took(card.embed_s)}, learned {_took(card.learn_s)}, checked {_took(card.examine_s)}"
    return f"{METHOD_TITLES.get(card.method, card.method)} on {card.encoder}; {took}."


def _took(seconds: float) -> str:
    return f"{max(1, round(1000 * seconds))} ms" if 0 < seconds < 0.95 else words.duration(seconds)


def totals(plan: Plan) -> str:
    """What teaching this plan would take in, and what it leaves out."""
    taught = [one for one in plan.classes if one.taught]
    files = sum(len(one.taught) for one in taught)
    broken = sum(bool(file.reason) for one in plan.classes for file in one.files)
    left_out = sum(len(one.files) for one in plan.classes) - files - broken
    parts = [f"{words.counted(len(taught), 'class', 'classes')}, {words.counted(files, 'recording')}"]
    parts += [f"{broken} unreadable"] if broken else []
    parts += [f"{left_out} left out"] if left_out else []
    parts += [f"{words.counted(plan.others, 'other file is', 'other files are')} not audio"] if plan.others else []
    return "; ".join(parts)


def obstacle(plan: Plan) -> str:
    """Why this plan cannot be taught yet, or empty."""
    taught = [one for one in plan.classes if one.taught]
    if not taught:
        return "Nothing to teach: no class has a readable recording that is ticked."
    if any(not one.name.strip() for one in taught):
        return "Give the class a name first."
    unnamed = next((one for one in taught if one.role == "negative" and not one.of.strip()), None)
    if unnamed is not None:
        return f"Say which class “{unnamed.name}” is not."
    names = [one.name.strip().casefold() for one in taught]
    double = next((one.name for one in taught if names.count(one.name.strip().casefold()) > 1), "")
    return f"Two classes are called “{double}”; rename one, or leave one out." if double else ""
