"""The main window: where the panels are, and which of them is told when something changes.

It owns no state of the work itself (that is the session's) and does no work; closing it ends both.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from musicclass_gui.app import icons
from musicclass_gui.app import theme as themes
from musicclass_gui.app.documents import Change
from musicclass_gui.app.hearers import TAGS, taggers
from musicclass_gui.ui import keys, layout
from musicclass_gui.ui.answers import AnswersPanel
from musicclass_gui.ui.bencher import Bencher
from musicclass_gui.ui.commands import Commands
from musicclass_gui.ui.drop import DropOverlay
from musicclass_gui.ui.hearing import Hearing
from musicclass_gui.ui.later import Later
from musicclass_gui.ui.menus import ActionSet
from musicclass_gui.ui.notices import NoticeBar
from musicclass_gui.ui.queue import QueuePanel
from musicclass_gui.ui.segments import SegmentsPanel
from musicclass_gui.ui.sheets import Sheets
from musicclass_gui.ui.status import Status, current_notices, ran_on
from musicclass_gui.ui.style import stylesheet
from musicclass_gui.ui.teacher import Teacher
from musicclass_gui.ui.timeline import Timeline
from musicclass_gui.ui.topbar import TopBar
from musicclass_gui.ui.welcome import Failed, Welcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PySide6.QtGui import QAction, QCloseEvent, QIcon
    from PySide6.QtWidgets import QMenu

    from musicclass_gui.app.player import Player
    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.ui.alike import AlikePanel

_FRAME_MS = 16  # changes that come within one frame are drawn together
_ICONS_IN_SIGHT = ("play", "start", "loop")


class MainWindow(QMainWindow):
    """Everything the user sees."""

    def __init__(self, session: Session, player: Player) -> None:
        super().__init__()
        self.session = session
        self.player = player
        self.theme: Theme = self._wanted_theme()
        self.actions_ = ActionSet(self)
        self._pending: set[Change] = set()
        self._timer = QTimer(self, singleShot=True, interval=_FRAME_MS)
        self._timer.timeout.connect(self._flush)
        self._queue_seen = False
        self.teacher, self.bencher = Teacher(self), Bencher(self)
        self.sheets = Sheets(self, session, player, self.actions_)
        self._make_panels()
        self._place_panels()
        self.hearing = Hearing(session, player, self.actions_.by_id["play.loop"], self)
        self.actions_.bind(Commands(self).table())
        self._connect()
        for key in ("theme", "follow_playhead", "mel_map"):
            self._setting_changed(key)
        self._restore()
        self._pending = set(Change)
        self._flush()

    # Making it

    def _make_panels(self) -> None:
        self.topbar = TopBar(self.actions_.by_id, self.player)
        self.notices = NoticeBar()
        self.welcome = Welcome()
        self.failed = Failed()
        self.timeline = Timeline(self.theme)
        self.pages = QStackedWidget()
        self.listening = QMainWindow()  # what listens has docks of its own, which go with it when teaching is shown
        self.desk = QStackedWidget()
        self.answers = AnswersPanel(self.theme)
        self.queue = QueuePanel(self.session, self.actions_.by_id, self.theme)
        self.segments = SegmentsPanel(self.theme)
        self.alike = Later(self._make_alike)
        self.tabs = QTabWidget()
        self.status = Status()
        self.overlay = DropOverlay(self, self.session.plan_drop, self.teacher.looks.look)

    def _make_alike(self) -> AlikePanel:
        from musicclass_gui.ui.alike import AlikePanel

        panel = AlikePanel(self.session, self.actions_.by_id, self.theme)
        panel.opened.connect(self.listen_to)
        panel.heard.connect(self.teacher.hear)
        panel.show_board()
        return panel

    def _show_alike(self) -> None:
        if self.alike.made is not None:
            self.alike.made.show_board()

    def _place_panels(self) -> None:
        for page in (self.welcome, self.failed, self.timeline):
            self.pages.addWidget(page)
        centre = QWidget()
        box = QVBoxLayout(centre)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.notices)
        box.addWidget(self.desk, 1)
        self.setCentralWidget(centre)
        self.listening.setWindowFlags(Qt.WindowType.Widget)
        self.listening.setCentralWidget(self.pages)
        self.desk.addWidget(self.listening)
        layout.add_top_bar(self, self.topbar)
        self.tabs.addTab(self.segments, "Segments")
        self.tabs.addTab(self.queue, "Queue")
        self.tabs.addTab(self.alike, "More like this")
        self.answers_dock = layout.add_dock(self.listening, "answers", "Answers", Qt.DockWidgetArea.RightDockWidgetArea, self.answers)
        self.tables_dock = layout.tabs_dock(self.listening, "tables", "Tables", self.tabs)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        self.session.changed.connect(self._changed)
        self.session.settings.changed.connect(self._setting_changed)
        self.overlay.dropped.connect(self._open_dropped)
        self.overlay.taught.connect(self.session.teaching.propose)
        self.notices.triggered.connect(self.trigger)
        self.notices.dismissed.connect(lambda notice: self.session.dismiss(notice.text))
        self._connect_pages()
        self._connect_sound()
        self._connect_selection()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._apply_theme)
        for dock in (self.answers_dock, self.tables_dock):
            dock.visibilityChanged.connect(self._show_view_ticks)
        self.tabs.currentChanged.connect(self._show_view_ticks)

    def _connect_pages(self) -> None:
        for page in (self.welcome, self.failed, self.topbar):
            page.triggered.connect(self.trigger)
        self.welcome.recent_chosen.connect(self.listen_to)
        self.topbar.theme_toggled.connect(self.switch_theme)
        self.topbar.page_chosen.connect(self.show_page)
        self.queue.opened.connect(self.listen_to)
        self.actions_.menus["File/Open recent"].aboutToShow.connect(self._fill_recent)
        self.actions_.menus["Project/Open recent project"].aboutToShow.connect(self._fill_recent_projects)
        self.actions_.menus["View/Tags lane"].aboutToShow.connect(self._fill_tags)

    def _connect_sound(self) -> None:
        settings, transport = self.session.settings, self.topbar.transport
        transport.volume_changed.connect(lambda volume: settings.set("volume", volume))
        transport.device_chosen.connect(lambda name: settings.set("output_device", name))
        self.player.moved.connect(self.timeline.set_playhead)
        self.player.state_changed.connect(self._show_playing)

    def _connect_selection(self) -> None:
        self.timeline.seek_requested.connect(self.player.seek)
        self.timeline.selection_changed.connect(self.session.select)
        self.timeline.samples_wanted.connect(lambda start, end: self.session.request_samples(start, end, self.timeline.set_samples))
        self.timeline.segment_activated.connect(lambda _classifier, start, end: self.hearing.hear(start, end))
        self.segments.selected.connect(lambda start, end: self.session.select((start, end)))
        self.segments.heard.connect(self.hearing.hear)
        self.answers.heard.connect(self.hearing.hear)
        self.answers.class_chosen.connect(self._go_to_class)

    # What changes

    def _changed(self, change: Change) -> None:
        self._pending.add(change)
        if not self._timer.isActive():
            self._timer.start()

    def _flush(self) -> None:
        """Draw everything that changed since the last frame, each part once."""
        pending, self._pending = self._pending, set()
        shows = [show for change in Change if change in pending for show in self._shows(change)]
        for show in dict.fromkeys(shows):
            show()
        now = current_notices(self.session, self.player, teaching=self.teaching_shown, benching=self.bencher.shown)
        self.notices.show_notices(now)
        self.status.show_session(self.session)
        self.refresh_actions()

    def _shows(self, change: Change) -> tuple[Callable[[], None], ...]:
        """Which parts of the window show what changed."""
        return {
            Change.RECORDING: (self._show_recording, self._show_picture),
            Change.PICTURE: (self._show_picture,),
            Change.ANSWERS: (self._show_answers,),
            Change.PROGRESS: (),
            Change.NOTICE: (self._show_sound,),
            Change.QUEUE: (self._show_queue,),
            Change.DEVICE: (self._show_device, self._show_answers),
            Change.SELECTION: (self._show_selection,),
            Change.SETTINGS: (self._show_sound, self.sheets.weights_changed),
            Change.BOARD: (self._show_answers, self._show_alike, self.teacher.show_board),
            Change.LESSON: (self.teacher.show_lesson,),
            Change.PLAN: (self.teacher.show_plan,),
        }[change]

    def _show_recording(self) -> None:
        document = self.session.document
        self.setWindowTitle(f"{document.path.name} – MusicClass" if document.path else "MusicClass")
        self.topbar.show_document(document)
        self.hearing.follow_document()
        self.welcome.set_recent(self.session.recent)
        if document.state == "failed" and document.path is not None:
            self.failed.show_failure(document.path.name, document.error)
        self.pages.setCurrentWidget(self._page())

    def _page(self) -> QWidget:
        document = self.session.document
        if document.state == "empty":
            return self.welcome
        return self.failed if document.state == "failed" and document.picture is None else self.timeline

    def _show_picture(self) -> None:
        document = self.session.document
        self.timeline.set_picture(document.picture, document.duration_s)

    def _show_answers(self) -> None:
        document = self.session.document
        classifiers = self._own_first(self.session.shown_classifiers())
        shown = [document.answers[name] for name in classifiers if name in document.answers]
        self.answers.show_document(document, classifiers, ran_on(self.session), self.session.title_of)
        self.timeline.set_answers(shown, document.answered_s if document.state == "reading" else None)
        self.timeline.show_titles(self.session.title_of)
        self.segments.show_answers(shown, self.session.title_of)

    def _own_first(self, classifiers: list[str]) -> list[str]:
        """Who taught classes looks for their answer first; what comes with the program follows, and tags are last."""
        shipped = self.session.settings.get("classifiers")
        return sorted(classifiers, key=lambda name: (name.startswith(TAGS), name in shipped))

    def _show_queue(self) -> None:
        self.queue.show_queue()
        if len(self.session.queue) > 1 and not self._queue_seen:
            self._show_table(self.queue)
        self._queue_seen = bool(self.session.queue)

    def _show_device(self) -> None:
        self.topbar.show_device(self.session.device)

    def _show_selection(self) -> None:
        self.timeline.set_selection(self.session.selection)
        self.segments.show_selection(self.session.selection)
        self.hearing.apply_loop()

    def _show_sound(self) -> None:
        settings = self.session.settings
        self.topbar.transport.show_sound(settings.get("volume"), settings.get("output_device"), self.player.problem)

    def _setting_changed(self, key: str) -> None:
        get = self.session.settings.get
        if key == "theme":
            self._apply_theme()
        elif key == "volume":
            self.player.set_volume(get("volume"))
            self.teacher.set_output()
        elif key == "output_device":
            self.player.set_device(get("output_device"))
            self.teacher.set_output()
        elif key == "follow_playhead":
            self.timeline.set_following(get("follow_playhead"))
        elif key in ("mel_map", "mel_floor_db"):
            self.timeline.set_mel_look(get("mel_map"), get("mel_floor_db"))
        elif key == "classifiers":
            self._changed(Change.ANSWERS)

    def _show_playing(self) -> None:
        play = self.actions_.by_id["play.toggle"]
        play.setText("&Pause" if self.player.playing else "&Play")
        play.setIcon(icons.icon("pause" if self.player.playing else "play", self.theme))
        self._show_play_button()
        self._changed(Change.NOTICE)  # the player may have a problem, or none any more

    def _go_to_class(self, classifier: str, label: str) -> None:
        if self.hearing.next_of(classifier, label) is None:
            self.say(f"No stretch of this recording is mostly {label}.")

    # What actions and buttons ask of the window

    def trigger(self, name: str) -> None:
        """Run an action by its id."""
        self.actions_.by_id[name].trigger()

    def say(self, words: str) -> None:
        """Say something in the status bar for a moment."""
        self.status.say(words)

    def warn(self, words: str) -> None:
        """Show a notice about something that did not work."""
        self.session.notices.append(words)
        self._changed(Change.NOTICE)

    def refresh_actions(self) -> None:
        """Enable and tick actions as things are now."""
        self.actions_.refresh(self.session)
        self._show_view_ticks()

    def toggle_answers(self) -> None:
        """Show or hide the answers."""
        self.show_page("listen")
        self.answers_dock.setVisible(self.actions_.by_id["view.answers"].isChecked())

    def toggle_table(self, name: str) -> None:
        """Show one of the tables, or hide them when it is the one that is shown."""
        if self.actions_.by_id[f"view.{name}"].isChecked():
            self.show_table(name)
        else:
            self.tables_dock.hide()
        self._show_view_ticks()

    def show_table(self, name: str) -> None:
        """Show one of the tables: "segments", "queue" or "alike"."""
        self.show_page("listen")
        self._show_table({"queue": self.queue, "alike": self.alike}.get(name, self.segments))

    def toggle_panel(self, name: str) -> None:
        """Show one of the panels for teaching, or go back to listening when it is the one that is shown."""
        if self.actions_.by_id[f"view.{name}"].isChecked():
            self.teacher.show_panel(name)
        else:
            self.show_page("listen")
        self._show_view_ticks()

    @property
    def teaching_shown(self) -> bool:
        """Whether the page for teaching is shown."""
        return self.desk.currentWidget() is self.teacher.page is not None

    def listen_to(self, path: Path) -> None:
        """Open a recording, and show it."""
        self.show_page("listen")
        self.session.open(path)

    def show_page(self, name: str) -> None:
        """Show what is for listening ("listen"), for teaching ("teach") or for benchmarks ("bench")."""
        makes: dict[str, Callable[[], QWidget]] = {"teach": self.teacher.make_page, "bench": self.bencher.make_page}
        page = makes[name]() if name in makes else self.listening
        if self.desk.indexOf(page) < 0:
            self.desk.addWidget(page)
        self.desk.setCurrentWidget(page)
        self.topbar.show_page(name)
        self._changed(Change.NOTICE)

    def toggle_full_screen(self) -> None:
        """Fill the screen, or stop doing so."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self._show_view_ticks()

    def reset_layout(self) -> None:
        """Put every panel back where it was at first."""
        self.show_page("listen")
        layout.first_layout(self.listening, self.answers_dock, self.tables_dock)
        self.tabs.setCurrentWidget(self.segments)

    def show_tags(self, encoder: str) -> None:
        """Show the tags of an encoder in a lane of their own; "" shows none."""
        self.show_page("listen")
        self.session.settings.set("tags", encoder)
        self._changed(Change.ANSWERS)
        self.refresh_actions()

    def begin_sound(self) -> None:
        """Tell the player how loud and where to."""
        for key in ("volume", "output_device"):
            self._setting_changed(key)

    def switch_theme(self) -> None:
        """From dark to light or back."""
        self.session.settings.set("theme", "light" if self.theme.dark else "dark")

    # What Qt tells

    def event(self, event: QEvent) -> bool:
        """Leave keys to the control that has the focus and uses them."""
        override = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride
        if override and keys.belongs_to(QApplication.focusWidget(), cast("QKeyEvent", event)):
            event.accept()
            return True
        return super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember where things are, and stop everything."""
        settings, document = self.session.settings, self.session.document
        layout.keep(self, self.listening, settings)
        settings.set("last_file", str(document.path or ""))
        settings.set("last_position_s", float(self.player.position_s) if document.path else 0.0)
        self.sheets.close_all()
        self.teacher.close()
        self.player.close()
        self.session.close()
        super().closeEvent(event)

    # Small things

    def _restore(self) -> None:
        if not layout.restore(self, self.listening, self.session.settings):
            self.reset_layout()

    def _wanted_theme(self) -> Theme:
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return themes.resolve(self.session.settings.get("theme"), dark)

    def _apply_theme(self) -> None:
        self.theme = self._wanted_theme()
        QApplication.setPalette(themes.palette(self.theme))
        self.setStyleSheet(stylesheet(self.theme))
        for panel in (self.timeline, self.answers, self.queue, self.segments, self.alike.made):
            if panel is not None:
                panel.set_theme(self.theme)
        self.teacher.set_theme(self.theme)
        self.bencher.set_theme(self.theme)
        self._draw_icons()

    def _draw_icons(self) -> None:
        self.actions_.set_icons(self._icon, _ICONS_IN_SIGHT)
        self.topbar.show_icons(self._icon("sun" if self.theme.dark else "moon"), self._icon("volume"), self._icon("search"))
        title = self.answers_dock.titleBarWidget()
        if isinstance(title, layout.DockTitle):
            title.set_icons(self._icon("dock-float"), self._icon("dock-close"))
        self._show_playing()

    def _icon(self, name: str) -> QIcon:
        return icons.icon(name, self.theme)

    def _show_play_button(self) -> None:
        name = "pause" if self.player.playing else "play"
        self.topbar.transport.show_playing(icons.icon(name, self.theme, self.theme.accent_text), playing=self.player.playing)

    def _show_table(self, table: QWidget) -> None:
        self.tabs.setCurrentWidget(table)
        self.tables_dock.show()

    def _shows_panel(self, name: str) -> bool:
        page = self.teacher.page
        return self.teaching_shown and page is not None and page.shows(name)

    def _show_view_ticks(self) -> None:
        listening = self.desk.currentWidget() is self.listening
        tables = listening and not self.tables_dock.isHidden()
        ticks = {
            "view.answers": listening and not self.answers_dock.isHidden(),
            "view.segments": tables and self.tabs.currentWidget() is self.segments,
            "view.queue": tables and self.tabs.currentWidget() is self.queue,
            **{f"view.{name}": self._shows_panel(name) for name in ("board", "lesson", "review", "map")},
            "view.full_screen": self.isFullScreen(),
        }
        for name, on in ticks.items():
            self.actions_.by_id[name].setChecked(on)

    def _open_dropped(self, paths: list[Path]) -> None:
        self.show_page("listen")
        self.session.open_paths(paths)

    def _fill_tags(self) -> None:
        menu, by_id, shown = self.actions_.menus["View/Tags lane"], self.actions_.by_id, self.session.settings.get("tags")
        choices = [(spec.title, partial(self.show_tags, spec.id)) for spec in taggers(self.session.settings)]
        _fill(menu, choices, [by_id["view.tags_none"], by_id["view.tags_more"]])
        for action, spec in zip(menu.actions(), taggers(self.session.settings), strict=False):
            action.setCheckable(True)
            action.setChecked(spec.id == shown)

    def _fill_recent_projects(self) -> None:
        menu, teaching = self.actions_.menus["Project/Open recent project"], self.session.teaching
        others = [path for path in teaching.recent_projects if path != teaching.project]
        _fill(menu, [(path.stem, partial(teaching.open_project, path)) for path in others], [self.actions_.by_id["project.recent"]])

    def _fill_recent(self) -> None:
        menu, by_id = self.actions_.menus["File/Open recent"], self.actions_.by_id
        recent = [(path.name, partial(self.listen_to, path)) for path in self.session.recent]
        _fill(menu, recent, [by_id["file.recent"], by_id["file.clear_recent"]])


def _fill(menu: QMenu, entries: Sequence[tuple[str, Callable[[], None]]], actions: list[QAction]) -> None:
    """Make a menu of what is remembered and, below a line, actions of the table."""
    for action in menu.actions():
        menu.removeAction(action)
    for words, act in entries:
        menu.addAction(words.replace("&", "&&")).triggered.connect(lambda _on=False, act=act: act())
    menu.addSeparator()
    menu.addActions(actions)
