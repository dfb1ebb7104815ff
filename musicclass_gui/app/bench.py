"""The benchmark as the window sees it: protocols, the form, the look at the data, the run that goes on with its results, and past runs.

All looking and computing is done in worker processes, one that answers and one that runs; here their answers are plain data for views.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app import bench_form, bench_plain, hearers, words
from musicclass_gui.app.bench_going import Going
from musicclass_gui.app.bench_memory import Memory
from musicclass_gui.app.bench_plain import RunView
from musicclass_gui.app.jobs import Lane, said
from musicclass_gui.app.service import Service
from musicclass_gui.engine import places
from musicclass_gui.engine.benchmark.bench_news import Began, Failed, Finished, Staged
from musicclass_gui.engine.benchmark.command import command_line
from musicclass_gui.engine.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.bench_form import Form
    from musicclass_gui.app.bench_judge import Beside
    from musicclass_gui.app.bench_plain import ProtocolView, Told
    from musicclass_gui.app.bench_rows import Key
    from musicclass_gui.app.jobs import Job
    from musicclass_gui.app.settings import Settings
    from musicclass_gui.engine.benchmark.measures import Comparison
    from musicclass_gui.engine.benchmark.protocol import About, Config, Published
    from musicclass_gui.engine.benchmark.runs import RunRow
    from musicclass_gui.engine.task import Token

    Fields = dict[str, Any]
    Ask = Callable[[Fields, Token, Callable[[Fields], None]], Any]

_DIED = "The process that runs benchmarks stopped unexpectedly; what was finished is kept, and the run can be resumed."
LONG_S = 600.0  # a run that takes longer is begun only by a second press, once its estimate was seen


class Bench(QObject):
    """Made and used on the main thread; the first call starts a worker. `changed` carries which part is another:

    "protocols", "form", "about", "run" (the shown results), "going", "runs", "verdicts" or "compared".
    """

    changed = Signal(str)
    failed = Signal(str)  # why a run ended: whoever left the page wants to know
    done = Signal(str)

    def __init__(self, settings: Settings, parent: QObject | None = None, *, look: Ask | None = None, work: Ask | None = None) -> None:
        """`look` and `work` ask a worker, in a lane's thread; without them there are processes of its own."""
        super().__init__(parent)
        self.protocols: list[ProtocolView] = []
        self.form: Form | None = None
        self.about: About | None = None
        self.about_problem = self.check_text = ""
        self.view: RunView | None = None
        self.other: RunView | None = None
        self.compared: list[Beside] = []
        self.comparing = False
        self.runs: list[RunRow] = []
        self.going: Going | None = None
        self.problem = ""
        self.baseline: Key | None = None
        self.verdicts: dict[Key, Comparison] = {}
        self._settings, self._memory = settings, Memory(settings)
        self._services: list[Service] = []
        self._look, self._work = look or self._service(), work or self._service()
        self.lanes = {name: Lane(kind, name=f"bench {name}") for name, kind in _LANES.items()}
        self._begun = False
        self._looking: Job[Any] | None = None
        self._run_wanted = False  # as soon as it is known what it takes
        self._let_be: set[int] = set()
        self._resuming = False

    # What there is

    @property
    def folder(self) -> Path:
        """Where runs are kept."""
        return places.data_dir() / "runs"

    @property
    def checking(self) -> bool:
        """Whether the data is being looked at."""
        return self._looking is not None and self._looking.live

    @property
    def is_long(self) -> bool:
        """Whether what the form asks for takes so long that its estimate is to be seen before it is begun."""
        return self.about is not None and self.about.seconds > LONG_S

    @property
    def lack(self) -> str:
        """What there is too little room on the disk for, as a sentence, or nothing."""
        free = places.free_bytes(places.cache_dir())
        if self.about is None or self.about.disk_bytes < free:
            return ""
        return f"Only {words.size(free)} are free where embeddings are kept, “{places.cache_dir()}”; free some space first."

    @property
    def judging(self) -> bool:
        """Whether rows are being tested against the baseline."""
        return self.lanes["judge"].busy

    @property
    def shown(self) -> ProtocolView | None:
        """The protocol of the run that is shown."""
        return self._protocol(self.view.config.protocol) if self.view else None

    @property
    def activity(self) -> str:
        """The run that goes on, in words, or empty."""
        going = self.going
        return f"Benchmark: {going.done} of {going.total} results" if going and going.total else "Benchmark: starting" if going else ""

    @property
    def interrupted(self) -> RunRow | None:
        """The newest run that is neither complete nor going on, unless the user let it be."""
        going = self.going.run if self.going else 0
        return next((row for row in self.runs if row.done < row.total and row.id != going and row.id not in self._let_be), None)

    @property
    def unfinished(self) -> RunRow | None:
        """The shown run, if it is neither complete nor going on."""
        shown = self.view.run if self.view and (self.going is None or self.going.run != self.view.run) else 0
        return next((row for row in self.runs if row.id == shown and row.done < row.total), None)

    def let_be(self, run: int) -> None:
        """Ask no more whether a run is to be resumed."""
        self._let_be.add(run)
        self._settings.set("bench_run", "")
        self.changed.emit("runs")

    def encoders(self) -> list[tuple[str, str]]:
        """Ids and titles of the encoders that can be used."""
        return hearers.choices(self._settings.get("weights_folder"), self._settings.get("agreed"))

    def to_agree(self) -> list[str]:
        """Ids of the encoders that are here and wait for the user's yes to their licence."""
        agreed = self._settings.get("agreed")
        return [spec.id for spec in hearers.here(self._settings.get("weights_folder")) if not hearers.allowed(spec, agreed)]

    def path_of(self, item: str) -> Path | None:
        """The audio of an item of the shown run, or None where there is none to hear."""
        if self.view is None:
            return None
        folder = Path(self.view.config.data)
        names = (item, item.rpartition("#")[0], item.rpartition("@")[0])
        return next((folder / name for name in names if name and (folder / name).is_file()), None)

    def begin(self) -> None:
        """Read which protocols and runs there are, once."""
        if not self._begun:
            self._begun = True
            self._ask("look", "list", {}, bench_plain.protocols, self._took_protocols)
            self.refresh_runs()

    def refresh_runs(self) -> None:
        """Read which runs are kept."""
        self._ask("look", "runs", {}, bench_plain.run_rows, self._took_runs)

    # The form

    def choose(self, protocol_id: str) -> None:
        """Fill the form for a protocol."""
        protocol = self._protocol(protocol_id)
        if protocol is not None:
            self.form = bench_form.fresh(protocol, self._memory.of(protocol_id), [one for one, _ in self.encoders()])
            self.form.workers, self.form.cluster = self._memory.machines
            self._forget_about()
            self.changed.emit("form")

    def edited(self) -> None:
        """The form was changed by its views: what was said of the data may not be true any more."""
        if self.about is not None or self.about_problem or self.checking:
            self.stop_checking()

    def ask_again(self) -> None:
        """Fill the form with what the shown run was asked for."""
        protocol = self.shown
        if protocol is not None and self.view is not None:
            self.form = bench_form.of_config(protocol, self.view.config)
            self.form.workers, self.form.cluster = self._memory.machines
            self._forget_about()
            self.changed.emit("form")

    def check(self) -> None:
        """Look at the data: counts, problems, leaks, how long a run will take."""
        if self.form is None or self.form.wrong:
            return
        self._forget_about()
        fields = {"config": to_plain(self._config())}
        self._looking = self._ask("check", "about", fields, bench_plain.about, self._took_about, self._about_failed, self._check_moved)
        self.changed.emit("about")

    def stop_checking(self) -> None:
        """Do not look at the data after all."""
        if self._looking is not None:
            self._looking.cancel()
        self._forget_about()

    def command_line(self) -> str:
        """The shown run as a command line, or what the form asks for where none is shown."""
        if self.view is not None:
            return command_line(self.view.config, str(self.folder))
        return command_line(self._config(), str(self.folder)) if self.form else ""

    # Running

    def run(self) -> None:
        """Run what the form asks for, with results as they come; what is kept of the same run is not computed again.

        Data that were not looked at yet are looked at first; a run that is long then waits to be asked for once more.
        """
        if self.form is None or self.form.wrong or self.going is not None:
            return
        if self.about is None:
            if not self.checking:
                self.check()
            self._run_wanted = True
            return
        self._memory.keep(self.form)
        self._start({"config": to_plain(self._config()), "resume": True, **self._machines()})

    def resume(self, run: int) -> None:
        """Go on with a run that was interrupted, in as many processes as the form says."""
        row = next((row for row in self.runs if row.id == run), None)
        if row is not None and self.going is None:
            if self.form is not None:
                self._memory.keep(self.form)
            self._start({"run": run, **self._machines()})

    def resume_interrupted(self) -> None:
        """Go on with the shown run if it is not complete, or with the newest such, as soon as it is known which runs there are."""
        self._resuming = not self.runs
        row = self.unfinished or self.interrupted
        if row is not None:
            self.resume(row.id)

    def cancel(self) -> None:
        """Stop the run; what is finished is kept."""
        if self.going is not None and self.going.job is not None:
            self.going.job.cancel()
            self._let_be.add(self.going.run)
            self.done.emit(f"Run {self.going.run} is stopped. “Resume this run”, under “More”, goes on with it.")
            self._over()

    def _start(self, asked: Fields) -> None:
        self.problem = ""
        self.going = going = Going()
        fields, lane = self._fields("run", asked), self.lanes["run"]

        def work(token: Token) -> Any:
            return self._work(fields, token, lambda event: lane.post(partial(self._told, going, bench_plain.told(event))))

        going.job = lane.submit(work, done=self._ended, failed=self._failed, progress=partial(self._moved, going))
        self.changed.emit("going")

    # Past runs

    def show(self, run: int) -> None:
        """Show a kept run."""
        if self.view is None or self.view.run != run:
            self._ask("look", "results", {"run": run}, partial(bench_plain.run_view, run), self._took_view)

    def compare_with(self, run: int, metric: str) -> None:
        """Set another run beside the shown one; 0: none."""
        self.other, self.compared, self.comparing = None, [], bool(run)
        if run:
            self._ask("look", "results", {"run": run}, partial(bench_plain.run_view, run), partial(self._took_other, metric))
        self.changed.emit("compared")

    def remove(self, run: int) -> None:
        """Delete a kept run. Call it only once the user has said yes."""
        if self.going is None or self.going.run != run:
            self._ask("look", "remove", {"run": run}, lambda _: run, self._removed)

    def export(self, path: Path, form: str) -> None:
        """Write a report of the shown run, against the pinned baseline: "csv", "tex", "html" or "md"."""
        if self.view is not None:
            against = "/".join(self.baseline[:2]) if self.baseline else ""
            fields = {"run": self.view.run, "format": form, "path": str(path), "baseline": against}
            self._ask("look", "report", fields, lambda _: path, lambda made: self.done.emit(f"Written to {made}"))

    def pin(self, key: Key | None) -> None:
        """Take a row for the baseline that others are compared with."""
        self.baseline, self.verdicts = key, {}
        self.changed.emit("run")
        self._judge()

    def _judge(self) -> None:
        """Test aside which rows differ from the baseline."""
        view, baseline = self.view, self.baseline
        if view is not None and baseline is not None:
            from musicclass_gui.app.bench_judge import judge

            frozen = RunView(view.run, view.config, view.cells, view.about, dict(view.results))
            self.lanes["judge"].submit(partial(judge, frozen, baseline), done=partial(self._judged, view, baseline))
            self.changed.emit("verdicts")

    # What comes back, on the main thread

    def _took_protocols(self, protocols: list[ProtocolView]) -> None:
        self.protocols = protocols
        self.changed.emit("protocols")
        last, known = self._memory.last, [one.id for one in protocols]
        if known:
            self.choose(last if last in known else known[0])

    def _took_runs(self, rows: list[RunRow]) -> None:
        self.runs = sorted(rows, key=lambda row: -row.id)
        self.changed.emit("runs")
        if self._resuming:
            self.resume_interrupted()
        elif self.view is None and self.going is None and self.runs:
            self.show(self.runs[0].id)

    def _took_about(self, about: About) -> None:
        self.about = about
        wanted, self._run_wanted = self._run_wanted, False
        self.changed.emit("about")
        if wanted and not self.is_long:
            self.run()

    def _about_failed(self, error: Exception) -> None:
        self.about_problem, self._run_wanted = said(error), False
        self.changed.emit("about")

    def _check_moved(self, _fraction: float, text: str) -> None:
        self.check_text = text
        self.changed.emit("about")

    def _forget_about(self) -> None:
        self.about, self.about_problem, self.check_text, self._run_wanted = None, "", "", False
        self.changed.emit("about")

    def _took_view(self, view: RunView) -> None:
        if self.going is None or self.going.run != view.run:  # the run that goes on tells its results itself
            self._begin_view(view)
            self.changed.emit("run")

    def _begin_view(self, view: RunView) -> None:
        self.view, self.other, self.compared = view, None, []
        self.baseline, self.verdicts = None, {}
        self.changed.emit("compared")

    def _took_other(self, metric: str, other: RunView) -> None:
        from musicclass_gui.app.bench_judge import beside

        self.other, view = other, self.view
        if view is not None:
            frozen = RunView(view.run, view.config, view.cells, view.about, dict(view.results))
            self.lanes["compare"].submit(partial(beside, frozen, other, metric), done=partial(self._set_beside, view, other))

    def _set_beside(self, view: RunView, other: RunView, rows: list[Beside]) -> None:
        if self.view is view and self.other is other:
            self.compared, self.comparing = rows, False
            self.changed.emit("compared")

    def _removed(self, run: int) -> None:
        if self.view is not None and self.view.run == run:
            self.view, self.baseline, self.verdicts = None, None, {}
            self.changed.emit("run")
        self.refresh_runs()

    def _judged(self, view: RunView, baseline: Key, verdicts: dict[Key, Comparison]) -> None:
        if self.view is view and self.baseline == baseline:
            self.verdicts = verdicts
            self.changed.emit("verdicts")

    def _told(self, going: Going, told: Told) -> None:
        """News of the run that goes on."""
        if self.going is not going:
            return
        news = told.news
        if isinstance(news, Began):
            self._began(going, told.config, news)
        elif isinstance(news, Staged):
            going.text = news.text
        elif isinstance(news, Finished):
            self._finished(going, news, told.published)
        elif isinstance(news, Failed):
            self._cell_failed(going, news)
        self.changed.emit("going")

    def _began(self, going: Going, config: Config | None, news: Began) -> None:
        going.run, going.total = news.run, len(news.cells)
        self._settings.set("bench_run", str(news.run))
        if config is not None:
            self._begin_view(RunView(news.run, config, news.cells, news.about))
        self.changed.emit("run")
        self.refresh_runs()

    def _finished(self, going: Going, news: Finished, published: tuple[Published, ...]) -> None:
        going.count(news.done, news.total)
        if self.view is not None and self.view.run == news.run:
            self.view.results[news.cell.name] = news.result
            self.view.published[news.cell.name] = published
            self.view.failed.pop(news.cell.name, None)
            self.changed.emit("run")

    def _cell_failed(self, going: Going, news: Failed) -> None:
        going.failed += 1
        if self.view is not None and self.view.run == news.run:
            self.view.failed[news.cell.name] = news.reason
            self.changed.emit("run")

    def _moved(self, going: Going, fraction: float, text: str) -> None:
        going.move(fraction, text)
        self.changed.emit("going")

    def _ended(self, _answer: Any) -> None:
        failed = self.going.failed if self.going else 0
        self._over()
        why = f"The benchmark run is over; {words.counted(failed, 'result')} could not be computed."
        self.done.emit(why if failed else "The benchmark run is finished.")
        self._judge()

    def _failed(self, error: Exception) -> None:
        self.problem = said(error)
        self.failed.emit(self.problem)
        self._over()

    def _over(self) -> None:
        self.going = None
        self._settings.set("bench_run", "")
        self.changed.emit("going")
        self.refresh_runs()

    # Small things

    def cancel_all(self) -> None:
        """Stop everything, to close; a run that goes on can be resumed, which the settings remember."""
        for lane in self.lanes.values():
            lane.cancel()

    def close(self, timeout_s: float) -> None:
        """End the processes."""
        self.cancel_all()
        for service in self._services:
            service.close(timeout_s)

    def _protocol(self, protocol_id: str) -> ProtocolView | None:
        return next((one for one in self.protocols if one.id == protocol_id), None)

    def _config(self) -> Config:
        assert self.form is not None
        return self.form.config(self._settings.get("device"), self._settings.get("weights_folder"))

    def _machines(self) -> Fields:
        """Where cells are computed, as the form says, or as it was asked for last."""
        workers, cluster = (self.form.workers, self.form.cluster) if self.form is not None else self._memory.machines
        return {"workers": workers, "cluster": cluster}

    def _fields(self, do: str, fields: Fields) -> Fields:
        return {"do": do, "folder": str(self.folder), **fields}

    def _ask(
        self,
        lane: str,
        do: str,
        fields: Fields,
        read: Callable[[Any], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
        progress: Callable[[float, str], None] | None = None,
    ) -> Job[Any]:
        message = self._fields(do, fields)

        def work(token: Token) -> Any:
            return read(self._look(message, token, lambda _event: None))

        return self.lanes[lane].submit(work, done=done, failed=failed or self._trouble, progress=progress)

    def _trouble(self, error: Exception) -> None:
        self.problem = said(error)
        self.changed.emit("going")

    def _service(self) -> Ask:
        service = Service(_DIED)
        self._services.append(service)
        return partial(service.call, "bench")


_LANES: dict[str, Any] = {"look": "fifo", "check": "latest", "run": "fifo", "judge": "latest", "compare": "latest"}
