"""Reports hold what a run was and what came of it; their numbers are those of the results, and they parse as what they claim to be."""

from __future__ import annotations

import csv
import io
import re
import shlex
import statistics
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest

from musicclass_gui.engine.benchmark import measures, report, report_figures, report_rows, report_text
from musicclass_gui.engine.benchmark.command import command_line
from musicclass_gui.engine.benchmark.continual import published
from musicclass_gui.engine.benchmark.data import Count
from musicclass_gui.engine.benchmark.protocol import About, Cell, Config, Prediction, Result, Score, Verdict
from musicclass_gui.engine.benchmark.runs import Store, opened
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLASSES = ("blues", "classical", "disco & <co>", "rock")
ORDERS = ("1", "2", "3")
CONFIG = Config(
    "continual",
    "/my data/gtzan",
    "gtzan",
    "mert-v1-95m",
    ("finetune", "replay", "class-centers"),
    ("published",),
    ORDERS,
    options={"patience": 5},
)
ABOUT = About(
    "Continual learning of <music> classes",
    (Count("recordings", 993, 1000),),
    ("blues.00001 is missing.",),
    (Verdict("files", "clear", "None shared."), Verdict("artist", "leak", "12 of 80 test items share an artist.")),
    CLASSES,
    "f00d",
    9,
    1.0,
    1.0,
    {"train": ("a", "b"), "test": ("c",)},
)
SHARE = {"finetune": 0.3, "replay": 0.82, "class-centers": 0.8}


def said(truth: int, session: int, right: bool) -> str:
    return CLASSES[truth if right else (truth + 1) % (2 * session)]


def result(method: str, order: str) -> Result:
    """Two sessions of two classes, twenty items each; how many are right depends on the method."""
    generator = np.random.default_rng([len(method), int(order)])
    predictions, matrix, scores = [], [], []
    for session in (1, 2):
        mine = [
            Prediction(f"{kind}-{place}", CLASSES[kind], said(kind, session, bool(generator.random() < SHARE[method])), session)
            for kind in range(2 * session)
            for place in range(20)
        ]
        parts = [[one.truth == one.said for one in mine if one.truth in CLASSES[2 * k : 2 * k + 2]] for k in range(session)]
        matrix.append((*(sum(part) / 40 for part in parts), *(None for _ in range(2 - session))))
        predictions += mine
        scores.append(measures.accuracy([one.truth for one in mine], [one.said for one in mine], session=session))
    whole = measures.accuracy([one.truth for one in mine], [one.said for one in mine])
    scores += [whole, *measures.continual_scores(matrix, [40, 40])]
    return Result(tuple(scores), tuple(matrix), tuple(predictions), ("A note with | and <b>.",), 0.25)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Store, int]]:
    with opened(tmp_path) as store:
        run = store.new_run(CONFIG, ABOUT, {"numpy": "2.4", "musicclass": "0.1"}, "cpu (a processor)")
        for method in CONFIG.methods:
            for order in ORDERS:
                store.put(run, Cell(method, "published", order), result(method, order))
        yield store, run


def lines(text: str, **wanted: str) -> list[dict[str, str]]:
    return [line for line in csv.DictReader(io.StringIO(text)) if all(line[key] == value for key, value in wanted.items())]


