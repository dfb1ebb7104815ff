"""The report names what is there, and turns everything that is broken into advice."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from musicclass_gui.engine import classifier, encoders, places
from musicclass_gui.engine.selfcheck import Check, report

if TYPE_CHECKING:
    from pathlib import Path

WITH_WEIGHTS = [encoders.specs()["mn04-as"]]  # what the shipped classifiers hear with


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_versions_are_those_installed() -> None:
    checks = by_name(report())
    for name in ("torch", "numpy", "PySide6-Essentials"):
        assert checks[name] == Check(name, importlib.metadata.version(name))


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def without_soxr(name: str) -> str:
        if name == "soxr":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", without_soxr)
    soxr = by_name(report())["soxr"]
    assert not soxr.ok
    assert "pip install soxr" in soxr.advice


@pytest.mark.parametrize(
    ("module", "row"), [("torch", "Devices"), ("soundfile", "libsndfile"), ("av", "FFmpeg"), ("sounddevice", "PortAudio")]
)
def test_a_part_that_cannot_be_imported_is_a_row(module: str, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    checks = by_name(report())
    assert not checks[row].ok
    assert checks[row].advice
    assert "ModuleNotFoundError" in checks[row].value


def test_audio_back_ends_say_their_versions() -> None:
    checks = by_name(report())
    assert checks["libsndfile"].ok
    assert checks["libsndfile"].value[0].isdigit()
    assert checks["FFmpeg"].ok
    assert "PyAV" in checks["FFmpeg"].value


def test_a_sound_server_that_does_not_run_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sounddevice.py").write_text("raise Exception('cannot connect to server')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    found = by_name(report())["PortAudio"]
    assert found.ok
    assert "cannot connect to server" in found.value
    assert found.advice


def test_every_shipped_classifier_is_loaded() -> None:
    checks = by_name(report())
    for name, encoder in classifier.shipped():
        assert checks[f"{name} on {encoder}"].ok


def test_a_damaged_classifier_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "genre" / "timbre"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr(places, "models_dir", lambda: tmp_path)
    damaged = by_name(report())["genre on timbre"]
    assert not damaged.ok
    assert damaged.advice


def test_no_classifiers_at_all_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "models_dir", lambda: tmp_path)
    assert not by_name(report())["Classifiers"].ok


@pytest.mark.parametrize("spec", WITH_WEIGHTS, ids=lambda spec: spec.id)
def test_weights_not_fetched_are_advice_and_damaged_ones_a_fault(
    spec: encoders.EncoderSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "data_dir", lambda: tmp_path / "none")
    missing = by_name(report(str(tmp_path)))[f"Weights of {spec.id}"]
    assert missing.ok
    assert f"models fetch {spec.id}" in missing.advice

    assert spec.weights is not None
    (tmp_path / spec.id).mkdir()
    (tmp_path / spec.id / spec.weights.files[0].name).write_bytes(b"not weights")
    assert not by_name(report(str(tmp_path)))[f"Weights of {spec.id}"].ok


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("MUSICCLASS_CACHE", str(file / "cache"))
    checks = by_name(report())
    assert not checks["Cache folder"].ok
    assert "$MUSICCLASS_CACHE" in checks["Cache folder"].advice
    assert checks["Settings folder"].ok


def test_the_report_loads_no_qt() -> None:
    code = "import sys; from musicclass_gui.engine.selfcheck import report; report(); sys.exit('PySide6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
