"""Dataclasses as plain JSON values and back, every field's type checked on the way in: what a file or another process says is data.

It knows text, numbers, truth values, None, paths, lists, tuples, dictionaries with text keys, and dataclasses of these.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from musicclass_gui.engine.errors import DataError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """`value` as JSON can hold it; numbers that are not finite become None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_plain(kind: type[T], value: Any) -> T:
    """The dataclass `kind` that `to_plain` made `value` of; fields that are missing take their default. Raises DataError."""
    made: T = _read(kind, value, kind.__name__)
    return made


def _read(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _read_any(args, value, where)
    if origin in (list, tuple) and isinstance(value, list):
        items = [_read(args[0], item, f"{where}[{number}]") for number, item in enumerate(value)]
        return items if origin is list else tuple(items)
    if origin is dict and isinstance(value, dict):
        return {_read(args[0], key, where): _read(args[1], item, f"{where}.{key}") for key, item in value.items()}
    return _read_simple(kind, value, where)


def _read_simple(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and value is None:
        return math.nan
    with suppress(ValueError, OverflowError):
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if kind is int and isinstance(value, str) and value.removeprefix("-").isdecimal():  # a key of a JSON object
            return int(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise DataError(f"“{where}” should not be {str(value)[:40]!r}; the file that it comes from is damaged or from another version.")


def _read_any(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is not type(None):
            return _read(kind, value, where)
    raise DataError(f"“{where}” should be empty.")


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise DataError(f"“{where}” should not be {str(value)[:40]!r}; the file that it comes from is damaged or from another version.")
    hints = _hints(kind)
    try:
        return kind(**{name: _read(hints[name], inner, f"{where}.{name}") for name, inner in value.items() if name in hints})
    except TypeError as error:
        raise DataError(f"“{where}” lacks a part ({error}); the file that it comes from is damaged or from another version.") from error


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
