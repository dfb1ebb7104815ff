"""Naming by words on the whole road: a CLAP in its publisher's form, files, a project, the desk's calls, an answer, and a taught class."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from encoders import tiny_clap

from musicclass_gui.engine import encoders
from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.encoders import clap, registry
from musicclass_gui.engine.errors import LessonError, MusicClassError, ProjectError, WeightsError
from musicclass_gui.engine.lessons import calls
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile
from musicclass_gui.engine.lessons.shelf import ProjectShelf
from musicclass_gui.engine.places import cache_dir
from musicclass_gui.engine.plain import from_plain
from musicclass_gui.engine.project.board import Board
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer

CLAP = "clap-unfused"
RATE = 48_000
MANY = [f"{number} {chr(97 + number % 26) * (number % 17)}" for number in range(300)]
PHRASES = ["low", "a high whistle", "noise!", "12345", "bossa nova", "Zzz"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights with one CLAP in it: tiny, but of the published one's width."""
    folder = tmp_path_factory.mktemp("weights")
    tiny_clap.make(folder / CLAP, dim=512)
    return folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sounds")
    return [write(folder / f"{name}.wav", sound(name)) for name in ("low", "high", "noise", "mixed")]


def sound(name: str) -> np.ndarray:
    t = np.arange(10 * RATE) / RATE
    kinds = {
        "low": 0.5 * np.sin(2 * np.pi * 110 * t),
        "high": 0.3 * np.sin(2 * np.pi * 3000 * t),
        "noise": 0.1 * np.random.default_rng(0).standard_normal(len(t)),
    }
    return np.concatenate([kinds["low"], kinds["noise"], kinds["high"]]) if name == "mixed" else kinds[name]


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


@pytest.fixture
def desk(tmp_path: Path, weights: Path) -> Iterator[Desk]:
    made = Desk(cache_dir(), device="cpu", weights_folder=str(weights))
    made.create(tmp_path / "mine.musicclass")
    yield made
    made.close()


@pytest.fixture
def forms(desk: Desk) -> int:
    """A classifier of these phrases."""
    return desk.add_words("Forms", CLAP, "", PHRASES).classifiers[0].id


def asked(desk: Desk, path: Path) -> list[Answer]:
    request = Request(path, (), "", "cpu", 0.0, desk.ears.weights_folder, picture=False, project=str(desk.project.path))
    return Analyst(cache_dir()).analyse(request, Token(), lambda event: None)


def test_a_file_is_answered_as_the_net_itself_would(desk: Desk, forms: int, recordings: list[Path], weights: Path) -> None:
    (answer,) = asked(desk, recordings[3])
    spec = encoders.specs()[CLAP]
    samples = sound("mixed").astype(np.float32)
    windows = clap.load(spec, weights_folder=weights / CLAP).embed(list(samples.reshape(3, -1)))
    texts, scale = clap.text_embeddings(spec, weights / CLAP, [f"This is a recording of {phrase}." for phrase in PHRASES])
    mean = windows.mean(axis=0)
    scores = scale * (mean / np.linalg.norm(mean)) @ texts.T
    shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    assert answer.kind == "words"
    assert answer.label == PHRASES[int(shares.argmax())]
    assert {one.label: one.probability for one in answer.ranking} == pytest.approx(dict(zip(PHRASES, shares, strict=True)), abs=1e-3)
    per_window = [PHRASES[number] for number in (windows @ texts.T).argmax(axis=1)]
    assert [heard(answer, second) for second in (5, 15, 25)] == per_window
    assert "Not tested" in answer.measured


def heard(answer: Answer, second: float) -> str | None:
    return next(one.label for one in answer.segments if one.start_s <= second < one.end_s)


def test_answering_needs_no_half_that_reads(desk: Desk, forms: int, recordings: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clap, "text_embeddings", lambda *a: pytest.fail("the words are read again"))
    assert asked(desk, recordings[0])[0].label in PHRASES


def test_the_board_shows_its_sentence_and_phrases(desk: Desk, forms: int) -> None:
    (view,) = desk.board().classifiers
    assert (view.key, view.title, view.encoder, view.method, view.classes) == ("forms", "Forms", CLAP, "words", [])
    assert view.words is not None
    assert (view.words.template, view.words.phrases) == ("This is a recording of {phrase}.", PHRASES)
    assert "Not tested" in view.measured


def test_other_phrases_make_another_answer(desk: Desk, forms: int, recordings: list[Path]) -> None:
    shelf = ProjectShelf(desk.project.path)
    before = shelf.classifiers()[0]
    board = desk.set_words(forms, "{}, played live", ["a waltz", "a fugue", "a waltz"])
    after = shelf.classifiers()[0]
    assert (board.classifiers[0].revision, board.classifiers[0].words.template) == (2, "{phrase}, played live")
    assert after is not before
    assert asked(desk, recordings[0])[0].label in ("a waltz", "a fugue")


