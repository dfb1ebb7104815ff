"""Classical music classification as courses teach it: frame features, summaries and classifiers, small nets, and metric learning.

It says what can be asked for and what came of it; how it is computed is in `benchmark.classical`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine import encoders
from musicclass_gui.engine.benchmark import readers, splits
from musicclass_gui.engine.benchmark.classical import options
from musicclass_gui.engine.benchmark.classical import published as printed
from musicclass_gui.engine.benchmark.classical.parting import part
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, About, Cell, Method, Option
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.classical.material import Material, Rows
    from musicclass_gui.engine.benchmark.classical.parting import Parting
    from musicclass_gui.engine.benchmark.data import Found, Item
    from musicclass_gui.engine.benchmark.protocol import Config, Published, Result, Tell, Verdict
    from musicclass_gui.engine.task import Token

ID = "classical"
TITLE = "Classical pipelines, small nets and metric learning"
PAPER = "The course GCT634 at KAIST, and Won et al. 2020 (arXiv 2006.00751, arXiv 2010.16030)"
LINE = "Frame features, summaries and classifiers; nets trained from nothing; an encoder's embeddings and words brought into one space."
DATASETS = (
    *("gtzan", "nsynth", "magnatagatune", "fma", "fma_genres", "fma_tags", "msd", "folders", "table"),
    *("vocalset_singer", "vocalset_technique", "maestro", "ballroom", "urbansound8k", "speechmusic", "jamendo_voice"),
)
ENCODERS = ("timbre",)
METHODS: tuple[Method, ...] = options.METHODS
OPTIONS: tuple[Option, ...] = options.OPTIONS
MODES = (PUBLISHED, CORRECTED)
ORDERS: tuple[str, ...] = ()
FEATURES = ("mfcc", "mfcc+deltas", "all")

_FRAMES_S, _ROWS_S = 0.3, 0.02
_NETS_S = {"cnn1d": 0.015, "cnn2d": 0.1, "sample-cnn": 0.3, "short-chunk": 0.35, "short-chunk-res": 0.35, "harmonic-cnn": 0.35}
"""Seconds for a recording of 30 s, about: its frames, a classifier's look at it, a net's in one epoch."""
_FEWEST = 120
"""Recordings as which fewer count for nets: an epoch of few takes several chunks of each."""
_FRAME_BYTES = 460_000.0


def cells(config: Config) -> list[Cell]:
    """Every method in every mode, with every set of features where it uses them, and seed. Raises BenchmarkError."""
    methods = _known(config.methods, tuple(one.id for one in METHODS), "method") if config.methods else options.QUICK
    modes = _known(config.modes, MODES, "mode")
    for mode in modes:
        chosen = options.settings(config, mode)
        for key in config.features:
            _require_features(key, chosen.whole("mfcc"))
        if options.TRIPLET in methods:
            _reads_words(config, mode)
    return [
        Cell(method, mode, seed=seed, features=key)
        for method in methods
        for key in ((config.features or FEATURES) if options.has_frames(method) else ("",))
        for mode in modes
        for seed in config.seeds
    ]


def _known(asked: tuple[str, ...], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    if wrong := [name for name in asked if name not in known]:
        raise BenchmarkError(f"There is no {what} “{wrong[0]}” in this protocol; known are {', '.join(known)}.")
    return asked or known


def _require_features(key: str, mfcc: int) -> None:
    from musicclass_gui.engine.benchmark.classical import features

    features.columns(key, mfcc)


def about(config: Config, token: Token, tell: Tell) -> About:
    """Look at the data, part them, and estimate; nothing is heard. Raises BenchmarkError, DataError."""
    asked = cells(config)
    found = _found(config, token, tell)
    partings = _partings(config, found)
    return About(
        title=f"{TITLE}: {found.title}",
        counts=found.counts,
        problems=(*found.problems, *_sentences(partings)),
        verdicts=tuple(_verdicts(found, partings)),
        classes=found.classes,
        fingerprint=_fingerprint(found),
        cells=len(asked),
        seconds=_seconds(config, asked, len(found.items)),
        disk_bytes=_FRAME_BYTES * len(found.items) if any(cell.features for cell in asked) else 0.0,
        split=splits.saved({mode: one.split for mode, one in partings.items()}),
    )


def _sentences(partings: dict[str, Parting]) -> list[str]:
    """What is to be said of the splits, each with its mode where there are several."""
    if len(partings) == 1:
        return [text for one in partings.values() for text in one.problems]
    first, *others = [one.split for one in partings.values()]
    alike = [one for one in others if (one.train, one.valid, one.test) == (first.train, first.valid, first.test)]
    same = ["Both modes part these recordings alike, so that their results are equal; ask for one of them."] if alike else []
    return [*(f"{mode.capitalize()}: {text}" for mode, one in partings.items() for text in one.problems), *same]


def _seconds(config: Config, asked: list[Cell], count: int) -> float:
    epochs = options.settings(config, asked[0].mode).whole("epochs")
    nets = sum(_NETS_S[cell.method] for cell in asked if cell.method in options.NETS)
    rows = _ROWS_S * sum(cell.method not in options.NETS for cell in asked)
    return max(count, _FEWEST) * epochs * nets + count * (rows + _FRAMES_S * any(cell.features for cell in asked))


def _verdicts(found: Found, partings: dict[str, Parting]) -> list[Verdict]:
    from musicclass_gui.engine.benchmark import leaks

    said = [(mode, one) for mode, parting in partings.items() for one in leaks.overlaps(found.items, parting.split)]
    if len(partings) == 1:
        return [one for _, one in said]
    return [replace(one, sentence=f"{mode.capitalize()}: {one.sentence}") for mode, one in said]


def _found(config: Config, token: Token, tell: Tell) -> Found:
    tell("Looking through the data.")
    found = readers.reader(_dataset(config)).read(Path(config.data), token)
    there = {label for item in found.items for label in item.labels}
    return replace(found, classes=tuple(name for name in found.classes if name in there))


def _dataset(config: Config) -> str:
    return config.dataset or DATASETS[0]


def _partings(config: Config, found: Found) -> dict[str, Parting]:
    chosen = {mode: options.settings(config, mode) for mode in config.modes or MODES}
    return {mode: part(found, one.word("split"), one.word("apart")) for mode, one in chosen.items()}


def prepare(config: Config, token: Token, tell: Tell) -> Material:
    """Read, part, and measure or embed what the methods hear. Raises the errors of each."""
    from musicclass_gui.engine.benchmark.classical.material import Material, checked_frames

    found = _found(config, token, tell)
    partings = _partings(config, found)
    wanted = {key for one in partings.values() for name in ("train", "valid", "test") for key in one.split.part(name)}
    items = [item for item in found.items if item.key in wanted]
    methods = config.methods or options.QUICK
    unheard: dict[str, str] = {}
    damaged: dict[str, str] = {}
    if any(map(options.has_frames, methods)):
        tell(f"Measuring frames of {len(items):,} recordings.")
        unheard, damaged = checked_frames(items, token)
    if set(methods) & set(options.NETS):
        tell(f"Checking {len(items):,} recordings.")
        unheard |= _undecodable(items, token)
    given = Material(found, partings, unheard, damaged)
    return _embedded(config, given, items, token, tell) if options.TRIPLET in methods else given


def _undecodable(items: list[Item], token: Token) -> dict[str, str]:
    """Recordings of which nothing can be decoded, by key."""
    from musicclass_gui.engine.audio import probe
    from musicclass_gui.engine.errors import AudioError

    found = {}
    for item in items:
        token.check()
        try:
            probe(item.path)
        except AudioError as error:
            found[item.key] = str(error)
    return found


def _embedded(config: Config, given: Material, items: list[Item], token: Token, tell: Tell) -> Material:
    """With the embeddings, and the vectors of words, that metric learning starts from."""
    from musicclass_gui.engine.benchmark.classical.material import means, reasons
    from musicclass_gui.engine.benchmark.embedded import Cut, embed

    encoder = config.encoder or ENCODERS[0]
    heard = embed(items, encoder, Cut("whole"), token, tell, device=config.device, weights_folder=config.weights_folder)
    found = means(heard)
    why = reasons(heard.problems, {item.key for item in items})
    lost = {key: text for key, text in why.items() if key not in found}
    hurt = {key: text for key, text in why.items() if key in found}
    vectors = _vectors(config, encoder, given.found)
    return replace(given, unheard=lost | given.unheard, damaged=hurt | given.damaged, embeddings=found, vectors=vectors)


def _vectors(config: Config, encoder: str, found: Found) -> Rows | None:
    """A CLAP's vectors of the words, or None where they are to be learned. Raises BenchmarkError, WeightsError."""
    if not _reads_words(config, (config.modes or MODES)[0]):
        return None
    from musicclass_gui.engine import places
    from musicclass_gui.engine.encoders import clap
    from musicclass_gui.engine.shelf import Shelf

    spec = encoders.specs()[encoder]
    weights = Shelf(places.weights_folders(config.weights_folder)).weights_of(spec.id)
    return clap.text_embeddings(spec, weights, [name.replace("_", " ") for name in found.classes])[0].astype(float)


