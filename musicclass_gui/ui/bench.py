"""The page “Benchmark”: what to run at the left, results at the right, and above them the run that is shown and the one that goes on.

It places the panels and tells them what changed; it does nothing itself.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import bench_rows, bench_words, words
from musicclass_gui.ui.bench_check import CheckPanel
from musicclass_gui.ui.bench_compare import ComparePanel
from musicclass_gui.ui.bench_confusion import ConfusionPanel
from musicclass_gui.ui.bench_curves import CurvesPanel
from musicclass_gui.ui.bench_forgetting import ForgettingPanel
from musicclass_gui.ui.bench_form import FormPanel
from musicclass_gui.ui.bench_table import ResultsPanel
from musicclass_gui.ui.dialogs import Asking
from musicclass_gui.ui.widgets import Elided, Styled, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.bench_going import Going
    from musicclass_gui.app.theme import Theme

_FRAME_MS = 60  # results that come within that time are drawn together
_FORM_WIDTH = 396
_SCALE = 1000
_FORMATS = {"csv": "CSV table (*.csv)", "tex": "LaTeX table (*.tex)", "html": "HTML report (*.html)", "md": "Markdown (*.md)"}
_RESUME = "Resume this run"
_MENU_MARK = "  ▾"


class BenchPage(QWidget):
    """All of the benchmark. `heard` carries a path and a span in seconds, `opened` a path, `said` words for the status bar."""

    heard = Signal(str, float, float)
    opened = Signal(Path)
    said = Signal(str)

    def __init__(self, bench: Bench, theme: Theme) -> None:
        super().__init__()
        self._bench, self._theme = bench, theme
        self.form = FormPanel(bench)
        self.check = CheckPanel(bench)
        self.results = ResultsPanel(bench, theme)
        self.curves = CurvesPanel(bench, theme)
        self.confusion = ConfusionPanel(bench, self._theme_now)
        self.forgetting = ForgettingPanel(bench, self._theme_now)
        self.compare = ComparePanel(bench, theme)
        self.tabs = QTabWidget()
        self.measure, self.runs = QComboBox(), QComboBox()
        self.strip, self.set_up = Strip(bench), QToolButton()
        self._stale: set[str] = set()
        self._going: Going | None = None
        self._front: QWidget | None = None
        self._timer = QTimer(self, singleShot=True, interval=_FRAME_MS)
        self._timer.timeout.connect(self._flush)
        self._build()
        self._connect()
        self._show_all()
        bench.begin()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        for panel in (self.results, self.curves, self.compare):
            panel.set_theme(theme)
        for heat in (self.confusion.heat, self.forgetting.heat):
            heat.viewport().update()

    def _theme_now(self) -> Theme:
        return self._theme

    # What changes

    def _changed(self, part: str) -> None:
        self._stale.add(part)
        self._note_front(part)
        if not self._timer.isActive():
            self._timer.start()

    def _flush(self) -> None:
        """Draw what changed since the last frame, each part once."""
        stale, self._stale = self._stale, set()
        shows = [show for part in sorted(stale) for show in self._shows()[part]]
        for show in dict.fromkeys(shows):
            show()
        if self._front is not None:
            self.tabs.setCurrentWidget(self._front)
            self._front = None

    def _note_front(self, part: str) -> None:
        """What is to come to the front: the look at the data, or the table when a run begins, however soon it is over."""
        bench, before = self._bench, self._going
        self._going = bench.going
        if part == "about" and (bench.checking or bench.about or bench.about_problem):
            self._front = self.check
        elif bench.going is not None and bench.going is not before:
            self._front = self.results

    def _shows(self) -> dict[str, tuple[Callable[[], None], ...]]:
        return {
            "protocols": (self.form.show_form, self._show_runs),
            "form": (self.form.show_form,),
            "about": (self.check.show_about, self.form.show_state),
            "run": (self._show_metrics, self._show_tab, self._show_runs, self.check.show_about),
            "going": (self.strip.show_state, self.form.show_state, self._show_more),
            "runs": (self._show_runs, self.strip.show_state, self.compare.show_runs),
            "verdicts": (self._show_tab,),
            "compared": (self._show_tab,),
        }

    def _show_all(self) -> None:
        self._stale = set(self._shows())
        self._flush()

    def _show_tab(self) -> None:
        """Draw the tab in front; the others are drawn when they are."""
        shows: dict[QWidget, Callable[[], None]] = {
            self.results: lambda: self.results.show_results(self._metric_id),
            self.curves: lambda: self.curves.show_curves(self._metric_id),
            self.confusion: self.confusion.show_results,
            self.forgetting: self.forgetting.show_results,
            self.compare: lambda: self.compare.show_compared(self._metric_id),
        }
        current = self.tabs.currentWidget()
        if current in shows:
            shows[current]()

    @property
    def _metric_id(self) -> str:
        return str(self.measure.currentData() or "accuracy")

    def _show_metrics(self) -> None:
        known = bench_rows.metrics(self._bench.view) if self._bench.view else []
        if known != [self.measure.itemData(place) for place in range(self.measure.count())]:
            before = self.measure.currentData()
            self.measure.clear()
            for metric in known:
                self.measure.addItem(bench_words.title(metric), metric)
                self.measure.setItemData(self.measure.count() - 1, bench_words.formula(metric), Qt.ItemDataRole.ToolTipRole)
            self.measure.setCurrentIndex(max(0, self.measure.findData(before)))
        self.measure.setEnabled(bool(known))

    def _show_runs(self) -> None:
        view = self._bench.view
        self.runs.clear()
        going = self._bench.going.run if self._bench.going else 0
        for row in self._bench.runs:
            self.runs.addItem(bench_words.run_title(row, self._bench.protocols, going=row.id == going), row.id)
            self.runs.setItemData(self.runs.count() - 1, bench_words.began(row), Qt.ItemDataRole.ToolTipRole)
        if not self.runs.count():
            self.runs.addItem("No runs yet", 0)
        self.runs.setEnabled(bool(self._bench.runs))
        self.runs.setCurrentIndex(max(0, self.runs.findData(view.run) if view else 0))
        for button in (self.export, self.more):
            button.setEnabled(view is not None)
        self._show_more()

    def _show_more(self) -> None:
        resume = next(action for action in self.more.menu().actions() if action.text() == _RESUME)
        resume.setEnabled(self._bench.unfinished is not None and self._bench.going is None)

    # Making it

    def _build(self) -> None:
        self.export = _menu_button("Export", [(title.split(" (")[0], partial(self.ask_export, form)) for form, title in _FORMATS.items()])
        self.more = _menu_button(
            "More",
            [
                ("Copy the command line", self.copy_command),
                (_RESUME, self._bench.resume_interrupted),
                ("Ask for this run again", self._bench.ask_again),
                ("Remove this run…", self.ask_removal),
            ],
        )
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.form)
        split.addWidget(self._right())
        split.setCollapsible(1, False)
        split.setStretchFactor(1, 1)
        split.setSizes([_FORM_WIDTH, 3 * _FORM_WIDTH])
        self.form.setMinimumWidth(360)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self._head())
        box.addWidget(self.strip)
        box.addWidget(split, 1)

    def _head(self) -> QWidget:
        head = Styled("dock-title")
        row = QHBoxLayout(head)
        row.setContentsMargins(12, 5, 12, 5)
        row.setSpacing(8)
        self.set_up.setText("Set up")
        self.set_up.setCheckable(True)
        self.set_up.setChecked(True)
        self.set_up.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.set_up.setToolTip("Show or hide what to run")
        self.set_up.setAccessibleName("Set up: show what to run")
        self.set_up.toggled.connect(self.form.setVisible)
        row.addWidget(self.set_up)
        caption = text("Run", "muted")
        caption.setBuddy(self.runs)
        self.runs.setAccessibleName("Run that is shown")
        self.runs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        row.addWidget(caption)
        row.addWidget(self.runs, 1)
        row.addWidget(text("Measure", "muted"))
        self.measure.setAccessibleName("Measure")
        self.measure.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.measure.setMinimumContentsLength(20)
        row.addWidget(self.measure)
        row.addWidget(self.export)
        row.addWidget(self.more)
        return head

    def _right(self) -> QWidget:
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Results")
        self.tabs.tabBar().setAccessibleName("Results: tabs")
        titles = {
            self.check: "Data", self.results: "Table", self.curves: "Curves", self.confusion: "Confusion",
            self.forgetting: "Forgetting", self.compare: "Compare runs",
        }  # fmt: skip
        for panel, title in titles.items():
            self.tabs.addTab(panel, title)
        self.tabs.setCurrentWidget(self.results)
        return self.tabs

    def _connect(self) -> None:
        bench = self._bench
        bench.changed.connect(self._changed)
        bench.done.connect(self.said)
        self.tabs.currentChanged.connect(lambda _place: self._show_tab())
        self.measure.activated.connect(lambda _place: self._show_tab())
        self.runs.activated.connect(lambda _place: bench.show(self.runs.currentData()))
        self.results.confusion_wanted.connect(self.show_confusion)
        self.confusion.heard.connect(self.heard)
        self.confusion.opened.connect(self.opened)
        self.strip.shown.connect(lambda: self.tabs.setCurrentWidget(self.results))

    # What the user wishes

    def show_confusion(self, key: object) -> None:
        """Show what was taken for what in a row of the table."""
        self.tabs.setCurrentWidget(self.confusion)
        self.confusion.choose(tuple(key))  # type: ignore[arg-type] # a signal's object; Key
        self.confusion.heat.setFocus()

    def copy_command(self) -> None:
        """Put the command that makes the shown run into the clipboard."""
        QApplication.clipboard().setText(self._bench.command_line())
        self.said.emit("The command line is in the clipboard.")

    def ask_export(self, form: str) -> None:
        """Ask where to, and write a report of the shown run."""
        view = self._bench.view
        if view is None:
            return
        proposed = str(Path.home() / f"benchmark-{view.config.protocol}-{view.run}.{form}")
        name, _ = QFileDialog.getSaveFileName(self, "Export the run", proposed, _FORMATS[form])
        if name:
            path = Path(name)
            self._bench.export(path if path.suffix else path.with_suffix(f".{form}"), form)

    def ask_removal(self) -> None:
        """Ask whether the shown run is to be deleted."""
        view = self._bench.view
        if view is None:
            return
        dialog = Asking(self, f"Remove run {view.run}?", "Remove it")
        dialog.body.addWidget(text("Its results are deleted for good. Embeddings stay, so that it can be computed again soon.", wrap=True))
        dialog.accepted.connect(lambda: self._bench.remove(view.run))
        dialog.open()


class Strip(Styled):
    """What goes on, with its progress and Cancel; or what was interrupted, with Resume; or what went wrong."""

    shown = Signal()

    def __init__(self, bench: Bench) -> None:
        super().__init__("notice-info")
        self._bench = bench
        self.words = Elided(mode=Qt.TextElideMode.ElideRight)
        self.bar, self.eta = QProgressBar(), text("", "muted")
        self.cancel, self.resume, self.later = QPushButton("Cancel"), QPushButton("Resume"), QPushButton("Not now")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 12, 6)
        row.setSpacing(12)
        row.addWidget(self.words, 1)
        for widget in (self.bar, self.eta, self.cancel, self.resume, self.later):
            row.addWidget(widget)
        self._dress()
        self.show_state()

    def show_state(self) -> None:
        """Show what there is to say, or nothing."""
        bench = self._bench
        row = bench.interrupted if bench.going is None else None
        trouble = bench.problem if bench.going is None else ""
        set_role(self, "notice-bad" if trouble else "notice-info")
        for widget in (self.bar, self.eta, self.cancel):
            widget.setVisible(bench.going is not None)
        for button in (self.resume, self.later):
            button.setVisible(row is not None)
        self.setVisible(bool(bench.going or row or trouble))
        if bench.going is not None:
            self._show_going()
        else:
            left = f"Run {row.id} was interrupted after {row.done} of {words.counted(row.total, 'result')}." if row else ""
            self.words.set_full(" ".join(filter(None, (trouble, left))))

    def _show_going(self) -> None:
        going = self._bench.going
        assert going is not None
        share = going.share
        self.bar.setRange(0, _SCALE)
        self.bar.setValue(round(share * _SCALE))
        cells = f"{going.done} of {words.counted(going.total, 'result')}" if going.total else ""
        self.words.set_full("   ".join(filter(None, (cells, going.text))))
        self.eta.setText(words.eta(going.eta_s) or words.percent(share))
        self.bar.setAccessibleDescription(f"{cells}, {self.eta.text()}")

    def _dress(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(200, 8)
        self.bar.setAccessibleName("Progress of the run")
        self.cancel.setToolTip("Stop; what is finished is kept, and the run can be resumed.")
        self.cancel.clicked.connect(self._bench.cancel)
        set_role(self.resume, "primary")
        self.resume.setAccessibleName("Resume the run")
        self.resume.clicked.connect(self.resume_run)
        self.later.clicked.connect(self._put_off)

    def resume_run(self) -> None:
        """Go on with the run that was interrupted, if there is one."""
        self._bench.resume_interrupted()
        self.shown.emit()

    def _put_off(self) -> None:
        row = self._bench.interrupted
        if row is not None:
            self._bench.let_be(row.id)


def _menu_button(words_: str, entries: list[tuple[str, Callable[[], object]]]) -> QToolButton:
    button = QToolButton()
    button.setText(words_ + _MENU_MARK)
    button.setAccessibleName(words_)
    set_role(button, "menu")
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    menu = QMenu(button)
    for title, act in entries:
        menu.addAction(title).triggered.connect(lambda _on=False, act=act: act())
    button.setMenu(menu)
    return button
