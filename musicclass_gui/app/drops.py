"""What dropping these files and folders will do, in one sentence, before they are released."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from musicclass_gui.app.projects import PACK_SUFFIX, PROJECT_SUFFIX, one_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_BUDGET_S = 0.05  # a drag must not stutter because a folder is large


def plan_drop(paths: Sequence[Path]) -> str:
    """One sentence: open a recording, queue many, or why nothing can be done."""
    project, pack = one_with(paths, PROJECT_SUFFIX), one_with(paths, PACK_SUFFIX)
    if project is not None or pack is not None:
        return _special(project, pack)
    if len(paths) == 1 and not os.path.isdir(paths[0]):
        return f"Open “{paths[0].name}”" if _is_audio(paths[0].name) else f"Try to open “{paths[0].name}”, which does not look like audio"
    audio, other, complete = _count(paths)
    where = f" from “{paths[0].name}”" if len(paths) == 1 else ""
    if audio == 0 and complete:
        return f"Nothing to open{where}: no audio files in it" if where else "Nothing to open: no audio files among these"
    more = "" if complete else "more than "
    aside = f" ({_files(other)} not audio)" if other else ""
    return f"Queue {more}{audio} recording{'' if audio == 1 else 's'}{where}{aside}"


def plan_teach(paths: Sequence[Path]) -> str:
    """One sentence: what would be taught, as far as can be told at once; which files cannot be read is found out later."""
    project, pack = one_with(paths, PROJECT_SUFFIX), one_with(paths, PACK_SUFFIX)
    if project is not None or pack is not None:
        return _special(project, pack)
    from musicclass_gui.engine.lessons import plan

    return plan.sentence(plan.plan_drop(paths, budget_s=_BUDGET_S, look=False))


def _special(project: Path | None, pack: Path | None) -> str:
    if project is not None:
        return f"Open the project “{project.stem}”"
    return f"Import the class pack “{pack.stem}”" if pack is not None else ""


def _files(count: int) -> str:
    return "1 other file is" if count == 1 else f"{count} other files are"


def _count(paths: Sequence[Path]) -> tuple[int, int, bool]:
    """(audio files, other files, whether all were counted within the time allowed)."""
    end = time.monotonic() + _BUDGET_S
    audio = other = 0
    for name in _names(paths):
        if _is_audio(name):
            audio += 1
        else:
            other += 1
        if time.monotonic() > end:
            return audio, other, False
    return audio, other, True


def _names(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        if not os.path.isdir(path):
            yield path.name
            continue
        for _, folders, files in os.walk(path):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            yield from (name for name in files if not name.startswith("."))


def _is_audio(name: str) -> bool:
    from musicclass_gui.engine.audio import AUDIO_SUFFIXES

    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES
