"""Class packs: they come back bit for bit, and whatever else is handed in is refused in one sentence."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine.classifier import Classifier, Training
from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.heads.gaussian import GaussianHead
from musicclass_gui.engine.heads.replay import Memory, ReplayHead, Sides
from musicclass_gui.engine.lessons import packs
from musicclass_gui.engine.lessons.pack_checks import clean_name
from musicclass_gui.engine.lessons.packs import Pack
from musicclass_gui.engine.lessons.report import ClassReport, Fitted, LessonCard, Suggestion, Twin
from musicclass_gui.engine.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIM = 6
KINDS = ("gaussian", "centers")
PATHS = ["../a", "..", "/etc/passwd", "C:\\a", "~/a", "a/../b"]
PLACES = st.integers(0, 10**6)
CLASSES = ["piano", "rain/wind 🌧", "not piano"]


def head_of(kind: str = "gaussian", classes: list[str] = CLASSES) -> Any:
    head: Any = GaussianHead(DIM, normalise="l2", target="diagonal", independent=0.5) if kind == "gaussian" else CentersHead(DIM)
    rng = np.random.default_rng(1)
    for number, label in enumerate(classes):
        head.learn(rng.normal(number, 1, (9 + number, DIM)), label)
    return head


def lesson_card(**changes: Any) -> LessonCard:
    report = ClassReport(1, "piano", "class", True, 9, 9, 9, None, 0.75, (0.5, 0.9))
    fitted = Fitted(2.0, 3.0, 40.0, 60.0, 0.05, 0.04, True)
    return replace(LessonCard("Teach 1 class: piano", "gaussian", "timbre", [report], accuracy=0.75, judged=20, fitted=fitted), **changes)


def made(kind: str = "gaussian", **changes: Any) -> Pack:
    head, rng = head_of(kind), np.random.default_rng(2)
    pack = Pack(
        title="My sounds",
        encoder="timbre",
        encoder_version="3",
        grid="5/2.5",
        head_kind=head.kind,
        settings=head.settings,
        classes=head.classes,
        roles=["class", "background", "negative"],
        of=["", "", "piano"],
        state=head.state(),
        card=to_plain(lesson_card()),
        training=Training(["a.wav", "b.wav"], ["piano", "not piano"], rng.normal(size=(2, DIM)).astype(np.float32)),
    )
    return replace(pack, **changes)


def network_pack() -> Pack:
    """A linear network that remembers two windows of each class."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(6, DIM)).astype(np.float32)
    memory = Memory([label for label in CLASSES for _ in range(2)], np.arange(6), np.zeros(6, np.int64), rows)
    weights = {"shift": rows.mean(axis=0), "spread": rows.std(axis=0), "out.weight": rows[::2], "out.bias": np.zeros(3, np.float32)}
    head = ReplayHead(CLASSES, "linear", weights, memory, dict.fromkeys(CLASSES, 5), Sides(examples=(7,)))
    return made(head_kind="replay", settings=head.settings, state=head.state())


def with_text(change: Callable[[dict[str, Any]], Any], pack: Pack | None = None) -> bytes:
    """A pack's bytes whose JSON was changed behind the program's back."""
    data = packs.to_bytes(pack or made())
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    contents = json.loads(header["__metadata__"]["musicclass_pack"])
    contents = change(contents) or contents
    header["__metadata__"]["musicclass_pack"] = json.dumps(contents)
    return with_header(header, data[8 + length :])


def with_header(header: Any, rest: bytes) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + rest


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def refused(data: bytes) -> str:
    with pytest.raises(ClassifierError) as caught:
        packs.from_bytes(data)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


