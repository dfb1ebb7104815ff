"""What the window does about benchmarks: the actions of the menu Benchmark, the page, and what is to be heard or opened of it.

It joins the session's benchmark with the page, which is made when it is first looked at; it decides nothing about runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.ui.bench import BenchPage
    from musicclass_gui.ui.window import MainWindow


class Bencher(QObject):
    """One window's benchmark."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.page: BenchPage | None = None
        self._listens = False

    @property
    def shown(self) -> bool:
        """Whether the page is in front."""
        return self.page is not None and self._window.desk.currentWidget() is self.page

    def make_page(self) -> BenchPage:
        """The page, made when it is first asked for."""
        if self.page is None:
            from musicclass_gui.ui.bench import BenchPage

            self.page = page = BenchPage(self._window.session.bench, self._window.theme)
            page.heard.connect(self._hear)
            page.opened.connect(self._window.listen_to)
            page.said.connect(self._window.say)
            self._window.session.bench.failed.connect(self._failed)
        return self.page

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        if self.page is not None:
            self.page.set_theme(theme)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What each action of the menu Benchmark runs, by its id."""
        return {
            "bench.show": self.show,
            "bench.check": lambda: self.show().form.check.click(),
            "bench.run": lambda: self.show().form.go.click(),
            "bench.resume": lambda: self.show().strip.resume_run(),
            "bench.cancel": lambda: self._window.session.bench.cancel(),
            "bench.copy": lambda: self.show().copy_command(),
        }

    def show(self) -> BenchPage:
        """Show the page."""
        self._window.show_page("bench")
        return self.make_page()

    def _hear(self, path: str, start_s: float, end_s: float) -> None:
        """Let an item be heard; the page is told what is heard, from the first time on, when what plays is made."""
        if not self._listens:
            self._listens = True
            self._window.teacher.audition.changed.connect(self._show_heard)
        self._window.teacher.hear(path, start_s, end_s)

    def _show_heard(self) -> None:
        if self.page is not None:
            self.page.confusion.show_heard(self._window.teacher.audition.path)

    def _failed(self, sentence: str) -> None:
        """A run ended early: who is elsewhere is told too; on the page it is said anyway."""
        if not self.shown:
            self._window.warn(sentence)
