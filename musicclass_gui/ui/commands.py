"""What each action of the table does, bound by its id.

Every function here is one wish of the user, passed on to the session, the player or a panel.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.places import resources_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from musicclass_gui.ui.window import MainWindow

_ANY_STATE = ("waiting", "reading", "done", "failed", "cancelled")
_STEP_S = 5.0
_VOLUME_STEP = 0.1
_SUFFIXES = {"csv": "CSV table (*.csv)", "json": "JSON (*.json)", "labels": "Audacity labels (*.txt)"}
_ENDINGS = {"csv": ".csv", "json": ".json", "labels": ".txt"}


class Commands:
    """The handlers of all actions, for one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._session = window.session
        self._player = window.player

    def table(self) -> dict[str, Callable[[], object]]:
        """Every action's handler by the action's id."""
        benchmark = self._window.bencher.handlers()
        return {**self._file(), **self._teaching(), **benchmark, **self._play(), **self._view(), **self._work(), **self._help()}

    def _file(self) -> dict[str, Callable[[], object]]:
        return {
            "file.open": self.open_files,
            "file.open_folder": self.open_folder,
            "file.open_sample": self.open_sample,
            "file.recent": lambda: self._window.listen_to(self._session.recent[0]),
            "file.clear_recent": self._session.clear_recent,
            "file.export_csv": lambda: self.export("csv"),
            "file.export_json": lambda: self.export("json"),
            "file.export_labels": lambda: self.export("labels"),
            "file.extract": self._window.sheets.extract,
            "file.preferences": self._window.sheets.preferences,
            "file.quit": self._window.close,
        }

    def _teaching(self) -> dict[str, Callable[[], object]]:
        panels = ("board", "lesson", "review", "map")
        return {**self._window.teacher.handlers(), **{f"view.{name}": partial(self._window.toggle_panel, name) for name in panels}}

    def _play(self) -> dict[str, Callable[[], object]]:
        return {
            "play.toggle": self._player.toggle,
            "play.stop": self.stop,
            "play.start": lambda: self._player.seek(0.0),
            "play.back": lambda: self.skip(-_STEP_S),
            "play.forward": lambda: self.skip(_STEP_S),
            "play.loop": self._window.hearing.apply_loop,
            "play.clear_selection": lambda: self._session.select(None),
            "play.volume_up": lambda: self.louder(_VOLUME_STEP),
            "play.volume_down": lambda: self.louder(-_VOLUME_STEP),
            "play.follow": lambda: self._flip("follow_playhead"),
        }

    def _view(self) -> dict[str, Callable[[], object]]:
        timeline = self._window.timeline
        return {
            "view.zoom_in": timeline.zoom_in,
            "view.zoom_out": timeline.zoom_out,
            "view.fit": timeline.zoom_fit,
            "view.selection": timeline.zoom_to_selection,
            "view.answers": self._window.toggle_answers,
            "view.segments": lambda: self._window.toggle_table("segments"),
            "view.queue": lambda: self._window.toggle_table("queue"),
            "view.reset_layout": self._window.reset_layout,
            "view.theme_system": lambda: self._theme("system"),
            "view.theme_light": lambda: self._theme("light"),
            "view.theme_dark": lambda: self._theme("dark"),
            "view.tags_none": lambda: self._window.show_tags(""),
            "view.tags_more": lambda: self._window.sheets.encoders(search="tags"),
            "view.full_screen": self._window.toggle_full_screen,
            "view.palette": self._window.sheets.palette,
        }

    def _work(self) -> dict[str, Callable[[], object]]:
        return {
            "analyse.again": self._session.reanalyse,
            "analyse.cancel": self._session.cancel,
            "analyse.encoders": self._window.sheets.encoders,
            "queue.pause": lambda: self._session.queue_pause(not self._session.queue_paused),
            "queue.retry": lambda: self._with_rows(self._session.queue_retry, ("done", "failed", "cancelled"), ("failed", "cancelled")),
            "queue.cancel": lambda: self._with_rows(self._session.queue_cancel, ("waiting", "reading"), ("waiting", "reading")),
            "queue.remove": lambda: self._with_rows(self._session.queue_remove, _ANY_STATE, ()),
            "queue.clear_done": self._session.queue_clear_done,
            "queue.export_csv": lambda: self.export("csv", queue=True),
            "queue.export_json": lambda: self.export("json", queue=True),
        }

    def _help(self) -> dict[str, Callable[[], object]]:
        return {
            "help.shortcuts": self._window.sheets.shortcuts,
            "help.selfcheck": self._window.sheets.selfcheck,
            "help.about": self._window.sheets.about,
        }

    def open_files(self) -> None:
        """Ask for recordings and open them."""
        from musicclass_gui.engine.audio import AUDIO_SUFFIXES

        kinds = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(AUDIO_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open recordings", self._folder(), f"Recordings ({kinds});;All files (*)")
        self._open([Path(name) for name in names])

    def open_folder(self) -> None:
        """Ask for a folder and queue what is in it."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder of recordings", self._folder())
        self._open([Path(name)] if name else [])

    def open_sample(self) -> None:
        """Open the recording that comes with the program."""
        sample = resources_dir() / "sample.ogg"
        if sample.is_file():
            self._window.listen_to(sample)
        else:
            self._window.say("The sample recording is missing from this installation.")

    def export(self, kind: str, *, queue: bool = False) -> None:
        """Ask where to, and write the answers."""
        path = self._session.document.path
        stem = "answers" if queue or path is None else path.stem
        proposed = str(Path(self._folder()) / f"{stem}{_ENDINGS[kind]}")
        name, _ = QFileDialog.getSaveFileName(self._window, "Export answers", proposed, _SUFFIXES[kind])
        if name:
            self._write(Path(name), kind, queue=queue)

    def _write(self, path: Path, kind: str, *, queue: bool) -> None:
        asked, path = path, _with_ending(path, _ENDINGS[kind])
        if path != asked and path.exists():  # the dialog asked about another name
            self._window.warn(f"“{path.name}” exists already; choose it by its whole name to replace it, or choose another name.")
            return
        try:
            (self._session.export_queue if queue else self._session.export_document)(path, kind)
        except MusicClassError as error:
            self._window.warn(str(error))
        else:
            self._window.say(f"Written to {path}")

    def stop(self) -> None:
        """Stop, and go back to where playing began."""
        self._player.pause()
        self._player.seek(self._window.hearing.began_at_s)

    def skip(self, by_s: float) -> None:
        """Go back or forward."""
        end = self._session.document.duration_s
        self._player.seek(min(max(0.0, self._player.position_s + by_s), end))

    def louder(self, by: float) -> None:
        """Turn the volume up or down."""
        settings = self._session.settings
        settings.set("volume", round(min(1.0, max(0.0, settings.get("volume") + by)), 2))
        self._window.say(f"Volume {settings.get('volume'):.0%}".replace("%", " %"))

    def _open(self, paths: list[Path]) -> None:
        if paths:
            self._session.settings.set("last_folder", str(paths[0].parent))
            self._window.show_page("listen")
            self._session.open_paths(paths)

    def _folder(self) -> str:
        return str(self._session.settings.get("last_folder")) or str(Path.home())

    def _with_rows(self, act: Callable[[list[int]], None], states: Collection[str], otherwise: Collection[str]) -> None:
        """Do something with the chosen rows that are in one of `states`; when none is chosen, with all in one of `otherwise`."""
        chosen = self._window.queue.chosen()
        wanted, candidates = (states, chosen) if chosen else (otherwise, range(len(self._session.queue)))
        rows = [row for row in candidates if self._session.queue[row].state in wanted]
        if rows:
            act(rows)
        else:
            self._window.say("Choose rows of the queue first.")

    def _theme(self, name: str) -> None:
        self._session.settings.set("theme", name)
        self._window.refresh_actions()

    def _flip(self, key: str) -> None:
        self._session.settings.set(key, not self._session.settings.get(key))


def _with_ending(path: Path, ending: str) -> Path:
    """The path with the ending of what is written into it, unless it has that or another one that programs know."""
    return path if path.suffix.lower() in _ENDINGS.values() else path.with_name(path.name + ending)
