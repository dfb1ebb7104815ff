"""How the frames of a recording become one row of numbers (models-and-heads.md, §5.1), and the generative classifier of frames.

What has to be learned (scales, codebooks, mixtures) is learned from the frames that `fit` is given, which are those of training
recordings only. It knows no labels but the mixtures', no files and no classifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Frames = NDArray[np.float32]
    Row = NDArray[np.float64]

TEXTURE = 43
"""Frames of a texture window: a second at 23 ms each (Tzanetakis and Cook 2002)."""
_FEWEST = 1e-9
_FLOOR = 1e-4
"""Added to each variance of a mixture of scaled frames, so that a repeated frame is no infinite density."""


class Summary(Protocol):
    """One way of summarising."""

    def fit(self, frames: Frames) -> None:
        """Learn from frames `(n, d)` of training recordings. Raises BenchmarkError where these are too few."""
        ...

    def row(self, frames: Frames) -> Row:
        """The summary of one recording's frames `(n, d)`."""
        ...


class Moments:
    """Mean, or mean, deviation and maximum of each dimension over time."""

    def __init__(self, *, mean_only: bool) -> None:
        self._mean_only = mean_only

    def fit(self, frames: Frames) -> None:
        """Nothing has to be learned."""

    def row(self, frames: Frames) -> Row:
        """`(d,)` or `(3 d,)`."""
        data = frames.astype(np.float64)
        return data.mean(axis=0) if self._mean_only else np.concatenate([data.mean(axis=0), data.std(axis=0), data.max(axis=0)])


