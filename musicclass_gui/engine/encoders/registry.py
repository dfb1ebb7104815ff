"""The encoders that the user added: own folders of a known family, and mixes of layers that were learned. They are in one JSON file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicclass_gui.engine.encoders import EncoderSpec


def rows() -> tuple[EncoderSpec, ...]:
    """The user's own encoders, in the order in which they were added."""
    return ()
