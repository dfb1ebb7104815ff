"""What the benchmark's worker says, read as data: protocols, runs, results. It is the one place that knows the shape of its answers.

It knows no Qt and keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark import bench_news
from musicclass_gui.engine.benchmark.protocol import About, Cell, Config, Method, Option, Published, Result
from musicclass_gui.engine.benchmark.runs import RunRow
from musicclass_gui.engine.plain import from_plain

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.bench_news import News


@dataclass(frozen=True)
class DatasetView:
    """A data set that a protocol can be run on: where to get it, and what its folder has to look like."""

    id: str
    title: str = ""
    kind: str = "classes"
    where: str = ""
    layout: str = ""


@dataclass(frozen=True)
class ProtocolView:
    """A protocol as it can be chosen. Empty `orders`, `tasks` or `features`: it has none to choose from."""

    id: str
    title: str
    paper: str = ""
    line: str = ""
    datasets: tuple[DatasetView, ...] = ()
    encoders: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    options: tuple[Option, ...] = ()
    modes: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    def dataset(self, dataset_id: str) -> DatasetView | None:
        """A data set of the protocol by its id."""
        return next((one for one in self.datasets if one.id == dataset_id), None)

    @property
    def defects(self) -> tuple[Option, ...]:
        """The options in which the modes differ: each is a documented defect of the published code, or a choice of ours."""
        return tuple(option for option in self.options if option.modes)


@dataclass
class RunView:
    """A run with what is known of it so far; results, failures and published numbers by the name of their cell."""

    run: int
    config: Config
    cells: tuple[Cell, ...] = ()
    about: About | None = None
    results: dict[str, Result] = field(default_factory=dict)
    published: dict[str, tuple[Published, ...]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the data's order, or in the order in which they occur in the results."""
        if self.about is not None and self.about.classes:
            return self.about.classes
        seen = (one.truth for result in self.results.values() for one in result.predictions)
        return tuple(sorted(set(seen)))


def protocols(answer: Any) -> list[ProtocolView]:
    """The answer to "list"."""
    return [from_plain(ProtocolView, one) for one in answer]


def about(answer: Any) -> About:
    """The answer to "about"."""
    return from_plain(About, answer)


def run_rows(answer: Any) -> list[RunRow]:
    """The answer to "runs"."""
    return [from_plain(RunRow, one) for one in answer]


def run_view(run: int, answer: Any) -> RunView:
    """The answer to "results": the run with everything that is known of it."""
    view = RunView(run, from_plain(Config, answer["config"]), tuple(from_plain(Cell, one) for one in answer["cells"]))
    view.about = from_plain(About, answer["about"])
    for name, result in answer["results"].items():
        view.results[name] = from_plain(Result, result)
    for name, printed in answer["published"].items():
        view.published[name] = _printed(printed)
    return view


@dataclass(frozen=True)
class Told:
    """News of a run; with the config of what begins, and with what was published for a cell."""

    news: News
    config: Config | None = None
    published: tuple[Published, ...] = ()


def told(event: dict[str, Any]) -> Told:
    """An event of "run"."""
    config = from_plain(Config, event["config"]) if "config" in event else None
    return Told(bench_news.from_json(event), config, _printed(event.get("published", [])))


def _printed(answer: Any) -> tuple[Published, ...]:
    return tuple(from_plain(Published, one) for one in answer)
