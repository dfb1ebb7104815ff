"""Whether the rows of a project are such as this program writes: a stranger's file can hold anything, whatever its tables are called.

Every value's kind, every size of stored arrays and every reference is looked at by SQLite, which reads no array for it. It knows
the schema, and neither lessons nor what is in their texts.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

from musicclass_gui.engine.audio_paths import shown_name
from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.project.rows import METHODS, ROLES, WORDS
from musicclass_gui.engine.project.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_DIM = 16_384
_KINDS = {"INTEGER": ("integer",), "TEXT": ("text",), "BLOB": ("blob",), "REAL": ("real", "integer")}
_ONE_OF = {
    ("classifiers", "method"): (*METHODS, WORDS),
    ("classes", "role"): ROLES,
    ("lessons", "state"): ("planned", "draft", "kept", "undone"),
}
_FITTING = (
    "SELECT 1 FROM embeddings WHERE length(mean) != 4 * dim OR length(loud) != n OR length(spans) != 16 * n OR length(data) != 4 * n * dim",
    f"SELECT 1 FROM classifiers WHERE dim NOT BETWEEN 1 AND {_LARGEST_DIM}",
    "SELECT 1 FROM embeddings AS e JOIN classifiers AS c ON (e.encoder, e.version, e.grid) = (c.encoder, c.encoder_version, c.grid)"
    " WHERE e.dim != c.dim",
    "SELECT 1 FROM examples AS x JOIN classifiers AS c ON x.classifier = c.id WHERE class NOT NULL AND NOT EXISTS (SELECT 1"
    " FROM embeddings AS e WHERE (e.hash, e.encoder, e.version, e.grid) = (x.hash, c.encoder, c.encoder_version, c.grid))",
    "SELECT 1 FROM classes JOIN classes AS other ON classes.of = other.id WHERE classes.classifier != other.classifier",
    "SELECT 1 FROM examples JOIN classes ON examples.class = classes.id WHERE examples.classifier != classes.classifier",
    "SELECT 1 FROM bases JOIN base_classes ON base = bases.id JOIN classes ON class = classes.id"
    " WHERE bases.classifier != classes.classifier",
)


_seen: set[tuple[int, int]] = set()  # files that were looked at, by device and inode: later ones are written by this program


def require_rows(db: sqlite3.Connection, path: Path, *, again: bool) -> None:
    """Raise ProjectError for a file with other rows than the program's own; without `again` one look in this process is enough."""
    status = path.stat()
    file = status.st_dev, status.st_ino
    if again or file not in _seen:
        if not rows_are_ours(db):
            raise ProjectError(f"“{shown_name(path)}” cannot be opened: it is damaged, or something else wrote it; go back to a copy.")
        _seen.add(file)


def rows_are_ours(db: sqlite3.Connection) -> bool:
    """Whether all rows are as the program's own. Raises sqlite3.Error, also where a table lacks a column."""
    return not any(db.execute(f"{query} LIMIT 1").fetchone() for query in _queries())


@cache
def _queries() -> tuple[str, ...]:
    """Each finds rows that no project of this version has."""
    with closing(sqlite3.connect(":memory:")) as own:
        own.executescript(SCHEMA)
        tables = [name for (name,) in own.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return (*(query for table in tables for query in (_kinds(own, table), *_references(own, table))), *_FITTING)


def _kinds(own: sqlite3.Connection, table: str) -> str:
    """Rows with a value of another kind than the column's."""
    wrong = []
    for _, name, kind, required, _, key in own.execute(f"PRAGMA table_info({table})"):
        kinds = (*_KINDS[kind], *(() if required or key else ("null",)))
        wrong.append(f"typeof({name}) NOT IN {_listed(kinds)}")
        if (table, name) in _ONE_OF:
            wrong.append(f"{name} NOT IN {_listed(_ONE_OF[table, name])}")
    return f"SELECT 1 FROM {table} WHERE {' OR '.join(wrong)}"


def _references(own: sqlite3.Connection, table: str) -> Iterator[str]:
    """Rows that belong to nothing."""
    for _, _, parent, column, key, *_ in own.execute(f"PRAGMA foreign_key_list({table})"):
        yield f"SELECT 1 FROM {table} AS t WHERE {column} NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE p.{key} = t.{column})"


def _listed(values: tuple[str, ...]) -> str:
    return f"({', '.join(repr(value) for value in values)})"
