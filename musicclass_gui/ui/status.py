"""The status bar: what is being done, how far it is, how long it will take, and on what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QProgressBar, QStatusBar

from musicclass_gui.app import words
from musicclass_gui.ui.notices import Notice
from musicclass_gui.ui.widgets import text

if TYPE_CHECKING:
    from musicclass_gui.app.documents import Document
    from musicclass_gui.app.player import Player
    from musicclass_gui.app.session import Session

_SCALE = 1000
_SAID_MS = 6000


def state_text(document: Document) -> str:
    """What became of the open recording, in a few words."""
    name = document.path.name if document.path else ""
    if document.state == "ready":
        return "Answered from the cache" if document.from_cache else "Analysed"
    if document.state == "cancelled":
        return f"Cancelled after {words.clock(document.answered_s)}" if document.answered_s else "Cancelled"
    return {"empty": "Ready", "reading": f"Reading {name}", "failed": f"Could not read {name}"}[document.state]


def queue_text(session: Session) -> str:
    """How far the queue is, or empty when there is none to speak of."""
    total = len(session.queue)
    over = sum(row.over for row in session.queue)
    if not total or over == total:
        return ""
    paused = "paused" if session.queue_paused else words.eta(session.queue_eta_s)
    return f"Queue {over} of {total}" + (f", {paused}" if paused else "")


def teaching_text(session: Session) -> str:
    """What teaching is doing, or empty."""
    teaching = session.teaching
    if not teaching.busy:
        return ""
    last = teaching.heard[-1] if teaching.heard and teaching.busy == "Listening" else None
    count = f"{last.done} of {last.total}" if last is not None and last.total else ""
    return ", ".join(filter(None, [" ".join(filter(None, [teaching.busy, count])), words.eta(teaching.eta_s)]))


def lesson_notice(session: Session) -> Notice | None:
    """That a lesson waits for the user, if one does."""
    waiting = session.teaching.waiting
    if waiting is None or session.teaching.busy:
        return None
    if waiting.state == "planned":
        return Notice(f"A lesson was interrupted: “{waiting.title}”.", "warn", "teach.go_on", "Go on")
    return Notice(f"A lesson waits to be kept: “{waiting.title}”.", "info", "view.lesson", "Show its card")


def ran_on(session: Session) -> dict[str, str]:
    """What each encoder that answered runs on, in words; empty while that is not known."""
    document = session.document
    texts = dict(session.devices)
    used = {encoder: texts.get(name, name.upper()) for encoder, name in document.devices.items()}
    now = session.device if session.devices else ""
    return {answer.encoder: now for answer in document.answers.values()} | used


def engine_text(session: Session) -> str:
    """Which encoders answered, and on what."""
    if session.document.from_cache:
        return " · ".join(ran_on(session))
    return " · ".join(" on ".join(filter(None, pair)) for pair in ran_on(session).items()) or session.device


_INTERRUPTED = "A benchmark run was interrupted when the program ended; what was finished is kept."


def current_notices(session: Session, player: Player, *, teaching: bool = False, benching: bool = False) -> list[Notice]:
    """Everything that is worth saying now; what is not true any more is not in it. `teaching`, `benching`: the page for it is shown."""
    document = session.document
    notices = [Notice(said, "bad") for said in session.notices]
    if document.state == "failed" and document.picture is not None:
        notices.append(Notice(document.error, "bad", "analyse.again", "Analyse again"))
    notices += [Notice(said, "warn") for said in document.notices]
    if session.settings.problem:
        notices.append(Notice(session.settings.problem, "warn"))
    lesson = lesson_notice(session)
    if lesson is not None and not teaching:
        notices.append(lesson)
    if session.settings.get("bench_run") and not session.benching and not benching:
        notices.append(Notice(_INTERRUPTED, "info", "bench.resume", "Resume it"))
    if player.problem and document.recording is not None and not teaching:
        notices.append(Notice(player.problem, "info"))
    return notices


class Status(QStatusBar):
    """Shows the session's state; a message that was said stands in front of it for some seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.state = text("Ready", "muted")
        self.progress = QProgressBar()
        self.progress.setRange(0, _SCALE)
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(150, 8)
        self.progress.setAccessibleName("Reading progress")
        self.eta = text("", "muted")
        self.queue = text("", "muted")
        self.engine = text("", "muted")
        self._build()

    def say(self, words_: str) -> None:
        """Say something for a moment."""
        self.showMessage(words_, _SAID_MS)

    def show_session(self, session: Session) -> None:
        """Show what the session is doing."""
        document = session.document
        self._tell(" · ".join(filter(None, [state_text(document), session.activity, session.aside, teaching_text(session)])))
        self.eta.setText(words.eta(document.eta_s))
        self.queue.setText(queue_text(session))
        self.engine.setText(engine_text(session))
        self._show_progress(document)
        for label in (self.eta, self.queue, self.engine):
            label.setVisible(bool(label.text()))

    def _tell(self, state: str) -> None:
        """Show the state, and let a screen reader say it when it is another."""
        if state != self.state.text():
            self.state.setText(state)
            if QAccessible.isActive():
                QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, state))

    def _show_progress(self, document: Document) -> None:
        self.progress.setVisible(document.state == "reading")
        known = math.isfinite(document.progress)
        self.progress.setRange(0, _SCALE if known else 0)
        if known:
            self.progress.setValue(round(document.progress * _SCALE))

    def _build(self) -> None:
        self.setContentsMargins(10, 0, 10, 0)
        for widget in (self.state, self.progress, self.eta):
            self.addWidget(widget)
        for label in (self.queue, self.engine):
            self.addPermanentWidget(label)
