"""Doing a run: the data are looked at, what all cells share is prepared, and the cells that are not kept yet are computed and kept.

After any interruption the same call goes on where it was, with the same numbers. It knows no protocol's insides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark import cells as computing
from musicclass_gui.engine.benchmark import pool, protocols, runs
from musicclass_gui.engine.benchmark.bench_news import Began, Ended, Failed, Finished, News, Staged
from musicclass_gui.engine.benchmark.versions import device_of, differences, versions
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from musicclass_gui.engine.benchmark.cells import Outcome
    from musicclass_gui.engine.benchmark.protocol import About, BenchmarkProtocol, Cell, Config, Result
    from musicclass_gui.engine.benchmark.runs import RunRow, Store
    from musicclass_gui.engine.task import Token


def run(
    config: Config,
    store: Store,
    token: Token,
    tell: Callable[[News], None],
    *,
    resume: bool = True,
    workers: int = 1,
    cluster: str = "",
    about: About | None = None,
    number: int = 0,
) -> int:
    """Do a run, or what is missing of the latest one of the same config unless `resume` is False; returns its number.

    `number` goes on with a run by its number, whose config this has to be; `about` is what the protocol has just said of the data.
    `workers` more than 1 computes cells in so many processes, `cluster` on the Dask cluster of that address; the numbers are the same.
    A cell that fails is told, and the others go on. Raises BenchmarkError when the run cannot be done, or its data are other ones than
    when it was begun; DataError, EncoderError, Cancelled. What was kept by then stays.
    """
    protocol = protocols.protocol(config.protocol)
    cells = protocol.cells(config)
    tell(Staged("Looking at the data."))
    looked = about or protocol.about(config, token, lambda text: tell(Staged(text)))
    before = store.run(number) if number else store.find(config) if resume else None
    number = _resumed(before, config, looked, store, tell) if before else store.new_run(config, looked, versions(config), device_of(config))
    job = _Job(protocol, config, store, number, cells, tell)
    job.begin(looked)
    try:
        job.do(token, workers, cluster)
    except BaseException:
        store.state(number, runs.STOPPED)
        raise
    job.end()
    return number


def _resumed(before: RunRow, config: Config, about: About, store: Store, tell: Callable[[News], None]) -> int:
    """The number of the run that is gone on with. Raises BenchmarkError when that cannot be."""
    if before.fingerprint != about.fingerprint:
        text = (
            f"The data in “{config.data}” are not those that run {before.id} was begun on, so it cannot be gone on with; begin a new run."
        )
        raise BenchmarkError(text)
    changed = differences(before.versions, versions(config))
    if changed and before.done < before.total:
        tell(Staged(f"Run {before.id} was begun with other versions ({changed}); a new run would compute all of it with these."))
    store.state(before.id, runs.RUNNING)
    return before.id


class _Job:
    """One run on its way."""

    def __init__(
        self, protocol: BenchmarkProtocol, config: Config, store: Store, number: int, cells: Sequence[Cell], tell: Callable[[News], None]
    ) -> None:
        self._protocol, self._config, self._store, self._number = protocol, config, store, number
        self._cells, self._tell_news = cells, tell
        self._done = 0

    def begin(self, about: About) -> None:
        """Tell of all cells, of the data, and of the results that there are."""
        self._tell_news(Began(self._number, tuple(self._cells), about))
        wanted = {cell.name for cell in self._cells}
        for cell, result in self._store.results(self._number):
            if cell.name in wanted:
                self._finished(cell, result)

    def do(self, token: Token, workers: int, cluster: str) -> None:
        """Compute what is missing."""
        done = self._store.done(self._number)
        missing = [cell for cell in self._cells if cell.name not in done]
        if not missing:
            return
        for outcome in self._outcomes(missing, token, workers, cluster):
            if outcome.result is None:
                self._tell_news(Failed(self._number, outcome.cell, outcome.reason))
            else:
                self._store.put(self._number, outcome.cell, outcome.result)
                self._finished(outcome.cell, outcome.result)

    def end(self) -> None:
        """Say that nothing is left to do."""
        self._store.state(self._number, runs.FINISHED if self._done == len(self._cells) else runs.STOPPED)
        self._tell_news(Ended(self._number))

    def _outcomes(self, missing: Sequence[Cell], token: Token, workers: int, cluster: str) -> Iterator[Outcome]:
        if cluster:
            from musicclass_gui.engine.benchmark import cluster as machines

            with machines.connected(cluster, self._tell) as client:
                with machines.embedding_on(client):
                    prepared = self._prepared(token)
                yield from machines.spread(client, self._config, missing, prepared, token, self._tell)
            return
        prepared = self._prepared(token)
        if workers > 1 and len(missing) > 1:
            del prepared  # each process has its own
            yield from pool.spread(self._config, missing, workers, token, self._tell)
        else:
            yield from computing.here(self._protocol, self._config, missing, prepared, token, self._tell)

    def _prepared(self, token: Token) -> Any:
        self._tell("Preparing what all cells share.")
        return self._protocol.prepare(self._config, token, self._tell)

    def _tell(self, text: str) -> None:
        self._tell_news(Staged(text))

    def _finished(self, cell: Cell, result: Result) -> None:
        self._done += 1
        self._tell_news(Finished(self._number, cell, result, self._done, len(self._cells)))
