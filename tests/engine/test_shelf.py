"""Which variant of a shipped classifier answers: the program's own encoder, unless another is measurably better."""

from __future__ import annotations

from pathlib import Path

import pytest

from musicclass_gui.engine.calibration import wilson
from musicclass_gui.engine.card import Measured
from musicclass_gui.engine.encoders import house
from musicclass_gui.engine.errors import ClassifierError, WeightsError
from musicclass_gui.engine.shelf import Shelf, Variant, _best_first


def variant(encoder: str, right: int, n: int, off: float = 0.05, groups: int = 0) -> Variant:
    measured = Measured(right / n, list(wilson(right / n, groups or n)), n, groups or n, right / n, {}, {}, off)
    return Variant("genre", encoder, Path(), measured, "")


def order(*variants: Variant) -> list[str]:
    found = [one.encoder for one in _best_first(list(variants))]
    assert found == [one.encoder for one in _best_first(list(reversed(variants)))], "the order on the disk does not matter"
    return found


def test_the_programs_own_answers_where_none_is_measurably_better() -> None:
    assert order(variant("other", 63, 70), variant("house-v1", 15, 20)) == ["house-v1", "other"]


def test_a_measurably_better_one_answers_before_it() -> None:
    assert order(variant("other", 190, 200), variant("house-v1", 150, 200)) == ["other", "house-v1"]


def test_recordings_of_one_group_do_not_count_as_many() -> None:
    """95 and 75 % of 200 are apart; of 200 recordings of ten pieces they are not."""
    assert order(variant("other", 190, 200, groups=10), variant("house-v1", 150, 200, groups=10)) == ["house-v1", "other"]


@pytest.mark.parametrize(("few", "all_of_them"), [((2, 2), (180, 200)), ((1, 1), (150, 200))])
def test_two_lucky_recordings_prove_nothing(few: tuple[int, int], all_of_them: tuple[int, int]) -> None:
    assert order(variant("other", *few), variant("house-v1", *all_of_them)) == ["house-v1", "other"]


def test_hardly_measured_it_does_not_stand_before_what_is_nearly_always_right() -> None:
    assert order(variant("other", 198, 200), variant("house-v1", 1, 2)) == ["other", "house-v1"]


def test_without_its_file_another_one_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "weights_file", lambda: tmp_path / "house-v1.safetensors")
    shelf = Shelf([tmp_path])
    assert shelf.choose("genre").encoder == "timbre"
    with pytest.raises(WeightsError, match="install it again"):
        shelf.choose("genre", "house-v1")


def test_of_others_that_measure_alike_the_better_calibrated_answers() -> None:
    assert order(variant("a", 62, 70, 0.2), variant("b", 60, 70, 0.1), variant("c", 20, 70, 0.0)) == ["b", "a", "c"]


def test_out_of_the_box_the_programs_own_encoder_answers_everything(tmp_path: Path) -> None:
    shelf = Shelf([tmp_path])
    assert shelf.ids() == ["genre", "composer", "instrument"]
    assert {shelf.choose(name).encoder for name in shelf.ids()} == {"house-v1"}
    assert shelf.choose("genre", "timbre").encoder == "timbre"
    with pytest.raises(WeightsError, match="models fetch mn04-as"):
        shelf.choose("genre", "mn04-as")
    with pytest.raises(ClassifierError, match="“mood”"):
        shelf.choose("mood")