def test_a_project_keeps_it_and_gives_it_to_no_one_else(desk: Desk, forms: int, tmp_path: Path, recordings: list[Path]) -> None:
    first = asked(desk, recordings[0])
    desk.save_as(tmp_path / "copy.musicclass")
    assert asked(desk, recordings[0]) == first
    assert desk.remove_classifier(forms).classifiers == []
    with pytest.raises(LessonError, match="taught anything"):
        asked(desk, recordings[0])


def test_an_encoder_is_found_for_it(desk: Desk) -> None:
    assert desk.add_words("One", "", "", ["jazz"]).classifiers[0].encoder == CLAP
    desk.ears.weights_folder = ""
    with pytest.raises(LessonError, match="needs a CLAP, and none is here"):
        desk.add_words("Two", "", "", ["jazz"])
    with pytest.raises(WeightsError, match="are missing"):
        desk.add_words("Two", CLAP, "", ["jazz"])
    assert len(desk.board().classifiers) == 1


@pytest.mark.parametrize(("encoder", "sentence"), [("timbre", "does not know words"), ("nobody", "no encoder “nobody”")])
def test_an_encoder_that_knows_no_words_is_refused(desk: Desk, encoder: str, sentence: str) -> None:
    with pytest.raises(LessonError, match=sentence):
        desk.add_words("Forms", encoder, "", ["jazz"])


def test_nothing_can_be_taught_to_it_or_taken_from_it(desk: Desk, forms: int, recordings: list[Path], tmp_path: Path) -> None:
    plan = Plan([PlannedClass("jazz", [PlannedFile(str(recordings[0]))])])
    silent: Any = lambda news: None  # noqa: E731
    refused = [
        lambda: desk.teach(plan, Wanted(forms), Token(), silent),
        lambda: desk.set_method(forms, "centers", {}),
        lambda: desk.set_method(forms, "words", {}),
        lambda: desk.pack_export(forms, tmp_path / "forms.mcpack"),
        lambda: desk.pack_import(desk.project.path, forms),
        lambda: desk.teach_confirmed(forms, Token(), silent),
        lambda: desk.looking.doubts(forms, recordings, Token()),
        lambda: desk.looking.verdict(forms, "0", recordings[0], None, None, None),
        lambda: desk.new_classifier(Wanted(0, "Other", "words", "timbre"), ""),
    ]
    before = desk.board()
    for ask in refused:
        with pytest.raises(LessonError):
            ask()
        assert desk.board() == before
    assert not (tmp_path / "forms.mcpack").exists()
    with pytest.raises(LessonError, match="names by words and has nothing to teach"):
        refused[0]()


def test_teaching_beside_it_makes_a_classifier_of_its_own(desk: Desk, forms: int) -> None:
    assert desk.wanted().classifier == 0
    desk.new_classifier(Wanted(0, "Taught", "gaussian", "timbre"), "")
    assert desk.classifier_named() == desk.wanted().classifier != forms
    with pytest.raises(LessonError, match="has no phrases"):
        desk.set_words(desk.classifier_named(), "", ["jazz"])


class TestPlan:
    def test_what_is_answered_by_a_phrase_becomes_a_class(self, desk: Desk, forms: int, recordings: list[Path]) -> None:
        answers = {path: asked(desk, path)[0] for path in recordings}
        phrase = answers[recordings[0]].label
        assert phrase is not None
        plan = desk.words_plan(forms, phrase, recordings, Token())
        (planned,) = plan.classes
        assert planned.name == phrase
        for path, answer in answers.items():
            mine = [(one.start_s, one.end_s) for one in planned.files if one.path == str(path)]
            spans = [(one.start_s, one.end_s) for one in answer.segments if one.label == phrase]
            assert mine == ([(None, None)] if answer.label == phrase else spans)

    def test_a_part_of_a_recording_that_is_something_else_as_a_whole(self, desk: Desk, recordings: list[Path]) -> None:
        mixed = recordings[3]
        forms = desk.add_words("Many", CLAP, "", MANY).classifiers[0].id
        answer = asked(desk, mixed)[0]
        phrase = heard(answer, 15)
        assert phrase not in (None, answer.label, heard(answer, 5))  # noise between tones sounds like something else
        (part,) = desk.words_plan(forms, phrase or "", [mixed], Token()).classes[0].files
        assert (part.path, part.start_s, part.end_s) == (str(mixed), 10, 20)

    def test_the_plan_can_be_taught(self, desk: Desk, forms: int, recordings: list[Path]) -> None:
        phrase = asked(desk, recordings[0])[0].label or ""
        plan = desk.words_plan(forms, phrase, [recordings[0]], Token())
        card = desk.taught(plan, Wanted(0, "Taught", "centers", CLAP), Token(), lambda news: None)
        assert [one.name for one in card.classes] == [phrase]
        assert {one.classifier for one in asked(desk, recordings[0])} == {"forms", "taught"}

    def test_a_recording_that_cannot_be_read_says_why(self, desk: Desk, forms: int, recordings: list[Path], tmp_path: Path) -> None:
        bad = tmp_path / "bad.wav"
        bad.write_bytes(b"RIFF nothing")
        phrase = asked(desk, recordings[0])[0].label or ""
        plan = desk.words_plan(forms, phrase, [recordings[0], bad], Token())
        assert {one.path: bool(one.reason) for one in plan.classes[0].files} == {str(recordings[0]): False, str(bad): True}
        with pytest.raises(LessonError, match="is nearer to another phrase"):
            desk.words_plan(forms, phrase, [bad], Token())

    def test_what_is_left_out_is_counted(self, desk: Desk, forms: int, recordings: list[Path]) -> None:
        answers = [asked(desk, path)[0] for path in recordings]
        for phrase in {answer.label for answer in answers}:
            plan = desk.words_plan(forms, phrase or "", recordings, Token())
            left = len(recordings) - len({one.path for one in plan.classes[0].files})
            sentence = f"{left} of 4 recordings {'is' if left == 1 else 'are'} nearer to other phrases and left out."
            assert plan.problems == ([sentence] if left else [])

    def test_a_phrase_that_is_not_there_and_no_recordings(self, desk: Desk, forms: int) -> None:
        with pytest.raises(LessonError, match="has no phrase “a waltz”"):
            desk.words_plan(forms, "a waltz", [], Token())
        with pytest.raises(LessonError, match="no audio to look through"):
            desk.words_plan(forms, PHRASES[0], [], Token())


