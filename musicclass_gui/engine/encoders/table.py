"""The table of encoders: one row is one module of this package, which describes its encoders in `SPECS` and loads them with `load`.

Importing it, and every module that it names, loads no torch.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders import Encoder, EncoderSpec

FAMILIES = (
    "timbre",
    "house",
    "mobilenet",
    "choi",
    "musicnn",
    "taggers",
    "hubert",
    "clap",
    "clmr",
    "onnx_slot",
)
"""In order of preference for showing."""


class Family(Protocol):
    """What a module in the table has."""

    SPECS: tuple[EncoderSpec, ...]

    def load(self, spec: EncoderSpec, device: str = "cpu", weights: Path | None = None, *, fast: bool = False) -> Encoder:
        """Load one of its encoders on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

        `weights` is the weights file, or their folder where there are several; None looks in the usual folders. Raises EncoderError,
        WeightsError.
        """
        ...


def family(name: str) -> Family:
    """The module of a family."""
    return cast("Family", import_module(f"musicclass_gui.engine.encoders.{name}"))


@lru_cache(maxsize=1)
def rows() -> tuple[EncoderSpec, ...]:
    """Every encoder that the program comes with."""
    return tuple(spec for name in FAMILIES for spec in family(name).SPECS)


def load(spec: EncoderSpec, device: str, weights: Path | None, *, fast: bool) -> Encoder:
    """An encoder of the table, or a user's own of one of its families. Raises EncoderError, WeightsError."""
    return family(spec.family).load(spec, device, weights, fast=fast)
