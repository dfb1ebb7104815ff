"""The road to the process that teaches: one call after the other, what it tells relayed, the longest of them cancelled at will.

What a call means is the desk's business, on the other side (`engine.lessons.desk`); what is shown of it is `Teaching`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicclass_gui.app.jobs import Lane
from musicclass_gui.app.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.jobs import Job
    from musicclass_gui.engine.lessons.news import News
    from musicclass_gui.engine.task import Token

Fields = dict[str, Any]

_DIED = "The process that teaches stopped unexpectedly; what it had listened to is kept, so the lesson can be gone on with."


@dataclass(frozen=True)
class Receivers:
    """Who is given what comes of a call, on the main thread: its value, its failure, its news, and how far it is."""

    done: Callable[[Any], None]
    failed: Callable[[Exception], None]
    told: Callable[[News], None] | None = None
    progress: Callable[[float, str], None] | None = None


def shaped(kind: str, value: Any) -> Any:
    """The desk's plain answer as the data that `kind` names; "" leaves it plain. The shapes are only loaded once there is an answer."""
    from musicclass_gui.engine.lessons.plan import Plan
    from musicclass_gui.engine.plain import from_plain
    from musicclass_gui.engine.project.board import Alike, Board, Doubt, LessonView, SoundMap

    shapes: dict[str, Any] = {one.__name__: one for one in (Plan, Board, LessonView, SoundMap)}
    shapes |= {"Alikes": list[Alike], "Doubts": list[Doubt]}
    return from_plain(shapes[kind], value) if kind else value


class DeskLine:
    """A lane with a worker process of its own, which is started by the first call. For the main thread."""

    def __init__(self) -> None:
        self._service = Service(_DIED)
        self.lane = Lane("fifo", name="learn")

    def ask(self, name: str, fields: Fields, read: Callable[[Any], Any], to: Receivers) -> Job[Any]:
        """Ask the desk when all calls before it are through; `read` makes, aside, what is delivered out of the plain answer."""
        message = {**fields, "do": name}

        def work(token: Token) -> Any:
            return read(self._service.call("desk", message, token, lambda event: self._relay(event, token, to)))

        return self.lane.submit(work, done=to.done, failed=to.failed, progress=to.progress)

    def close(self, timeout_s: float) -> None:
        """End the process and whatever it is at; the lane is left to be shut down."""
        self.lane.cancel()
        self._service.close(timeout_s)

    def _relay(self, event: Fields, token: Token, to: Receivers) -> None:
        """Pass news on, in the lane's thread; of a cancelled call none arrives."""
        told = to.told
        if told is not None:
            from musicclass_gui.engine.lessons import news

            read = news.from_json(event)
            self.lane.post(lambda: None if token.cancelled else told(read))
