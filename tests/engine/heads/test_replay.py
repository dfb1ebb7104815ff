"""A fine-tuned head answers without torch just as it was trained, is stored to the bit, and refuses what is no such head."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from training_items import DIM, SHORT, accuracy, recordings, taught

from musicclass_gui.engine import heads
from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.replay import NETWORKS, Memory, ReplayHead

OLD = [*recordings("class 1"), *recordings("class 2")]


@pytest.fixture(scope="module", params=NETWORKS)
def head(request: pytest.FixtureRequest) -> ReplayHead:
    return taught(None, OLD, options=replace(SHORT, network=request.param))


def queries(n: int = 30) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 3, (n, DIM)).astype(np.float32)


def test_answers_are_those_of_the_network_in_torch(head: ReplayHead) -> None:
    w = {name: torch.from_numpy(array) for name, array in head.weights.items()}
    x = (torch.from_numpy(queries()) - w["shift"]) / w["spread"]
    if head.network == "mlp":
        layers = torch.nn.Sequential(torch.nn.Linear(DIM, 512), torch.nn.BatchNorm1d(512), torch.nn.ReLU()).eval()
        names = {"0": "hidden", "1": "norm"}
        own = {f"{at}.{part}": w[f"{name}.{part}"] for at, name in names.items() for part in ("weight", "bias")}
        layers.load_state_dict({**layers.state_dict(), **own, "1.running_mean": w["norm.mean"], "1.running_var": w["norm.var"]})
        x = layers(x)
    expected = torch.nn.functional.linear(x, w["out.weight"], w["out.bias"]).detach().numpy()
    np.testing.assert_allclose(head.log_scores(queries()), expected, rtol=1e-4, atol=1e-4)


def test_the_state_gives_the_same_head_to_the_bit(head: ReplayHead) -> None:
    state = head.state()
    again = heads.load("replay", state, head.classes, head.settings)
    assert again.state().keys() == state.keys()
    for name, array in again.state().items():
        assert array.dtype == state[name].dtype
        assert array.tobytes() == state[name].tobytes(), name
    np.testing.assert_array_equal(again.log_scores(queries()), head.log_scores(queries()))
    np.testing.assert_array_equal(again.novelty(queries()), head.novelty(queries()))


def test_strange_sounds_are_stranger(head: ReplayHead) -> None:
    known = np.concatenate([item.rows for item in recordings("class 1", first=50)])
    strange = np.concatenate([item.rows for item in recordings("class 9")])
    assert np.median(head.novelty(strange)) > np.quantile(head.novelty(known), 0.9)
    scores, novelty = head.judge(strange)
    np.testing.assert_array_equal(scores, head.log_scores(strange))
    np.testing.assert_array_equal(novelty, head.novelty(strange))


def test_whitened_rows_of_a_class_lie_near_each_other(head: ReplayHead) -> None:
    one, other = (head.whiten(np.concatenate([item.rows for item in recordings(label, first=50)])) for label in ("class 1", "class 2"))
    within = np.linalg.norm(one - one.mean(axis=0), axis=1).mean()
    assert np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) > within


def test_a_dropped_class_is_gone_and_the_others_answer_as_before(head: ReplayHead) -> None:
    less = head.dropped("class 1")
    assert less.classes == ["class 2"]
    assert set(less.memory.labels) == {"class 2"}
    np.testing.assert_allclose(less.log_scores(queries())[:, 0], head.log_scores(queries())[:, 1], rtol=1e-12)
    ReplayHead.from_state(less.state(), less.classes, less.settings)
    with pytest.raises(ClassifierError, match="no class “tuba”"):
        head.dropped("tuba")


def test_it_says_which_windows_it_remembers(head: ReplayHead) -> None:
    kept = head.exemplars
    assert sum(map(len, kept.values())) == len(head.memory) == 40
    rows = {item.example: item.rows for item in OLD}
    for label, example, window, row in zip(head.memory.labels, head.memory.examples, head.memory.windows, head.memory.rows, strict=True):
        np.testing.assert_array_equal(rows[int(example)][window], row)
        assert label == f"class {example // 1000}"
    gone = next(iter(kept))
    assert gone not in head.without([gone]).exemplars


def test_without_a_memory_it_still_judges(head: ReplayHead) -> None:
    bare = replace(head, memory=Memory.empty(DIM))
    assert np.isfinite(bare.novelty(queries())).all()
    assert bare.whiten(queries()).shape == (30, DIM)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *product(["out.weight", "spread", "memory.rows", "memory.class", "seen"], ["missing", "kind", "size", "value"]),
        *product(["sides.held"], ["missing", "kind", "size"]),  # any numbers may be those of groups
    ],
)
def test_damaged_states_are_refused(head: ReplayHead, name: str, fault: str) -> None:
    state = head.state()
    array = state.pop(name)
    faults = {
        "kind": array.astype(np.float64),
        "size": array[:-1] if name != "sides.held" else array[:, None],
        "value": (np.full_like(array, np.nan) if array.dtype == np.float32 else np.full((1,), 99)),
    }
    if fault != "missing":
        state[name] = faults[fault]
    with pytest.raises(ClassifierError, match=r"get the classifier again"):
        ReplayHead.from_state(state, head.classes, head.settings)


def test_rows_that_do_not_fit_are_refused(head: ReplayHead) -> None:
    with pytest.raises(ClassifierError):
        head.log_scores(np.zeros((2, DIM + 1), np.float32))
    with pytest.raises(ClassifierError):
        ReplayHead.from_state(head.state(), head.classes, {"network": "transformer"})


def test_answering_needs_no_torch() -> None:
    code = "import sys, musicclass_gui.engine.heads.replay, musicclass_gui.engine.lessons.training; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_it_recognises_recordings_that_it_never_heard(head: ReplayHead) -> None:
    assert accuracy(head, [*recordings("class 1", first=50), *recordings("class 2", first=50)]) == 1