class TestRoundTrip:
    @pytest.mark.parametrize("kind", KINDS)
    def test_bit_for_bit(self, kind: str, tmp_path: Path) -> None:
        pack = made(kind)
        packs.write(tmp_path / "mine.mcpack", pack)
        back = packs.read(tmp_path / "mine.mcpack")
        assert packs.to_bytes(back) == packs.to_bytes(pack) == (tmp_path / "mine.mcpack").read_bytes()
        assert [back.state[name].tobytes() for name in pack.state] == [array.tobytes() for array in pack.state.values()]
        assert (back.classes, back.roles, back.of, back.settings) == (pack.classes, pack.roles, pack.of, pack.settings)
        x = np.random.default_rng(3).normal(size=(4, DIM))
        np.testing.assert_array_equal(back.head().log_scores(x), pack.head().log_scores(x))
        assert back.recordings() == {"piano": 1, "rain/wind 🌧": 0, "not piano": 1}
        assert (back.lesson_card(), back.shipped_card()) == (lesson_card(), None)
        assert os.listdir(tmp_path) == ["mine.mcpack"]

    def test_the_head_may_call_its_classes_otherwise(self) -> None:
        assert made().head(["7", "8", "9"]).classes == ["7", "8", "9"]

    def test_shipped_classifiers(self) -> None:
        assert classifiers.shipped()
        for folder in classifiers.shipped().values():
            one, pack = Classifier.load(folder), packs.from_bytes(packs.to_bytes(packs.of_shipped(folder)))
            assert (pack.shipped_card(), pack.lesson_card(), pack.training.names) == (one.card, None, one.training.names)
            assert sum(pack.recordings().values()) == len(one.training.names)
            np.testing.assert_array_equal(pack.training.means, one.training.means)
            for name, array in one.head.state().items():
                np.testing.assert_array_equal(pack.state[name], array)

    def test_a_pack_says_nothing_of_its_makers_files(self) -> None:
        file = Suggestion(3, "a.wav", "/home/me/secret/a.wav", None, None, "piano", "", "")
        card = lesson_card(suggestions=[file], twins=[Twin("same", 1, "secret", "x", 2, "secret", "y", 1.0)], said={3: 1})
        data = packs.to_bytes(made(card=to_plain(card)))
        assert b"secret" not in data
        assert packs.from_bytes(data).lesson_card() == lesson_card()
        smuggled = with_text(lambda text: text["card"].update(to_plain(card)))
        assert packs.to_bytes(packs.from_bytes(smuggled)) == data

    def test_names_of_files_are_made_clean(self) -> None:
        names = ["a\nb.wav", "x" * 600 + "\udcff.wav"]
        training = replace(made().training, names=names)
        back = packs.from_bytes(packs.to_bytes(made(training=training)))
        assert back.training.names == ["a_b.wav", "x" * 495 + "_.wav"]
        assert [clean_name(name) for name in ("", " ", "../a", "C:\\a", "~/a", "a/b")] == ["_", "_", ".._a", "C:_a", "~_a", "a/b"]

    def test_without_recordings_and_card(self) -> None:
        back = packs.from_bytes(packs.to_bytes(made(training=Training(), card={})))
        assert (back.lesson_card(), back.shipped_card(), back.training.names) == (None, None, [])

    def test_a_network_with_its_memory(self) -> None:
        pack = network_pack()
        back = packs.from_bytes(packs.to_bytes(pack))
        assert [back.state[name].tobytes() for name in pack.state] == [array.tobytes() for array in pack.state.values()]
        x = np.random.default_rng(3).normal(size=(4, DIM))
        np.testing.assert_array_equal(back.head().log_scores(x), pack.head().log_scores(x))
        for change in ({"seen": np.array([5, -1, 5])}, {"out.bias": np.full(3, np.nan, np.float32)}, {"spread": np.zeros(DIM, np.float32)}):
            with pytest.raises(ClassifierError):
                packs.to_bytes(replace(pack, state=pack.state | change))

    def test_a_class_without_examples_stays(self) -> None:
        head = head_of()
        head.learn(np.zeros((0, DIM)), "empty")
        pack = made(classes=head.classes, roles=["class"] * 4, of=[""] * 4, state=head.state())
        assert packs.from_bytes(packs.to_bytes(pack)).classes[-1] == "empty"

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ClassifierError, match="cannot be written"):
            packs.write(tmp_path / "none" / "a.mcpack", made())

    def test_what_could_not_be_read_again_is_not_written(self, tmp_path: Path) -> None:
        with pytest.raises(ClassifierError, match="a path"):
            packs.write(tmp_path / "a.mcpack", made(classes=["../up", *CLASSES[1:]], of=["", "", "../up"], training=Training()))
        assert os.listdir(tmp_path) == []


