"""Measures the whole continual grid, nine methods in three class orders, on made-up embeddings of GTZAN's size and MERT's shape.

Beside it stands what the same training would take as the published code does it, which runs the encoder over every chunk again in every
epoch: the seconds of a net of MERT's size for a chunk of 5 s, measured in the same run, times the chunks that the methods went through.
That is the least it could be: decoding, iCaRL's second network and GEM's memories come on top. L2P is left out: it has to do so.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    import torch

    from musicclass_gui.engine.benchmark.continual.material import Material

METHODS = ("joint", "finetune", "ewc", "gem", "replay", "icarl", "class-centers", "cosine-centers", "gaussian")
TRACKS = {"train": 443, "valid": 197, "test": 290}  # of GTZAN's fault-filtered lists
CHUNKS, LAYERS, DIM = 6, 13, 768
CHUNK_S, RATE = 5.0, 24_000
LIMIT_S = 600.0


@dataclass
class Visits:
    """How many chunks went through a head, which the published code would have run the encoder for."""

    count: int = 0


def main() -> int:
    """Measure and say; 1 when the grid takes longer than it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", default="published", choices=("published", "corrected"))
    parser.add_argument("--methods", default=",".join(METHODS), help="which methods, with commas")
    parser.add_argument("--orders", default="1,2,3")
    given = parser.parse_args()
    from musicclass_gui.engine.benchmark.cells import single_threaded

    material, visits, start = made(), counted(), time.process_time()
    total = 0.0
    for method in given.methods.split(","):
        before, seconds, accuracy = visits.count, 0.0, []
        for order in given.orders.split(","):
            with single_threaded():
                took, final = cell(method, given.mode, order, material)
            seconds, accuracy = seconds + took, [*accuracy, final]
        if visits.count == before:
            visits.count += len(accuracy) * passes(material)
        total += seconds
        print(f"{method:<16}{seconds:8.1f} s  {visits.count - before:>10,} chunks  accuracy {np.mean(accuracy):.3f}", flush=True)
    busy = time.process_time() - start
    chunk_s = encoder_seconds()
    again, once = visits.count * chunk_s, CHUNKS * (TRACKS["train"] + sum(TRACKS.values())) * chunk_s
    print(f"\n{'ok  ' if total <= LIMIT_S else 'MISS'}  the grid on cached embeddings, one cell after the other on one core: ", end="")
    print(f"{total:.0f} s, {busy:.0f} s of them computing (at most {LIMIT_S:.0f})")
    print(
        f"      encoding at every visit: {visits.count:,} chunks × {chunk_s:.2f} s = {again / 3600:.1f} h, {again / total:,.0f} times that"
    )
    print(f"      with embedding every chunk once before: {(once + total) / 3600:.2f} h, {again / (once + total):,.0f} times as fast")
    return 0 if total <= LIMIT_S else 1


def made() -> Material:
    """Random chunks of the training tracks and consecutive ones of all: classes overlap, tracks differ, chunks of a track are alike."""
    from musicclass_gui.engine.benchmark.continual import material, scenarios
    from musicclass_gui.engine.benchmark.continual.division import Division
    from musicclass_gui.engine.benchmark.data import Found, Item
    from musicclass_gui.engine.benchmark.embedded import Heard
    from musicclass_gui.engine.benchmark.splits import Split

    classes = tuple(sorted(name for session in scenarios.ORDERS["gtzan"][0] for name in session))
    keys = {part: [f"{part}/{number:03}" for number in range(count)] for part, count in TRACKS.items()}
    items = tuple(Item(key, labels=(classes[at % 10],), split=part) for part, those in keys.items() for at, key in enumerate(those))
    random = np.random.default_rng(0)
    centers = 0.12 * random.standard_normal((10, LAYERS, DIM), np.float32)
    sound = {item.key: centers[classes.index(item.labels[0])] + random.standard_normal((LAYERS, DIM), np.float32) for item in items}
    drawn = Heard({key: chunks(sound[key], random) for key in keys["train"]})
    whole = Heard({key: chunks(track, random) for key, track in sound.items()})
    split = Split(tuple(keys["train"]), tuple(keys["valid"]), tuple(keys["test"]), "made up", 0)
    found = Found("gtzan", "Made up", "", "classes", classes, items)
    heard = {material.RANDOM: drawn, material.GRID: whole}
    return material.gathered(found, {leaking: Division(split) for leaking in (False, True)}, heard, layered=True)


def chunks(track: Any, random: np.random.Generator) -> Any:
    """A track's chunks."""
    from musicclass_gui.engine.benchmark.embedded import Chunks

    layers = (track + 0.5 * random.standard_normal((CHUNKS, LAYERS, DIM), np.float32)).astype(np.float16)
    return Chunks(layers.astype(np.float32).mean(axis=1), layers)


def counted() -> Visits:
    """Count what the trained methods go through, in training and in evaluation."""
    from musicclass_gui.engine.benchmark.continual.training import Learner

    visits, epoch, scores = Visits(), Learner.epoch, Learner.scores

    def counting_epoch(self: Learner, pool: Any, adam: torch.optim.Optimizer) -> None:
        visits.count += len(pool)
        epoch(self, pool, adam)

    def counting_scores(self: Learner, pool: Any) -> Any:
        visits.count += len(pool)
        return scores(self, pool)

    Learner.epoch, Learner.scores = counting_epoch, counting_scores  # type: ignore[method-assign]
    return visits


def cell(method: str, mode: str, order: str, material: Material) -> tuple[float, float]:
    """Seconds, and the accuracy at the end."""
    from musicclass_gui.engine.benchmark.protocol import Cell, Config
    from musicclass_gui.engine.benchmark.protocols import continual
    from musicclass_gui.engine.task import Token

    config = Config("continual", "", "gtzan", "mert-v1-95m", (method,), (mode,), (order,))
    start = time.perf_counter()
    result = continual.run(config, Cell(method, mode, order), material, Token(), lambda text: None)
    return time.perf_counter() - start, result.scores[0].value


def passes(material: Material) -> int:
    """Chunks that a method without training goes through: each training file once, and the test files after each session."""
    from musicclass_gui.engine.benchmark.continual import scenarios

    sessions = material.sessions(scenarios.ORDERS["gtzan"][0], leaking=False)
    return sum(len(one.grid) + len(one.test) * (len(sessions) - at) for at, one in enumerate(sessions))


def encoder_seconds(rounds: int = 3) -> float:
    """The least seconds of a chunk through a net of MERT's size with random weights, one at a time, on one core or on all."""
    import torch
    from transformers import HubertConfig, HubertModel

    net = HubertModel(HubertConfig(apply_spec_augment=False)).eval()
    sound, usual, taken = 0.1 * torch.randn(1, int(CHUNK_S * RATE)), torch.get_num_threads(), []
    with torch.inference_mode():
        for threads in (1, usual) * rounds:
            torch.set_num_threads(threads)
            start = time.perf_counter()
            net(sound, output_hidden_states=True)
            taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    sys.exit(main())
