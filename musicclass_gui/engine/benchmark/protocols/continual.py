"""The protocol of the ISMIR 2024 paper: classes learned in five sessions on frozen embeddings, as published and corrected.

It says what can be asked for and what came of it; the data's division, the sessions and the strategies are in `benchmark.continual`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine import encoders
from musicclass_gui.engine.benchmark import readers, splits
from musicclass_gui.engine.benchmark.continual import division, methods, scenarios
from musicclass_gui.engine.benchmark.continual import published as printed
from musicclass_gui.engine.benchmark.continual.sessions import Settings, Task
from musicclass_gui.engine.benchmark.embedded import Cut, embed
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, About, Cell
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.division import Division
    from musicclass_gui.engine.benchmark.continual.material import Material
    from musicclass_gui.engine.benchmark.data import Found, Item
    from musicclass_gui.engine.benchmark.embedded import Heard
    from musicclass_gui.engine.benchmark.protocol import Config, Method, Option, Published, Result, Tell, Verdict
    from musicclass_gui.engine.task import Token

ID = "continual"
TITLE = "Continual learning of music classes"
PAPER = "ISMIR 2024; code at github.com/pedrocg42/continual-music-classification"
LINE = "Classes come in five sessions; after each, every test file of the classes seen so far is asked for. The encoder stays as it is."
DATASETS = ("gtzan", "vocalset_singer", "vocalset_technique", "nsynth", "folders", "table", "ballroom", "urbansound8k")
ENCODERS = ("mert-v1-95m", "clmr")
METHODS: tuple[Method, ...] = methods.METHODS
OPTIONS: tuple[Option, ...] = methods.OPTIONS
MODES = (PUBLISHED, CORRECTED)
ORDERS = ("1", "2", "3")

_EMBEDDING = {"hubert": 0.1, "clap": 0.05, "": 0.012}
"""Seconds that a processor takes to decode and embed a second of sound, about, by the encoder's family; "" is every other one."""
_CELL_S = 0.01
"""Seconds that a cell takes for each file, about."""

_PROMPTS = "l2p"
_PROMPTING = 120
"""How often a cell of L2P does what embedding the training chunks once costs, about: 30 epochs, of two passes and one back through both."""


def cells(config: Config) -> list[Cell]:
    """Every method in every mode, class order and seed. Raises BenchmarkError."""
    asked = _methods(config)
    modes, orders = _known(config.modes, MODES, "mode"), config.orders or ORDERS
    for mode in modes:
        settings(config, mode)
    return [Cell(method, mode, order, seed) for method in asked for mode in modes for order in orders for seed in config.seeds]


def settings(config: Config, mode: str) -> Settings:
    """The options of a mode, each as the mode has it, or as the user set it. Raises BenchmarkError for values that cannot be meant."""
    if wrong := sorted(set(config.options) - {one.id for one in OPTIONS}):
        raise BenchmarkError(f"There is no option “{wrong[0]}” in this protocol; see its list of options.")
    values = {one.id: config.options.get(one.id, one.modes.get(mode, one.default)) for one in OPTIONS}
    values["patience"] = values["patience"] or scenarios.patience(_dataset(config), _encoder(config))
    made = Settings(values)
    for one in OPTIONS:
        methods.check(one, made)
    return made


def about(config: Config, token: Token, tell: Tell) -> About:
    """Look at the data, divide them, and estimate; nothing is embedded. Raises BenchmarkError, DataError."""
    asked = cells(config)
    found = _found(config, token, tell)
    for order in {cell.order for cell in asked}:
        scenarios.sessions(found.dataset, order, found.classes)
    divisions = _divisions(config, found)
    embedding_s, disk = _estimate(config, found, divisions)
    return About(
        title=f"{TITLE}: {found.title}",
        counts=found.counts,
        problems=tuple(dict.fromkeys((*found.problems, *_notes(config, divisions)))),
        verdicts=tuple(_verdicts(found, divisions)),
        classes=found.classes,
        fingerprint=_fingerprint(found),
        cells=len(asked),
        seconds=embedding_s + len(asked) * len(found.items) * _CELL_S + _prompting_s(config, asked, divisions, found),
        disk_bytes=disk,
        split=splits.saved({PUBLISHED if leaking else CORRECTED: one.split for leaking, one in divisions.items()}),
    )


