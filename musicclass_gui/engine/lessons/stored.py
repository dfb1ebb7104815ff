"""A project's head as bytes: safetensors of its arrays, its classes and settings, and what one must know to go on adding and taking away.

Its size depends on classes and dimensions, never on how much was taught. It knows no project.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import heads
from musicclass_gui.engine.errors import ProjectError
from musicclass_gui.engine.plain import from_plain

if TYPE_CHECKING:
    from musicclass_gui.engine.heads import Scorer

_KEY = "musicclass"
_DAMAGED = "The project is damaged: what a classifier has learned cannot be read; go back to a copy of the project."


@dataclass(frozen=True)
class Tally:
    """What sums do not say of themselves.

    `own`: how many of the classifier's own examples are in them. `base`: how many independent examples its bases count as.
    `peak`: the most windows they held since they were last made anew, which says how much rounding there may be.
    """

    own: int = 0
    base: float = 0.0
    peak: float = 0.0


def to_bytes(head: Scorer, tally: Tally) -> bytes:
    """The bytes to keep."""
    from safetensors.numpy import save

    contents = {"kind": head.kind, "classes": head.classes, "settings": head.settings, "tally": asdict(tally)}
    arrays = {name: np.ascontiguousarray(array) for name, array in head.state().items()}
    return save(arrays, metadata={_KEY: json.dumps(contents, ensure_ascii=False)})


def from_bytes(data: bytes) -> tuple[Any, Tally]:
    """The head that `to_bytes` was given, bit for bit, and its tally. Raises ProjectError when the bytes are damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        contents = _contents(data)
        head = heads.load(contents["kind"], load(data), contents["classes"], contents["settings"])
        return head, from_plain(Tally, contents["tally"])
    except (SafetensorError, ValueError, TypeError, LookupError) as error:
        raise ProjectError(_DAMAGED) from error


def _contents(data: bytes) -> dict[str, Any]:
    """The text in a safetensors header, which `safetensors.numpy.load` does not give."""
    length = int.from_bytes(data[:8], "little")
    contents: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_KEY])
    return contents
