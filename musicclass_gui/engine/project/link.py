"""The connection to a project file that everything in this package reads and writes through. It knows no tables."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.audio_paths import shown_name
from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project import opening

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class Link:
    """An open project file. `read_only` is a sentence about why nothing can be changed, or empty."""

    def __init__(self, db: sqlite3.Connection, path: Path, read_only: str) -> None:
        self.path = path
        self.read_only = read_only
        self._db = db
        self._depth = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of the block is kept, or nothing where it raises; a block inside a block is part of the outer one.

        Raises ProjectError when the file cannot be written: read only, no space, locked, damaged.
        """
        if self.read_only:
            raise ProjectError(self.read_only)
        with self._nested() if self._depth else self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            self._execute("COMMIT")
        finally:
            self._depth = 0
            if self._db.in_transaction:  # SQLite ends some by itself, such as those that found the drive full
                self._execute("ROLLBACK")

    @contextmanager
    def _nested(self) -> Iterator[None]:
        name = f"inner{self._depth}"
        self._execute(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self._depth -= 1
        self._execute(f"RELEASE {name}")

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run what changes something. Raises ProjectError."""
        with opening.explained(self.path, "changed"):
            return self._db.execute(sql, values)

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        """All rows that a query finds. Raises ProjectError."""
        with opening.explained(self.path, "read"):
            return self._db.execute(sql, _clean(values)).fetchall()

    def _row(self, sql: str, *values: Any) -> Any:
        """The first row that a query finds, or None. Raises ProjectError."""
        with opening.explained(self.path, "read"):
            return self._db.execute(sql, _clean(values)).fetchone()

    def _change(self, sql: str, *values: Any) -> int:
        """Change rows; gives the id of the new one. Only inside `writing`. Raises ProjectError."""
        if not self._depth:
            raise RuntimeError("a project is changed only inside `writing`")
        return self._execute(sql, _clean(values)).lastrowid or 0

    def _set(self, table: str, number: int, fields: Mapping[str, Any], allowed: Sequence[str]) -> None:
        """Set some columns of the row with this id."""
        unknown = set(fields) - set(allowed)
        if unknown:
            raise TypeError(f"{table} has no {', '.join(sorted(unknown))} to set")
        if fields:
            columns = ", ".join(f"{name}=?" for name in fields)
            values = [to_json(value) if isinstance(value, dict | list) else value for value in fields.values()]
            self._change(f"UPDATE {table} SET {columns} WHERE id=?", *values, number)

    def _must(self, row: Any, what: str, number: int) -> Any:
        if row is None:
            raise ProjectError(f"“{shown_name(self.path)}” has no {what} {number}; it may have been removed.")
        return row


def to_json(value: Any) -> str:
    """Plain values as text, which keeps also what UTF-8 cannot spell. Raises ValueError for numbers that are not finite."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def from_json(text: str, kind: type[Any]) -> Any:
    """What `to_json` made text of; an empty `kind` for an empty text. Raises ProjectError when it is something else."""
    if not text:
        return kind()
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        if isinstance(value, kind):
            return value
    raise ProjectError("The project file is damaged: a part of it is not as it was written; go back to a copy of it.")


def _clean(values: Sequence[Any]) -> list[Any]:
    """Text from file names may hold bytes that are no UTF-8, which SQLite's text cannot."""
    return [value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in values]
