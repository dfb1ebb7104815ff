"""What this machine has and lacks: versions, devices, audio back ends, classifiers, weights, folders.

Meant for the moment when something is wrong, so a part that cannot even be imported gives a row with advice, never an
exception. Fetches and changes nothing.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import musicclass_gui
from musicclass_gui.engine import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from musicclass_gui.engine.encoders import EncoderSpec

_PACKAGES = (
    *("PySide6-Essentials", "pyqtgraph", "numpy", "scipy", "torch", "torchaudio", "librosa", "soundfile", "av", "soxr"),
    *("sounddevice", "safetensors", "platformdirs", "typer", "rich", "httpx"),
)
_INSTALL_AGAIN = "Install the program again."
_NO_OUTPUT = "Everything but playing works. Connect a sound card or start the sound server (PipeWire or PulseAudio)."


@dataclass(frozen=True)
class Check:
    """One line of the report. `ok` False means that something does not work; `advice` may be given in both cases."""

    name: str
    value: str
    ok: bool = True
    advice: str = ""


def report(weights_folder: str = "") -> list[Check]:
    """Everything worth knowing, in the order in which one would ask. `weights_folder` is the user's setting, if any."""
    return [
        Check("MusicClass", f"{musicclass_gui.__version__} in {places.resources_dir().parent}"),
        Check("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        Check("System", f"{platform.platform()}, {os.cpu_count()} processors"),
        *map(_package, _PACKAGES),
        *_guarded("Devices", _devices, "Only torch can say; install torch again."),
        *_guarded("libsndfile", _libsndfile, "wav, flac, ogg and aiff cannot be read; install soundfile again."),
        *_guarded("FFmpeg", _ffmpeg, "mp3, m4a, opus and wma cannot be read; install av (PyAV) again."),
        *_guarded("PortAudio", _portaudio, "Playing is off; on Debian and Ubuntu: sudo apt-get install libportaudio2."),
        *_guarded("Classifiers", _classifiers, _INSTALL_AGAIN),
        *_guarded("Weights", partial(_weights, weights_folder), _INSTALL_AGAIN),
        _folder("Cache folder", places.cache_dir(), "$MUSICCLASS_CACHE"),
        _folder("Settings folder", places.config_dir(), "$MUSICCLASS_CONFIG"),
    ]


def _guarded(name: str, checks: Callable[[], Iterator[Check]], advice: str) -> list[Check]:
    """The checks of one part, or one row saying what kept them from being made."""
    try:
        return list(checks())
    except Exception as error:
        return [Check(name, f"{type(error).__name__}: {error}", False, advice)]


def _package(name: str) -> Check:
    try:
        return Check(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "not installed", False, f"pip install {name}")


def _devices() -> Iterator[Check]:
    import torch

    from musicclass_gui.engine.device import cuda_count

    yield Check("CPU", f"{platform.processor() or platform.machine()}, torch uses {torch.get_num_threads()} threads")
    count = cuda_count()
    for index in range(count):
        about = torch.cuda.get_device_properties(index)
        yield Check(f"cuda:{index}", f"{about.name}, {about.total_memory / 2**30:.0f} GiB")
    if not count:
        yield Check("CUDA", "no CUDA device", advice="The CPU does the work. With an NVIDIA card, its driver may be missing or too old.")


def _libsndfile() -> Iterator[Check]:
    import soundfile

    yield Check("libsndfile", str(soundfile.__libsndfile_version__))


def _ffmpeg() -> Iterator[Check]:
    import av

    yield Check("FFmpeg", f"{av.ffmpeg_version_info} in PyAV {av.__version__}")


def _portaudio() -> Iterator[Check]:
    try:
        import sounddevice
    except (ImportError, OSError):
        raise
    except Exception as error:  # importing it also starts PortAudio, which may want a sound server; its error cannot be named yet
        yield Check("PortAudio", f"no output device ({error})", advice=_NO_OUTPUT)
        return
    devices: list[dict[str, Any]] = list(sounddevice.query_devices())
    outputs = [device["name"] for device in devices if device["max_output_channels"] > 0]
    version = sounddevice.get_portaudio_version()[1].split(",")[0]
    if outputs:
        yield Check("PortAudio", f"{version}, {len(outputs)} outputs: {', '.join(outputs)}")
    else:
        yield Check("PortAudio", f"{version}, no output device", advice=_NO_OUTPUT)


def _classifiers() -> Iterator[Check]:
    from musicclass_gui.engine.classifier import shipped

    folders = shipped()
    for (classifier, encoder), folder in folders.items():
        yield from _guarded(f"{classifier} on {encoder}", partial(_classifier, folder), _INSTALL_AGAIN)
    if not folders:
        yield Check("Classifiers", f"none in {places.models_dir()}", False, _INSTALL_AGAIN)


def _classifier(folder: Path) -> Iterator[Check]:
    from musicclass_gui.engine.classifier import Classifier

    classifier = Classifier.load(folder)
    yield Check(f"{classifier.id} on {classifier.encoder}", f"{len(classifier.head.classes)} classes")


def _weights(setting: str) -> Iterator[Check]:
    from musicclass_gui.engine import encoders
    from musicclass_gui.engine.classifier import shipped

    folders, asked_for = places.weights_folders(setting), {encoder for _, encoder in shipped()}
    for spec in encoders.specs().values():
        if spec.weights is not None and (spec.id in asked_for or _is_here(spec, folders)):
            yield from _guarded(f"Weights of {spec.id}", partial(_weights_of, spec, folders), f"musicclass models fetch {spec.id}")


def _weights_of(spec: EncoderSpec, folders: list[Path]) -> Iterator[Check]:
    """Weights that were never fetched are no fault; those that are damaged are (`find` raises)."""
    from musicclass_gui.engine.encoders import weights

    if not _is_here(spec, folders):
        size = f"{weights.source_of(spec).size_bytes / 1e6:.1f} MB"
        advice = f"For better answers: musicclass models fetch {spec.id} ({size})."
        yield Check(f"Weights of {spec.id}", "not fetched", advice=advice)
        return
    yield Check(f"Weights of {spec.id}", str(weights.find(spec, folders)))


def _is_here(spec: EncoderSpec, folders: list[Path]) -> bool:
    from musicclass_gui.engine.encoders import weights

    files = weights.source_of(spec).files
    return any(all(weights.path_of(place, file).exists() for file in files) for _, place in weights.places_of(spec, folders))


def _folder(name: str, folder: Path, variable: str) -> Check:
    """Whether the folder, or the first of its parents that exists, can be written."""
    standing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if standing.is_dir() and os.access(standing, os.W_OK | os.X_OK):
        return Check(name, f"{folder}, {shutil.disk_usage(standing).free / 1e9:.0f} GB free")
    return Check(name, f"{folder} cannot be written", False, f"Allow writing to it, or name another folder in {variable}.")
