"""What the program remembers of encoders, in small JSON files of its data folder: read as valid or ignored, written whole.

Knows nothing of what is in them.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine import places
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST_BYTES = 16 << 20
_changing = threading.Lock()
_read: dict[Path, tuple[tuple[int, int], dict[str, Any]]] = {}


def place(name: str) -> Path:
    """Where a file is."""
    return places.data_dir() / name


def read(name: str) -> tuple[dict[str, Any], str]:
    """The object in a file of the data folder, and a sentence on what is wrong with it, or "". It is read again once it has changed."""
    path = place(name)
    try:
        status = path.stat()
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"“{path}” cannot be read ({error.strerror or error}), so it is ignored."
    stamp = (status.st_mtime_ns, status.st_size)
    if path not in _read or _read[path][0] != stamp:
        found, problem = _parse(path, status.st_size)
        if problem:
            return {}, problem
        _read[path] = (stamp, found)
    return _read[path][1], ""


def change(name: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit the object in a file of the data folder, which is made if it is not there. Raises WeightsError when it cannot be written."""
    path = place(name)
    with _changing:
        found, problem = read(name)
        content = json.loads(json.dumps(found))
        edit(content)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if problem and path.exists():
                path.replace(path.with_suffix(".damaged"))
            write_whole(path, json.dumps(content, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise WeightsError(f"“{path}” cannot be written ({error.strerror or error}); allow writing to its folder.") from error
        _read.pop(path, None)


def _parse(path: Path, size: int) -> tuple[dict[str, Any], str]:
    try:
        found = json.loads(path.read_bytes()) if size <= _MOST_BYTES else None
    except OSError as error:
        return {}, f"“{path}” cannot be read ({error.strerror or error}), so it is ignored."
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return {}, f"“{path}” is damaged, so it is ignored."
    return found, ""
