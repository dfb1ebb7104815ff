"""Lanes of background work: a worker thread each, results and progress back on the main thread.

Work is a function of a Token, made on the main thread from what does not change; it answers with a value or an
exception, and knows no Qt. No QObject is made, used up or destroyed on a worker: the one bridge lives on the main thread.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, QThread, Signal, Slot

from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Callable

FAULT = "A fault in the program stopped this; please report it."

T = TypeVar("T")
Discipline = Literal["latest", "fifo"]


class _Bridge(QObject):
    """Runs closures, handed in from any thread, on the main thread in the order they came."""

    woken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Callable[[], None]] = deque()
        self._awake = False
        self.woken.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    def post(self, closure: Callable[[], None]) -> None:
        self._waiting.append(closure)
        self._wake()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            self.woken.emit()

    @Slot()
    def _drain(self) -> None:
        self._awake = False
        try:
            for _ in range(len(self._waiting)):
                self._waiting.popleft()()
        finally:
            if self._waiting:
                self._wake()


_bridge: _Bridge | None = None


def _shared_bridge() -> _Bridge:
    global _bridge
    if _bridge is None:
        app = QCoreApplication.instance()
        if app is None or QThread.currentThread() is not app.thread():
            raise RuntimeError("lanes are made on the main thread, after the application")
        _bridge = _Bridge()
    return _bridge


def prepare() -> None:
    """Make `on_main` ready for use, on the main thread; making a lane does it too."""
    _shared_bridge()


def on_main(closure: Callable[[], None]) -> None:
    """Run `closure` on the main thread soon, after all that was posted before it; for use on other threads."""
    if _bridge is None:
        raise RuntimeError("neither was a lane made nor `prepare` called")
    _bridge.post(closure)


def said(error: Exception) -> str:
    """The sentence for users in a failure of a job; a fault of the program also goes where all such go, to be reported."""
    if isinstance(error, MusicClassError):
        return str(error)
    sys.excepthook(type(error), error, error.__traceback__)
    return FAULT


class Inline(Executor):
    """An executor for tests: work runs, and is delivered, before `submit` returns."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run `fn` now; its future is done."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Job(Generic[T]):
    """A piece of work in a lane. Its methods are for the main thread."""

    def __init__(
        self,
        lane: Lane,
        work: Callable[[Token], T],
        done: Callable[[T], None] | None,
        failed: Callable[[Exception], None] | None,
        progress: Callable[[float, str], None] | None,
    ) -> None:
        self.token = Token(self._note)
        self.future: Future[None] | None = None
        self._lane, self._work = lane, work
        self._done, self._failed, self._progress = done, failed or said, progress
        self._mail: tuple[float, str] | None = None

    @property
    def live(self) -> bool:
        """Whether its result is still awaited: neither delivered nor cancelled."""
        return self._lane.holds(self)

    def cancel(self) -> None:
        """Stop it soon; nothing of it is delivered from now on."""
        self._lane.drop(self)

    def run(self) -> None:
        """Do the work and post its result; on the worker."""
        try:
            self.token.check()
            value = self._work(self.token)
        except Exception as error:
            failure = error
            self._lane.post(lambda: self._finish(self._failed, failure))
        else:
            self._lane.post(lambda: self._finish(self._done, value))

    def _finish(self, receiver: Callable[[Any], object] | None, value: object) -> None:
        if self._lane.settle(self) and receiver is not None:
            receiver(value)

    def _note(self, fraction: float, text: str) -> None:
        """Keep the newest progress and ask once for it to be fetched; on the worker."""
        waiting = self._mail is not None
        self._mail = (fraction, text)
        if not waiting:
            self._lane.post(self._fetch)

    def _fetch(self) -> None:
        mail, self._mail = self._mail, None
        if mail is not None and self.live and self._progress is not None:
            self._progress(*mail)


class Lane:
    """Work of one kind, one piece at a time, on a thread of its own.

    `latest`: a new submit cancels all before it. `fifo`: all is done, in order. Use it from the main thread.
    """

    def __init__(self, discipline: Discipline = "fifo", *, name: str = "lane", executor: Executor | None = None) -> None:
        self._discipline = discipline
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix=name)
        self._bridge = None if isinstance(executor, Inline) else _shared_bridge()
        self._live: dict[int, Job[Any]] = {}
        self._futures: list[Future[None]] = []
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a result is awaited."""
        return bool(self._live)

    def submit(
        self,
        work: Callable[[Token], T],
        *,
        done: Callable[[T], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
        progress: Callable[[float, str], None] | None = None,
    ) -> Job[T]:
        """Queue `work`. Later, on the main thread, `done` gets its value or `failed` its exception; `progress` the newest.

        Without `failed` nobody is told of a failure that users understand, and a fault of the program is reported.
        Of a cancelled job nothing is delivered. After `shutdown` the job is cancelled at once.
        """
        job = Job(self, work, done, failed, progress)
        if self._closed:
            job.token.cancel()
            return job
        if self._discipline == "latest":
            self.cancel()
        self._live[id(job)] = job
        job.future = self._executor.submit(job.run)
        self._futures = [future for future in [*self._futures, job.future] if not future.done()]
        return job

    def cancel(self) -> None:
        """Cancel all work of the lane."""
        for job in list(self._live.values()):
            self.drop(job)

    def shutdown(self, timeout_s: float) -> bool:
        """Cancel everything and wait at most `timeout_s`; whether all work has stopped."""
        self._closed = True
        self.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
        return not wait([future for future in self._futures if not future.done()], timeout=timeout_s).not_done

    def holds(self, job: Job[Any]) -> bool:
        """Whether this very job is awaited."""
        return self._live.get(id(job)) is job

    def drop(self, job: Job[Any]) -> None:
        """Cancel one job."""
        self._live.pop(id(job), None)
        job.token.cancel()
        if job.future is not None:
            job.future.cancel()

    def settle(self, job: Job[Any]) -> bool:
        """Take a finished job out; whether it was still awaited."""
        return self._live.pop(id(job), None) is job

    def post(self, closure: Callable[[], None]) -> None:
        """Run `closure` on the main thread; an inline lane is on it already."""
        if self._bridge is None:
            closure()
        else:
            self._bridge.post(closure)


def shut_down(lanes: list[Lane], timeout_s: float) -> bool:
    """Shut several lanes down within one and the same `timeout_s`; whether all work has stopped."""
    end = time.monotonic() + timeout_s
    for lane in lanes:
        lane.cancel()
    return all([lane.shutdown(max(0.0, end - time.monotonic())) for lane in lanes])
