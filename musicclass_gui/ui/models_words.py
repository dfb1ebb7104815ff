"""An encoder's row in words: its state, its size, its licence, how it listens, and how far a download is.

Pure text from plain data; it draws nothing and knows no session.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.app import words
from musicclass_gui.app.models import USABLE, replaced

if TYPE_CHECKING:
    from musicclass_gui.app.models import Disk, Models, Work
    from musicclass_gui.engine.models import ModelRow

_LONGEST_BADGE = 18
_DOING = {"fetch": "Fetching", "verify": "Testing", "remove": "Removing", "add": "Adding"}
UNTESTED = "Not tested yet: it is tested when it is first loaded."
UNTESTED_BUILT_IN = "Not tested on this machine yet. It is a part of the program, so it works unless the installation is damaged."
UNSTATED = "Its publisher states no licence, so assume that you may try it out and nothing more."


@dataclass(frozen=True)
class State:
    """A state as it is shown: a word or two, the name of an icon, and the theme's colour for both."""

    words: str
    icon: str
    ink: str


def state_of(row: ModelRow, models: Models) -> State:
    """How an encoder is now, what is being done to it included."""
    work = models.works.get(row.id)
    if work is not None:
        return State(_doing(work), "retry", "accent")
    if row.state in USABLE and not models.agreed(row):
        return State("Licence to agree to", "info", "warn")
    if row.state in USABLE and not all(check.ok for check in row.checks):
        return State("Failed its test", "warn", "bad")
    absent = State("To download", "download", "text_muted") if row.can_fetch else State("Yours to add", "folder", "text_muted")
    known = {
        "ready": State("Ready", "check", "good"),
        "built in": State("Built in", "check", "good"),
        "missing": absent,
        "partial": State("Partly fetched", "download", "accent"),
        "damaged": State("Damaged", "warn", "bad"),
    }
    return known.get(row.state, absent)


def trouble(row: ModelRow, models: Models) -> str:
    """What is wrong with an encoder, or why the last try at something failed; empty where nothing is."""
    if row.id in models.problems:
        return models.problems[row.id]
    if replaced(row):
        return "Its files are others than those that were used first, and answers of both would be mixed."
    return row.detail if row.state in ("damaged", "partial") else ""


def _doing(work: Work) -> str:
    share = f" {words.percent(work.fraction)}" if math.isfinite(work.fraction) else "…"
    return f"{_DOING[work.kind]}{share}"


def badge(row: ModelRow) -> str:
    """The licence's name, short enough for a badge."""
    name = _licence_name(row)
    if not name:
        return "No licence stated"
    return name if len(name) <= _LONGEST_BADGE else f"{name[: _LONGEST_BADGE - 1].rstrip()}…"


def licence(row: ModelRow) -> str:
    """What the licence means."""
    name = _licence_name(row)
    meaning = row.licence.removeprefix(name).lstrip(": ") or ("" if name else UNSTATED)
    return " ".join(filter(None, (f"{name}." if name else "", meaning[:1].upper() + meaning[1:])))


def _licence_name(row: ModelRow) -> str:
    """What stands before the colon; what has none is a name only when it looks like one: short, and no sentence."""
    name, colon, _ = row.licence.partition(":")
    return name.strip() if colon or len(name) <= _LONGEST_BADGE else ""


def size(row: ModelRow) -> str:
    """What its weights take, or would take."""
    return words.size(row.size_bytes) if row.size_bytes else ""


def in_one_line(row: ModelRow) -> str:
    """What it is good at, or what it can, in one line."""
    if row.good_at:
        return row.good_at[0]
    return row.tags or ("Compares sound with words." if row.words else f"An encoder of the family {row.family}.")


def listening(row: ModelRow) -> list[str]:
    """How it listens and what it gives, in sentences."""
    rate = f"{row.sample_rate / 1000:g} kHz"
    heard = f"Hears music at {rate}, {round(row.window_s, 1):g} s at a time, and gives {row.dim:,} numbers for each such window."
    tags = f"Can also show its own tags: {row.tags.rstrip('.')}." if row.tags else ""
    named = "Can compare sound with words, so classes can be named without examples." if row.words else ""
    return [sentence for sentence in (heard, tags, named) if sentence]


def progress(row: ModelRow, work: Work) -> str:
    """How far it is: megabytes and the time that is left, where they are known."""
    known = math.isfinite(work.fraction)
    if work.kind == "fetch" and known and row.size_bytes:
        done = f"{words.size(work.fraction * row.size_bytes)} of {words.size(row.size_bytes)}"
        return ", ".join(filter(None, (done, words.eta(work.eta_s))))
    return work.text or f"{_DOING[work.kind]}…"


def fetch_label(row: ModelRow) -> str:
    """What the button says that downloads."""
    verb = "Go on fetching" if row.state == "partial" else "Fetch again" if row.state == "damaged" else "Fetch"
    return f"{verb} ({size(row)})" if row.size_bytes else verb


def removal(row: ModelRow) -> str:
    """What removing it does."""
    taken = f" and {size(row)} are free again" if row.size_bytes else ""
    if row.own:
        return f"The program forgets this encoder. Your own folder stays as it is:\n{row.place}"
    return f"Its weights are deleted{taken}. They can be fetched again.\n{row.place}"


def disk(used: Disk | None) -> str:
    """What encoders take, and what is free."""
    return f"What was fetched takes {words.size(used.used)}; {words.size(used.free)} are free there." if used else ""


def spoken(row: ModelRow, models: Models) -> str:
    """A row as a screen reader says it."""
    parts = (row.title, state_of(row, models).words, size(row), f"licence {badge(row)}", in_one_line(row))
    return ". ".join(part.rstrip(".") for part in parts if part) + "."
