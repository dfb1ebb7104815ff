"""The commands of `musicclass bench`: what there is, checks of data, a run with its table, and reports, as the window's panel has them.

Tables go to standard output, progress and errors to standard error. Exit status: 0, 1 when something failed, 2 for usage.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from musicclass_gui import terminal
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.places import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.progress import Progress, TaskID

    from musicclass_gui.engine.benchmark.bench_news import News
    from musicclass_gui.engine.benchmark.data import Count
    from musicclass_gui.engine.benchmark.protocol import About, BenchmarkProtocol, Cell, Config, Option, Published, Result, Score
    from musicclass_gui.engine.benchmark.runs import Store
    from musicclass_gui.engine.task import Token

bench = typer.Typer(help="Published experiments on your own copies of the data, as published and corrected.", no_args_is_help=True)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_SUFFIXES = {"md", "html", "csv", "tex"}
_MODES = {"published": ("published",), "corrected": ("corrected",), "both": ("published", "corrected"), "": ()}
_LARGEST_SEED = 2**32 - 1
_OUT_HELP = "The folder in which runs are kept; by default the one that the window uses."


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.add_typer(bench, name="bench")


@bench.command("list")
def bench_list() -> None:
    """List protocols with their methods and options, and their data sets with where to get them."""
    from musicclass_gui.engine.benchmark import bench_calls

    console = terminal.console()
    for one in bench_calls.listed():
        console.print(f"[bold]{escape(one['id'])}[/]  {escape(one['title'])} ({escape(one['paper'])})")
        console.print(f"  {escape(one['line'])}")
        for what in ("modes", "orders", "encoders", "tasks", "features"):
            if one[what]:
                console.print(f"  {what}: {escape(', '.join(one[what]))}")
        for what in ("methods", "options", "datasets"):
            console.print(_listed(what, one[what]))


def _listed(what: str, rows: Sequence[dict[str, Any]]) -> Any:
    columns = {"methods": ("id", "title", "line"), "options": ("id", "title", "line"), "datasets": ("id", "title", "where", "layout")}[what]
    table = terminal.table(f"  {what}", *columns[1:])
    for row in rows:
        table.add_row(f"  {escape(row['id'])}", *(escape(row[column]) for column in columns[1:]))
    return table


@bench.command("check")
def bench_check(
    dataset: Annotated[str, typer.Argument(help="Which data set it is; see `musicclass bench list`.", metavar="DATASET")],
    data: Annotated[Path, typer.Option(help="Where the data set is.", metavar="DIR")],
) -> None:
    """Check a copy of a data set: its counts beside the published ones, and every recording that is missing or cannot be decoded."""
    from musicclass_gui.engine.benchmark import readers
    from musicclass_gui.engine.errors import DataError

    try:
        reader = readers.reader(dataset)
    except DataError as error:
        raise typer.BadParameter(str(error), param_hint="DATASET") from error
    with terminal.errors_as_lines(), terminal.bar("Looking at the data") as token:
        found = reader.read(data.expanduser().absolute(), token)
    console = terminal.console()
    console.print(f"[bold]{escape(found.title)}[/]  {len(found.items):,} recordings, {len(found.classes)} classes. {escape(reader.WHERE)}")
    console.print(_counted(found.counts))
    for problem in found.problems:
        console.print(f"  {escape(problem)}", style="yellow")
    for names, what in ((found.missing, "missing"), (found.undecodable, "cannot be decoded")):
        for name in names:
            print(f"{what}\t{name}")
    raise typer.Exit(1 if found.missing or found.undecodable else 0)


@bench.command("run")
def bench_run(
    protocol: Annotated[str, typer.Argument(help="See `musicclass bench list`.", metavar="PROTOCOL")],
    data: Annotated[Path, typer.Option(help="Where the data set is.", metavar="DIR")],
    dataset: Annotated[str, typer.Option(help="Which data set it is; the protocol's first by default.", metavar="ID")] = "",
    encoder: Annotated[str, typer.Option(help="The encoder; the protocol's first by default.", metavar="ID")] = "",
    methods: Annotated[str, typer.Option(help="Methods, separated by commas; the protocol's by default.", metavar="A,B")] = "",
    mode: Annotated[str, typer.Option(help="published, corrected or both.")] = "",
    orders: Annotated[str, typer.Option(help="Class orders, separated by commas.", metavar="1,2,3")] = "",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.", metavar="0,1")] = "0",
    tasks: Annotated[str, typer.Option(help="Tasks, separated by commas, where the protocol has several.", metavar="A,B")] = "",
    keys: Annotated[str, typer.Option(help="Features, separated by commas, where the protocol has several.", metavar="A,B")] = "",
    option: Annotated[list[str] | None, typer.Option("--option", "--set", help="An option; may be repeated.", metavar="NAME=VALUE")] = None,
    out: Annotated[Path | None, typer.Option(help=_OUT_HELP, metavar="RUNS")] = None,
    resume: Annotated[bool, typer.Option("--resume/--anew", help="Go on with the latest run of the same kind, or begin a new one.")] = True,
    workers: Annotated[int, typer.Option(min=1, help="In how many processes results are computed.", metavar="N")] = 1,
    cluster: Annotated[str, typer.Option(help="A Dask scheduler that embeds and computes instead.", metavar="ADDRESS")] = "",
    device: terminal.DeviceOption = "auto",
    weights: terminal.WeightsOption = "",
) -> None:
    """Check the data, do a run, and print its table beside the published numbers. After any interruption the same command goes on."""
    from musicclass_gui.engine.benchmark import runner, runs
    from musicclass_gui.engine.benchmark.protocol import Config

    terminal.require_encoder(encoder)
    found = _protocol(protocol)
    if mode not in _MODES:
        raise typer.BadParameter(f"“{mode}” is no mode; it is published, corrected or both.", param_hint="--mode")
    _require_meant(found, {"--orders": orders, "--tasks": tasks, "--keys": keys, "--encoder": encoder})
    config = Config(
        protocol, str(data.expanduser().absolute()), dataset, encoder, _parts(methods), _MODES[mode], _parts(orders), _seeds(seeds),
        _parts(tasks), _parts(keys), _options(found, option or []), device, weights,
    )  # fmt: skip
    with terminal.errors_as_lines(), runs.opened(out or data_dir() / "runs") as store:
        with terminal.bar("Looking at the data") as token:
            about = found.about(config, token, lambda text: token.progress(float("nan"), text))
        _print_about(about)
        with _live() as live, terminal.stopping(live.token, store.folder):
            number = runner.run(config, store, live.token, live.take, resume=resume, workers=workers, cluster=cluster, about=about)
        _print_results(found, config, store, number)
    raise typer.Exit(1 if live.failed else 0)


@bench.command("report")
def bench_report(
    folder: Annotated[Path, typer.Argument(help="The folder in which runs are kept.", metavar="RUNS")],
    run: Annotated[int, typer.Option(help="Its number; the latest one by default.", metavar="N")] = 0,
    format: Annotated[str, typer.Option(help="md, html, csv or tex.")] = "md",
    out: Annotated[Path | None, typer.Option(help="Where to write it instead of to the terminal.", metavar="FILE")] = None,
) -> None:
    """Report a run: its data, its table with the published numbers, its versions."""
    from musicclass_gui.engine.benchmark import bench_calls, runs

    if format not in _SUFFIXES:
        raise typer.BadParameter(f"“{format}” is no format; it is md, html, csv or tex.", param_hint="--format")
    with terminal.errors_as_lines():
        if not (folder / runs.FILE).is_file():
            raise BenchmarkError(f"There are no runs in “{folder}”; name the folder that was given to `musicclass bench run` as --out.")
        with runs.opened(folder) as store:
            text = bench_calls.reported(store, run or _latest(store), format)
        if out is None:
            print(text, end="" if text.endswith("\n") else "\n")
        else:
            bench_calls.written(out, text)


def _latest(store: Store) -> int:
    rows = store.runs()
    if not rows:
        raise BenchmarkError(f"There are no runs in “{store.folder}” yet.")
    return rows[-1].id


def _protocol(name: str) -> BenchmarkProtocol:
    """A protocol; an unknown one is a usage error."""
    from musicclass_gui.engine.benchmark import protocols

    try:
        return protocols.protocol(name)
    except BenchmarkError as error:
        raise typer.BadParameter(str(error), param_hint="PROTOCOL") from error


def _require_meant(protocol: BenchmarkProtocol, given: dict[str, str]) -> None:
    """What a protocol has no use for is a usage error: it would change nothing."""
    uses = {"--orders": "ORDERS", "--tasks": "TASKS", "--keys": "FEATURES", "--encoder": "ENCODERS"}
    for name, value in given.items():
        if value and not getattr(protocol, uses[name], ()):
            raise typer.BadParameter(f"{protocol.ID} has no {name.strip('-')} to choose from; leave this out.", param_hint=name)


def _parts(text: str) -> tuple[str, ...]:
    """What commas separate, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(dict.fromkeys(int(part) for part in _parts(text))) or (0,)
    except ValueError:
        seeds = (-1,)
    if min(seeds) < 0 or max(seeds) > _LARGEST_SEED:
        raise typer.BadParameter(f"“{text}” are no seeds; they are whole numbers from 0 on, such as 0,1,2.", param_hint="--seeds")
    return seeds


