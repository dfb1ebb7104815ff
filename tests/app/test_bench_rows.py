"""Rows, curves, matrices and verdicts of a run, against numbers that are counted by hand."""

from __future__ import annotations

import pytest
from benchmark import made_runs
from benchmark.made_runs import ABOUT, CLASSES, PROTOCOL

from musicclass_gui.app import bench_form, bench_rows, bench_words
from musicclass_gui.app.bench_judge import beside, judge
from musicclass_gui.app.bench_plain import RunView
from musicclass_gui.engine.benchmark.command import command_line
from musicclass_gui.engine.benchmark.data import Count
from musicclass_gui.engine.benchmark.protocol import Cell, Result, Score
from musicclass_gui.engine.task import Token


@pytest.fixture
def view() -> RunView:
    asked = made_runs.config()
    cells = tuple(made_runs.cells(asked))
    results = {cell.name: made_runs.result(cell) for cell in cells}
    return RunView(1, asked, cells, ABOUT, results, {cell.name: tuple(made_runs.published(cell)) for cell in cells})


def by_key(rows: list[bench_rows.Row]) -> dict[tuple[str, ...], bench_rows.Row]:
    return {row.key: row for row in rows}


def test_a_row_is_the_mean_over_orders_beside_what_was_published(view: RunView) -> None:
    rows = by_key(bench_rows.rows(view, "accuracy", single=False))
    assert len(rows) == 6
    row = rows["replay", "published", "", ""]
    assert row.value == pytest.approx((12 + 11) / 40)
    assert (row.least, row.most) == (pytest.approx(11 / 20), pytest.approx(12 / 20))
    assert row.published == pytest.approx(0.9)
    assert row.difference == pytest.approx(23 / 40 - 0.9)
    assert row.source == "The paper, table 1"
    assert row.forgetting == pytest.approx((0.8 + 0.9) / 2)
    assert row.low is not None
    assert row.high is not None
    assert row.low < 11 / 20 < 12 / 20 < row.high
    assert rows["ranpac", "published", "", ""].published is None
    assert rows["joint", "corrected", "", ""].published is None


def test_single_cells_have_their_own_interval_and_no_range(view: RunView) -> None:
    row = by_key(bench_rows.rows(view, "accuracy", single=True))["joint", "published", "", "", "1", "0"]
    score = view.results[row.cell.name].scores[1]
    assert (row.value, row.low, row.high, row.n) == (19 / 20, score.low, score.high, 20)
    assert (row.least, row.most) == (None, None)


def test_a_row_in_which_cells_are_missing_says_so_and_claims_no_published_mean(view: RunView) -> None:
    gone, failed = Cell("joint", "published", "1"), Cell("replay", "published", "2")
    for cell in (gone, failed):
        del view.results[cell.name], view.published[cell.name]
    view.failed[failed.name] = "No room."
    rows = by_key(bench_rows.rows(view, "accuracy", single=False))
    assert (rows["joint", "published", "", ""].state, rows["joint", "published", "", ""].published) == ("part", None)
    assert (rows["replay", "published", "", ""].state, rows["replay", "published", "", ""].reason) == ("failed", "No room.")
    assert rows["ranpac", "published", "", ""].state == "done"


def test_deltas_are_paired_by_order(view: RunView) -> None:
    baseline = ("joint", "corrected", "", "")
    del view.results[Cell("joint", "corrected", "2").name]
    rows = by_key(bench_rows.rows(view, "accuracy", single=False, baseline=baseline))
    assert rows["replay", "published", "", ""].delta == pytest.approx((12 - 19) / 20), "order 2 has no partner"
    assert rows["joint", "corrected", "", ""].delta == pytest.approx(0.0)
    assert all(row.delta is None for row in bench_rows.rows(view, "accuracy", single=False))


def test_a_single_set_of_features_is_compared_with_whatever_the_baseline_has() -> None:
    base, same, other = Cell("knn", task="a", features="1"), Cell("svm", task="a", features="1"), Cell("svm", task="a", features="2")
    view = RunView(1, made_runs.config(), (base, same, other))
    assert bench_rows.partner(same, view, ("knn", "", "a", "1")) == base
    assert bench_rows.partner(other, view, ("knn", "", "a", "1")) == base
    assert bench_rows.partner(Cell("svm", task="b", features="1"), view, ("knn", "", "a", "1")) is None


def test_where_a_number_for_the_whole_is_missing_the_last_session_counts() -> None:
    result = Result((Score("accuracy", 0.9, session=1), Score("accuracy", 0.4, session=5), Score("r2", 0.1)))
    assert bench_rows.score_of(result, "accuracy") == Score("accuracy", 0.4, session=5)
    assert bench_rows.score_of(result, "accuracy", 1) == Score("accuracy", 0.9, session=1)
    assert bench_rows.score_of(result, "accuracy", 3) is None
    assert bench_rows.score_of(result, "r2") == Score("r2", 0.1)


def test_curves_go_from_the_least_to_the_greatest(view: RunView) -> None:
    cells = bench_rows.grouped(view.cells, single=False)["replay", "published", "", ""]
    assert bench_rows.curve(view, cells, "accuracy") == [(1, 1.0, 1.0, 1.0), (2, pytest.approx(23 / 40), 11 / 20, 12 / 20)]
    assert bench_rows.published_curve(view, cells, "accuracy") == [(1, 0.95, 0.95, 0.95), (2, 0.9, 0.9, 0.9)]
    assert bench_rows.curve(view, cells, "r2") == []


def test_the_matrix_is_the_mean_and_leaves_out_what_was_not_seen(view: RunView) -> None:
    cells = bench_rows.grouped(view.cells, single=False)["replay", "published", "", ""]
    assert bench_rows.matrix(view, cells) == [[1.0, None], [pytest.approx(0.15), 1.0]]


