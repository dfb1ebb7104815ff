"""The skeleton and each trained method's defining equation, held against computations in numpy that share no code with them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from benchmark import made_sessions
from benchmark.made_sessions import task
from scipy.optimize import minimize

from musicclass_gui.engine.benchmark.continual import memory
from musicclass_gui.engine.benchmark.continual.head import Head
from musicclass_gui.engine.benchmark.continual.strategies import ewc, finetune, gem, icarl, joint, replay
from musicclass_gui.engine.benchmark.continual.training import Learner


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def numbers(head: Head) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().astype(np.float64) for name, value in head.state_dict().items()}


def logits_by_numpy(head: Head, inputs: np.ndarray) -> np.ndarray:
    w = numbers(head)
    if inputs.ndim == 3:
        inputs = np.einsum("mld,l->md", inputs, w["mix.weight"][0]) + w["mix.bias"]
    hidden = inputs @ w["hidden.weight"].T + w["hidden.bias"]
    normed = (hidden - w["norm.running_mean"]) / np.sqrt(w["norm.running_var"] + 1e-5) * w["norm.weight"] + w["norm.bias"]
    return np.maximum(normed, 0) @ w["out.weight"].T + w["out.bias"]


def log_softmax(rows: np.ndarray) -> np.ndarray:
    top = rows.max(1, keepdims=True)
    return rows - top - np.log(np.exp(rows - top).sum(1, keepdims=True))


@pytest.mark.parametrize("shape", [(6,), (3, 6)])
def test_the_head_is_what_the_paper_says(shape: tuple[int, ...]) -> None:
    head = Head(shape, 4, generator()).eval()
    head.norm.running_mean += 0.3
    inputs = torch.randn((5, *shape), generator=generator())
    np.testing.assert_allclose(head(inputs).detach().numpy(), logits_by_numpy(head, inputs.numpy().astype(float)), atol=1e-5)


def test_the_papers_head_on_mert_has_the_papers_number_of_parameters() -> None:
    count = sum(one.numel() for one in Head((13, 768), 10, generator()).parameters())
    assert count == 399_896


def test_a_head_that_grows_keeps_what_it_knew() -> None:
    head = Head((6,), 2, generator()).eval()
    inputs = torch.randn(5, 6, generator=generator())
    before = head(inputs)
    head.grow(5)
    assert head.classes == 5
    torch.testing.assert_close(head(inputs)[:, :2], before)


def test_dropout_keeps_three_of_four_and_the_mean() -> None:
    head = Head((6,), 2, generator()).train()
    dropped = head._dropped(torch.ones(40000))
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)


def test_nothing_drawn_elsewhere_changes_a_run_and_a_run_changes_nothing_elsewhere() -> None:
    one = task()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = finetune.Strategy(one)
    first.learn_session(one.sessions[0])
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    second = finetune.Strategy(one)
    second.learn_session(one.sessions[0])
    assert all(torch.equal(first.net.state_dict()[name], value) for name, value in second.net.state_dict().items())


def test_a_step_is_adam_on_the_cross_entropy_of_all_outputs() -> None:
    one = task(max_epochs=1, batch_size=1000)
    learner = finetune.Strategy(one)
    learner.head = Head((6,), 4, generator())
    learner.net.eval()  # without dropout, so that the slope can be computed elsewhere
    inputs, labels = one.sessions[1].train.inputs(), one.sessions[1].train.labels
    before = learner.net.out.bias.detach().clone()
    adam = torch.optim.Adam(learner.net.parameters(), lr=1e-3)
    loss = learner.loss(inputs, labels)
    loss.backward()
    adam.step()
    shares = np.exp(log_softmax(logits_by_numpy_at(learner, before, inputs)))
    slope = shares.mean(0) - np.bincount(labels.numpy(), minlength=4) / len(labels)
    np.testing.assert_allclose(learner.net.out.bias.grad, slope, atol=1e-5)
    np.testing.assert_allclose(learner.net.out.bias.detach(), before.numpy() - 1e-3 * slope / (np.abs(slope) + 1e-8), atol=1e-6)


def logits_by_numpy_at(learner: Learner, bias: torch.Tensor, inputs: torch.Tensor) -> np.ndarray:
    """The logits before the step, of which only the hidden layer's first weights have to be known again."""
    fresh = Head((6,), 4, generator()).eval()
    assert torch.equal(fresh.out.bias, bias)
    return logits_by_numpy(fresh, inputs.numpy().astype(float))


