"""The card of a classifier: what it was built from, what was measured, and how its scores become probabilities.

A card is read as data from a stranger: every field's type and range is checked, and nothing in it is ever used as a path.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self, get_args, get_origin, get_type_hints

from musicclass_gui.engine.calibration import Calibration
from musicclass_gui.engine.errors import ClassifierError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
_LONGEST_TEXT = 4000
_MOST_CLASSES = 2000
_LARGEST_CARD = 1 << 20  # bytes


@dataclass(frozen=True)
class HeadCard:
    """Which head, with which settings."""

    kind: str
    settings: dict[str, str]


@dataclass(frozen=True)
class DataCard:
    """What the classifier learned from: in words, how many recordings per class, and what may be done with them."""

    what: str
    recordings: dict[str, int]
    licence: str
    split: str


@dataclass(frozen=True)
class Measured:
    """Accuracy on `n` held-out recordings (so many per class), rejection aside, with its 95 % interval (Wilson).

    The interval counts `groups`, since recordings of one piece do not speak independently. `calibration_error` is that of the
    probabilities, by ten bins, with temperatures fitted on other groups; NaN where it was not measured. `calibration_by_chance` is the
    error that true probabilities would show on so few recordings; 0 where it was not computed. `n` 0 is not tested at all.
    """

    accuracy: float
    interval_95: list[float]
    n: int
    groups: int
    macro_f1: float
    per_class: dict[str, float]
    recordings: dict[str, int]
    calibration_error: float
    calibration_by_chance: float = 0.0

    def sentence(self) -> str:
        """The accuracy in words, with its 95 % interval, and how far the probabilities were off; or why there is none."""
        if not self.n:
            return "Not tested: too few recordings to hold some out."
        low, high = (round(100 * share) for share in self.interval_95)
        right = f"right on {round(100 * self.accuracy)} % ({low}–{high}\N{NO-BREAK SPACE}%)"
        off = "" if math.isnan(self.calibration_error) else f", probabilities {round(100 * self.calibration_error)} points off"
        return f"Tested on {self.n} held-out recordings: {right}{off}."


@dataclass(frozen=True)
class Rejection:
    """ "None of these": novelty above a threshold, for recordings and for moments; and how well that works.

    `false_rejection` is the share of held-out recordings of known classes that is rejected. `auroc_unseen_classes` is how often a
    recording of a class left out of learning is stranger than a held-out one of a known class (0.5 is chance). `strangers` is the
    share rejected of recordings of quite another sort.
    """

    threshold: float
    window_threshold: float
    false_rejection: float
    auroc_unseen_classes: float
    strangers: dict[str, float]


@dataclass(frozen=True)
class Temperature:
    """What log-scores are divided by before they become probabilities, for recordings and for moments."""

    recording: float
    window: float


@dataclass(frozen=True)
class Compared:
    """Another way measured on the same held-out recordings."""

    what: str
    accuracy: float
    interval_95: list[float]


@dataclass(frozen=True)
class Card:
    """Everything a person or the program must know of a classifier besides its sums."""

    id: str
    title: str
    encoder: str
    encoder_version: str
    grid: str
    head: HeadCard
    classes: list[str]
    data: DataCard
    measured: Measured
    rejection: Rejection
    temperature: Temperature
    compared: list[Compared]
    note: str
    schema: int = SCHEMA

    @property
    def calibration(self) -> Calibration:
        """Temperatures and thresholds, as pooling needs them."""
        return Calibration(self.temperature.recording, self.temperature.window, self.rejection.threshold, self.rejection.window_threshold)

    def to_text(self) -> str:
        """The file's text: JSON, the same bytes for the same card."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a card. Raises ClassifierError in words for whatever is wrong."""
        try:
            if path.stat().st_size > _LARGEST_CARD:
                raise ClassifierError(f"The card {path} is over 1 MB, so it is not a classifier's card.")
            return cls.from_json(json.loads(path.read_text("utf-8")))
        except OSError as error:
            raise ClassifierError(f"The card {path} cannot be read: {error.strerror or error}. Get the classifier again.") from error
        except (ValueError, RecursionError) as error:
            raise ClassifierError(f"The card {path} is not valid JSON ({error}). Get the classifier again.") from error

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Check a card that was read as JSON. Raises ClassifierError."""
        schema = value.get("schema") if isinstance(value, dict) else None
        if schema != SCHEMA or isinstance(schema, bool):
            raise ClassifierError(f"The classifier's card has schema {schema!r}, but this program reads {SCHEMA}; a newer program may.")
        card: Self = _checked(cls, value, "card")
        card._check()
        return card

    def _check(self) -> None:
        if not 1 <= len(self.classes) <= _MOST_CLASSES or len(set(self.classes)) != len(self.classes) or not all(self.classes):
            raise ClassifierError(f"A classifier needs 1 to {_MOST_CLASSES} different class names; this card has {len(self.classes)}.")
        if any(len(interval) != 2 for interval in (self.measured.interval_95, *(one.interval_95 for one in self.compared))):
            raise ClassifierError("The classifier's card has an interval that is not two numbers; get the classifier again.")
        if min(self.temperature.recording, self.temperature.window) <= 0:
            raise ClassifierError("The classifier's card has a temperature that is not positive; get the classifier again.")
        _check_id(self.id)
        _check_id(self.encoder)


def _check_id(text: str) -> None:
    if not text or not all(c.isascii() and (c.isalnum() or c in "-_") for c in text):
        raise ClassifierError(f"The classifier's card has the id {text!r}; ids are letters, digits, “-” and “_”.")


def _checked(kind: Any, value: Any, where: str) -> Any:
    """`value` as `kind` (a dataclass, a list, a dictionary, text or number), or ClassifierError naming the field."""
    if hasattr(kind, "__dataclass_fields__"):
        return _checked_fields(kind, value, where)
    origin: Any = get_origin(kind)
    args: tuple[Any, ...] = get_args(kind)
    if origin is list and isinstance(value, list) and len(value) <= _MOST_CLASSES:
        return [_checked(args[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict) and len(value) <= _MOST_CLASSES:
        return {_checked(args[0], key, where): _checked(args[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is str and isinstance(value, str) and len(value) <= _LONGEST_TEXT:
        return value
    if kind in (int, float) and isinstance(value, (int, float)) and not isinstance(value, bool) and _representable(kind, value):
        return kind(value)
    raise ClassifierError(f"The classifier's card is damaged: “{where}” is {str(value)[:40]!r}. Get the classifier again.")


def _representable(kind: type, value: float) -> bool:
    return abs(value) < 1e15 and math.isfinite(value) and kind(value) == value


def _checked_fields(kind: Any, value: Any, where: str) -> Any:
    hints = get_type_hints(kind)
    if not isinstance(value, dict) or set(value) != {field.name for field in fields(kind)}:
        raise ClassifierError(f"The classifier's card is damaged: “{where}” lacks fields or has unknown ones. Get the classifier again.")
    return kind(**{name: _checked(hints[name], value[name], f"{where}.{name}") for name in hints})