def prepare(config: Config, token: Token, tell: Tell) -> Material:
    """Read, divide and embed: random chunks of what is trained on, consecutive ones of everything. Raises the errors of each."""
    from musicclass_gui.engine.benchmark.continual import material

    found = _found(config, token, tell)
    divisions = _divisions(config, found)
    random, grid = cuts(config)
    tell("Embedding the training files' random chunks.")
    drawn = _embedded(config, _of(found, divisions, ("train",)), random, token, tell)
    tell("Embedding all files, one chunk after the other.")
    whole = _embedded(config, _of(found, divisions, ("train", "valid", "test")), grid, token, tell)
    heard = {material.RANDOM: drawn, material.GRID: whole}
    return material.gathered(found, divisions, heard, layered=_layered(_encoder(config)))


def run(config: Config, cell: Cell, prepared: Material, token: Token, tell: Tell) -> Result:
    """Compute one cell. Raises BenchmarkError, Cancelled."""
    from musicclass_gui.engine.benchmark.continual import running

    chosen = settings(config, cell.mode)
    leaking = chosen.flag("leaking_split")
    order = scenarios.sessions(prepared.found.dataset, cell.order, prepared.found.classes)
    made = prepared.sessions(order, leaking=leaking)
    items = {item.key: item for item in prepared.found.items}
    classes = tuple(name for session in order for name in session)
    task = Task(classes, made, chosen, cell.seed, token, tell, config, prepared.found.dataset, items)
    predictions, notes = running.run(cell.method, task)
    said = (*notes, *prepared.divisions[leaking].problems, *prepared.problems)
    return running.judged(predictions, made, tuple(dict.fromkeys(said)))


def published(config: Config, cell: Cell) -> list[Published]:
    """The paper's numbers for the same encoder, data, method and class order, to be seen beside both modes."""
    return list(printed.table().get((_encoder(config), _dataset(config), cell.method, cell.order), ()))


def cuts(config: Config) -> tuple[Cut, Cut]:
    """How random chunks and consecutive ones are cut."""
    paper = scenarios.chunking(_dataset(config), _encoder(config))
    chosen = settings(config, (config.modes or MODES)[0])
    length = chosen.number("chunk_s") or paper.chunk_s
    return Cut("random", length, chosen.whole("random_chunks") or paper.count, division.SEED), Cut("grid", length)


def _dataset(config: Config) -> str:
    return config.dataset or DATASETS[0]


def _encoder(config: Config) -> str:
    return config.encoder or ENCODERS[0]