def test_a_file_is_answered_by_the_mean_of_its_chunks_logits() -> None:
    one = task()
    learner = finetune.Strategy(one)
    learner.learn_session(one.sessions[0])
    pool = one.sessions[0].test
    logits = logits_by_numpy(learner.net, pool.inputs().numpy().astype(float))
    expected = [logits[pool.numpy_owners() == owner].mean(0).argmax() for owner in range(len(pool.keys))]
    assert learner.predict(pool).tolist() == expected


class Scripted(Learner):
    """A learner whose validation says what a script says, and which counts what it kept."""

    script: tuple[float, ...] = ()

    def standing(self, valid: object) -> tuple[float, float]:
        self.net.out.bias.data.fill_(float(len(self.seen)))
        self.seen.append(self.script[len(self.seen)])
        return self.seen[-1], 0.0

    def learn(self) -> None:
        self.seen: list[float] = []
        self.learn_session(self.task.sessions[0])


@pytest.mark.parametrize(
    ("script", "epochs", "kept"),
    [((0.5, 0.6, 0.6, 0.6, 0.9), 4, 1), ((0.0, 0.0, 0.0, 0.5), 3, 0), ((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), 8, 7)],
)
def test_training_stops_after_patience_and_goes_on_with_the_first_best(script: tuple[float, ...], epochs: int, kept: int) -> None:
    learner = Scripted(task(max_epochs=8, patience=2))
    learner.script = script
    learner.learn()
    assert learner.epochs == [epochs]
    assert learner.net.out.bias.tolist() == [kept, kept]


def test_validation_is_by_chunk_on_current_classes_as_published_and_by_file_on_seen_ones_else() -> None:
    for mode, keys in (("published", 6), ("corrected", 12)):
        one = task(mode)
        learner = finetune.Strategy(one)
        learner.learn_session(one.sessions[0])
        assert len(learner.valid(one.sessions[1]).keys) == keys
    scores = np.array([[1.0, 0.0], [1, 0], [0, 9], [0, 1]], np.float32)
    pool = one.sessions[0].valid.picked(torch.tensor([0, 1, 2, 3]))
    assert pool.labels.tolist() == [0, 0, 0, 0]
    pool = made_one_file(pool)
    for by, expected in (("chunk", (0.5, 0.0)), ("file", (0.0, -np.log(1 + np.exp(2.0))))):  # the file's mean logits are ½ and 2½
        learner = Fixed(made_sessions.like(one, validate_by=by), scores)
        assert learner.standing(pool) == pytest.approx(expected)
    better = Fixed(made_sessions.like(one, validate_by="file"), scores * 0.5)
    assert better.standing(pool) > learner.standing(pool)


def made_one_file(pool: object) -> object:
    import dataclasses

    return dataclasses.replace(pool, owners=torch.zeros(4, dtype=torch.int64), keys=("one",))


class Fixed(Learner):
    """A learner with fixed logits."""

    def __init__(self, one: object, scores: np.ndarray) -> None:
        super().__init__(one)
        self.fixed = scores

    def scores(self, pool: object) -> np.ndarray:
        return self.fixed


def test_ewc_gradient_differs_with_a_penalty_only_where_it_is_not_thrown_away() -> None:
    for mode, same in (("published", True), ("corrected", False)):
        slopes = [ewc_slope(mode, weight) for weight in (0.0, 1000.0)]
        assert np.array_equal(*slopes) is same


