"""What happened in a project: its lessons and the heads they left, answers, and what the user said while reviewing.

What a lesson's changes mean is not known here, only which rows they name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.project.link import Link, from_json, to_json
from musicclass_gui.engine.project.rows import LessonRow, VerdictRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LESSON = "id, classifier, position, kind, title, state, made_at, plan, changes, card"
_SETTABLE = ("position", "kind", "title", "state", "plan", "changes", "card")
_IDS = "(SELECT value FROM json_each(?))"


class Journal(Link):
    """Lessons, heads, answers and verdicts of a project."""

    def lessons(self, classifier: int | None = None, *, states: Iterable[str] | None = None) -> list[LessonRow]:
        """The lessons, or those of one classifier or in some states: kept and undone ones by position, then those that wait."""
        rows = self._rows(f"SELECT {_LESSON} FROM lessons ORDER BY position = 0, position, id")
        wanted = None if states is None else set(states)
        found = [row for row in rows if classifier in (None, row[1]) and (wanted is None or row[5] in wanted)]
        return [_lesson(row) for row in found]

    def lesson(self, id: int) -> LessonRow:
        """The lesson with this id. Raises ProjectError where there is none."""
        return _lesson(self._must(self._row(f"SELECT {_LESSON} FROM lessons WHERE id=?", id), "lesson", id))

    def add_lesson(
        self,
        classifier: int,
        kind: str,
        title: str,
        state: str,
        *,
        plan: Mapping[str, Any] | None = None,
        changes: Iterable[Mapping[str, Any]] = (),
        card: Mapping[str, Any] | None = None,
        position: int = 0,
        made_at: str = "",
    ) -> int:
        """Add a lesson, made now unless `made_at` (UTC, ISO 8601) is given."""
        columns = _LESSON.removeprefix("id, ")
        texts = (_text(plan), to_json([dict(change) for change in changes]), _text(card))
        return self._change(
            f"INSERT INTO lessons ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(classifier, position, kind, title, state, made_at or datetime.now(UTC).isoformat(timespec="seconds"), *texts),
        )

    def set_lesson(self, id: int, **fields: Any) -> None:
        """Set some of a lesson's position, kind, title, state, plan, changes, card."""
        self._set("lessons", id, fields, _SETTABLE)

    def remove_lesson(self, id: int) -> None:
        """Remove a lesson with its checkpoint and the head it left."""
        self._change("DELETE FROM heads WHERE lesson=?", id)
        self._change("DELETE FROM lessons WHERE id=?", id)

    def next_position(self) -> int:
        """The place of the next lesson to be kept: 1, 2, …"""
        return int(self._row("SELECT max(position) FROM lessons")[0] or 0) + 1

    def head(self, classifier: int, lesson: int = 0) -> bytes | None:
        """A classifier's head as it answers now (0), or as a lesson left it."""
        row = self._row("SELECT state FROM heads WHERE classifier=? AND lesson=?", classifier, lesson)
        return row[0] if row else None

    def set_head(self, classifier: int, lesson: int, state: bytes) -> None:
        """Keep a head."""
        self._change("REPLACE INTO heads VALUES (?, ?, ?)", classifier, lesson, state)

    def remove_heads(self, classifier: int, lesson: int) -> None:
        """Remove the head that a lesson left, or the present one (0)."""
        self._change("DELETE FROM heads WHERE classifier=? AND lesson=?", classifier, lesson)

    def checkpoint(self, lesson: int) -> bytes | None:
        """Where an interrupted training can go on."""
        row = self._row("SELECT state FROM checkpoints WHERE lesson=?", lesson)
        return row[0] if row else None

    def set_checkpoint(self, lesson: int, state: bytes | None) -> None:
        """Keep where a training can go on, or drop it (None)."""
        if state is None:
            self._change("DELETE FROM checkpoints WHERE lesson=?", lesson)
        else:
            self._change("REPLACE INTO checkpoints VALUES (?, ?)", lesson, state)

    def exemplar_audio(self, example: int) -> bytes | None:
        """The audio windows kept of an example."""
        row = self._row("SELECT windows FROM exemplars WHERE example=?", example)
        return row[0] if row else None

    def set_exemplar_audio(self, example: int, windows: bytes | None) -> None:
        """Keep audio windows of an example, or drop them (None)."""
        if windows is None:
            self._change("DELETE FROM exemplars WHERE example=?", example)
        else:
            self._change("REPLACE INTO exemplars VALUES (?, ?)", example, windows)

    def answers(self, classifier: int) -> dict[str, tuple[int, dict[str, Any]]]:
        """A classifier's answers by recording, each with the revision that gave it."""
        rows = self._rows("SELECT hash, revision, answer FROM answers WHERE classifier=?", classifier)
        return {hash: (revision, from_json(answer, dict)) for hash, revision, answer in rows}

    def set_answer(self, hash: str, classifier: int, revision: int, answer: Mapping[str, Any]) -> None:
        """Keep a classifier's answer for a recording of the project."""
        self._change("REPLACE INTO answers VALUES (?, ?, ?, ?)", hash, classifier, revision, to_json(dict(answer)))

    def verdicts(self, classifier: int) -> list[VerdictRow]:
        """What the user said while reviewing a classifier, oldest first."""
        sql = "SELECT id, classifier, hash, start_s, end_s, class, taught FROM verdicts WHERE classifier=? ORDER BY id"
        return [VerdictRow(*row) for row in self._rows(sql, classifier)]

    def add_verdict(self, classifier: int, hash: str, start_s: float | None, end_s: float | None, cls: int | None) -> int:
        """Keep what the user said of a recording or a span of it."""
        return self._change(
            "INSERT INTO verdicts (classifier, hash, start_s, end_s, class) VALUES (?, ?, ?, ?, ?)", classifier, hash, start_s, end_s, cls
        )

    def remove_verdict(self, id: int) -> None:
        """Take back what the user said."""
        self._change("DELETE FROM verdicts WHERE id=?", id)

    def set_verdict_taught(self, ids: Iterable[int], lesson: int | None) -> None:
        """Say which lesson taught these verdicts (None: none did)."""
        self._change(f"UPDATE verdicts SET taught=? WHERE id IN {_IDS}", lesson, to_json(list(ids)))

    def sweep(self) -> None:
        """Delete examples, bases and classes that are not in use and that no lesson names."""
        named = _Named()
        for (changes,) in self._rows("SELECT changes FROM lessons"):
            for change in from_json(changes, list):
                named.see(change)
        with self.writing():
            self._change(f"DELETE FROM examples WHERE class IS NULL AND id NOT IN {_IDS}", to_json(sorted(named.examples)))
            self._change(f"DELETE FROM bases WHERE active=0 AND id NOT IN {_IDS}", to_json(sorted(named.bases)))
            self._sweep_classes(to_json(sorted(named.classes)))

    def _sweep_classes(self, named: str) -> None:
        used = " UNION ".join(f"SELECT class FROM {table} WHERE class IS NOT NULL" for table in ("examples", "base_classes", "verdicts"))
        gone = f"active=0 AND id NOT IN {_IDS} AND id NOT IN ({used})"
        needed = f"SELECT of FROM classes WHERE of IS NOT NULL AND NOT ({gone})"
        self._change(f"DELETE FROM classes WHERE {gone} AND id NOT IN ({needed})", named, named)


class _Named:
    """Which rows lessons' changes name, whatever else they say."""

    def __init__(self) -> None:
        self.classes: set[int] = set()
        self.examples: set[int] = set()
        self.bases: set[int] = set()

    def see(self, change: Any) -> None:
        if isinstance(change, dict):
            self.classes |= {number for key in ("cls", "before", "after") for number in _numbers(change.get(key))}
            self.examples |= _numbers(change.get("examples"))
            self.bases |= _numbers(change.get("base"))


def _numbers(value: Any) -> set[int]:
    """The number that a value is, or the numbers in a list."""
    return {number for number in (value if isinstance(value, list) else [value]) if isinstance(number, int)}


def _text(value: Mapping[str, Any] | None) -> str:
    return to_json(dict(value)) if value else ""


def _lesson(row: Any) -> LessonRow:
    id, classifier, position, kind, title, state, made_at, plan, changes, card = row
    texts = (from_json(plan, dict), from_json(changes, list), from_json(card, dict))
    return LessonRow(id, classifier, position, kind, title, state, made_at, *texts)
