"""Computing cells in this process: what the runner, its processes and a cluster's workers all call.

A cell is computed with one thread of the numeric libraries wherever it is, so that it gives the same numbers alone, beside others, and
on a machine with more processors. It knows no store.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark.protocol import Cell, Result  # noqa: TC001 (read from JSON)
from musicclass_gui.engine.errors import Cancelled, MusicClassError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musicclass_gui.engine.benchmark.protocol import BenchmarkProtocol, Config, Tell

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: a result, or a sentence on why there is none."""

    cell: Cell
    result: Result | None = None
    reason: str = ""


def here(protocol: BenchmarkProtocol, config: Config, cells: Sequence[Cell], prepared: Any, token: Token, tell: Tell) -> Iterator[Outcome]:
    """Compute cells one after the other. Raises Cancelled."""
    for number, cell in enumerate(cells):
        token.check()
        tell(f"Computing {spoken(cell)}.")
        yield compute(protocol, config, cell, prepared, _Share(token, number, len(cells)), tell)


def compute(protocol: BenchmarkProtocol, config: Config, cell: Cell, prepared: Any, token: Token, tell: Tell) -> Outcome:
    """Compute one cell, with the time that it took. Whatever else goes wrong is its outcome; raises Cancelled."""
    began = time.perf_counter()
    try:
        with single_threaded():
            result = protocol.run(config, cell, prepared, token, tell)
    except Cancelled:
        raise
    except MusicClassError as error:
        return Outcome(cell, reason=str(error))
    except Exception as error:  # a fault in one cell must not keep the others from being computed
        return Outcome(cell, reason=fault(error))
    return Outcome(cell, replace(result, seconds=time.perf_counter() - began))


def fault(error: BaseException) -> str:
    """A sentence on what nobody foresaw."""
    return f"A fault in the program stopped this ({type(error).__name__}: {error}); please report it."


def spoken(cell: Cell) -> str:
    """A cell as people read it."""
    order = f"order {cell.order}" if cell.order else ""
    return ", ".join(filter(None, (cell.method, cell.task, cell.features, cell.mode, order, f"seed {cell.seed}")))


@contextmanager
def single_threaded() -> Iterator[None]:
    """One thread for numeric libraries, those too that are loaded meanwhile."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    loaded = sys.modules.get("torch")
    threads = loaded.get_num_threads() if loaded else int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with threadpool_limits(1):
            if loaded:
                loaded.set_num_threads(1)
            yield
    finally:
        for name, value in before.items():
            _set(name, value)
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(threads)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


class _Share(Token):
    """The token of one of several cells: what it reports is its share of all."""

    def __init__(self, outer: Token, number: int, total: int) -> None:
        super().__init__(lambda fraction, text: outer.progress((number + fraction) / total, text))
        self._outer = outer

    @property
    def cancelled(self) -> bool:
        """Whether the whole was asked to stop."""
        return self._outer.cancelled

    def check(self) -> None:
        """Wait while the whole is paused; raise `Cancelled` when it was asked to stop."""
        self._outer.check()
