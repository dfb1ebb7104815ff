"""What a user's own model is fed with: `preprocess.json`, read as data, every number of it in its range before anything is done with it.

It knows no model and no sound; `onnx_front` does what is written here. Nothing in the file is run, and what is not known is refused.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 1
FILE = "preprocess.json"

BATCH, TIME, MEL, CHANNEL, DIM = "batch", "time", "mel", "channel", "dim"

_MOST_BYTES = 1 << 20
_MOST_FRAME_SAMPLES = 1 << 26  # of one window's overlapping frames together
_REQUIRED: Any = MISSING

T = TypeVar("T")


class _Wrong(Exception):
    """What is wrong, without the file's name."""


def _number(low: float, high: float, default: float = _REQUIRED) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "type": float})


def _count(low: int, high: int, default: int = _REQUIRED) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "type": int})


def _choice(default: str, *others: str) -> Any:
    return field(default=default, metadata={"choices": (default, *others), "type": str})


def _text(most: int, default: Any = "") -> Any:
    return field(default=default, metadata={"most": most, "type": str})


def _several(default: tuple[Any, ...], **metadata: Any) -> Any:
    return field(default=default, metadata={"type": tuple, **metadata})


@dataclass(frozen=True)
class Log:
    """`log(max(multiplier * x + offset, floor))`: natural, to base 10, or 10 times the latter ("db").

    With `reference` "max" the largest value of a window is taken off, so that it is 0; `range` > 0 lifts what is more than that below the
    largest.
    """

    kind: str = _choice("none", "ln", "log10", "db")
    multiplier: float = _number(1e-12, 1e12, 1.0)
    offset: float = _number(0.0, 1e12, 0.0)
    floor: float = _number(1e-30, 1e12, 1e-10)
    reference: str = _choice("none", "max")
    range: float = _number(0.0, 1e4, 0.0)


@dataclass(frozen=True)
class Waveform:
    """The samples themselves, times `scale`; `normalise` "window" gives each window mean 0 and variance 1 first."""

    kind: str = _choice("waveform")
    scale: float = _number(1e-9, 1e9, 1.0)
    normalise: str = _choice("none", "window")


