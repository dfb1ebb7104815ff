"""The protocol of the composer project: who composed a piano performance, told from 10-s clips with a CLAP, as coded and corrected.

It says what can be asked for and what came of it; rules, clips and methods are in `benchmark.composer`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine import encoders, places
from musicclass_gui.engine.audio import probe
from musicclass_gui.engine.benchmark import readers, splits
from musicclass_gui.engine.benchmark.composer import clips as clipping
from musicclass_gui.engine.benchmark.composer import corpus as rules
from musicclass_gui.engine.benchmark.composer import settings as options
from musicclass_gui.engine.benchmark.composer.settings import settings
from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID, Count
from musicclass_gui.engine.benchmark.embedded import embed
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, About, Cell
from musicclass_gui.engine.errors import AudioError, BenchmarkError
from musicclass_gui.engine.shelf import Shelf

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.composer.corpus import Corpus
    from musicclass_gui.engine.benchmark.composer.methods import Language
    from musicclass_gui.engine.benchmark.data import Found, Item
    from musicclass_gui.engine.benchmark.embedded import Cut, Heard
    from musicclass_gui.engine.benchmark.protocol import Config, Published, Result, Tell, Verdict
    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.task import Token

ID = "composer"
TITLE = "Composers of piano music"
PAPER = "Code at github.com/EddyPianist/Classical_Music_Classifer, 2024; no accuracy was ever published for it"
LINE = (
    "Who composed a performance of MAESTRO, told from 10-s clips with a CLAP. The project trains and never evaluates, so there is no "
    "published number to meet."
)
DATASETS = ("maestro",)
ENCODERS = ("clap-music-speech",)
METHODS = options.METHODS
OPTIONS = options.OPTIONS
MODES = (PUBLISHED, CORRECTED)
ORDERS: tuple[str, ...] = ()

_EMBEDDING = 0.02
"""Seconds that embedding a second of sound takes, about."""
_STEP_S, _STEP_CLIP_S = 0.0056, 0.00016
"""Seconds of a step of fine-tuning, and of each of its clips, measured on one core of a small machine with a CLAP's widths."""
_CELL_S = 5.0
_AS_CODED = clipping.CODED_RATE / 48_000
"""How long a clip of as many samples as coded is in a file of 48 kHz, beside what was meant; a CLAP's work is the same."""


@dataclass(frozen=True)
class Material:
    """What all cells share: the data, all clips by the name of their cut, and the CLAP's other half where the encoder has one."""

    found: Found
    heard: dict[str, Heard]
    language: Language | None


def cells(config: Config) -> list[Cell]:
    """Every method in every mode, fine-tuning with every seed. Raises BenchmarkError."""
    asked, modes = _methods(config), _known(config.modes, MODES, "mode")
    for mode in modes:
        settings(config, mode)
    return [
        Cell(method, mode, seed=seed)
        for method in asked
        for mode in modes
        for seed in (config.seeds if method in options.SEEDED else config.seeds[:1])
    ]


def about(config: Config, token: Token, tell: Tell) -> About:
    """Look at the data, apply the rules of each mode, and estimate; nothing is embedded. Raises BenchmarkError, DataError."""
    asked = cells(config)
    found = _found(config, token, tell)
    corpora = {mode: rules.corpus(found, settings(config, mode)) for mode in _modes(config)}
    seconds, disk = _estimate(config, asked, corpora, token)
    return About(
        title=f"{TITLE}: {found.title}",
        counts=(*found.counts, *(Count(f"performances left, {mode}", len(one.items)) for mode, one in corpora.items())),
        problems=(*found.problems, *(f"{_spoken(mode)}: {note}" for mode, one in corpora.items() for note in one.notes)),
        verdicts=tuple(one for mode, those in corpora.items() for one in _verdicts(mode, those, token)),
        classes=tuple(name for name in found.classes if any(name in one.composers for one in corpora.values())),
        fingerprint=rules.fingerprint(found),
        cells=len(asked),
        seconds=seconds,
        disk_bytes=disk,
        split=splits.saved({mode: one.split for mode, one in corpora.items()}),
    )


def prepare(config: Config, token: Token, tell: Tell) -> Material:
    """Read, cut as each mode does, and embed, a CLAP before its projection. Raises the errors of each."""
    found, spec = _found(config, token, tell), _spec(config)
    wanted: dict[str, tuple[Cut, dict[str, Item]]] = {}
    for mode in _modes(config):
        chosen = settings(config, mode)
        cut = clipping.cut_of(chosen)
        items = _heard_items(rules.corpus(found, chosen), chosen)
        wanted.setdefault(cut.name, (cut, {}))[1].update({item.key: item for item in items})
    heard = {name: _embedded(config, spec, cut, list(items.values()), token, tell) for name, (cut, items) in wanted.items()}
    return Material(found, heard, _language(config, spec, found, tell) if spec.words else None)