class TestFiles:
    def not_read(self, path: Path) -> str:
        before = sorted(os.listdir(path.parent))
        with pytest.raises(ClassifierError) as caught:
            packs.read(path)
        assert sorted(os.listdir(path.parent)) == before
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_other_things_than_packs(self, tmp_path: Path) -> None:
        (tmp_path / "empty").write_bytes(b"")
        (tmp_path / "pickle").write_bytes(pickle.dumps({"a": [1, 2]}) + b"." * 100)
        (tmp_path / "text").write_text("not a pack at all\n" * 50)
        (tmp_path / "other").write_bytes(save({"x": np.zeros(3)}))
        with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
            archive.writestr("../up.txt", "x" * 100)
        for name in ("empty", "pickle", "text", "other", "zip"):
            assert self.not_read(tmp_path / name).startswith(f"{name} cannot be imported.")

    def test_folders_links_and_nothing(self, tmp_path: Path) -> None:
        packs.write(tmp_path / "real", made())
        (tmp_path / "link").symlink_to(tmp_path / "real")
        (tmp_path / "dangling").symlink_to(tmp_path / "none")
        assert "is not a file" in self.not_read(tmp_path)
        assert "is a link" in self.not_read(tmp_path / "link")
        assert "is a link" in self.not_read(tmp_path / "dangling")
        assert "cannot be read" in self.not_read(tmp_path / "none")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "is not a file" in self.not_read(tmp_path / "pipe")

    def test_a_huge_file_is_not_read(self, tmp_path: Path) -> None:
        with (tmp_path / "huge").open("wb") as file:
            file.truncate(packs.LARGEST + 1)  # sparse
        assert "is over 256 MB" in self.not_read(tmp_path / "huge")

    def test_a_name_no_file_can_have(self, tmp_path: Path) -> None:
        with pytest.raises(ClassifierError, match="cannot be read"):
            packs.read(tmp_path / "a\0b")


class TestDamage:
    def test_cut_short_anywhere(self) -> None:
        data = packs.to_bytes(made())
        for length in [*range(0, len(data), 97), len(data) - 1]:
            refused(data[:length])
        refused(data + b"\0")

    @pytest.mark.parametrize("length", [0, 1, 2**24 + 1, 2**40, 2**64 - 1])
    def test_headers_that_lie_about_their_length(self, length: int) -> None:
        data = packs.to_bytes(made())
        refused(length.to_bytes(8, "little") + data[8:])

    @pytest.mark.parametrize(
        "one",
        [
            {"dtype": "F64", "shape": [2**60], "data_offsets": [0, 8]},
            {"dtype": "F64", "shape": [2**31, 2**31, 2**31, 2**31], "data_offsets": [0, 8]},
            {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]},
            {"dtype": "F64", "shape": [True], "data_offsets": [0, 8]},
            {"dtype": "F64", "shape": "3", "data_offsets": [0, 8]},
            {"dtype": "F64", "shape": [1], "data_offsets": [0, 2**60]},
            {"dtype": "I32", "shape": [6], "data_offsets": [0, 24]},
            {"dtype": "I64", "shape": [3], "data_offsets": [0, 24]},
            {"dtype": "BF16", "shape": [12], "data_offsets": [0, 24]},
            {"dtype": "O", "shape": [3], "data_offsets": [0, 24]},
            {"dtype": ["F64"], "shape": [3], "data_offsets": [0, 24]},
            {"shape": [3]},
            None,
            7,
        ],
    )
    def test_absurd_arrays(self, one: Any) -> None:
        header, rest = header_of(packs.to_bytes(made()))
        header["count"] = one
        refused(with_header(header, rest))

    @pytest.mark.parametrize("header", [[], 7, None, {}, {"__metadata__": []}, {"__metadata__": {"musicclass_pack": 5}}])
    def test_absurd_headers(self, header: Any) -> None:
        refused(with_header(header, b""))

    def test_deep_json(self) -> None:
        text = b"[" * 200_000
        refused(len(text).to_bytes(8, "little") + text)
        deep: list[Any] = []
        for _ in range(20):
            deep = [deep]
        refused(with_text(lambda text: text["card"].update(deep=deep)))

    def test_too_many_arrays(self) -> None:
        state = made().state | {f"more{number}": np.zeros(1) for number in range(70)}
        header, rest = header_of(save(state, metadata=header_of(packs.to_bytes(made(training=Training())))[0]["__metadata__"]))
        assert len(header) > 70
        refused(with_header(header, rest))

    @settings(deadline=None, max_examples=150)
    @given(PLACES, st.integers(0, 7), st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=3))
    def test_flipped_bits_are_refused_or_harmless(self, at: int, bit: int, more: list[tuple[int, int]]) -> None:
        data = bytearray(packs.to_bytes(made()))
        data[at % len(data)] ^= 1 << bit
        for place, value in more:
            data[place % len(data)] = value
        try:
            pack = packs.from_bytes(bytes(data))
        except ClassifierError:
            return
        assert all(np.isfinite(array).all() for array in [*pack.state.values(), pack.training.means])
        scores, novelty = pack.head().judge(np.ones((1, pack.head().dim)))
        assert not np.isnan(scores).any()
        assert np.isfinite(novelty).all()

    @settings(deadline=None, max_examples=100)
    @given(st.binary(max_size=300))
    def test_noise(self, noise: bytes) -> None:
        refused(noise)
        refused(len(noise).to_bytes(8, "little") + noise)


