"""A take: sound from a microphone on its way into a WAV file, written by a thread of its own. It knows neither PortAudio nor Qt.

The file's header is right after every write, so that what was recorded can be read also after a crash.
"""

from __future__ import annotations

import math
import queue
import threading
import wave
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SILENCE_DB = -100.0
_FULL_SCALE = 32768.0


def level_of(block: NDArray[np.int16]) -> float:
    """The peak of a block in dB of full scale, at least −100."""
    peak = int(np.abs(block.astype(np.int32)).max()) if block.size else 0
    return max(SILENCE_DB, 20 * math.log10(peak / _FULL_SCALE)) if peak else SILENCE_DB


class Take:
    """One recording. `heard` is told the level of every block and the seconds so far, `ended` why it ended by itself, in its thread.

    Raises OSError where the file cannot be made.
    """

    def __init__(self, path: Path, rate: int, limit_s: float, heard: Callable[[float, float], None], ended: Callable[[str], None]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rate = path, rate
        self.seconds = 0.0
        self._limit = round(limit_s * rate)
        self._heard, self._ended = heard, ended
        self._blocks: queue.SimpleQueue[NDArray[np.int16] | None] = queue.SimpleQueue()
        self._file = path.open("xb")
        self._thread = threading.Thread(target=self._run, name="take", daemon=True)
        self._thread.start()

    def put(self, block: NDArray[np.int16]) -> None:
        """More sound, mono; from any thread, and without waiting."""
        self._blocks.put(block)

    def finish(self, timeout_s: float = 2.0) -> bool:
        """Write what there is and close the file; whether that was done in time."""
        self._blocks.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with self._file, wave.open(self._file, "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(self.rate)
                why = self._write_all(out)
        except OSError as error:
            why = f"Recording stopped, since “{self.path}” cannot be written ({(error.strerror or str(error)).lower()}); make room."
        if why:
            self._ended(why)

    def _write_all(self, out: wave.Wave_write) -> str:
        """Write until nothing more comes; a sentence about why it ended before."""
        written = 0
        while (block := self._blocks.get()) is not None:
            rest = block[: self._limit - written]
            out.writeframes(rest.astype("<i2").tobytes())
            self._file.flush()
            written += len(rest)
            self.seconds = written / self.rate
            self._heard(level_of(block), self.seconds)
            if written >= self._limit:
                return f"Recording stopped after {round(self.seconds / 60)} minutes, which is the longest; start again for more."
        return ""