def ewc_slope(mode: str, weight: float) -> np.ndarray:
    one = task(mode, ewc_lambda=0.0)
    learner = ewc.Strategy(made_sessions.like(one, ewc_lambda=weight))
    learner.head = Head((6,), 2, generator())
    learner.net.eval()
    learner.remember(one.sessions[0])
    learner.net.grow(4)
    learner.net.hidden.weight.data += 0.01
    learner.loss(one.sessions[1].train.inputs(), one.sessions[1].train.labels).backward()
    return learner.net.hidden.weight.grad.numpy().copy()


def test_ewc_penalty_and_importance_are_their_formulas() -> None:
    one = task(ewc_lambda=3.0, batch_size=7)
    learner = ewc.Strategy(one)
    learner.head = Head((6,), 2, generator())
    learner.net.eval()
    learner.remember(one.sessions[0])
    pool, head = one.sessions[0].train, learner.net
    order = torch.randperm(len(pool), generator=torch.Generator().manual_seed(one.seed)).numpy()
    slopes = []
    for at in range(0, len(order), 7):
        batch = torch.from_numpy(order[at : at + 7])
        shares = np.exp(log_softmax(logits_by_numpy(head, pool.inputs(batch).numpy().astype(float))))
        slopes.append((shares - np.eye(2)[pool.labels[batch].numpy()]).mean(0) ** 2)
    importance = np.mean(slopes, 0)
    np.testing.assert_allclose(learner.anchors[0].importance["out.bias"], importance, rtol=1e-3)
    head.grow(4)
    head.out.bias.data[:2] += torch.tensor([0.5, -2.0])
    assert float(learner.penalty().detach()) == pytest.approx(3 * float(importance @ [0.25, 4.0]), rel=1e-3)


def test_ewc_as_published_is_fine_tuning_to_the_last_digit() -> None:
    one = task("published")
    learners = [ewc.Strategy(one), finetune.Strategy(one)]
    for learner in learners:
        for session in one.sessions[:3]:
            learner.learn_session(session)
    states = [learner.net.state_dict() for learner in learners]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_gem_projection_solves_its_quadratic_program() -> None:
    random = np.random.default_rng(5)
    for groups in (1, 2, 5):
        slope, references = random.standard_normal(40), random.standard_normal((groups, 40))
        matrix, line = references @ references.T + 1e-3 * np.eye(groups), references @ slope
        found = minimize(
            lambda v, m=matrix, q=line: v @ m @ v / 2 + q @ v,
            np.ones(groups),
            jac=lambda v, m=matrix, q=line: m @ v + q,
            bounds=[(0.5, None)] * groups,
            options={"ftol": 1e-14, "gtol": 1e-12},
        )
        expected = slope + references.T @ found.x
        got = gem.projected(slope.astype(np.float32), references.astype(np.float32), 0.5)
        np.testing.assert_allclose(got, expected, atol=2e-4)


def test_gem_steps_no_longer_against_the_memory_and_leaves_agreeing_steps_alone() -> None:
    slope, references = np.array([1.0, 0, 0], np.float32), np.array([[-1.0, 1, 0]], np.float32)
    assert (references @ gem.projected(slope, references, 0.0))[0] >= -1e-3
    one = task("corrected")
    learner = gem.Strategy(one)
    learner.learn_session(one.sessions[0])
    inputs, labels = learner.groups[0]
    learner.net.eval()
    learner.net.zero_grad()
    learner.loss(inputs, labels).backward()
    before = learner.net.out.bias.grad.clone()
    learner.adjust()
    assert torch.equal(learner.net.out.bias.grad, before)
    for parameter in learner.net.parameters():
        parameter.grad.neg_()
    learner.adjust()
    after = torch.cat([parameter.grad.flatten() for parameter in learner.net.parameters()])
    assert float(learner.reference(inputs, labels) @ after) > -1e-3


