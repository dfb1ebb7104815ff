"""What teaching tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from musicclass_gui.engine.plain import from_plain, to_plain


@dataclass(frozen=True)
class Heard:
    """A file is through: `state` is "embedded", "known" (its embeddings were there) or "failed" with a `reason`."""

    path: str
    state: str
    reason: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Staged:
    """What is going on now, in words: "Listening", "Learning", "Checking what was learned"."""

    text: str


@dataclass(frozen=True)
class Trained:
    """One epoch of fine-tuning is through: losses and accuracies (0..1), seconds left at most."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    held_out_accuracy: float
    eta_s: float


News = Heard | Staged | Trained


def to_json(news: News) -> dict[str, Any]:
    """The news as plain values with their kind."""
    return {"kind": type(news).__name__, **to_plain(news)}


def from_json(message: dict[str, Any]) -> News:
    """The news that `to_json` made a message of."""
    kinds: dict[str, type[News]] = {kind.__name__: kind for kind in (Heard, Staged, Trained)}
    return from_plain(kinds[message["kind"]], {key: value for key, value in message.items() if key != "kind"})
