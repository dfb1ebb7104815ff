"""The classifiers of a project: their classes, examples, and the bases they rest on. It knows nothing of lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.project.link import Link, from_json, to_json
from musicclass_gui.engine.project.rows import BaseRow, ClassifierRow, ClassRow, ExampleRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CLASSIFIER = "id, key, title, encoder, encoder_version, grid, dim, method, options, revision, active"
_CLASS = "id, classifier, name, role, of, colour, active"
_EXAMPLE = "id, classifier, class, hash, start_s, end_s, grp"


class Classifiers(Link):
    """What a project knows of classifiers. Whatever is asked for by an id that is not there raises ProjectError."""

    def classifiers(self) -> list[ClassifierRow]:
        """Every classifier, oldest first."""
        return [_classifier(row) for row in self._rows(f"SELECT {_CLASSIFIER} FROM classifiers ORDER BY id")]

    def classifier(self, id: int) -> ClassifierRow:
        """The classifier with this id."""
        return _classifier(self._must(self._row(f"SELECT {_CLASSIFIER} FROM classifiers WHERE id=?", id), "classifier", id))

    def add_classifier(
        self,
        key: str,
        title: str,
        encoder: str,
        encoder_version: str,
        grid: str,
        dim: int,
        method: str = "gaussian",
        options: Mapping[str, Any] | None = None,
    ) -> int:
        """Add a classifier without classes; `key` is one that no other has (`store.slug`)."""
        return self._change(
            "INSERT INTO classifiers (key, title, encoder, encoder_version, grid, dim, method, options) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(key, title, encoder, encoder_version, grid, dim, method, to_json(dict(options or {}))),
        )

    def set_classifier(self, id: int, **fields: Any) -> None:
        """Set some of a classifier's key, title, method, options, revision, active."""
        self._set("classifiers", id, fields, ("key", "title", "method", "options", "revision", "active"))

    def remove_classifier(self, id: int) -> None:
        """Remove a classifier with all that belongs to it; recordings and their embeddings stay."""
        self._change("DELETE FROM verdicts WHERE classifier=?", id)
        self._change("DELETE FROM examples WHERE classifier=?", id)
        self._change("DELETE FROM bases WHERE classifier=?", id)
        self._change("DELETE FROM classifiers WHERE id=?", id)

    def classes(self, classifier: int, *, active: bool | None = True) -> list[ClassRow]:
        """A classifier's classes that are in use, or those that are not (False), or both (None), oldest first."""
        rows = self._rows(f"SELECT {_CLASS} FROM classes WHERE classifier=? AND ? IN (active, -1) ORDER BY id", classifier, _flag(active))
        return [_class(row) for row in rows]

    def cls(self, id: int) -> ClassRow:
        """The class with this id."""
        return _class(self._must(self._row(f"SELECT {_CLASS} FROM classes WHERE id=?", id), "class", id))

    def add_class(self, classifier: int, name: str, role: str = "class", of: int | None = None) -> int:
        """Add a class that is not in use yet, of the lowest colour that no other has; a negative has that of its class."""
        colour = self._free_colour(classifier) if of is None else self.cls(of).colour
        return self._change(
            "INSERT INTO classes (classifier, name, role, of, colour) VALUES (?, ?, ?, ?, ?)", classifier, name, role, of, colour
        )

    def set_class(self, id: int, **fields: Any) -> None:
        """Set some of a class's name and active."""
        self._set("classes", id, fields, ("name", "active"))

    def _free_colour(self, classifier: int) -> int:
        taken = {row[0] for row in self._rows("SELECT colour FROM classes WHERE classifier=?", classifier)}
        return next(colour for colour in range(len(taken) + 1) if colour not in taken)

    def examples(self, classifier: int, *, cls: int | None = None, ids: Iterable[int] | None = None) -> list[ExampleRow]:
        """A classifier's examples that are in use, or those of one class, or those with these ids whether in use or not; by id."""
        chosen: str = "class IS NOT NULL"
        values: tuple[Any, ...] = ()
        if ids is not None:
            chosen, values = "id IN (SELECT value FROM json_each(?))", (to_json(list(ids)),)
        elif cls is not None:
            chosen, values = "class=?", (cls,)
        sql = f"SELECT {_EXAMPLE} FROM examples WHERE classifier=? AND {chosen} ORDER BY id"
        return [ExampleRow(*row) for row in self._rows(sql, classifier, *values)]

    def add_example(self, classifier: int, hash: str, start_s: float | None = None, end_s: float | None = None, group: str = "") -> int:
        """Add an example that is of no class yet."""
        return self._change(
            "INSERT INTO examples (classifier, hash, start_s, end_s, grp) VALUES (?, ?, ?, ?, ?)", classifier, hash, start_s, end_s, group
        )

    def place_examples(self, ids: Iterable[int], cls: int | None) -> None:
        """Put examples into a class, or out of use (None)."""
        self._change("UPDATE examples SET class=? WHERE id IN (SELECT value FROM json_each(?))", cls, to_json(list(ids)))

    def counts(self, classifier: int) -> dict[int, int]:
        """How many examples each class has; classes without any are left out."""
        sql = "SELECT class, count(*) FROM examples WHERE classifier=? AND class IS NOT NULL GROUP BY class"
        return dict(self._rows(sql, classifier))

    def bases(self, classifier: int, *, active: bool | None = True) -> list[BaseRow]:
        """A classifier's bases that are in use, or those that are not (False), or both (None), oldest first."""
        sql = "SELECT id, classifier, title, pack, active FROM bases WHERE classifier=? AND ? IN (active, -1) ORDER BY id"
        return [
            BaseRow(id, owner, title, pack, bool(used), self._mapping(id))
            for id, owner, title, pack, used in self._rows(sql, classifier, _flag(active))
        ]

    def _mapping(self, base: int) -> dict[str, int | None]:
        return dict(self._rows("SELECT label, class FROM base_classes WHERE base=? ORDER BY rowid", base))

    def add_base(self, classifier: int, title: str, pack: bytes, labels: Iterable[str]) -> int:
        """Add a base that is not in use yet and whose labels, those of its pack, are all hidden."""
        base = self._change("INSERT INTO bases (classifier, title, pack) VALUES (?, ?, ?)", classifier, title, pack)
        for label in labels:
            self._change("INSERT INTO base_classes (base, label) VALUES (?, ?)", base, label)
        return base

    def set_base(self, id: int, active: bool) -> None:
        """Put a base in use or out of use."""
        self._set("bases", id, {"active": active}, ("active",))

    def map_base(self, base: int, label: str, cls: int | None) -> None:
        """Say which class a base's label is, or hide it (None)."""
        self._change("UPDATE base_classes SET class=? WHERE base=? AND label=?", cls, base, label)


def _flag(active: bool | None) -> int:
    """What `? IN (active, -1)` compares with: -1 fits every row."""
    return -1 if active is None else int(active)


def _classifier(row: Any) -> ClassifierRow:
    id, key, title, encoder, encoder_version, grid, dim, method, options, revision, active = row
    return ClassifierRow(id, key, title, encoder, encoder_version, grid, dim, method, from_json(options, dict), revision, bool(active))


def _class(row: Any) -> ClassRow:
    id, classifier, name, role, of, colour, active = row
    return ClassRow(id, classifier, name, role, of, colour, bool(active))