@pytest.mark.parametrize(("mode", "groups"), [("published", 4), ("corrected", 2)])
def test_gem_constrains_classes_as_published_and_sessions_else(mode: str, groups: int) -> None:
    one = task(mode)
    learner = gem.Strategy(one)
    for session in one.sessions[:2]:
        learner.learn_session(session)
    assert len(learner.groups) == groups
    assert learner.memory.content() == {(label, label): 24 for label in range(4)}  # a class has 24 chunks, the quota is 25
    running = learner.net.norm.running_mean.clone()
    learner.net.train()
    learner.reference(*learner.groups[0])
    assert torch.equal(learner.net.norm.running_mean, running) is (mode == "corrected")


def test_herding_follows_the_mean_as_a_search_does() -> None:
    rows = np.random.default_rng(2).standard_normal((12, 5))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    mean, picks = unit.mean(0), []
    for _ in range(6):
        errors = {i: np.linalg.norm(mean - unit[[*picks, i]].mean(0)) for i in range(12) if i not in picks}
        picks.append(min(errors, key=errors.__getitem__))
    assert memory.herded(rows, 6) == picks
    assert sorted(memory.herded(rows, 50)) == list(range(12))


PUBLISHED_MEMORY = [
    {(0, 0): 50, (1, 1): 50},
    {(0, 0): 25, (1, 1): 25, (2, 0): 25, (3, 1): 25},
    {(0, 0): 16, (1, 1): 16, (4, 0): 16, (5, 1): 16},
    {(0, 0): 12, (1, 1): 12, (6, 0): 12, (7, 1): 12},
]


@pytest.mark.parametrize("method", [replay, icarl])
def test_the_published_memory_is_mislabelled_exactly_as_the_papers_code_has_it(method: object) -> None:
    one = task("published", data=made_sessions.made(made_sessions.found(train=13)), max_epochs=1)
    learner = method.Strategy(one)
    for session, content in zip(one.sessions, PUBLISHED_MEMORY, strict=False):
        learner.learn_session(session)
        assert learner.memory.content() == content


def test_with_four_classes_per_session_too() -> None:
    names = [f"c{number:02}" for number in range(20)]
    data = made_sessions.made(made_sessions.found(names, train=7))
    one = task("published", [names[at : at + 4] for at in range(0, 20, 4)], data, max_epochs=1)
    learner = replay.Strategy(one)
    for number, (session, count) in enumerate(zip(one.sessions[:4], (25, 12, 8, 6), strict=True)):
        learner.learn_session(session)
        wrong = {(4 * number + label, label): count for label in range(4)}
        assert learner.memory.content() == {(label, label): count for label in range(4)} | wrong


@pytest.mark.parametrize("method", [replay, icarl])
def test_the_corrected_memory_has_every_seen_class_under_its_own_label(method: object) -> None:
    one = task("corrected", data=made_sessions.made(made_sessions.found(train=13)), max_epochs=1)
    learner = method.Strategy(one)
    for session, count in zip(one.sessions, (50, 25, 16, 12, 10), strict=True):
        learner.learn_session(session)
        assert learner.memory.content() == {(label, label): count for label in range(session.seen)}


def test_replay_trains_on_the_sessions_chunks_and_the_memorys_once() -> None:
    one = task("corrected")
    learner = replay.Strategy(one)
    learner.learn_session(one.sessions[0])
    pool = learner.pool(one.sessions[1])
    expected = [*one.sessions[1].train.rows.tolist(), *learner.memory.pool.rows.tolist()]
    assert pool.rows.tolist() == expected
    assert set(learner.memory.pool.rows.tolist()) <= set(one.sessions[0].grid.rows.tolist())


@pytest.mark.parametrize(("flag", "same"), [(True, False), (False, True)])
def test_the_teacher_is_the_last_epochs_as_published_and_the_best_else(flag: bool, same: bool) -> None:
    learner = icarl.Strategy(task("corrected", max_epochs=6, patience=6, validate_by="chunk", late_weights=flag))
    learner.learn_session(learner.task.sessions[0])
    assert torch.equal(learner.teacher.hidden.weight, learner.net.hidden.weight) is same