def _reads_words(config: Config, mode: str) -> bool:
    """Whether words get their vectors from the encoder. Raises BenchmarkError where that was asked for and it knows none."""
    asked = options.settings(config, mode).word("tag_vectors")
    encoder = config.encoder or ENCODERS[0]
    spec = encoders.find_spec(encoder)
    knows_words = spec is not None and spec.words
    if asked == options.WORDS and not knows_words:
        raise BenchmarkError(f"The encoder {encoder} does not know words; choose a CLAP, or have the vectors learned.")
    return knows_words and asked != options.LEARNED


def run(config: Config, cell: Cell, prepared: Material, token: Token, tell: Tell) -> Result:
    """Compute one cell. Raises BenchmarkError, AudioError, Cancelled."""
    from musicclass_gui.engine.benchmark.classical import running

    return running.run(cell, options.settings(config, cell.mode), prepared, token, config.device)


def published(config: Config, cell: Cell) -> list[Published]:
    """What was printed for such a cell, in the mode whose split it was measured on."""
    return printed.values(_dataset(config), cell, options.settings(config, cell.mode).number("alpha"))


def _fingerprint(found: Found) -> str:
    """Which files there are, how large they are, and what is said to be true of them."""
    digest = hashlib.sha256(found.dataset.encode())
    for item in found.items:
        size = Path(item.path).stat().st_size if item.path else 0
        digest.update("\0".join((item.key, *item.labels, item.split, str(size), f"{item.start_s} {item.end_s}\n")).encode())
    return digest.hexdigest()
