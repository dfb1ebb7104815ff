"""Running one cell: a strategy learns session after session and is asked, after each, for every test file of the classes seen so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch  # noqa: F401 (says that importing this loads it)

from musicclass_gui.engine.benchmark import measures
from musicclass_gui.engine.benchmark.continual.pools import joined
from musicclass_gui.engine.benchmark.continual.strategies import strategy
from musicclass_gui.engine.benchmark.protocol import Prediction, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task
    from musicclass_gui.engine.benchmark.protocol import Score

Row = tuple[float | None, ...]


def run(method: str, task: Task) -> tuple[tuple[Prediction, ...], tuple[str, ...]]:
    """What the method says of each test file after each session, and its notes. Raises BenchmarkError, Cancelled."""
    learner = strategy(method)(task)
    said: list[Prediction] = []
    for session in task.sessions:
        task.token.check()
        task.tell(f"Session {session.number} of {len(task.sessions)}: {', '.join(session.classes)}")
        learner.learn_session(session)
        said += asked(learner.predict(unlabelled(seen(task.sessions, session))), task, session)
        task.token.progress(session.number / len(task.sessions))
    return tuple(said), learner.notes


def seen(sessions: Sequence[Session], last: Session) -> Pool:
    """The test chunks of all sessions up to one."""
    return joined([session.test for session in sessions[: last.number]])


def unlabelled(pool: Pool) -> Pool:
    """The pool without its labels, which a strategy must not see."""
    return pool.labelled(-1)


def asked(labels: Numbers, task: Task, session: Session) -> list[Prediction]:
    """Predictions from labels, in the order of the test files."""
    pool = seen(task.sessions, session)
    firsts = np.unique(pool.numpy_owners(), return_index=True)[1]
    truths = pool.numpy_labels()[firsts]
    return [
        Prediction(key, task.classes[truth], task.classes[label], session.number)
        for key, truth, label in zip(pool.keys, truths, labels, strict=True)
    ]


def judged(predictions: Sequence[Prediction], sessions: Sequence[Session], notes: tuple[str, ...]) -> Result:
    """All scores of a cell and the matrix R[t][k], from its predictions alone."""
    matrix = tuple(_row(predictions, sessions, session) for session in sessions)
    scores = [score for session in sessions for score in _scores(predictions, session)]
    counts = [len(session.test.keys) for session in sessions]
    last = [one for one in predictions if one.session == len(sessions)]
    whole = [measures.accuracy(_truth(last), _said(last)), measures.macro_f1(_truth(last), _said(last))]
    return Result((*whole, *scores, *measures.continual_scores(matrix, counts)), matrix, tuple(predictions), notes)


def _scores(predictions: Sequence[Prediction], session: Session) -> list[Score]:
    mine = [one for one in predictions if one.session == session.number]
    truth, said = _truth(mine), _said(mine)
    return [measures.accuracy(truth, said, session=session.number), measures.macro_f1(truth, said, session=session.number)]


def _row(predictions: Sequence[Prediction], sessions: Sequence[Session], after: Session) -> Row:
    mine = [one for one in predictions if one.session == after.number]
    return tuple(_share(mine, session.classes) if session.number <= after.number else None for session in sessions)


def _share(predictions: Sequence[Prediction], classes: tuple[str, ...]) -> float:
    right = [one.truth == one.said for one in predictions if one.truth in classes]
    return sum(right) / len(right)


def _truth(predictions: Sequence[Prediction]) -> list[str]:
    return [one.truth for one in predictions]


def _said(predictions: Sequence[Prediction]) -> list[str]:
    return [one.said for one in predictions]
