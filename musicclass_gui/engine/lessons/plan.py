"""What was dropped or chosen, as classes to teach: said before anything is done, edited in the preview, carried out by a lesson.

It reads names of files and, as far as there is time, whether they can be read; it knows no project and teaches nothing.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine import audio
from musicclass_gui.engine.audio_paths import natural, shown_name
from musicclass_gui.engine.errors import AudioError
from musicclass_gui.engine.lessons.folders import Below, Watch, below, is_audio_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.task import Token

LONGEST_NAME = 200
UNNAMED = "Unnamed"

_COUNTS_SHOWN = 6
_INVISIBLE = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")  # they turn the text around them round


@dataclass(frozen=True)
class PlannedFile:
    """A recording, or a span of it, to be taught. `reason` says why it cannot be read ("" when it can, as far as was looked)."""

    path: str
    start_s: float | None = None
    end_s: float | None = None
    group: str = ""  # a folder below the class's own; "" where there is none
    keep: bool = True
    reason: str = ""

    @property
    def taught(self) -> bool:
        """Whether it takes part."""
        return self.keep and not self.reason


@dataclass(frozen=True)
class PlannedClass:
    """A class and its files. `name` is empty while nobody has said it (loose files). `of` names the class that a negative is not."""

    name: str
    files: list[PlannedFile] = field(default_factory=list)
    role: str = "class"
    of: str = ""
    keep: bool = True

    @property
    def taught(self) -> list[PlannedFile]:
        """The files that take part."""
        return [file for file in self.files if file.taught] if self.keep else []


@dataclass(frozen=True)
class Plan:
    """What would be taught. `others` counts files that are not audio.

    `complete` is False when not every file was found and looked into; `counted` is False when there may be more of them.
    """

    classes: list[PlannedClass] = field(default_factory=list)
    others: int = 0
    complete: bool = True
    problems: list[str] = field(default_factory=list)  # folders that cannot be read, names that had to be changed
    counted: bool = True


@dataclass
class _Draft:
    """A plan while it is being made: files by class name, in the order in which the names were met."""

    classes: defaultdict[str, list[PlannedFile]] = field(default_factory=lambda: defaultdict(list))
    others: int = 0
    problems: list[str] = field(default_factory=list)
    counted: bool = True

    def add(self, folder_name: str, found: Sequence[tuple[tuple[str, ...], str]]) -> None:
        """Files of the class that a folder is named after, each with the folders between."""
        name = clean_name(folder_name) or UNNAMED
        if name != unicodedata.normalize("NFC", folder_name).strip():
            self.problems.append(f"“{_short(folder_name)}” cannot be a name as it is, so that class is called “{_short(name)}”.")
        shared = _shared([parts for parts, _ in found])
        self.classes[name] += [PlannedFile(path, group=clean_name("".join(parts[shared : shared + 1]))) for parts, path in found]


def plan_drop(paths: Iterable[Path | str], *, budget_s: float | None, token: Token | None = None, look: bool = True) -> Plan:
    """What dropping `paths` would teach.

    Each sub-folder with audio is a class, and a folder without such is one class named after it; of both, its own files are one more
    class. Folders below a class are its groups. Files are one class without a name, last. Same names are one class.
    With `budget_s` None every file is probed; else as many as there is time for, and without `look` none. Raises Cancelled, and nothing
    for bad files.
    """
    watch, draft, loose = Watch(budget_s, token), _Draft(), list[str]()
    for path in dict.fromkeys(os.path.abspath(path) for path in paths):
        if not watch.goes_on():
            draft.counted = False
            break
        if os.path.isdir(path):
            _add_folder(path, draft, watch)
        elif is_audio_name(path):
            loose.append(path)
        else:
            draft.others += 1
    if loose:
        draft.classes[""] = [PlannedFile(path) for path in sorted(loose, key=lambda path: natural(os.path.basename(path)))]
    return _looked_into(draft, watch, look)


def clean_name(text: str) -> str:
    """`text` as a class can be called: one line, visible, trimmed, at most `LONGEST_NAME` characters; may be empty."""
    shown = _INVISIBLE.sub("", text.encode("utf-8", "replace").decode("utf-8", "replace"))
    spaced = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in shown)
    return unicodedata.normalize("NFC", spaced.strip())[:LONGEST_NAME].strip()


def sentence(plan: Plan) -> str:
    """What would be taught, before it is done: "Teach 3 classes: 12, 9, 31 files, 2 unreadable"."""
    classes = [one for one in plan.classes if one.keep]
    counts = [len(one.taught) for one in classes]
    if not sum(counts):
        return _nothing(plan, _unreadable(classes))
    ending = _unreadable_words(_unreadable(classes), plan)
    if len(classes) > 1:
        return f"Teach {len(classes)} classes{_several(counts, plan)}{ending}"
    files = f"{'' if plan.counted else 'more than '}{_files(counts[0])}"
    named = classes[0].name
    return f"Teach “{_short(named)}”: {files}{ending}" if named else f"Teach a new class from {files}{ending}"


def _several(counts: list[int], plan: Plan) -> str:
    if not plan.counted:
        return f" or more: more than {_files(sum(counts))}"
    more = ", …" if len(counts) > _COUNTS_SHOWN else ""
    return f": {', '.join(map(str, counts[:_COUNTS_SHOWN]))}{more} files"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _unreadable(classes: list[PlannedClass]) -> int:
    return sum(1 for one in classes for file in one.files if file.keep and file.reason)


def _unreadable_words(count: int, plan: Plan) -> str:
    if not count:
        return ""
    return f", {count} unreadable" if plan.complete else f", {count} or more unreadable"


def _nothing(plan: Plan, unreadable: int) -> str:
    if not plan.counted:
        return "Teach what is in here: still counting"
    if unreadable:
        return f"Nothing to teach: {_files(unreadable)}, all unreadable"
    return "Nothing to teach: no audio files" if plan.others or not plan.classes else "Nothing to teach: everything is left out"


def _short(name: str, length: int = 60) -> str:
    clean = clean_name(name)
    return clean if len(clean) <= length else clean[: length - 1].rstrip() + "…"


def _add_folder(path: str, draft: _Draft, watch: Watch) -> None:
    """One dropped folder: its sub-folders are classes, its own files are one."""
    found = below(Path(path), watch)
    draft.others += found.others
    draft.problems += found.problems
    draft.counted &= found.complete
    own = [(parts, file) for parts, file in found.audio if not parts]
    name = os.path.basename(path) or path
    for folder, files in _by_sub_folder(found).items():
        draft.add(folder, files)
    if own:
        draft.add(name, own)
    if own and len(own) < len(found.audio):
        _note_both(name, len(own), draft)
    if not found.audio and found.complete:
        draft.problems.append(f"There is no audio in “{shown_name(path)}”.")


def _by_sub_folder(found: Below) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    files: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for parts, path in found.audio:
        if parts:
            files.setdefault(parts[0], []).append((parts[1:], path))
    return files


def _note_both(name: str, count: int, draft: _Draft) -> None:
    lie = "lies" if count == 1 else "lie"
    draft.problems.append(f"{_files(count)} of “{_short(name)}” {lie} in none of its sub-folders; that makes a class of its own.")


def _shared(chains: Sequence[tuple[str, ...]]) -> int:
    """How many folders all chains have in common at their start: those tell no two files apart."""
    depth = 0
    for level in zip(*chains, strict=False):
        if len(set(level)) > 1:
            break
        depth += 1
    return depth


def _looked_into(draft: _Draft, watch: Watch, look: bool) -> Plan:
    """The plan, with the reasons of files that cannot be read as far as there is time to look."""
    complete, classes = look and draft.counted, []
    for name, files in draft.classes.items():
        looked = list({file.path: file for file in files}.values())
        for number, file in enumerate(looked):
            if not (look and watch.goes_on()):
                complete = False
                break
            looked[number] = replace(file, reason=_reason(file.path))
        classes.append(PlannedClass(name, looked))
    return Plan(classes, draft.others, complete, draft.problems, draft.counted)


def _reason(path: str) -> str:
    """Why a file cannot be read, or ""."""
    try:
        audio.probe(path)
    except AudioError as error:
        return str(error)
    return ""
