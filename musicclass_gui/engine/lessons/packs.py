"""Class packs: what a classifier has learned as one file to give away, and the gate that a stranger's file must pass.

A pack is safetensors: a head's arrays, and one text of JSON that says what they are. It holds sums, names and measured numbers; nothing
in it is ever run or used as a path. Every size is bounded before it is read, and whatever is wrong ends in one ClassifierError.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import heads
from musicclass_gui.engine.card import Card
from musicclass_gui.engine.classifier import Classifier, Training
from musicclass_gui.engine.errors import ClassifierError, DataError
from musicclass_gui.engine.files import write_whole
from musicclass_gui.engine.lessons.pack_checks import (
    DAMAGED,
    MOST_CLASSES,
    MOST_RECORDINGS,
    checked_name,
    checked_texts,
    clean_name,
    plain_json,
    require_numbers,
    require_real,
)
from musicclass_gui.engine.lessons.report import LessonCard
from musicclass_gui.engine.plain import from_plain

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Scorer

SUFFIX = ".mcpack"
LARGEST = 256 << 20  # bytes
_SCHEMA = 1
_KEY = "musicclass_pack"
_LARGEST_HEADER = 16 << 20  # bytes: the arrays' shapes, names of classes and recordings, and the card
_MOST_ARRAYS = 64
_LONGEST_ARRAY_NAME = 100
_DTYPES = {"F64": 8, "F32": 4, "I64": 8}  # a network counts with whole numbers
_MEANS = "training_means"
_ROLES = ("class", "background", "negative")
_OWN = ("suggestions", "twins", "said")  # parts of a lesson's card that speak of its maker's files
_BROKEN = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, MemoryError, RecursionError)


@dataclass(frozen=True)
class Pack:
    """Classes as a head knows them: `state`, `settings` and `classes` make the head of kind `head_kind` again.

    `roles` and `of` go with `classes`: "class", "background" or "negative", and for a negative the class that its sounds are not ("" for
    others). `card` is a LessonCard or a shipped classifier's Card as plain values, or empty. `training` lists the recordings learned from.
    """

    title: str
    encoder: str
    encoder_version: str
    grid: str
    head_kind: str
    settings: dict[str, str]
    classes: list[str]
    roles: list[str]
    of: list[str]
    state: dict[str, NDArray[Any]]
    card: dict[str, Any] = field(default_factory=dict)
    training: Training = field(default_factory=Training)

    def head(self, names: list[str] | None = None) -> Scorer:
        """The head that it holds, its classes called `names` where given. Raises ClassifierError."""
        return heads.load(self.head_kind, self.state, self.classes if names is None else names, self.settings)

    def lesson_card(self) -> LessonCard | None:
        """The card of the lesson that it was exported after, if it came from a project."""
        return from_plain(LessonCard, self.card) if self.card and "schema" not in self.card else None

    def shipped_card(self) -> Card | None:
        """The card of the shipped classifier that it is, if it is one."""
        return Card.from_json(self.card) if "schema" in self.card else None

    def recordings(self) -> dict[str, int]:
        """How many recordings each class learned from, as far as it is known."""
        counts = dict.fromkeys(self.classes, 0)
        for label in self.training.labels:
            counts[label] += 1
        return counts


def of_shipped(folder: Path) -> Pack:
    """A shipped classifier's folder as a pack. Raises ClassifierError."""
    one = Classifier.load(folder)
    card, names = one.card, one.head.classes
    facts = (card.encoder, card.encoder_version, card.grid, one.head.kind, one.head.settings)
    return Pack(card.title, *facts, names, ["class"] * len(names), [""] * len(names), one.head.state(), asdict(card), one.training)


def write(path: Path, pack: Pack) -> None:
    """Write a pack whole or not at all. Raises ClassifierError."""
    data = to_bytes(pack)
    try:
        write_whole(path, data)
    except OSError as error:
        raise ClassifierError(f"The class pack {path} cannot be written: {error.strerror or error}. Choose another folder.") from error


