"""L2P: what prompts do inside of a HuBERT, and the whole protocol with it on sound, with tiny random nets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from benchmark.made_data import make
from encoders.hubert_folders import LARGE, made_model, save_new

from musicclass_gui.engine import encoders
from musicclass_gui.engine.benchmark.continual.prompts import COSINE, LAST, Prompted, Prompting, PromptPool, hidden_states
from musicclass_gui.engine.benchmark.continual.sounds import Sounds
from musicclass_gui.engine.benchmark.continual.strategies.l2p import DROPPING, NOTE, Strategy
from musicclass_gui.engine.benchmark.data import Item
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Cell, Config, Result
from musicclass_gui.engine.benchmark.protocols import continual
from musicclass_gui.engine.encoders import hubert, registry
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders import EncoderSpec

QUICK = {"chunk_s": 0.5, "random_chunks": 2, "max_epochs": 2, "l2p_batch_size": 8}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sounds(seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(3, 4000, generator=generator(seed))


# The net and its prompts


@pytest.mark.parametrize("kind", [{}, LARGE])
def test_states_without_prompts_are_those_of_the_whole_model(kind: dict[str, Any]) -> None:
    model = made_model(**kind)
    prompted = Prompted(model, Prompting(), generator()).eval()
    with torch.no_grad():
        made = model(sounds(), output_hidden_states=True)
        theirs = (*made.hidden_states[:-1], made.last_hidden_state)
        mine = hidden_states(model, prompted.frames(sounds()))
    assert len(mine) == len(theirs) == 4
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("query", ["all layers", LAST])
def test_features_are_the_means_at_the_prompts_places_before_the_frames(query: str) -> None:
    model = made_model()
    how = Prompting(pool=7, chosen=2, length=3, query=query)
    prompted = Prompted(model, how, generator()).eval()
    with torch.no_grad():
        features, _ = prompted(sounds())
        states = model(sounds(), output_hidden_states=True).hidden_states
        looked_up = states[-1].mean(1) if query == LAST else torch.stack(states).mean((0, 2))
        for row in range(3):
            away = (prompted.pool.keys - looked_up[row]).norm(dim=1)
            chosen = prompted.pool.prompts[away.argsort()[:2]].flatten(0, 1)
            frames = model.feature_projection(model.feature_extractor(sounds()[row : row + 1]).transpose(1, 2))[0]
            last = model.encoder(torch.cat([chosen, frames])[None]).last_hidden_state[0]
            assert torch.allclose(features[row, -1], last[:6].mean(0), atol=1e-5)
    assert features.shape == (3, 4, 24)


@pytest.mark.parametrize("matching", ["euclidean", COSINE])
@pytest.mark.parametrize("repelled", [False, True])
def test_the_nearest_keys_are_chosen_and_their_loss_is_the_stated_sum(matching: str, repelled: bool) -> None:
    pool = PromptPool(6, Prompting(pool=9, chosen=4, length=2, matching=matching, repelled=repelled), generator())
    query = torch.randn(5, 6, generator=generator(1))
    prompts, loss = pool(query)
    keys, rows = pool.keys.detach().double().numpy(), query.double().numpy()
    if matching == COSINE:
        near = (rows / np.linalg.norm(rows, axis=1, keepdims=True)) @ (keys / np.linalg.norm(keys, axis=1, keepdims=True)).T
    else:
        near = -np.linalg.norm(rows[:, None] - keys[None], axis=2)
    order = np.argsort(-near, axis=1)[:, :4]
    best = np.take_along_axis(near, order, axis=1)
    right = (1 - best if matching == COSINE else -best).sum(axis=1).mean()
    wrong = (np.abs(best) if matching == COSINE else best).sum(axis=1).mean()
    assert loss.item() == pytest.approx(wrong if repelled else right, rel=1e-5)
    assert torch.equal(prompts, pool.prompts[torch.from_numpy(order)].flatten(1, 2))


@pytest.mark.parametrize("matching", ["euclidean", COSINE])
def test_keys_come_nearer_when_corrected_and_go_away_as_published(matching: str) -> None:
    query = torch.randn(8, 6, generator=generator(1)) + 3

    def nearest_after(repelled: bool) -> float:
        pool = PromptPool(6, Prompting(pool=5, chosen=3, length=1, matching=matching, repelled=repelled), generator())
        optimiser = torch.optim.SGD(pool.parameters(), 0.05)
        for _ in range(20):
            optimiser.zero_grad()
            pool(query)[1].backward()
            optimiser.step()
        return pool.distances(query).sort(dim=1).values[:, :3].mean().item()

    before = PromptPool(6, Prompting(pool=5, chosen=3, length=1, matching=matching), generator()).distances(query)
    start = before.sort(dim=1).values[:, :3].mean().item()
    assert nearest_after(False) < start - 0.05
    assert nearest_after(True) > start + 0.05


def test_only_prompts_and_keys_learn() -> None:
    model = made_model()
    prompted = Prompted(model, Prompting(), generator()).train()
    seen = prompted(sounds())
    (seen.features.sum() + seen.key_loss).backward()
    grown = {name for name, parameter in prompted.named_parameters() if parameter.grad is not None}
    assert grown == {"pool.keys", "pool.prompts"}
    chosen = prompted.pool.prompts.grad
    assert chosen is not None
    assert 5 <= int((chosen.abs().sum((1, 2)) > 0).sum()) < 20


def test_the_frozen_net_drops_out_only_where_it_is_noisy() -> None:
    def differ(noisy: bool, training: bool) -> bool:
        prompted = Prompted(made_model(), Prompting(noisy=noisy), generator()).train(training)
        with torch.random.fork_rng([]), torch.no_grad():
            torch.manual_seed(0)
            return not torch.equal(prompted(sounds()).features, prompted(sounds()).features)

    assert differ(noisy=True, training=True)
    assert not differ(noisy=False, training=True)
    assert not differ(noisy=True, training=False)


# On recordings


@pytest.fixture
def config(tmp_path: Path) -> Config:
    make("folders", tmp_path / "data", seconds=1.2)
    spec = registry.add_folder(save_new(tmp_path / "net", made_model()), "Tiny")
    return Config("continual", str(tmp_path / "data"), "folders", spec.id, ("l2p",), options=dict(QUICK), device="cpu")


def prepared(config: Config) -> Any:
    return continual.prepare(config, Token(), lambda text: None)


def net_of(config: Config) -> tuple[EncoderSpec, hubert.Opened]:
    spec = encoders.find_spec(config.encoder)
    assert spec is not None
    return spec, hubert.opened(spec)


def ran(config: Config, mode: str, material: Any = None, seed: int = 0) -> Result:
    return continual.run(config, Cell("l2p", mode, "1", seed), material or prepared(config), Token(), lambda text: None)


@pytest.mark.parametrize("mode", [PUBLISHED, CORRECTED])
def test_it_runs_from_sound_to_scores_and_the_same_again(config: Config, mode: str) -> None:
    material = prepared(config)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = ran(config, mode, material)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    again = ran(config, mode, material)
    assert first.predictions == again.predictions
    assert first.scores == again.scores
    assert len(first.matrix) == 2
    assert NOTE in first.notes
    assert (DROPPING in first.notes) == (mode == PUBLISHED)
    assert {one.said for one in first.predictions if one.session == 2} <= set(material.found.classes)


def test_its_chunks_are_those_that_embeddings_were_made_of(config: Config) -> None:
    material = prepared(config)
    session = material.sessions((tuple(material.found.classes),), leaking=False)[0]
    spec, opened = net_of(config)
    random, grid = continual.cuts(config)
    items = {item.key: item for item in material.found.items}
    heard = Sounds(items, spec.grid, spec.sample_rate, opened.prepare, Token()).pools([(session.train, random), (session.test, grid)])
    with torch.no_grad():
        for sound, embedded in zip(heard, (session.train, session.test), strict=True):
            mine = opened.net(sound.inputs())
            assert mine.shape == embedded.inputs().shape
            assert (mine - embedded.inputs()).norm() / mine.norm() < 1e-3
            assert torch.equal(sound.labels, embedded.labels)


def test_old_outputs_are_left_out_of_the_loss_unless_as_published(config: Config) -> None:
    material = prepared(config)

    def moved(all_outputs: bool) -> bool:
        given = replace(config, options={**QUICK, "l2p_all_outputs": all_outputs})
        made = strategy(given, material)
        made.learn_session(made.task.sessions[0])
        before = made.net.out.bias[:2].clone()
        made.learn_session(made.task.sessions[1])
        assert made.net.classes == 4
        return not torch.equal(before, made.net.out.bias[:2])

    assert moved(all_outputs=True)
    assert not moved(all_outputs=False)


def strategy(config: Config, material: Any) -> Strategy:
    from musicclass_gui.engine.benchmark.continual.sessions import Task

    sessions = material.sessions(continual.scenarios.sessions("folders", "1", material.found.classes), leaking=False)
    items = {item.key: item for item in material.found.items}
    names = tuple(name for one in sessions for name in one.classes)
    return Strategy(Task(names, sessions, continual.settings(config, CORRECTED), 0, Token(), lambda text: None, config, "folders", items))


def test_prompts_and_head_learn_and_the_net_does_not(config: Config) -> None:
    made = strategy(config, prepared(config))
    net = {name: value.clone() for name, value in made._prompted.hubert.state_dict().items()}
    prompts, keys = made._prompted.pool.prompts.detach().clone(), made._prompted.pool.keys.detach().clone()
    for session in made.task.sessions:
        made.learn_session(session)
    assert all(torch.equal(value, net[name]) for name, value in made._prompted.hubert.state_dict().items())
    assert not torch.equal(prompts, made._prompted.pool.prompts)
    assert not torch.equal(keys, made._prompted.pool.keys)
    assert not any("hubert" in name for name in made.net.state_dict())


def test_a_recording_that_was_changed_meanwhile_is_named(config: Config) -> None:
    material = prepared(config)
    longer = Item("x", next(item.path for item in material.found.items))
    session = material.sessions((tuple(material.found.classes),), leaking=False)[0]
    spec, opened = net_of(config)
    items = dict.fromkeys(session.test.keys, longer)
    short = Sounds(items, spec.grid, spec.sample_rate, opened.prepare, Token())
    with pytest.raises(BenchmarkError, match="has changed while the benchmark ran"):
        short.pools([(session.test, continual.cuts(replace(config, options={**QUICK, "chunk_s": 0.1}))[1])])


def test_it_is_offered_with_a_hubert_only(config: Config) -> None:
    other = replace(config, encoder="timbre")
    with pytest.raises(BenchmarkError, match="timbre is none"):
        continual.cells(other)
    assert "l2p" not in {cell.method for cell in continual.cells(replace(other, methods=()))}
    assert "l2p" in {cell.method for cell in continual.cells(replace(config, methods=()))}


def test_a_view_of_the_net_is_the_same_to_it(config: Config) -> None:
    view = replace(config, encoder=f"{config.encoder}_1")
    assert ran(view, CORRECTED).predictions == ran(config, CORRECTED).predictions


def test_what_it_costs_is_in_the_estimate(config: Config) -> None:
    def estimate(*methods: str) -> float:
        return continual.about(replace(config, methods=methods, options={}), Token(), lambda text: None).seconds

    assert estimate("l2p") > 20 * estimate("finetune")
