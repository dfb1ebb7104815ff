"""Recording a class: a real recorder and real files; only the sound card is made up."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt

from musicclass_gui.app.theme import LIGHT
from musicclass_gui.ui.microphone import LOWEST_DB, LevelMeter, MicrophoneDialog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session

Key, LEFT = Qt.Key, Qt.MouseButton.LeftButton
RATE = 8000


class PortAudioError(Exception):
    pass


class Stream:
    """A microphone that hears two seconds of a tone at once, then waits to be closed."""

    def __init__(self, rate: int, blocksize: int, *_rest: Any, callback: Any, finished_callback: Any) -> None:
        self.size, self.callback = blocksize, callback
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.flow)

    def start(self) -> None:
        self.thread.start()

    def flow(self) -> None:
        sound = (16384 * np.sin(np.arange(2 * RATE) * 0.3)).astype(np.int16)
        for start in range(0, len(sound), self.size):
            block = sound[start : start + self.size]
            self.callback(block[:, None], len(block), None, None)
        self.closed.wait(20)

    def close(self, ignore_errors: bool) -> None:
        self.closed.set()
        if self.thread.ident is not None:
            self.thread.join(10)


def card(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    devices = [
        {"name": name, "index": number, "hostapi": 0, "max_input_channels": 1, "max_output_channels": 0, "default_samplerate": float(RATE)}
        for number, name in enumerate(names)
    ]

    def query(number: int | None = None, kind: str | None = None) -> Any:
        return devices[number or 0] if kind else devices

    module = SimpleNamespace(
        PortAudioError=PortAudioError, InputStream=Stream, query_devices=query, check_input_settings=lambda *_a, **_k: None,
        default=SimpleNamespace(device=(0, -1)), _terminate=lambda: None, _initialize=lambda: None,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "sounddevice", module)


@pytest.fixture
def dialog(session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MicrophoneDialog]:
    card(monkeypatch, ("Desk microphone", "Headset"))
    dialog = MicrophoneDialog(session, {}, LIGHT)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    dialog.close()


def record(dialog: MicrophoneDialog, qtbot: QtBot, session: Session) -> None:
    count = dialog.takes.count()
    qtbot.mouseClick(dialog.record, LEFT)
    qtbot.waitUntil(lambda: session.recorder.seconds >= 1.9, timeout=10_000)
    assert dialog.record.text() == "Stop"
    qtbot.mouseClick(dialog.record, LEFT)
    qtbot.waitUntil(lambda: dialog.takes.count() == count + 1, timeout=10_000)


def test_microphones_are_listed_after_the_systems_own(dialog: MicrophoneDialog, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: dialog.device.count() == 3, timeout=10_000)
    assert [dialog.device.itemData(row) for row in range(3)] == ["", "Desk microphone", "Headset"]


def test_the_classes_there_are_can_be_chosen_as_names(dialog: MicrophoneDialog) -> None:
    assert [dialog.name.itemText(row) for row in range(dialog.name.count())] == ["cello", "flute"]
    assert dialog.name.currentText() == ""


def test_takes_are_recorded_heard_and_proposed_under_their_name(dialog: MicrophoneDialog, qtbot: QtBot, session: Session) -> None:
    dialog.name.setEditText("kettle")
    record(dialog, qtbot, session)
    assert dialog.clock.text() == "0:02.0"
    record(dialog, qtbot, session)
    first, second = dialog.paths
    assert Path(first).name.startswith("kettle ")
    sound, rate = soundfile.read(first)
    assert rate == RATE
    assert len(sound) == 2 * RATE
    assert np.abs(sound).max() == pytest.approx(0.5, abs=0.01)
    with qtbot.waitSignal(dialog.heard) as heard:
        qtbot.keyClick(dialog.takes, Key.Key_Space)
    assert heard.args == [second, 0.0, -1.0]
    assert dialog.teach.text() == "Teach 2 takes…"
    qtbot.mouseClick(dialog.teach, LEFT)
    plan = session.teaching.plan
    assert plan is not None
    assert plan.classes[0].name == "kettle"
    assert [file.path for file in plan.classes[0].files] == [first, second]
    assert not dialog.isVisible()


def test_a_take_that_is_left_out_is_not_taught_and_stays_on_disk(dialog: MicrophoneDialog, qtbot: QtBot, session: Session) -> None:
    record(dialog, qtbot, session)
    path = Path(dialog.paths[0])
    qtbot.keyClick(dialog.takes, Key.Key_Delete)
    assert dialog.paths == []
    assert not dialog.teach.isEnabled()
    assert path.is_file()


def test_nothing_is_taught_before_something_was_recorded(dialog: MicrophoneDialog) -> None:
    assert not dialog.teach.isEnabled()
    assert not dialog.hear_it.isEnabled()


def test_closing_while_recording_stops_and_keeps_the_file(dialog: MicrophoneDialog, qtbot: QtBot, session: Session) -> None:
    qtbot.mouseClick(dialog.record, LEFT)
    qtbot.waitUntil(lambda: session.recorder.seconds >= 1.9, timeout=10_000)
    dialog.close()
    assert session.recorder.state == "idle"
    assert session.recorder.path is not None
    assert session.recorder.path.is_file()


def test_without_a_microphone_it_says_why(session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    card(monkeypatch, ())
    dialog = MicrophoneDialog(session, {}, LIGHT)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=10_000)
    assert "no microphone" in dialog.problem.text()
    dialog.close()


def test_the_meter_says_silence_loudness_and_too_much_in_words(qtbot: QtBot) -> None:
    meter = LevelMeter(LIGHT)
    qtbot.addWidget(meter)
    meter.show_level(-100.0)
    assert (meter.level, meter.words) == (LOWEST_DB, "silent")
    meter.show_level(-20.0)
    assert meter.words == "−20.0 dB"
    meter.show_level(-0.2)
    assert meter.words == "too loud"
    for _ in range(40):
        meter.show_level(-40.0)
    assert -40.0 <= meter.peak < -20.0  # it falls slowly


def test_the_meter_draws_more_when_it_is_louder(qtbot: QtBot) -> None:
    meter = LevelMeter(LIGHT)
    qtbot.addWidget(meter)
    meter.resize(300, 22)
    filled = []
    for level in (-50.0, -20.0):
        meter.show_level(level)
        image = meter.grab().toImage()
        filled.append(sum(image.pixelColor(x, 11).name() == LIGHT.good for x in range(300)))
    assert 0 < filled[0] < filled[1]
