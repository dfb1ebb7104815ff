"""The model manager: every encoder with its licence, its state, where it is and what it takes; and fetching, adding, checking, removing.

What the window and the command line show of encoders and do to them comes from here. It loads an encoder only to test it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of a self-test: what was looked at, whether it is right, and what was found."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True)
class ModelRow:
    """An encoder as the manager shows it.

    `state` is "ready", "missing" (can be fetched or added), "partial" (a download can go on), "damaged" (see `detail`) or "built in"
    (needs no weights). `place` is its file or folder ("" while missing), `size_bytes` what it takes there or would take. `checks` are
    those of its self-test, empty until it was loaded for the first time. `own` ones were added by the user.
    """

    id: str
    title: str
    family: str
    state: str
    detail: str
    licence: str
    restricted: bool
    home: str
    place: str
    size_bytes: int
    can_fetch: bool
    can_remove: bool
    own: bool
    good_at: list[str]
    tags: str
    words: bool
    dim: int
    sample_rate: int
    window_s: float
    checks: list[Check]
