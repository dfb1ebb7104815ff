"""Reads a user's own table: a CSV file that names recordings and their label, tags or number. It knows no particular data set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import Found, Item
from musicclass_gui.engine.benchmark.readers._looking import SPLITS, About, Look, number, tally, text
from musicclass_gui.engine.benchmark.readers._looking import table as read_table
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.readers._looking import Files
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "table", "A table", "classes"
WHERE = "Get or write a CSV file with the columns path and label."
LAYOUT = (
    "A CSV file, or a folder with one: columns path and one of label, tags (separated by |) or target (a number); "
    "split, start and end in seconds, and others such as artist, as groups, where they are there."
)

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_SAYING = {"label": "classes", "tags": "tags", "target": "regression"}
_TIMES = ("start", "end")
_OWN = frozenset(("path", "split", *_TIMES, *_SAYING))


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All rows in their order. `folder` is the table itself or the folder that holds it; paths in it are relative to it, or absolute.

    Labels with a “|” in them are tags. The kind is what the columns say. Raises DataError.
    """
    path = _table_in(folder)
    look = Look(_ABOUT, path.parent, token)
    lines = list(read_table(path, _ABOUT, ("path",), _delimiter(path)))
    look.refuse_unless(lines, f"“{path.name}” has no rows")
    column = next((name for name in _SAYING if name in lines[0]), "")
    look.refuse_unless(column, f"“{path.name}” has no column “label”, “tags” or “target”")
    kind = "tags" if column == "label" and any("|" in line[column] for line in lines) else _SAYING[column]
    files = look.files()
    for line in lines:
        _take(look, files, line, column, kind)
    classes = () if kind == "regression" else dict.fromkeys(label for item in look.items for label in item.labels)
    return look.found(sorted(classes), [tally(look.items, "rows", len(lines))], decode=decode, kind=kind)


def _table_in(folder: Path) -> Path:
    if os.path.isfile(folder):
        return folder.absolute()
    if not os.path.isdir(folder):
        raise DataError(f"“{folder}” is neither a CSV file nor a folder with one; choose the table.")
    tables = sorted(folder.absolute().glob("*.csv"))
    if len(tables) != 1:
        raise _ABOUT.refusal(folder, f"it has {len(tables) or 'no'} CSV files where one is expected")
    return tables[0]


def _delimiter(path: Path) -> str:
    return max(",;\t", key=text(path, _ABOUT).partition("\n")[0].count)


def _take(look: Look, files: Files, line: dict[str, str], column: str, kind: str) -> None:
    listed = line["path"]
    path = look.at(files, listed) if not Path(listed).is_absolute() else _outside(look, Path(listed))
    if path is None:
        return
    labels = tuple(label.strip() for label in line[column].split("|") if label.strip()) if kind == "tags" else (line[column],)
    target = number(line[column], _ABOUT, look.folder, "target") if kind == "regression" else None
    start, end = (number(line.get(name) or default, _ABOUT, look.folder, name) for name, default in zip(_TIMES, ("0", "-1"), strict=True))
    groups = {name: value for name, value in line.items() if name not in _OWN and value}
    split = SPLITS.get(line.get("split", "").casefold(), "")
    look.items.append(
        Item(_key(look, path, start, end), str(path), () if kind == "regression" else labels, target, split, groups, start, end)
    )


def _outside(look: Look, path: Path) -> Path | None:
    if path.is_file():
        return path
    look.missing.append(str(path))
    return None


def _key(look: Look, path: Path, start: float, end: float) -> str:
    name = look.key(path) if look.folder in path.parents else str(path)
    return name if (start, end) == (0, -1) else f"{name}#{start:g}-{end:g}"
