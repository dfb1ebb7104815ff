"""Which project file is worked with, and which were before: paths and words about them. It opens no file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.settings import Settings

PROJECT_SUFFIX = ".musicclass"
PACK_SUFFIX = ".mcpack"
_DEFAULT_NAME = "My classes"


@dataclass(frozen=True)
class Method:
    """A way of learning: its id, what it is called, and one line that says what it means for a user."""

    id: str
    title: str
    line: str


METHODS: tuple[Method, ...] = (
    Method(
        "gaussian",
        "Shared-covariance Gaussian",
        "Each class is the mean of its examples, and how sounds vary within classes is learned too. Quick, exact to undo, mostly the best.",
    ),
    Method("centers", "Class centers", "Each class is the mean of its examples. The quickest and plainest, exact to undo."),
    Method(
        "replay",
        "Replay fine-tuning",
        "A small network is trained on the new examples and on a few remembered ones of every class. Slower; for many examples.",
    ),
)


def default_project() -> Path:
    """The project that is there without anybody having made one."""
    return places.projects_dir() / f"{_DEFAULT_NAME}{PROJECT_SUFFIX}"


def recordings_dir() -> Path:
    """Where recordings of the microphone are kept."""
    return places.projects_dir() / "Recordings"


def current_project(settings: Settings) -> Path:
    """The project that is worked with."""
    return Path(settings.get("project")) if settings.get("project") else default_project()


def recent_projects(settings: Settings) -> list[Path]:
    """Projects worked with lately, the last one first."""
    return [Path(text) for text in settings.get("recent_projects")]


def remember(settings: Settings, project: Path) -> None:
    """Let `project` be the one that is worked with, also after the next start. The one before it, perhaps never opened, is listed too."""
    left = current_project(settings)
    settings.set("project", "" if project == default_project() else str(project))
    texts = [str(project), *([str(left)] if left.is_file() else []), *settings.get("recent_projects")]
    settings.set("recent_projects", list(dict.fromkeys(texts)))


def with_suffix(path: Path, suffix: str) -> Path:
    """`path` with the ending of what is written into it."""
    return path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)


def one_with(paths: Sequence[Path], suffix: str) -> Path | None:
    """The first of `paths` that ends in `suffix`."""
    return next((path for path in paths if path.suffix.lower() == suffix), None)
