"""The command line: each command is the headless twin of something in the window.

Tables go to standard output, errors as one line each to standard error. Exit status: 0, 1 when some input failed,
2 for usage.
"""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from musicclass_gui import __version__, cli_bench, cli_extract, cli_models, cli_teach, cli_train, cli_words, terminal
from musicclass_gui.engine.errors import MusicClassError

if TYPE_CHECKING:
    from musicclass_gui.engine.analysis import Analyst, Request
    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.export import Result


app = typer.Typer(
    help="See what a recording is and why. Without a command, `musicclass [FILE…]` opens the window.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli_models.add_to(app)
cli_teach.add_to(app)
cli_words.add_to(app)
cli_extract.add_to(app)
cli_bench.add_to(app)
cli_train.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"musicclass {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """See what a recording is and why."""
    for stream in (sys.stdout, sys.stderr):
        _accept_any_name(stream)


def _accept_any_name(stream: object) -> None:
    """Names of files need not be valid text, nor fit the terminal's encoding; what other programs read is UTF-8."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(help="Recordings.", metavar="FILE…")],
    classifier: Annotated[list[str] | None, typer.Option(help="Which classifiers answer; all by default.", metavar="ID")] = None,
    encoder: Annotated[str, typer.Option(help="Force one encoder instead of the best one that can run.", metavar="ID")] = "",
    device: terminal.DeviceOption = "auto",
    window: terminal.WindowOption = 0.0,
    weights: terminal.WeightsOption = "",
    project: Annotated[Path | None, typer.Option(help="Let a project's classifiers answer instead.", metavar="PROJECT")] = None,
    tags: Annotated[list[str] | None, typer.Option(help="Let a tagger answer too (see `musicclass models list`).", metavar="ID")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Let large encoders compute faster with rounded numbers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file and line.")] = False,
) -> None:
    """Say what each recording is: a table, or one JSON object per file and line."""
    from musicclass_gui.engine.analysis import Analyst, Request
    from musicclass_gui.engine.places import cache_dir

    terminal.require_encoder(encoder)
    ids = (*(() if project or (tags and not classifier) else _known(classifier or [], weights)), *map(_tags_of, tags or []))
    analyst = Analyst(cache_dir())
    failed = False
    for path in files:
        request = Request(path, ids, encoder, device, window, weights, picture=False, project=str(project or ""), fast=fast)
        result = _result(analyst, request)
        failed |= result.error is not None or not result.answers
        _print(result, as_json)
    raise typer.Exit(1 if failed else 0)


@app.command()
def selfcheck() -> None:
    """Print versions, devices and audio back ends, and what is missing."""
    from musicclass_gui.engine.selfcheck import report

    table = terminal.table("", "what", "found", "to do")
    checks = report()
    for check in checks:
        table.add_row("ok" if check.ok else "[red]!![/]", escape(check.name), escape(check.value), escape(check.advice))
    terminal.console().print(table)
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def _result(analyst: Analyst, request: Request) -> Result:
    """Analyse one file; its failure is a result too."""
    from musicclass_gui.engine.events import Event, Finished, Noticed
    from musicclass_gui.engine.export import Result

    notices: list[str] = []
    duration = [math.nan]

    def listen(event: Event) -> None:
        if isinstance(event, Noticed):
            notices.append(event.text)
        elif isinstance(event, Finished):
            duration[0] = event.duration_s

    try:
        with terminal.bar(request.path.name) as token:
            answers = analyst.analyse(request, token, listen)
    except MusicClassError as error:
        return Result(request.path, math.nan, error=str(error), notices=notices)
    except Exception as error:  # a fault must not keep the other files from being answered
        fault = f"A fault in the program stopped this ({type(error).__name__}: {error}); please report it."
        return Result(request.path, math.nan, error=fault, notices=notices)
    return Result(request.path, duration[0], answers, notices=notices)


def _print(result: Result, as_json: bool) -> None:
    if as_json:
        from musicclass_gui.engine import export

        print(export.as_json([result]), end="", flush=True)
    elif result.error is None:
        _print_table(result)
    if result.error is not None:
        terminal.complain(f"{result.path}: {result.error}")


def _print_table(result: Result) -> None:
    console = terminal.console()
    table = terminal.table("classifier", "answer", "probability", "next", "encoder")
    for answer in result.answers:
        table.add_row(*_answer_row(answer))
    console.print(f"[bold]{escape(str(result.path))}[/]  {_clock(result.duration_s)}")
    if result.answers:
        console.print(table)
    for line in [*result.notices, *(f"{a.classifier}: {text}" for a in result.answers for text in (a.reason, a.measured, a.note) if text)]:
        console.print(f"  {escape(line)}", style="dim")


def _answer_row(answer: Answer) -> tuple[str, str, str, str, str]:
    if answer.label is None and answer.kind != "classes":
        return answer.classifier, "nothing stands out", "", "", answer.encoder
    first, *others = answer.ranking
    if answer.label is None:  # the probabilities compare known classes with each other: here they would claim too much
        nearest = ", ".join(escape(ranked.label) for ranked in answer.ranking[:2])
        return answer.classifier, "none of these", "", f"nearest: {nearest}", answer.encoder
    following = ", ".join(f"{escape(r.label)} {r.probability:.0%}" for r in others[:2])
    return answer.classifier, escape(first.label), f"{first.probability:.0%}", following, answer.encoder


def _known(ids: list[str], weights: str) -> tuple[str, ...]:
    """All classifiers, or those asked for; an unknown one is a usage error."""
    known = terminal.shelf(weights).ids()
    for wanted in ids:
        if wanted not in known:
            raise typer.BadParameter(f"There is no classifier “{wanted}”; known are {', '.join(known)}.", param_hint="--classifier")
    return tuple(ids or known)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}" if math.isfinite(seconds) else ""


def _tags_of(encoder: str) -> str:
    """The id under which a tagger answers; what is no tagger is a usage error."""
    from musicclass_gui.engine import encoders

    spec = encoders.find_spec(encoder)
    if spec is None or not spec.tags:
        known = ", ".join(spec.id for spec in encoders.specs().values() if spec.tags)
        raise typer.BadParameter(f"“{encoder}” is no encoder with tags; those that have some are {known}.", param_hint="--tags")
    return f"tags-{spec.id}"
