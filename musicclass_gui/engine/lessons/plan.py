"""What was dropped or chosen, as classes to teach: said before anything is done, edited in the preview, carried out by a lesson."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PlannedFile:
    """A recording, or a span of it, to be taught. `reason` says why it cannot be read ("" when it can, as far as was looked)."""

    path: str
    start_s: float | None = None
    end_s: float | None = None
    group: str = ""  # a folder below the class's own; "" where there is none
    keep: bool = True
    reason: str = ""

    @property
    def taught(self) -> bool:
        """Whether it takes part."""
        return self.keep and not self.reason


@dataclass(frozen=True)
class PlannedClass:
    """A class and its files. `name` is empty while nobody has said it (loose files). `of` names the class that a negative is not."""

    name: str
    files: list[PlannedFile] = field(default_factory=list)
    role: str = "class"
    of: str = ""
    keep: bool = True

    @property
    def taught(self) -> list[PlannedFile]:
        """The files that take part."""
        return [file for file in self.files if file.taught] if self.keep else []


@dataclass(frozen=True)
class Plan:
    """What would be taught. `others` counts files that are not audio; `complete` is False while there may be more than was counted."""

    classes: list[PlannedClass] = field(default_factory=list)
    others: int = 0
    complete: bool = True
    problems: list[str] = field(default_factory=list)  # folders that cannot be read, names that had to be changed
