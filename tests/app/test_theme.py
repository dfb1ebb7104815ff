"""Both looks are readable, complete and deterministic."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QPalette

from musicclass_gui.app import theme as themes
from musicclass_gui.app.theme import DARK, LIGHT, Theme
from musicclass_gui.engine import places

BOTH = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
GENRES = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"]


def test_contrast_is_as_defined_by_wcag() -> None:
    assert themes.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert themes.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@BOTH
@pytest.mark.parametrize("token", ["text", "text_muted", "good", "warn", "bad"])
@pytest.mark.parametrize("ground", ["window", "surface", "raised"])
def test_text_is_readable_on_every_ground(theme: Theme, token: str, ground: str) -> None:
    assert themes.contrast(getattr(theme, token), getattr(theme, ground)) >= 4.5


@BOTH
def test_accent_carries_text_and_stands_out(theme: Theme) -> None:
    assert themes.contrast(theme.accent, theme.accent_text) >= 4.5
    assert themes.contrast(theme.accent, theme.window) >= 3
    assert themes.contrast(themes.mix(theme.surface, theme.accent, 0.22), theme.text) >= 4.5
    assert themes.contrast(themes.mix(theme.surface, theme.accent, 0.45), theme.text) >= 4.5
    assert theme.accent_text in (places.resources_dir() / "icons" / f"check-{theme.name}.svg").read_text()


@BOTH
@pytest.mark.parametrize("token", ["wave", "playhead", "selection", "none"])
def test_marks_stand_out_from_the_panel(theme: Theme, token: str) -> None:
    assert themes.contrast(getattr(theme, token), theme.surface) >= 3


@BOTH
def test_lanes_carry_text_and_stand_out(theme: Theme) -> None:
    assert len(set(theme.lanes)) == 12
    for colour in (*theme.lanes, theme.none):
        assert themes.contrast(colour, themes.on_colour(colour)) >= 4.5
        assert themes.contrast(colour, theme.surface) >= 2


@BOTH
def test_lanes_differ_to_normal_and_red_green_blind_eyes(theme: Theme) -> None:
    deuteranopia = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    for one, other in combinations([_linear_rgb(colour) for colour in theme.lanes], 2):
        assert np.linalg.norm(_oklab(one) - _oklab(other)) > 0.14
        assert np.linalg.norm(_oklab(deuteranopia @ one) - _oklab(deuteranopia @ other)) > 0.06


def _linear_rgb(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _oklab(rgb: np.ndarray) -> np.ndarray:
    """Björn Ottosson's OKLab, 2020."""
    to_lms = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
    to_lab = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
    return to_lab @ np.cbrt(np.clip(to_lms @ rgb, 0, None))


def test_resolve_follows_the_system_unless_told() -> None:
    assert themes.resolve("system", True) is DARK
    assert themes.resolve("system", False) is LIGHT
    assert themes.resolve("light", True) is LIGHT
    assert themes.resolve("dark", False) is DARK
    assert themes.resolve("mauve", False) is LIGHT


@BOTH
def test_palette_has_the_tokens(theme: Theme) -> None:
    palette = themes.palette(theme)
    assert palette.color(QPalette.ColorRole.Window) == QColor(theme.window)
    assert palette.color(QPalette.ColorRole.Highlight) == QColor(theme.accent)
    disabled = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
    assert disabled != QColor(theme.text)
    assert theme.dark == (theme is DARK)


@BOTH
def test_stylesheet_is_whole_and_its_pictures_exist(theme: Theme) -> None:
    sheet = themes.stylesheet(theme)
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}")
    assert theme.accent in sheet
    pictures = [piece.split('")')[0] for piece in sheet.split('url("')[1:]]
    assert pictures
    assert all(Path(picture).is_file() for picture in pictures)


def test_stylesheet_is_understood_by_qt(qapp: object) -> None:
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QPushButton

    said: list[str] = []
    before = qInstallMessageHandler(lambda kind, context, text: said.append(text))
    button = QPushButton("Open")
    button.setStyleSheet(themes.stylesheet(DARK))
    button.ensurePolished()
    qInstallMessageHandler(before)
    assert not [text for text in said if "parse" in text.lower() or "unknown" in text.lower()]


def test_class_colours_do_not_depend_on_order() -> None:
    there = [themes.class_colour(DARK, genre, GENRES) for genre in GENRES]
    back = [themes.class_colour(DARK, genre, GENRES[::-1]) for genre in GENRES]
    assert there == back
    assert len(set(there)) == 10
    assert themes.class_colour(DARK, None, GENRES) == DARK.none


def test_class_letters_of_genres_and_composers() -> None:
    assert [themes.class_letter(genre, GENRES) for genre in GENRES] == ["Bl", "Cl", "Co", "Di", "Hi", "Ja", "Me", "Po", "Re", "Ro"]
    composers = ["Handel", "Haydn", "Bach", "Beethoven", "Brahms"]
    assert [themes.class_letter(name, composers) for name in composers] == ["Ha", "Hy", "Ba", "Be", "Br"]
    assert themes.class_letter(None, GENRES) == "–"
    assert themes.class_letter("C", ["C", "C++", "c#"]) == "C"


@given(st.lists(st.text(max_size=12), max_size=60, unique=True), st.randoms())
def test_class_letters_are_unique_and_independent_of_order(labels: list[str], random: object) -> None:
    shuffled = list(labels)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    codes = {label: themes.class_letter(label, labels) for label in labels}
    assert len(set(codes.values())) == len(labels)
    assert codes == {label: themes.class_letter(label, shuffled) for label in labels}
    assert all(1 <= len(code) <= 2 for code in codes.values() if len(labels) < 60)


def test_a_class_with_a_colour_of_its_own_keeps_it_whatever_other_classes_come() -> None:
    numbers = {"viola": 3, "cello": 0}
    alone = themes.class_colour(LIGHT, "viola", ["viola"], numbers)
    assert alone == LIGHT.lanes[3] == themes.class_colour(LIGHT, "viola", ["bass", "cello", "viola"], numbers)
    assert themes.class_colour(LIGHT, "bass", ["bass", "cello"], numbers) == themes.class_colour(LIGHT, "bass", ["bass", "cello"])
