"""What each method says of test clips: a share for every composer. Only `protocols.composer` asks, and gives clips and words.

Imports torch, since words and projections need it; scikit-learn only where a probe is trained.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from musicclass_gui.engine.benchmark import measures, resampling
from musicclass_gui.engine.benchmark.composer import settings
from musicclass_gui.engine.benchmark.composer.learning import Training, Words
from musicclass_gui.engine.benchmark.protocol import PUBLISHED, Prediction, Result, Score
from musicclass_gui.engine.calibration import softmax
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.heads.gaussian import GaussianHead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from musicclass_gui.engine.benchmark.composer.clips import Clips, Numbers, Rows, Shares
    from musicclass_gui.engine.benchmark.composer.settings import Settings
    from musicclass_gui.engine.task import Token

SENTENCE = "Music composed by {}"
_AT_ONCE = 4096
_ITERATIONS = 1000


@dataclass(frozen=True)
class Language:
    """A CLAP's other half for this task: the sentence of each composer, what cosines are multiplied by, and its audio projection."""

    sentences: dict[str, Rows]
    scale: float
    projection: nn.Module

    def words(self, composers: Sequence[str]) -> Words:
        """The sentences of some composers in their order."""
        return Words(np.stack([self.sentences[name] for name in composers]), self.scale)

    def projected(self, heard: Rows) -> Rows:
        """What is heard before the projection (n, width) → embeddings (n, dim) of length 1."""
        with torch.inference_mode():
            parts = [self.projection(torch.tensor(heard[at : at + _AT_ONCE])) for at in range(0, len(heard), _AT_ONCE)]
            found = torch.nn.functional.normalize(torch.cat(parts), dim=-1)
        return np.asarray(found.numpy())


@dataclass(frozen=True)
class Problem:
    """What a cell is computed from. With a `language` the clips' rows are what is heard before its projection, else embeddings."""

    composers: tuple[str, ...]
    train: Clips
    valid: Clips
    test: Clips
    chosen: Settings
    seed: int
    token: Token
    language: Language | None = None

    def embeddings(self, clips: Clips) -> Rows:
        """Clips as the encoder embeds them."""
        return clips.rows if self.language is None else self.language.projected(clips.rows)

    @property
    def worded(self) -> Language:
        """The language, for methods that need one. Raises BenchmarkError."""
        if self.language is None:
            raise BenchmarkError("This method compares sound with sentences, which this encoder cannot; choose a CLAP.")
        return self.language


Said = tuple["Shares", tuple[str, ...]]
"""A share of each test clip for every composer, (n, c), and notes."""


def run(method: str, problem: Problem, mode: str) -> Result:
    """Learn, answer, and measure. Raises BenchmarkError, Cancelled."""
    for clips, part in ((problem.train, "training"), (problem.test, "test")):
        if not len(clips):
            raise BenchmarkError(f"No {part} performance is as long as a clip; set a shorter clip length.")
    shares, notes = _METHODS[method](problem)
    if mode == PUBLISHED and method in settings.WORDED:
        notes = (*notes, "The project published no number: its code trains and evaluates nothing.")
    return judged(shares, problem.test, problem.composers, notes)


def judged(shares: Shares, test: Clips, composers: Sequence[str], notes: tuple[str, ...]) -> Result:
    """Scores of clips and of performances, which are answered by the mean of their clips' shares.

    Clips of a performance are alike, so the interval of their accuracy is bootstrapped over performances.
    """
    names = list(composers)
    truth = [names[number] for number in test.truths]
    said = [names[number] for number in test.means(shares).argmax(1)]
    right = np.asarray(shares.argmax(1) == test.labels, np.float64)
    each = [_of_composer(name, truth, said) for name in names if name in truth]
    scores = (measures.accuracy(truth, said), measures.macro_f1(truth, said), _clip_accuracy(right, test.owners), *each)
    predictions = tuple(Prediction(*three) for three in zip(test.keys, truth, said, strict=True))
    return Result(scores, predictions=predictions, notes=notes)


