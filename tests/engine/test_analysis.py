"""One pass over a recording: what it tells, what it keeps, and what it does when the recording is odd."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from musicclass_gui.engine import encoders
from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.audio import content_hash, open_blocks, probe, to_mono
from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.errors import AudioError, Cancelled, EncoderError
from musicclass_gui.engine.events import Answered, Event, Finished, Noticed, Opened, Pictured
from musicclass_gui.engine.picture import Picture
from musicclass_gui.engine.places import cache_dir
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    import io
    from pathlib import Path

RATE = 22050


@pytest.fixture
def analyst() -> Analyst:
    return Analyst(cache_dir())


def tune(path: Path, seconds: float, *, rate: int = RATE, channels: int = 1) -> Path:
    t = np.arange(round(seconds * rate)) / rate
    sound = 0.3 * np.sin(2 * np.pi * 220 * 2 ** (np.floor(t * 2) % 12 / 12) * t) + 0.02 * np.random.default_rng(0).standard_normal(t.size)
    soundfile.write(path, np.repeat(sound[:, None], channels, 1), rate)
    return path


def request(path: Path, **more: object) -> Request:
    return Request(path, encoder="timbre", device="cpu", **more)  # type: ignore[arg-type]


def listen(analyst: Analyst, wanted: Request, token: Token | None = None) -> list[Event]:
    events: list[Event] = []
    analyst.analyse(wanted, token or Token(), events.append)
    return events


def of(kind: type, events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_answers_and_picture_grow_while_it_is_read(analyst: Analyst, tmp_path: Path) -> None:
    events = listen(analyst, request(tune(tmp_path / "a.flac", 60)))
    assert isinstance(events[0], Opened)
    assert isinstance(events[-1], Finished)
    times = [event.until_s for event in of(Answered, events)]
    assert times == sorted(times)
    assert times[0] < 60 <= times[-1] + 0.01
    assert of(Pictured, events)[-1].ready_s == pytest.approx(60)
    assert [answer.classifier for answer in of(Answered, events)[-1].answers] == ["genre", "composer", "instrument"]


def test_the_answer_covers_the_whole_recording_and_adds_up(analyst: Analyst, tmp_path: Path) -> None:
    answers = analyst.analyse(request(tune(tmp_path / "a.wav", 33.3, rate=44100, channels=2)), Token(), lambda event: None)
    for answer in answers:
        assert sum(ranked.probability for ranked in answer.ranking) == pytest.approx(1)
        assert [ranked.probability for ranked in answer.ranking] == sorted((r.probability for r in answer.ranking), reverse=True)
        assert answer.segments[0].start_s == 0
        assert answer.segments[-1].end_s == pytest.approx(33.3, abs=0.3)
        assert all(a.end_s == pytest.approx(b.start_s) for a, b in zip(answer.segments, answer.segments[1:], strict=False))
        assert answer.none_of_these == (answer.label is None)


def test_streamed_embeddings_are_those_of_the_whole_signal(analyst: Analyst, tmp_path: Path) -> None:
    path = tune(tmp_path / "a.flac", 21)
    analyst.analyse(request(path), Token(), lambda event: None)
    encoder = encoders.load("timbre")
    with open_blocks(probe(path)) as blocks:
        whole = np.concatenate([to_mono(block) for block in blocks])
    stream = encoder.spec.grid.stream(RATE)
    windows = [*stream.push(whole), *stream.finish()]
    with opened(cache_dir()) as cache:
        kept = cache.embedded(content_hash(path), encoder.spec, encoder.spec.grid)
    assert kept is not None
    assert kept.spans == [(window.start_s, window.end_s) for window in windows]
    np.testing.assert_allclose(kept.data, encoder.embed([window.samples for window in windows]), atol=1e-3)


def test_the_second_time_nothing_is_decoded_or_loaded(analyst: Analyst, tmp_path: Path) -> None:
    path = tune(tmp_path / "a.flac", 15)
    first = listen(analyst, request(path))
    fresh = Analyst(cache_dir())
    again = listen(fresh, request(path))
    assert of(Finished, again)[0].from_cache
    assert not fresh._encoders
    assert of(Answered, again)[-1].answers == of(Answered, first)[-1].answers
    assert Picture(of(Pictured, again)[-1].folder, RATE).complete


def test_a_copy_under_another_name_is_the_same_recording(analyst: Analyst, tmp_path: Path) -> None:
    path = tune(tmp_path / "a.flac", 12)
    listen(analyst, request(path))
    copy = tmp_path / "b.flac"
    copy.write_bytes(path.read_bytes())
    assert of(Finished, listen(analyst, request(copy)))[0].from_cache


def test_a_picture_can_come_later_than_the_answer(analyst: Analyst, tmp_path: Path) -> None:
    path = tune(tmp_path / "a.flac", 12)
    assert not of(Pictured, listen(analyst, request(path, picture=False)))
    later = listen(analyst, request(path))
    assert isinstance(later[1], Answered)  # from the cache, before the picture is drawn
    assert of(Pictured, later)


def test_a_cancelled_pass_leaves_no_answer_behind(analyst: Analyst, tmp_path: Path) -> None:
    path, token = tune(tmp_path / "a.flac", 60), Token()

    def stop(event: Event) -> None:
        if isinstance(event, Answered):
            token.cancel()

    with pytest.raises(Cancelled):
        analyst.analyse(request(path), token, stop)
    assert not of(Finished, listen(analyst, request(path)))[0].from_cache


def test_another_window_length_gives_another_timeline(analyst: Analyst, tmp_path: Path) -> None:
    path = tune(tmp_path / "a.flac", 30)
    listen(analyst, request(path))
    listen(analyst, request(path, window_s=3.0))
    spec = encoders.specs()["timbre"]
    with opened(cache_dir()) as cache:
        kept = cache.embedded(content_hash(path), spec, Grid(3.0, 1.5))
    assert kept is not None
    assert kept.spans[1] == (1.5, 4.5)


def test_silence_is_not_taken_for_music(analyst: Analyst, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(20 * RATE), RATE)
    for answer in analyst.analyse(request(path), Token(), lambda event: None):
        assert answer.label is None
        assert answer.none_of_these
        assert "silen" in answer.reason.lower()


def test_one_sample_is_answered_without_a_claim(analyst: Analyst, tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    soundfile.write(path, np.full(1, 0.5), RATE)
    for answer in analyst.analyse(request(path), Token(), lambda event: None):
        assert answer.none_of_these
        assert answer.reason


def test_what_could_be_read_of_a_truncated_file_is_answered_with_a_notice(analyst: Analyst, tmp_path: Path) -> None:
    path = tune(tmp_path / "a.flac", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    events = listen(analyst, request(path))
    assert 10 < of(Finished, events)[0].duration_s < 30
    assert "40.0 s" in of(Noticed, events)[0].text
    assert of(Answered, events)[-1].answers
    again = listen(analyst, request(path))
    assert of(Noticed, again) == of(Noticed, events)


@pytest.mark.parametrize("in_its_place", ["cache", "pictures"])
def test_a_cache_that_cannot_be_written_costs_no_answer_and_is_told_once(tmp_path: Path, in_its_place: str) -> None:
    folder = tmp_path / "cache"
    if in_its_place == "cache":
        folder.write_bytes(b"")
    else:
        folder.mkdir()
        (folder / "pictures").write_bytes(b"")
    analyst = Analyst(folder)
    events = listen(analyst, request(tune(tmp_path / "a.flac", 12)))
    assert [answer.classifier for answer in of(Answered, events)[-1].answers] == ["genre", "composer", "instrument"]
    texts = [event.text for event in of(Noticed, events)]
    assert texts
    assert len(set(texts)) == len(texts)
    assert all(str(folder) in text for text in texts)


def test_a_disk_that_fills_up_on_the_way_costs_the_picture_only(analyst: Analyst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, room = tune(tmp_path / "a.flac", 60), [100_000]

    def write(file: io.FileIO, rows: np.ndarray) -> None:
        room[0] -= rows.nbytes
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.write(np.ascontiguousarray(rows).tobytes())

    monkeypatch.setattr("musicclass_gui.engine.picture._write_all", write)
    events = listen(analyst, request(path))
    assert of(Answered, events)[-1].until_s == pytest.approx(60)
    assert ["No space left" in event.text for event in of(Noticed, events)] == [True]
    assert list((cache_dir() / "pictures").iterdir()) == []
    monkeypatch.undo()
    assert Picture(of(Pictured, listen(analyst, request(path)))[-1].folder, RATE).complete


def test_a_file_that_changes_while_it_is_read_is_told_and_not_kept(analyst: Analyst, tmp_path: Path) -> None:
    path, events = tune(tmp_path / "a.wav", 30), []

    def meddle(event: Event) -> None:
        events.append(event)
        if isinstance(event, Answered) and not of(Finished, events):
            os.utime(path, (1e9, 1e9))

    analyst.analyse(request(path), Token(), meddle)
    assert ["changed" in event.text for event in of(Noticed, events)] == [True]
    assert not of(Finished, listen(analyst, request(path)))[0].from_cache


def test_what_an_encoder_says_is_passed_on_at_once_and_only_once(analyst: Analyst, tmp_path: Path) -> None:
    encoder = encoders.load("timbre")
    encoder.notices.append("The CUDA device ran out of memory; the rest is done on the CPU.")
    analyst._encoders["timbre", "cpu", None, False] = encoder
    first = listen(analyst, request(tune(tmp_path / "a.flac", 60)))
    assert [event.text for event in of(Noticed, first)] == encoder.notices
    assert first.index(of(Noticed, first)[0]) < first.index(of(Answered, first)[-1])
    assert not of(Noticed, listen(analyst, request(tune(tmp_path / "b.flac", 61))))


@pytest.mark.parametrize("failure", [RuntimeError("CUDA error: unspecified launch failure\nCompile with …"), MemoryError()])
def test_what_torch_raises_is_a_sentence(analyst: Analyst, tmp_path: Path, failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = encoders.load("timbre")

    def embed(windows: object) -> None:
        raise failure

    monkeypatch.setattr(encoder, "embed", embed)
    analyst._encoders["timbre", "cpu", None, False] = encoder
    with pytest.raises(EncoderError) as caught:
        listen(analyst, request(tune(tmp_path / "a.flac", 12)))
    assert "timbre" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((cache_dir() / "pictures").iterdir())


def test_what_is_not_audio_is_one_sentence(analyst: Analyst, tmp_path: Path) -> None:
    path = tmp_path / "letter.mp3"
    path.write_text("Dear all,\n" * 500)
    with pytest.raises(AudioError) as caught:
        listen(analyst, request(path))
    assert "letter.mp3" in str(caught.value)
