"""What a strategy is given: the task as a whole, and session after session its classes and their chunks.

It knows nothing of readers, encoders or what strategies make of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicclass_gui.engine.benchmark.continual.pools import Pool
    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.protocol import Config, Tell
    from musicclass_gui.engine.task import Token


@dataclass(frozen=True)
class Settings:
    """The options of a cell: a mode's values, then what the user set otherwise. Each is asked for by its option's id and kind."""

    values: Mapping[str, Any]

    def flag(self, name: str) -> bool:
        """A truth value."""
        return bool(self._value(name, (bool,)))

    def whole(self, name: str) -> int:
        """A whole number."""
        return int(self._value(name, (int,)))

    def number(self, name: str) -> float:
        """A number."""
        return float(self._value(name, (int, float)))

    def word(self, name: str) -> str:
        """One of an option's choices."""
        return str(self._value(name, (str,)))

    def _value(self, name: str, kinds: tuple[type, ...]) -> Any:
        value = self.values[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise BenchmarkError(f"The option “{name}” cannot be {value!r}; see the protocol's list of options.")
        return value


@dataclass(frozen=True)
class Session:
    """One session: its `classes`, whose labels are `first` … `first + len(classes) − 1`, and chunks of its files.

    `train` has the random chunks that stand for the paper's fresh draws (what heads are trained on), `grid` the same files cut one chunk
    after the other (class centers, exemplars), `valid` and `test` the grid chunks of files of this session's classes only. A strategy
    never learns from `test`, and from `valid` only when to stop, or how strongly to regularise.
    """

    number: int
    classes: tuple[str, ...]
    first: int
    train: Pool
    grid: Pool
    valid: Pool
    test: Pool

    @property
    def labels(self) -> range:
        """The labels of its classes."""
        return range(self.first, self.first + len(self.classes))

    @property
    def seen(self) -> int:
        """How many classes have been seen after it."""
        return self.first + len(self.classes)


@dataclass(frozen=True)
class Task:
    """All that a strategy may know: `classes` in the order in which they come, and `sessions`, of which only an upper bound looks ahead.

    `seed` is the cell's. `dataset`, `config` and `items` are for what a strategy cannot do on cached embeddings (L2P: the items' audio).
    """

    classes: tuple[str, ...]
    sessions: tuple[Session, ...]
    settings: Settings
    seed: int
    token: Token
    tell: Tell
    config: Config
    dataset: str = ""
    items: Mapping[str, Item] = field(default_factory=dict)
