"""The store of runs: one SQLite file that has each run's config, data, versions and device, and the result of each cell.

A cell is one transaction that is on the disk before it counts as done, so that a run which was killed goes on with the cells that are
missing. It knows no protocol and computes nothing.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark.protocol import About, Cell, Config, Prediction, Result
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.plain import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "runs.sqlite"
RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, config TEXT NOT NULL, about TEXT NOT NULL, versions TEXT NOT NULL, device TEXT NOT NULL,
    fingerprint TEXT NOT NULL, made_at TEXT NOT NULL, state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cells (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, name TEXT NOT NULL, cell TEXT NOT NULL, result TEXT NOT NULL,
    predictions BLOB NOT NULL, PRIMARY KEY (run, name)
);
PRAGMA user_version = 1;
"""
_VERSION = 1
_WAIT_S = 30.0


@dataclass(frozen=True)
class RunRow:
    """A run as a list shows it: `made_at` in ISO 8601, UTC; `state` "running" (or killed), "finished" or "stopped"; cells `done`."""

    id: int
    config: Config
    made_at: str
    state: str
    device: str
    fingerprint: str
    done: int
    total: int
    versions: dict[str, str] = field(default_factory=dict)


class Store:
    """The runs of a folder. Raises BenchmarkError when its file cannot be used; may be open in several processes at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        with self._naming_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.folder / FILE, timeout=_WAIT_S)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def new_run(self, config: Config, about: About, versions: dict[str, str] | None = None, device: str = "") -> int:
        """Begin a run of a config on data that were looked at; returns its number."""
        values = (_text(config), _text(about), _text(versions or {}), device, about.fingerprint, _now(), RUNNING)
        with self._naming_errors(), self._db:
            sql = "INSERT INTO runs (config, about, versions, device, fingerprint, made_at, state) VALUES (?, ?, ?, ?, ?, ?, ?)"
            return int(self._db.execute(sql, values).lastrowid or 0)

    def runs(self) -> list[RunRow]:
        """All runs, the oldest first."""
        sql = "SELECT *, (SELECT count(*) FROM cells WHERE run = runs.id) FROM runs ORDER BY id"
        return [_row(*row) for row in self._rows(sql)]

    def run(self, run: int) -> RunRow:
        """One run. Raises BenchmarkError when there is none of that number."""
        there = {row.id: row for row in self.runs()}
        if run not in there:
            known = f"known are {', '.join(map(str, there))}" if there else "there are none yet"
            raise BenchmarkError(f"There is no run {run} in “{self.folder}”; {known}.")
        return there[run]

    def find(self, config: Config) -> RunRow | None:
        """The latest run that was asked for in just this way."""
        wanted = _text(config)
        return next((row for row in reversed(self.runs()) if _text(row.config) == wanted), None)

    def config(self, run: int) -> Config:
        """What a run was asked for. Raises BenchmarkError when there is none of that number."""
        return self.run(run).config

    def about(self, run: int) -> About:
        """What was known of its data when it was begun. Raises BenchmarkError when there is none of that number."""
        self.run(run)
        ((about,),) = self._rows("SELECT about FROM runs WHERE id = ?", run)
        return from_plain(About, json.loads(about))

    def state(self, run: int, state: str) -> None:
        """Say how a run stands."""
        with self._naming_errors(), self._db:
            self._db.execute("UPDATE runs SET state = ? WHERE id = ?", (state, run))

    def put(self, run: int, cell: Cell, result: Result) -> None:
        """Keep a cell's result, on the disk when this returns."""
        alone, said = replace(result, predictions=()), zlib.compress(_text(result.predictions).encode())
        with self._naming_errors(), self._db:
            self._db.execute("REPLACE INTO cells VALUES (?, ?, ?, ?, ?)", (run, cell.name, _text(cell), _text(alone), said))

    def done(self, run: int) -> set[str]:
        """The names of the cells that are kept."""
        return {name for (name,) in self._rows("SELECT name FROM cells WHERE run = ?", run)}

    def results(self, run: int, *, predictions: bool = True) -> list[tuple[Cell, Result]]:
        """Every cell that is kept, in the order in which they came; without `predictions` those stay in the file."""
        column = "predictions" if predictions else "NULL"
        return [_read(*row) for row in self._rows(f"SELECT cell, result, {column} FROM cells WHERE run = ? ORDER BY rowid", run)]

    def result(self, run: int, name: str) -> Result:
        """One cell's result with its predictions. Raises BenchmarkError when it is not kept."""
        rows = self._rows("SELECT cell, result, predictions FROM cells WHERE run = ? AND name = ?", run, name)
        if not rows:
            raise BenchmarkError(f"Run {run} has no result of “{name}” yet.")
        return _read(*rows[0])[1]

    def remove(self, run: int) -> None:
        """Forget a run and its results; other runs and embeddings stay. Raises BenchmarkError when there is none of that number."""
        self.run(run)
        with self._naming_errors(), self._db:
            self._db.execute("DELETE FROM cells WHERE run = ?", (run,))
            self._db.execute("DELETE FROM runs WHERE id = ?", (run,))

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._naming_errors():
            return self._db.execute(sql, values).fetchall()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")  # what is done survives a power cut too
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise BenchmarkError(f"“{self.folder / FILE}” is of a newer MusicClass; use that one, or choose another folder.")
        if version == 0:
            self._db.executescript(_SCHEMA)

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise BenchmarkError(
                f"The runs in “{self.folder}” cannot be kept ({reason}); free some space or choose another folder."
            ) from error


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """A store for the length of a `with` block."""
    with closing(Store(folder)) as store:
        yield store


def _text(value: Any) -> str:
    """JSON that is the same for the same values; numbers keep every digit."""
    return json.dumps(to_plain(value), ensure_ascii=False, sort_keys=True, allow_nan=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _row(run: int, config: str, about: str, versions: str, device: str, fingerprint: str, made_at: str, state: str, done: int) -> RunRow:
    total = int(json.loads(about)["cells"])
    return RunRow(run, from_plain(Config, json.loads(config)), made_at, state, device, fingerprint, done, total, json.loads(versions))


def _read(cell: str, result: str, predictions: bytes | None) -> tuple[Cell, Result]:
    said = [from_plain(Prediction, one) for one in json.loads(zlib.decompress(predictions))] if predictions else []
    return from_plain(Cell, json.loads(cell)), replace(from_plain(Result, json.loads(result)), predictions=tuple(said))
