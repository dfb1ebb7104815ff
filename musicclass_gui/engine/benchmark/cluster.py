"""Beyond one machine: embedding and cells on a Dask cluster that exists already, by its scheduler's address.

Its workers need the same MusicClass, and see the recordings under the same paths; a file that a worker cannot read is embedded here. What
is computed goes into this machine's cache and store. A worker that dies costs time only. It is imported when a cluster is asked for:
dask.distributed is an optional part of the program.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark import cells as computing
from musicclass_gui.engine.benchmark import embedded, protocols
from musicclass_gui.engine.benchmark.cells import Outcome
from musicclass_gui.engine.benchmark.versions import program
from musicclass_gui.engine.errors import BenchmarkError, MusicClassError
from musicclass_gui.engine.plain import to_plain
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from distributed import Client, Future

    from musicclass_gui.engine.benchmark.embedded import Group, Made, Order
    from musicclass_gui.engine.benchmark.protocol import Cell, Config, Tell

_CONNECT_S = 10
_POLL_S = 0.05
_TRIES = 3
_one_at_a_time = threading.Lock()  # in a worker: the number of threads of numeric libraries is the whole process's
_prepared_here: dict[str, Any] = {}  # in a worker, by config, where what was prepared cannot be sent


@contextmanager
def connected(address: str, tell: Tell) -> Iterator[Client]:
    """A client of a cluster, such as "tcp://10.0.0.7:8786". Raises BenchmarkError when it cannot be used."""
    try:
        from distributed import Client
    except ImportError as error:
        raise BenchmarkError("A cluster needs dask.distributed, which is not installed; try pip install “musicclass[cluster]”.") from error
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise BenchmarkError(f"There is no Dask scheduler at “{address}” ({error}); start one, or compute on this machine.") from error
    except Exception as error:  # a foreign server's answer, read as a message of Dask, can fail in any way
        text = f"What answers at “{address}” is no Dask scheduler that can be used ({type(error).__name__}); check the address."
        raise BenchmarkError(text) from error
    with client:
        _require_same(client, address, tell)
        yield client


def embedding_on(client: Client) -> AbstractContextManager[None]:
    """Within this, what the cache lacks is embedded by the cluster, a group of files at a time, wherever there is room."""

    def place(order: Order, groups: Sequence[Group], token: Token) -> Iterator[list[Made]]:
        futures = {client.submit(_make, order, group, pure=False): group for group in groups}
        for future in _as_they_come(client, list(futures), token):
            made = _value(future)
            lost = any(one.problem for one in made)
            yield embedded.make(order, futures[future], token) if lost else made

    return embedded.embedding_elsewhere(place)


def spread(client: Client, config: Config, cells: Sequence[Cell], prepared: Any, token: Token, tell: Tell) -> Iterator[Outcome]:
    """Compute cells on the cluster; they come as they are through. Raises Cancelled, BenchmarkError."""
    waiting = list(cells)
    tell("Computing on the cluster.")
    for _ in range(_TRIES):
        shared = _shared(client, prepared, tell)
        lost: dict[Cell, str] = {}
        futures = {client.submit(_compute, config, cell, shared, pure=False): cell for cell in waiting}
        for number, future in enumerate(_as_they_come(client, list(futures), token)):
            if future.status == "finished":
                yield future.result()
            else:
                lost[futures[future]] = str(future.exception() if future.status == "error" else future.status)
            token.progress((len(cells) - len(waiting) + number + 1) / len(cells))
        waiting = list(lost)
        if not waiting:
            return
        tell(f"{len(waiting)} cells were lost with their workers; they are computed again.")
    for cell in waiting:
        yield Outcome(cell, reason=f"The cluster lost it {_TRIES} times ({lost[cell]}); give its workers more memory.")


def _require_same(client: Client, address: str, tell: Tell) -> None:
    """Raise BenchmarkError unless all workers run this program; of another state of the same version it is only told."""
    try:
        found = set(client.run(program).values())
    except Exception as error:  # whatever a foreign machine says
        raise BenchmarkError(f"The workers at “{address}” cannot run MusicClass ({error}); install it on each of them.") from error
    if not found:
        raise BenchmarkError(f"The cluster at “{address}” has no workers; start some.")
    theirs, ours = ", ".join(sorted(found)), program()
    if {name.partition("+")[0] for name in found} != {ours.partition("+")[0]}:
        raise BenchmarkError(f"The workers at “{address}” have MusicClass {theirs}, and here is {ours}; install the same.")
    if found != {ours}:
        tell(f"The workers have another source of MusicClass ({theirs}) than this machine ({ours}), so their numbers may differ.")


def _shared(client: Client, prepared: Any, tell: Tell) -> Any:
    """What all cells share, on every worker; None where it cannot be sent, and each worker prepares for itself."""
    try:
        (shared,) = client.scatter([prepared], broadcast=True, hash=False)  # of a list each part, so that it may be a list itself
        return shared
    except Exception as error:  # what cannot be sent can fail in any way
        tell(f"Each worker prepares for itself ({type(error).__name__}).")
        return None


def _as_they_come(client: Client, futures: list[Future], token: Token) -> Iterator[Future]:
    """Futures as they are done, or lost. Raises Cancelled."""
    waiting = futures
    try:
        while waiting:
            token.check()
            done = [future for future in waiting if future.done()]
            waiting = [future for future in waiting if future not in done]
            yield from done
            if not done:
                time.sleep(_POLL_S)
    finally:
        client.cancel(waiting)


def _value(future: Future) -> list[Made]:
    """What a group of files gave. Raises what a user can understand."""
    try:
        made: list[Made] = future.result()
    except MusicClassError:
        raise
    except Exception as error:  # the worker died again and again, or is another program
        raise BenchmarkError(f"The cluster could not embed some files ({error}); look at its workers, or embed on this machine.") from error
    return made


def _make(order: Order, group: Group) -> list[Made]:
    """On a worker: embed a group of files."""
    with _one_at_a_time:
        return embedded.make(order, group, Token())


def _compute(config: Config, cell: Cell, prepared: Any) -> Outcome:
    """On a worker: compute a cell."""
    protocol = protocols.protocol(config.protocol)
    with _one_at_a_time:
        own = prepared if prepared is not None else _prepare(config)
        return computing.compute(protocol, config, cell, own, Token(), lambda text: None)


def _prepare(config: Config) -> Any:
    """On a worker: what all cells of the last config share."""
    name = json.dumps(to_plain(config))
    if name not in _prepared_here:
        _prepared_here.clear()
        _prepared_here[name] = protocols.protocol(config.protocol).prepare(config, Token(), lambda text: None)
    return _prepared_here[name]
