"""The sound map and “more like this”: recordings as points on a plane, and which sounds are near one that was asked about.

Both measure where the classifier's head measures, so that what is near is what it finds alike. They read embeddings from a
project and change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.lessons.fetching import rows_of, windows_of
from musicclass_gui.engine.project.board import Alike, Point, SoundMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.project.rows import ClassifierRow, EmbeddedRow, ExampleRow, RecordingRow
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Span

    Matrix = NDArray[np.float64]

MOST_ALIKE = 30

_PERPLEXITY = 30.0
_FEWEST_FOR_TSNE = 5  # of fewer, all are one another's neighbours
_REDUCED = 50  # dimensions that t-SNE is given
_ROWS_AT_ONCE = 8192
_SEED = 0
_LEARNED = " Distance was learned from what was taught, so taught sounds stand closer together than new ones would."
_TSNE_LEGEND = "Neighbours are alike; distances between far groups and the sizes of groups mean nothing."


def project_points(project: Project, classifier: ClassifierRow, said: Mapping[str, int] | None = None) -> tuple[list[Point], Matrix]:
    """Everything in the project that the classifier's encoder has heard, as points still at (0, 0), and their mean embeddings `(n, dim)`.

    Each recording is a point, of the class that it is an example of; each span that is an example is one more.
    `said`: hash → the class that the recording is answered as. Window data is read only for spans.
    """
    names = (classifier.encoder, classifier.encoder_version, classifier.grid)
    hashes, means = project.means(*names)
    recordings, examples = {row.hash: row for row in project.recordings()}, project.examples(classifier.id)
    whole = {example.hash: example.cls for example in reversed(examples) if example.start_s is None}
    points = [_point(recordings[hash], whole.get(hash), (said or {}).get(hash)) for hash in hashes]
    spans = list(_span_points(project, names, [example for example in examples if example.start_s is not None], recordings))
    rows = [mean for mean in means] + [row for _, row in spans]
    return points + [point for point, _ in spans], np.asarray(rows, np.float64).reshape(len(rows), classifier.dim)


def sound_map(points: Sequence[Point], rows: NDArray[Any], how: str, head: Scorer | None = None, token: Token | None = None) -> SoundMap:
    """`points` placed by their embeddings `rows` `(n, dim)`; `how` is "pca" or "tsne".

    In the space where `head` measures distance, or that of the embeddings where there is none. The same input gives the same map.
    PCA by SVD, each axis turned so that its greatest loading is positive; t-SNE by scikit-learn, begun from the PCA with a fixed
    seed, of at most 50 principal components. Raises Cancelled (t-SNE: only before and after).
    """
    _check(token)
    plane, kept, reduced = _principal(_measured(np.asarray(rows, np.float64), head))
    legend = _pca_legend(kept, len(points), whitened=head is not None)
    if how == "tsne":
        plane, legend = _neighbours(plane, reduced), _TSNE_LEGEND + (_LEARNED if head is not None else "")
    _check(token)
    return SoundMap(how, legend, [replace(point, x=float(x), y=float(y)) for point, (x, y) in zip(points, plane, strict=True)])


def alike(
    project: Project,
    classifier: ClassifierRow,
    wanted: NDArray[Any],
    *,
    head: Scorer | None = None,
    own: tuple[str, float, float] | None = None,
    token: Token | None = None,
    most: int = MOST_ALIKE,
) -> list[Alike]:
    """The windows in the project nearest to the embedding `wanted` `(dim,)`, nearest first, where `head` measures distance.

    Distances are in `usual_distance`s. `own`: the hash and span that was asked about, whose overlapping windows are left out. Of
    overlapping windows of one recording only the nearest is given, and silence never. Raises Cancelled.
    """
    target = _measured(np.asarray(wanted, np.float64)[None], head)[0]
    candidates = [near for chunk in _heard(project, classifier, token) for near in _nearest(chunk, target, head, own, most)]
    candidates.sort(key=lambda near: (near.distance, near.hash, near.span))
    recordings = {row.hash: row for row in project.recordings()}
    classes, unit = _class_names(project, classifier), usual_distance(project, classifier, head)
    nearest = (replace(near, distance=near.distance / unit) for near in _without_overlaps(candidates, most))
    return [_alike(near, recordings[near.hash], classes) for near in nearest]


def usual_distance(project: Project, classifier: ClassifierRow, head: Scorer | None) -> float:
    """How far apart two sounds of one class usually are (root mean square), where `head` measures distance.

    Where it makes the covariance within classes the identity, that is √(2 · dim). It is not measured there on what was taught, which
    stands closer together than new sounds do: the median of pairs was 17–18.5 for taught ones and 19–25 with one held out (mn04-as on
    GTZAN, Philharmonia and Freesound). Elsewhere it is measured on the recordings' means, over all of them where no class has two.
    """
    if head is not None and head.kind != "centers":
        return sqrt(2 * classifier.dim)
    points, rows = project_points(project, classifier)
    members = [np.flatnonzero([point.cls == cls for point in points]) for cls in {point.cls for point in points if point.cls is not None}]
    several = [rows[places] for places in members if len(places) > 1] or [rows]
    deviations = np.concatenate([part - part.mean(axis=0) for part in several])
    freedom = max(1, len(deviations) - len(several))
    return sqrt(2 * float((deviations**2).sum()) / freedom) or 1.0


def span_mean(embedded: EmbeddedRow, start_s: float | None, end_s: float | None) -> NDArray[np.float32] | None:
    """The mean embedding `(dim,)` of a recording or a span, of the windows that an example of it would learn from; None: all silent."""
    rows = rows_of(embedded, start_s, end_s)
    return np.asarray(rows.mean(axis=0, dtype=np.float64), np.float32) if len(rows) else None


@dataclass(frozen=True)
class _Chunk:
    """Loud windows of some recordings."""

    hashes: list[str]
    spans: list[Span]
    rows: NDArray[np.float32]


@dataclass(frozen=True)
class _Near:
    """A window and how far it is."""

    distance: float
    hash: str
    span: Span


def _check(token: Token | None) -> None:
    if token is not None:
        token.check()


def _measured(rows: Matrix, head: Scorer | None) -> Matrix:
    return rows if head is None or not len(rows) else np.asarray(head.whiten(rows), np.float64)


def _point(recording: RecordingRow, cls: int | None, said: int | None, span: tuple[float | None, float | None] = (None, None)) -> Point:
    return Point(recording.hash, str(recording.path), recording.title or recording.path.name, *span, 0.0, 0.0, cls, said)


def _span_points(
    project: Project, names: tuple[str, str, str], examples: Iterable[ExampleRow], recordings: Mapping[str, RecordingRow]
) -> Iterator[tuple[Point, NDArray[np.float32]]]:
    for example in examples:
        embedded = project.embedded(example.hash, *names)
        mean = None if embedded is None else span_mean(embedded, example.start_s, example.end_s)
        if mean is not None:
            yield _point(recordings[example.hash], example.cls, None, (example.start_s, example.end_s)), mean


def _principal(rows: Matrix) -> tuple[Matrix, float | None, Matrix]:
    """The first two principal components `(n, 2)`, the share of the spread that they show (None: there is none), and the first 50."""
    if not len(rows):
        return np.zeros((0, 2)), None, rows
    centred = rows - rows.mean(axis=0)
    left, spread, axes = np.linalg.svd(centred, full_matrices=False)
    signs = np.where(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)[:, 0] < 0, -1.0, 1.0)
    placed = left * spread * signs
    total = float((spread**2).sum())
    if total <= 1e-18 * max(1.0, float((rows**2).sum())):  # nothing but rounding
        return np.zeros((len(rows), 2)), None, np.zeros((len(rows), 2))
    plane = np.pad(placed, ((0, 0), (0, max(0, 2 - placed.shape[1]))))[:, :2]
    return plane, float((spread[:2] ** 2).sum()) / total, placed[:, :_REDUCED]


def _pca_legend(kept: float | None, count: int, *, whitened: bool) -> str:
    if kept is None:
        return "There is only one sound to show." if count == 1 else "There is nothing to tell apart."
    return (
        f"Both axes together show {round(100 * kept)} % of the spread; distance means difference, "
        f"but points that lie together may differ in what is not shown.{_LEARNED if whitened else ''}"
    )


def _neighbours(plane: Matrix, reduced: Matrix) -> Matrix:
    """The t-SNE `(n, 2)`, begun from the principal components."""
    spread = float(plane[:, :1].std()) if len(plane) else 0.0
    if len(plane) < _FEWEST_FOR_TSNE or spread == 0.0:
        return plane
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(plane) - 1) / 3)
    begin = (plane / spread * 1e-4).astype(np.float32)  # as scikit-learn scales its own
    made = TSNE(2, perplexity=perplexity, init=begin, random_state=_SEED, n_jobs=1).fit_transform(reduced.astype(np.float32))
    return np.asarray(made, np.float64)


def _heard(project: Project, classifier: ClassifierRow, token: Token | None) -> Iterator[_Chunk]:
    """All loud windows of the project, in chunks."""
    names = (classifier.encoder, classifier.encoder_version, classifier.grid)
    hashes: list[str] = []
    spans: list[Span] = []
    rows: list[NDArray[np.float32]] = []
    for hash in project.means(*names)[0]:
        _check(token)
        embedded = project.embedded(hash, *names)
        if embedded is None:
            continue
        loud = windows_of(embedded, None, None)
        rows.append(embedded.data[loud])
        spans += [span for span, keep in zip(embedded.spans, loud, strict=True) if keep]
        hashes += [hash] * int(loud.sum())
        if len(hashes) >= _ROWS_AT_ONCE:
            yield _Chunk(hashes, spans, np.concatenate(rows))
            hashes, spans, rows = [], [], []
    if hashes:
        yield _Chunk(hashes, spans, np.concatenate(rows))


def _nearest(chunk: _Chunk, target: Matrix, head: Scorer | None, own: tuple[str, float, float] | None, most: int) -> Iterator[_Near]:
    """The best of a chunk without overlaps."""
    distances = np.linalg.norm(_measured(np.asarray(chunk.rows, np.float64), head) - target, axis=1)
    ordered = (_Near(float(distances[i]), chunk.hashes[i], chunk.spans[i]) for i in np.argsort(distances, kind="stable"))
    return _without_overlaps((near for near in ordered if not _is_own(near, own)), most)


def _is_own(near: _Near, own: tuple[str, float, float] | None) -> bool:
    return own is not None and near.hash == own[0] and _overlaps(near.span, own[1:])


def _without_overlaps(ordered: Iterable[_Near], most: int) -> Iterator[_Near]:
    """The first of those that overlap, `most` in all."""
    taken: dict[str, list[Span]] = {}
    left = most
    for near in ordered:
        if not left:
            return
        of_same = taken.setdefault(near.hash, [])
        if not any(_overlaps(near.span, span) for span in of_same):
            of_same.append(near.span)
            left -= 1
            yield near


def _overlaps(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _class_names(project: Project, classifier: ClassifierRow) -> dict[str, list[tuple[Span, str]]]:
    """By hash: the spans that are examples, and their classes' names."""
    names = {row.id: row.name for row in project.classes(classifier.id)}
    found: dict[str, list[tuple[Span, str]]] = {}
    for example in project.examples(classifier.id):
        whole = example.start_s is None or example.end_s is None
        span = (0.0, float("inf")) if whole else (float(example.start_s or 0.0), float(example.end_s or 0.0))
        if example.cls in names:
            found.setdefault(example.hash, []).append((span, names[example.cls]))
    return found


def _alike(near: _Near, recording: RecordingRow, classes: Mapping[str, list[tuple[Span, str]]]) -> Alike:
    name = next((name for span, name in classes.get(near.hash, []) if _overlaps(span, near.span)), "")
    title = recording.title or recording.path.name
    return Alike(near.hash, str(recording.path), title, *near.span, near.distance, name)