class Tags(HTMLParser):
    """Checks that every element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not {"src", "href"} & {name for name, _ in attrs}, "it needs something from outside"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def test_markdown_says_what_was_asked_for_found_and_measured(kept: tuple[Store, int]) -> None:
    text = report.report(*kept, "md")
    assert text.startswith("# Continual learning of <music> classes\n")
    assert f"    {command_line(CONFIG, str(kept[0].folder))}\n" in text
    for wanted in ("numpy 2.4", "cpu (a processor)", "f00d", "9 of 9 results", "| recordings | 993 | 1000 | 7 fewer |", "train 2, test 1"):
        assert wanted in text
    assert "**leak** (artist): 12 of 80 test items share an artist." in text
    assert "blues.00001 is missing." in text
    assert "A note with" in text
    for metric in ("accuracy", "forgetting", "bwt", "task_mean", "average_incremental"):
        assert measures.METRICS[metric].formula in text
    for option in report.gathered(*kept).protocol.OPTIONS:
        assert option.line.replace("|", "\\|") in text
    assert "ISMIR 2024" in text


def test_the_table_is_the_mean_with_spread_interval_and_published_value(kept: tuple[Store, int]) -> None:
    text = report.report(*kept, "csv")
    (mean,) = lines(text, what="mean", method="replay", metric="accuracy", session="0")
    cells = lines(text, what="cell", method="replay", metric="accuracy", session="0")
    values = [next(one.value for one in result("replay", order).scores if one.metric == "accuracy" and not one.session) for order in ORDERS]
    assert [float(line["value"]) for line in cells] == values
    assert [line["order"] for line in cells] == list(ORDERS)
    assert float(mean["value"]) == statistics.fmean(values)
    assert float(mean["deviation"]) == statistics.stdev(values)
    assert (float(mean["least"]), float(mean["most"])) == (min(values), max(values))
    printed = [
        one.value
        for order in ORDERS
        for one in published.table()["mert-v1-95m", "gtzan", "replay", order]
        if (one.metric, one.session) == ("accuracy", 0)
    ]
    assert float(mean["published"]) == pytest.approx(statistics.fmean(printed))
    assert float(mean["difference"]) == pytest.approx(statistics.fmean(values) - statistics.fmean(printed))
    assert mean["source"] == published.SOURCE


def test_methods_that_cannot_be_told_apart_are_said_so(kept: tuple[Store, int]) -> None:
    verdicts = {
        line["method"]: line["test"]
        for line in lines(report.report(*kept, "csv", baseline="replay"), metric="accuracy", session="0", what="mean")
    }
    assert verdicts["replay"] == "baseline"
    assert verdicts["class-centers"].startswith("not distinguishable")
    assert verdicts["finetune"].startswith("differs")
    text = report.report(*kept, "md", baseline="replay")
    assert "Δ replay" in text
    assert "not distinguishable" in text
    assert "$^\\dagger$" in next(
        line for line in report.report(*kept, "tex", baseline="replay").splitlines() if line.startswith("Class centers")
    )


def test_without_a_baseline_the_best_is_it(kept: tuple[Store, int]) -> None:
    heads = report.gathered(*kept).heads
    best = max(heads, key=lambda row: row.mean)
    assert all(row.baseline == best.key for row in heads)
    assert all((row.delta is None) == (row is best) for row in heads)
    assert all(row.delta == pytest.approx(row.mean - best.mean) for row in heads if row.delta is not None)


@pytest.mark.parametrize("baseline", ["finetune", "finetune/published", "finetune/published//", "finetune/published/2/0//"])
def test_a_baseline_can_be_named_in_several_ways(kept: tuple[Store, int], baseline: str) -> None:
    assert {row.baseline for row in report.gathered(*kept, baseline).heads} == {("finetune", "published", "", "")}


def test_html_is_one_page_that_parses(kept: tuple[Store, int]) -> None:
    text = report.report(*kept, "html")
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text
    assert "<music>" not in text
    assert "disco & <co>" not in text
    assert "disco &amp; &lt;co&gt;" in text
    assert tags.seen.count("svg") == 1 + 3 + 3  # accuracy by session (forgetting has one point only), R and confusion of each method


def test_every_figure_is_a_well_formed_drawing(kept: tuple[Store, int]) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", report.report(*kept, "html"), re.DOTALL):
        root = ElementTree.fromstring(drawing)
        width, height = map(float, root.attrib["viewBox"].split()[2:])
        for place in root.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(place.attrib["cx"]) <= width
            assert 0 <= float(place.attrib["cy"]) <= height


def test_confusions_and_matrices_are_those_of_the_results(kept: tuple[Store, int]) -> None:
    group = next(group for group in report.gathered(*kept).groups if group.key[0] == "replay")
    found = report_rows.confusion(group, CLASSES)
    assert found is not None
    names, cells = found
    assert names == CLASSES
    every = [one for order in ORDERS for one in result("replay", order).predictions if one.session == 2]
    assert cells[1, 2] == sum((one.truth, one.said) == (CLASSES[1], CLASSES[2]) for one in every)
    assert cells.sum() == len(every) == 240
    matrix = report_rows.matrix(group)
    assert matrix[0][1] is None
    assert matrix[1][0] == pytest.approx(statistics.fmean(result("replay", order).matrix[1][0] or 0 for order in ORDERS))


def test_latex_has_as_many_fields_in_each_line_as_columns(kept: tuple[Store, int]) -> None:
    text = report.report(*kept, "tex")
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", text)
    assert columns is not None
    assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns[1])}
    assert len(rows) == 1 + 3
    assert "(\\%)" in text
    assert not [line for line in text.splitlines() if not line.startswith("%") and re.search(r"(?<!\\)[%#_]|[−–±†Δ]", line)]


@pytest.mark.parametrize("form", report.FORMATS)
def test_the_same_run_gives_the_same_report(kept: tuple[Store, int], form: str) -> None:
    assert report.report(*kept, form) == report.report(*kept, form)


def test_what_cannot_be_reported_is_said(kept: tuple[Store, int]) -> None:
    store, run = kept
    with pytest.raises(BenchmarkError, match="docx"):
        report.report(store, run, "docx")
    with pytest.raises(BenchmarkError, match="There is no run 77"):
        report.report(store, 77, "md")
    with pytest.raises(BenchmarkError, match="“gem” is not in this run"):
        report.report(store, run, "md", baseline="gem")
    with pytest.raises(BenchmarkError, match="no results yet"):
        report.report(store, store.new_run(CONFIG, ABOUT), "md")


def test_a_run_on_its_way_is_reported_as_far_as_it_is(kept: tuple[Store, int]) -> None:
    store, _ = kept
    run = store.new_run(CONFIG, ABOUT)
    store.put(run, Cell("replay", "published", "2"), result("replay", "2"))
    text = report.report(store, run, "md")
    assert "1 of 9 results" in text
    assert "baseline" not in text.split("## Results")[1].split("##")[0]


def test_other_items_are_no_reason_to_fail(kept: tuple[Store, int]) -> None:
    store, _ = kept
    run = store.new_run(CONFIG, ABOUT)
    for method, items in (("replay", "ab"), ("finetune", "ac")):
        said = tuple(Prediction(item, "rock", "rock") for item in items)
        store.put(run, Cell(method, "published"), Result((Score("accuracy", 1.0 if method == "replay" else 0.5, n=2),), predictions=said))
    assert "cannot be compared" in report.report(store, run, "md")


def test_regression_is_reported_with_bars_and_without_sessions(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=60)
    with opened(tmp_path) as store:
        run = store.new_run(Config("transfer", "/d", tasks=("emoMusic_a",)), ABOUT)
        for method, spread in (("svm", 0.2), ("knn", 1.0)):
            answer = truth + spread * generator.normal(size=60)
            predictions = tuple(
                Prediction(str(n), repr(float(t)), repr(float(a))) for n, (t, a) in enumerate(zip(truth, answer, strict=True))
            )
            scores = (measures.r2(truth.tolist(), answer.tolist()),)
            store.put(run, Cell(method, "published", task="emoMusic_a", features="12345"), Result(scores, predictions=predictions))
        text = report.report(store, run, "html")
        svm, knn = lines(report.report(store, run, "csv", baseline="svm"), metric="r2")
    assert "By session" not in text
    assert "Confusion" not in text
    assert len(re.findall("<svg", text)) == 1
    assert knn["test"].startswith("differs")
    assert float(svm["published"]) == pytest.approx(0.65, abs=5e-4)


def test_the_command_has_what_was_asked_for() -> None:
    words = shlex.split(command_line(CONFIG, "/runs here"))
    assert words[:5] == ["musicclass", "bench", "run", "continual", "--data"]
    given = dict(zip(words[4::2], words[5::2], strict=True))
    assert given["--data"] == "/my data/gtzan"
    assert given["--methods"] == "finetune,replay,class-centers"
    assert (given["--mode"], given["--orders"], given["--seeds"]) == ("published", "1,2,3", "0")
    assert (given["--set"], given["--out"]) == ("patience=5", "/runs here")
    both = shlex.split(command_line(Config("transfer", "d", modes=("published", "corrected"), features=("1", "mfcc")), "r"))
    assert both[both.index("--mode") + 1] == "both"
    assert both[both.index("--keys") + 1] == "1,mfcc"
    assert "--orders" not in both


def test_the_command_line_reads_that_command() -> None:
    from typer.main import get_group

    from musicclass_gui.cli_bench import bench

    command = get_group(bench).commands["run"]
    given = command.make_context("run", shlex.split(command_line(CONFIG, "/runs here"))[3:]).params
    assert (given["protocol"], str(given["data"]), given["dataset"]) == ("continual", "/my data/gtzan", "gtzan")
    assert (given["methods"], given["mode"], given["orders"]) == ("finetune,replay,class-centers", "published", "1,2,3")
    assert (list(given["option"]), str(given["out"])) == (["patience=5"], "/runs here")


@pytest.mark.parametrize(
    ("value", "metric", "sign", "text"),
    [
        (0.8767, "accuracy", False, "87.7"),
        (-0.00001, "accuracy", True, "0.0"),
        (-0.0123, "accuracy", True, "−1.2"),
        (0.0123, "accuracy", True, "+1.2"),
        (0.65, "r2", False, "0.6500"),
        (None, "r2", False, "–"),
    ],
)
def test_values_for_people(value: float | None, metric: str, sign: bool, text: str) -> None:
    assert report_text.shown(value, metric, sign=sign) == text


@pytest.mark.parametrize("values", [(0.2, 0.9), (-0.05, 0.42), (-3.0, 12.0), (0.0, 0.0), (1.0, 1.2)])
def test_axes_have_round_ends_that_hold_all_values(values: tuple[float, float]) -> None:
    curve = report_rows.Curve("a", (1, 2), values, values, values)
    root = ElementTree.fromstring(report_figures.curves([curve], [], "Axis", percent=False))
    height = float(root.attrib["viewBox"].split()[3])
    places = [float(dot.attrib["cy"]) for dot in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert all(25 <= place <= height - 40 for place in places)


def test_a_report_is_the_same_in_whatever_order_the_results_came(tmp_path: Path) -> None:
    texts = []
    for name, step in (("a", 1), ("b", -1)):
        store = Store(tmp_path / name)
        run = store.new_run(CONFIG, ABOUT)
        for method, order in [(method, order) for method in CONFIG.methods for order in ORDERS][::step]:
            store.put(run, Cell(method, "published", order), result(method, order))
        texts.append(report.report(store, run, "csv"))
        store.close()
    assert texts[0] == texts[1]


def test_what_is_best_is_said_in_a_sentence_and_columns_of_one_value_are_titles(kept: tuple[Store, int]) -> None:
    found = report.gathered(*kept)
    (sentence,) = report_text.in_short(found)
    assert sentence.startswith("As published: Replay is best (Accuracy 8")
    assert sentence.endswith("; not distinguishable from it: Class centers (PCC).")
    assert report_text.in_short(report.gathered(*kept, "finetune")) == []
    columns, lines = report_text.head_table(found)
    assert "Accuracy (%)" in columns
    assert "Measure" not in columns
    assert {len(line) for line in lines} == {len(columns)}
    columns, lines = report_text.other_table(found)
    assert columns[0] == "Results"
    assert [line[0] for line in lines] == ["Fine-tuning, as published", "Replay, as published", "Class centers (PCC), as published"]
    assert all("±" in field for line in lines for field in line[1:])