def _options(protocol: BenchmarkProtocol, given: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE of each, as the protocol's option is; what is none is a usage error."""
    known = {option.id: option for option in protocol.OPTIONS}
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise typer.BadParameter(f"“{text}” is no option; known are {', '.join(known)}, as NAME=VALUE.", param_hint="--option")
        values[name] = _value(known[name], value)
    return values


def _value(option: Option, text: str) -> Any:
    try:
        if option.kind == "bool":
            return (*_TRUE, *_FALSE).index(text.lower()) < len(_TRUE)
        if option.kind in ("int", "float"):
            return int(text) if option.kind == "int" else float(text)
        if option.choices:
            return option.choices[option.choices.index(text)]
    except ValueError:
        kinds = {"bool": "true or false", "int": "a whole number", "float": "a number", "choice": f"one of {', '.join(option.choices)}"}
        raise typer.BadParameter(f"“{text}” is not what {option.id} takes: {kinds[option.kind]}.", param_hint="--option") from None
    return text


def _print_about(about: About) -> None:
    console = terminal.console()
    console.print(f"[bold]{escape(about.title)}[/]")
    console.print(_counted(about.counts))
    for problem in about.problems:
        console.print(f"  {escape(problem)}", style="yellow")
    for verdict in about.verdicts:
        style = {"leak": "red", "note": "yellow"}.get(verdict.level, "green")
        console.print(f"  [{style}]{escape(verdict.level)}[/]  {escape(verdict.check)}: {escape(verdict.sentence)}")
    console.print(f"  {about.cells} results, about {_time(about.seconds)} and {about.disk_bytes / 1e6:,.0f} MB.")


def _counted(counts: Sequence[Count]) -> Any:
    """How many there are of everything, beside how many its publisher names."""
    table = terminal.table("  counts", "found", "published")
    for count in counts:
        table.add_row(f"  {escape(count.what)}", f"{count.found:,}", f"{count.published:,}" if count.published else "")
    return table


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class _Live:
    """What is told of a run while it goes on: a bar with the time that is left, or a line for each result where there is no terminal."""

    def __init__(self, progress: Progress, task: TaskID, token: Token) -> None:
        self._progress, self._task = progress, task
        self.token = token
        self.failed = False

    def take(self, news: News) -> None:
        """Show one piece of news."""
        from musicclass_gui.engine.benchmark.bench_news import Began, Failed, Finished, Staged
        from musicclass_gui.engine.benchmark.cells import spoken

        if isinstance(news, Began):
            self._progress.update(self._task, total=len(news.cells), completed=0)
            terminal.complain(f"Run {news.run}: {len(news.cells)} results.")
        elif isinstance(news, Staged):
            self._progress.update(self._task, description=escape(news.text))
        elif isinstance(news, Finished):
            self._progress.update(self._task, completed=news.done)
            said = ", ".join(_score(score) for score in headline(news.result)[:2])
            self._progress.console.print(f"{news.done} of {news.total}  {escape(spoken(news.cell))}: {escape(said)}")
        elif isinstance(news, Failed):
            self.failed = True
            self._progress.console.print(f"{escape(spoken(news.cell))}: {escape(news.reason)}", style="red")


@contextmanager
def _live() -> Iterator[_Live]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from musicclass_gui.engine.task import Token

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, width=None if _is_terminal() else 200)
    with Progress(*columns, console=console, transient=True, disable=not _is_terminal()) as progress:
        task = progress.add_task("Beginning", total=None)
        yield _Live(progress, task, Token(lambda _, text: progress.update(task, description=escape(text)) if text else None))


