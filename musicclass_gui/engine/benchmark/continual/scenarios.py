"""Class orders and chunk lengths: the paper's for its four data sets (continual-paper.md §3.5, §3.6), drawn ones for others.

It knows names of classes only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

Sessions = tuple[tuple[str, ...], ...]

SESSIONS = 5
"""How many sessions a drawn order has, unless there are fewer than two classes for each."""

_GTZAN = (
    "metal,pop | country,disco | reggae,rock | blues,classical | hiphop,jazz",
    "jazz,rock | classical,hiphop | reggae,country | metal,blues | pop,disco",
    "hiphop,metal | reggae,pop | classical,rock | disco,blues | country,jazz",
)
_SINGERS = (
    "f1,f2,m1,m2 | f3,f4,m3,m4 | f5,f6,m5,m6 | f7,f8,m7,m8 | f9,m9,m10,m11",
    "f9,m3,f3,f1 | f8,m1,m9,f5 | f2,m8,f6,m6 | m7,m4,m2,f7 | m10,f4,m5,m11",
    "f8,m7,m8,f1 | m10,f7,m6,m1 | f9,f5,m9,f4 | f3,m4,m5,f6 | m11,f2,m2,m3",
)
_TECHNIQUES = (
    "vibrato,straight | belt,breathy | lip_trill,spoken | inhaled,trill | trillo,vocal_fry",
    "belt,trill | vibrato,inhaled | breathy,straight | vocal_fry,lip_trill | spoken,trillo",
    "spoken,breathy | straight,inhaled | lip_trill,trillo | vibrato,vocal_fry | trill,belt",
)
_FAMILIES = (
    "bass,brass | flute,guitar | keyboard,mallet | organ,reed | string,synth_lead,vocal",
    "keyboard,synth_lead | mallet,guitar | reed,string,bass | vocal,brass | organ,flute",
    "guitar,synth_lead,organ | string,brass | mallet,reed | keyboard,bass | flute,vocal",
)


def _read(text: str, singers: bool = False) -> Sessions:
    parts = [[name.strip() for name in part.split(",")] for part in text.split("|")]
    return tuple(tuple(_singer(name) if singers else name for name in part) for part in parts)


def _singer(short: str) -> str:
    return {"f": "female", "m": "male"}[short[0]] + short[1:]


ORDERS: dict[str, tuple[Sessions, ...]] = {
    "gtzan": tuple(_read(text) for text in _GTZAN),
    "vocalset_singer": tuple(_read(text, singers=True) for text in _SINGERS),
    "vocalset_technique": tuple(_read(text) for text in _TECHNIQUES),
    "nsynth": tuple(_read(text) for text in _FAMILIES),
}


def sessions(dataset: str, order: str, classes: Sequence[str]) -> Sessions:
    """The classes of each session: the paper's order "1", "2" or "3" of its data sets, without classes that are not there.

    For other data sets an order is drawn, whose number is the seed. Raises BenchmarkError for an order that there is not.
    """
    if dataset not in ORDERS:
        return drawn(order, classes)
    if order not in ("1", "2", "3"):
        raise BenchmarkError(f"There is no class order “{order}” of this data set; the paper has 1, 2 and 3.")
    kept = [tuple(name for name in session if name in set(classes)) for session in ORDERS[dataset][int(order) - 1]]
    return tuple(session for session in kept if session)


def drawn(order: str, classes: Sequence[str]) -> Sessions:
    """A drawn order in `SESSIONS` sessions of about equally many classes, at least two each; larger sessions first."""
    import numpy as np

    if not (order.isascii() and order.isdecimal()):
        raise BenchmarkError(f"There is no class order “{order}”; orders are numbers, from which they are drawn.")
    names = [sorted(classes)[place] for place in np.random.default_rng(int(order)).permutation(len(classes))]
    parts = np.array_split(np.arange(len(names)), max(1, min(SESSIONS, len(names) // 2)))
    return tuple(tuple(names[place] for place in part) for part in parts)


@dataclass(frozen=True)
class Chunking:
    """How long chunks are, and how many random ones of each training file stand for an epoch's draws."""

    chunk_s: float
    count: int


_CLMR_S = 59049 / 22050
_MERT = {"gtzan": Chunking(5.0, 6), "vocalset_singer": Chunking(3.0, 2), "vocalset_technique": Chunking(3.0, 2), "nsynth": Chunking(4.0, 1)}
_CLMR = {"gtzan": 11, "vocalset_singer": 2, "vocalset_technique": 2, "nsynth": 1}
_OTHER = Chunking(3.0, 2)


def chunking(dataset: str, encoder: str) -> Chunking:
    """The paper's for its data sets: CLMR's for CLMR, MERT's for all other encoders; 3 s and 2 chunks for other data (§3.5)."""
    if encoder.startswith("clmr"):
        return Chunking(_CLMR_S, _CLMR.get(dataset, _OTHER.count))
    return _MERT.get(dataset, _OTHER)


def patience(dataset: str, encoder: str) -> int:
    """For how many epochs without improvement the paper's runs went on: 20 with MERT, 5 with CLMR, 3 on NSynth (§1.1)."""
    if dataset == "nsynth":
        return 3
    return 5 if encoder.startswith("clmr") else 20
