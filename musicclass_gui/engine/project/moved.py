"""Finding recordings again that were moved or renamed: by size first, then by content. It knows nothing of projects."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine.audio_paths import content_hash
from musicclass_gui.engine.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.engine.task import Token


def find_files(sought: dict[str, tuple[int, str]], folders: list[Path], token: Token) -> Iterator[tuple[str, Path]]:
    """Look below `folders` for the files with the contents `sought`: hash → (size, last name). Each is found at most once.

    Only files of a size that is sought are read; those that have kept their name come first. Folders and files that cannot be
    read are passed over. Raises Cancelled.
    """
    left: dict[int, set[str]] = defaultdict(set)
    for hash, (size, _) in sought.items():
        left[size].add(hash)
    names = {name for _, name in sought.values()}
    candidates = [(size, path) for size, path in _files(folders, token) if size in left]
    candidates.sort(key=lambda one: one[1].name not in names)
    for number, (size, path) in enumerate(candidates):
        token.progress(number / len(candidates), path.name)
        if left[size]:
            hash = _hash(path, token)
            if hash in left[size]:
                left[size].discard(hash)
                yield hash, path


def _files(folders: list[Path], token: Token) -> Iterator[tuple[int, Path]]:
    """Every file below the folders, with its size."""
    for folder in folders:
        for parent, _, names in os.walk(folder):
            token.check()
            token.progress(float("nan"), os.path.basename(parent))
            for name in names:
                path = Path(parent, name)
                size = _size(path)
                if size is not None:
                    yield size, path


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def _hash(path: Path, token: Token) -> str:
    try:
        return content_hash(path, token)
    except (AudioError, OSError):
        return ""
