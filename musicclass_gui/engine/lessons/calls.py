"""What the window's process can ask the desk for, by name: plain values in, plain values out.

The desk is made by the first call and kept, since its encoder costs seconds to load.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine import places
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import Plan
from musicclass_gui.engine.plain import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.lessons.teacher import Tell
    from musicclass_gui.engine.task import Token

Fields = dict[str, Any]


def answer(fields: Fields, token: Token, tell: Tell) -> Any:
    """Do what `fields["do"]` names. Raises LessonError for what is not known, and whatever the desk raises."""
    name = fields["do"]
    desk = _desk()
    desk.ears.device, desk.ears.weights_folder = fields.get("device", "auto"), fields.get("weights_folder", "")
    if name in _WITHOUT_PROJECT:
        return to_plain(_WITHOUT_PROJECT[name](desk, fields, token))
    if name not in _CALLS:
        raise LessonError(f"The program asked for “{name}”, which is not known; its parts are of different versions, so install it again.")
    if name not in ("open_project", "new_project"):  # what was open stays so, whatever comes of it, and no default one is made for it
        desk.open(Path(fields["project"]), create=True)
    return to_plain(_CALLS[name](desk, fields, token, tell))


def close() -> None:
    """Let the project go that was worked on, if one was."""
    if _desk.cache_info().currsize:
        _desk().close()


@cache
def _desk() -> Desk:
    return Desk(places.cache_dir())


def _opened(desk: Desk, path: Path) -> Any:
    desk.open(path)
    return desk.board()


def _wanted(fields: Fields) -> Wanted:
    options = tuple(fields.get("options", {}).items())
    get = fields.get
    return Wanted(get("classifier", 0), get("title", ""), get("method") or "gaussian", get("encoder", ""), options)


def _verdict(desk: Desk, fields: Fields) -> Any:
    start_s, end_s = fields["start_s"], fields["end_s"]
    return desk.looking.verdict(fields["classifier"], fields["hash"], Path(fields["path"]), start_s, end_s, fields["cls"])


def _picture(desk: Desk, fields: Fields) -> str:
    return base64.b64encode(desk.looking.picture(fields["hash"], fields.get("start_s"), fields.get("end_s"))).decode()


_WITHOUT_PROJECT: dict[str, Callable[[Desk, Fields, Token], Any]] = {
    "plan": lambda desk, f, token: desk.plan([Path(path) for path in f["paths"]], token),
}

_CALLS: dict[str, Callable[[Desk, Fields, Token, Tell], Any]] = {
    "board": lambda desk, f, token, tell: desk.board(),
    "open_project": lambda desk, f, token, tell: _opened(desk, Path(f["path"])),
    "new_project": lambda desk, f, token, tell: desk.create(Path(f["path"])),
    "save_as": lambda desk, f, token, tell: desk.save_as(Path(f["path"])),
    "find_moved": lambda desk, f, token, tell: desk.find_moved(Path(f["folder"]), token),
    "teach": lambda desk, f, token, tell: desk.teach(from_plain(Plan, f["plan"]), _wanted(f), token, tell),
    "teach_confirmed": lambda desk, f, token, tell: desk.teach_confirmed(f["classifier"], token, tell),
    "go_on": lambda desk, f, token, tell: desk.go_on(token, tell),
    "keep": lambda desk, f, token, tell: desk.keep(f["lesson"]),
    "take_back": lambda desk, f, token, tell: desk.take_back(f["lesson"]),
    "undo": lambda desk, f, token, tell: desk.undo(token),
    "redo": lambda desk, f, token, tell: desk.redo(token),
    "rename": lambda desk, f, token, tell: desk.rename(f["cls"], f["name"]),
    "merge": lambda desk, f, token, tell: desk.merge(f["cls"], f["into"], token, tell),
    "delete": lambda desk, f, token, tell: desk.delete(f["cls"], token, tell),
    "move": lambda desk, f, token, tell: desk.move(f["examples"], f["cls"], token, tell),
    "forget": lambda desk, f, token, tell: desk.forget(f["lesson"], token, tell),
    "set_method": lambda desk, f, token, tell: desk.set_method(f["classifier"], f["method"], f.get("options", {}), token, tell),
    "new_classifier": lambda desk, f, token, tell: desk.new_classifier(_wanted(f), f.get("start_from", ""), token),
    "add_words": lambda desk, f, token, tell: desk.add_words(f["title"], f.get("encoder", ""), f.get("template", ""), f["phrases"]),
    "set_words": lambda desk, f, token, tell: desk.set_words(f["classifier"], f.get("template", ""), f["phrases"]),
    "words_plan": lambda desk, f, token, tell: desk.words_plan(f["classifier"], f["phrase"], list(map(Path, f["paths"])), token, tell),
    "remove_classifier": lambda desk, f, token, tell: desk.remove_classifier(f["classifier"]),
    "pack_import": lambda desk, f, token, tell: desk.pack_import(Path(f["path"]), f.get("classifier", 0), token),
    "pack_export": lambda desk, f, token, tell: desk.pack_export(f["classifier"], Path(f["path"])),
    "lesson": lambda desk, f, token, tell: desk.lesson(f["lesson"]),
    "picture": lambda desk, f, token, tell: _picture(desk, f),
    "sound_map": lambda desk, f, token, tell: desk.looking.sound_map(f["classifier"], f["how"], token),
    "alike": lambda desk, f, token, tell: desk.looking.alike(f["classifier"], Path(f["path"]), f["start_s"], f["end_s"], token),
    "doubts": lambda desk, f, token, tell: desk.looking.doubts(f["classifier"], [Path(path) for path in f["paths"]], token),
    "verdict": lambda desk, f, token, tell: _verdict(desk, f),
    "remove_verdict": lambda desk, f, token, tell: desk.looking.remove_verdict(f["id"]),
}
