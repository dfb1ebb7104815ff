"""PortAudio as the speaker and the recorder share it: imported late, used by one thread at a time, never restarted under a stream.

It knows neither reels nor files. Opening, starting, closing and listing may take long: call them where waiting is allowed.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.errors import MusicClassError

ALONE = threading.RLock()
"""Held while streams are opened or closed and devices are listed: PortAudio does not do these at the same time."""

_streams: set[int] = set()


def library(error: Callable[[str], MusicClassError], no_library: str, no_device: str) -> Any:
    """The module `sounddevice`. Raises `error` of one of the two sentences."""
    try:
        import sounddevice
    except (ImportError, OSError) as missing:
        raise error(no_library) from missing
    except Exception as broken:  # importing it starts PortAudio, which may want a sound server; its error cannot be named yet
        raise error(no_device) from broken
    return sounddevice


def look_again(sd: Any) -> None:
    """Find devices that were plugged in: PortAudio lists them once, when it is started. Does nothing while a stream is open."""
    with ALONE:
        if _streams:
            return
        with contextlib.suppress(sd.PortAudioError):
            sd._terminate()
        with contextlib.suppress(sd.PortAudioError):
            sd._initialize()


def hold(stream: Any) -> None:
    """A stream was opened."""
    _streams.add(id(stream))


def close(stream: Any) -> None:
    """Close a stream that was held."""
    with ALONE:
        stream.close(ignore_errors=True)
        _streams.discard(id(stream))


def devices(sd: Any, kind: str) -> dict[str, int]:
    """Name and number of each "input" or "output" of the system's usual sound interface. Raises PortAudio's own error."""
    with ALONE:
        found = [device for device in sd.query_devices() if device[f"max_{kind}_channels"] > 0]
        usual = sd.default.device[0 if kind == "input" else 1]
    interface = next((device["hostapi"] for device in found if device["index"] == usual), found[0]["hostapi"] if found else None)
    return {device["name"]: device["index"] for device in found if device["hostapi"] == interface}


def reason(error: Exception) -> str:
    """What PortAudio says of a failure, as part of a sentence."""
    return str(error).partition("[")[0].strip().rstrip(".").lower()