def _of_composer(name: str, truth: Sequence[str], said: Sequence[str]) -> Score:
    own = [one for real, one in zip(truth, said, strict=True) if real == name]
    return measures.accuracy([name] * len(own), own, task=name)


def _clip_accuracy(right: Shares, owners: Numbers) -> Score:
    hits, counts = np.bincount(owners, right), np.bincount(owners).astype(np.float64)

    def measure(weights: Shares) -> Shares:
        return np.asarray((weights @ hits) / (weights @ counts))

    low, high = resampling.interval(resampling.bootstrap(measure, len(counts)))
    return Score("clip_accuracy", float(right.mean()), low, high, n=len(right))


def _majority(problem: Problem) -> Said:
    most = int(np.bincount(problem.train.truths, minlength=len(problem.composers)).argmax())
    shares = np.zeros((len(problem.test), len(problem.composers)))
    shares[:, most] = 1
    return shares, (f"The answer is always {problem.composers[most]}.",)


def _zero_shot(problem: Problem) -> Said:
    words = problem.worded.words(problem.composers)
    cosines = problem.embeddings(problem.test).astype(np.float64) @ words.rows.T
    return softmax(words.scale * cosines), ()


def _probe(problem: Problem) -> Said:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    _require_two(problem)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=problem.chosen.probe_c, max_iter=_ITERATIONS))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(problem.embeddings(problem.train).astype(np.float64), problem.train.labels)
    shares = np.zeros((len(problem.test), len(problem.composers)))
    shares[:, model.classes_] = model.predict_proba(problem.embeddings(problem.test).astype(np.float64))
    unfinished = any(issubclass(one.category, ConvergenceWarning) for one in caught)
    return shares, (f"The probe was stopped after {_ITERATIONS:,} iterations.",) if unfinished else ()


def _require_two(problem: Problem) -> None:
    if len(np.unique(problem.train.labels)) < 2:
        raise BenchmarkError("Training clips are all of one composer, so nothing can be told apart; set a shorter clip length.")


def _gaussian(problem: Problem) -> Said:
    """As this program teaches: unit vectors, shrinkage towards the diagonal, a performance's clips counted as one example for it."""
    train, rows = problem.train, problem.embeddings(problem.train)
    head = GaussianHead(rows.shape[1], normalise="l2", target="diagonal", independent=len(train.keys) / len(train))
    for number in np.unique(train.labels):
        head.learn(rows[train.labels == number], str(number))
    shares = np.zeros((len(problem.test), len(problem.composers)))
    shares[:, [int(name) for name in head.classes]] = softmax(head.log_scores(problem.embeddings(problem.test)))
    return shares, ()


def _fine_tuned(problem: Problem) -> Said:
    language, train = problem.worded, problem.train
    training = Training(language.projection, language.words(problem.composers), problem.chosen, problem.seed)
    valid = replace(problem.valid, labels=problem.valid.labels[:0]) if problem.chosen.last_epoch else problem.valid
    training.fit(train, valid, problem.token)
    notes = [
        f"The weights of epoch {training.epoch} of {problem.chosen.epochs} are kept; cosines are multiplied by {training.net.scale:.2f}."
    ]
    if not problem.chosen.last_epoch and not len(problem.valid):
        notes.append("There are no validation clips, so the last epoch is kept.")
    notes.append(
        "What is before the projection is in evaluation mode; the project's code leaves dropout and batch statistics active there."
    )
    return training.shares(problem.test), tuple(notes)


_METHODS: dict[str, Callable[[Problem], Said]] = {
    settings.MAJORITY: _majority,
    settings.ZERO_SHOT: _zero_shot,
    settings.PROBE: _probe,
    settings.GAUSSIAN: _gaussian,
    settings.FINE_TUNED: _fine_tuned,
}
