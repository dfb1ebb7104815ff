"""What is heard follows what is shown: the player gets the open recording, the selection and the loop.

It joins the session and the player; it draws nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QAction

    from musicclass_gui.app.player import Player
    from musicclass_gui.app.session import Session
    from musicclass_gui.engine.answers import Segment
    from musicclass_gui.engine.audio import Recording

_STEP_ON_S = 0.05  # a playhead this near before a segment's start counts as being in it


class Hearing(QObject):
    """Keeps the player in step with the session."""

    def __init__(self, session: Session, player: Player, loop: QAction, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._player = player
        self._loop = loop
        self._document = session.document
        self._recording: Recording | None = None
        self._path: Path | None = None
        self._was_playing = False
        self._resume_s = 0.0
        self.began_at_s = 0.0
        player.state_changed.connect(self._note_start)

    def resume_at(self, path: Path, position_s: float) -> None:
        """Once `path` is open, go to `position_s`."""
        self._path, self._resume_s = path.absolute(), position_s

    def follow_document(self) -> None:
        """Give the player the recording that is open; the same file opened anew keeps its place."""
        document = self._session.document
        if document is not self._document:
            self._leave(document.path)
            self._document = document
        if document.recording is not None and self._recording is None:
            self._enter(document.recording)

    def apply_loop(self) -> None:
        """Loop the selection, if looping is on."""
        self._player.set_loop(self._session.selection if self._loop.isChecked() else None)

    def hear(self, start_s: float, end_s: float) -> None:
        """Select a span and play it from its start."""
        self._session.select((start_s, end_s))
        self._player.seek(start_s)
        self._player.play()

    def next_of(self, classifier: str, label: str) -> Segment | None:
        """Select the next segment of a class after the playhead, coming round to the first; None when there is none."""
        answer = self._session.document.answers.get(classifier)
        found = [segment for segment in answer.segments if segment.label == label] if answer else []
        if not found:
            return None
        here = self._player.position_s + _STEP_ON_S
        segment = next((segment for segment in found if segment.start_s > here), found[0])
        self._session.select((segment.start_s, segment.end_s))
        self._player.seek(segment.start_s)
        return segment

    def _leave(self, next_path: Path | None) -> None:
        if self._recording is not None:
            self._resume_s = self._player.position_s
        if next_path != self._path:
            self._resume_s = 0.0
        self._path, self._recording = next_path, None
        self._player.set_recording(None)

    def _enter(self, recording: Recording) -> None:
        self._recording = recording
        self._player.set_recording(recording)
        if self._resume_s > 0:
            self._player.seek(self._resume_s)
        self._resume_s = 0.0
        self.apply_loop()

    def _note_start(self) -> None:
        if self._player.playing and not self._was_playing:
            self.began_at_s = self._player.position_s
        self._was_playing = self._player.playing
