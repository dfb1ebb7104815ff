from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from musicclass_gui.ui.palette import Entry, Palette, matching, score

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def entry(text: str, ran: list[str], *, enabled: bool = True) -> Entry:
    return Entry(text, "Ctrl+X", lambda: ran.append(text), enabled)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    window.resize(800, 600)
    qtbot.addWidget(window)
    window.show()
    return window


def test_letters_must_appear_in_order() -> None:
    assert score("opf", "Open folder") is not None
    assert score("fpo", "Open folder") is None


def test_a_whole_word_beats_scattered_letters() -> None:
    assert (score("zoom", "Zoom in") or 0) > (score("zoom", "Analyze the other organ mix") or 0)


def test_several_words_may_come_in_any_order() -> None:
    assert score("csv export", "Export as CSV") is not None


@given(st.text(min_size=1, max_size=30))
def test_a_text_always_fits_itself(text: str) -> None:
    assert score(text, text) is not None


def test_what_cannot_be_run_now_comes_last() -> None:
    entries = [entry("Play", [], enabled=False), entry("Play from the start", [])]
    assert [found.text for found in matching("play", entries)] == ["Play from the start", "Play"]


def test_typing_and_enter_run_the_best_fit(window: QWidget, qtbot: QtBot) -> None:
    ran: list[str] = []
    palette = Palette(window, [entry("Open", ran), entry("Export as CSV", ran), entry("Zoom in", ran)])
    palette.show()
    qtbot.keyClicks(palette.field, "csv")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert ran == ["Export as CSV"]


def test_arrow_keys_in_the_field_move_the_choice(window: QWidget, qtbot: QtBot) -> None:
    ran: list[str] = []
    palette = Palette(window, [entry("Open", ran), entry("Zoom in", ran)])
    palette.show()
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert ran == ["Zoom in"]


def test_a_disabled_entry_does_not_run(window: QWidget, qtbot: QtBot) -> None:
    ran: list[str] = []
    palette = Palette(window, [entry("Export as CSV", ran, enabled=False)])
    palette.show()
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert ran == []
    assert palette.isVisible()


def test_before_anything_is_typed_entries_stand_in_their_own_order() -> None:
    entries = [Entry("bass clarinet", "", print), Entry("oboe", "", print, enabled=False), Entry("flute", "", print)]
    assert [entry.text for entry in matching(" ", entries)] == ["bass clarinet", "flute", "oboe"]
