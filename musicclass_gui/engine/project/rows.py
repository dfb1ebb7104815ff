"""The rows of a project as plain data. They know nothing of SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.windows import Span

METHODS = ("gaussian", "centers", "replay")
"""Ways of learning."""
WORDS = "words"
"""What a classifier has instead that is a list of phrases."""
ROLES = ("class", "background", "negative")


@dataclass(frozen=True)
class RecordingRow:
    """A recording that the project knows. `path` is where it was seen last."""

    hash: str
    path: Path
    size: int
    mtime_ns: int
    duration_s: float
    title: str = ""
    artist: str = ""
    album: str = ""
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class EmbeddedRow:
    """A recording's embeddings: `data` (n, dim) float32, `spans` in seconds, `loud` (n,), `mean` (dim,) over the loud windows."""

    hash: str
    data: Embeddings
    spans: list[Span]
    loud: NDArray[Any]
    mean: Embeddings


@dataclass(frozen=True)
class ClassifierRow:
    """A classifier of the project. `key` is what its answers are called by."""

    id: int
    key: str
    title: str
    encoder: str
    encoder_version: str
    grid: str
    dim: int
    method: str
    options: dict[str, Any]
    revision: int
    active: bool = True


@dataclass(frozen=True)
class ClassRow:
    """A class. `of` is, for a negative, the class that its examples are not."""

    id: int
    classifier: int
    name: str
    role: str = "class"
    of: int | None = None
    colour: int = 0
    active: bool = False

    @property
    def label(self) -> str:
        """What heads call it: its id, so that renaming changes no head."""
        return str(self.id)


@dataclass(frozen=True)
class ExampleRow:
    """A recording, or the span `[start_s, end_s)` of it, as an example of a class (None: not in use)."""

    id: int
    classifier: int
    cls: int | None
    hash: str
    start_s: float | None = None
    end_s: float | None = None
    group: str = ""


@dataclass(frozen=True)
class BaseRow:
    """Sums without examples that a classifier rests on. `mapping`: the pack's label → class id, None where it is hidden."""

    id: int
    classifier: int
    title: str
    pack: bytes
    active: bool
    mapping: dict[str, int | None]


@dataclass(frozen=True)
class LessonRow:
    """One undoable change. `changes` are those of `lessons.changes` as plain values; `card` is a LessonCard's, or empty."""

    id: int
    classifier: int
    position: int
    kind: str
    title: str
    state: str
    made_at: str
    plan: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    card: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VerdictRow:
    """What the user said of a recording or a span of it while reviewing: a class, or None for none of them."""

    id: int
    classifier: int
    hash: str
    start_s: float | None
    end_s: float | None
    cls: int | None
    taught: int | None = None
