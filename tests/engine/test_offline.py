"""While the switch is on no network call is made, on no road; and libraries that would like to are told not to at any time."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest
import soundfile
from encoders import tiny_clap
from encoders.hubert_folders import made_model, save_as_mert
from typer.testing import CliRunner

from musicclass_gui.cli import app
from musicclass_gui.engine import encoders, models, offline
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every way to the network is refused, and what was tried is listed."""
    tried: list[str] = []

    def refuse(*args: Any, **_more: Any) -> NoReturn:
        tried.append(repr(args))
        raise OSError("a network call")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    offline.switch(True)
    yield tried
    offline.switch(False)


def run(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_the_whole_road_makes_no_network_call(tmp_path: Path, tries: list[str]) -> None:
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, 0.2 * np.sin(np.arange(3 * 22_050) / 20), 22_050)
    save_as_mert(tmp_path / "net", made_model())
    tiny_clap.make(tmp_path / "clap")
    assert {row.id for row in models.rows()} == set(encoders.specs())
    for name in ("net", "clap"):
        assert models.add(tmp_path / name, "", Token()).state == "ready"
        loaded = encoders.load(name)
        assert loaded.embed([np.zeros(loaded.spec.sample_rate, np.float32)]).shape == (1, loaded.spec.dim)
        assert models.verify(name, "", Token()).checks
    assert json.loads(run("predict", tone, "--json", "--encoder", "timbre").stdout)["answers"]
    assert run("models", "list").exit_code == 0
    assert tries == []


@pytest.mark.parametrize("encoder_id", ["mn04-as", "clap-music"])
def test_fetching_is_refused_before_anything_is_asked(tries: list[str], encoder_id: str) -> None:
    with pytest.raises(WeightsError, match=f"Fetching {encoder_id} needs the network, and the program was told to stay offline"):
        models.fetch(encoder_id, Token())
    result = run("models", "fetch", encoder_id, "--yes")
    assert result.exit_code == 1
    assert "stay offline" in result.stderr
    assert tries == []


def test_the_refusal_of_sockets_would_be_noticed(tries: list[str]) -> None:
    offline.switch(False)
    with pytest.raises(WeightsError, match="could not be downloaded"):
        models.fetch("mn04-as", Token())
    assert tries


@pytest.mark.parametrize(("value", "expected"), [("", False), ("0", False), ("1", True), ("yes", True)])
def test_the_variable_switches_too(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("MUSICCLASS_OFFLINE", value)
    assert offline.offline() is expected
    if expected:
        with pytest.raises(WeightsError, match="unset MUSICCLASS_OFFLINE"):
            offline.require_online("This")


def test_the_setting_comes_with_what_the_window_asks(tries: list[str]) -> None:
    models.answer({"do": "disk", "offline": False}, Token())
    assert not offline.offline()
    with pytest.raises(WeightsError, match="turn “Work offline” off"):
        models.answer({"do": "fetch", "id": "mn04-as", "offline": True}, Token())
    assert tries == []


def test_libraries_are_told_before_they_are_imported(tmp_path: Path) -> None:
    tiny_clap.make(tmp_path / "clap")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from musicclass_gui.engine import models\n"
        "from musicclass_gui.engine.task import Token\n"
        "models.rows()\n"
        "assert not {'transformers', 'huggingface_hub'} & set(sys.modules)\n"
        f"models.add(Path({str(tmp_path / 'clap')!r}), '', Token())\n"
        "from huggingface_hub import constants\n"
        "print(constants.is_offline_mode(), constants.HF_HUB_DISABLE_TELEMETRY)\n"
    )
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_", "DO_NOT"))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=quiet)
    assert done.stdout.split() == ["True", "True"], done.stderr
