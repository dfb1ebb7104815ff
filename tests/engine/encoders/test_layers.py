"""Views: their ids name layers as papers do, and what they take is what was kept, whichever encoder it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import EncoderSpec, Layers, View, layers
from musicclass_gui.engine.encoders.hearing import hear
from musicclass_gui.engine.errors import EncoderError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings, LayerData
    from musicclass_gui.engine.windows import Audio

MEAN, SIDE = Layers(13, 4, "mean"), Layers(5, 3, "concat", first=1)


def described(net: Layers, encoder_id: str = "deep") -> EncoderSpec:
    every = layers.every(net)
    spec = EncoderSpec(encoder_id, "1", "Deep", 16_000, Grid(1.0, 1.0), layers.dim_of(net, every), "MIT", layers=net, view=every)
    return EncoderSpec(**{**vars(spec), "good_at": ("Genres: 1 %, measured here.",), "tags": "50 tags", "words": True})


class Deep:
    """An encoder whose layers are its windows' first samples, layer by layer."""

    device = "cpu"

    def __init__(self, spec: EncoderSpec) -> None:
        self.spec = spec
        self.notices = ["a notice"]

    def embed_layers(self, windows: Sequence[Audio]) -> LayerData:
        net = self.spec.layers
        assert net is not None
        return np.stack([window[: net.count * net.dim].reshape(net.count, net.dim) for window in windows]).astype(np.float16)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        return layers.apply(self.spec, self.embed_layers(windows))


def windows(count: int = 3) -> list[NDArray[np.float32]]:
    return [np.random.default_rng(seed).integers(-9, 9, 60).astype(np.float32) for seed in range(count)]


class TestIds:
    @pytest.mark.parametrize(
        ("net", "name", "taken"), [(MEAN, "0", [0]), (MEAN, "12", [12]), (SIDE, "1", [0]), (SIDE, "23", [1, 2]), (SIDE, "5", [4])]
    )
    def test_numbers_name_layers(self, net: Layers, name: str, taken: list[int]) -> None:
        view = layers.view_of(net, name)
        assert view is not None
        assert np.flatnonzero(view.weights).tolist() == taken
        assert set(view.weights) == {0.0, 1.0}

    @pytest.mark.parametrize("name", ["13", "-1", "", "1.0", "²", "٣", "9999", "first", "07", "007"])
    def test_other_names_name_nothing(self, name: str) -> None:
        assert layers.view_of(MEAN, name) is None

    @pytest.mark.parametrize("name", ["0", "6", "11", "16", "21", "", "mean"])
    def test_nor_do_they_where_layers_are_side_by_side(self, name: str) -> None:
        assert layers.view_of(SIDE, name) is None

    def test_a_view_is_found_by_its_id(self) -> None:
        spec = described(MEAN)
        found = layers.find("deep_7", {"deep": spec})
        assert found is not None
        assert (found.id, found.of, found.dim, found.title) == ("deep_7", "deep", 4, "Deep, layer 7")
        assert (found.good_at, found.tags, found.words) == ((), "", False)
        assert (found.sample_rate, found.grid, found.version) == (spec.sample_rate, spec.grid, spec.version)

    def test_views_have_no_views(self) -> None:
        spec = described(MEAN)
        view = layers.find("deep_7", {"deep": spec})
        assert view is not None
        assert layers.find("deep_7_3", {"deep": spec, "deep_7": view}) is None

    @pytest.mark.parametrize("encoder_id", ["deep", "deep_", "_7", "", "_", "other_7", "timbre_1"])
    def test_what_names_no_view(self, encoder_id: str) -> None:
        assert layers.find(encoder_id, {**encoders.specs(), "deep": described(MEAN)}) is None

    def test_dimensions_of_layers_side_by_side_add_up(self) -> None:
        found = layers.find("side_245", {"side": described(SIDE, "side")})
        assert found is not None
        assert found.dim == 9

    @given(st.text(max_size=12))
    def test_any_text_is_an_id_or_is_not(self, text: str) -> None:
        found = layers.find(f"deep_{text}", {"deep": described(MEAN)})
        assert found is None or found.of == "deep"


class TestApply:
    def test_mean_of_all(self) -> None:
        spec, data = described(MEAN), Deep(described(MEAN)).embed_layers(windows())
        assert np.allclose(layers.apply(spec, data), data.astype(np.float64).mean(axis=1), atol=1e-5)

    def test_side_by_side_keeps_their_order(self) -> None:
        spec = layers.find("side_24", {"side": described(SIDE, "side")})
        assert spec is not None
        data = Deep(described(SIDE)).embed_layers(windows())
        assert np.array_equal(layers.apply(spec, data), data[:, [1, 3]].reshape(3, 6).astype(np.float32))

    def test_a_mix_weighs(self) -> None:
        weights = tuple(np.random.default_rng(0).dirichlet(np.ones(13)).tolist())
        spec = layers.viewed(described(MEAN), "deep-mix", View(weights), "Mix")
        data = Deep(described(MEAN)).embed_layers(windows())
        assert np.allclose(layers.apply(spec, data), np.average(data.astype(np.float64), axis=1, weights=weights), atol=1e-4)

    def test_nothing_gives_no_rows(self) -> None:
        assert layers.apply(described(MEAN), np.empty((0, 13, 4), np.float16)).shape == (0, 4)
        assert layers.apply(described(SIDE), np.empty((0, 5, 3), np.float16)).shape == (0, 15)

    def test_encoders_without_layers_have_nothing_to_choose(self) -> None:
        spec = encoders.specs()["timbre"]
        for refused in (
            lambda: layers.apply(spec, np.empty((0, 1, 1), np.float16)),
            lambda: layers.viewed(spec, "timbre_1", View((1.0,)), ""),
            lambda: layers.Viewed(encoders.load("timbre"), spec),
        ):
            with pytest.raises(EncoderError, match="no layers"):
                refused()


class TestViewed:
    def test_it_is_its_encoder_with_other_embeddings(self) -> None:
        base = Deep(described(MEAN))
        spec = layers.find("deep_3", {"deep": base.spec})
        assert spec is not None
        view = layers.Viewed(base, spec)
        assert (view.device, view.notices, view.spec) == ("cpu", ["a notice"], spec)
        assert np.array_equal(view.embed_layers(windows()), base.embed_layers(windows()))
        assert np.array_equal(view.embed(windows()), base.embed_layers(windows())[:, 3].astype(np.float32))

    def test_hearing_keeps_the_layers(self) -> None:
        base = Deep(described(MEAN))
        spec = layers.find("deep_3", {"deep": base.spec})
        assert spec is not None
        embeddings, kept = hear(layers.Viewed(base, spec), windows())
        assert kept is not None
        assert np.array_equal(embeddings, layers.Viewed(base, spec).embed(windows()))
        assert np.array_equal(kept, base.embed_layers(windows()))
