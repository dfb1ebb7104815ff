"""The editor of a classifier by words, filled in as a user does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QWidget

from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.app.wordlists import WordLists
from musicclass_gui.engine import encoders
from musicclass_gui.engine.project.board import Board, ClassifierView, WordsView
from musicclass_gui.ui.words import WordsDialog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

CLAP = "clap-music"
MINE = ClassifierView(7, "words-1", "Forms", CLAP, "words", {}, 1, "", words=WordsView("{phrase}.", ["a fugue", "a waltz"]))


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    settings = Settings()
    session = Session(settings)
    yield session
    session.close()
    settings.close()


@pytest.fixture
def asked(session: Session) -> list[tuple[str, dict[str, Any]]]:
    calls: list[tuple[str, dict[str, Any]]] = []
    session.teaching.words = WordLists(*([lambda name, fields, _text: calls.append((name, fields))] * 2))
    return calls


@pytest.fixture
def clap_here(session: Session, tmp_path: Path) -> None:
    """Files of the right names; the window looks at no more than these."""
    source = encoders.specs()[CLAP].weights
    assert source is not None
    for file in source.files:
        path = tmp_path / (source.folder or CLAP) / file.name.split("|")[0]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    session.settings.set("weights_folder", str(tmp_path))


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    parent = QWidget()
    parent.resize(1280, 800)
    qtbot.addWidget(parent)
    return parent


def opened(parent: QWidget, session: Session, edited: ClassifierView | None = None) -> WordsDialog:
    dialog = WordsDialog(parent, session, edited)
    dialog.open()
    return dialog


def said(dialog: WordsDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisibleTo(dialog))


@pytest.mark.usefixtures("clap_here")
def test_phrases_that_are_typed_become_a_classifier(
    parent: QWidget, session: Session, asked: list[tuple[str, dict[str, Any]]], qtbot: QtBot
) -> None:
    dialog = opened(parent, session)
    assert not dialog.go.isEnabled()
    assert "two phrases" in said(dialog)
    qtbot.keyClicks(dialog.phrases, "a fugue by Bach\rbossa nova\r\rbossa nova")
    assert dialog.counted.text() == "2 phrases"
    dialog.template.selectAll()
    qtbot.keyClicks(dialog.template, "This is {phrase}, played live.")
    assert "This is a fugue by Bach, played live." in said(dialog)
    dialog.title.selectAll()
    qtbot.keyClicks(dialog.title, "Forms")
    qtbot.keyClick(dialog.title, Qt.Key.Key_Return)
    about = {"title": "Forms", "encoder": CLAP, "template": "This is {phrase}, played live."}
    assert asked == [("add_words", {**about, "phrases": ["a fugue by Bach", "bossa nova"]})]


@pytest.mark.usefixtures("clap_here")
def test_many_phrases_can_be_pasted(parent: QWidget, session: Session, qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QApplication

    QApplication.clipboard().setText("\n".join(f"phrase {number}" for number in range(40)))
    dialog = opened(parent, session)
    dialog.phrases.paste()
    assert dialog.counted.text() == "40 phrases"
    assert dialog.go.isEnabled()


@pytest.mark.usefixtures("clap_here")
def test_a_sentence_without_a_place_for_the_phrase_is_not_taken(parent: QWidget, session: Session) -> None:
    dialog = opened(parent, session, MINE)
    assert dialog.go.isEnabled()
    dialog.template.setText("This is music.")
    assert not dialog.go.isEnabled()
    assert "{phrase}" in said(dialog)


@pytest.mark.usefixtures("clap_here")
def test_what_there_is_can_be_changed(parent: QWidget, session: Session, asked: list[tuple[str, dict[str, Any]]], qtbot: QtBot) -> None:
    dialog = opened(parent, session, MINE)
    assert dialog.phrases.toPlainText() == "a fugue\na waltz"
    assert not dialog.title.isEnabled(), "it has its name already"
    dialog.phrases.appendPlainText("a march")
    dialog.go.click()
    assert asked == [("set_words", {"classifier": 7, "template": "{phrase}.", "phrases": ["a fugue", "a waltz", "a march"]})]


def test_without_an_encoder_that_knows_words_it_says_so_and_leads_to_the_manager(parent: QWidget, session: Session, qtbot: QtBot) -> None:
    dialog = opened(parent, session)
    assert "family CLAP" in said(dialog)
    assert not dialog.go.isEnabled()
    with qtbot.waitSignal(dialog.encoders_wanted):
        qtbot.mouseClick(dialog.get, Qt.MouseButton.LeftButton)


@pytest.mark.usefixtures("clap_here")
def test_a_name_that_is_taken_is_not_proposed(parent: QWidget, session: Session) -> None:
    session.teaching.board = Board("/x/p.musicclass", "p", [replace(MINE, title="By words")])
    assert opened(parent, session).title.text() == "By words 2"


@pytest.mark.usefixtures("clap_here")
def test_everything_that_takes_focus_has_a_name(parent: QWidget, session: Session) -> None:
    dialog = opened(parent, session)
    takers = [one for one in dialog.findChildren(QWidget) if isinstance(one, QLineEdit | QComboBox | QPlainTextEdit | QPushButton)]
    assert [one for one in takers if not one.accessibleName()] == []
