"""The ONNX slot: a user's own `model.onnx` with a `preprocess.json`, and the encoders `vggish` and `openl3`, whose files the user gives.

For these two the front end is known, so that nothing has to be written down; they may also be the tensors of their torch ports.
What is in the files is looked at by `onnx_check` before anything runs. torch, onnx and onnxruntime are imported on use.
"""

from __future__ import annotations

import math
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource, onnx_recipe, weights
from musicclass_gui.engine.encoders.onnx_recipe import BATCH, CHANNEL, MEL, TIME, Log, Mel, Recipe, Waveform
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Encoder
    from musicclass_gui.engine.encoders.onnx_model import OnnxEncoder

MODEL_FILE = "model.onnx"
_ANY_FILE = f"{MODEL_FILE}|model.safetensors|model.pth"

VGGISH = EncoderSpec(
    id="vggish",
    version="1",
    title="VGGish trained on YouTube-8M (Google)",
    sample_rate=16_000,
    grid=Grid(0.975, 0.96),
    dim=128,
    licence="Apache-2.0",
    weights=WeightsSource(
        home="https://github.com/tensorflow/models/tree/master/research/audioset/vggish",
        licence="Apache-2.0: use it for anything.",
        files=(WeightsFile(_ANY_FILE),),
    ),
    family="onnx_slot",
)
OPENL3 = EncoderSpec(
    id="openl3",
    version="1",
    title="OpenL3, 256 mel bands, trained on music videos (NYU)",
    sample_rate=48_000,
    grid=Grid(1.0, 1.0),
    dim=512,
    licence="CC-BY-4.0",
    weights=WeightsSource(
        home="https://github.com/marl/openl3",
        licence="CC-BY-4.0: use it for anything, and name its authors.",
        files=(WeightsFile(_ANY_FILE),),
    ),
    family="onnx_slot",
)
SPECS = (VGGISH, OPENL3)

VGGISH_RECIPE = Recipe(
    sample_rate=16_000,
    window_s=0.975,
    hop_s=0.96,
    front_end=Mel(
        n_fft=512,
        win_length=400,
        hop_length=160,
        n_mels=64,
        f_min=125.0,
        f_max=7500.0,
        mel_scale="htk",
        triangles="mel",
        norm="none",
        power=1.0,
        padding="none",
        log=Log(kind="ln", offset=0.01),
    ),
    layout=(BATCH, CHANNEL, TIME, MEL),
)
"""Hershey et al. 2017, §3, and the published code: 96 frames of 25 ms, one each 10 ms, of which the last ends after 0.975 s."""

OPENL3_RECIPE = Recipe(
    sample_rate=48_000,
    window_s=1.0,
    hop_s=1.0,
    front_end=Mel(
        n_fft=2048,
        hop_length=242,
        n_mels=256,
        mel_scale="htk",
        padding="same",
        band_power=0.5,
        log=Log(kind="db", reference="max", range=80.0),
    ),
    layout=(BATCH, CHANNEL, MEL, TIME),
)
"""Cramer et al. 2019, §3, and the published code: 199 frames, decibels of the mel bands' amplitude below each window's loudest."""

_RECIPES = {"vggish": VGGISH_RECIPE, "openl3": OPENL3_RECIPE}


def load(spec: EncoderSpec, device: str = "cpu", weights_path: Path | None = None, *, fast: bool = False) -> Encoder:
    """Load an encoder of the slot on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

    `weights_path` is the file of `vggish` or `openl3`, or the folder of a user's own model; None looks in the usual folders. Raises
    EncoderError and WeightsError, in one sentence, for anything that is missing, damaged, changed or not safe to run.
    """
    place = weights.find(spec, places.weights_folders(), weights_path)
    if spec.id not in _RECIPES:
        return _own(spec, place, device)
    file = weights.path_of(place, weights.source_of(spec).files[0]) if place.is_dir() else place
    return _known_onnx(spec, file, device) if file.suffix == ".onnx" else _known_torch(spec, file, device)


