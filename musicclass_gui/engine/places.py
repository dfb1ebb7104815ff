"""Where things are: what the program ships, and where it may write.

Nothing here creates a folder; whoever writes does.
"""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path

SHIPPED = ("genre", "composer", "instrument")
"""The classifiers that come with the program, in the order in which a new user sees their answers."""

_PACKAGE = Path(__file__).resolve().parents[1]


def _shipped(name: str) -> Path:
    """A folder beside the package in a checkout, or inside it once installed from a wheel."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def resources_dir() -> Path:
    """Icons and the sample recording."""
    return _shipped("resources")


def models_dir() -> Path:
    """Classifiers that the project built, one folder per classifier and encoder."""
    return _shipped("models")


def cache_dir() -> Path:
    """What can be computed again: pictures, embeddings. `$MUSICCLASS_CACHE` overrides it."""
    return Path(os.environ.get("MUSICCLASS_CACHE") or _platform("user_cache_path"))


def config_dir() -> Path:
    """Preferences and remembered state. `$MUSICCLASS_CONFIG` overrides it."""
    return Path(os.environ.get("MUSICCLASS_CONFIG") or _platform("user_config_path"))


def data_dir() -> Path:
    """What was fetched because the user said yes: weights, and which encoders were added. `$MUSICCLASS_HOME` overrides it."""
    return Path(os.environ.get("MUSICCLASS_HOME") or _platform("user_data_path"))


def projects_dir() -> Path:
    """Where the default project is. `$MUSICCLASS_PROJECTS` overrides it."""
    return Path(os.environ.get("MUSICCLASS_PROJECTS") or data_dir())


def weights_folders(setting: str = "") -> list[Path]:
    """Where weights are looked for, in order; each has one sub-folder per encoder."""
    given = [setting, os.environ.get("MUSICCLASS_MODELS", "")]
    return [*(Path(folder).expanduser() for folder in given if folder), data_dir() / "weights"]


def _platform(kind: str) -> Path:
    import platformdirs

    path: Path = getattr(platformdirs, kind)("musicclass", appauthor=False)
    return path


def free_bytes(folder: Path) -> float:
    """How much room there is where a folder is, or will be; infinite where nobody can say."""
    try:
        return float(shutil.disk_usage(next(one for one in (folder, *folder.absolute().parents) if one.exists())).free)
    except OSError:
        return math.inf
