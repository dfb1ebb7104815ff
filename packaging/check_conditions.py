"""How a genre classifier takes recordings that come otherwise than those it learned: `check_conditions.py DATA [ENCODER …]`.

Each of 20 GTZAN tracks that house-v1 never heard is judged by a head that learned all others, once as they are and once with the copies
that the shipped classifiers learn. Printed: how many are named rightly, and how many are called none of these, at the threshold that one
in twenty of the tracks as they are exceeds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import distortion, encoders
from musicclass_gui.engine.build import COPIES, assemble, embedding, evaluate, one_thread, weights_in
from musicclass_gui.engine.build.datasets import load
from musicclass_gui.engine.calibration import threshold_at
from musicclass_gui.engine.encoders import house
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.build.embedding import Embedded
    from musicclass_gui.engine.encoders import Encoder
    from musicclass_gui.engine.windows import Audio


CONDITIONS: dict[str, Callable[[Audio, int], Audio]] = {
    "as it is": lambda samples, rate: samples,
    "15 dB quieter": lambda samples, rate: samples * np.float32(10 ** (-15 / 20)),
    "low MP3": lambda samples, rate: distortion.through_mp3(samples, rate, 0.9),
    "in a room": lambda samples, rate: distortion.echoed(samples, np.random.default_rng(0).standard_normal(rate // 2), 0.4),
}


def main(data: Path, encoder_ids: list[str]) -> None:
    """Print a line for each encoder and way of learning."""
    dataset = load("genre", data).known_to("house-v1", house.heard())
    print("encoder", "copies", *CONDITIONS, sep="\t")
    for name in encoder_ids:
        encoder = encoders.load(name, weights=weights_in(name, data))
        for copies in (0, COPIES):
            recordings = embedding.embed(dataset, encoder, Token(), copies)
            print(name, copies, *told(dataset.classes, encoder, recordings), sep="\t", flush=True)


def told(classes: list[str], encoder: Encoder, recordings: list[Embedded]) -> list[str]:
    """Rightly named and rejected of all, condition by condition."""
    folds = evaluate.unheard(evaluate.one_group_out(recordings))
    make = assemble.gaussian(recordings)
    heads = [(evaluate.teach(make, classes, learned), judged[0].example) for learned, judged in folds]
    found, limit = [], 0.0
    for change in CONDITIONS.values():
        rights, novelties = [], []
        for head, example in heads:
            spec = encoder.spec
            windows = embedding.windows_of(example.path, spec.grid, spec.sample_rate, Token())
            scores, novelty = head.judge(encoder.embed([change(window.samples, spec.sample_rate) for window in windows]))
            rights.append(head.classes[int(scores.mean(0).argmax())] == example.label)
            novelties.append(float(novelty.mean()))
        limit = limit or threshold_at(np.asarray(novelties))
        found.append(f"{sum(rights)} right, {sum(one > limit for one in novelties)} none, of {len(heads)}")
    return found


if __name__ == "__main__":
    with one_thread():
        main(Path(sys.argv[1]), sys.argv[2:] or ["house-v1", "timbre", "mn04-as"])
