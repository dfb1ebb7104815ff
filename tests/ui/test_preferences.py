from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QWidget,
)

from musicclass_gui.app.settings import FIELDS, Settings
from musicclass_gui.engine import encoders
from musicclass_gui.ui.preferences import Preferences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot


@pytest.fixture
def settings(qtbot: QtBot, tmp_path: Path) -> Iterator[Settings]:
    settings = Settings(tmp_path)
    yield settings
    settings.close()


@pytest.fixture
def dialog(qtbot: QtBot, settings: Settings) -> Iterator[Preferences]:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = Preferences(
        parent,
        settings,
        devices=[("cuda:0", "CUDA: NVIDIA H200")],
        outputs=["Speakers"],
        classifiers=["genre", "composer", "instrument"],
    )
    dialog.show()
    yield dialog
    dialog.close()


def choose(combo: QWidget, value: object, qtbot: QtBot) -> None:
    assert isinstance(combo, QComboBox)
    place = combo.findData(value)
    assert place >= 0
    combo.setFocus()
    while combo.currentIndex() != place:
        qtbot.keyClick(combo, Qt.Key.Key_Down if combo.currentIndex() < place else Qt.Key.Key_Up)


def test_every_preference_has_an_editor(dialog: Preferences) -> None:
    assert set(dialog.editors) == {field.key for field in FIELDS if field.store == "preferences"}


@pytest.mark.parametrize(("key", "value"), [("theme", "dark"), ("device", "cuda:0"), ("window_s", 5.0), ("output_device", "Speakers")])
def test_a_choice_counts_at_once(dialog: Preferences, settings: Settings, qtbot: QtBot, key: str, value: object) -> None:
    choose(dialog.editors[key], value, qtbot)
    assert settings.get(key) == value


def test_numbers_ticks_and_slides_count_at_once(dialog: Preferences, settings: Settings) -> None:
    floor, follow, volume = (dialog.editors[key] for key in ("mel_floor_db", "follow_playhead", "volume"))
    assert isinstance(floor, QDoubleSpinBox)
    assert isinstance(follow, QCheckBox)
    assert isinstance(volume, QSlider)
    floor.setValue(-60)
    follow.click()
    volume.setValue(35)
    assert (settings.get("mel_floor_db"), settings.get("follow_playhead"), settings.get("volume")) == (-60.0, False, 0.35)


def test_at_least_one_classifier_stays(dialog: Preferences, settings: Settings) -> None:
    genre, composer, instrument = dialog.editors["classifiers"].findChildren(QCheckBox)
    composer.click()
    instrument.click()
    assert settings.get("classifiers") == ["genre"]
    genre.click()
    assert settings.get("classifiers") == ["genre"]
    assert genre.isChecked()


def test_a_folder_is_typed_or_chosen(
    dialog: Preferences, settings: Settings, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = dialog.editors["weights_folder"]
    line, browse = editor.findChild(QLineEdit), editor.findChild(QPushButton)
    qtbot.keyClicks(line, str(tmp_path))
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert settings.get("weights_folder") == str(tmp_path)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path.parent))
    qtbot.mouseClick(browse, Qt.MouseButton.LeftButton)
    assert line.text() == settings.get("weights_folder") == str(tmp_path.parent)


def test_what_changes_elsewhere_is_shown(dialog: Preferences, settings: Settings) -> None:
    settings.set("theme", "light")
    combo = dialog.editors["theme"]
    assert isinstance(combo, QComboBox)
    assert combo.currentData() == "light"


def labels(dialog: Preferences) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel)]


def test_how_many_encoders_are_here_is_told_and_the_manager_can_be_asked_for(
    dialog: Preferences, settings: Settings, qtbot: QtBot, tmp_path: Path
) -> None:
    known = len(encoders.specs())
    assert f"2 of {known} encoders are here." in labels(dialog)
    file = tmp_path / "mn04-as" / "mn04_as_mAP_432.pt"
    file.parent.mkdir()
    file.write_bytes(b"")
    settings.set("weights_folder", str(tmp_path))
    assert f"3 of {known} encoders are here." in labels(dialog)
    get = next(button for button in dialog.findChildren(QPushButton) if button.text() == "Encoders and weights…")
    with qtbot.waitSignal(dialog.encoders_wanted):
        get.click()


@pytest.mark.parametrize("key", ["offline", "fast"])
def test_what_is_off_at_first_is_switched_with_a_key(dialog: Preferences, settings: Settings, qtbot: QtBot, key: str) -> None:
    assert settings.get(key) is False
    box = dialog.editors[key]
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert settings.get(key) is True


def test_what_rounding_costs_is_said_of_encoders_that_are_here(
    dialog: Preferences, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "None of the encoders that are here can be computed faster this way." in labels(dialog)
    spec = replace(encoders.specs()["timbre"], rounding="embeddings differ by 0.4 %, measured here.")
    monkeypatch.setattr(encoders, "specs", lambda: {"timbre": spec})
    dialog.refresh_weights()
    assert f"{spec.title}: embeddings differ by 0.4 %, measured here." in labels(dialog)


def test_reset_sets_everything_back(dialog: Preferences, settings: Settings) -> None:
    settings.set("theme", "dark")
    next(button for button in dialog.findChildren(QPushButton) if button.text() == "Reset all").click()
    assert settings.get("theme") == "system"


def test_everything_that_takes_focus_has_a_name(dialog: Preferences) -> None:
    editors = (QComboBox, QLineEdit, QSlider, QCheckBox, QDoubleSpinBox)
    for widget in dialog.findChildren(QWidget):
        if isinstance(widget, editors) and not isinstance(widget.parentWidget(), (QDoubleSpinBox, QComboBox)):
            assert widget.accessibleName(), widget


def test_no_button_is_cut_off(dialog: Preferences, qtbot: QtBot) -> None:
    dialog.resize(dialog.minimumSizeHint())
    qtbot.wait(20)
    for button in dialog.findChildren(QPushButton):
        holder = button.parentWidget()
        assert button.height() >= button.minimumSizeHint().height(), button.text()
        assert holder.rect().contains(button.geometry()), button.text()


def test_the_wheel_scrolls_and_changes_only_what_has_the_focus(dialog: Preferences, settings: Settings, qtbot: QtBot) -> None:
    dialog.activateWindow()
    combo = dialog.editors["theme"]
    dialog.editors["device"].setFocus()
    turn(combo)
    assert settings.get("theme") == "system"
    combo.setFocus()
    qtbot.waitUntil(combo.hasFocus)
    turn(combo)
    assert settings.get("theme") != "system"


def turn(widget: QWidget) -> None:
    none, middle = Qt.KeyboardModifier.NoModifier, QPointF(widget.rect().center())
    down, phase = QPoint(0, -120), Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(middle, widget.mapToGlobal(middle), QPoint(), down, Qt.MouseButton.NoButton, none, phase, False)
    QApplication.sendEvent(widget, event)
