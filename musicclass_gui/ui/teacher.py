"""What the window does about teaching: the actions of the menus Project and Teach, the preview, the page, and what it tells the user.

It joins the session's teaching with dialogs and panels; it decides nothing about lessons.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from musicclass_gui.app import hearers
from musicclass_gui.app.drop_look import DropLook

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QDialog

    from musicclass_gui.app.audition import Audition
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.ui.microphone import MicrophoneDialog
    from musicclass_gui.ui.preview import Lesson, Preview
    from musicclass_gui.ui.projects import ProjectDialogs
    from musicclass_gui.ui.teach import TeachPage
    from musicclass_gui.ui.window import MainWindow


class Teacher(QObject):
    """One window's teaching. The page is made when it is first looked at."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._teaching = window.session.teaching
        self.page: TeachPage | None = None
        self.preview: Preview | None = None
        self.asking: QDialog | None = None  # about a class pack that was dropped
        self.looks = DropLook()
        self.microphone: MicrophoneDialog | None = None
        self._next: Lesson | None = None  # to be taught to the classifier that is being made for it
        self._known: set[int] = set()
        self._busy = ""
        self._teaching.done.connect(window.say)

    @cached_property
    def audition(self) -> Audition:
        """Plays what is heard in panels and dialogs; made when something is heard for the first time."""
        from musicclass_gui.app.audition import Audition

        made = Audition(self._window.player, self)
        made.changed.connect(self._show_heard)
        made.failed.connect(self._window.say)
        made.set_output(self._session.settings.get("volume"), self._session.settings.get("output_device"))
        return made

    @cached_property
    def projects(self) -> ProjectDialogs:
        """The dialogs about projects, packs and classifiers; only loaded when one is asked for, since the first paint waits for nothing."""
        from musicclass_gui.ui.projects import ProjectDialogs

        return ProjectDialogs(self._window, self._session, self._window.say)

    # Actions

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What each action of the menus Project and Teach runs, by its id."""
        teaching = self._teaching
        return {
            "project.new": lambda: self.projects.new(),
            "project.open": lambda: self.projects.open(),
            "project.recent": lambda: self.projects.recent(),
            "project.save_as": lambda: self.projects.save_as(),
            "project.find_moved": lambda: self.projects.find_moved(),
            "project.import_pack": lambda: self.projects.import_pack(),
            "project.export_pack": lambda: self.projects.export_pack(),
            "teach.folder": self.teach_folder,
            "teach.files": self.teach_files,
            "teach.selection": self.teach_selection,
            "teach.queue_rows": self.teach_queue_rows,
            "teach.microphone": self.teach_microphone,
            "teach.keep": teaching.keep,
            "teach.take_back": teaching.take_back,
            "teach.go_on": teaching.go_on,
            "teach.undo": teaching.undo,
            "teach.redo": teaching.redo,
            "teach.new_classifier": lambda: self.projects.new_classifier(),
            "teach.words": self.name_by_words,
            "teach.remove_classifier": lambda: self.projects.remove_classifier(),
            "teach.alike": self.look_alike,
        }

    def teach_folder(self) -> None:
        """Ask for a folder, and propose what is in it."""
        name = QFileDialog.getExistingDirectory(self._window, "Teach a folder: each folder in it is a class", self._folder())
        if name:
            self._session.settings.set("last_folder", str(Path(name).parent))
            self._teaching.propose([Path(name)])

    def teach_files(self) -> None:
        """Ask for files, and propose them as one class."""
        from musicclass_gui.engine.audio import AUDIO_SUFFIXES

        kinds = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(AUDIO_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(self._window, "Teach a class from recordings", self._folder(), f"Recordings ({kinds})")
        if names:
            self._session.settings.set("last_folder", str(Path(names[0]).parent))
            self._teaching.propose([Path(name) for name in names])

    def teach_selection(self) -> None:
        """Propose the selected span."""
        path, span = self._session.document.path, self._session.selection
        if path is not None and span is not None:
            self._teaching.propose_span(path, span)

    def teach_queue_rows(self) -> None:
        """Propose the chosen recordings of the queue; all of them when none is chosen."""
        rows = self._session.queue
        chosen = [rows[place] for place in self._window.queue.chosen()] or rows
        from musicclass_gui.engine.lessons.plan import PlannedFile

        readable = [PlannedFile(str(row.path)) for row in chosen if row.state != "failed"]
        if readable:
            self._teaching.propose_files(readable)
        else:
            self._window.say("None of these recordings could be read.")

    def teach_microphone(self) -> None:
        """Record sounds, and propose them."""
        from musicclass_gui.ui.microphone import MicrophoneDialog

        self.audition.stop()
        self._window.player.pause()
        if self.microphone is None:
            self.microphone = dialog = MicrophoneDialog(self._session, self._window.actions_.by_id, self._window.theme, self._window)
            dialog.heard.connect(self.hear)
            dialog.finished.connect(self._microphone_closed)
        self.microphone.open()

    def name_by_words(self) -> None:
        """Ask for phrases, and make a classifier of them."""
        from musicclass_gui.ui.words import WordsDialog

        dialog = WordsDialog(self._window, self._session)
        dialog.encoders_wanted.connect(lambda: self._window.sheets.encoders("words"))
        dialog.open()

    def look_alike(self) -> None:
        """Ask what is like the selection, or the open recording."""
        path = self._session.document.path
        if path is not None:
            self._window.show_table("alike")
            self._window.alike.panel().ask(path, self._session.selection)

    def show_panel(self, name: str) -> None:
        """Show one of the page's panels."""
        self._window.show_page("teach")
        page = self.page
        if page is not None:
            page.reveal(name)
            page.panel(name).setFocus()

    # What changes

    def make_page(self) -> TeachPage:
        """The page, made when it is first asked for."""
        if self.page is None:
            from musicclass_gui.ui.teach import TeachPage

            self.page = page = TeachPage(self._session, self._window.actions_.by_id, self._window.theme)
            page.heard.connect(self.hear)
            page.lesson.card_ready.connect(self._card_ready)
            page.show_board()
        return self.page

    def show_board(self) -> None:
        """The project is another, or changed."""
        self._teach_next()
        for part in (self.page, self.microphone):
            if part is not None:
                part.show_board()

    def show_lesson(self) -> None:
        """What goes on is another."""
        busy = self._teaching.busy
        if busy in ("Listening", "Looking at the files") and self._busy != busy:
            self.show_panel("lesson")
        self._busy = busy
        if self._waits_for_card():
            self.make_page()
        if self.page is not None:
            self.page.show_lesson()

    def show_plan(self) -> None:
        """Open, refresh or close the preview; ask about a class pack."""
        plan = self._teaching.plan
        if plan is None:
            self._close_preview()
        elif self.preview is None:
            self._open_preview()
        else:
            self.preview.show_news(plan)
        if self._teaching.pack is not None and self.asking is None:
            self.asking = self.projects.offer_pack(self._teaching.pack)
            self.asking.finished.connect(self._asked)

    def hear(self, path: str, start_s: float, end_s: float) -> None:
        """Play a sound that is not the open recording; an end of −1 is the recording's."""
        self.audition.hear(path, start_s, end_s if end_s > 0 else None)

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        for part in (self.page, self.microphone):
            if part is not None:
                part.set_theme(theme)

    def set_output(self) -> None:
        """As loud as the preferences say, where they say."""
        settings = self._session.settings
        if "audition" in self.__dict__:
            self.audition.set_output(settings.get("volume"), settings.get("output_device"))

    def close(self) -> None:
        """End what plays, and what is asked."""
        self._close_preview()
        if self.microphone is not None:
            self.microphone.close()
        if "audition" in self.__dict__:
            self.audition.close()
        self.looks.close()

    def _waits_for_card(self) -> bool:
        waiting = self._teaching.waiting
        return waiting is not None and waiting.state == "draft"

    def _open_preview(self) -> None:
        from musicclass_gui.ui.preview import Preview

        board, plan = self._teaching.board, self._teaching.plan
        assert plan is not None
        classifiers = board.classifiers if board is not None else []
        settings = self._session.settings
        known = hearers.choices(settings.get("weights_folder"), settings.get("agreed"))
        self.preview = preview = Preview(self._window, plan, classifiers, self._teaching.current, settings.get("teach_method"), known)
        preview.taught.connect(self._teach)
        preview.rejected.connect(self._dismissed)
        preview.heard.connect(self.hear)
        preview.silenced.connect(self.audition.stop)
        preview.open()

    def _close_preview(self) -> None:
        preview, self.preview = self.preview, None
        if preview is not None:
            self.audition.stop()
            preview.close()

    def _dismissed(self) -> None:
        self.preview = None
        self.audition.stop()
        self._teaching.edit(None)

    def _microphone_closed(self) -> None:
        self.microphone = None
        self.audition.stop()

    def _asked(self) -> None:
        self.asking = None

    def _teach(self, lesson: Lesson) -> None:
        self.preview = None
        self.audition.stop()
        wish = lesson.wish
        if wish.classifier:
            self._teaching.teach(lesson.plan, wish.classifier)
        elif wish.start_from:
            board = self._teaching.board
            self._known = {one.id for one in board.classifiers} if board is not None else set()
            self._next = lesson
            self._teaching.edit(None)
            self._teaching.new_classifier(wish.title, wish.method, start_from=wish.start_from)
        else:
            self._teaching.teach(lesson.plan, None, method=wish.method, encoder=wish.encoder, title=wish.title, options=wish.options)

    def _teach_next(self) -> None:
        """Once the classifier that a lesson waits for is there, teach it."""
        board, lesson = self._teaching.board, self._next
        made = [one.id for one in board.classifiers if one.id not in self._known] if board is not None else []
        if lesson is not None and made and not self._teaching.busy:
            self._next = None
            self._teaching.select(made[-1])
            self._teaching.teach(lesson.plan, made[-1])

    def _card_ready(self, sentence: str) -> None:
        """Go to the card, and say so."""
        self.show_panel("lesson")
        if self.page is not None:
            self.page.lesson.card.begin()
        keys = self._window.actions_.by_id["teach.keep"].shortcut().toString()
        self._window.say(f"The lesson card is ready. {sentence} {keys} keeps the lesson.")

    def _show_heard(self) -> None:
        if self.preview is not None:
            self.preview.show_playing(self.audition.path)

    def _folder(self) -> str:
        return str(self._session.settings.get("last_folder")) or str(Path.home())