def test_confusion_counts_every_answer_and_keeps_its_items(view: RunView) -> None:
    cells = bench_rows.grouped(view.cells, single=False)["replay", "published", "", ""]
    assert bench_rows.prediction_sessions(view, cells) == [1, 2]
    found = bench_rows.confusion(view, cells, 2)
    assert found.classes == CLASSES
    counts = [[found.count(truth, said) for said in CLASSES] for truth in CLASSES]
    assert counts == [[3, 17], [0, 20]]
    assert found.total("blues") == 20
    assert {one.item for one in found.items["blues", "disco"]} == {f"blues/{number}.wav" for number in range(9)}
    assert bench_rows.confusion(view, cells, 1).items.keys() == {("blues", "blues")}


def test_verdicts_say_which_rows_differ(view: RunView) -> None:
    verdicts = judge(view, ("joint", "corrected", "", ""), Token())
    assert not verdicts["ranpac", "published", "", ""].distinguishable
    assert verdicts["replay", "published", "", ""].distinguishable
    assert verdicts["replay", "published", "", ""].difference < 0
    single = verdicts["replay", "published", "", "", "1", "0"]
    assert single.p == pytest.approx(2 / 2**7), "McNemar: 7 items are wrong only here, none only there"
    assert ("joint", "corrected", "", "", "1", "0") not in verdicts, "nothing is tested against itself"


def test_runs_with_other_seeds_are_set_side_by_side(view: RunView) -> None:
    asked = made_runs.config(seeds=(7,), methods=("replay",))
    cells = tuple(made_runs.cells(asked))
    other = RunView(2, asked, cells, ABOUT, {cell.name: made_runs.result(cell) for cell in cells})
    rows = beside(view, other, "accuracy", Token())
    assert [row.key for row in rows] == [("replay", "published", "", ""), ("replay", "corrected", "", "")]
    assert (rows[0].first, rows[0].second, rows[0].cells) == (pytest.approx(23 / 40), pytest.approx(23 / 40), (2, 2))
    assert rows[0].verdict is not None
    assert not rows[0].verdict.distinguishable


# The form


def test_the_first_form_has_the_papers_methods_and_both_modes() -> None:
    form = bench_form.fresh(PROTOCOL, {}, ["timbre", "mn04-as"])
    assert (form.methods, form.mode, form.encoder) == ({"joint", "replay"}, "both", "timbre")
    assert form.wrong == "Choose the folder with the data."
    form.data = "/data"
    assert form.wrong == ""
    assert form.config() == made_runs.config(methods=("joint", "replay"))
    assert bench_form.of_config(PROTOCOL, form.config()).config() == form.config()
    assert bench_form.fresh(PROTOCOL, {}, ["other", "mn04-as"]).encoder == "mn04-as", "the paper's is not here"


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("methods", set(), "method"),
        ("orders", set(), "order"),
        ("seeds", "1, x", "Seeds"),
        ("seeds", "", "Seeds"),
        ("encoder", "", "encoder"),
    ],
)
def test_what_is_missing_is_said(name: str, value: object, wrong: str) -> None:
    form = bench_form.fresh(PROTOCOL, {"data": "/data"}, ["timbre"])
    setattr(form, name, value)
    assert wrong in form.wrong


def test_what_was_kept_is_used_again_where_it_still_fits() -> None:
    form = bench_form.fresh(PROTOCOL, {"data": "/data", "dataset": "folders", "methods": ["ranpac", "gone"]}, ["timbre"])
    assert (form.data, form.dataset, form.methods) == ("/data", "folders", {"ranpac"})
    broken = bench_form.fresh(PROTOCOL, {"data": 3, "dataset": "gone", "methods": "joint", "encoder": ["x"]}, ["timbre"])
    assert (broken.data, broken.dataset, broken.methods, broken.encoder) == ("", "gtzan", {"joint", "replay"}, "timbre")
    assert bench_form.fresh(PROTOCOL, bench_form.kept(form), ["timbre"]).config() == form.config()


def test_a_mode_and_an_option_become_the_config_and_its_command() -> None:
    form = bench_form.fresh(PROTOCOL, {"data": "/my data"}, ["timbre"])
    form.mode, form.seeds, form.options = "corrected", "0,1, 1", {"ewc_lost": True}
    made = form.config("cpu")
    assert (made.modes, made.seeds, made.options) == (("corrected",), (0, 1), {"ewc_lost": True})
    line = command_line(made, "/runs")
    assert "--data '/my data'" in line
    assert "--mode corrected --orders 1,2 --seeds 0,1 --device cpu --set ewc_lost=true --out /runs" in line


# Words


@pytest.mark.parametrize(
    ("number", "metric", "shown", "change"),
    [(0.6757, "accuracy", "67.6 %", "+67.6"), (-0.01, "r2", "-0.0100", "−0.0100"), (0.0, "accuracy", "0.0 %", "±0.0"),
     (None, "accuracy", "–", "–"), (float("nan"), "r2", "–", "–")],
)  # fmt: skip
def test_numbers_are_shown_as_their_measure_asks(number: float | None, metric: str, shown: str, change: str) -> None:
    assert bench_words.value(number, metric) == shown
    assert bench_words.change(number, metric) == change


def test_counts_are_set_beside_the_published_ones() -> None:
    lines = [bench_words.count_line(Count("files", found, published)) for found, published in ((5, 7), (9, 7), (7, 7), (7, 0))]
    assert [line[3] for line in lines] == ["2 fewer", "2 more", "as published", "not published"]
