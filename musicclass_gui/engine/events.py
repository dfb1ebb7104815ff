"""What an analysis tells while it runs, and how that travels between processes as JSON.

Pictures and embeddings do not travel: they are on disk, by content hash.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.answers import Answer, Evidence, Ranked, Segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.audio import Recording


@dataclass(frozen=True)
class Opened:
    """The recording could be opened; nothing is known of its sound yet."""

    recording: Recording


@dataclass(frozen=True)
class Pictured:
    """The picture in `folder` has grown to `ready_s` seconds."""

    folder: Path
    ready_s: float


@dataclass(frozen=True)
class Answered:
    """What the classifiers say of the first `until_s` seconds."""

    answers: list[Answer]
    until_s: float


@dataclass(frozen=True)
class Noticed:
    """Something the user should know of; the work goes on."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The whole recording was read: `duration_s` is its real length."""

    duration_s: float
    from_cache: bool
    devices: dict[str, str] = field(default_factory=dict)  # encoder id → device that it ran on


Event = Opened | Pictured | Answered | Noticed | Finished


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain JSON values, with its kind."""
    fields = asdict(event)
    return {"kind": type(event).__name__, **{key: _plain(value) for key, value in fields.items()}}


def from_json(message: dict[str, Any]) -> Event:
    """The event that `to_json` made a message of."""
    event: Event = _READERS[message["kind"]](message)
    return event


def answer_from_json(fields: dict[str, Any]) -> Answer:
    """The answer that `Answer.to_json` gave."""
    parts = {
        "ranking": [Ranked(**item) for item in fields["ranking"]],
        "segments": [Segment(**item) for item in fields["segments"]],
        "evidence": [Evidence(**item) for item in fields["evidence"]],
    }
    return Answer(**{**fields, **parts})


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def _opened(message: dict[str, Any]) -> Opened:
    from musicclass_gui.engine.audio import Recording

    fields = message["recording"]
    return Opened(Recording(**{**fields, "path": Path(fields["path"])}))


_READERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "Opened": _opened,
    "Pictured": lambda m: Pictured(Path(m["folder"]), m["ready_s"]),
    "Answered": lambda m: Answered([answer_from_json(a) for a in m["answers"]], m["until_s"]),
    "Noticed": lambda m: Noticed(m["text"]),
    "Finished": lambda m: Finished(m["duration_s"], m["from_cache"], m["devices"]),
}
