"""The dialog that extracts features, as a user drives it, in the window with the real worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from encoders.hubert_folders import made_model, save_new
from extracted_files import listed, tune
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from musicclass_gui.app.documents import QueueRow
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import registry
from musicclass_gui.ui import start
from musicclass_gui.ui.extract import ExtractSheet
from musicclass_gui.ui.extract_form import Form
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

LONG_MS = 60_000
LEFT = Qt.MouseButton.LeftButton
TIMBRE = encoders.specs()["timbre"]


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    start.application()
    settings = Settings()
    session = Session(settings)
    window = MainWindow(session, Player())
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    session.close()
    assert session.stopped
    settings.close()
    window.deleteLater()


@pytest.fixture
def sheet(window: MainWindow) -> ExtractSheet:
    window.trigger("file.extract")
    sheet = window.sheets.open["extract"]
    assert isinstance(sheet, ExtractSheet)
    return sheet


def form(qtbot: QtBot, tmp_path: Path, queue: tuple[Path, ...] = (), choices: tuple[encoders.EncoderSpec, ...] = (TIMBRE,)) -> Form:
    made = Form(queue, choices, str(tmp_path), fast=False)
    qtbot.addWidget(made)
    made.show()
    return made


def wait_for_end(sheet: ExtractSheet, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sheet.start.text() == "Extract" and sheet.form.isEnabled(), timeout=LONG_MS)


def test_a_folder_becomes_a_file_and_what_failed_is_listed(
    window: MainWindow, sheet: ExtractSheet, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        tune(tmp_path / "music" / f"{number}.wav", seed=number)
    (tmp_path / "music" / "broken.mp3").write_text("Dear all,\n" * 500)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "music"))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), "NumPy arrays with names and times (*.npz)"))
    assert not sheet.start.isEnabled()
    assert sheet.obstacle.text() == "Choose a folder."
    sheet.form._choose("folder")
    sheet.form._choose_out()
    assert sheet.form.out.text() == str(tmp_path / "mine.npz")
    qtbot.mouseClick(sheet.start, LEFT)
    assert sheet.start.text() == "Stop"
    assert not sheet.form.isEnabled()
    qtbot.waitUntil(lambda: "Extracting features: " in window.status.state.text(), timeout=LONG_MS)
    wait_for_end(sheet, qtbot)
    assert sheet.run.state.text() == "4 rows of 177 numbers written to “mine.npz”."
    assert sheet.run.failed.text() == "1 recording could not be read."
    assert sheet.run.table.item(0, 0).text() == "broken.mp3"
    assert "text, not audio" in sheet.run.table.item(0, 1).text()
    assert np.load(tmp_path / "mine.npz")["failed"].tolist() == [3]
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    qtbot.mouseClick(sheet.run.show_folder, LEFT)
    assert [url.toLocalFile() for url in opened] == [str(tmp_path)]
    assert sheet.form.fate.full == "“mine.npz” is there already and will be replaced."


def test_stopping_keeps_what_is_through_and_closing_stops_nothing(
    window: MainWindow, sheet: ExtractSheet, qtbot: QtBot, tmp_path: Path
) -> None:
    given = listed(tmp_path / "list.txt", [tune(tmp_path / f"{n}.wav", 60.0, seed=n) for n in range(30)])
    sheet.form.sources["list"].setChecked(True)
    sheet.form.places["list"].setText(str(given))
    sheet.form.out.setText(str(tmp_path / "x.npy"))
    qtbot.mouseClick(sheet.start, LEFT)
    qtbot.waitUntil(lambda: sheet.run.state.text().startswith(("2 of", "3 of", "4 of")), timeout=LONG_MS)
    assert sheet.run.bar.isVisible()
    qtbot.mouseClick(sheet.start, LEFT)
    assert sheet.run.state.text().startswith("Stopped. What is through is kept")
    qtbot.mouseClick(sheet.start, LEFT)
    sheet.close()
    qtbot.waitUntil(lambda: "extract" not in window.sheets.open)
    window.trigger("file.extract")
    again = window.sheets.open["extract"]
    assert isinstance(again, ExtractSheet)
    assert again.run.isVisible()
    wait_for_end(again, qtbot)
    assert again.run.state.text() == "30 rows of 177 numbers written to “x.npy”."
    assert "through from before" in again.run.notes.text()
    assert np.load(tmp_path / "x.npy").shape == (30, 177)
    assert not (tmp_path / "x.npy.txt").exists()


def test_a_wish_that_fails_is_a_sentence_in_the_dialog(sheet: ExtractSheet, qtbot: QtBot, tmp_path: Path) -> None:
    sheet.form.sources["list"].setChecked(True)
    sheet.form.places["list"].setText(str(tmp_path / "gone.txt"))
    sheet.form.out.setText(str(tmp_path / "x.npz"))
    qtbot.mouseClick(sheet.start, LEFT)
    wait_for_end(sheet, qtbot)
    assert "cannot be read (No such file or directory); check its name." in sheet.run.state.text()
    assert not sheet.run.show_folder.isVisible()


def test_the_queue_is_offered_where_there_is_one(window: MainWindow, tmp_path: Path) -> None:
    window.session._queue.rows.extend(QueueRow(tmp_path / name) for name in ("a.wav", "b.wav"))
    window.trigger("file.extract")
    sheet = window.sheets.open["extract"]
    assert isinstance(sheet, ExtractSheet)
    assert sheet.form.sources["queue"].text() == "The 2 recordings of the queue"
    assert sheet.form.fields["paths"] == [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    assert sheet.start.isEnabled()


def test_an_encoder_that_is_added_meanwhile_is_offered(sheet: ExtractSheet, tmp_path: Path) -> None:
    mine = registry.add_folder(save_new(tmp_path / "net", made_model()), "Mine").id
    before = sheet.form.encoder.currentData()
    sheet.refresh_weights()
    assert sheet.form.encoder.findData(mine) >= 0
    assert sheet.form.encoder.currentData() == before


def test_the_name_and_the_format_follow_each_other(qtbot: QtBot, tmp_path: Path) -> None:
    made = form(qtbot, tmp_path)
    assert made.out.text() == str(tmp_path / "features.npz")
    made.format.setCurrentIndex(made.format.findData("parquet"))
    made.format.activated.emit(made.format.currentIndex())
    assert made.out.text() == str(tmp_path / "features.parquet")
    made.out.setText(str(tmp_path / "x.NPY"))
    assert made.format.currentData() == "npy"
    assert made.fate.full == "Which row is which is written to “x.NPY.txt” beside it."
    made.sources["list"].setChecked(True)
    assert made.fate.full == ""


def test_an_array_cannot_have_rows_that_are_windows(qtbot: QtBot, tmp_path: Path) -> None:
    made = form(qtbot, tmp_path, (tmp_path / "a.wav",))
    assert made.obstacle == ""
    made.by_window.setChecked(True)
    assert made.obstacle == ""
    made.out.setText("x.npy")
    assert made.obstacle.startswith("An array alone cannot say which window a row is")
    made.by_file.setChecked(True)
    assert made.obstacle == ""
    made.out.setText(" ")
    assert made.obstacle == "Say where the features are to be written."


def test_layers_and_faster_arithmetic_are_offered_where_there_are_any(qtbot: QtBot, tmp_path: Path) -> None:
    mine = registry.add_folder(save_new(tmp_path / "net", made_model()), "Mine")
    made = form(qtbot, tmp_path, (tmp_path / "a.wav",), (TIMBRE, mine))
    assert not made.layer.isVisible()
    assert not made.fast.isVisible()
    made.fast.setChecked(True)
    assert made.fields["fast"] is False
    made.encoder.setCurrentIndex(1)
    assert made.layer.isVisible()
    assert made.rounding.full == mine.rounding
    assert made.fields["fast"] is True
    made.layer.setCurrentIndex(made.layer.findText("Layer 2"))
    assert made.fields["encoder"] == f"{mine.id}_2"
    assert made.makes.full.startswith("24 numbers for each recording")


def test_without_any_encoder_it_says_where_to_get_one(qtbot: QtBot, tmp_path: Path) -> None:
    made = form(qtbot, tmp_path, (tmp_path / "a.wav",), ())
    assert made.obstacle == "No encoder can be used; get one in “Encoders and weights”."
    assert made.fields["encoder"] is None