def spec_of(folder: Path, encoder_id: str, title: str = "") -> EncoderSpec:
    """The description of a user's own model, which is tried for it. `title` "" takes its own, or the folder's name.

    Raises EncoderError, in one sentence, when the folder has no model that can be run safely and gives embeddings.
    """
    from musicclass_gui.engine.encoders import onnx_check, onnx_model, onnx_tags

    recipe = onnx_recipe.read(folder / onnx_recipe.FILE)
    onnx_check.read(folder / MODEL_FILE)
    dim = onnx_model.dim_of(onnx_model.Session(folder / MODEL_FILE, recipe), recipe)
    if recipe.tags:
        onnx_tags.head_of(folder / MODEL_FILE, recipe.output, recipe.tags, dim)
    files = [MODEL_FILE, onnx_recipe.FILE, *onnx_check.data_files(folder / MODEL_FILE)]
    licence = recipe.licence or "not known"
    return EncoderSpec(
        id=encoder_id,
        version=_version(folder, files),
        title=title or recipe.title or folder.name,
        sample_rate=recipe.sample_rate,
        grid=Grid(recipe.window_s, onnx_recipe.hop_of(recipe)),
        dim=dim,
        licence=licence,
        weights=WeightsSource(home="Your own model", licence=licence, files=tuple(_described(folder / name) for name in files)),
        family="onnx_slot",
        tags=f"{len(recipe.tags.labels)} tags of its own" if recipe.tags else "",
    )


def _version(folder: Path, files: Sequence[str]) -> str:
    """Eight hexadecimal digits that tell a model and its recipe from others."""
    return sha256("".join(weights.sha256(folder / name) for name in files).encode()).hexdigest()[:8]


def _described(path: Path) -> WeightsFile:
    return WeightsFile(path.name, size_bytes=path.stat().st_size, sha256=weights.sha256(path))


def _own(spec: EncoderSpec, folder: Path, device: str) -> OnnxEncoder:
    recipe = onnx_recipe.read(folder / onnx_recipe.FILE)
    return _opened(spec, recipe, folder / MODEL_FILE, device)


def _opened(spec: EncoderSpec, recipe: Recipe, file: Path, device: str) -> OnnxEncoder:
    from musicclass_gui.engine.encoders import onnx_check, onnx_model, onnx_tags

    onnx_check.read(file)
    chosen = devices.resolve(device)
    session = onnx_model.Session(file, recipe, chosen.name)
    notices = chosen.notices
    if recipe.tags:
        head = onnx_tags.head_of(file, recipe.output, recipe.tags, spec.dim)
        return onnx_model.TaggingEncoder(spec, recipe, session, notices, head)
    return onnx_model.OnnxEncoder(spec, recipe, session, notices)


def _known_onnx(spec: EncoderSpec, file: Path, device: str) -> OnnxEncoder:
    from musicclass_gui.engine.encoders import onnx_check

    sizes, outputs = onnx_check.ends(file)
    recipe = fitted(_RECIPES[spec.id], sizes)
    if recipe is None:
        shape = " × ".join(f"{size or '?'}" for size in sizes)
        raise WeightsError(
            f"“{file}” takes {shape}, which is not what {spec.id} takes; add it with a {onnx_recipe.FILE} as a model of your own."
        )
    output = next((name for name, shape in outputs.items() if math.prod(shape[1:]) == spec.dim), next(iter(outputs), ""))
    return _opened(spec, replace(recipe, output=output), file, device)


def fitted(recipe: Recipe, sizes: Sequence[int]) -> Recipe | None:
    """The recipe with its axes in the order of an input's `sizes` (0: any), or None when they are others.

    A model that takes as many samples as a window has does the front end itself.
    """
    names = {recipe.patch_steps: TIME, recipe.bands: MEL, 1: CHANNEL}
    layout = (BATCH, *(names.get(size, "") for size in sizes[1:]))
    if sorted(axis for axis in layout if axis != CHANNEL) == sorted([BATCH, TIME, MEL]):
        return replace(recipe, layout=layout)
    waves = (BATCH, *({recipe.samples: TIME, 1: CHANNEL}.get(size, "") for size in sizes[1:]))
    if sorted(axis for axis in waves if axis != CHANNEL) == sorted([BATCH, TIME]):
        return replace(recipe, layout=waves, front_end=Waveform())
    return None


def _known_torch(spec: EncoderSpec, file: Path, device: str) -> Encoder:
    from musicclass_gui.engine.encoders import onnx_torch

    chosen = devices.resolve(device)
    return onnx_torch.load(spec, _RECIPES[spec.id], file, chosen.name, chosen.notices)
