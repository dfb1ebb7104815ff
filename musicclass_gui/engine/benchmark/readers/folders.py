"""Reads any data with one folder for each class; sub-folders are groups, such as players or albums. It knows no particular data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.audio_paths import natural
from musicclass_gui.engine.benchmark.readers._looking import SPLITS, About, Look, listing, tally

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "folders", "Folders", "classes"
WHERE = "Get at least two classes of recordings together, each in a folder with the class's name."
LAYOUT = "One folder for each class, with recordings and sub-folders; or these in folders named train, valid (if wanted) and test."

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All recordings by the folder that they are in; the path of sub-folders, with the class's, is the group "folder". Raises DataError."""
    look = Look(_ABOUT, folder, token)
    paths = look.files().paths
    inside = {path: path.relative_to(look.folder).parts for path in paths}
    split = _are_splits(inside.values())
    if loose := [look.key(path) for path, parts in inside.items() if len(parts) < 2 + split]:
        look.problems.append(
            listing(loose, "recording is in no class's folder and is left out", "recordings are in no class's folder and are left out")
        )
    for path, parts in inside.items():
        if len(parts) >= 2 + split:
            label, *below = parts[split:-1]
            look.add(
                path,
                (label,),
                split=SPLITS[parts[0].casefold()] if split else "",
                groups={"folder": "/".join((label, *below)) if below else ""},
            )
    classes = sorted({item.labels[0] for item in look.items}, key=natural)
    look.refuse_unless(len(classes) > 1, "it has no recordings in at least two folders")
    return look.found(classes, [tally(look.items, "recordings")], decode=decode)


def _are_splits(inside: Iterable[tuple[str, ...]]) -> bool:
    """Whether the uppermost folders are the parts of a split rather than classes."""
    tops = {parts[0].casefold() for parts in inside if len(parts) > 1}
    return len(tops) > 1 and tops <= SPLITS.keys() and any(len(parts) > 2 for parts in inside)
