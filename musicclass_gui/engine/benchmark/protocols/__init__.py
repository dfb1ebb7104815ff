"""The protocols: one module for each work, by its id."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import BenchmarkProtocol

IDS = ("continual", "transfer", "classical", "composer")


def protocol(protocol_id: str) -> BenchmarkProtocol:
    """A protocol by its id. Raises BenchmarkError when there is none of that name."""
    if protocol_id not in IDS:
        raise BenchmarkError(f"There is no protocol “{protocol_id}”; known are {', '.join(IDS)}.")
    return cast("BenchmarkProtocol", import_module(f"musicclass_gui.engine.benchmark.protocols.{protocol_id}"))
