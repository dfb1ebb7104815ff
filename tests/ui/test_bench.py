"""The benchmark's page as a user drives it: with a worker that answers by hand, in the window, and with a real run on made data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmark import made_data, made_runs
from benchmark.made_runs import Worker
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QFileDialog, QLabel, QLineEdit, QWidget

from musicclass_gui.app.bench import Bench
from musicclass_gui.app.bench_form import Form
from musicclass_gui.app.bench_plain import ProtocolView
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.engine.benchmark import bench_calls, protocols
from musicclass_gui.engine.benchmark.protocol import Method
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.ui import start
from musicclass_gui.ui.bench import BenchPage
from musicclass_gui.ui.dialogs import Asking
from musicclass_gui.ui.style import stylesheet
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

LONG_MS = 120_000
LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.let_go.set()


@pytest.fixture
def settings(qtbot: QtBot) -> Iterator[Settings]:
    settings = Settings()
    yield settings
    settings.close()


@pytest.fixture
def make(settings: Settings, worker: Worker, qtbot: QtBot) -> Iterator[Callable[[], BenchPage]]:
    made: list[Bench] = []

    def build() -> BenchPage:
        bench = Bench(settings, look=worker, work=worker)
        made.append(bench)
        page = BenchPage(bench, LIGHT)
        page.resize(1280, 700)
        page.setStyleSheet(stylesheet(LIGHT))
        qtbot.addWidget(page)
        page.show()
        settled(page, qtbot, lambda: bench.form is not None and not bench.lanes["look"].busy)
        return page

    yield build
    worker.let_go.set()
    for bench in made:
        for lane in bench.lanes.values():
            lane.shutdown(2.0)


@pytest.fixture
def page(make: Callable[[], BenchPage]) -> BenchPage:
    return make()


def state(page: BenchPage) -> Bench:
    return page._bench


def settled(page: BenchPage, qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(lambda: condition() and not page._stale, timeout=LONG_MS)


def run(page: BenchPage, qtbot: QtBot) -> None:
    page.form.data.setText("/data")
    qtbot.mouseClick(page.form.go, LEFT)
    bench, before = state(page), state(page).view
    settled(page, qtbot, lambda: bench.view is not before and bench.going is None and not bench.lanes["look"].busy)


def said(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def column(page: BenchPage, title: str) -> list[str]:
    number = page.results.model.column_named(title)
    return [str(page.results.sorted.index(row, number).data()) for row in range(page.results.sorted.rowCount())]


def choose_row(page: BenchPage, method: str, mode: str) -> None:
    methods, modes = column(page, "Method"), column(page, "Mode")
    page.results.table.selectRow(list(zip(methods, modes, strict=True)).index((method, mode)))


def test_the_form_tells_what_is_missing_until_nothing_is(page: BenchPage, qtbot: QtBot) -> None:
    assert "Classes come in sessions." in said(page.form)
    assert "A paper, 2024" in said(page.form)
    assert "One folder for each genre." in said(page.form)
    assert not page.form.go.isEnabled()
    assert page.form.hint.text() == "Choose the folder with the data."
    qtbot.keyClicks(page.form.data, "/data")
    assert page.form.go.isEnabled()
    none = next(button for button in page.form.findChildren(QAbstractButton) if button.accessibleName() == "Methods of the paper: None")
    qtbot.mouseClick(none, LEFT)
    assert page.form.hint.text() == "Choose at least one method."
    beyond = page.form.choices["methods"][1].boxes["ranpac"]
    beyond.setFocus()
    qtbot.keyClick(beyond, Key.Key_Space)
    assert page.form.go.isEnabled()
    form = state(page).form
    assert form is not None
    assert form.methods == {"ranpac"}


def test_another_protocol_has_a_form_of_its_own(page: BenchPage, qtbot: QtBot) -> None:
    page.form.protocol.setFocus()
    qtbot.keyClick(page.form.protocol, Key.Key_Down)
    settled(page, qtbot, lambda: "One feature for all." in said(page.form))
    assert set(page.form.choices) == {"methods", "tasks", "features"}
    page.form.choices["tasks"][0].boxes["genre"].setChecked(True)
    form = state(page).form
    assert form is not None
    assert form.config().tasks == ("genre",)


def test_a_folder_can_be_dropped(page: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    action, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    page.form.dropEvent(QDropEvent(QPointF(5, 5), action, mime, LEFT, none))
    assert page.form.data.text() == str(tmp_path)
    form = state(page).form
    assert form is not None
    assert form.data == str(tmp_path)


def test_the_data_is_checked_before_anything_runs(page: BenchPage, qtbot: QtBot, worker: Worker) -> None:
    page.form.data.setText("/data")
    qtbot.mouseClick(page.form.check, LEFT)
    settled(page, qtbot, lambda: state(page).about is not None)
    assert page.tabs.currentWidget() is page.check
    text = said(page.check)
    for part in (
        "Recordings",
        "930",
        "910 fewer",
        "Leak",
        "2 files are on both sides.",
        "12 results to compute, about 2 minutes, 4.0 MB on disk.",
    ):
        assert part in text
    assert page.check.problems.toPlainText() == "blues/3.wav cannot be decoded."
    assert page.form.hint.text() == "12 results to compute, about 2 minutes, 4.0 MB on disk."
    page.form.seeds.setText("0,1")
    settled(page, qtbot, lambda: state(page).about is None)
    assert "Check the data" in page.form.hint.text(), "what was said holds for other choices no more"
    assert [fields["do"] for fields in worker.asked if fields["do"] not in ("list", "runs")] == ["about"]


def test_why_data_cannot_be_used_is_said(page: BenchPage, qtbot: QtBot, worker: Worker) -> None:
    worker.problem = BenchmarkError("“/data” is no GTZAN.")
    page.form.data.setText("/data")
    qtbot.mouseClick(page.form.check, LEFT)
    settled(page, qtbot, lambda: bool(state(page).about_problem))
    assert "“/data” is no GTZAN." in said(page.check)
    assert "choose the data set “Folders”" in said(page.check)


def test_defects_are_listed_with_what_each_mode_makes_of_them(page: BenchPage, qtbot: QtBot) -> None:
    sheet = page.form.show_options()
    assert "EWC: the penalty is thrown away" in said(sheet)
    assert "As published: on   ·   Corrected: off" in said(sheet)
    box, field = sheet.controls["ewc_lost"], sheet.controls["epochs"]
    assert isinstance(box, QComboBox)
    assert isinstance(field, QLineEdit)
    box.setFocus()
    qtbot.keyClick(box, Key.Key_Down)
    qtbot.keyClicks(field, "12")
    qtbot.keyClick(field, Key.Key_Return)
    form = state(page).form
    assert form is not None
    assert form.options == {"ewc_lost": True, "epochs": 12}
    assert "(2 changed)" in page.form.options.text()
    field.clear()
    qtbot.keyClicks(field, "many")
    qtbot.keyClick(field, Key.Key_Return)
    assert (field.text(), form.options) == ("", {"ewc_lost": True})
    sheet.close()


def test_the_table_fills_while_the_run_goes_on(page: BenchPage, qtbot: QtBot, worker: Worker) -> None:
    worker.allowed = 3
    page.form.data.setText("/data")
    qtbot.mouseClick(page.form.go, LEFT)
    bench = state(page)
    settled(page, qtbot, lambda: bench.going is not None and bench.going.done == 3)
    assert page.tabs.currentWidget() is page.results
    assert column(page, "State") == ["Done", "1 of 2", "Waiting", "Waiting"]
    assert column(page, "Value")[0] == "92.5 %"
    assert "3 of 8 results" in page.strip.words.full
    assert page.strip.bar.value() == 375
    assert not page.form.go.isEnabled()
    worker.let_go.set()
    settled(page, qtbot, lambda: bench.going is None)
    assert column(page, "State") == ["Done"] * 4
    assert not page.strip.isVisible()
    assert column(page, "Published")[0] == "90.0 %"
    assert column(page, "Difference")[0] == "+2.5"
    assert column(page, "Source")[0] == "The paper, table 1"
    assert "accuracy" not in page.measure.currentText()
    assert page.measure.currentText() == "Accuracy"
    assert "items answered right" in page.results.formula.text()


def test_a_run_is_cancelled_and_resumed(page: BenchPage, qtbot: QtBot, worker: Worker, settings: Settings) -> None:
    worker.allowed = 2
    page.form.data.setText("/data")
    qtbot.mouseClick(page.form.go, LEFT)
    bench = state(page)
    settled(page, qtbot, lambda: bench.going is not None and bench.going.done == 2)
    assert settings.get("bench_run") == "1"
    qtbot.mouseClick(page.strip.cancel, LEFT)
    settled(page, qtbot, lambda: bench.going is None and not bench.lanes["look"].busy)
    assert settings.get("bench_run") == ""
    assert not page.strip.isVisible(), "who cancels it is not asked at once whether to go on"
    worker.let_go.set()
    resume = next(action for action in page.more.menu().actions() if action.text() == "Resume this run")
    assert resume.isEnabled()
    resume.trigger()
    assert bench.going is not None
    settled(page, qtbot, lambda: bench.going is None and bench.view is not None and len(bench.view.results) == 8)
    assert any(fields.get("run") == 1 for fields in worker.asked if fields["do"] == "run")
    assert not resume.isEnabled()


def test_an_interrupted_run_is_offered_at_the_next_start(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    worker.keep(made_runs.config(), 5)
    page = make()
    assert "Run 1 was interrupted after 5 of 12 results." in page.strip.words.full
    assert page.strip.resume.isVisible()
    qtbot.mouseClick(page.strip.resume, LEFT)
    settled(page, qtbot, lambda: state(page).going is None and all(row.done == 12 for row in state(page).runs))
    assert not page.strip.isVisible()
    assert column(page, "State") == ["Done"] * 6


def test_what_was_found_is_known_of_a_run_whose_data_were_not_checked_before(page: BenchPage, qtbot: QtBot) -> None:
    run(page, qtbot)
    page.form.seeds.setText("3")  # what was said of the form's data is gone; that of the run stays
    view = state(page).view
    assert view is not None
    assert view.about == made_runs.ABOUT
    settled(page, qtbot, lambda: True)
    page.tabs.setCurrentWidget(page.check)
    assert "2 files are on both sides." in said(page.check)


def test_a_long_run_is_begun_only_once_its_estimate_was_seen(page: BenchPage, qtbot: QtBot, worker: Worker) -> None:
    worker.about = replace(made_runs.ABOUT, seconds=7200.0, disk_bytes=1e18)
    page.form.data.setText("/data")
    qtbot.mouseClick(page.form.go, LEFT)
    bench = state(page)
    settled(page, qtbot, lambda: bench.about is not None)
    assert bench.going is None
    assert "about 2 hours" in page.form.hint.text()
    assert "“Run” begins it." in page.form.hint.text()
    assert "are free where embeddings are kept" in page.form.hint.text()
    qtbot.mouseClick(page.form.go, LEFT)
    settled(page, qtbot, lambda: bench.going is None and bench.view is not None and len(bench.view.results) == 8)


def test_who_edits_the_form_while_it_is_checked_starts_no_run(page: BenchPage, qtbot: QtBot, worker: Worker) -> None:
    page.form.data.setText("/data")
    qtbot.mouseClick(page.form.go, LEFT)
    page.form.data.setText("/other")
    settled(page, qtbot, lambda: not state(page).lanes["check"].busy)
    assert not [fields for fields in worker.asked if fields["do"] == "run"]


def test_a_run_is_resumed_in_as_many_processes_as_were_asked_for_last(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    first = make()
    form = state(first).form
    assert form is not None
    first.form.workers.setMaximum(4)
    first.form.workers.setValue(3)
    first.form.cluster.setText("tcp://there:8786")
    run(first, qtbot)
    worker.keep(made_runs.config(), 5)
    page = make()
    assert page.form.cluster.text() == "tcp://there:8786"
    qtbot.mouseClick(page.strip.resume, LEFT)
    settled(page, qtbot, lambda: state(page).going is None and all(row.done == row.total for row in state(page).runs))
    asked = [fields for fields in worker.asked if fields["do"] == "run"]
    assert [(fields["workers"], fields["cluster"]) for fields in asked] == [(3, "tcp://there:8786")] * 2
    assert asked[1]["run"] == 2


def test_a_run_that_failed_says_why_and_keeps_what_there_is(page: BenchPage, qtbot: QtBot, worker: Worker) -> None:
    worker.fails = "replay"
    run(page, qtbot)
    assert column(page, "State") == ["Done", "Done", "Failed", "Failed"]
    choose_row(page, "Replay", "Corrected")
    page.results._row_chosen(page.results.table.currentIndex())
    assert "It has no room for that." in page.results.notes.text()


def test_a_baseline_is_pinned_with_a_key_and_rows_are_tested(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    worker.keep(made_runs.config())
    page = make()
    table, titles = page.results.table, page.results.model
    assert table.isColumnHidden(titles.column_named("Test"))
    choose_row(page, "Joint (oracle)", "Corrected")
    table.setFocus()
    qtbot.keyClick(table, Key.Key_P)
    settled(page, qtbot, lambda: bool(state(page).verdicts))
    assert not table.isColumnHidden(titles.column_named("Test"))
    parts = [column(page, title) for title in ("Method", "Mode", "Δ baseline", "Test")]
    rows = {(method, mode): (delta, test) for method, mode, delta, test in zip(*parts, strict=True)}
    assert rows["RanPAC", "Corrected"] == ("−5.0", "not distinguishable")
    assert rows["Replay", "Corrected"][0] == "−35.0"
    assert rows["Replay", "Corrected"][1].startswith("worse, p")
    assert column(page, "State").count("Baseline") == 1
    qtbot.keyClick(table, Key.Key_P)
    settled(page, qtbot, lambda: state(page).baseline is None)
    assert table.isColumnHidden(titles.column_named("Test"))


def test_the_table_is_sorted_and_shows_every_cell(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    worker.keep(made_runs.config())
    page = make()
    page.results.table.sortByColumn(page.results.model.column_named("Value"), Qt.SortOrder.DescendingOrder)
    values = [float(text.split()[0]) for text in column(page, "Value")]
    assert values == sorted(values, reverse=True)
    qtbot.mouseClick(page.results.cells, LEFT)
    assert len(column(page, "Value")) == 12
    assert set(column(page, "Order")) == {"1", "2"}


def test_curves_are_drawn_and_hidden(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    worker.keep(made_runs.config())
    page = make()
    page.tabs.setCurrentWidget(page.curves)
    assert [trace.title for trace in page.curves.traces][:2] == ["Joint (oracle) · as published", "Joint (oracle) · corrected"]
    assert "Joint (oracle) · corrected: 100.0 %, 92.5 %" in page.curves.plot.accessibleDescription()
    drawn = len(page.curves.plot.listDataItems())
    page.curves.list.setCurrentRow(1)
    page.curves.list.setFocus()
    qtbot.keyClick(page.curves.list, Key.Key_Space)
    assert "Joint (oracle) · corrected" not in page.curves.plot.accessibleDescription()
    assert len(page.curves.plot.listDataItems()) < drawn
    page.set_theme(DARK)
    assert "Joint (oracle) · corrected" not in page.curves.plot.accessibleDescription(), "what is hidden stays so"
    none, every = (next(one for one in page.curves.findChildren(QAbstractButton) if one.text() == name) for name in ("None", "All"))
    qtbot.mouseClick(none, LEFT)
    assert page.curves.plot.accessibleDescription() == "Nothing is ticked."
    qtbot.mouseClick(every, LEFT)
    assert len(page.curves.plot.listDataItems()) == drawn


def test_a_cell_of_the_confusion_lists_its_items_to_hear_and_open(
    make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "blues").mkdir()
    (tmp_path / "blues" / "0.wav").write_bytes(b"RIFF")
    worker.keep(made_runs.config(data=str(tmp_path)))
    page = make()
    choose_row(page, "Replay", "Corrected")
    page.results.table.setFocus()
    qtbot.keyClick(page.results.table, Key.Key_Return)
    assert page.tabs.currentWidget() is page.confusion
    assert page.confusion.row.currentText() == "Replay · Corrected"
    heat = page.confusion.heat
    assert page.confusion.caption.text() == "blues, taken for disco: 17", "what was mistaken most is looked at first"
    heat.setCurrentIndex(heat.spots.index(0, 0))
    qtbot.keyClick(heat, Key.Key_Right)
    assert page.confusion.caption.text() == "blues, taken for disco: 17"
    texts = [page.confusion.items.item(place).text() for place in range(page.confusion.items.count())]
    assert texts[0] == "0.wav   × 2"
    assert len(texts) == 9
    qtbot.keyClick(heat, Key.Key_Return)
    assert page.confusion.items.hasFocus()
    with qtbot.waitSignal(page.heard) as heard:
        qtbot.keyClick(page.confusion.items, Key.Key_Space)
    assert heard.args == [str(tmp_path / "blues" / "0.wav"), 0.0, -1.0]
    page.confusion.show_heard(str(tmp_path / "blues" / "0.wav"))
    assert page.confusion.hear.text() == "Stop"
    page.confusion.show_heard("")
    assert page.confusion.hear.text() == "Hear"
    with qtbot.waitSignal(page.opened) as opened:
        qtbot.keyClick(page.confusion.items, Key.Key_Return)
    assert opened.args == [tmp_path / "blues" / "0.wav"]
    qtbot.keyClick(page.confusion.items, Key.Key_Down)
    assert not page.confusion.open.isEnabled(), "this one is not in the folder"


def test_what_was_forgotten_is_shown_session_by_session(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    worker.keep(made_runs.config())
    page = make()
    page.tabs.setCurrentWidget(page.forgetting)
    page.forgetting.row.choose(("replay", "published", "", ""))
    page.forgetting.row.picked.emit()
    spots = page.forgetting.heat.spots
    texts = [[spots.index(row, place).data() for place in range(2)] for row in range(3)]
    assert texts == [["100.0", ""], ["15.0", "100.0"], ["−85.0", ""]]
    assert "85.0 points" in page.forgetting.sentence.text()


def test_two_runs_are_set_side_by_side(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    for seed in (0, 1):
        worker.keep(made_runs.config(seeds=(seed,)))
    page = make()
    page.tabs.setCurrentWidget(page.compare)
    page.compare.other.setFocus()
    qtbot.keyClick(page.compare.other, Key.Key_Down)
    settled(page, qtbot, lambda: bool(state(page).compared))
    model = page.compare.model
    assert [model.index(0, place).data() for place in range(8)] == [
        "Joint (oracle)", "As published", "", "92.5 %", "92.5 %", "±0.0", "not distinguishable", "2 and 2",
    ]  # fmt: skip
    assert page.compare.note.full == "Both runs are on the same data."


@pytest.mark.parametrize("form", ["csv", "tex", "html", "md"])
def test_a_run_is_exported(
    make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    worker.keep(made_runs.config())
    page = make()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "report"), ""))
    with qtbot.waitSignal(page.said) as told:
        page.ask_export(form)
    assert told.args == [f"Written to {tmp_path / 'report'}.{form}"]
    assert (tmp_path / f"report.{form}").read_text() == f"{form} of run 1"
    assert worker.asked[-1]["baseline"] == ""
    choose_row(page, "Replay", "Corrected")
    page.results.pin_chosen()
    with qtbot.waitSignal(page.said):
        page.ask_export(form)
    assert worker.asked[-1]["baseline"] == "replay/corrected"


def test_a_run_is_removed_only_after_a_yes(make: Callable[[], BenchPage], qtbot: QtBot, worker: Worker) -> None:
    worker.keep(made_runs.config())
    page = make()
    page.ask_removal()
    dialog = page.findChild(Asking)
    assert dialog is not None
    assert worker.runs
    qtbot.mouseClick(dialog.go, LEFT)
    settled(page, qtbot, lambda: not worker.runs and not state(page).lanes["look"].busy)
    assert column(page, "State") == []
    assert page.runs.currentText() == "No runs yet"


def test_the_command_line_of_the_shown_run_is_copied(make: Callable[[], BenchPage], worker: Worker) -> None:
    worker.keep(made_runs.config(modes=("corrected",)))
    page = make()
    page.copy_command()
    line = QApplication.clipboard().text()
    assert line.startswith("musicclass bench run continual --data /data --dataset gtzan --encoder timbre --methods joint,replay,ranpac")
    assert "--mode corrected" in line


def test_everything_has_a_name_and_nothing_is_cut_at_1280(page: BenchPage) -> None:
    page.resize(1280, 640)
    for kind in (QAbstractButton, QComboBox, QLineEdit):
        for control in page.findChildren(kind):
            named = control.accessibleName() or getattr(control, "text", str)()
            assert named or control.objectName().startswith("qt_") or isinstance(control.parentWidget(), QComboBox), control
    assert page.minimumSizeHint().width() <= 1280


# In the window


@pytest.fixture
def window(settings: Settings, worker: Worker, qtbot: QtBot) -> Iterator[MainWindow]:
    start.application()
    session, player = Session(settings), Player()
    session.__dict__["bench"] = Bench(settings, session, look=worker, work=worker)
    window = MainWindow(session, player)
    window.resize(1280, 800)
    window.show()
    qtbot.waitUntil(lambda: not window._pending)
    yield window
    worker.let_go.set()
    window.close()
    window.deleteLater()


def test_the_menu_leads_to_the_page_and_an_item_back(window: MainWindow, qtbot: QtBot) -> None:
    assert window.bencher.page is None, "nothing is made before it is looked at"
    window.trigger("bench.show")
    page = window.bencher.page
    assert page is not None
    assert window.desk.currentWidget() is page
    assert window.topbar.pages["bench"].isChecked()
    assert not window.teaching_shown
    page.opened.emit(Path("/nowhere/x.wav"))
    assert window.desk.currentWidget() is window.listening
    assert window.session.document.path == Path("/nowhere/x.wav")


def test_an_interrupted_run_is_a_notice_that_resumes_it(window: MainWindow, qtbot: QtBot, worker: Worker, settings: Settings) -> None:
    worker.keep(made_runs.config(), 3)
    settings.set("bench_run", "1")
    qtbot.waitUntil(lambda: any(notice.action == "bench.resume" for notice in window.notices.notices), timeout=LONG_MS)
    window.trigger("bench.resume")
    bench = window.session.bench
    qtbot.waitUntil(lambda: len(worker.runs[1][1]) == 12 and bench.going is None and settings.get("bench_run") == "", timeout=LONG_MS)
    qtbot.waitUntil(lambda: not any(notice.action == "bench.resume" for notice in window.notices.notices), timeout=LONG_MS)


# A real run


def real(fields: dict[str, Any], token: Any, emit: Any) -> Any:
    return bench_calls.answer(fields, token, emit)


def test_a_real_run_on_made_data_from_the_form_to_the_report(
    settings: Settings, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "IDS", ("continual",))
    made_data.make("folders", tmp_path / "data", seconds=1.5)
    bench = Bench(settings, look=real, work=real)
    page = BenchPage(bench, LIGHT)
    qtbot.addWidget(page)
    page.show()
    settled(page, qtbot, lambda: bench.form is not None)
    place = page.form.dataset.findData("folders")
    page.form.dataset.setCurrentIndex(place)
    page.form.dataset.activated.emit(place)
    page.form.data.setText(str(tmp_path / "data"))
    page.form.encoder.setCurrentIndex(page.form.encoder.findData("timbre"))
    for choices in page.form.choices["methods"]:
        for one, tick in choices.boxes.items():
            tick.setChecked(one in ("center_l2", "gaussian"))
    page.form.choices["orders"][0].boxes["1"].setChecked(True)
    qtbot.mouseClick(page.form.check, LEFT)
    settled(page, qtbot, lambda: bench.about is not None or bool(bench.about_problem))
    assert bench.about is not None, bench.about_problem
    qtbot.mouseClick(page.form.go, LEFT)
    settled(page, qtbot, lambda: bench.going is None and bench.view is not None)
    assert bench.problem == ""
    assert bench.view is not None
    assert set(column(page, "State")) == {"Done"}
    assert all(text.endswith(" %") for text in column(page, "Value"))
    assert sum(len(result.predictions) > 0 for result in bench.view.results.values()) == len(bench.view.cells)
    item = next(iter(bench.view.results.values())).predictions[0].item
    assert bench.path_of(item) is not None
    for lane in bench.lanes.values():
        lane.shutdown(2.0)


def test_methods_that_the_encoder_cannot_run_are_left_out() -> None:
    methods = (Method("any", "Any", ""), Method("l2p", "L2P", "", families=("hubert",)))
    form = Form(ProtocolView("c", "Continual", methods=methods, encoders=("mert-v1-95m",)), encoder="timbre", methods={"any", "l2p"})
    assert form.unable == {"l2p"}
    assert form.config().methods == ("any",)
    form.encoder = "mert-v1-95m"
    assert form.config().methods == ("any", "l2p")
    form.encoder, form.methods = "timbre", {"l2p"}
    assert "can be run on this encoder" in replace(form, data="x").wrong
