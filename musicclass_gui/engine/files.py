"""Writing a file whole or not at all. It knows nothing of what is written."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole(path: Path, part: Path | None = None) -> Iterator[Path]:
    """A name to write to, `part` or a new one, which becomes `path` in the end: after a crash there is the old file or the new one.

    Raises OSError.
    """
    part = part or path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` so that also after a crash there is either the old file or the new one. Raises OSError."""
    with whole(path) as part, part.open("xb") as file:
        file.write(data)