def test_icarl_distils_as_its_two_formulas() -> None:
    random = np.random.default_rng(4)
    before, now = random.standard_normal((2, 5, 3))
    given = torch.from_numpy(before), torch.from_numpy(now)
    warm = -(np.exp(log_softmax(before / 2)) * log_softmax(now / 2)).sum(1).mean()
    assert float(icarl.Strategy(task("published")).distillation(*given)) == pytest.approx(warm)
    wanted, said = 1 / (1 + np.exp(-before)), 1 / (1 + np.exp(-now))
    cool = -(wanted * np.log(said) + (1 - wanted) * np.log(1 - said)).sum(1).mean()
    assert float(icarl.Strategy(task("corrected")).distillation(*given)) == pytest.approx(cool)


def test_icarl_distils_only_old_outputs_with_weight_one() -> None:
    one = task("published")
    learner = icarl.Strategy(one)
    learner.learn_session(one.sessions[0])
    learner.net.grow(4)
    learner.net.eval()
    inputs, labels = one.sessions[1].train.inputs(), one.sessions[1].train.labels
    logits = learner.net(inputs)
    expected = Learner.loss(learner, inputs, labels) + learner.distillation(learner.teacher(inputs), logits[:, :2])
    torch.testing.assert_close(learner.loss(inputs, labels), expected)


def test_icarl_answers_by_the_nearest_mean_of_exemplars_unless_published() -> None:
    one = task("corrected")
    learner = icarl.Strategy(one)
    for session in one.sessions[:2]:
        learner.learn_session(session)
    pool, kept = one.sessions[1].test, learner.memory.pool
    features, stored = hidden_by_numpy(learner.net, pool), hidden_by_numpy(learner.net, kept)
    centers = np.stack([stored[kept.numpy_labels() == label].mean(0) for label in range(4)])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    files = np.stack([features[pool.numpy_owners() == owner].mean(0) for owner in range(len(pool.keys))])
    nearest = ((files[:, None] - centers) ** 2).sum(2).argmin(1)
    assert learner.predict(pool).tolist() == nearest.tolist()
    linear = icarl.Strategy(task("published"))
    linear.head = copy.deepcopy(learner.net)
    linear.memory = learner.memory
    assert linear.predict(pool).tolist() == Learner.predict(linear, pool).tolist()


def hidden_by_numpy(head: Head, pool: object) -> np.ndarray:
    w, inputs = numbers(head), pool.inputs().numpy().astype(float)
    hidden = inputs @ w["hidden.weight"].T + w["hidden.bias"]
    normed = (hidden - w["norm.running_mean"]) / np.sqrt(w["norm.running_var"] + 1e-5) * w["norm.weight"] + w["norm.bias"]
    features = np.maximum(normed, 0)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_joint_trains_once_on_everything_and_the_class_order_makes_no_difference() -> None:
    data = made_sessions.made(made_sessions.found(made_sessions.CLASSES))
    answers = []
    for order in (made_sessions.ORDERS[2], made_sessions.ORDERS[2][::-1]):
        one = task("published", order, data, max_epochs=3)
        learner = joint.Strategy(one)
        for session in one.sessions:
            learner.learn_session(session)
        assert len(learner.epochs) == 1
        said = [learner.predict(session.test) for session in one.sessions]
        answers.append(
            {
                key: one.classes[label]
                for s, labels in zip(one.sessions, said, strict=True)
                for key, label in zip(s.test.keys, labels, strict=True)
            }
        )
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("mode", "most"), [("published", 10), ("corrected", 2)])
def test_joint_may_answer_with_classes_not_seen_only_as_published(mode: str, most: int) -> None:
    one = task(mode, data=made_sessions.made(made_sessions.found(), noise=6.0))
    learner = joint.Strategy(one)
    learner.learn_session(one.sessions[0])
    said = {int(label) for session in one.sessions for label in learner.predict(session.test)}
    assert (max(said) >= 2) is (most == 10)
    assert max(said) < most
