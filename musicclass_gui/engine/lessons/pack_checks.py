"""What parts of a stranger's class pack may be: names, plain values, arrays, and sums that real examples can have.

It knows neither files nor how a pack is laid out.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.sums import OnSums

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Scorer

DAMAGED = "The class pack is damaged or was made by something else; ask for it again."
NOT_REAL = "The sums in the class pack are not those of real examples; ask for it again."
MOST_CLASSES = 2000
MOST_RECORDINGS = 100_000
LARGEST_DIM = 4096
_LONGEST_NAME = 500
_LONGEST_TEXT = 4000
_DEEPEST = 8
_MOST_EXAMPLES = 1e12
_LONGEST_VECTOR = 1e12  # far beyond any encoder's
_ROUNDING = 1e-8  # of sums of up to a billion rows
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of characters, line and paragraph separators
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn around the text that follows


def checked_name(name: str) -> str:
    """`name` when it can be shown as it is and no one could take it for a path, else ClassifierError."""
    if not isinstance(name, str) or not 0 < len(name.strip()) == len(name) <= _LONGEST_NAME:
        raise ClassifierError(DAMAGED)
    if any(_unseen(c) for c in name):
        raise ClassifierError(f"The class pack has a name with invisible characters, {name[:40]!r}; ask for the pack without it.")
    if _is_path(name):
        raise ClassifierError(f"The class pack has a name that is a path, {name[:40]!r}; ask for the pack without it.")
    return name


def clean_name(name: str) -> str:
    """A file's name as `checked_name` lets it pass."""
    seen = "".join("_" if _unseen(c) else c for c in name)[-_LONGEST_NAME:].strip()
    return seen.replace("/", "_").replace("\\", "_") if _is_path(seen) else seen or "_"


def _unseen(c: str) -> bool:
    return unicodedata.category(c) in _UNSEEN or c in _TURNING


def _is_path(name: str) -> bool:
    """Whether it leads somewhere: from a root, a home, a drive, or upwards. “Drum/bass” is a name."""
    parts = name.replace("\\", "/").split("/")
    rooted = parts[0] in ("", "~") or (len(parts[0]) == 2 and parts[0][1] == ":")
    return (len(parts) > 1 and rooted) or bool({".", ".."} & set(parts))


def checked_texts(texts: list[str], most: int, check: Callable[[str], str]) -> None:
    """Raise ClassifierError unless `texts` is a list of at most `most` texts that pass `check`."""
    if not isinstance(texts, list) or len(texts) > most:
        raise ClassifierError(f"The class pack has more than {most} classes or recordings, or its list of them is damaged.")
    for text in texts:
        if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
            raise ClassifierError(DAMAGED)
        check(text)


def plain_json(value: Any, depth: int = 0) -> None:
    """Raise ClassifierError unless `value` is made of short texts, finite numbers, lists and dictionaries, not too deep."""
    if depth > _DEEPEST or (isinstance(value, str) and (len(value) > _LONGEST_TEXT or any(_unseen(c) for c in value if c != "\n"))):
        raise ClassifierError(DAMAGED)
    if isinstance(value, float | int) and not abs(value) < float("inf"):
        raise ClassifierError(DAMAGED)
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for one in inner:
        plain_json(one, depth + 1)


def require_numbers(state: Mapping[str, NDArray[Any]]) -> None:
    """Raise ClassifierError unless every array is of finite floats, or of whole numbers that are not negative."""
    for array in state.values():
        if array.dtype not in (np.float64, np.float32, np.int64) or not np.isfinite(array).all():
            raise ClassifierError(DAMAGED)
        if array.dtype == np.int64 and array.min(initial=0) < 0:
            raise ClassifierError(DAMAGED)


def require_real(head: Scorer) -> None:
    """Raise ClassifierError for sums that no examples can have had; a network is asked whether it gives finite scores.

    n examples of length at most L have sums of length at most nL, and Σxxᵀ − Σₖ nₖ μₖ μₖᵀ has no negative eigenvalue.
    """
    if head.dim > LARGEST_DIM:
        raise ClassifierError(f"The class pack is for embeddings of {head.dim} numbers; this program reads up to {LARGEST_DIM}.")
    if isinstance(head, OnSums):
        _require_real_sums(head.state(), head.settings.get("normalise") == "l2")
    probe = np.ones((1, head.dim)) / np.sqrt(head.dim)
    scores, novelty = head.judge(probe)
    if np.isnan(scores).any() or (scores == np.inf).any() or not np.isfinite(novelty).all():
        raise ClassifierError(NOT_REAL)


def _require_real_sums(state: Mapping[str, NDArray[np.float64]], unit: bool) -> None:
    count, total = state["count"], state["sum"]
    longest = 1.0 if unit else _LONGEST_VECTOR
    if count.sum() > _MOST_EXAMPLES or (np.linalg.norm(total, axis=1) > count * longest * (1 + _ROUNDING)).any():
        raise ClassifierError(NOT_REAL)
    if "scatter" in state:
        _require_real_scatter(count, total, state["scatter"], longest)


def _require_real_scatter(count: NDArray[np.float64], total: NDArray[np.float64], triangle: NDArray[np.float64], longest: float) -> None:
    within = np.zeros((total.shape[1],) * 2)
    within[np.triu_indices(len(within))] = triangle
    square = np.diag(within).copy()
    if square.sum() > count.sum() * longest**2 * (1 + _ROUNDING):
        raise ClassifierError(NOT_REAL)
    within += np.triu(within, 1).T
    within -= (total / np.maximum(count, 1.0)[:, None]).T @ total
    within[np.diag_indices(len(within))] += _ROUNDING * max(float(square.max(initial=0.0)), np.finfo(float).tiny)
    try:
        np.linalg.cholesky(within)
    except np.linalg.LinAlgError as error:
        raise ClassifierError(NOT_REAL) from error
