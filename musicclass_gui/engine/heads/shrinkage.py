"""Covariances that can be trusted with fewer examples than dimensions: OAS shrinkage (Chen et al., 2010).

Pure matrices: it knows no classes and no scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix

TARGETS = ("identity", "diagonal")
_NO_SPREAD = 1e-12  # a variance this small beside the mean square is rounding of sums of equal examples
_LEAST_SHARE = 1e-6  # of a dimension's variance overall that its variance within classes is taken to be at least
_LEAST_SQUARE = 1e-9  # the same, of its mean square


@dataclass(frozen=True)
class Spread:
    """How examples vary: `within` classes and `overall` (within + between), both over the same degrees of freedom, unshrunk."""

    within: Matrix  # (d, d)
    overall: Matrix  # (d, d)
    square: NDArray[np.float64]  # (d,) mean square of each dimension, for telling spread from rounding
    freedom: float  # independent examples beyond one per class


def covariances(spread: Spread, target: str) -> tuple[Matrix, Matrix]:
    """The covariance within classes and overall, shrunk by the same amount, so that the overall one is the larger in every direction.

    The amount is the one that OAS finds for the covariance within classes. Where classes have no spread, both are spheres.
    """
    nothing = _NO_SPREAD * float(spread.square.sum())
    if np.trace(spread.within) <= nothing:
        return _spheres(float(np.trace(spread.overall)), nothing, len(spread.square))
    diagonal = target == "diagonal"
    inner = _scales(np.diag(spread.within), spread) if diagonal else np.ones(len(spread.square))
    outer = _scales(np.diag(spread.overall), spread) if diagonal else inner
    amount = oas_amount(spread.within / np.outer(inner, inner), spread.freedom)
    return _shrunk(spread.within, inner, amount), _shrunk(spread.overall, outer, amount)


def oas_amount(covariance: Matrix, freedom: float) -> float:
    """How far to go from `covariance` to the identity times its mean variance, 0..1 (Chen et al., 2010, eq. 23)."""
    dim = len(covariance)
    mean_square, mean_variance = float(np.mean(covariance**2)), float(np.trace(covariance)) / dim
    spread = (freedom + 1) * (mean_square - mean_variance**2 / dim)
    return 1.0 if spread <= 0 else min(1.0, (mean_square + mean_variance**2) / spread)


def _spheres(overall: float, nothing: float, dim: int) -> tuple[Matrix, Matrix]:
    radius = overall / dim if overall > nothing else 1.0
    return radius * np.eye(dim), 2 * radius * np.eye(dim)


def _scales(variance: NDArray[np.float64], spread: Spread) -> NDArray[np.float64]:
    """A standard deviation per dimension, none vanishing beside its spread or size overall; free of units."""
    least = np.maximum(_LEAST_SHARE * np.diag(spread.overall), _LEAST_SQUARE * spread.square)
    variance = np.maximum(variance, least)
    return np.asarray(np.sqrt(np.where(variance > 0, variance, 1.0)))


def _shrunk(covariance: Matrix, scale: NDArray[np.float64], amount: float) -> Matrix:
    units = np.outer(scale, scale)
    plain = covariance / units
    sphere = float(np.trace(plain)) / len(plain) * np.eye(len(plain))
    return np.asarray(((1 - amount) * plain + amount * sphere) * units)
