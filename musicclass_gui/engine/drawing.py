"""The picture of a recording while it is being made, beside everything else that is made of the same samples.

A disk that refuses it costs the picture and nothing else. It knows no encoder and no answer.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.picture import PictureWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.windows import Audio


class Drawing:
    """The picture while it is being made; one that does not come to its end leaves nothing behind.

    A disk that refuses it costs the picture and not the answer: `problem` says why then.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self.folder = folder
        self.finished = False
        self.problem = ""
        self._writer: PictureWriter | None = None
        with self._giving_up():
            self._writer = PictureWriter(folder, sample_rate)

    def push(self, mono: Audio, at_mel_rate: Audio) -> None:
        """Add a block, at the recording's own rate and at that of the mel image."""
        with self._giving_up():
            if self._writer:
                self._writer.push(mono)
                self._writer.push_mel(at_mel_rate)

    def finish(self, tail: Audio) -> None:
        """Add the last samples at the rate of the mel image."""
        with self._giving_up():
            if self._writer:
                self._writer.push_mel(tail)
                self._writer.finish()
                self.finished = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer:
            self._writer.close()
        if not self.finished:
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            yield
        except MusicClassError as error:
            self.problem = str(error)
            if self._writer:
                self._writer.close()
            self._writer = None
