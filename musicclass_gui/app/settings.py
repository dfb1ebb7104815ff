"""What the program remembers: preferences (worth keeping) and state (where things were), each in a JSON file.

One table, `FIELDS`, says what there is. Whatever a file holds, `get` gives a valid value: a bad or missing one is the
default. It knows nothing of what the values are used for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from musicclass_gui.app.jobs import Lane
from musicclass_gui.engine import places
from musicclass_gui.engine.files import write_whole

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from musicclass_gui.engine.task import Token

Values = dict[str, Any]
Upgrade = Callable[[Values], Values]
Store = Literal["preferences", "state"]

_SAVE_AFTER_MS = 400
_UNCHANGED: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Field:
    """One remembered value: its key, its default (which gives the type), what is allowed, and words for people."""

    key: str
    default: Any
    label: str = ""
    help: str = ""
    choices: tuple[Any, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    fits: Callable[[Any], bool] | None = None
    store: Store = "preferences"
    longest: int = 12

    def valid(self, value: object) -> Any | None:
        """`value` as this field keeps it, or None when it does not fit. Lists are cut to the `longest` first."""
        if isinstance(self.default, float) and type(value) is int and abs(value) < 2**53:
            value = float(value)
        if type(value) is not type(self.default) or not self._allowed(value):
            return None
        return value[: self.longest] if isinstance(value, list) else value

    def _allowed(self, value: Any) -> bool:
        if isinstance(value, list):
            return all(isinstance(item, str) for item in value)
        if isinstance(value, float) and not self.low <= value <= self.high:
            return False
        return (not self.choices or value in self.choices) and (self.fits is None or self.fits(value))


def _is_device(value: str) -> bool:
    return value in ("auto", "cpu") or (value.startswith("cuda:") and value[5:].isdecimal())


FIELDS: tuple[Field, ...] = (
    Field("device", "auto", "Compute on", "Where encoders run. Automatic takes a CUDA device when there is one.", fits=_is_device),
    Field("classifiers", list(places.SHIPPED), "Answers to show", "Which classifiers are asked, in this order."),
    Field(
        "window_s",
        0.0,
        "Window length",
        "How many seconds of music are judged at a time. Automatic is the length that was tested.",
        choices=(0.0, 3.0, 5.0, 10.0, 15.0, 30.0),
    ),
    Field(
        "teach_method",
        "gaussian",
        "New classifiers learn by",
        "How a classifier that you teach learns; it can be changed later, and says in the preview what each way means.",
        choices=("gaussian", "centers", "replay"),
    ),
    Field("theme", "system", "Appearance", "Light, dark, or as the system is.", choices=("system", "light", "dark")),
    Field("weights_folder", "", "Folder for weights", "A folder with one sub-folder per encoder, searched first."),
    Field("offline", False, "Work offline", "Never use the network; nothing is fetched, whoever asks."),
    Field("fast", False, "Faster arithmetic", "Slightly rounded, for encoders that can; answers may differ a little."),
    Field("volume", 0.8, "Volume", "How loud recordings are played.", low=0.0, high=1.0),
    Field("output_device", "", "Play through", "The audio device; empty is the system’s default."),
    Field("follow_playhead", True, "Follow the playhead", "Keep the place that is heard in view."),
    Field("mel_map", "magma", "Colours of the mel picture", "All three rise evenly in lightness.", choices=("magma", "viridis", "grey")),
    Field("mel_floor_db", -80.0, "Quietest level shown", "Levels below this, in dB of full scale, are black.", low=-100.0, high=-20.0),
    Field("geometry", "", store="state"),
    Field("window_state", "", store="state"),
    Field("splitter", "", store="state"),
    Field("tags", "", store="state"),
    Field("agreed", [], store="state", longest=200),
    Field("recent", [], store="state"),
    Field("project", "", store="state"),
    Field("recent_projects", [], store="state"),
    Field("bench", "", store="state"),
    Field("bench_run", "", store="state"),
    Field("last_folder", "", store="state"),
    Field("last_file", "", store="state"),
    Field("last_position_s", 0.0, low=0.0, high=1e7, store="state"),
)
_BY_KEY = {field.key: field for field in FIELDS}

UPGRADES: tuple[Upgrade, ...] = ()
"""Pure transforms; the first leads from version 1 of the files to version 2, and so on."""


def upgraded(values: Values, version: int, upgrades: tuple[Upgrade, ...] = UPGRADES) -> Values:
    """`values` of a file of `version` in the shape that the program has now; those of a later program are left as they are."""
    for upgrade in upgrades[max(version, 1) - 1 :]:
        values = upgrade(values)
    return values


def validated(values: Mapping[str, object], store: Store) -> Values:
    """A valid value for every field of a store: the given one where it fits, else the default. Unknown keys are left out."""
    return {field.key: _value(field, values.get(field.key)) for field in FIELDS if field.store == store}


def _value(field: Field, given: object) -> Any:
    fitting = field.valid(given)
    return field.valid(field.default) if fitting is None else fitting


def read(path: Path, store: Store) -> tuple[Values, str]:
    """The values of a store's file, and a sentence about what was wrong with it, if it was."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return validated(_UNCHANGED, store), ""
    except (OSError, ValueError, RecursionError) as error:
        return validated(_UNCHANGED, store), f"“{path}” could not be read, so the defaults are used: {_reason(error)}."
    if not isinstance(content, dict) or not isinstance(content.get("values"), dict):
        return validated(_UNCHANGED, store), f"“{path}” is not a settings file of this program, so the defaults are used."
    version = content.get("version")
    return validated(upgraded(content["values"], version if isinstance(version, int) else 1), store), ""


