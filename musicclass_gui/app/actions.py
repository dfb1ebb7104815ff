"""Everything a user can do, in one table: menus, tool bar, shortcuts, palette and the shortcut sheet come from it.

The table says what there is and when it makes sense; the window says how it is done. Shortcuts without Ctrl or Alt
(`bare`) are for the window to hold back while the focus is on something that uses the key itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence

if TYPE_CHECKING:
    from musicclass_gui.app.session import Session

Key = QKeySequence.StandardKey
Role = QAction.MenuRole
_COMMAND_KEY = re.compile(r"Ctrl\+|Alt\+|Meta\+|F\d+$")
Test = Callable[["Session"], bool]
_LONGEST_TITLE = 60


def _always(session: Session) -> bool:
    return True


def _opened(session: Session) -> bool:
    return session.document.path is not None


def _playable(session: Session) -> bool:
    return session.document.recording is not None


def _seen(session: Session) -> bool:
    return session.document.picture is not None


def _selected(session: Session) -> bool:
    return session.selection is not None


def _answered(session: Session) -> bool:
    return bool(session.document.answers)


def _reading(session: Session) -> bool:
    return session.document.state == "reading"


def _remembers(session: Session) -> bool:
    return bool(session.recent)


def _queue_in(*states: str) -> Test:
    return lambda session: any(row.state in states for row in session.queue)


def _pausable(session: Session) -> bool:
    return session.queue_paused or _queue_in("waiting", "reading")(session)


def _queue_answered(session: Session) -> bool:
    return any(row.answers for row in session.queue)


def _queued(session: Session) -> bool:
    return bool(session.queue)


def _set_to(key: str, value: object) -> Test:
    return lambda session: bool(session.settings.get(key) == value)


def _queue_paused(session: Session) -> bool:
    return session.queue_paused


def _proposable(session: Session) -> bool:
    return not session.teaching.locked


def _selection_proposable(session: Session) -> bool:
    return _proposable(session) and _selected(session) and _opened(session)


def _queue_proposable(session: Session) -> bool:
    return _proposable(session) and _queued(session)


def _settled(session: Session) -> bool:
    return not session.teaching.busy and not session.teaching.locked


def _waits(*states: str) -> Test:
    return lambda session: _settled(session) and session.teaching.waiting is not None and session.teaching.waiting.state in states


def _interrupted(session: Session) -> bool:
    waiting = session.teaching.waiting
    return waiting is not None and waiting.card is None and _settled(session)


def _undoable(session: Session) -> bool:
    board = session.teaching.board
    return board is not None and bool(board.undo) and _settled(session)


def _redoable(session: Session) -> bool:
    board = session.teaching.board
    return board is not None and bool(board.redo) and _settled(session)


def _taught(session: Session) -> bool:
    classifier = session.teaching.classifier
    return classifier is not None and bool(classifier.classes)


def _removable(session: Session) -> bool:
    return _settled(session) and session.teaching.classifier is not None and session.teaching.waiting is None


def _projects_remembered(session: Session) -> bool:
    return bool(session.teaching.recent_projects)


def _has_board(session: Session) -> bool:
    return session.teaching.board is not None


def _alike_known(session: Session) -> bool:
    return _taught(session) and _playable(session)


def _undo_words(session: Session) -> str:
    board = session.teaching.board
    return f"&Undo: {_plain(board.undo)}" if board is not None and board.undo else ""


def _redo_words(session: Session) -> str:
    board = session.teaching.board
    return f"&Redo: {_plain(board.redo)}" if board is not None and board.redo else ""


def _benching(session: Session) -> bool:
    return session.benching


def _not_benching(session: Session) -> bool:
    return not session.benching


def _plain(text: str) -> str:
    """Text as menus show it, in which "&" marks no letter; long titles are cut."""
    return (text if len(text) <= _LONGEST_TITLE else text[: _LONGEST_TITLE - 1] + "…").replace("&", "&&")


@dataclass(frozen=True)
class Action:
    """One thing a user can do.

    `menu` is one of `MENUS`. `shortcut` is portable text ("Ctrl+O", or ""); `standard` is the platform's
    own key for it, where there is one. `checked` says whether a checkable action is on, where the session knows that.
    `words` gives the text as things are now, or "" for the usual one.
    """

    id: str
    text: str
    menu: str
    shortcut: str
    tip: str
    icon: str = ""
    checkable: bool = False
    enabled: Test = _always
    checked: Test | None = None
    words: Callable[[Session], str] | None = None
    standard: QKeySequence.StandardKey | None = None
    role: QAction.MenuRole = Role.NoRole
    starts_group: bool = False

    @property
    def plain_text(self) -> str:
        """The text without mnemonic marks and without the dots of a dialog."""
        return self.text.replace("&", "").removesuffix("…")

    @property
    def full_text(self) -> str:
        """The plain text, with its submenu in front where it has one: "Theme: Dark"."""
        return f"{self.menu.split('/')[1]}: {self.plain_text}" if "/" in self.menu else self.plain_text

    @property
    def bare(self) -> bool:
        """Whether the shortcut is a plain key, or one with Shift, that a focused control may need for itself."""
        return bool(self.shortcut) and not _COMMAND_KEY.match(self.shortcut)

    def sequences(self) -> list[QKeySequence]:
        """The key sequences on this platform: its standard ones, else the shortcut; the first is the one to show."""
        own = [QKeySequence(self.shortcut)] if self.shortcut else []
        standard = QKeySequence.keyBindings(self.standard) if self.standard is not None else []
        return [*standard, *(keys for keys in own if keys not in standard)] if standard else own


ACTIONS: tuple[Action, ...] = (
    Action("file.open", "&Open…", "File", "Ctrl+O", "Open a recording.", "open", standard=Key.Open),
    Action("file.open_folder", "Open &folder…", "File", "Ctrl+Shift+O", "Queue every recording in a folder.", "folder"),
    Action("file.open_sample", "Open the &sample", "File", "", "Open the recording that comes with the program."),
    Action("file.recent", "Open the &last one again", "File/Open recent", "", "Open the latest recording again.", enabled=_remembers),
    Action("file.clear_recent", "&Clear the list", "File/Open recent", "", "Forget which recordings were opened.", enabled=_remembers),
    Action(
        "file.export_csv", "As &CSV…", "File/Export answers", "Ctrl+E", "Write the answers as a table for a spreadsheet.", "export",
        enabled=_answered, starts_group=True,
    ),
    Action(
        "file.export_json", "As &JSON…", "File/Export answers", "", "Write the answers with all details.", "export",
        enabled=_answered,
    ),
    Action(
        "file.export_labels", "As Audacity &labels…", "File/Export answers", "Ctrl+Shift+E", "Write the segments as a label track.",
        "export", enabled=_answered,
    ),
    Action(
        "file.extract", "E&xtract features…", "File", "", "Write an encoder’s numbers for many recordings to a file.", "table",
    ),
    Action(
        "file.preferences", "&Preferences…", "File", "Ctrl+,", "Device, classifiers, window length, appearance and weights.", "settings",
        standard=Key.Preferences, role=Role.PreferencesRole, starts_group=True,
    ),
    Action(
        "file.quit", "&Quit", "File", "Ctrl+Q", "Stop all work and close the program.",
        standard=Key.Quit, role=Role.QuitRole, starts_group=True,
    ),
    Action("project.new", "&New project…", "Project", "", "Start an empty project of your own classes."),
    Action("project.open", "&Open project…", "Project", "", "Work with another project.", "folder"),
    Action(
        "project.recent", "Open the &last project again", "Project/Open recent project", "", "Open the latest other project again.",
        enabled=_projects_remembered,
    ),
    Action("project.save_as", "&Save project as…", "Project", "", "Copy the whole project, and work with the copy.", enabled=_has_board),
    Action(
        "project.find_moved", "&Find moved recordings…", "Project", "", "Look in a folder for recordings that are not where they were.",
        "search", enabled=_has_board, starts_group=True,
    ),
    Action(
        "project.import_pack", "&Import class pack…", "Project", "", "Add the classes in a file that somebody exported.", "open",
        enabled=_proposable, starts_group=True,
    ),
    Action(
        "project.export_pack", "&Export class pack…", "Project", "", "Write the classes that were taught into one file for others.",
        "export", enabled=_taught,
    ),
    Action("play.toggle", "Play", "Play", "Space", "Play, or pause where it is.", "play", enabled=_playable),
    Action("play.stop", "&Stop", "Play", "Shift+Space", "Stop, and go back to where playing began.", "stop", enabled=_playable),
    Action("play.start", "&Go to the start", "Play", "Home", "Go to the start of the recording.", "start", enabled=_playable),
    Action("play.back", "&Back 5 seconds", "Play", ",", "Go 5 seconds back.", "back", enabled=_playable),
    Action("play.forward", "&Forward 5 seconds", "Play", ".", "Go 5 seconds forward.", "forward", enabled=_playable),
    Action(
        "play.loop", "&Loop the selection", "Play", "L", "Play the selected span again and again.", "loop", checkable=True,
        enabled=_selected, starts_group=True,
    ),
    Action("play.clear_selection", "&Clear the selection", "Play", "Esc", "Select nothing.", enabled=_selected),
    Action("play.volume_up", "L&ouder", "Play", "Ctrl+Up", "Turn the volume up by a tenth.", "volume", starts_group=True),
    Action("play.volume_down", "&Quieter", "Play", "Ctrl+Down", "Turn the volume down by a tenth.", "volume"),
    Action(
        "play.follow", "Follow the play&head", "Play", "F", "Keep the place that is heard in view.", checkable=True,
        checked=_set_to("follow_playhead", True), starts_group=True,
    ),
    Action("view.zoom_in", "Zoom &in", "View", "Ctrl++", "Show less time, more closely.", "zoom-in", enabled=_seen, standard=Key.ZoomIn),
    Action("view.zoom_out", "Zoom &out", "View", "Ctrl+-", "Show more time.", "zoom-out", enabled=_seen, standard=Key.ZoomOut),
    Action("view.fit", "Show a&ll", "View", "Ctrl+0", "Show the whole recording.", "fit", enabled=_seen),
    Action("view.selection", "Zoom to the &selection", "View", "Z", "Show the selected span.", "zoom-in", enabled=_selected),
    Action("view.answers", "&Answers", "View", "Ctrl+1", "Show or hide the answers.", "answers", checkable=True, starts_group=True),
    Action("view.segments", "Segment ta&ble", "View", "Ctrl+2", "Show or hide the lanes as a table.", "table", checkable=True),
    Action("view.queue", "Queue", "View", "Ctrl+3", "Show or hide the queue.", "queue", checkable=True),
    Action("view.board", "Class boar&d", "View", "Ctrl+4", "Show or hide the classes and their examples.", checkable=True),
    Action("view.lesson", "L&esson", "View", "Ctrl+5", "Show or hide the lesson and its card.", checkable=True),
    Action("view.review", "Re&view", "View", "Ctrl+6", "Show or hide what is doubtful, to say what it is.", checkable=True),
    Action("view.map", "Sound &map", "View", "Ctrl+7", "Show or hide the map of all sounds in the project.", checkable=True),
    Action("view.reset_layout", "&Reset layout", "View", "", "Put all panels back where they were at first."),
    Action(
        "view.theme_system", "As the &system is", "View/Theme", "", "Light or dark as the system is.", checkable=True,
        checked=_set_to("theme", "system"), starts_group=True,
    ),
    Action(
        "view.theme_light", "&Light", "View/Theme", "", "Dark text on a light ground.", "sun", checkable=True,
        checked=_set_to("theme", "light"),
    ),
    Action(
        "view.theme_dark", "&Dark", "View/Theme", "", "Light text on a dark ground.", "moon", checkable=True,
        checked=_set_to("theme", "dark"),
    ),
    Action(
        "view.tags_none", "&None", "View/Tags lane", "", "Show no tags.", checkable=True, checked=_set_to("tags", ""),
    ),
    Action("view.tags_more", "&Get taggers…", "View/Tags lane", "", "See which encoders can tag, and fetch them if you wish.", "chip"),
    Action(
        "view.full_screen", "&Full screen", "View", "F11", "Fill the screen, or stop doing so.", checkable=True,
        standard=Key.FullScreen,
    ),
    Action("view.palette", "&Command palette…", "View", "Ctrl+K", "Find a command by typing.", "search", starts_group=True),
    Action(
        "analyse.again", "&Analyse again", "Analyse", "F5", "Read and answer this recording anew.", "retry", enabled=_opened,
        standard=Key.Refresh,
    ),
    Action("analyse.cancel", "&Cancel reading", "Analyse", "Ctrl+.", "Stop reading; what is known stays.", "cancel", enabled=_reading),
    Action(
        "analyse.encoders", "&Encoders and weights…", "Analyse", "", "See which encoders there are; fetch, add and test them.", "chip",
        starts_group=True,
    ),
    Action("bench.show", "&Open the benchmark", "Benchmark", "Ctrl+8", "Run the protocols of published papers on your data.", "table"),
    Action("bench.check", "&Check the data", "Benchmark", "", "Count what is there, look for leaks, and estimate a run.", "search"),
    Action(
        "bench.run", "&Run", "Benchmark", "", "Run what the benchmark's form asks for.", "play", enabled=_not_benching,
        starts_group=True,
    ),
    Action(
        "bench.resume", "R&esume the interrupted run", "Benchmark", "", "Go on with the run that was interrupted.", "retry",
        enabled=_not_benching,
    ),
    Action("bench.cancel", "C&ancel the run", "Benchmark", "", "Stop the run; what is finished is kept.", "cancel", enabled=_benching),
    Action("bench.copy", "Copy the command &line", "Benchmark", "", "Put the run's command line into the clipboard.", starts_group=True),
    Action(
        "teach.folder", "Teach a &folder…", "Teach", "Ctrl+T", "Teach classes from a folder: each folder in it is a class.", "folder",
        enabled=_proposable,
    ),
    Action("teach.files", "Teach f&iles…", "Teach", "", "Teach a class from audio files.", "open", enabled=_proposable),
    Action(
        "teach.selection", "Teach the &selection…", "Teach", "Ctrl+Shift+T", "Teach a class from the selected span.",
        enabled=_selection_proposable,
    ),
    Action("teach.queue_rows", "Teach &queue rows…", "Teach", "", "Teach a class from the chosen recordings.", enabled=_queue_proposable),
    Action("teach.microphone", "Teach from the &microphone…", "Teach", "", "Record sounds and teach a class.", enabled=_proposable),
    Action(
        "teach.keep", "&Keep the lesson", "Teach", "Ctrl+Return", "Keep what was learned.", enabled=_waits("draft"), starts_group=True,
    ),
    Action("teach.take_back", "&Take the lesson back", "Teach", "", "Drop the lesson that waits.", enabled=_waits("draft", "planned")),
    Action("teach.go_on", "&Go on with the lesson", "Teach", "", "Go on with the lesson that was interrupted.", enabled=_interrupted),
    Action(
        "teach.undo", "&Undo the last lesson", "Teach", "Ctrl+Z", "Take the last lesson back, as if it had never been taught.",
        enabled=_undoable, words=_undo_words, standard=Key.Undo, starts_group=True,
    ),
    Action(
        "teach.redo", "&Redo the lesson", "Teach", "Ctrl+Shift+Z", "Bring back the lesson that was taken back last.",
        enabled=_redoable, words=_redo_words, standard=Key.Redo,
    ),
    Action(
        "teach.new_classifier", "&New classifier…", "Teach", "", "Make a classifier, empty or from another one.", enabled=_proposable,
        starts_group=True,
    ),
    Action("teach.words", "Name by &words…", "Teach", "", "Make a classifier of phrases: it needs no examples.", enabled=_proposable),
    Action(
        "teach.remove_classifier", "Remo&ve the classifier…", "Teach", "", "Take the shown classifier out of the project, for good.",
        enabled=_removable,
    ),
    Action("teach.alike", "More &like this", "Teach", "A", "Find sounds of the project that are like this one.", enabled=_alike_known),
    Action(
        "queue.pause", "&Pause the queue", "Queue", "Ctrl+Shift+P", "Hold the queue, or let it go on.", "pause", checkable=True,
        enabled=_pausable, checked=_queue_paused,
    ),
    Action(
        "queue.retry", "&Retry", "Queue", "", "Analyse the chosen recordings again.", "retry",
        enabled=_queue_in("done", "failed", "cancelled"), starts_group=True,
    ),
    Action("queue.cancel", "&Cancel", "Queue", "", "Stop the chosen recordings.", "cancel", enabled=_queue_in("waiting", "reading")),
    Action("queue.remove", "Re&move", "Queue", "", "Take the chosen recordings off the queue; their files stay.", enabled=_queued),
    Action(
        "queue.clear_done", "C&lear finished", "Queue", "", "Take everything that is over off the queue.",
        enabled=_queue_in("done", "failed", "cancelled"),
    ),
    Action(
        "queue.export_csv", "As &CSV…", "Queue/Export queue", "", "Write all answers of the queue as a table.", "export",
        enabled=_queue_answered, starts_group=True,
    ),
    Action(
        "queue.export_json", "As &JSON…", "Queue/Export queue", "", "Write all answers of the queue with all details.", "export",
        enabled=_queue_answered,
    ),
    Action("help.shortcuts", "&Keyboard shortcuts", "Help", "F1", "List all shortcuts.", "info", standard=Key.HelpContents),
    Action("help.selfcheck", "&Self-check", "Help", "", "Versions, devices, audio, and what is missing.", "info", starts_group=True),
    Action("help.about", "&About MusicClass", "Help", "", "Version, licence and where the classifiers come from.", role=Role.AboutRole),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}


MENUS: dict[str, str] = {
    "File": "&File",
    "File/Open recent": "Open &recent",
    "File/Export answers": "&Export answers",
    "Project": "Pro&ject",
    "Project/Open recent project": "Open &recent project",
    "Play": "&Play",
    "View": "&View",
    "View/Theme": "&Theme",
    "View/Tags lane": "Ta&gs lane",
    "Analyse": "&Analyse",
    "Benchmark": "&Benchmark",
    "Teach": "&Teach",
    "Queue": "&Queue",
    "Queue/Export queue": "&Export queue",
    "Help": "&Help",
}
"""Every menu and submenu, in order, with the text that it shows. "File/Open recent" also lists what is remembered."""
