"""What a protocol is, what it is asked for, and what comes of it. Plain data, which goes through JSON everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from musicclass_gui.engine.benchmark.data import Count  # noqa: TC001 (read from JSON)

if TYPE_CHECKING:
    from musicclass_gui.engine.task import Token

PUBLISHED, CORRECTED = "published", "corrected"


@dataclass(frozen=True)
class Config:
    """One run as it was asked for; an empty tuple stands for the protocol's default.

    `options` are the protocol's own (`Protocol.options`), among them each named defect of the published code, which a mode sets and the
    user may set otherwise.
    """

    protocol: str
    data: str
    dataset: str = ""
    encoder: str = ""
    methods: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    tasks: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    weights_folder: str = ""


@dataclass(frozen=True)
class Cell:
    """The least that is computed and stored on its own. What a protocol has no use for stays empty."""

    method: str
    mode: str = ""
    order: str = ""
    seed: int = 0
    task: str = ""
    features: str = ""

    @property
    def name(self) -> str:
        """What it is called in the store; unique within a run."""
        return "/".join((self.method, self.mode, self.order, str(self.seed), self.task, self.features))


@dataclass(frozen=True)
class Score:
    """One number of a result: `metric` by its id (`measures.METRICS` has title and formula), with a 95 % interval where there is one.

    `session` 0 and `task` "" mean the whole; `n` is how many items it was measured on.
    """

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    session: int = 0
    task: str = ""


@dataclass(frozen=True)
class Prediction:
    """What was said of one item; for tags and numbers `scores` has all outputs, in the order of `Prepared.classes`."""

    item: str
    truth: str
    said: str
    session: int = 0
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of a cell. `matrix[t][k]` is the accuracy on the classes of session k+1 after session t+1 (None where it was not seen yet).

    The same config, data and versions give the same result to the last digit, `seconds` aside.
    """

    scores: tuple[Score, ...]
    matrix: tuple[tuple[float | None, ...], ...] = ()
    predictions: tuple[Prediction, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Published:
    """A number that somebody printed, for the same cell. `source` says where, such as "ISMIR 2024, repository's CSV"."""

    metric: str
    value: float
    source: str
    session: int = 0
    task: str = ""


@dataclass(frozen=True)
class Method:
    """A way of learning that a protocol compares. `paper` is False for what goes beyond it.

    `families` are those of the encoders that it can be run on; empty: all.
    """

    id: str
    title: str
    line: str
    paper: bool = True
    families: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """Something of a protocol that can be set. `modes` gives its value in each mode, where the modes differ in it: a defect has a name.

    `kind` is "bool", "int", "float" or "choice".
    """

    id: str
    title: str
    line: str
    kind: str
    default: Any
    choices: tuple[str, ...] = ()
    modes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What a leak detector says of the data or the split: `level` is "clear", "note" or "leak"."""

    check: str
    level: str
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """What is known before anything is computed: the data, its problems, the leak detector's verdicts, and about what a run costs.

    `fingerprint` tells these data from others.
    """

    title: str
    counts: tuple[Count, ...]
    problems: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    classes: tuple[str, ...]
    fingerprint: str
    cells: int
    seconds: float
    disk_bytes: float
    split: dict[str, tuple[str, ...]] = field(default_factory=dict)


Tell = Callable[[str], None]
"""Is told in words what is being done."""


class BenchmarkProtocol(Protocol):
    """A module of `protocols`. It is imported lazily; importing it loads neither torch nor scikit-learn."""

    ID: str
    TITLE: str
    PAPER: str
    LINE: str
    DATASETS: tuple[str, ...]
    """Ids of the readers that it can be run on; the first is the default."""
    ENCODERS: tuple[str, ...]
    """The paper's encoders; any other can be asked for too. Empty where none is used."""
    METHODS: tuple[Method, ...]
    OPTIONS: tuple[Option, ...]
    MODES: tuple[str, ...]
    ORDERS: tuple[str, ...]

    def cells(self, config: Config) -> list[Cell]:
        """All cells of a run, in the order in which a user wants to see them. Raises BenchmarkError for what cannot be asked for."""
        ...

    def about(self, config: Config, token: Token, tell: Tell) -> About:
        """Look at the data and estimate, computing no embedding. Raises BenchmarkError, DataError."""
        ...

    def prepare(self, config: Config, token: Token, tell: Tell) -> Any:
        """All that the cells share, such as embeddings, from the cache where it is there; computed once and kept for the process."""
        ...

    def run(self, config: Config, cell: Cell, prepared: Any, token: Token, tell: Tell) -> Result:
        """Compute one cell. Raises BenchmarkError."""
        ...

    def published(self, config: Config, cell: Cell) -> list[Published]:
        """What was printed for such a cell; never a number that could not be confirmed."""
        ...
