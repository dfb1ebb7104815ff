"""Colours by role for the light and the dark look, and what Qt needs of them: a palette and a style sheet.

Everything that paints takes its colours from a `Theme`, so that both looks are complete and testable without a
screen. It knows no widget and no setting store.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QPalette

from musicclass_gui.app.qss import QSS
from musicclass_gui.engine import places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_INK = "#040506"
_PAPER = "#ffffff"


@dataclass(frozen=True)
class Theme:
    """Colours as `#rrggbb`, by what they are for.

    `window` is behind panels, `surface` is a panel, `raised` a control on it; `text` and `text_muted` are readable
    (contrast ≥ 4.5) on all three. `selection` is meant to be laid over a picture with an opacity of about 0.25.
    `lanes` colours classes; `none` is the colour of "none of these" on a lane.
    """

    name: str
    window: str
    surface: str
    raised: str
    border: str
    text: str
    text_muted: str
    accent: str
    accent_text: str
    good: str
    warn: str
    bad: str
    wave: str
    wave_dim: str
    playhead: str
    selection: str
    grid: str
    none: str
    lanes: tuple[str, ...]

    @property
    def dark(self) -> bool:
        """Whether light text is on a dark ground."""
        return luminance(self.window) < luminance(self.text)


# Lane colours: a search in OKLab for 12 that differ most from each other, for normal and deuteranopic eyes,
# then ordered so that neighbours in a list of classes are far apart in hue.
LIGHT = Theme(
    name="light",
    window="#f3f4f7",
    surface="#ffffff",
    raised="#e9ecf1",
    border="#cdd3dd",
    text="#1a1d24",
    text_muted="#545c6b",
    accent="#2456c8",
    accent_text="#ffffff",
    good="#15693d",
    warn="#855000",
    bad="#b3261e",
    wave="#3566c9",
    wave_dim="#a9bfe8",
    playhead="#d0321f",
    selection="#2456c8",
    grid="#e1e4ea",
    none="#8b929f",
    lanes=(
        "#b92e68", "#1eab7e", "#712480", "#977946", "#1a49b1", "#eb5e46",
        "#0e5951", "#ca64ca", "#2a7c08", "#6f85ff", "#7b351e", "#1580a1",
    ),
)  # fmt: skip

DARK = Theme(
    name="dark",
    window="#14161b",
    surface="#1b1e25",
    raised="#262a33",
    border="#363c48",
    text="#e8eaf0",
    text_muted="#a2a9b8",
    accent="#7aaeff",
    accent_text="#0b1220",
    good="#6fd3a0",
    warn="#f0b95a",
    bad="#ff8a80",
    wave="#7fb2ff",
    wave_dim="#37517a",
    playhead="#ff6b5e",
    selection="#7aaeff",
    grid="#2a2f3a",
    none="#8b929f",
    lanes=(
        "#bf559c", "#6fe895", "#ba8ffd", "#f4c12c", "#4ea4cb", "#c5511e",
        "#059160", "#feafd4", "#8fae21", "#6f69d5", "#c6937d", "#7dd8fe",
    ),
)  # fmt: skip


def resolve(setting: str, system_is_dark: bool) -> Theme:
    """The theme for the preference `setting`: "light", "dark", or "system", which is also what anything else means."""
    if setting in ("light", "dark"):
        return DARK if setting == "dark" else LIGHT
    return DARK if system_is_dark else LIGHT


def luminance(colour: str) -> float:
    """Relative luminance, 0 (black) to 1 (white), of `#rrggbb`, as WCAG 2.2 defines it."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it; 4.5 is the least for text."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def on_colour(colour: str) -> str:
    """The colour, near black or white, in which text is best read on `colour`."""
    return max((_INK, _PAPER), key=lambda text: contrast(text, colour))


