"""The leak detector: what makes results too good. Files on both sides of a split, duplicates, and marks of how features were made.

It looks at items, splits and features only and knows no protocol; what it finds is said before a run and printed with its results.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.audio_paths import content_hash
from musicclass_gui.engine.benchmark.cells import single_threaded
from musicclass_gui.engine.benchmark.protocol import Verdict
from musicclass_gui.engine.errors import AudioError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.splits import Split
    from musicclass_gui.engine.task import Token

    Array = NDArray[Any]
    Pair = tuple[Array, Array]

CLEAR, NOTE, LEAK = "clear", "note", "leak"
ORIGINS = ("artist", "album", "piece", "singer", "instrument", "source")
"""Groups whose items sound alike for other reasons than their class; others, such as "fold" or "pitch", are no origin."""

_NEAR = 0.05  # of the usual distance to the nearest neighbour
_NAMED = 5
_LEAST, _MOST = 12, 64  # rows on one side of a cut
_CUTS = 48
_FOLDS = 5
_SURE, _SUSPICIOUS, _MARGIN = 0.01, 0.05, 0.01
_MIDDLE = 4096


def overlaps(items: Sequence[Item], split: Split, token: Token | None = None) -> list[Verdict]:
    """What training and test share: items and files, files with the same content, and each origin (artist, piece …) that is known.

    Files that cannot be read are left to the reader's problems. Raises Cancelled when the token says so.
    """
    known = {item.key: item for item in items}
    train, test = ([known[key] for key in keys if key in known] for keys in (split.train, split.test))
    verdicts = [_same_files(train, test), _same_content(train, test, token)]
    return verdicts + [_same_origin(train, test, name) for name in ORIGINS if _is_origin(items, name)]


def _same_files(train: Sequence[Item], test: Sequence[Item]) -> Verdict:
    trained = {_file(item) for item in train}
    shared = [item for item in test if _file(item) in trained]
    if not shared:
        return Verdict("files", CLEAR, f"None of the {len(test)} test items is from a file that is trained on.", {"items": 0})
    names = _some(sorted({_file(item) for item in shared}))
    sentence = f"{len(shared)} of {len(test)} test items are from files that are trained on too ({names})."
    return Verdict("files", LEAK, sentence, {"items": len(shared)})


def _file(item: Item) -> str:
    return item.path or item.key


def _same_content(train: Sequence[Item], test: Sequence[Item], token: Token | None) -> Verdict:
    trained, tested = ({item.path: item.key for item in items if item.path} for items in (train, test))
    if not trained or not tested:
        return Verdict("content", CLEAR, "There are no audio files to be compared by their content.", {"files": 0})
    pairs = _equal_files(sorted(trained), sorted(tested.keys() - trained.keys()), token)
    if not pairs:
        return Verdict("content", CLEAR, f"None of {len(tested)} test files has the same bytes as a training file.", {"files": 0})
    names = _some([f"{tested[one]} = {trained[other]}" for one, other in pairs])
    return Verdict("content", LEAK, f"{len(pairs)} test files are copies of training files ({names}).", {"files": len(pairs)})


def _equal_files(trained: Sequence[str], tested: Sequence[str], token: Token | None) -> list[tuple[str, str]]:
    """Test files with the training file of the same bytes. A digest is made only of those whose size and middle are equal already."""
    pairs = [(one, "") for one in tested]
    for identity in (_size, _middle, _digest):
        known = _by_identity(trained, identity, token)
        found = [(one, identity(one)) for one, _ in pairs]
        pairs = [(one, known[mark]) for one, mark in found if mark and mark in known]
        marks = {mark for _, mark in found}
        trained = [path for path in trained if identity(path) in marks]
    return pairs


def _by_identity(paths: Iterable[str], identity: Callable[[str], str], token: Token | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        if token is not None:
            token.check()
        found.setdefault(identity(path), path)
    return found


@lru_cache(maxsize=1 << 19)
def _size(path: str) -> str:
    try:
        return str(Path(path).stat().st_size)
    except OSError:
        return ""


@lru_cache(maxsize=1 << 19)
def _middle(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, Path(path).stat().st_size // 2 - _MIDDLE // 2))
            return file.read(_MIDDLE).hex()
    except OSError:
        return ""


@lru_cache(maxsize=1 << 19)
def _digest(path: str) -> str:
    try:
        return content_hash(path)
    except AudioError:
        return ""


def _is_origin(items: Sequence[Item], name: str) -> bool:
    """Whether items have such a group; NSynth's three kinds of "source" are none, UrbanSound's recordings are."""
    values = {item.groups.get(name, "") for item in items} - {""}
    classes = {label for item in items for label in item.labels}
    if values == classes:
        return False
    return bool(values) and (name != "source" or len(values) > len(classes))


def _same_origin(train: Sequence[Item], test: Sequence[Item], name: str) -> Verdict:
    trained = {item.groups.get(name, "") for item in train} - {""}
    shared = [item for item in test if item.groups.get(name, "") in trained]
    if not shared:
        return Verdict(name, CLEAR, f"No {name} of the {len(test)} test items is trained on.", {"items": 0, "groups": 0})
    values = sorted({item.groups[name] for item in shared})
    sentence = f"{len(shared)} of {len(test)} test items share their {name} with training items ({len(values)}: {_some(values)})."
    return Verdict(name, LEAK, sentence, {"items": len(shared), "groups": len(values)})


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def duplicates(features: Any, keys: Sequence[str], split: Split) -> Verdict:
    """Test rows that are in training too, exactly or nearly: features (n, d) with the item's key of each row.

    Near means less than 5 % of the median distance from a test row to its nearest training row, with every feature brought to the same
    spread. Raises DataError for features that are no numbers.
    """
    data = _numbers(features)
    train, test = (_rows(keys, wanted) for wanted in (split.train, split.test))
    if not len(train) or not len(test):
        return Verdict("duplicates", CLEAR, "There are no rows to be compared.", {"exact": 0, "near": 0})
    nearest, distances = _nearest(_even(data), train, test)
    exact = (data[test] == data[nearest]).all(axis=1)
    near = ~exact & (distances < _NEAR * np.median(distances))
    numbers = {"exact": float(exact.sum()), "near": float(near.sum()), "median_distance": float(np.median(distances))}
    if not (exact | near).any():
        return Verdict("duplicates", CLEAR, f"None of {len(test)} test rows has a duplicate among {len(train)} training rows.", numbers)
    pairs = [f"{keys[test[place]]} = {keys[nearest[place]]}" for place in np.flatnonzero(exact | near)]
    sentence = f"{exact.sum()} of {len(test)} test rows are exact and {near.sum()} near duplicates of training rows ({_some(pairs)})."
    return Verdict("duplicates", LEAK if exact.any() else NOTE, sentence, numbers)


def _numbers(features: Any) -> Array:
    data = np.asarray(features, dtype=np.float64)
    if data.ndim != 2 or not np.isfinite(data).all():
        raise DataError(f"Features of shape {data.shape} cannot be searched for leaks: they are no table, or some are no numbers.")
    return data


def _rows(keys: Sequence[str], wanted: Sequence[str]) -> Array:
    chosen = set(wanted)
    return np.array([row for row, key in enumerate(keys) if key in chosen], dtype=np.intp)


def _even(data: Array) -> Array:
    spread = data.std(axis=0)
    return np.asarray((data - data.mean(axis=0)) / np.where(spread > 0, spread, 1))


def _nearest(data: Array, train: Array, test: Array) -> Pair:
    """The nearest training row of each test row, and how far it is."""
    trained, squares = data[train], (data[train] ** 2).sum(axis=1)
    places = [(squares - 2 * data[test[start : start + 512]] @ trained.T).argmin(axis=1) for start in range(0, len(test), 512)]
    nearest = train[np.concatenate(places)]
    return nearest, np.linalg.norm(data[test] - data[nearest], axis=1)


def fingerprint(features: Any, labels: Sequence[str], batch: int = 256) -> Verdict:
    """Whether features (n, d) tell in which batch of consecutive rows they were extracted: then the batch gives the class away.

    Rows of one class just before and just after the first row of a batch are told apart by a linear classifier (cross-validated area under
    the ROC curve), and so are such rows before and after cuts within a batch, which differ in nothing but where they stand in the list. It
    is a leak where the first areas are larger (one-sided Mann-Whitney test, p < 0.01), a note where p < 0.05. Values to be predicted have
    one label for all rows. Found in the features published with Choi et al. 2017, whose batch norm uses each batch's statistics.
    Raises DataError.
    """
    data, names = _numbers(features), np.asarray(labels)
    if len(data) <= batch:
        return Verdict("fingerprint", CLEAR, f"All {len(data)} rows fit into one batch of {batch}, so that batches tell nothing.")
    across, within = _cuts(names, batch)
    if not across or len(within) < 2:
        sentence = f"Whether batches of {batch} rows left a mark cannot be tested: no class has enough rows on both sides of a boundary."
        return Verdict("fingerprint", NOTE, sentence, {"boundaries": len(across), "cuts": len(within)})
    with single_threaded():  # many small problems: threads would wait for each other
        return _marked([_told_apart(data, *pair) for pair in across], [_told_apart(data, *pair) for pair in within], batch)


def _marked(across: list[float], within: list[float], batch: int) -> Verdict:
    from scipy.stats import mannwhitneyu

    p = float(mannwhitneyu(across, within, alternative="greater").pvalue)
    at, inside = float(np.mean(across)), float(np.mean(within))
    level = CLEAR if at < inside + _MARGIN or p >= _SUSPICIOUS else (LEAK if p < _SURE else NOTE)
    found = {
        CLEAR: "there is no sign of a mark of the batch, so these features are cleared",
        NOTE: "rows may carry a mark of their batch, but there are too few boundaries to be sure",
        LEAK: "rows carry a mark of the batch that they were extracted in, and with sorted classes that mark gives the class away",
    }[level]
    sentence = (
        f"Within one class, neighbouring rows are told apart with area {at:.3f} at {len(across)} boundaries of batches of {batch} and "
        f"{inside:.3f} at {len(within)} cuts inside batches (p = {p:.2g}): {found}."
    )
    numbers = {"auc_boundaries": at, "auc_within": inside, "p": p, "boundaries": len(across), "cuts": len(within)}
    return Verdict("fingerprint", level, sentence, numbers)


def _cuts(labels: Array, batch: int) -> tuple[list[Pair], list[Pair]]:
    """Rows before and after boundaries of batches, and before and after cuts within batches, always of one class."""
    across: list[Pair] = []
    within: list[Pair] = []
    for name in sorted(set(labels.tolist())):
        rows = np.flatnonzero(labels == name)
        parts = {int(number): rows[rows // batch == number] for number in np.unique(rows // batch)}
        for number, part in parts.items():
            after = parts.get(number + 1, rows[:0])
            across += [(part[-_MOST:], after[:_MOST])] if min(len(part), len(after)) >= _LEAST else []
            within += list(_within(part))
    return _spread(across), _spread(within)


def _within(part: Array) -> Iterator[Pair]:
    size = min(_MOST, len(part) // 2)
    if size >= _LEAST:
        yield from ((part[cut - size : cut], part[cut : cut + size]) for cut in range(size, len(part) - size + 1, size))


def _spread(pairs: list[Pair]) -> list[Pair]:
    if len(pairs) <= _CUTS:
        return pairs
    return [pairs[int(place)] for place in np.linspace(0, len(pairs) - 1, _CUTS)]


def _told_apart(data: Array, before: Array, after: Array) -> float:
    """The area under the ROC curve of a shrunken linear discriminant, each row scored by one that was trained without it."""
    from scipy.stats import rankdata
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rows, side = _even(data[np.concatenate([before, after])]), np.repeat([0, 1], [len(before), len(after)])
    fold = np.concatenate([np.arange(len(before)), np.arange(len(after))]) % _FOLDS
    scores = np.empty(len(rows))
    for number in range(_FOLDS):
        held = fold == number
        fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(rows[~held], side[~held])
        scores[held] = fitted.decision_function(rows[held])
    ranks = rankdata(scores)[side == 1].sum() - len(after) * (len(after) + 1) / 2
    return float(ranks / (len(before) * len(after)))
