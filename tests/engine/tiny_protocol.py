"""A protocol small enough to see through: half of each class is learned from, as the seed draws it, and the rest is told by class centers.

It embeds real audio with the encoder that needs no weights. Other processes register it under its name (`register`); started as a program
it does a run on its own, to be killed.
"""

from __future__ import annotations

import os
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from musicclass_gui.engine.benchmark import embedded, pool, protocols, runner, runs
from musicclass_gui.engine.benchmark.data import Item
from musicclass_gui.engine.benchmark.protocol import (
    About,
    Cell,
    Config,
    Count,
    Method,
    Option,
    Prediction,
    Published,
    Result,
    Score,
    Verdict,
)
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from musicclass_gui.engine.benchmark.protocol import Tell

ID = "tiny"
TITLE = "Class centers of half the files"
PAPER = "no paper"
LINE = "For tests."
DATASETS = ("folders",)
ENCODERS = ("timbre",)
METHODS = (Method("centers", "Class centers", "Nearest mean."), Method("first", "First class", "Says always the first class.", paper=False))
OPTIONS = (
    Option("slow", "Slow", "Seconds that each cell takes more.", "float", 0.0),
    Option("fails", "Fails", "A method that fails.", "choice", "", ("", "centers", "first")),
    Option("log", "Log", "A file that says what is done.", "choice", ""),
    Option("dies", "Dies", "A file without which the process of a cell ends.", "choice", ""),
)
MODES = ("published", "corrected")
ORDERS = ()
CLASSES = ("buzz", "hum")


def register() -> None:
    """Let this process know the protocol, and those that its pool starts."""
    if ID not in protocols.IDS:
        protocols.IDS = (*protocols.IDS, ID)
    sys.modules[f"{protocols.__name__}.{ID}"] = sys.modules[__name__]
    pool._serve = serve


_serve = pool._serve


def serve(pipe: Connection, config: str) -> None:
    """A process of the pool, which knows the protocol."""
    dask_setup(None)
    _serve(pipe, config)


def dask_setup(_worker: Any) -> None:
    """A worker of a cluster, which knows the protocol."""
    sys.modules.setdefault("tiny_protocol", sys.modules[__name__])
    register()


def make_data(folder: Path, per_class: int = 6) -> Path:
    """Sounds of two classes, not too easy to tell apart."""
    for number in range(2 * per_class):
        kind = CLASSES[number % 2]
        random = np.random.default_rng(number)
        times = np.arange(22050) / 22050
        tone = np.sin(2 * np.pi * (180 + 60 * random.random()) * times)
        noise = random.standard_normal(22050) * (0.4 + 0.2 * (number % 2) * random.random())
        path = folder / kind / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, (0.3 * tone + 0.2 * noise).astype(np.float32), 22050, subtype="FLOAT")
    return folder


def items(config: Config) -> list[Item]:
    paths = sorted(Path(config.data).glob("*/*.wav"))
    return [Item(f"{path.parent.name}/{path.name}", str(path), (path.parent.name,)) for path in paths]


def cells(config: Config) -> list[Cell]:
    known = [method.id for method in METHODS]
    if strange := set(config.methods) - set(known):
        raise BenchmarkError(f"There is no method “{strange.pop()}”; known are {', '.join(known)}.")
    methods, modes = config.methods or known, config.modes or ("corrected",)
    return [Cell(method, mode, "", seed) for mode in modes for method in methods for seed in config.seeds]


def about(config: Config, token: Token, tell: Tell) -> About:
    token.check()
    found = items(config)
    fingerprint = sha256("".join(f"{item.key} {Path(item.path).stat().st_size}" for item in found).encode()).hexdigest()
    verdict = Verdict("same files", "clear", "No file is on both sides.")
    number = len(cells(config))
    return About(TITLE, (Count("files", len(found), 12),), (), (verdict,), CLASSES, fingerprint, number, 1.0 * number, 1e6)


def prepare(config: Config, token: Token, tell: Tell) -> tuple[list[Item], dict[str, Any]]:
    log(config, "prepare")
    heard = embedded.embed(items(config), config.encoder or "timbre", embedded.Cut("grid", 0.5), token, tell, device=config.device)
    if heard.problems:
        raise BenchmarkError(heard.problems[0])
    return items(config), {key: chunks.data.mean(axis=0) for key, chunks in heard.chunks.items()}


def run(config: Config, cell: Cell, prepared: Any, token: Token, tell: Tell) -> Result:
    log(config, cell.name)
    dies = config.options.get("dies")
    if dies and not Path(dies).exists():
        Path(dies).touch()
        os._exit(9)
    time.sleep(float(config.options.get("slow", 0.0)))
    token.check()
    if config.options.get("fails") == cell.method:
        raise BenchmarkError(f"The method {cell.method} fails as it was asked to.")
    tell(f"Learning {cell.method}.")
    predictions = tuple(said(cell, *prepared))
    right = float(np.mean([one.truth == one.said for one in predictions]))
    spread = float(np.mean([score for one in predictions for score in one.scores]))
    scores = (Score("accuracy", right, n=len(predictions)), Score("map", spread))
    return Result(scores, ((right, None), (right, spread)), predictions, ("This is a test.",))


def said(cell: Cell, all_items: list[Item], data: dict[str, Any]) -> list[Prediction]:
    drawn = np.random.default_rng(cell.seed).permutation(len(all_items))
    learned, asked = drawn[::2], drawn[1::2]
    centers = {name: np.mean([data[all_items[i].key] for i in learned if all_items[i].labels[0] == name], axis=0) for name in CLASSES}
    found = []
    for i in asked:
        item = all_items[i]
        scores = [float(-np.linalg.norm(data[item.key] - centers[name])) for name in CLASSES]
        name = CLASSES[int(np.argmax(scores))] if cell.method == "centers" else CLASSES[0]
        found.append(Prediction(item.key, item.labels[0], name, scores=tuple(scores)))
    return found


def published(config: Config, cell: Cell) -> list[Published]:
    return [Published("accuracy", 0.75, "a table of this test")] if cell.method == "centers" else []


def log(config: Config, text: str) -> None:
    if config.options.get("log"):
        with Path(config.options["log"]).open("a") as file:
            file.write(f"{text}\n")


def main(data: str, store: str, log_file: str, workers: str) -> None:
    """A run of this protocol that takes long enough to be killed in between."""
    with runs.opened(Path(store)) as kept:
        runner.run(slow_config(data, log_file), kept, Token(), lambda news: None, workers=int(workers))


def slow_config(data: str, log_file: str) -> Config:
    return Config(ID, data, encoder="timbre", seeds=tuple(range(6)), device="cpu", options={"slow": 0.3, "log": log_file})


if __name__ == "__main__":
    import tiny_protocol

    tiny_protocol.register()
    tiny_protocol.main(*sys.argv[1:])