def mix(one: str, other: str, share: float) -> str:
    """`one` with a `share` (0..1) of `other` mixed in."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def class_colour(theme: Theme, label: str | None, labels: Sequence[str], colours: Mapping[str, int] | None = None) -> str:
    """The lane colour of a class among all `labels` of its classifier, whatever their order; None: none of these.

    A class that has a number in `colours` keeps that one whatever other classes come and go.
    """
    if label is None:
        return theme.none
    if colours and label in colours:
        return theme.lanes[colours[label] % len(theme.lanes)]
    place = sorted(set(labels) | {label}).index(label)
    return theme.lanes[place % len(theme.lanes)]


def class_letter(label: str | None, labels: Sequence[str]) -> str:
    """A code of one or two letters for a class, unique among `labels` and independent of their order.

    "Blues" is "Bl"; where two names begin alike, the later one in the alphabet takes its next free letter.
    None (none of these) is "–".
    """
    if label is None:
        return "–"
    return _codes(tuple(sorted(set(labels) | {label})))[label]


@lru_cache(maxsize=64)
def _codes(labels: tuple[str, ...]) -> dict[str, str]:
    codes: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        codes[label] = next(code for code in _candidates(label) if code.casefold() not in taken)
        taken.add(codes[label].casefold())
    return codes


def _candidates(label: str) -> Iterator[str]:
    """Codes for a label, from the most to the least telling; the last ones never run out."""
    letters = [letter for letter in label if letter.isalnum()] or ["?"]
    first = _single(letters[0].upper(), letters[0])
    tails = chain(letters[1:], string.ascii_lowercase, string.digits)
    alone = [first] if len(letters) == 1 else []
    return chain(alone, (first + _single(tail.lower(), tail) for tail in tails), (str(number) for number in count(1)))


def _single(changed: str, letter: str) -> str:
    """The letter in another case, unless that takes more than one, as the capital of ß does."""
    return changed if len(changed) == 1 else letter


def palette(theme: Theme) -> QPalette:
    """The Qt palette of a theme, for every role that Fusion and pyqtgraph look at."""
    made = QPalette()
    for role, colour in _roles(theme).items():
        made.setColor(role, QColor(colour))
    faint = QColor(mix(theme.text_muted, theme.surface, 0.45))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, faint)
    made.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight, QColor(theme.border))
    return made


def _roles(theme: Theme) -> dict[QPalette.ColorRole, str]:
    role = QPalette.ColorRole
    return {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.surface,
        role.AlternateBase: mix(theme.surface, theme.raised, 0.4),
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.text_muted,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.bad,
        role.Light: mix(theme.raised, theme.text, 0.08),
        role.Midlight: mix(theme.raised, theme.text, 0.04),
        role.Mid: theme.border,
        role.Dark: mix(theme.border, theme.window, 0.3),
        role.Shadow: "#000000",
        role.Highlight: theme.accent,
        role.HighlightedText: theme.accent_text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
    }


def stylesheet(theme: Theme) -> str:
    """The style sheet of a theme, for the Fusion style; a widget of class "primary" or "quiet" is set by its property."""
    tokens = {name: value for name, value in vars(theme).items() if isinstance(value, str)}
    return string.Template(QSS).substitute(tokens | _shades(theme))


def _shades(theme: Theme) -> dict[str, str]:
    """Colours of states, made from the tokens, and where the few pictures of the style sheet are."""
    icons = (places.resources_dir() / "icons").as_posix()
    return {
        "hover": mix(theme.raised, theme.text, 0.07),
        "pressed": mix(theme.raised, theme.text, 0.14),
        "accent_hover": mix(theme.accent, theme.text, 0.12),
        "chosen": mix(theme.surface, theme.accent, 0.22),
        "stripe": mix(theme.surface, theme.raised, 0.4),
        "groove": mix(theme.raised, theme.border, 0.5),
        "handle": mix(theme.border, theme.text_muted, 0.45),
        "faint": mix(theme.text_muted, theme.surface, 0.45),
        "progress": mix(theme.surface, theme.accent, 0.45),
        "arrow_down": f"{icons}/arrow-down.svg",
        "arrow_up": f"{icons}/arrow-up.svg",
        "check": f"{icons}/check-{theme.name}.svg",
        "dock_close": f"{icons}/dock-close.svg",
        "dock_float": f"{icons}/dock-float.svg",
    }
