"""Plans, cards and boards made by hand, to show in widgets of a real session; and windows that do the real work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile
from musicclass_gui.engine.lessons.report import ClassReport, Confusion, Fitted, LessonCard, Suggestion, Twin
from musicclass_gui.engine.project.board import Board, ClassifierView, ClassView, ExampleView, LessonView
from musicclass_gui.ui import start
from musicclass_gui.ui.menus import ActionSet
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

BROKEN = "This file is not audio."


def files(folder: str, count: int, *, broken: int = 0) -> list[PlannedFile]:
    made = [PlannedFile(f"/music/{folder}/{number}.wav", group="album") for number in range(count)]
    return [PlannedFile(file.path, group="album", reason=BROKEN) if place < broken else file for place, file in enumerate(made)]


def a_plan() -> Plan:
    return Plan([PlannedClass("Cello", files("Cello", 3)), PlannedClass("Flute", files("Flute", 4, broken=1))], others=2)


def a_card(**fields: Any) -> LessonCard:
    usual: dict[str, Any] = {
        "classes": [
            ClassReport(4, "Guitar", "class", new=False, recordings=20, groups=5, judged=20, before=0.85, after=0.80, interval=(0.6, 0.9)),
            ClassReport(1, "Cello", "class", new=True, recordings=12, groups=4, judged=12, before=None, after=0.92, interval=(0.7, 1.0)),
            ClassReport(
                2, "Hum", "background", new=True, recordings=2, groups=1, judged=0, before=None, after=None, note="One folder only."
            ),
        ],
        "old_before": 0.85,
        "old_after": 0.80,
        "accuracy": 0.88,
        "interval": (0.8, 0.93),
        "judged": 32,
        "groups": 9,
        "grew": [Confusion("Guitar", "Cello", 0, 2, 20)],
        "twins": [Twin("same", 1, "a.wav", "Cello", 2, "b.wav", "Guitar", 1.0)],
        "suggestions": [Suggestion(7, "c.wav", "/music/c.wav", 2.0, 7.0, "Cello", "Guitar", "It is far from the others")],
        "notes": ["One recording is shorter than a window."],
        "fitted": Fitted(tested=True),
    }
    return LessonCard(**{"title": "Teach 2 classes: Cello, Hum", "method": "gaussian", "encoder": "timbre", **usual, **fields})


def a_class(number: int, name: str, **more: Any) -> ClassView:
    examples = [
        ExampleView(10 * number + place, f"h{number}{place}", f"/music/{name}/{place}.wav", f"{place}.wav", False, None, None, 5.0, "")
        for place in range(3)
    ]
    usual = {
        "role": "class",
        "of": None,
        "colour": number,
        "seconds": 15.0,
        "groups": 3,
        "quality": 0.9,
        "quality_note": "",
        "base": "",
        "base_recordings": 0,
    }
    return ClassView(number, name, **{**usual, "examples": examples, **more})


def a_lesson(number: int, state: str, card: LessonCard | None = None, *, kind: str = "teach") -> LessonView:
    return LessonView(number, 1, kind, f"Lesson {number}", state, "2026-05-02T10:02:00+00:00", card)


def a_board(waiting: LessonView | None = None, lessons: tuple[LessonView, ...] = (), **more: Any) -> Board:
    classifier = ClassifierView(
        1, "instruments", "Instruments", "timbre", "gaussian", {}, 1, "", [a_class(1, "Cello"), a_class(4, "Guitar")]
    )
    return Board("/music/My classes.musicclass", "My classes", [classifier], list(lessons), waiting, **more)


@pytest.fixture
def made() -> SimpleNamespace:
    """What makes things by hand, for tests, which cannot import from here."""
    return SimpleNamespace(plan=a_plan, card=a_card, board=a_board, lesson=a_lesson, files=files, broken=BROKEN)


@pytest.fixture
def settings(qtbot: QtBot) -> Iterator[Settings]:
    start.application()
    settings = Settings()
    yield settings
    settings.close()


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    session = Session(settings)
    yield session
    session.close()


@pytest.fixture
def window(session: Session) -> Iterator[MainWindow]:
    window = MainWindow(session, Player())
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()


@pytest.fixture
def actions(qtbot: QtBot, session: Session) -> ActionSet:
    from PySide6.QtWidgets import QMainWindow

    owner = QMainWindow()
    qtbot.addWidget(owner)
    actions = ActionSet(owner)
    actions.refresh(session)
    return actions