class Dct:
    """The first coefficients of each dimension's DCT-II over texture windows of a second, divided by the root of their frames.

    Of the first, which is a window's mean, the mean over the windows is taken; of the others, which say how strongly the dimension moves
    at 0.5, 1, 1.5 … Hz, the root of the mean square: where in its movement a window begins is chance, so that signs say nothing.
    """

    def __init__(self, coefficients: int) -> None:
        self._coefficients = coefficients

    def fit(self, frames: Frames) -> None:
        """Nothing has to be learned."""

    def row(self, frames: Frames) -> Row:
        """`(coefficients · d,)`, all of the first dimension first; what a very short recording has not is 0."""
        parts = np.array_split(frames.astype(np.float64), max(1, len(frames) // TEXTURE))
        found = np.stack([self._of(part) for part in parts])
        strengths = np.sqrt(np.square(found).mean(axis=0))
        strengths[0] = found[:, 0].mean(axis=0)
        return np.asarray(strengths.T.ravel())

    def _of(self, window: Row) -> Row:
        """`(coefficients, d)` of one window."""
        from scipy.fft import dct

        found = dct(window, axis=0, norm="ortho")[: self._coefficients] / np.sqrt(len(window))
        return np.pad(found, ((0, self._coefficients - len(found)), (0, 0)))


class Scale:
    """Each dimension to mean 0 and deviation 1 of the frames it has learned; what does not vary is left as it is."""

    def __init__(self, frames: Frames) -> None:
        self._mean = frames.mean(axis=0, dtype=np.float64)
        deviation = frames.std(axis=0, dtype=np.float64)
        self._deviation = np.where(deviation > _FEWEST, deviation, 1.0)

    def __call__(self, frames: Frames) -> Row:
        """The same frames in the scale."""
        return np.asarray((frames - self._mean) / self._deviation)


class Codebook:
    """A histogram of code words: k-means of scaled frames, each frame counted for its nearest centre.

    Counts are divided by how many frames there are; with `root` their square roots are taken (the Hellinger kernel).
    """

    def __init__(self, size: int, *, root: bool, seed: int) -> None:
        self._size, self._root, self._seed = size, root, seed

    def fit(self, frames: Frames) -> None:
        """Learn scale and centres. Raises BenchmarkError when there are fewer frames than code words."""
        from sklearn.cluster import KMeans

        _require(frames, self._size, "code words")
        self._scale = Scale(frames)
        self.centres: Row = KMeans(self._size, n_init=1, random_state=self._seed).fit(self._scale(frames)).cluster_centers_

    def row(self, frames: Frames) -> Row:
        """`(size,)`, which adds up to 1 (its squares do, with `root`)."""
        data = self._scale(frames)
        distances = (self.centres**2).sum(axis=1) - 2 * data @ self.centres.T
        shares = np.bincount(distances.argmin(axis=1), minlength=self._size) / len(data)
        return np.sqrt(shares) if self._root else shares


class Posteriors:
    """How much of a recording each component of one Gaussian mixture of all training frames takes, and how likely the recording is."""

    def __init__(self, components: int, *, seed: int) -> None:
        self._components, self._seed = components, seed

    def fit(self, frames: Frames) -> None:
        """Learn scale and mixture. Raises BenchmarkError when there are fewer frames than components."""
        self._scale = Scale(frames)
        self._mixture = _mixture(self._scale(frames), self._components, self._seed)

    def row(self, frames: Frames) -> Row:
        """`(components + 1,)`: mean posteriors, then the mean log-likelihood of a frame."""
        data = self._scale(frames)
        return np.append(self._mixture.predict_proba(data).mean(axis=0), self._mixture.score(data))


class Likelihoods:
    """One Gaussian mixture of frames for each class or tag: the classifier of Tzanetakis and Cook 2002.

    Of tags it says how much likelier a recording is under those that have the tag than under all.
    """

    def __init__(self, components: int, *, seed: int) -> None:
        self._components, self._seed = components, seed

    def fit(self, frames: Frames, truth: NDArray[np.bool_], *, tags: bool, check: Callable[[], None]) -> None:
        """Learn from frames `(n, d)` and to which outputs each belongs, `(n, outputs)`. Raises BenchmarkError, Cancelled."""
        self._scale = Scale(frames)
        data = self._scale(frames)
        self._all = _mixture(data, self._components, self._seed) if tags else None
        self._mixtures = []
        for own in truth.T:
            check()
            is_there = own.any() or not tags
            self._mixtures.append(_mixture(data[own], self._components, self._seed) if is_there else None)

    def scores(self, frames: Frames) -> Row:
        """`(outputs,)` mean log-likelihoods of a frame, or of tags ratios, 0 for a tag that nothing was trained on has."""
        data = self._scale(frames)
        base = self._all.score(data) if self._all is not None else 0.0
        return np.array([0.0 if one is None else one.score(data) - base for one in self._mixtures])


def _mixture(data: Row, components: int, seed: int) -> Any:
    from sklearn.mixture import GaussianMixture

    _require(data, max(2, components), "components")
    with quiet_about_convergence():
        return GaussianMixture(components, covariance_type="diag", reg_covar=_FLOOR, max_iter=60, random_state=seed).fit(data)


def quiet_about_convergence() -> Any:
    """Within this scikit-learn does not warn of an iteration that was stopped, which is meant."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    return warnings.catch_warnings(action="ignore", category=ConvergenceWarning)


def _require(frames: Any, least: int, what: str) -> None:
    if len(frames) < least:
        raise BenchmarkError(f"{len(frames)} frames are too few for {least} {what}; ask for fewer, or add recordings.")


def thinned(frames: Sequence[Frames], most: int) -> Frames:
    """At most about `most` frames of several recordings, evenly over time, equally many of each that has so many."""
    each = max(1, most // max(1, len(frames)))
    return np.concatenate([one[np.linspace(0, len(one) - 1, min(each, len(one))).astype(int)] for one in frames])


def made(name: str, *, size: int, components: int, coefficients: int, root: bool, seed: int) -> Summary:
    """A summary by its name: "mean", "stats", "dct", "codebook" or "gmm"."""
    if name == "codebook":
        return Codebook(size, root=root, seed=seed)
    if name == "gmm":
        return Posteriors(components, seed=seed)
    return Dct(coefficients) if name == "dct" else Moments(mean_only=name == "mean")
