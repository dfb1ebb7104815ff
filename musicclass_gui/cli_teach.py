"""The commands that teach: each asks the same desk as the window does, on a project file that is named.

A project that is not there yet is made by the first lesson. Tables go to standard output, errors to standard error.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from musicclass_gui import terminal
from musicclass_gui.engine.lessons.news import Heard
from musicclass_gui.engine.project.rows import METHODS
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.engine.lessons.desk import Desk
    from musicclass_gui.engine.lessons.news import News
    from musicclass_gui.engine.lessons.plan import Plan
    from musicclass_gui.engine.lessons.report import ClassReport, LessonCard
    from musicclass_gui.engine.project.board import Board, ClassView

ProjectArgument = Annotated[Path, typer.Argument(help="A project file, such as band.musicclass.", metavar="PROJECT")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
_STATES = {"planned": "interrupted", "draft": "not kept", "kept": "kept", "undone": "taken back"}
pack = typer.Typer(help="Class packs: a classifier as one file, to give away or to take in.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    for command in (teach, forget, undo, redo, classes):
        app.command()(command)
    app.add_typer(pack, name="pack")


def teach(
    project: ProjectArgument,
    folders: Annotated[list[Path], typer.Argument(help="Folders (sub-folder = class) or recordings.", metavar="FOLDER…")],
    name: Annotated[str, typer.Option("--as", help="Teach everything as one class of this name.", metavar="NAME")] = "",
    classifier: Annotated[str, typer.Option(help="Which classifier of the project learns.", metavar="ID")] = "",
    encoder: Annotated[str, typer.Option(help="The encoder of a new classifier; the best one that can run by default.", metavar="ID")] = "",
    method: Annotated[str, typer.Option(help="How a new classifier learns: gaussian, centers or replay.", metavar="METHOD")] = "",
    unfreeze: Annotated[int, typer.Option(help="With replay: how many of the encoder's last blocks learn too.", min=0)] = 0,
    device: terminal.DeviceOption = "auto",
    weights: terminal.WeightsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Teach classes from folders of clips, keep the lesson, and print what it did."""
    _check_method(method)
    _check_there(folders)
    terminal.require_encoder(encoder)
    if unfreeze and method != "replay":
        raise typer.BadParameter("Only with --method replay can the encoder's last blocks learn too.", param_hint="--unfreeze")
    with desk_on(project, device, weights, create=True) as desk, terminal.bar("Teaching") as token:
        plan = _named(desk.plan(folders, token), name)
        heard: list[News] = []
        asked = desk.wanted(classifier, method=method, encoder=encoder, options={"unfreeze": unfreeze} if unfreeze else {})
        card = desk.taught(plan, asked, token, heard.append)
    failed = [news for news in heard if isinstance(news, Heard) and news.state == "failed"]
    unreadable = [file for one in plan.classes for file in one.files if file.reason]
    _print_card(card, as_json)
    for path, reason in [*((news.path, news.reason) for news in failed), *((file.path, file.reason) for file in unreadable)]:
        terminal.complain(f"{path}: {reason}")
    raise typer.Exit(1 if failed or unreadable else 0)


def forget(
    project: ProjectArgument,
    class_name: Annotated[str, typer.Argument(help="The class to forget.", metavar="CLASS")] = "",
    lesson: Annotated[int, typer.Option(help="Forget what this lesson taught instead.", metavar="N")] = 0,
    classifier: Annotated[str, typer.Option(help="The classifier that has the class.", metavar="ID")] = "",
) -> None:
    """Forget a class, or all that one lesson taught, as if it had never been taught."""
    if bool(class_name) == bool(lesson):
        raise typer.BadParameter("Name a class, or a lesson with --lesson N.")
    with desk_on(project) as desk:
        board = desk.forget(lesson) if lesson else desk.delete(desk.class_named(class_name, classifier))
    _print_step("Kept", board, board.undo)


def undo(project: ProjectArgument) -> None:
    """Take the last lesson back, or one that was interrupted."""
    with desk_on(project) as desk:
        before = desk.board()
        waiting = before.waiting
        title, board = (waiting.title, desk.take_back(waiting.id)) if waiting else (before.undo, desk.undo(Token()))
    _print_step("Taken back", board, title, "There is nothing to take back.")


def redo(project: ProjectArgument) -> None:
    """Bring back the lesson that was taken back last."""
    with desk_on(project) as desk:
        title, board = desk.board().redo, desk.redo(Token())
    _print_step("Brought back", board, title, "There is nothing to bring back.")