def read(path: Path) -> Pack:
    """Read and check a pack. Raises ClassifierError in words for whatever is wrong."""
    try:
        data = _bytes_of(path)
    except OSError as error:
        raise ClassifierError(f"The class pack {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a path with a null character
        raise ClassifierError(f"The class pack {str(path)!r} cannot be read: {error}.") from error
    try:
        return from_bytes(data)
    except ClassifierError as error:
        raise ClassifierError(f"{path.name} cannot be imported. {error}") from error


def _bytes_of(path: Path) -> bytes:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        raise ClassifierError(f"{path} is a link; choose the class pack itself.")
    if not stat.S_ISREG(found.st_mode):
        raise ClassifierError(f"{path} is not a file; choose a class pack (a file ending in {SUFFIX}).")
    if found.st_size > LARGEST:
        raise ClassifierError(f"{path} is over {LARGEST >> 20} MB, so it is not a class pack.")
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        return file.read(LARGEST + 1)


def to_bytes(pack: Pack) -> bytes:
    """The file's bytes, the same for the same pack. What a card says of its maker's own files stays out. Raises ClassifierError."""
    from safetensors.numpy import save

    training = replace(pack.training, names=[clean_name(name) for name in pack.training.names])
    pack = replace(pack, card=_without_files(pack.card), training=training)
    _guarded(pack)
    arrays = {**pack.state, **({_MEANS: training.means} if training.names else {})}
    contents = {name: getattr(pack, name) for name in _TEXTS} | {"names": training.names, "labels": training.labels, "schema": _SCHEMA}
    text = json.dumps(contents, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata={_KEY: text})


_TEXTS = ("title", "encoder", "encoder_version", "grid", "head_kind", "settings", "classes", "roles", "of", "card")


def from_bytes(data: bytes) -> Pack:
    """The pack that `to_bytes` made `data` of. Raises ClassifierError for whatever is wrong with it."""
    try:
        contents = _contents(data)
        pack = _made(contents, _arrays(data))
    except _BROKEN as error:
        raise ClassifierError(DAMAGED) from error
    _guarded(pack)
    return pack


def _contents(data: bytes) -> dict[str, Any]:
    """What the file says that it holds, once its header can be trusted to be small and to name nothing but numbers."""
    if len(data) < 8 or len(data) > LARGEST:
        raise ClassifierError(f"It is not a class pack: it has {len(data)} bytes.")
    length = int.from_bytes(data[:8], "little")
    if length > min(_LARGEST_HEADER, len(data) - 8):
        raise ClassifierError("It is not a class pack, or only the first part of one.")
    header = _json(data[8 : 8 + length].decode("utf-8"))
    contents = _json(header.pop("__metadata__")[_KEY])
    if not isinstance(contents, dict) or contents.get("schema") != _SCHEMA or isinstance(contents["schema"], bool):
        raise ClassifierError(f"This program reads class packs of schema {_SCHEMA} and this one has another; a newer version may read it.")
    _require_small(header, len(data) - 8 - length)
    return contents


def _require_small(header: dict[str, Any], room: int) -> None:
    """Raise ClassifierError unless the arrays are few, of numbers, and just as large as the file."""
    sizes = [_DTYPES[one["dtype"]] * _product(one["shape"]) for one in header.values()]
    if len(sizes) > _MOST_ARRAYS or sum(sizes) != room or any(len(name) > _LONGEST_ARRAY_NAME for name in header):
        raise ClassifierError(DAMAGED)


def _product(shape: list[int]) -> int:
    if len(shape) > 4 or any(type(length) is not int or not 0 <= length <= LARGEST for length in shape):
        raise ClassifierError(DAMAGED)
    size = 1
    for length in shape:
        size *= length
    return size


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except SafetensorError as error:
        raise ClassifierError(DAMAGED) from error


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _made(contents: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Pack:
    means = arrays.pop(_MEANS, np.zeros((0, 0), np.float32))
    training = Training(contents["names"], contents["labels"], means)
    return Pack(**{name: contents[name] for name in _TEXTS}, state=arrays, training=training)


def _guarded(pack: Pack) -> None:
    """Raise ClassifierError unless all parts of the pack are what they should be and fit together."""
    try:
        _check_texts(pack)
        _check_card(pack)
        require_numbers(pack.state)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            head = pack.head()
            require_real(head)
        _check_training(pack, head.dim)
    except (DataError, *_BROKEN) as error:
        raise ClassifierError(DAMAGED) from error


def _check_texts(pack: Pack) -> None:
    for text in (pack.title, pack.encoder, pack.encoder_version, pack.grid, pack.head_kind):
        checked_name(text)
    checked_texts(pack.classes, MOST_CLASSES, checked_name)
    if not 1 <= len(pack.classes) == len(set(pack.classes)) == len(pack.roles) == len(pack.of):
        raise ClassifierError(DAMAGED)
    for name, role, of in zip(pack.classes, pack.roles, pack.of, strict=True):
        _check_role(pack, name, role, of)
    if not isinstance(pack.settings, dict) or len(pack.settings) > _MOST_ARRAYS:
        raise ClassifierError(DAMAGED)
    checked_texts([text for item in pack.settings.items() for text in item], 2 * _MOST_ARRAYS, lambda text: text)


def _check_role(pack: Pack, name: str, role: str, of: str) -> None:
    """A negative belongs to a real class, and nothing else belongs to any."""
    real = of in pack.classes and pack.roles[pack.classes.index(of)] == "class"
    if role not in _ROLES or (not real if role == "negative" else of != ""):
        raise ClassifierError(f"The class pack does not say what “{name}” is; ask for the pack again.")


def _check_card(pack: Pack) -> None:
    if not isinstance(pack.card, dict):
        raise ClassifierError(DAMAGED)
    plain_json(pack.card)
    shipped, lesson = pack.shipped_card(), pack.lesson_card()
    if shipped and (shipped.classes != pack.classes or (shipped.encoder, shipped.grid) != (pack.encoder, pack.grid)):
        raise ClassifierError("The card in the class pack is that of another classifier; ask for the pack again.")
    if lesson:
        plain_json(asdict(lesson))  # a number that was left out became NaN
        if min(lesson.fitted.temperature, lesson.fitted.window_temperature) <= 0:
            raise ClassifierError(DAMAGED)


def _without_files(card: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in card.items() if name not in _OWN}


def _check_training(pack: Pack, dim: int) -> None:
    training = pack.training
    checked_texts(training.names, MOST_RECORDINGS, checked_name)
    checked_texts(training.labels, MOST_RECORDINGS, checked_name)
    if len(training.names) != len(training.labels) or not set(training.labels) <= set(pack.classes):
        raise ClassifierError(DAMAGED)
    if training.names and training.means.shape != (len(training.names), dim):
        raise ClassifierError(DAMAGED)
    if training.means.dtype != np.float32 or not np.isfinite(training.means).all():
        raise ClassifierError(DAMAGED)
