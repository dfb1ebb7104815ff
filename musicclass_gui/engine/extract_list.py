"""The recordings of an extraction: what a list file names, in its order, each of them once.

A list is text in UTF-8 with one path per line. Blank lines, blanks around a path, and lines that begin with "#" count for nothing (a file
whose name begins so is written "./#name"). A path is relative to the list's folder, or else to the folder that the program was started
in. It opens no recording.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import ExtractError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # what some systems write where text is redirected to a file


class Recordings:
    """Paths in the order of their lines. `numbers` has each different path (absolute, as text) once, with its number."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.numbers: dict[str, int] = {}
        self.lines = array("q")
        digest = hashlib.sha256()
        for path in paths:
            self.lines.append(self.numbers.setdefault(path, len(self.numbers)))
            digest.update(os.fsencode(path) + b"\0")
        self.digest = digest.hexdigest()
        self._paths = list(self.numbers)

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """The number and the path of each line, in order."""
        return ((number, self._paths[number]) for number in self.lines)

    def path(self, number: int) -> str:
        """The path that has a number."""
        return self._paths[number]


def given(paths: Iterable[Path]) -> Recordings:
    """Recordings that are named one by one."""
    return Recordings(os.path.abspath(path) for path in paths)


def read(list_file: Path) -> Recordings:
    """The recordings that a list file names. Raises ExtractError when it is not such a file."""
    try:
        data = list_file.read_bytes()
    except IsADirectoryError as error:
        raise ExtractError(f"“{list_file}” is a folder; name a text file with one path per line.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ExtractError(f"The list “{list_file}” cannot be read ({reason}); check its name.") from error
    if data.startswith(_UTF16):
        data = data.decode("utf-16", "replace").encode()
    if b"\0" in data:
        raise ExtractError(f"“{list_file}” is no list but some other file; name a text file with one path per line.")
    folder = os.path.dirname(os.path.abspath(list_file))
    return Recordings(_located(path, folder) for path in _lines(data))


def _lines(data: bytes) -> Iterator[str]:
    """Bytes that are no valid text stay as they are, as in the system's own names of files."""
    for line in data.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n").split(b"\n"):
        text = line.strip()
        if text and not text.startswith(b"#"):
            yield text.decode("utf-8", "surrogateescape")


def _located(path: str, folder: str) -> str:
    beside, here = os.path.abspath(os.path.join(folder, path)), os.path.abspath(path)
    return here if not os.path.exists(beside) and os.path.exists(here) else beside
