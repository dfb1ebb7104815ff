"""A real session whose desk writes down what it is asked and answers by hand, and a project made by hand to show."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from musicclass_gui.app.desk import DeskLine, Receivers
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.plain import to_plain
from musicclass_gui.engine.project.board import Board, ClassifierView, ClassView, ExampleView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

ASIDE = ("project", "device", "weights_folder")


@dataclass
class Asked:
    """A call of the desk. `answer` and `fail` do what the worker would."""

    name: str
    fields: dict[str, Any]
    read: Callable[[Any], Any]
    to: Receivers

    def answer(self, value: Any) -> None:
        self.to.done(self.read(to_plain(value)))

    def fail(self, sentence: str) -> None:
        self.to.failed(MusicClassError(sentence))


@dataclass
class _Job:
    live: bool = True

    def cancel(self) -> None:
        self.live = False


@dataclass
class Desk(DeskLine):
    """Keeps what it is asked, in order. Pictures are given at once when `pictures` is on."""

    calls: list[Asked] = field(default_factory=list)
    pictures: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def ask(self, name: str, fields: dict[str, Any], read: Callable[[Any], Any], to: Receivers) -> Any:
        if name == "picture":
            self.pictures += 1
            to.done(base64.b64encode(np.full((24, 64), 200, np.uint8).tobytes()).decode())
        else:
            self.calls.append(Asked(name, {key: value for key, value in fields.items() if key not in ASIDE}, read, to))
        return _Job()

    @property
    def said(self) -> list[tuple[str, dict[str, Any]]]:
        """All calls as names and fields."""
        return [(call.name, call.fields) for call in self.calls]


def example(number: int, name: str = "", **more: Any) -> ExampleView:
    usual = {"missing": False, "start_s": None, "end_s": None, "duration_s": 30.0, "group": "Bach", "said": ""}
    name = name or f"sound {number}.wav"
    return ExampleView(number, f"hash{number}", f"/music/{name}", name, **{**usual, **more})


def klass(number: int, name: str, examples: list[ExampleView] | None = None, **more: Any) -> ClassView:
    usual = {
        "role": "class", "of": None, "colour": number, "seconds": 60.0, "groups": 2, "quality": 0.8,
        "quality_note": "", "base": "", "base_recordings": 0,
    }  # fmt: skip
    return ClassView(number, name, examples=examples or [], **{**usual, **more})


def two_classes() -> list[ClassView]:
    cello = klass(1, "cello", [example(11, said="cello"), example(12, start_s=5.0, end_s=15.0), example(13)], quality=0.92)
    flute = klass(2, "flute", [example(21, said="cello"), example(22, missing=True)], quality=None, quality_note="few recordings")
    return [cello, flute]


def board_of(classes: list[ClassView], **more: Any) -> Board:
    one = ClassifierView(1, "mine", "Instruments", "timbre", "gaussian", {}, 3, "Tested on 9 recordings.", classes)
    two = ClassifierView(2, "other", "Others", "timbre", "centers", {}, 1, "", [])
    return Board("/x/My classes.musicclass", "My classes", [one, two], **more)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def session(qtbot: QtBot, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("MUSICCLASS_PROJECTS", str(tmp_path))
    settings = Settings()
    session = Session(settings)
    session.teaching._desk = desk
    session.teaching.board, session.teaching.current = board_of(two_classes()), 1
    yield session
    session.close()
    settings.close()


@pytest.fixture
def make() -> Any:
    """The builders, for tests that want other projects."""

    class Make:
        example, klass, board = staticmethod(example), staticmethod(klass), staticmethod(board_of)

    return Make
