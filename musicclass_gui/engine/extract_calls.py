"""Extraction as the window asks for it: plain values in, plain values out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.errors import ExtractError
from musicclass_gui.engine.extract import Failure, Note, extract

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.task import Token

Fields = dict[str, Any]


def answer(fields: Fields, token: Token, emit: Callable[[Fields], None]) -> Fields:
    """Extract what `fields` say: one of "paths", "folder" and "list", and the other arguments of `extract`. Raises what that raises.

    Each failure is emitted as {"path", "reason"}, each note as {"note"}; the result has "path", "shape", "recordings" and "failed".
    """

    def tell(told: Failure | Note) -> None:
        emit({"note": told.text} if isinstance(told, Note) else {"path": told.path, "reason": told.reason})

    arguments = {key: value for key, value in fields.items() if key not in ("paths", "folder", "list", "out")}
    made = extract(_recordings(fields, token), Path(fields["out"]), **arguments, token=token, tell=tell)
    return {"path": str(made.path), "shape": list(made.shape), "recordings": made.recordings, "failed": made.failed}


def _recordings(fields: Fields, token: Token) -> Path | Sequence[Path]:
    if "list" in fields:
        return Path(fields["list"])
    if "paths" in fields:
        return [Path(path) for path in fields["paths"]]
    found = find_recordings([Path(fields["folder"])], token)
    if not found:
        raise ExtractError(f"No audio files were found in “{fields['folder']}”; choose another folder.")
    return found
