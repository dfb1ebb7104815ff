"""Where the program starts: the window straight away, the command line for everything else.

Nothing that costs time is imported before it is known to be needed. On Windows torch must be imported before Qt
(its libraries fail to load afterwards); the window's process never imports torch, so no order has to be kept here.
"""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import sys
from pathlib import Path

_COMMANDS = frozenset(
    {"predict", "models", "selfcheck", "teach", "words", "forget", "undo", "redo", "classes", "pack", "extract", "bench"}
    | {"train-encoder", "compare-encoders"}
)


def main() -> None:
    """`musicclass`: a command, or the window on the files that are named."""
    args = sys.argv[1:]
    if args and (args[0] in _COMMANDS or args[0].startswith("-")):
        from musicclass_gui import cli

        cli.app(prog_name="musicclass")
    else:
        main_gui()


def main_gui() -> None:
    """`musicclass-gui`: the window on the files that are named."""
    multiprocessing.freeze_support()
    if sys.stderr is not None:  # a Windows program without a console has none
        faulthandler.enable()
    load_quickly()
    from musicclass_gui.ui import start

    start.run([Path(arg) for arg in sys.argv[1:]])


def load_quickly() -> None:
    """Look for no garbage while modules load, where there is none: that is a tenth of the start. From then on `app.collector` does."""
    gc.disable()


if __name__ == "__main__":
    main()
