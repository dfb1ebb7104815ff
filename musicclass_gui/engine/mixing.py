"""Learning which layers of an encoder tell classes apart: weights for `View`, found with a small linear probe on held-out recordings.

With fewer recordings than dimensions a probe separates what it learned from with any layer, so how well it does there says nothing.
The weights are therefore chosen by what ridge regression, which has a closed form, says of recordings that it did not learn from:
its squared error in cross-validation is a smooth function of the softmax weights and of the ridge, and is followed downhill (as
Bengio, 2000, does for hyperparameters). It begins at the plain mean of all layers, and goes from there only as far as it pays.
It knows encoders and recordings, and not what the mix is called or where it is kept. torch is imported on use.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import cache, encoders, places
from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.encoders import View
from musicclass_gui.engine.errors import DataError, EncoderError
from musicclass_gui.engine.listening import Batches, Listening, Words, stored
from musicclass_gui.engine.reading import Readers

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from musicclass_gui.engine.cache import Cache, Embedded, Reading
    from musicclass_gui.engine.encoders import Encoder, EncoderSpec
    from musicclass_gui.engine.listening import Ended, File
    from musicclass_gui.engine.project.tags import Tags
    from musicclass_gui.engine.task import Token

FOLDS = 5
MOST_ROWS = 1500  # more examples cost time that grows with their cube, and teach a dozen weights nothing more
_STEPS, _RATE = 150, 0.1  # of Adam
_EVENNESS = 1e-3  # times the weights' divergence from equal ones: keeps layers that do not matter where they began
_RIDGE = 0.1  # to begin with, beside the mean variance
_AHEAD = 2
_WORDS = Words("it changed while it was read", "the encoder gave no numbers for it")


def learn(layers: NDArray[Any], labels: Sequence[str], groups: Sequence[Hashable] | None = None) -> View:
    """Softmax weights, one per layer and 1 in sum, whose mix tells `labels` apart best.

    `layers` is `(n, layers, dim)` with one row per example; examples of one group (a recording, a piece) are never on both sides of a
    split, and without `groups` each is its own. The same input gives the same weights. Raises DataError unless there are two classes,
    each with two groups.
    """
    data = np.asarray(layers, np.float32)
    if data.ndim != 3 or len(data) != len(labels) or (groups is not None and len(groups) != len(labels)):
        raise DataError(f"A mix is learned from rows of layers with a label each, not from {data.shape} and {len(labels)} labels.")
    if not np.isfinite(data).all():
        raise DataError("Some of the examples have layers that are not numbers; leave them out.")
    folds = _folds(labels, range(len(labels)) if groups is None else groups)
    rows = _chosen(labels)
    weights = _descend(data[rows], _targets([labels[row] for row in rows]), folds[rows])
    return View(tuple(float(weight) for weight in weights))


def learn_from_folders(base_id: str, folder: Path, token: Token, device: str = "auto") -> View:
    """The mix of an encoder's layers that tells the sub-folders of `folder` apart, each a class of recordings.

    Each recording counts once, as the mean of its windows that are not silent; copies of one recording count as one group. What was
    computed before is taken from the cache, and what is computed is kept there. Recordings that cannot be used are left out. Raises
    DataError when two classes of two different recordings do not remain, EncoderError for an encoder without layers to mix, Cancelled.
    """
    spec = _mixable(base_id)
    classes = {path: sub.name for sub in _classes(folder) for path in find_recordings([sub], token)}
    heard = _heard(spec, list(classes), token, device)
    if not heard.means:
        raise DataError(f"“{folder}” has no sub-folders with recordings that can be used{heard.example}; put each class into one.")
    try:
        paths = [path for path in classes if path in heard.means]  # not in the order in which they were through
        labels, groups = [classes[path] for path in paths], [heard.hashes[path] for path in paths]
        return learn(np.stack([heard.means[path] for path in paths]), labels, groups)
    except DataError as error:
        raise DataError(f"{error}{heard.example}") from error


def _mixable(base_id: str) -> EncoderSpec:
    spec = encoders.find_spec(base_id)
    if spec is None or spec.layers is None or spec.of:
        raise EncoderError(f"The encoder {base_id} has no layers to mix; see “musicclass models list”.")
    if spec.layers.joined != "mean":
        raise EncoderError(f"The layers of {base_id} are not mixed but put side by side; name those to take, as in {base_id}_12.")
    return spec


def _classes(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"“{folder}” cannot be read ({error.strerror or error}); name a folder that has one sub-folder per class."
        ) from error


class _Heard:
    """Collects each recording's mean; what the cache has is not computed again."""

    def __init__(self, spec: EncoderSpec, kept: Cache) -> None:
        self.means: dict[Path, NDArray[np.float32]] = {}
        self.hashes: dict[Path, str] = {}
        self.failures: list[str] = []
        self._spec, self._cache = spec, kept

    @property
    def example(self) -> str:
        """One of those that were left out, for a sentence on why too few are left."""
        return f" ({len(self.failures)} were left out, for one: {self.failures[0].rstrip('.')})" if self.failures else ""

    def known_hash(self, file: File) -> str | None:
        return self._cache.known_hash(file.stamp)

    def remember_hash(self, file: File, content: str) -> None:
        self._cache.remember_hash(file.stamp, content)

    def has(self, file: File) -> bool:
        """Whether a copy of it was heard."""
        twin = next((path for path, content in self.hashes.items() if content == file.hash), None)
        if twin is not None:
            self.means[file.path], self.hashes[file.path] = self.means[twin], file.hash
        return twin is not None

    def cached(self, file: File) -> tuple[Embedded, Reading] | None:
        return stored(self._cache, file.hash, self._spec, self._spec.grid)

    def remember(self, file: File, embedded: Embedded, reading: Reading) -> None:
        self._cache.remember_reading(file.hash, reading)
        self._cache.remember_embedded(file.hash, self._spec, self._spec.grid, embedded)

    def refusal(self, embedded: Embedded) -> str:
        return "" if embedded.loud.any() else "it is silent"

    def keep(self, file: File, embedded: Embedded, _reading: Reading, _tags: Tags | None) -> None:
        if embedded.layers is not None:
            self.hashes[file.path] = file.hash
            self.means[file.path] = embedded.layers[embedded.loud].mean(axis=0, dtype=np.float32)

    def take(self, ended: Ended) -> None:
        if ended.state == "failed":
            self.failures.append(f"{ended.path}: {ended.reason}")


