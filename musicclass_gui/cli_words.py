"""The commands that name by words: lists of phrases in a project, for `musicclass predict --project` to answer with.

Each asks the same desk as the window does. Tables go to standard output, errors to standard error.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from musicclass_gui import terminal
from musicclass_gui.cli_teach import JsonOption, desk_on
from musicclass_gui.engine.errors import LessonError

if TYPE_CHECKING:
    from musicclass_gui.engine.project.board import Board, ClassifierView

words = typer.Typer(help="Name by words: phrases that recordings are compared with, without any example.", no_args_is_help=True)

ProjectOption = Annotated[Path, typer.Option("--project", help="A project file, such as band.musicclass.", metavar="PROJECT")]
PhrasesArgument = Annotated[list[str], typer.Argument(help="Phrases, such as “a fugue by Bach” and “bossa nova”.", metavar="PHRASE…")]
TemplateOption = Annotated[
    str, typer.Option("--template", help="The sentence that each phrase is put into, at {}: “This is a recording of {}.” by default.")
]
IdArgument = Annotated[str, typer.Argument(help="The classifier, as “musicclass words list” shows it.", metavar="ID")]


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.add_typer(words, name="words")


@words.command("add")
def words_add(
    title: Annotated[str, typer.Argument(help="What the classifier is called.", metavar="TITLE")],
    phrases: PhrasesArgument,
    project: ProjectOption,
    encoder: Annotated[str, typer.Option(help="A CLAP; the first one that is here by default.", metavar="ID")] = "",
    template: TemplateOption = "",
    weights: terminal.WeightsOption = "",
) -> None:
    """Make a classifier of phrases in a project, which is made if it is not there."""
    terminal.require_encoder(encoder)
    with desk_on(project, "cpu", weights, create=True) as desk:
        board = desk.add_words(title, encoder, template, phrases)
    _print_lists([board.classifiers[-1]])


@words.command("change")
def words_change(
    classifier: IdArgument,
    phrases: PhrasesArgument,
    project: ProjectOption,
    template: TemplateOption = "",
    weights: terminal.WeightsOption = "",
) -> None:
    """Give a classifier other phrases; its sentence stays, unless another one is given."""
    with desk_on(project, "cpu", weights) as desk:
        one = _named(desk.board(), classifier)
        board = desk.set_words(one.id, template or (one.words.template if one.words else ""), phrases)
    _print_lists([_named(board, classifier)])


@words.command("remove")
def words_remove(classifier: IdArgument, project: ProjectOption) -> None:
    """Take a classifier by words out of a project."""
    with desk_on(project) as desk:
        desk.remove_classifier(_named(desk.board(), classifier).id)
    print(f"Removed: {classifier}")


@words.command("list")
def words_list(project: ProjectOption, as_json: JsonOption = False) -> None:
    """List a project's classifiers by words."""
    with desk_on(project, write=False) as desk:
        found = _lists(desk.board())
    if as_json:
        from musicclass_gui.engine.plain import to_plain

        print(json.dumps(to_plain(found), ensure_ascii=False, indent=1))
    else:
        _print_lists(found)


def _lists(board: Board) -> list[ClassifierView]:
    return [one for one in board.classifiers if one.words]


def _named(board: Board, key: str) -> ClassifierView:
    """A classifier by words by its key. Raises LessonError."""
    lists = _lists(board)
    found = next((one for one in lists if one.key == key), None)
    if found is None:
        known = ", ".join(one.key for one in lists) or "none yet"
        raise LessonError(f"There is no classifier by words “{key}”; the project has {known}.")
    return found


def _print_lists(views: list[ClassifierView]) -> None:
    table = terminal.table("classifier", "title", "encoder", "sentence", "phrases")
    for one in views:
        if one.words:
            table.add_row(*map(escape, (one.key, one.title, one.encoder, one.words.template, "; ".join(one.words.phrases))))
    terminal.console().print(table)
