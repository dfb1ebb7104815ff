"""The same sound twice: the same bytes, or embeddings too alike for two recordings. It compares numbers and knows no audio.

Near twins are found by the cosine of mean embeddings, each dimension centred and scaled to unit variance over all that are compared.
Two are near twins when 1 − cosine is at most 0.1 and each is nearer to the other than 0.4 times its distance to the first recording
that is none of its (up to four) twins: in a class of drum hits all are alike, and only what stands out from that is a copy.

Measured on 70 GTZAN tracks, 200 Freesound clips (10 instruments) and 224 single orchestral notes: 30 of each were re-encoded and put
among the originals. Found, in per cent of the copies (timbre / mn04-as):

              MP3        Opus       −6 dB      0.3 s cut off   cut, −3 dB, MP3
    GTZAN     93 / 100   90 / 100   100 / 100   93 / 100        87 / 100
    Freesound 97 / 80    100 / 100  100 / 100   79 / 45         68 / 21
    notes     83 / 97    100 / 100  90 / 97     50 / 3          33 / 0

Originals that were called near twins of another original, and count as false: none of the 70 tracks and of the 224 notes, 8 and 9 of the
200 Freesound clips (mostly drum hits). Long recordings are found however they were changed; of notes and hits that a window holds whole,
only copies that begin at the same moment. Among fewer than about ten recordings less is found, since the scale is taken from these few.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.heads.sums import unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings

    Span = tuple[float | None, float | None]

_FARTHEST = 0.1  # 1 − cosine of near twins
_STANDS_OUT = 0.4
_MOST_TWINS = 4
_FEWEST = 3  # two recordings are always opposite, once centred
_BLOCK = 1024


@dataclass(frozen=True)
class Pair:
    """Two sounds by their places in what was compared, `a` < `b`; `kind` is "same" or "near"."""

    kind: str
    a: int
    b: int
    likeness: float


def find_twins(hashes: Sequence[str], spans: Sequence[Span], means: Embeddings) -> list[Pair]:
    """All pairs of twins, likest first. `means` is `(n, dim)`; spans `(None, None)` are whole recordings.

    Spans of one recording that do not overlap are no twins. Memory grows with n, time with n² (0.1 s for 2,000 means of 384 numbers).
    """
    if not len(means):
        return []
    points = _points(means)
    found = [Pair("same", a, b, 1.0) for a, b in _same(hashes, spans)]
    found += [Pair("near", a, b, float(points[a] @ points[b])) for a, b in _near(points, np.unique(hashes, return_inverse=True)[1])]
    return sorted(found, key=lambda pair: (pair.kind != "same", -pair.likeness, pair.a, pair.b))


def _points(means: Embeddings) -> NDArray[np.float32]:
    centred = np.asarray(means, np.float64) - np.mean(means, axis=0, dtype=np.float64)
    spread = np.sqrt(np.mean(centred**2, axis=0))
    return unit_rows(centred / np.where(spread > 0, spread, 1.0)).astype(np.float32)


def _same(hashes: Sequence[str], spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(hashes):
        places[one].append(place)
    for those in places.values():
        yield from ((a, b) for a, b in combinations(those, 2) if _overlap(spans[a], spans[b]))


def _overlap(one: Span, other: Span) -> bool:
    starts = [span[0] or 0.0 for span in (one, other)]
    ends = [float("inf") if span[1] is None else span[1] for span in (one, other)]
    return max(starts) < min(ends)


def _near(points: NDArray[np.float32], recording: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Pairs that each find the other; `recording` numbers recordings, and spans of one are not compared."""
    if len(points) < _FEWEST:
        return
    found = {place: twins for first in range(0, len(points), _BLOCK) for place, twins in _block(points, recording, first)}
    for a, twins in found.items():
        yield from ((a, b) for b in twins if b > a and a in found.get(b, ()))


def _block(points: NDArray[np.float32], recording: NDArray[np.intp], first: int) -> Iterator[tuple[int, list[int]]]:
    """For some of the sounds those that stand out as near."""
    likeness = points[first : first + _BLOCK] @ points.T
    likeness[recording[first : first + _BLOCK, None] == recording] = -1.0
    for row in np.flatnonzero(likeness.max(axis=1) >= 1 - _FARTHEST):
        twins = _standing_out(likeness[row])
        if twins:
            yield first + int(row), twins


def _standing_out(likeness: NDArray[np.float32]) -> list[int]:
    count = min(_MOST_TWINS + 1, len(likeness))
    nearest = np.argpartition(-likeness, count - 1)[:count]
    nearest = nearest[np.argsort(-likeness[nearest], kind="stable")]
    distance = np.r_[1 - likeness[nearest], 2.0]
    stands_out = (distance[:-1] <= _FARTHEST) & (distance[:-1] <= _STANDS_OUT * distance[1:])
    twins = np.flatnonzero(stands_out[:_MOST_TWINS])
    return nearest[: twins[-1] + 1].tolist() if len(twins) else []