@dataclass(frozen=True)
class Mel:
    """Mel spectra: samples times `scale` → frames → |spectrum| ** `power` → triangles → ** `band_power` → log → (x - `mean`) / `std`.

    A frame is `win_length` samples long (0: `n_fft`) and is filled up with zeros to `n_fft`. `padding` "center" puts the middle of frame k
    at sample k × `hop_length`, "none" starts it there, "same" pads at both ends so that there are ceil(samples / hop) frames. Triangles
    are linear in Hz, as librosa's, or in mel, as TensorFlow's and Kaldi's. `norm` "slaney" gives each the same area. `mean` and `std` are
    one number for all bands or one for each.
    """

    n_fft: int = _count(16, 1 << 16)
    hop_length: int = _count(1, 1 << 16)
    n_mels: int = _count(1, 1024)
    win_length: int = _count(0, 1 << 16, 0)
    kind: str = _choice("mel")
    scale: float = _number(1e-9, 1e9, 1.0)
    window: str = _choice("hann", "hann_symmetric", "hamming", "hamming_symmetric")
    padding: str = _choice("center", "none", "same")
    pad_mode: str = _choice("constant", "reflect")
    power: float = _number(0.25, 4.0, 2.0)
    f_min: float = _number(0.0, 192_000.0, 0.0)
    f_max: float = _number(0.0, 192_000.0, 0.0)
    mel_scale: str = _choice("slaney", "htk")
    triangles: str = _choice("hz", "mel")
    norm: str = _choice("slaney", "none")
    band_power: float = _number(0.25, 4.0, 1.0)
    log: Log = field(default=Log(), metadata={"type": Log})
    mean: tuple[float, ...] = _several((0.0,), item=float, low=-1e9, high=1e9)
    std: tuple[float, ...] = _several((1.0,), item=float, low=1e-9, high=1e9)

    @property
    def frame(self) -> int:
        """Samples of a frame."""
        return self.win_length or self.n_fft

    def frames(self, samples: int) -> int:
        """How many frames so many samples give."""
        if self.padding == "same":
            return -(-samples // self.hop_length)
        padded = samples + (2 * (self.frame // 2) if self.padding == "center" else 0)
        return max(0, 1 + (padded - self.frame) // self.hop_length)


@dataclass(frozen=True)
class Tags:
    """The output that has the probabilities of tags, and what these are called, in its order."""

    output: str = _text(500, _REQUIRED)
    labels: tuple[str, ...] = _several(_REQUIRED, item=str)


@dataclass(frozen=True)
class Recipe:
    """Everything about a model that its file does not say.

    Windows are `window_s` long and start every `hop_s`. The model sees `patch` frames of one (samples, for waveforms) at a time, 0 for the
    whole window; the embeddings of a window's patches are averaged. What is shorter than a window is filled up with silence, or repeated.
    `layout` names the axes of the input, `output_layout` those of the output, where "time" is averaged over; without it, all of the
    output is the embedding. `input` and `output` may be left out where the model has one only.
    """

    sample_rate: int = _count(1000, 192_000)
    window_s: float = _number(0.01, 120.0)
    front_end: Waveform | Mel = field(default=_REQUIRED, metadata={"type": Mel})
    layout: tuple[str, ...] = _several(_REQUIRED, item=str, choices=(BATCH, TIME, MEL, CHANNEL))
    version: int = _count(VERSION, VERSION, VERSION)
    title: str = _text(200)
    licence: str = _text(200)
    hop_s: float = _number(0.0, 120.0, 0.0)
    patch: int = _count(0, 1 << 24, 0)
    short: str = _choice("silence", "repeat")
    input: str = _text(500)
    output: str = _text(500)
    output_layout: tuple[str, ...] = _several((), item=str, choices=(BATCH, DIM, TIME, CHANNEL))
    tags: Tags | None = field(default=None, metadata={"type": Tags})

    @property
    def samples(self) -> int:
        """Samples of a window."""
        return round(self.window_s * self.sample_rate)

    @property
    def bands(self) -> int:
        """Mel bands, 0 for waveforms."""
        return self.front_end.n_mels if isinstance(self.front_end, Mel) else 0

    def steps(self, samples: int) -> int:
        """How many frames, or samples, the front end gives of so many samples."""
        return self.front_end.frames(samples) if isinstance(self.front_end, Mel) else samples

    @property
    def patch_steps(self) -> int:
        """Frames, or samples, that the model sees at once."""
        return self.patch or self.steps(self.samples)


def read(path: Path) -> Recipe:
    """The recipe in a file. Raises EncoderError, in one sentence, for anything in it that is unknown, missing, or out of its range."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _Wrong("it is too large")
        return parse(json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant))
    except OSError as error:
        raise EncoderError(f"“{path}” cannot be read ({error.strerror or error}); a model of your own needs it.") from error
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"“{path}” is not valid JSON ({error}).") from error
    except _Wrong as error:
        raise EncoderError(f"“{path}” cannot be used: {error}.") from error


def parse(found: Any) -> Recipe:
    """The recipe that JSON values describe."""
    if not isinstance(found, dict):
        raise _Wrong("it is not an object with named values")
    if found.get("version", VERSION) != VERSION:
        raise _Wrong(f"its version is {_shown(found['version'])}, and only {VERSION} is known")
    recipe = _read(Recipe, found, "")
    _require_whole(recipe)
    return recipe


def shown(text: str, most: int = 60) -> str:
    """A stranger's text for a sentence: not too long, and on one line."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:most])


def _refuse_constant(name: str) -> float:
    raise _Wrong(f"{name} is not a number to compute with")


def _read(kind: type[T], found: Any, where: str) -> T:
    """A dataclass from named values, all of them known, typed and in range."""
    if not isinstance(found, dict):
        raise _Wrong(f"“{where.rstrip('.')}” is not an object with named values")
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]  # T is a dataclass
    for name in found:
        if name not in known:
            raise _Wrong(f"“{where}{shown(name)}” is not known; known are {', '.join(known)}")
    for name, one in known.items():
        if name not in found and one.default is MISSING:
            raise _Wrong(f"“{where}{name}” is missing")
    return kind(**{name: _value(known[name], value, where + name) for name, value in found.items()})


def _value(one: Field[Any], value: Any, where: str) -> Any:
    wanted = one.metadata["type"]
    if wanted is Mel:
        return _read(_front_end(value), value, f"{where}.")
    if wanted in (Log, Tags):
        return _read(wanted, value, f"{where}.")
    if wanted is tuple:
        return _list(one.metadata, value, where)
    return _one(wanted, one.metadata, value, where)


def _front_end(value: Any) -> type[Waveform | Mel]:
    kind = value.get("kind") if isinstance(value, dict) else None
    kinds: dict[Any, type[Waveform | Mel]] = {"waveform": Waveform, "mel": Mel}
    if not isinstance(kind, str) or kind not in kinds:
        raise _Wrong(f"“front_end.kind” is {_shown(kind)}, and only waveform and mel are known")
    return kinds[kind]


def _list(metadata: Mapping[str, Any], value: Any, where: str) -> tuple[Any, ...]:
    values = value if isinstance(value, list) else [value]
    if not 0 < len(values) <= 1024:
        raise _Wrong(f"“{where}” has {len(values)} values")
    return tuple(_one(metadata["item"], metadata, item, where) for item in values)


def _one(wanted: type, metadata: Mapping[str, Any], value: Any, where: str) -> Any:
    if wanted is str:
        return _text_value(metadata, value, where)
    if isinstance(value, bool) or not isinstance(value, int if wanted is int else int | float):
        raise _Wrong(f"“{where}” is {_shown(value)} and should be a {'whole ' if wanted is int else ''}number")
    if not metadata["low"] <= value <= metadata["high"]:
        raise _Wrong(f"“{where}” is {_shown(value)} and should be from {metadata['low']:g} to {metadata['high']:g}")
    return wanted(value)


def _text_value(metadata: Mapping[str, Any], value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"“{where}” is {_shown(value)} and should be text")
    choices = metadata.get("choices")
    if choices and value not in choices:
        raise _Wrong(f"“{where}” is {_shown(value)} and should be {' or '.join(choices)}")
    if len(value) > metadata.get("most", 100) or not value.isprintable():
        raise _Wrong(f"“{where}” is too long or has signs that cannot be shown")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _require_whole(recipe: Recipe) -> None:
    """What no value says alone."""
    if recipe.hop_s > recipe.window_s:
        raise _Wrong("“hop_s” is longer than “window_s”, so something would never be heard")
    if recipe.hop_s and recipe.hop_s < recipe.window_s / 50:
        raise _Wrong("“hop_s” is less than a fiftieth of “window_s”")
    if isinstance(recipe.front_end, Mel):
        _require_mel(recipe.front_end, recipe)
    _require_layouts(recipe)
    if recipe.tags and len(set(recipe.tags.labels)) != len(recipe.tags.labels):
        raise _Wrong("“tags.labels” has a name twice")
    if recipe.patch_steps > recipe.steps(recipe.samples):
        raise _Wrong(f"a window gives {recipe.steps(recipe.samples)} frames, fewer than “patch”")
    if recipe.patch_steps < 1:
        raise _Wrong("a window is too short for a frame")


def _require_mel(mel: Mel, recipe: Recipe) -> None:
    if mel.frame > mel.n_fft:
        raise _Wrong("“front_end.win_length” is longer than “front_end.n_fft”")
    top = mel.f_max or recipe.sample_rate / 2
    if not mel.f_min < top <= recipe.sample_rate / 2:
        raise _Wrong("“front_end.f_max” has to be over “front_end.f_min” and at most half the sample rate")
    if {len(mel.mean), len(mel.std)} - {1, mel.n_mels}:
        raise _Wrong("“front_end.mean” and “front_end.std” have to be one number, or one for each band")
    if mel.pad_mode == "reflect" and mel.padding != "none" and recipe.samples <= mel.frame:
        raise _Wrong("a window is too short to be reflected at its ends")
    if mel.frames(recipe.samples) * mel.frame > _MOST_FRAME_SAMPLES:
        raise _Wrong("its frames overlap so much that they would fill the memory")


def _require_layouts(recipe: Recipe) -> None:
    needed = [BATCH, TIME, *([MEL] if recipe.bands else [])]
    named = [axis for axis in recipe.layout if axis != CHANNEL]
    if sorted(named) != sorted(needed) or len(recipe.layout) > 6:
        raise _Wrong(f"“layout” has to name {', '.join(needed)} once each, and may name channel")
    output = [axis for axis in recipe.output_layout if axis not in (CHANNEL, TIME)]
    if recipe.output_layout and (sorted(output) != sorted([BATCH, DIM]) or len(recipe.output_layout) > 6):
        raise _Wrong("“output_layout” has to name batch and dim once each, and may name time and channel")


def hop_of(recipe: Recipe) -> float:
    """Seconds from one window to the next; half a window where the recipe does not say."""
    return recipe.hop_s or recipe.window_s / 2
