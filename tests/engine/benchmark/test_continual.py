"""The continual protocol: class orders, divisions, options and published numbers, and whole runs on made-up embeddings and real ones."""

from __future__ import annotations

import csv
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmark import made_data, made_sessions

from musicclass_gui.engine.benchmark import protocols, splits
from musicclass_gui.engine.benchmark.continual import division, published, running, scenarios
from musicclass_gui.engine.benchmark.continual.strategies import STRATEGIES, strategy
from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID, Found, Item
from musicclass_gui.engine.benchmark.protocol import Cell, Config
from musicclass_gui.engine.benchmark.protocols import continual
from musicclass_gui.engine.benchmark.readers import gtzan, nsynth, reader, vocalset_singer, vocalset_technique
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import Result

TRAINED = ("joint", "finetune", "ewc", "gem", "replay", "icarl")
READERS = {"gtzan": gtzan, "nsynth": nsynth, "vocalset_singer": vocalset_singer, "vocalset_technique": vocalset_technique}


def config(**given: object) -> Config:
    return replace(Config("continual", "nowhere", "gtzan", "timbre"), **given)


def silent(_: str) -> None:
    return


def test_it_is_a_protocol_and_every_method_has_a_strategy() -> None:
    assert protocols.protocol("continual") is continual
    for method in continual.METHODS:
        assert callable(strategy(method.id).predict)
    assert {one.id for one in continual.METHODS} == set(STRATEGIES)
    with pytest.raises(BenchmarkError, match="no method"):
        strategy("magic")


@pytest.mark.parametrize("dataset", READERS)
@pytest.mark.parametrize("order", ["1", "2", "3"])
def test_each_order_has_every_class_of_its_data_set_once(dataset: str, order: str) -> None:
    sessions = scenarios.sessions(dataset, order, READERS[dataset].CLASSES)
    assert sorted(name for session in sessions for name in session) == sorted(READERS[dataset].CLASSES)
    assert len(sessions) == 5
    size = {"gtzan": 2, "vocalset_singer": 4, "vocalset_technique": 2}.get(dataset, 0)
    assert all(len(session) in ({size} if size else {2, 3}) for session in sessions)


