"""The methods of the continual protocol that need no training of the paper's head, and those that go beyond the paper, with their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import Method, Option

METHODS: tuple[Method, ...] = ()
OPTIONS: tuple[Option, ...] = ()
