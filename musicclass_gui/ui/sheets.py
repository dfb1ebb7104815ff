"""Opens the dialogs that are seldom needed: each is made when it is first asked for, and only one of each is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.app.actions import ACTIONS
from musicclass_gui.ui.palette import Entry, Palette

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtWidgets import QDialog

    from musicclass_gui.app.player import Player
    from musicclass_gui.app.session import Session
    from musicclass_gui.ui.menus import ActionSet
    from musicclass_gui.ui.window import MainWindow


class Sheets:
    """The dialogs of one window, by name while they are open."""

    def __init__(self, window: MainWindow, session: Session, player: Player, actions: ActionSet) -> None:
        self._window = window
        self._session = session
        self._player = player
        self._actions = actions
        self.open: dict[str, QDialog] = {}

    def palette(self) -> None:
        """Everything that can be done, and the recent recordings, narrowed by typing."""
        self._show("palette", lambda: Palette(self._window, [*self._actions.entries(), *self._recent_entries()]))

    def preferences(self) -> None:
        """Every preference."""
        self._show("preferences", self._make_preferences)

    def encoders(self, search: str = "") -> None:
        """The model manager; `search` is what is looked for at first."""
        from musicclass_gui.ui.models import ModelsSheet

        models, settings = self._session.models, self._session.settings
        self._show("encoders", lambda: ModelsSheet(self._window, models, settings, lambda: self._window.theme))
        sheet = self.open["encoders"]
        if search and isinstance(sheet, ModelsSheet):
            sheet.search.setText(search)

    def extract(self) -> None:
        """Extraction of features."""
        from musicclass_gui.ui.extract import ExtractSheet

        session = self._session
        queue = [row.path for row in session.queue]
        self._show("extract", lambda: ExtractSheet(self._window, session.extracting, session.settings, queue))

    def shortcuts(self) -> None:
        """Every shortcut."""
        from musicclass_gui.ui.dialogs import shortcut_sheet

        self._show("shortcuts", lambda: shortcut_sheet(self._window, ACTIONS))

    def about(self) -> None:
        """What this program is."""
        from musicclass_gui.ui.dialogs import about

        self._show("about", lambda: about(self._window))

    def selfcheck(self) -> None:
        """Versions, devices, audio, and what is missing."""
        from musicclass_gui.ui.dialogs import SelfCheck

        sheet = SelfCheck(self._window)
        self._show("selfcheck", lambda: sheet)
        self._session.self_check(sheet.show_rows)

    def weights_changed(self) -> None:
        """Show anew what depends on which weights are here, and on settings."""
        for sheet in self.open.values():
            refresh = getattr(sheet, "refresh_weights", None)  # those that show weights have it; none may be imported yet
            if refresh is not None:
                refresh()

    def close_all(self) -> None:
        """Close what is open."""
        for sheet in list(self.open.values()):
            sheet.close()

    def _show(self, name: str, make: Callable[[], QDialog]) -> None:
        if name not in self.open:
            self.open[name] = made = make()
            made.destroyed.connect(lambda: self.open.pop(name, None))
        self.open[name].show()
        self.open[name].raise_()
        self.open[name].activateWindow()

    def _make_preferences(self) -> QDialog:
        from musicclass_gui.engine.classifier import shipped
        from musicclass_gui.ui.preferences import Preferences

        sheet = Preferences(
            self._window,
            self._session.settings,
            devices=[pair for pair in self._session.devices if pair[0].startswith("cuda")],
            outputs=self._player.devices(),
            classifiers=list(dict.fromkeys(name for name, _ in shipped())),
        )
        sheet.encoders_wanted.connect(self.encoders)
        return sheet

    def _recent_entries(self) -> list[Entry]:
        return [Entry(f"Open recent › {path.name}", str(path.parent), _opener(self._window, path)) for path in self._session.recent]


def _opener(window: MainWindow, path: Path) -> Callable[[], None]:
    return lambda: window.listen_to(path)