def run(config: Config, cell: Cell, prepared: Material, token: Token, tell: Tell) -> Result:
    """Compute one cell. Raises BenchmarkError, Cancelled."""
    from musicclass_gui.engine.benchmark.composer import methods

    chosen = settings(config, cell.mode)
    those, heard = rules.corpus(prepared.found, chosen), prepared.heard[clipping.cut_of(chosen).name]
    train, valid, test = (clipping.gathered(those.part(name), heard, those.composers) for name in (TRAIN, VALID, TEST))
    problem = methods.Problem(those.composers, train, valid, test, chosen, cell.seed, token, prepared.language)
    tell(f"{len(train):,} clips of {len(train.keys)} performances to learn from, {len(test):,} of {len(test.keys)} to answer.")
    result = methods.run(cell.method, problem, cell.mode)
    problems = [text for text in heard.problems if any(text.startswith(f"{item.key}: ") for item in those.items)]
    return replace(result, notes=(*result.notes, *those.notes, *problems))


def published(config: Config, cell: Cell) -> list[Published]:
    """Nothing: the project's code prints no accuracy, and no other work gives one of a CLAP on MAESTRO."""
    return []


def _methods(config: Config) -> tuple[str, ...]:
    """What was asked for, by default all that the encoder can do. Raises BenchmarkError for methods that need words it lacks."""
    spec = _spec(config)
    asked = _known(config.methods, tuple(one.id for one in METHODS), "method")
    if spec.words:
        return asked
    if unable := [name for name in config.methods if name in options.WORDED]:
        raise BenchmarkError(f"The method “{unable[0]}” compares sound with sentences, which {spec.id} cannot; choose a CLAP.")
    return tuple(name for name in asked if name not in options.WORDED)


def _known(asked: tuple[str, ...], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    if wrong := [name for name in asked if name not in known]:
        raise BenchmarkError(f"There is no {what} “{wrong[0]}” in this protocol; known are {', '.join(known)}.")
    return asked or known


def _modes(config: Config) -> tuple[str, ...]:
    return config.modes or MODES


def _spoken(mode: str) -> str:
    return "As coded" if mode == PUBLISHED else "Corrected"


def _spec(config: Config) -> EncoderSpec:
    name = config.encoder or ENCODERS[0]
    spec = encoders.find_spec(name)
    if spec is None:
        raise BenchmarkError(f"There is no encoder “{name}”; choose one of those that the program knows.")
    return spec


def _found(config: Config, token: Token, tell: Tell) -> Found:
    tell("Looking through the data.")
    name = config.dataset or DATASETS[0]
    if name not in DATASETS:
        raise BenchmarkError(f"Composers and titles are needed, which “{name}” does not have; choose {', '.join(DATASETS)}.")
    return readers.reader(name).read(Path(config.data), token)


def _heard_items(those: Corpus, chosen: options.Settings) -> list[Item]:
    parts = (TRAIN, TEST) if chosen.last_epoch else (TRAIN, VALID, TEST)
    return [item for name in parts for item in those.part(name)]


def _embedded(config: Config, spec: EncoderSpec, cut: Cut, items: list[Item], token: Token, tell: Tell) -> Heard:
    return embed(
        items,
        spec.id,
        cut,
        token,
        tell,
        device=config.device,
        weights_folder=config.weights_folder,
        before_projection=spec.words,
    )


def _language(config: Config, spec: EncoderSpec, found: Found, tell: Tell) -> Language:
    """The sentences of all composers there are, and the projection."""
    from musicclass_gui.engine.benchmark.composer.methods import SENTENCE, Language
    from musicclass_gui.engine.encoders import clap

    tell("Reading the sentences about composers.")
    weights = Shelf(places.weights_folders(config.weights_folder)).weights_of(spec.id)
    rows, scale = clap.text_embeddings(spec, weights, [SENTENCE.format(name) for name in found.classes])
    return Language(dict(zip(found.classes, rows, strict=True)), scale, clap.projection(spec, weights))


def _verdicts(mode: str, those: Corpus, token: Token) -> list[Verdict]:
    from musicclass_gui.engine.benchmark import leaks

    said = [*leaks.overlaps(those.items, those.split, token), rules.shared_titles(those)]
    return [replace(one, sentence=f"{_spoken(mode)}: {one.sentence}") for one in said]


def _estimate(config: Config, asked: list[Cell], corpora: dict[str, Corpus], token: Token) -> tuple[float, float]:
    """About how many seconds all takes if the cache has nothing, and how many bytes embeddings fill."""
    lengths = {item.key: _duration_s(item, token) for those in corpora.values() for item in those.items}
    clips: dict[str, float] = {}
    embedding, disk = 0.0, 0.0
    for mode, those in corpora.items():
        chosen = settings(config, mode)
        clip_s = chosen.clip_s * (_AS_CODED if chosen.clip_in_samples else 1.0)
        heard = sum(lengths[item.key] for item in _heard_items(those, chosen))
        clips[mode] = sum(lengths[key] for key in those.split.train) / clip_s
        embedding += heard * _EMBEDDING * chosen.clip_s / clip_s
        disk += heard / clip_s * 4 * _spec(config).dim
    return embedding + sum(_cell_s(config, cell, clips[cell.mode]) for cell in asked), disk


def _cell_s(config: Config, cell: Cell, clips: float) -> float:
    chosen = settings(config, cell.mode)
    steps = chosen.epochs * clips / chosen.batch_size if cell.method == options.FINE_TUNED else 0.0
    return _CELL_S + steps * (_STEP_S + chosen.batch_size * _STEP_CLIP_S)


def _duration_s(item: Item, token: Token) -> float:
    token.check()
    try:
        found = probe(item.path).duration_s
    except AudioError:
        return 0.0
    return found if found > 0 else 0.0