def test_orders_agree_with_the_sessions_that_the_published_table_names() -> None:
    table = Path(published.__file__).with_name("published.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    ordered = [row for row in rows if row["method"] != "joint"]
    for row in ordered:
        dataset = {"GTZAN": "gtzan", "NSynthInstrument": "nsynth", "VocalSetSinger": "vocalset_singer"}.get(
            row["dataset"], "vocalset_technique"
        )
        session = scenarios.ORDERS[dataset][int(row["order"]) - 1][int(row["session"]) - 1]
        assert row["classes_of_session"].replace("-", ",") == ",".join(session)
    assert len(rows) == 960


def test_classes_that_are_not_there_are_left_out_of_an_order() -> None:
    sessions = scenarios.sessions("gtzan", "1", ("metal", "pop", "disco", "blues"))
    assert sessions == (("metal", "pop"), ("disco",), ("blues",))
    with pytest.raises(BenchmarkError, match="order “4”"):
        scenarios.sessions("gtzan", "4", gtzan.CLASSES)


def test_orders_of_other_data_are_drawn_by_their_number() -> None:
    names = [f"class {number:02}" for number in range(16)]
    one, again, other = (scenarios.sessions("folders", order, given) for order, given in (("1", names), ("1", names[::-1]), ("2", names)))
    assert one == again
    assert one != other
    assert [len(session) for session in one] == [4, 3, 3, 3, 3]
    assert sorted(name for session in one for name in session) == names
    assert [len(session) for session in scenarios.sessions("folders", "1", names[:5])] == [3, 2]
    assert len(scenarios.sessions("folders", "1", names[:2])) == 1
    with pytest.raises(BenchmarkError, match="numbers"):
        scenarios.sessions("folders", "first", names)


def test_chunks_and_patience_are_the_papers() -> None:
    assert scenarios.chunking("gtzan", "mert-v1-95m") == scenarios.Chunking(5.0, 6)
    assert scenarios.chunking("gtzan", "clmr") == scenarios.Chunking(59049 / 22050, 11)
    assert [scenarios.patience(*given) for given in (("gtzan", "mert-v1-95m"), ("gtzan", "clmr"), ("nsynth", "clmr"))] == [20, 5, 3]
    patiences = [continual.settings(config(encoder="clmr"), mode).whole("patience") for mode in continual.MODES]
    assert patiences == [5, 20]


def singers(count: int = 100) -> Found:
    names = scenarios.ORDERS["vocalset_singer"][0]
    items = [Item(f"{name}/{number}", labels=(name,)) for part in names for name in part for number in range(count)]
    return Found("vocalset_singer", "VocalSet", "nowhere", "classes", vocalset_singer.CLASSES, tuple(items))


def test_singers_leak_as_published_and_not_when_corrected() -> None:
    found = singers()
    leaking, right = division.divide(found, leaking=True), division.divide(found, leaking=False)
    for one in (leaking, right):
        assert [len(one.split.part(part)) for part in (TRAIN, VALID, TEST)] == [960, 640, 400]
    shared = len(set(leaking.split.test) & set(leaking.split.train)) / 400
    assert shared == pytest.approx(0.48, abs=0.06)
    assert "also trained on" in leaking.problems[0]
    splits.require_disjoint(right.split, found.items)
    assert right.problems == ()


def test_techniques_are_tested_on_other_singers_and_validated_on_training_files_only_as_published() -> None:
    parts = [TRAIN] * 16 + [TEST] * 5 + [""] * 2
    items = [Item(f"{name}/{n}", labels=(name,), split=part) for name in vocalset_technique.CLASSES for n, part in enumerate(parts)]
    found = Found("vocalset_technique", "VocalSet", "nowhere", "classes", vocalset_technique.CLASSES, tuple(items))
    leaking, right = division.divide(found, leaking=True).split, division.divide(found, leaking=False).split
    for split in (leaking, right):
        assert [len(split.train), len(split.valid), len(split.test)] == [140, 20, 50]
        assert not set(split.test) & {*split.train, *split.valid}
    assert len(set(leaking.train) & set(leaking.valid)) > 10
    splits.require_disjoint(right, items)


def test_a_class_of_nsynth_gives_evenly_of_its_sources() -> None:
    sizes = {"acoustic": 10, "electronic": 60, "synthetic": 90}
    items = [Item(f"{source}{n}", labels=("bass",), groups={"source": source}) for source, size in sizes.items() for n in range(size)]
    kept = division.capped(items, 100)
    assert Counter(key.rstrip("0123456789") for key in kept) == {"acoustic": 10, "electronic": 45, "synthetic": 45}
    assert kept == division.capped(items, 100)
    assert len(division.capped(items, 1000)) == 160
    even = [item for item in items if item.groups["source"] != "acoustic"]
    assert len(division.capped(even, 120)) == 120  # the published code loses the rest where a source has just the even share


def test_a_family_of_nsynth_without_test_files_is_named() -> None:
    items = [Item(f"{name}{part}", labels=(name,), split=part) for name in ("bass", "synth_lead") for part in ("train", "valid", "test")]
    there = [item for item in items if item.key not in ("synth_leadvalid", "synth_leadtest")]
    said = division.divide(Found("nsynth", "NSynth", "nowhere", "classes", ("bass", "synth_lead"), tuple(there)), leaking=False).problems
    assert len(said) == 1
    assert "synth_lead" in said[0]
    assert (
        division.divide(Found("nsynth", "NSynth", "nowhere", "classes", ("bass", "synth_lead"), tuple(items)), leaking=False).problems == ()
    )


def test_a_part_of_gtzan_is_divided_by_its_lists_or_else_by_number_and_it_is_said() -> None:
    whole = made_sessions.found()
    by_lists = division.divide(whole, leaking=False)
    assert by_lists.split.how == "the data set's own split"
    assert "Only 130" in by_lists.problems[0]
    without = tuple(replace(item, split="" if item.labels == ("jazz",) and item.split == TEST else item.split) for item in whole.items)
    by_number = division.divide(replace(whole, items=without), leaking=False)
    assert [len(by_number.split.part(part)) for part in (TRAIN, VALID, TEST)] == [60, 30, 40]
    assert "by number" in by_number.problems[0]
    splits.require_disjoint(by_number.split, whole.items)
    with pytest.raises(BenchmarkError, match="too few recordings of"):
        division.divide(made_sessions.found(train=1, valid=0, test=0), leaking=False)


def test_what_has_no_classes_cannot_be_learned_in_sessions() -> None:
    with pytest.raises(BenchmarkError, match="one class each"):
        division.divide(replace(made_sessions.found(), kind="tags"), leaking=False)
    with pytest.raises(BenchmarkError, match="fewer than two"):
        division.divide(made_sessions.found(("blues",)), leaking=False)


def test_cells_are_all_that_was_asked_for_and_nothing_unknown() -> None:
    assert len(continual.cells(config(seeds=(0, 1)))) == (len(continual.METHODS) - 1) * 2 * 3 * 2
    asked = continual.cells(config(methods=("ewc",), modes=("published",), orders=("2",)))
    assert asked == [Cell("ewc", "published", "2", 0)]
    for wrong in ({"methods": ("magic",)}, {"modes": ("wished",)}, {"options": {"magic": 1}}, {"options": {"memory": 0}}):
        with pytest.raises(BenchmarkError):
            continual.cells(config(**wrong))
    for wrong in ({"validate_by": "ear"}, {"gem_per_class": 1}, {"patience": True}, {"max_epochs": 2.5}, {"learning_rate": math.nan}):
        with pytest.raises(BenchmarkError):
            continual.settings(config(options=wrong), "corrected")


def test_each_defect_is_set_by_the_mode_and_by_the_user() -> None:
    flags = [one for one in continual.OPTIONS if one.modes and one.kind == "bool"]
    assert len(flags) >= 7
    for one in flags:
        assert [continual.settings(config(), mode).flag(one.id) for mode in continual.MODES] == [True, False]
        assert continual.settings(config(options={one.id: True}), "corrected").flag(one.id)
    assert len({one.id for one in continual.OPTIONS}) == len(continual.OPTIONS)


def test_published_numbers_are_the_papers() -> None:
    mert = config(encoder="mert-v1-95m")
    numbers = continual.published(mert, Cell("class-centers", "published", "2"))
    assert [round(one.value, 3) for one in numbers if one.metric == "accuracy" and one.session] == [0.932, 0.872, 0.740, 0.654, 0.590]
    assert next(one.value for one in numbers if one.metric == "accuracy" and not one.session) == pytest.approx(171 / 290, abs=1e-4)
    assert next(one.value for one in numbers if one.metric == "average_seen") == pytest.approx(0.7577, abs=2e-3)
    clmr = replace(mert, encoder="clmr", dataset="vocalset_technique")
    assert {one.metric for one in continual.published(clmr, Cell("replay", "corrected", "1"))} == {"accuracy", "average_seen", "macro_f1"}
    assert continual.published(clmr, Cell("l2p", "published", "1")) == []
    assert continual.published(config(), Cell("ewc", "published", "1")) == []


def results(methods: tuple[str, ...] = TRAINED, **options: object) -> dict[str, Result]:
    data = made_sessions.made(made_sessions.found(), layers=2)
    asked = config(methods=methods, orders=("1",), options={"max_epochs": 12, "patience": 3, "batch_size": 16, "memory": 40} | options)
    return {f"{cell.method} {cell.mode}": continual.run(asked, cell, data, Token(), silent) for cell in continual.cells(asked)}


def test_a_whole_run_in_both_modes_shows_what_the_defects_hide() -> None:
    found = results()
    final = {name: result.scores[0].value for name, result in found.items()}
    assert final["joint published"] > 0.8
    assert final["joint corrected"] > 0.8
    assert final["finetune published"] < 0.5
    assert found["ewc published"].predictions == found["finetune published"].predictions
    assert found["ewc corrected"].predictions != found["finetune corrected"].predictions
    for method in ("replay", "icarl"):
        assert final[f"{method} corrected"] > final[f"{method} published"] + 0.2
    second = {
        name: next(one.value for one in result.scores if one.metric == "accuracy" and one.session == 2) for name, result in found.items()
    }
    assert second["replay published"] > final["replay published"] + 0.2  # at session 2 the memory is still right


def test_results_hold_together() -> None:
    result = results(("replay",))["replay corrected"]
    assert [[value is None for value in row] for row in result.matrix] == [[k > t for k in range(5)] for t in range(5)]
    assert Counter(one.session for one in result.predictions) == {session: 8 * session for session in range(1, 6)}
    last = [one for one in result.predictions if one.session == 5]
    assert result.scores[0].value == sum(one.truth == one.said for one in last) / 40
    ids = {one.metric for one in result.scores}
    assert {"accuracy", "macro_f1", "task_mean", "average_incremental", "average_seen", "forgetting", "bwt"} <= ids
    assert from_plain(type(result), to_plain(result)) == result


def test_equal_configs_give_equal_results_to_the_last_digit_and_other_seeds_others() -> None:
    first, again = results(("replay", "gem")), results(("replay", "gem"))
    assert first == again
    data = made_sessions.made(made_sessions.found(), noise=4.0)
    asked = config(options={"max_epochs": 3})
    said = [continual.run(asked, Cell("finetune", "corrected", "1", seed), data, Token(), silent).predictions for seed in (0, 1)]
    assert said[0] != said[1]


def test_the_strategies_see_no_test_label() -> None:
    one = made_sessions.task()
    assert set(running.unlabelled(running.seen(one.sessions, one.sessions[1])).labels.tolist()) == {-1}


@pytest.mark.parametrize("dataset", ["gtzan", "vocalset_singer", "vocalset_technique", "nsynth"])
def test_it_runs_from_audio_laid_out_as_published(dataset: str, tmp_path: Path) -> None:
    made_data.make(dataset, tmp_path)
    asked = config(
        data=str(tmp_path),
        dataset=dataset,
        methods=("finetune",),
        orders=("2",),
        options={"max_epochs": 2, "chunk_s": 1.0, "random_chunks": 2},
    )
    about = continual.about(asked, Token(), silent)
    assert about.cells == 2
    assert about.disk_bytes > 0
    assert about.fingerprint == continual.about(asked, Token(), silent).fingerprint
    kept = {key for part in about.split.values() for key in part}
    assert len(about.split) == (6 if dataset.startswith("vocalset") else 3)
    assert kept <= {item.key for item in reader(dataset).read(tmp_path, Token()).items}
    prepared = continual.prepare(asked, Token(), silent)
    for cell in continual.cells(asked):
        result = continual.run(asked, cell, prepared, Token(), silent)
        assert len(result.matrix) == 5
        assert 0 <= result.scores[0].value <= 1


def test_a_recording_that_cannot_be_heard_is_named_and_left_out(tmp_path: Path) -> None:
    made_data.make("gtzan", tmp_path)
    made_data.spoil(tmp_path / "genres" / "rock" / "rock.00012.wav")
    asked = config(data=str(tmp_path), methods=("finetune",), modes=("corrected",), orders=("1",), options={"max_epochs": 1})
    about = continual.about(asked, Token(), silent)
    assert any("rock.00012" in text for text in about.problems)
    result = continual.run(asked, continual.cells(asked)[0], continual.prepare(asked, Token(), silent), Token(), silent)
    assert not any("rock.00012" in one.item for one in result.predictions)


def test_the_seventy_real_recordings(data_dir: Path) -> None:
    folder = data_dir / "gtzan-mini"
    if not folder.is_dir():
        pytest.skip("no gtzan-mini")
    asked = config(data=str(folder), methods=("finetune", "replay"), orders=("1",), options={"max_epochs": 5, "random_chunks": 2})
    about = continual.about(asked, Token(), silent)
    assert any("by number" in text for text in about.problems)
    prepared = continual.prepare(asked, Token(), silent)
    final = {
        f"{cell.method} {cell.mode}": continual.run(asked, cell, prepared, Token(), silent).scores[0] for cell in continual.cells(asked)
    }
    assert all(score.n == 20 for score in final.values())
    assert final["replay corrected"].value > final["finetune corrected"].value - 0.2
