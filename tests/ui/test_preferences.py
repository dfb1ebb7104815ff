from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFileDialog, QLineEdit, QPushButton, QSlider, QWidget

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
    spec = next(spec for spec in encoders.specs().values() if spec.weights)
    dialog = Preferences(
        parent,
        settings,
        devices=[("cuda:0", "CUDA: NVIDIA H200")],
        outputs=["Speakers"],
        classifiers=["genre", "composer"],
        missing=lambda: [spec],
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
    genre, composer = dialog.editors["classifiers"].findChildren(QCheckBox)
    composer.click()
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


def test_missing_weights_are_named_and_can_be_asked_for(dialog: Preferences, qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QLabel

    assert any("Not found: weights of mn04-as" in label.text() for label in dialog.findChildren(QLabel))
    get = next(button for button in dialog.findChildren(QPushButton) if button.text() == "Get weights…")
    with qtbot.waitSignal(dialog.weights_wanted):
        get.click()


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