def _is_terminal() -> bool:
    return sys.stderr.isatty()


def headline(result: Result) -> list[Score]:
    """Of each measure of a result the number for the whole: over all sessions and tasks, or after the last session."""
    found: dict[str, Score] = {}
    for score in result.scores:
        before = found.get(score.metric)
        if before is None or _rank(score) > _rank(before):
            found[score.metric] = score
    return list(found.values())


def _rank(score: Score) -> tuple[bool, bool, int]:
    return not score.task, score.session == 0, score.session


def _print_results(protocol: BenchmarkProtocol, config: Config, store: Store, number: int) -> None:
    results = store.results(number, predictions=False)
    columns: list[tuple[str, Callable[[Cell], str]]] = [
        ("method", lambda cell: cell.method),
        ("mode", lambda cell: cell.mode),
        ("order", lambda cell: cell.order),
        ("seed", lambda cell: str(cell.seed)),
        ("task", lambda cell: cell.task),
        ("features", lambda cell: cell.features),
    ]
    shown = [(name, of) for name, of in columns if name == "method" or len({of(cell) for cell, _ in results}) > 1]
    table = terminal.table(*(name for name, _ in shown), "measure", "value", "95 %", "published", "difference", "source")
    places = {cell.name: place for place, cell in enumerate(protocol.cells(config))}
    for cell, result in sorted(results, key=lambda row: places[row[0].name]):
        published = protocol.published(config, cell)
        for line, score in enumerate(headline(result)):
            names = [escape(of(cell)) if not line else "" for _, of in shown]
            table.add_row(*names, *_beside(score, published))
    terminal.console().print(table)
    terminal.console().print(f"Run {number} in “{escape(str(store.folder))}”.", style="dim")


