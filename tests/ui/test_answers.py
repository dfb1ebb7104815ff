from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from musicclass_gui.app.documents import Document
from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.engine.answers import Answer, Evidence, Ranked
from musicclass_gui.ui.answers import AnswersPanel, headline, sureness
from musicclass_gui.ui.bars import ClassRow

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CPU = {"timbre": "CPU"}
RANKING = [Ranked("blues", 0.71), Ranked("jazz", 0.2), Ranked("rock", 0.09)]
EVIDENCE = [
    Evidence("window", "blues", 2.0, 35.0, 45.0),
    Evidence("training", "blues", 0.43, name="blues.00012"),
]
GENRE = Answer("genre", "timbre", "blues", False, RANKING, [], EVIDENCE, measured="Right on 90 % of 70.", note="learned from 30 s clips")
NONE = Answer("composer", "timbre", None, True, [Ranked("Bach", 0.4), Ranked("Haydn", 0.3)], [], reason="It is far from every composer.")


TAGS = Answer("tags-x", "x", "guitar", False, [Ranked("guitar", 0.9), Ranked("slow", 0.4), Ranked("harp", 0.1)], [], kind="tags")
WORDS = Answer("w", "clap", "a fugue", False, [Ranked("a fugue", 0.7), Ranked("bossa nova", 0.3)], [], kind="words")


def reading(**answers: Answer) -> Document:
    return Document(Path("a.mp3"), "reading", answers=answers, answered_s=35.0, real_duration_s=180.0)


def said(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


@pytest.fixture
def panel(qtbot: QtBot) -> AnswersPanel:
    panel = AnswersPanel(LIGHT)
    panel.resize(360, 800)
    qtbot.addWidget(panel)
    panel.show()
    return panel


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.71, "likely, 60–80 %"), (0.999, "almost certainly, 95–100 %"), (0.4, "maybe, 35–60 %"), (0.0, "unsure, 0–35 %")],
)
def test_sureness_is_a_word_and_its_band(probability: float, words: str) -> None:
    assert sureness(probability) == words


def test_an_answer_is_a_word_and_how_sure_it_is() -> None:
    assert headline(GENRE) == ("Blues", "Likely, 60–80 %")


def test_none_of_these_is_an_answer_with_its_reason() -> None:
    assert headline(NONE) == ("None of these", "It is far from every composer.")


def test_tags_are_named_together_and_nobody_calls_them_likely_classes() -> None:
    assert headline(TAGS) == ("Guitar, slow", "Its likeliest tags; each has a probability of its own")
    nothing = Answer("tags-x", "x", None, True, [Ranked("guitar", 0.1)], [], reason="No tag is as likely as 20%.", kind="tags")
    assert headline(nothing) == ("No tag", "No tag is as likely as 20%.")


def test_phrases_have_shares_that_are_not_called_probabilities() -> None:
    large, line = headline(WORDS)
    assert large == "A fugue"
    assert "70 % of their share, untested" in line
    assert "likely" not in line


def test_a_card_of_tags_shows_their_bars_and_says_what_they_mean(panel: AnswersPanel) -> None:
    document = reading(**{"tags-x": TAGS, "genre": GENRE})
    panel.show_document(document, ["tags-x", "genre"], CPU, lambda key: "Tags" if key == "tags-x" else key)
    card = panel.cards["tags-x"]
    rows = [row for row in card.findChildren(ClassRow) if row.isVisibleTo(card)]
    assert [(row.label, row.accessibleName()) for row in rows] == [(label, f"{label}, {chance}") for label, chance in (
        ("guitar", "90 %"), ("slow", "40 %"), ("harp", "10 %"))]  # fmt: skip
    assert "None of these" not in said(card)
    assert "do not exclude each other" in card._sure.toolTip()
    assert "calibrated on recordings" in panel.cards["genre"]._sure.toolTip()


def test_a_card_shows_the_answer_its_encoder_and_its_note(panel: AnswersPanel) -> None:
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    shown = said(panel.cards["genre"])
    parts = ("Blues", "Likely, 60–80 %", "timbre on CPU", "blues.00012", "blues (0.4)", "Right on 90 %", "Learned from 30 s clips")
    for part in parts:
        assert part in shown


def test_a_card_says_when_the_answer_is_from_the_cache(panel: AnswersPanel) -> None:
    document = reading(genre=GENRE)
    document.from_cache = True
    panel.show_document(document, ["genre"], {})
    assert "timbre, from the cache" in said(panel.cards["genre"])


def test_while_reading_it_says_how_much_the_answer_rests_on(panel: AnswersPanel) -> None:
    document = reading(genre=GENRE)
    panel.show_document(document, ["genre"], CPU)
    assert "So far, 0:35 of 3:00" in said(panel.cards["genre"])
    document.state = "ready"
    panel.show_document(document, ["genre"], CPU)
    assert "So far" not in said(panel.cards["genre"])


@pytest.mark.parametrize(("state", "words"), [("empty", "appears here"), ("reading", "Listening"), ("failed", "could not be read")])
def test_without_an_answer_the_card_says_why(panel: AnswersPanel, state: str, words: str) -> None:
    panel.show_document(Document(None, state), ["genre"], CPU)
    assert words in said(panel.cards["genre"])


def test_the_bars_carry_letters_and_spoken_names(panel: AnswersPanel) -> None:
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    rows = [row for row in panel.findChildren(ClassRow) if not row.isHidden()]
    assert [row.accessibleName() for row in rows] == ["blues, 71 %", "jazz, 20 %", "rock, 9 %"]


