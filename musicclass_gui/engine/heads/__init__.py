"""Heads: what turns embeddings into class log-scores, and can learn and unlearn; one file per head.

This module holds what all of them share: the protocol, the table, and the doors to make one and to load one.
A head knows nothing of audio, files or probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from musicclass_gui.engine.errors import ClassifierError

Matrix = NDArray[np.float64]
Vectors = NDArray[np.floating]
State = Mapping[str, NDArray[Any]]
Settings = Mapping[str, str]


class Scorer(Protocol):
    """Scores vectors of one dimension. Everything it knows is in `classes`, `settings` and `state`."""

    @property
    def kind(self) -> str:
        """The name of this sort of head, as in a card."""
        ...

    @property
    def classes(self) -> list[str]:
        """Class names, in the order of the columns of `log_scores`."""
        ...

    @property
    def dim(self) -> int:
        """The length of the vectors."""
        ...

    @property
    def settings(self) -> dict[str, str]:
        """Named choices that, with `state` and `classes`, make the same head again."""
        ...

    def log_scores(self, x: Vectors) -> Matrix:
        """Log-likelihoods `(n, C)` up to a constant per row, equal priors; −inf for a class without examples."""
        ...

    def novelty(self, x: Vectors) -> NDArray[np.float64]:
        """How unlike everything learned each row is, `(n,)`; higher is stranger. The scale is the head's own."""
        ...

    def judge(self, x: Vectors) -> tuple[Matrix, NDArray[np.float64]]:
        """`log_scores` and `novelty` of the same rows for the price of one."""
        ...

    def whiten(self, x: Vectors) -> Matrix:
        """Rows in the space where the head measures Euclidean distance, `(n, dim)`."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """Its numbers, for saving: `from_state` gives a head with the same bits."""
        ...


class Head(Scorer, Protocol):
    """Also learns and unlearns, exactly: it does not depend on the order or history of its examples."""

    def learn(self, x: Vectors, label: str) -> None:
        """Add examples `(n, dim)` of a class; a new label makes a new class."""
        ...

    def unlearn(self, x: Vectors, label: str) -> None:
        """Take back examples that were learned; the class stays, and never wins once it has none left."""
        ...

    def merge(self, other: Self) -> None:
        """Learn all that another head of the same kind, dimension and settings has learned."""
        ...

    def copy(self) -> Self:
        """A head that learns on without changing this one."""
        ...

    @classmethod
    def from_state(cls, state: State, classes: list[str], settings: Settings) -> Self:
        """The head that `state`, `classes` and `settings` were taken from. Raises ClassifierError when they do not fit."""
        ...


def _kinds() -> dict[str, Callable[[State, list[str], Settings], Scorer]]:
    from musicclass_gui.engine.heads.centers import CentersHead
    from musicclass_gui.engine.heads.gaussian import GaussianHead
    from musicclass_gui.engine.heads.replay import ReplayHead

    return {"centers": CentersHead.from_state, "gaussian": GaussianHead.from_state, "replay": ReplayHead.from_state}


def load(kind: str, state: State, classes: list[str], settings: Settings) -> Scorer:
    """The head of that kind with that state. Raises ClassifierError for an unknown kind or a state that does not fit."""
    kinds = _kinds()
    if kind not in kinds:
        raise ClassifierError(f"This program knows no head “{kind}”, only {', '.join(kinds)}; a newer version may.")
    return kinds[kind](state, classes, settings)
