"""The offline switch: while it is on, nothing reaches for the network, and libraries that like to are told not to at any time.

Only fetching needs the network, and only when the user asks; it says so here first. Knows nothing of what is fetched.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "DO_NOT_TRACK": "1",
}
_asking = threading.RLock()
_switched = threading.Event()


def offline() -> bool:
    """Whether the user wants no network call: the switch is on, or `$MUSICCLASS_OFFLINE` is set to anything but 0."""
    return _switched.is_set() or os.environ.get("MUSICCLASS_OFFLINE", "") not in ("", "0")


def switch(on: bool) -> None:
    """Turn the switch of this process on or off; `$MUSICCLASS_OFFLINE` stays above it."""
    if on:
        _switched.set()
    else:
        _switched.clear()


def require_online(what: str) -> None:
    """Raise WeightsError, a sentence that starts with `what` was wanted, while the user wants no network call."""
    if offline():
        how = "unset MUSICCLASS_OFFLINE" if not _switched.is_set() else "turn “Work offline” off in the preferences"
        raise WeightsError(f"{what} needs the network, and the program was told to stay offline; {how} and try again.")


def guard() -> None:
    """Tell the hub's libraries to stay offline and to report nothing; to be called before they are imported, which it does not do."""
    os.environ.update(_QUIET)


@contextmanager
def hub_allowed() -> Iterator[None]:
    """A time in which huggingface_hub may ask its hub; it reads its environment only once. Raises WeightsError."""
    require_online("Asking the hub")
    guard()
    from huggingface_hub import constants

    with _asking:
        constants.HF_HUB_OFFLINE = False
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = True
