"""The lane of tags, from a model of the user's own that is added in the manager to what the window shows of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from encoders.onnx_files import DIM, MEL_RECIPE, model, weights, written
from onnx import helper
from PySide6.QtWidgets import QLabel

from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.ui import start
from musicclass_gui.ui.bars import ClassRow
from musicclass_gui.ui.models import ModelsSheet
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

LONG_MS = 60_000
LABELS = ["slow", "fast", "loud"]


def tagger(folder: Path) -> Path:
    """A made net that finds everything slow, and little fast."""
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
        helper.make_node("Gemm", ["embedding", "v", "b"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["tags"]),
    ]
    tensors = {"w": weights(16), "v": np.zeros((DIM, 3), np.float32), "b": np.array([2.0, -3.0, 0.0], np.float32)}
    made = model(["n", 32, 16], nodes, tensors, tags=["n", 3], embedding=["n", DIM])
    tags = {"output": "tags", "labels": LABELS}
    return written(folder, made, MEL_RECIPE, patch=32, output="embedding", tags=tags, title="A made tagger")


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    start.application()
    settings = Settings()
    window = MainWindow(Session(settings), Player())
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()
    settings.close()


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def choose(window: MainWindow, words: str) -> None:
    """As somebody does who opens the menu and presses an entry of it."""
    menu = window.actions_.menus["View/Tags lane"]
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text().replace("&", "") == words).trigger()


def ticked(window: MainWindow) -> list[str]:
    menu = window.actions_.menus["View/Tags lane"]
    menu.aboutToShow.emit()
    return [action.text().replace("&", "") for action in menu.actions() if action.isChecked()]


def lanes(window: MainWindow) -> list[str]:
    return [lane.title for lane in window.timeline.lanes]


def opened(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    path = folder / "a.wav"
    soundfile.write(path, 0.2 * np.sin(np.arange(22050 * 12) / 20), 22050)
    window.listen_to(path)
    until(qtbot, lambda: window.session.document.state == "ready")


def test_a_tagger_of_ones_own_gets_a_lane_beside_the_others(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    session = window.session
    window.trigger("analyse.encoders")
    sheet = window.sheets.open["encoders"]
    assert isinstance(sheet, ModelsSheet)
    until(qtbot, lambda: session.models.known)
    sheet.ask_name(tagger(tmp_path / "net")).accept()
    until(qtbot, lambda: any(row.own for row in session.models.rows) or bool(session.models.problems))
    assert session.models.problems == {}
    [own] = [row for row in session.models.rows if row.own]
    assert own.checks
    assert all(check.ok for check in own.checks)
    assert ticked(window) == ["None"]
    choose(window, own.title)
    assert ticked(window) == [own.title]
    opened(window, qtbot, tmp_path)
    answer = session.document.answers[f"tags-{own.id}"]
    assert (answer.kind, answer.label) == ("tags", "slow")
    until(qtbot, lambda: lanes(window) == ["Genre", "Composer", "Instrument", "Tags"])
    card = window.answers.cards[f"tags-{own.id}"]
    rows = [row.label for row in card.findChildren(ClassRow) if row.isVisibleTo(card)]
    assert rows == ["slow", "loud", "fast"]
    said = "\n".join(label.text() for label in card.findChildren(QLabel) if label.isVisibleTo(card))
    assert "Slow, loud" in said
    assert "None of these" not in said
    segment = window.timeline.lanes[-1].segment_at(5.0)
    assert segment is not None
    assert "likely" not in window.timeline.lanes[-1].words_for(segment)
    choose(window, "None")
    until(qtbot, lambda: session.document.state == "ready" and lanes(window) == ["Genre", "Composer", "Instrument"])


def test_tags_of_an_encoder_that_is_gone_are_no_longer_asked_for(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.settings.set("tags", "musicnn-mtt")
    opened(window, qtbot, tmp_path)
    assert lanes(window) == ["Genre", "Composer", "Instrument"]
    assert window.session.document.error == ""


def test_the_queue_is_not_slowed_down_by_tags(window: MainWindow, qtbot: QtBot, tmp_path: Path, data_dir: Path) -> None:
    window.session.settings.set("weights_folder", str(data_dir / "weights"))
    window.session.settings.set("tags", "musicnn-mtt")
    opened(window, qtbot, tmp_path)
    window.session._queue.add([tmp_path / "a.wav"])
    until(qtbot, lambda: window.session.queue[0].state == "done")
    assert "tags-musicnn-mtt" in window.session.document.answers
    assert set(window.session.queue[0].answers) == {"genre", "composer", "instrument"}
    assert window.session.document.answers["tags-musicnn-mtt"].ranking