class TestNumbers:
    @pytest.mark.parametrize(("kind", "name"), [*((kind, name) for kind in KINDS for name in ("count", "sum")), ("gaussian", "scatter")])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e18, -1e14])
    def test_sums_that_no_examples_have(self, kind: str, name: str, value: float) -> None:
        state = {key: array.copy() for key, array in made(kind).state.items()}
        state[name].flat[0] = value
        self.rejected(made(kind), state)

    def rejected(self, pack: Pack, state: dict[str, Any]) -> str:
        metadata = header_of(packs.to_bytes(replace(pack, training=Training())))[0]["__metadata__"]
        with pytest.raises(ClassifierError):
            packs.to_bytes(replace(pack, state=state))
        return refused(save({key: np.ascontiguousarray(array) for key, array in state.items()}, metadata=metadata))

    @pytest.mark.parametrize("name", ["count", "sum", "scatter"])
    def test_missing_or_in_another_form(self, name: str) -> None:
        state = made().state
        self.rejected(made(), {key: array for key, array in state.items() if key != name})
        self.rejected(made(), state | {name: state[name].astype(np.float32)})
        self.rejected(made(), state | {name: state[name][:-1]})
        self.rejected(made(), state | {name: state[name][None]})

    @pytest.mark.parametrize("times", [1.02, 1.2, 1.4])  # shrinking hides the smaller ones
    def test_spread_that_is_negative_in_some_direction(self, times: float) -> None:
        state = {key: array.copy() for key, array in made().state.items()}
        state["scatter"][1] = times * np.sqrt(state["scatter"][0] * state["scatter"][DIM])  # x₀x₁ beyond √(x₀² x₁²)
        assert "not those of real examples" in self.rejected(made(), state)

    def test_longer_than_unit_vectors(self) -> None:
        state = {key: 4 * array if key != "count" else array for key, array in made().state.items()}
        state["scatter"] *= 4
        assert "not those of real examples" in self.rejected(made(), state)

    def test_nothing_learned(self) -> None:
        empty = GaussianHead(DIM)
        empty.learn(np.zeros((0, DIM)), "a")
        plain = made(classes=["a"], roles=["class"], of=[""], settings=empty.settings, state=empty.state(), training=Training())
        with pytest.raises(ClassifierError):
            packs.to_bytes(plain)

    def test_an_honest_head_of_many_rows_passes(self) -> None:
        head, rng = GaussianHead(40, normalise="l2"), np.random.default_rng(4)
        for number in range(5):
            x = np.repeat(rng.normal(size=(30, 40)).astype(np.float32), 100, axis=0)
            head.learn(x, str(number))
            head.unlearn(x[100:], str(number))
        many = made(classes=head.classes, roles=["class"] * 5, of=[""] * 5, settings=head.settings, state=head.state(), training=Training())
        assert packs.from_bytes(packs.to_bytes(many)).classes == head.classes


