"""Imports pyqtgraph without what it does not need here; to be imported before any module that draws with it.

pyqtgraph imports CUDA's Python bindings where they are installed (torch brings them), for one widget that this program
never shows. That alone takes longer than building the whole window.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNNEEDED = "cuda.bindings"


@contextmanager
def without(name: str) -> Iterator[None]:
    """While this lasts, importing the module `name` fails as if it were not installed."""
    modules: dict[str, Any] = sys.modules
    if name in modules:
        yield
        return
    modules[name] = None
    try:
        yield
    finally:
        del modules[name]


with without(_UNNEEDED):
    import pyqtgraph  # noqa: F401