def _known(asked: tuple[str, ...], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    if wrong := [name for name in asked if name not in known]:
        raise BenchmarkError(f"There is no {what} “{wrong[0]}” in this protocol; known are {', '.join(known)}.")
    return asked or known


def _methods(config: Config) -> tuple[str, ...]:
    """What is asked for; unless it is said, all methods that can be had with the encoder."""
    asked, usable = _known(config.methods, tuple(one.id for one in METHODS), "method"), _takes_prompts(_encoder(config))
    if _PROMPTS in config.methods and not usable:
        raise BenchmarkError(f"L2P learns prompts inside a HuBERT, such as mert-v1-95m, and {_encoder(config)} is none; leave l2p out.")
    return tuple(one for one in asked if usable or one != _PROMPTS)


def _takes_prompts(encoder: str) -> bool:
    spec = encoders.find_spec(encoder)
    return spec is not None and spec.family == "hubert"


def _found(config: Config, token: Token, tell: Tell) -> Found:
    tell("Looking through the data.")
    found = readers.reader(_dataset(config)).read(Path(config.data), token)
    there = {label for item in found.items for label in item.labels}
    return replace(found, classes=tuple(name for name in found.classes if name in there))


def _divisions(config: Config, found: Found) -> dict[bool, Division]:
    """The division of each mode that was asked for, by whether it leaks as published. Raises BenchmarkError when another one leaks."""
    leaking = {settings(config, mode).flag("leaking_split") for mode in config.modes or MODES}
    made = {one: division.divide(found, leaking=one) for one in sorted(leaking)}
    if False in made:
        splits.require_disjoint(made[False].split, found.items)
    return made


def _of(found: Found, divisions: dict[bool, Division], parts: tuple[str, ...]) -> list[Item]:
    keys = {key for one in divisions.values() for part in parts for key in one.split.part(part)}
    return [item for item in found.items if item.key in keys]


def _embedded(config: Config, items: list[Item], cut: Cut, token: Token, tell: Tell) -> Heard:
    return embed(items, _encoder(config), cut, token, tell, device=config.device, weights_folder=config.weights_folder)


def _layered(encoder: str) -> bool:
    """Whether heads learn a mix of its layers: where an embedding is made of several by their mean, as MERT's."""
    spec = encoders.find_spec(encoder)
    return spec is not None and spec.layers is not None and spec.layers.joined == "mean" and not spec.of


def _notes(config: Config, divisions: dict[bool, Division]) -> list[str]:
    sentences = [text for one in divisions.values() for text in one.problems]
    if _dataset(config) not in scenarios.ORDERS:
        sentences.append("The paper has no class orders for these data; they are drawn, the order's number being the seed.")
    count = cuts(config)[0].count
    drawn = "1 random chunk" if count == 1 else f"{count} random chunks"
    sentences.append(f"Heads are trained on {drawn} of each file, drawn once; the paper draws anew in every epoch.")
    return sentences


def _verdicts(found: Found, divisions: dict[bool, Division]) -> list[Verdict]:
    from musicclass_gui.engine.benchmark import leaks

    said = [(leaking, one) for leaking, part in divisions.items() for one in leaks.overlaps(found.items, part.split)]
    if len(divisions) == 1:
        return [one for _, one in said]
    return [replace(one, sentence=f"{'As published' if leaking else 'Corrected'}: {one.sentence}") for leaking, one in said]


def _estimate(config: Config, found: Found, divisions: dict[bool, Division]) -> tuple[float, float]:
    """About how many seconds embedding takes if the cache has nothing, and how many bytes it fills."""
    random, _ = cuts(config)
    chunks = (len(_of(found, divisions, ("train",))) + len(_of(found, divisions, ("train", "valid", "test")))) * random.count
    spec = encoders.find_spec(_encoder(config))
    if spec is None:
        raise BenchmarkError(f"There is no encoder “{_encoder(config)}”; choose one of those that the program knows.")
    layers = 2 * spec.layers.count * spec.layers.dim if spec.layers else 0
    return chunks * random.chunk_s * _embedding(config), float(chunks * (4 * spec.dim + layers))


def _embedding(config: Config) -> float:
    spec = encoders.find_spec(_encoder(config))
    return _EMBEDDING.get(spec.family if spec else "", _EMBEDDING[""])


def _prompting_s(config: Config, asked: list[Cell], divisions: dict[bool, Division], found: Found) -> float:
    """About how many seconds the cells take that cannot use what was embedded."""
    random, _ = cuts(config)
    once = len(_of(found, divisions, ("train",))) * random.count * random.chunk_s * _embedding(config)
    return sum(cell.method == _PROMPTS for cell in asked) * _PROMPTING * once


def _fingerprint(found: Found) -> str:
    """Which files there are, how large they are, and what is said to be true of them."""
    digest = hashlib.sha256(found.dataset.encode())
    for item in found.items:
        size = Path(item.path).stat().st_size if item.path else 0
        digest.update("\0".join((item.key, *item.labels, item.split, str(size), f"{item.start_s} {item.end_s}\n")).encode())
    return digest.hexdigest()
