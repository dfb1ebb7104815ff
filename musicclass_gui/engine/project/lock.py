"""Who may write a project: one process at a time, by a lock of the operating system that ends with the process that holds it.

The lock lies on a file of its own beside the project, since closing any handle of the project file would drop the locks that
SQLite holds on it. It knows nothing of what is in a project.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TRIES = 20  # of those that each met a lock file just being removed


class Held(Exception):
    """Someone else holds the lock."""


class Lock:
    """A lock that is held from the moment it is made until `release`. Raises Held, or OSError where no lock file can be made."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._handle = self._take()

    def release(self) -> None:
        """Let go and leave no file behind."""
        if sys.platform != "win32" and self._is_there(self._handle):
            self._remove()  # while it is held: whoever waits for it sees that it is gone, and makes a new one
        os.close(self._handle)
        if sys.platform == "win32":
            self._remove()  # fails, as it should, while someone else has it open

    def _remove(self) -> None:
        with suppress(OSError):
            self._path.unlink()

    def _take(self) -> int:
        for _ in range(_TRIES):
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock(handle)
                if self._is_there(handle):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
        raise Held

    def _is_there(self, handle: int) -> bool:
        """Whether the locked file is still the one of that name."""
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False


def _lock(handle: int) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise Held from error
