"""An Answer: what a classifier says of a recording, second by second and as a whole, and why.

Pure numpy: window log-scores in, one Answer out. It knows no encoder and no file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ranked:
    """A class and the calibrated probability that it is the right one."""

    label: str
    probability: float


@dataclass(frozen=True)
class Segment:
    """A stretch of the recording with one label (None: none of these, or nothing heard) and that label's mean probability (0 for None)."""

    start_s: float
    end_s: float
    label: str | None
    probability: float


@dataclass(frozen=True)
class Evidence:
    """Why: a window that decided (`kind` "window") or a near training file (`kind` "training").

    For a window: `weight` is its log-score margin for the winning class over the next one.
    For a training file: `weight` is the distance from the recording's mean embedding to the file's, where the head measures
    distance: 1 is one standard deviation within classes.
    """

    kind: str
    label: str
    weight: float
    start_s: float | None = None
    end_s: float | None = None
    name: str | None = None


@dataclass(frozen=True)
class Answer:
    """One classifier's result for one recording (or for as much of it as has been read)."""

    classifier: str
    encoder: str
    label: str | None
    none_of_these: bool
    ranking: list[Ranked]
    segments: list[Segment]
    evidence: list[Evidence] = field(default_factory=list)
    reason: str = ""  # one sentence, for example why none of these
    measured: str = ""  # one sentence: how often this classifier was right on recordings that it had not learned from
    colours: dict[str, int] = field(default_factory=dict)  # class → number of its colour, where the user's project has given it one
    note: str = ""  # what the card says must be said with every answer, such as "synthetic piano timbre"
    kind: str = "classes"  # of which one is right; or "tags", which do not exclude each other; or "words", which the user typed

    def to_json(self) -> dict[str, Any]:
        """The answer as the command line and exports print it."""
        return asdict(self)