def write(path: Path, values: Values) -> None:
    """Write a store's file so that after a crash either the old or the new one is there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": len(UPGRADES) + 1, "values": values}, indent=2)
    write_whole(path, (text + "\n").encode())


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return "it is not valid JSON"


class Settings(QObject):
    """The values of all fields, read at once and written, a moment after a change, by a lane of their own.

    `problem` is a sentence about why settings could not be read or kept ("" when they could); values then live in
    memory for this session.
    """

    changed = Signal(str)

    def __init__(self, folder: Path | None = None, *, executor: Executor | None = None) -> None:
        super().__init__()
        self._folder = folder or places.config_dir()
        self._lane = Lane("fifo", name="settings", executor=executor)
        self._stores: dict[Store, Values] = {}
        self._dirty: set[Store] = set()
        self._touched: set[Store] = set()
        problems = []
        for store in ("preferences", "state"):
            self._stores[store], problem = read(self._path(store), store)
            problems.append(problem)
        self.problem = " ".join(filter(None, problems))
        self._timer = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._timer.timeout.connect(self._save)

    def get(self, key: str) -> Any:
        """The value of a field; always valid. Raises KeyError for a key that is not in the table."""
        return _value(_BY_KEY[key], self._stores[_BY_KEY[key].store][key])

    def set(self, key: str, value: Any) -> None:
        """Keep a value. Raises KeyError for an unknown key, ValueError for a value that the field does not allow."""
        field = _BY_KEY[key]
        fitting = field.valid(value)
        if fitting is None:
            raise ValueError(f"{value!r} is not allowed for {key}")
        if fitting == self._stores[field.store][key]:
            return
        self._stores[field.store][key] = fitting
        self._dirty.add(field.store)
        self._touched.add(field.store)
        self._timer.start()
        self.changed.emit(key)

    def reset(self, store: Store = "preferences") -> None:
        """Every field of a store back to its default."""
        for field in FIELDS:
            if field.store == store:
                self.set(field.key, field.default)

    def close(self, timeout_s: float = 0.5) -> None:
        """Write what was changed, in this thread. Call it once, last."""
        self._timer.stop()
        self._lane.shutdown(timeout_s)
        self._kept(" ".join(filter(None, [_attempt(self._path(store), self._stores[store]) for store in sorted(self._touched)])))

    def _path(self, store: Store) -> Path:
        return self._folder / f"{store}.json"

    def _save(self) -> None:
        snapshots = [(self._path(store), dict(self._stores[store])) for store in sorted(self._dirty)]
        self._dirty.clear()

        def work(token: Token) -> list[str]:
            return [_attempt(path, values) for path, values in snapshots]

        self._lane.submit(work, done=lambda said: self._kept(" ".join(filter(None, said))))

    def _kept(self, problem: str) -> None:
        """Note how writing went; a file that could not be read is whole again once it was written."""
        if problem != self.problem:
            self.problem = problem
            self.changed.emit("")


def _attempt(path: Path, values: Values) -> str:
    """Write; a sentence about why it could not be."""
    try:
        write(path, values)
    except OSError as error:
        return f"Settings cannot be kept in “{path.parent}” ({_reason(error)}); they last until the program is closed."
    return ""