def test_the_deciding_window_plays_when_pressed(panel: AnswersPanel, qtbot: QtBot) -> None:
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    chip = next(button for button in panel.findChildren(QPushButton) if "0:35" in button.text())
    with qtbot.waitSignal(panel.heard) as signal:
        qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert signal.args == [35.0, 45.0]


def test_windows_that_read_the_same_are_shown_once(panel: AnswersPanel) -> None:
    windows = [Evidence("window", "blues", 1.0, start, start + 5) for start in (10.0, 5.0, 10.6)]
    panel.show_document(reading(genre=Answer("genre", "timbre", "blues", False, RANKING, [], windows)), ["genre"], CPU)
    chips = [button for button in panel.findChildren(QPushButton) if "▶" in button.text() and not button.isHidden()]
    assert [chip.text() for chip in chips] == ["▶ 0:10–0:15", "▶ 0:05–0:10"]


def test_pressing_a_class_by_key_asks_for_its_seconds(panel: AnswersPanel, qtbot: QtBot) -> None:
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    with qtbot.waitSignal(panel.class_chosen) as signal:
        qtbot.keyClick(panel.findChildren(ClassRow)[1], Qt.Key.Key_Space)
    assert signal.args == ["genre", "jazz"]


def test_cards_stand_side_by_side_where_there_is_room(panel: AnswersPanel, qtbot: QtBot) -> None:
    panel.show_document(reading(genre=GENRE, composer=NONE), ["genre", "composer"], CPU)
    left, right = panel.cards["genre"], panel.cards["composer"]
    qtbot.waitUntil(lambda: right.y() > left.y())
    panel.resize(900, 500)
    qtbot.waitUntil(lambda: right.x() > left.x() and right.y() == left.y())


def test_more_classes_are_listed_where_there_is_room(panel: AnswersPanel, qtbot: QtBot) -> None:
    many = Answer("genre", "timbre", "a", False, [Ranked(letter, 0.1 + place / 1000) for place, letter in enumerate("abcdefghij")], [])
    panel.resize(360, 200)
    panel.show_document(reading(genre=many), ["genre"], CPU)
    rows = [row for row in panel.findChildren(ClassRow) if not row.isHidden()]
    panel.resize(360, 900)
    qtbot.waitUntil(lambda: len([row for row in panel.findChildren(ClassRow) if not row.isHidden()]) == 10)
    assert len(rows) == 3


def test_a_new_recording_takes_the_old_answer_away(panel: AnswersPanel) -> None:
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    panel.show_document(Document(Path("b.mp3"), "reading"), ["genre"], CPU)
    shown = said(panel.cards["genre"])
    assert "Blues" not in shown
    assert "blues.00012" not in shown
    assert all(row.isHidden() for row in panel.findChildren(ClassRow))


def test_classifiers_come_and_go_with_the_preference(panel: AnswersPanel) -> None:
    panel.show_document(reading(genre=GENRE), ["composer", "genre"], CPU)
    assert list(panel.cards) == ["composer", "genre"]
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    assert list(panel.cards) == ["genre"]


def test_another_theme_is_drawn_at_once(panel: AnswersPanel) -> None:
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    row = panel.findChildren(ClassRow)[0]
    before = row.grab().toImage()
    panel.set_theme(DARK)
    assert row.grab().toImage() != before


@pytest.mark.parametrize("height", [560, 640, 720, 800])
def test_no_more_classes_are_listed_than_fit_without_scrolling(panel: AnswersPanel, qtbot: QtBot, height: int) -> None:
    ranking = [Ranked(letter * 6, 0.1 + place / 1000) for place, letter in enumerate("abcdefghij")]
    note = "Right on 57 % of 46 held-out recordings. " * 3
    cards = {name: Answer(name, "timbre", "aaaaaa", False, ranking, [], EVIDENCE, note=note) for name in ("genre", "composer")}
    panel.resize(360, height)
    panel.show_document(reading(**cards), list(cards), CPU)
    qtbot.wait(20)
    listed = [row for row in panel.cards["genre"].findChildren(ClassRow) if not row.isHidden()]
    assert panel.verticalScrollBar().maximum() == 0 or len(listed) == 3
    assert len(listed) < 10


def test_tab_goes_from_the_classes_to_the_windows_that_decided(panel: AnswersPanel) -> None:
    panel.show_document(reading(genre=GENRE), ["genre"], CPU)
    order, widget = [], panel.nextInFocusChain()
    while widget is not panel:
        if isinstance(widget, ClassRow | QPushButton) and not widget.isHidden():
            order.append(widget.accessibleName())
        widget = widget.nextInFocusChain()
    assert [name[:4] for name in order] == ["blue", "jazz", "rock", "Play"]


def test_a_ranking_that_says_nothing_is_not_shown(panel: AnswersPanel) -> None:
    even = [Ranked(letter, 0.25) for letter in "abcd"]
    silent = Answer("genre", "timbre", None, True, even, [], reason="The recording is silent, so there is nothing to name.")
    panel.show_document(reading(genre=silent), ["genre"], CPU)
    assert not [row for row in panel.findChildren(ClassRow) if not row.isHidden()]
    assert "If it were" not in said(panel.cards["genre"])
    panel.show_document(reading(genre=NONE), ["genre"], CPU)
    assert "If it were" in said(panel.cards["genre"])
