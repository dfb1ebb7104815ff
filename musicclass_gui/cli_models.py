"""The commands of `musicclass models`: encoders, their weights, and the classifiers built on them, as the window's manager shows them.

Tables go to standard output, errors as one line each to standard error. Exit status: 0, 1 when something failed, 2 for usage.
"""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from musicclass_gui import terminal
from musicclass_gui.engine.encoders import find_spec
from musicclass_gui.engine.errors import Cancelled, MusicClassError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from musicclass_gui.engine.encoders import View
    from musicclass_gui.engine.models import ModelRow
    from musicclass_gui.engine.task import Token

models = typer.Typer(help="The encoders, their weights, and the classifiers built on them.", no_args_is_help=True)
_FINE = ("ready", "built in")


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.add_typer(models, name="models")


@models.command("list")
def models_list(weights: terminal.WeightsOption = "", as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List encoders and classifiers: what they are, what they take, whether they can run here, and what they are good at."""
    from musicclass_gui.engine import models as manager
    from musicclass_gui.engine.encoders import registry
    from musicclass_gui.engine.plain import to_plain

    with terminal.errors_as_lines():
        encoders, classifiers = manager.rows(weights), list(_classifier_rows(weights))
        used, free = manager.disk()
    if registry.problem():
        terminal.complain(registry.problem())
    if as_json:
        print(json.dumps([*({"kind": "encoder", **to_plain(row)} for row in encoders), *classifiers], ensure_ascii=False, indent=1))
        return
    _print_encoders(encoders)
    _print_classifiers(classifiers)
    terminal.console().print(f"Fetched weights take {_megabytes(used)}; {_megabytes(free)} are free.", style="dim")


@models.command("path")
def models_path(weights: terminal.WeightsOption = "") -> None:
    """Print where classifiers are, and the folders in which weights are looked for, in order."""
    from musicclass_gui.engine.places import models_dir, weights_folders

    print(f"classifiers: {models_dir()}")
    for folder in weights_folders(weights):
        print(f"weights: {folder}{'' if folder.is_dir() else ' (not there)'}")


@models.command("fetch")
def models_fetch(
    ids: Annotated[list[str], typer.Argument(help="Encoders.", metavar="ID…")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Download encoders' weights from their public homes, once you have read their licences and say yes."""
    from musicclass_gui.engine import models as manager

    known = {row.id: row for row in manager.rows()}
    for wanted in ids:
        if wanted not in known or not known[wanted].licence or (known[wanted].state == "built in"):
            raise typer.BadParameter(f"“{wanted}” is no encoder with weights to fetch; see `musicclass models list`.")
    for wanted in ids:
        _print_licence(known[wanted])
    if not yes and not typer.confirm("Download?"):
        raise typer.Exit(1)
    _each(ids, "Fetching", lambda wanted, token: print(f"{wanted}: {manager.fetch(wanted, token).place}"))


@models.command("add")
def models_add(
    folder: Annotated[Path, typer.Argument(help="A folder with a model's files.", metavar="FOLDER")],
    name: Annotated[str, typer.Option("--name", help="What to call it; the folder's name by default.", metavar="NAME")] = "",
) -> None:
    """Use a model that you have in a folder: one of the known ones, or another CLAP, HuBERT, MERT or ONNX model."""
    from musicclass_gui.engine import models as manager

    if not folder.is_dir():
        raise typer.BadParameter(f"{folder}: no folder; check the spelling.", param_hint="FOLDER")
    with terminal.errors_as_lines(), terminal.bar("Adding") as token:
        row = manager.add(folder, name, token)
    print(f"{row.id}: {row.title}; {row.dim} numbers for every window of {row.window_s:g} s.")


@models.command("verify")
def models_verify(
    ids: Annotated[list[str] | None, typer.Argument(help="Encoders; all that are here by default.", metavar="[ID…]")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Files that have changed since they were first used are meant.")] = False,
    weights: terminal.WeightsOption = "",
    device: terminal.DeviceOption = "cpu",
) -> None:
    """Look whether encoders' files are the right ones, load them and test them."""
    from musicclass_gui.engine import models as manager

    for wanted in ids or ():
        terminal.require_encoder(wanted)
    here = [row.id for row in manager.rows(weights) if row.state in (*_FINE, "damaged")]

    def verify(wanted: str, token: Token) -> None:
        row = manager.verify(wanted, weights, token, accept=accept, device=device)
        print(f"{wanted}: right")
        for check in row.checks:
            print(f"  {check.what}: {check.found}")

    _each(ids or here, "Testing", verify)


@models.command("remove")
def models_remove(encoder: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Delete what was fetched of an encoder, or forget one that you added; your own folders stay as they are."""
    from musicclass_gui.engine import models as manager

    terminal.require_encoder(encoder)
    with terminal.errors_as_lines():
        manager.remove(encoder)
    print(f"{encoder}: removed")


@models.command("mix")
def models_mix(
    base: Annotated[str, typer.Argument(help="An encoder with layers.", metavar="BASE")],
    folder: Annotated[Path, typer.Argument(help="Recordings to learn from (sub-folder = class).", metavar="FOLDER")],
    name: Annotated[str, typer.Option("--name", help="What to call it.", metavar="NAME")],
    device: terminal.DeviceOption = "auto",
) -> None:
    """Learn which layers of an encoder tell classes apart best, and keep that mix as an encoder of its own."""
    from musicclass_gui.engine.encoders import registry

    terminal.require_encoder(base)
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder}: no folder; check the spelling.", param_hint="FOLDER")
    from musicclass_gui.engine import mixing

    with terminal.errors_as_lines(), terminal.bar("Learning") as token:
        view: View = mixing.learn_from_folders(base, folder, token, device)
        spec = registry.add_mix(base, name, view)
    print(f"{spec.id}: {', '.join(f'{weight:.2f}' for weight in view.weights)}")


@models.command("build")
def models_build(
    name: Annotated[str, typer.Argument(help="genre, composer or instrument", metavar="NAME")],
    data: Annotated[Path, typer.Option(help="The folder with the recordings it is built from.")],
    encoder: Annotated[list[str] | None, typer.Option(help="Encoders to build for; else those of the shipped ones.", metavar="ID")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write; the project's models folder by default.")] = None,
) -> None:
    """Build a shipped classifier from recordings, measure it on held-out ones, and write its card."""
    from musicclass_gui.engine import places
    from musicclass_gui.engine.build import SHIPPED_ENCODERS, build

    with terminal.errors_as_lines(), terminal.bar("Building") as token:
        built = build(name, data, out or places.models_dir(), encoder or SHIPPED_ENCODERS, token)
    table = terminal.table("classifier", "encoder", "accuracy", "95 % interval", "ECE", "AUROC unseen", "folder")
    for folder in built:
        table.add_row(*_card_row(folder), str(folder))
    terminal.console().print(table)


def _each(ids: list[str], text: str, work: Callable[[str, Token], None]) -> None:
    """Do something to each; one that fails is a line, and does not keep the others from it. Raises Exit with 0 or 1."""
    failed = False
    for wanted in ids:
        try:
            with terminal.bar(f"{text} {wanted}") as token:
                work(wanted, token)
        except Cancelled:
            raise typer.Exit(1) from None
        except MusicClassError as error:
            failed = True
            terminal.complain(f"{wanted}: {error}")
    raise typer.Exit(1 if failed else 0)


def _print_licence(row: ModelRow) -> None:
    """What the user should know before saying yes."""
    size = _megabytes(row.size_bytes) if row.size_bytes else "size unknown"
    print(f"{row.title}: {size} from {row.home}\nLicence: {row.licence}")


def _print_encoders(rows: list[ModelRow]) -> None:
    table = terminal.table("encoder", "what it is", "size", "licence", "state", "good at")
    for row in rows:
        cells = (
            row.id,
            row.title,
            _megabytes(row.size_bytes) if row.size_bytes else "",
            _short(row.id),
            row.state,
            _first(row.good_at),
        )
        table.add_row(*map(escape, cells))
    terminal.console().print(table)
    for row in rows:
        if row.state in ("damaged", "partial"):
            terminal.console().print(f"{escape(row.id)}: {escape(row.detail)}", style="dim")


def _print_classifiers(rows: list[dict[str, Any]]) -> None:
    table = terminal.table("classifier", "encoder", "what it is", "state")
    for row in rows:
        table.add_row(*(escape(str(row[key])) for key in ("id", "encoder", "about", "state")))
    terminal.console().print(table)


def _classifier_rows(weights: str) -> Iterator[dict[str, Any]]:
    shelf = terminal.shelf(weights)
    for name in shelf.ids():
        for variant in shelf.variants(name):
            about = f"{variant.measured.accuracy:.1%} right on held-out recordings"
            state = "needs weights" if variant.missing else "ready"
            yield {"kind": "classifier", "id": name, "encoder": variant.encoder, "about": about, "state": state}


def _card_row(folder: Path) -> tuple[str, ...]:
    from musicclass_gui.engine.classifier import Classifier

    card = Classifier.load(folder).card
    found = card.measured
    low, high = found.interval_95
    off = f"{found.calibration_error:.3f} (chance {found.calibration_by_chance:.3f})"
    unseen = f"{card.rejection.auroc_unseen_classes:.3f}"
    return card.id, card.encoder, f"{found.accuracy:.1%} of {found.n}", f"{low:.1%} – {high:.1%}", off, unseen


def _short(encoder: str) -> str:
    """The name of a licence, without what it means."""
    spec = find_spec(encoder)
    return spec.licence if spec else ""


def _first(sentences: list[str]) -> str:
    return sentences[0] if sentences else ""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"