def _beside(score: Score, published: Sequence[Published]) -> tuple[str, str, str, str, str, str]:
    """A score, its interval, and what was printed for it."""
    percent, scale = _percent(score.metric)
    low_high = "" if score.low is None or score.high is None else f"{_number(score.low, percent)}–{_number(score.high, percent)}"
    same = [one for one in published if (one.metric, one.session, one.task) == (score.metric, score.session, score.task)]
    said = (_title(score.metric), _number(score.value, percent), low_high)
    if not same:
        return (*said, "", "", "")
    digits = 2 if percent else 4
    difference = round((score.value - same[0].value) * scale, digits) + 0.0  # no minus before zero
    return (*said, _number(same[0].value, percent), f"{difference:+.{digits}f}", escape(same[0].source))


def _percent(metric: str) -> tuple[bool, float]:
    from musicclass_gui.engine.benchmark.measures import METRICS

    percent = metric in METRICS and METRICS[metric].percent
    return percent, 100.0 if percent else 1.0


def _title(metric: str) -> str:
    from musicclass_gui.engine.benchmark.measures import METRICS

    return METRICS[metric].title if metric in METRICS else metric


def _number(value: float, percent: bool) -> str:
    return f"{100 * value:.2f}" if percent else f"{value:.4f}"


def _score(score: Score) -> str:
    return f"{_title(score.metric)} {_number(score.value, _percent(score.metric)[0])}"
