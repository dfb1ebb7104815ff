"""Benchmarks as the window asks for them: plain values in, plain values out, news of a run as events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark import bench_news, protocols, readers, runner, runs
from musicclass_gui.engine.benchmark.bench_news import Began, Finished
from musicclass_gui.engine.benchmark.protocol import Config
from musicclass_gui.engine.errors import BenchmarkError, MusicClassError
from musicclass_gui.engine.files import write_whole
from musicclass_gui.engine.plain import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.benchmark.bench_news import News
    from musicclass_gui.engine.benchmark.protocol import BenchmarkProtocol, Cell, Result
    from musicclass_gui.engine.task import Token

Fields = dict[str, Any]


def answer(fields: Fields, token: Token, emit: Callable[[Fields], None]) -> Any:
    """Do what `fields["do"]` says; "folder" is where runs are kept. Raises MusicClassError.

    "list": the protocols with their data sets. "about" {"config"}: an `About`. "run" {"config", or the "run" to go on with; "resume",
    "workers", "cluster"}: does it, emits news, returns its number. "runs": a list of them. "results" {"run"}: config, about, cells, and
    results and published numbers by cell. "remove" {"run"}. "report" {"run", "format", "path", "baseline"}: written there, or returned
    without a path.
    "compare" {"run", "cell", "other", "other_cell"}: whether two cells differ, by their names.
    """
    return _DO[fields["do"]](fields, token, emit)


def listed() -> list[Fields]:
    """Every protocol with all that can be chosen for it, its data sets with where to get them."""
    return [_described(protocols.protocol(name)) for name in protocols.IDS]


def _described(protocol: BenchmarkProtocol) -> Fields:
    return {
        "id": protocol.ID,
        "title": protocol.TITLE,
        "paper": protocol.PAPER,
        "line": protocol.LINE,
        "datasets": [_dataset(name) for name in protocol.DATASETS],
        "encoders": list(protocol.ENCODERS),
        "methods": to_plain(protocol.METHODS),
        "options": to_plain(protocol.OPTIONS),
        "modes": list(protocol.MODES),
        "orders": list(protocol.ORDERS),
        "tasks": list(getattr(protocol, "TASKS", ())),
        "features": list(getattr(protocol, "FEATURES", ())),
    }


def _dataset(name: str) -> Fields:
    reader = readers.reader(name)
    return {"id": reader.ID, "title": reader.TITLE, "kind": reader.KIND, "where": reader.WHERE, "layout": reader.LAYOUT}


def _list(_fields: Fields, _token: Token, _emit: Callable[[Fields], None]) -> list[Fields]:
    return listed()


def _about(fields: Fields, token: Token, _emit: Callable[[Fields], None]) -> Fields:
    config = from_plain(Config, fields["config"])
    about: Fields = to_plain(protocols.protocol(config.protocol).about(config, token, lambda text: token.progress(float("nan"), text)))
    return about


def _run(fields: Fields, token: Token, emit: Callable[[Fields], None]) -> int:
    with runs.opened(Path(fields["folder"])) as store:
        number = int(fields.get("run", 0))
        config = store.config(number) if number else from_plain(Config, fields["config"])
        how = {name: fields[name] for name in ("resume", "workers", "cluster") if name in fields}
        return runner.run(config, store, token, lambda news: emit(_told(news, config)), **how, number=number)


def _told(news: News, config: Config) -> Fields:
    """News, with what was published for a cell, and with the config of what begins."""
    told = bench_news.to_json(news)
    if isinstance(news, Began):
        told["config"] = to_plain(config)
    if isinstance(news, Finished):
        told["published"] = to_plain(protocols.protocol(config.protocol).published(config, news.cell))
    return told


def _runs(fields: Fields, _token: Token, _emit: Callable[[Fields], None]) -> list[Fields]:
    with runs.opened(Path(fields["folder"])) as store:
        return [{**to_plain(row), "title": store.about(row.id).title} for row in store.runs()]


def _results(fields: Fields, _token: Token, _emit: Callable[[Fields], None]) -> Fields:
    number = int(fields["run"])
    with runs.opened(Path(fields["folder"])) as store:
        row, about, results = store.run(number), store.about(number), store.results(number)
    protocol = protocols.protocol(row.config.protocol)
    return {
        "run": number,
        "config": to_plain(row.config),
        "about": to_plain(about),
        "state": row.state,
        "versions": row.versions,
        "device": row.device,
        "made_at": row.made_at,
        "cells": to_plain(_cells(protocol, row.config, results)),
        "results": {cell.name: to_plain(result) for cell, result in results},
        "published": {cell.name: to_plain(protocol.published(row.config, cell)) for cell, _ in results},
    }


def _cells(protocol: BenchmarkProtocol, config: Config, results: list[tuple[Cell, Result]]) -> list[Cell]:
    """All cells of a run; those that there are where the data cannot be looked at any more."""
    try:
        return protocol.cells(config)
    except MusicClassError:
        return [cell for cell, _ in results]


def _remove(fields: Fields, _token: Token, _emit: Callable[[Fields], None]) -> None:
    with runs.opened(Path(fields["folder"])) as store:
        store.remove(int(fields["run"]))


def _report(fields: Fields, _token: Token, _emit: Callable[[Fields], None]) -> str:
    with runs.opened(Path(fields["folder"])) as store:
        text = reported(store, int(fields["run"]), fields["format"], fields.get("baseline", ""))
    if not fields.get("path"):
        return text
    written(Path(fields["path"]), text)
    return str(fields["path"])


def reported(store: runs.Store, run: int, form: str, baseline: str = "") -> str:
    """A report of a run as text: "md", "html", "csv" or "tex", its rows tested against a baseline. Raises BenchmarkError."""
    from musicclass_gui.engine.benchmark.report import report

    return report(store, run, form, baseline=baseline)


def written(path: Path, text: str) -> None:
    """Write a report. Raises BenchmarkError."""
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise BenchmarkError(f"The report cannot be written to “{path}” ({error.strerror or error}); choose another place.") from error


def _compare(fields: Fields, _token: Token, _emit: Callable[[Fields], None]) -> Fields:
    from musicclass_gui.engine.benchmark.measures import compare

    with runs.opened(Path(fields["folder"])) as store:
        number = int(fields["run"])
        first = store.result(number, fields["cell"])
        second = store.result(int(fields.get("other", number)), fields["other_cell"])
        about, other = store.about(number), store.about(int(fields.get("other", number)))
    if about.fingerprint != other.fingerprint:
        raise BenchmarkError("The two runs are on different data, so their answers cannot be compared; choose runs on the same data.")
    compared: Fields = to_plain(compare(first.predictions, second.predictions, kind=_kind(first), tags=about.classes))
    return compared


def _kind(result: Result) -> str:
    """What a result's predictions are of, by how it is measured."""
    metrics = {score.metric for score in result.scores}
    return "regression" if "r2" in metrics else "tags" if "roc_auc" in metrics else "classes"


_DO: dict[str, Callable[[Fields, Token, Callable[[Fields], None]], Any]] = {
    "list": _list,
    "about": _about,
    "run": _run,
    "runs": _runs,
    "results": _results,
    "remove": _remove,
    "report": _report,
    "compare": _compare,
}