def _heard(spec: EncoderSpec, files: list[Path], token: Token, device: str) -> _Heard:
    with cache.opened(places.cache_dir()) as kept, Readers(spec.grid, spec.sample_rate, _AHEAD, tags=False) as readers:
        heard = _Heard(spec, kept)
        if files:
            Listening(files, len(files), heard, Batches(spec, _once(spec.id, device)), readers, token, heard.take, _WORDS).run()
    return heard


def _once(encoder_id: str, device: str) -> Callable[[], Encoder]:
    """Loads the encoder when there is something to compute, and not twice."""
    loaded: list[Encoder] = []

    def load() -> Encoder:
        if not loaded:
            loaded.append(encoders.load(encoder_id, device=device))
        return loaded[0]

    return load


def _folds(labels: Sequence[str], groups: Sequence[Hashable]) -> NDArray[np.intp]:
    """Which fold each row is held out in, `(n,)`: each class's groups are dealt out in turn, as many ways as the rarest class allows."""
    of_class: defaultdict[str, dict[Hashable, None]] = defaultdict(dict)
    owner: dict[Hashable, str] = {}
    for label, group in zip(labels, groups, strict=True):
        of_class[owner.setdefault(group, label)][group] = None
    rarest = min(set(labels), key=lambda label: (len(of_class[label]), label), default="")
    if len(set(labels)) < 2:
        raise DataError("A mix of layers can be learned only where there are at least two classes.")
    if len(of_class[rarest]) < 2:
        raise DataError(f"“{rarest}” has fewer than two different recordings, so nothing can be held out to learn a mix by.")
    ways = min(FOLDS, len(of_class[rarest]))
    dealt = {group: number % ways for own in of_class.values() for number, group in enumerate(own)}
    return np.array([dealt[group] for group in groups])


def _chosen(labels: Sequence[str]) -> NDArray[np.intp]:
    """The numbers of at most `MOST_ROWS` rows, spread evenly over each class."""
    if len(labels) <= MOST_ROWS:
        return np.arange(len(labels))
    named = np.asarray(labels, dtype=object)
    most = max(2 * FOLDS, MOST_ROWS // len(set(labels)))
    spread = [_spread(np.flatnonzero(named == label), most) for label in sorted(set(labels))]
    return np.sort(np.concatenate(spread))


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    spread: NDArray[np.intp] = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.intp)]
    return spread


def _targets(labels: Sequence[str]) -> NDArray[np.float64]:
    """`(n, classes)` 0 and 1, each column weighted so that all classes count alike."""
    counts = Counter(labels)
    names = sorted(counts)
    return np.array([[(label == name) / np.sqrt(counts[name] / len(labels)) for name in names] for label in labels])


def _descend(data: NDArray[np.float32], targets: NDArray[np.float64], folds: NDArray[np.intp]) -> NDArray[np.float64]:
    """The softmax weights after following the held-out error downhill."""
    import torch

    rows, wanted = torch.from_numpy(data).double(), torch.from_numpy(targets)
    held_out = [torch.from_numpy(folds == fold) for fold in np.unique(folds)]
    logits = torch.zeros(data.shape[1], dtype=torch.float64, requires_grad=True)
    ridge = torch.tensor(np.log(_RIDGE), dtype=torch.float64, requires_grad=True)
    with torch.inference_mode(False), torch.enable_grad():
        steps = torch.optim.Adam([logits, ridge], lr=_RATE)
        for _ in range(_STEPS):
            steps.zero_grad()
            weights = logits.softmax(0)
            even = (weights * (weights * len(weights)).log()).sum()
            (_held_out_error(rows, wanted, held_out, weights, ridge.exp()) + _EVENNESS * even).backward()  # type: ignore[no-untyped-call]
            steps.step()
    found: NDArray[np.float64] = logits.detach().softmax(0).numpy()
    return found


def _held_out_error(rows: Tensor, wanted: Tensor, held_out: list[Tensor], weights: Tensor, ridge: Tensor) -> Tensor:
    """Mean squared error of ridge regression on examples it did not learn from, beside that of saying nothing."""
    import torch

    mixed = torch.einsum("nld,l->nd", rows, weights)
    mixed = (mixed - mixed.mean(0)) / (mixed.std(0) + 1e-12)
    products = mixed @ mixed.T / mixed.shape[1]
    error = torch.zeros((), dtype=rows.dtype)
    for out in held_out:
        told, mean = ~out, wanted[~out].mean(0)
        inside = products[told][:, told]
        answers = torch.linalg.solve(inside + ridge * torch.eye(len(inside), dtype=rows.dtype), wanted[told] - mean)
        error = error + (products[out][:, told] @ answers + mean - wanted[out]).square().sum()
    return error / (wanted - wanted.mean(0)).square().sum()