class TestTexts:
    @pytest.mark.parametrize("name", [*PATHS, "", " a", "a\0", "a\nb", "\u202egnp", "x" * 501, "\ud800", "\u2028", 7, None])
    def test_names_that_are_refused(self, name: Any) -> None:
        def change(text: dict[str, Any]) -> None:
            text["classes"][0], text["of"][2] = name, name
            text["labels"] = [name, CLASSES[2]]

        refused(with_text(change))
        refused(with_text(lambda text: text.update(title=name)))
        refused(with_text(lambda text: text["names"].__setitem__(0, name)))

    @pytest.mark.parametrize("name", ["AC/DC", "ميوزيك", "👩‍🎤", "a b", "x" * 500, "...", "No. 5"])
    def test_names_that_pass(self, name: str) -> None:
        pack = made(classes=[name, *CLASSES[1:]], of=["", "", name], training=Training())
        assert packs.from_bytes(packs.to_bytes(pack)).classes[0] == name

    @pytest.mark.parametrize(
        "change",
        [
            {"classes": ["a", "a", "b"]},
            {"classes": ["a", "b"]},
            {"classes": "abc"},
            {"classes": {"a": 1, "b": 2, "c": 3}},
            {"classes": [f"c{number}" for number in range(100_000)]},
            {"roles": ["class", "class", "boss"]},
            {"roles": ["class"]},
            {"roles": None},
            {"of": ["", "", "nobody"]},
            {"of": ["", "", "rain/wind 🌧"]},
            {"of": ["piano", "", "piano"]},
            {"of": ["", "", ""]},
            {"of": ["", "", ["piano"]]},
            {"settings": {"normalise": "magic"}},
            {"settings": {"independent": "nan"}},
            {"settings": {"independent": 1}},
            {"settings": [1]},
            {"head_kind": "os.system"},
            {"head_kind": ["gaussian"]},
            {"encoder": 5},
            {"grid": "a\nb"},
            {"names": ["a.wav"]},
            {"labels": ["piano", "nobody"]},
            {"labels": ["piano", {}]},
            {"names": [f"{number}" for number in range(100_001)]},
            {"schema": 2},
            {"schema": True},
            {"schema": None},
        ],
    )
    def test_texts_that_do_not_fit(self, change: dict[str, Any]) -> None:
        refused(with_text(lambda text: text.update(change)))

    @pytest.mark.parametrize("name", ["title", "classes", "card", "names", "settings", "roles", "of", "encoder"])
    def test_a_part_is_missing(self, name: str) -> None:
        refused(with_text(lambda text: {key: value for key, value in text.items() if key != name}))


class TestCards:
    @pytest.mark.parametrize(
        "change",
        [
            {"title": 5},
            {"title": "a\0"},
            {"classes": [{"cls": "1"}]},
            {"classes": [5]},
            {"accuracy": "good"},
            {"interval": [0.5, "a"]},
            {"fitted": {"temperature": 0.0}},
            {"fitted": {"temperature": None}},
            {"fitted": {"threshold": None}},
            {"fitted": {"window_temperature": -1.0}},
            {"fitted": 5},
            {"notes": "x" * 5000},
            {"curve": [[1.0, [2.0]]]},
            {"schema": 1},
        ],
    )
    def test_of_lessons(self, change: dict[str, Any]) -> None:
        refused(with_text(lambda text: text["card"].update(change)))

    @pytest.mark.parametrize("card", [[], 5, "text", None, True])
    def test_that_are_none(self, card: Any) -> None:
        refused(with_text(lambda text: text.update(card=card)))

    def test_numbers_that_are_not_finite(self) -> None:
        data = with_text(lambda text: text["card"].update(accuracy=0.123456789))
        for text in (b"NaN      ", b"Infinity ", b"1e9999999", b"-1e999   "):
            refused(data.replace(b"0.123456789", text.ljust(11)))

    def test_of_another_classifier(self) -> None:
        cards = {one: asdict(Classifier.load(folder).card) for one, folder in classifiers.shipped().items()}
        genre, composer = cards["genre", "timbre"], cards["composer", "timbre"]
        shipped = packs.of_shipped(classifiers.shipped()["genre", "timbre"])
        assert packs.from_bytes(packs.to_bytes(replace(shipped, card=genre))).shipped_card()
        with pytest.raises(ClassifierError, match="another classifier"):
            packs.to_bytes(replace(shipped, card=composer))
        refused(with_text(lambda text: text.update(card={**genre, "temperature": {"recording": 0, "window": 1}}), shipped))