def test_a_clap_of_ones_own_names_by_words_too(desk: Desk, recordings: list[Path], tmp_path: Path) -> None:
    tiny_clap.make(tmp_path / "Own CLAP", seed=1)
    own = registry.add_folder(tmp_path / "Own CLAP")
    view = desk.add_words("Forms", own.id, "", MANY).classifiers[0]
    (answer,) = asked(desk, recordings[0])
    assert (view.encoder, answer.encoder) == (own.id, own.id)
    assert answer.label in MANY


def test_the_windows_calls(tmp_path: Path, weights: Path, recordings: list[Path]) -> None:
    def ask(name: str, **fields: Any) -> Any:
        common = {"do": name, "project": str(tmp_path / "calls.musicclass"), "device": "cpu", "weights_folder": str(weights)}
        return calls.answer({**common, **fields}, Token(), lambda news: None)

    try:
        board = from_plain(Board, ask("add_words", title="Forms", encoder=CLAP, template="{phrase}", phrases=PHRASES))
        number = board.classifiers[0].id
        board = from_plain(Board, ask("set_words", classifier=number, template="{phrase}!", phrases=["jazz"]))
        assert board.classifiers[0].words is not None
        assert (board.classifiers[0].words.template, board.classifiers[0].words.phrases) == ("{phrase}!", ["jazz"])
        plan = from_plain(Plan, ask("words_plan", classifier=number, phrase="jazz", paths=[str(path) for path in recordings]))
        assert [one.path for one in plan.classes[0].files] == [str(path) for path in sorted(recordings)]
        assert from_plain(Board, ask("remove_classifier", classifier=number)).classifiers == []
    finally:
        calls.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("head", b""),
        ("head", b"\xff" * 40),
        ("options", "{}"),
        ("options", json.dumps({"template": "{phrase}", "phrases": [1]})),
        ("options", json.dumps({"template": "{phrase}", "phrases": ["only one"]})),
    ],
)
def test_a_damaged_one_is_told_apart(desk: Desk, forms: int, recordings: list[Path], column: str, value: Any) -> None:
    path = desk.project.path
    desk.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE heads SET state=?" if column == "head" else "UPDATE classifiers SET options=?", (value,))
        db.commit()
    desk.open(path)
    with pytest.raises(ProjectError, match="by words compares with cannot be read"):
        asked(desk, recordings[0])


def test_another_version_of_the_encoder_is_said(desk: Desk, forms: int, recordings: list[Path]) -> None:
    path = desk.project.path
    desk.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE classifiers SET encoder_version='0'")
        db.commit()
    desk.open(path)
    with pytest.raises(LessonError, match="another version"):
        desk.set_words(forms, "", ["jazz"])
    notices: list[str] = []
    request = Request(recordings[0], ("genre",), "timbre", "cpu", 0.0, desk.ears.weights_folder, picture=False, project=str(path))
    answers = Analyst(cache_dir()).analyse(request, Token(), lambda event: notices.append(getattr(event, "text", "")))
    assert [one.classifier for one in answers] == ["genre"]
    assert any("“Forms” cannot answer" in text for text in notices)


def test_errors_are_sentences(desk: Desk, forms: int) -> None:
    with pytest.raises(MusicClassError, match="no phrase"):
        desk.set_words(forms, "", [" "])
    assert desk.board().classifiers[0].revision == 1