def classes(project: ProjectArgument, as_json: JsonOption = False) -> None:
    """List the project's classifiers, classes (how many recordings, how good in the last test) and lessons with their numbers."""
    with desk_on(project, write=False) as desk:
        board = desk.board()
    if as_json:
        print(json.dumps(_plain(board), ensure_ascii=False, indent=1))
        return
    table = terminal.table("classifier", "class", "recordings", "right", "")
    for one in board.classifiers:
        for view in one.classes:
            table.add_row(escape(one.key), escape(view.name), _count(view), _share(view.quality), escape(view.quality_note))
    terminal.console().print(table)
    for one in board.classifiers:
        terminal.console().print(f"{escape(one.key)}: {one.method} on {one.encoder}. {escape(one.measured)}", style="dim")
    for lesson in reversed(board.lessons):
        terminal.console().print(f"lesson {lesson.id}, {_STATES[lesson.state]}: {escape(lesson.title)}", style="dim")


@pack.command("export")
def pack_export(
    project: ProjectArgument,
    out: Annotated[Path, typer.Argument(help="Where to write it, such as band.mcpack.", metavar="FILE")],
    classifier: Annotated[str, typer.Option(help="Which classifier; the only one by default.", metavar="ID")] = "",
) -> None:
    """Write a classifier as one file that others can import: sums, class names and its card, no audio."""
    with desk_on(project, write=False) as desk:
        desk.pack_export(desk.classifier_named(classifier), out)
    print(out)


@pack.command("import")
def pack_import(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(help="A class pack, or another project.", metavar="FILE")],
    classifier: Annotated[str, typer.Option(help="Join it with this classifier; a new one by default.", metavar="ID")] = "",
) -> None:
    """Take in a class pack: as a classifier of its own, or joined with one that is there."""
    with desk_on(project, create=True) as desk:
        board = desk.pack_import(file, desk.classifier_named(classifier) if classifier else 0)
    _print_step("Kept", board, board.undo)


@contextmanager
def desk_on(project: Path, device: str = "auto", weights: str = "", *, create: bool = False, write: bool = True) -> Iterator[Desk]:
    """A desk on the project; failures are one line and exit status 1."""
    from musicclass_gui.engine.lessons.desk import Desk
    from musicclass_gui.engine.places import cache_dir

    with terminal.errors_as_lines():
        desk = Desk(cache_dir(), device=device, weights_folder=weights)
        try:
            desk.open(project, create=create, write=write)
            yield desk
        finally:
            desk.close()


def _check_method(method: str) -> None:
    if method and method not in METHODS:
        raise typer.BadParameter(f"“{method}” is no method; it is {', '.join(METHODS)}.", param_hint="--method")


def _check_there(folders: list[Path]) -> None:
    """Say which of them is not there, before a project is made for nothing."""
    gone = [str(folder) for folder in folders if not folder.exists()]
    if gone:
        raise typer.BadParameter(f"{', '.join(gone)}: not there; check the spelling.", param_hint="FOLDER")


def _named(plan: Plan, name: str) -> Plan:
    """The plan with everything as one class, where a name was given."""
    from dataclasses import replace

    from musicclass_gui.engine.lessons.plan import PlannedClass

    if name:
        return replace(plan, classes=[PlannedClass(name, [file for one in plan.classes for file in one.files])])
    if any(not one.name for one in plan.classes):
        raise typer.BadParameter("Say with --as NAME what the loose recordings are.")
    return plan


def _print_card(card: LessonCard, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_plain(card), ensure_ascii=False))
        return
    console = terminal.console()
    console.print(f"[bold]{escape(card.title)}[/]  {card.method} on {card.encoder}")
    table = terminal.table("class", "", "recordings", "before", "after", "")
    for one in card.classes:
        table.add_row(escape(one.name), "new" if one.new else "", *_report(one), escape(one.note))
    console.print(table)
    for line in [card.sentence(), *_remarks(card)]:
        console.print(f"  {escape(line)}", style="dim")


def _report(one: ClassReport) -> tuple[str, str, str]:
    return str(one.recordings), _share(one.before), _share(one.after)


def _remarks(card: LessonCard) -> list[str]:
    grew = [f"{one.truth} is now answered {one.said} in {one.after} of {one.judged}, before in {one.before}." for one in card.grew]
    twins = [f"{one.name} ({one.cls}) and {one.other_name} ({one.other_cls}) {_alike(one.kind)}." for one in card.twins]
    return [*card.notes, *grew, *twins[:10]]


def _alike(kind: str) -> str:
    return "are the same file" if kind == "same" else "sound like the same recording"


def _print_step(verb: str, board: Board, title: str, otherwise: str = "") -> None:
    print(f"{verb}: {title}" if title else otherwise)
    if not title:
        raise typer.Exit(1)
    for one in board.classifiers:
        print(f"{one.key}: {', '.join(view.name for view in one.classes) or 'no classes'}")


def _count(view: ClassView) -> str:
    return str(len(view.examples) + view.base_recordings)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _plain(value: Any) -> Any:
    from musicclass_gui.engine.plain import to_plain

    return to_plain(value)
