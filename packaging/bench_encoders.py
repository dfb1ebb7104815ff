"""Measures how fast large encoders run, as ratios in one run, with random weights of the published geometry in the hub's format.

On the CPU: plain `transformers` in float32 against the program's exact and its rounded way, and how far their results are apart.
With `--device cuda`: many windows at once against one at a time, and how well CUDA and the CPU agree, for every encoder whose weights
are found or can be made up. Nothing is downloaded, and nothing is left behind.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Encoder, EncoderSpec

    Embed = Callable[[NDArray[np.float32]], NDArray[Any]]

Thing = TypeVar("Thing")
ROOT = Path(__file__).resolve().parents[1]
MERTS = {
    "mert-v1-95m": {},
    "mert-v1-330m": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "do_stable_layer_norm": True,
    },
}
LARGER_CLAP = {"patch_embeds_hidden_size": 128, "hidden_size": 1024, "depths": [2, 2, 12, 2], "num_attention_heads": [4, 8, 16, 32]}
EXACT, ROUNDED, CUDA_BATCH = 1.6, 2.0, 5.0
"""Times as fast as plain transformers, and many windows as one."""

EXACT_ERROR, ROUNDED_ERROR, COSINE = 1e-4, 0.02, 0.999
Row = tuple[str, str, str, bool]


def main() -> int:
    """Measure and say; 1 when something is slower or less exact than it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--encoder", default="mert-v1-95m", choices=list(MERTS), help="which MERT on the CPU")
    parser.add_argument("--clap", action="store_true", help="the larger CLAP's ear on the CPU, instead of MERT")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("MUSICCLASS_CACHE", "MUSICCLASS_HOME"):
            os.environ[name] = str(Path(folder) / name.lower())
        if given.device != "cpu":
            rows = across(given.device, Path(folder))
        elif given.clap:
            rows = clap_rows(Path(folder), given.rounds)
        else:
            rows = mert_rows(Path(folder), given.encoder, given.rounds)
    for name, value, limit, fine in rows:
        print(f"{'ok  ' if fine else 'MISS'}  {name:<58} {value:>34}   {limit}")
    return 0 if all(row[3] for row in rows) else 1


# On the CPU: theirs, ours, ours rounded, in turn


def mert_rows(folder: Path, encoder_id: str, rounds: int) -> list[Row]:
    """A MERT with windows of 5 s."""
    import torch
    from transformers import HubertConfig, HubertModel

    from musicclass_gui.engine.encoders import find_spec

    spec = found(find_spec(encoder_id))
    make_mert(spec, folder)
    model = HubertModel.from_pretrained(folder / spec.id, config=HubertConfig(**MERTS[encoder_id]), local_files_only=True).eval()

    def plain(window: NDArray[np.float32]) -> NDArray[Any]:
        with torch.inference_mode():
            made = model(torch.from_numpy(window[None]), output_hidden_states=True)
        return torch.stack([state.mean(1) for state in (*made.hidden_states[:-1], made.last_hidden_state)], 1)[0].numpy()

    return compared(spec, folder, plain, lambda encoder: lambda window: encoder._runner.run([window])[0], rounds)


def clap_rows(folder: Path, rounds: int) -> list[Row]:
    """The larger CLAP with windows of 10 s, front end included."""
    import torch
    from transformers import ClapFeatureExtractor, ClapModel

    from musicclass_gui.engine.encoders import find_spec

    spec = found(find_spec("clap-music-speech"))
    make_clap(spec, folder)
    model = ClapModel.from_pretrained(folder / spec.id, local_files_only=True).eval()
    extractor = ClapFeatureExtractor.from_pretrained(folder / spec.id, local_files_only=True)

    def plain(window: NDArray[np.float32]) -> NDArray[Any]:
        features = extractor(window, sampling_rate=spec.sample_rate, return_tensors="pt")
        with torch.inference_mode():
            return model.get_audio_features(**features).pooler_output[0].numpy()

    return compared(spec, folder, plain, lambda encoder: lambda window: encoder.embed([window])[0], rounds)


def compared(spec: EncoderSpec, folder: Path, plain: Embed, run: Callable[[Any], Embed], rounds: int) -> list[Row]:
    """Times and errors of both ways to compute, beside `plain`; `run` is how an encoder of ours gives what `plain` gives."""
    began = time.perf_counter()
    exact = load(spec, "cpu", folder)
    loading = time.perf_counter() - began
    patient = run(exact)(music(spec, 1)[0])  # by torch
    began = time.perf_counter()
    hastened = hasten(exact)
    hastening = time.perf_counter() - began
    ways = {"plain": plain, "exact": run(exact), "rounded": run(load(spec, "cpu", folder, fast=True))}
    seconds = in_turn(ways, music(spec, rounds))
    errors = {name: relative(ways[name], plain, music(spec, 3)) for name in ways}
    again = run(load(spec, "cpu", folder))
    began = time.perf_counter()
    again(music(spec, 1)[0])
    first = time.perf_counter() - began
    print(f"{spec.id}: loaded in {loading:.1f} s, written for onnxruntime in {hastening:.1f} s, first window of a later use {first:.2f} s")
    print(f"onnxruntime is used: {hastened}; {', '.join(f'{name} {s:.3f} s' for name, s in seconds.items())} for {spec.grid.window_s:g} s")
    times = {name: seconds["plain"] / seconds[name] for name in ways}
    early = distance(patient, plain(music(spec, 1)[0]))
    return [
        ("exact, times as fast as plain transformers", f"{times['exact']:.2f}", f"≥ {EXACT:g}", times["exact"] >= EXACT),
        ("exact, relative error", f"{errors['exact']:.1e}", f"≤ {EXACT_ERROR:g}", errors["exact"] <= EXACT_ERROR),
        ("exact by torch, before that, relative error", f"{early:.1e}", f"≤ {EXACT_ERROR:g}", early <= EXACT_ERROR),
        ("rounded, times as fast as plain transformers", f"{times['rounded']:.2f}", f"≥ {ROUNDED:g}", times["rounded"] >= ROUNDED),
        ("rounded, relative error", f"{errors['rounded']:.1e}", f"≤ {ROUNDED_ERROR:g}", errors["rounded"] <= ROUNDED_ERROR),
    ]


def in_turn(ways: dict[str, Embed], windows: Sequence[NDArray[np.float32]]) -> dict[str, float]:
    """The median seconds of each, taken in turn, so that what else the machine does meets all of them; the first round is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for window in (windows[0], *windows):
        for name, way in ways.items():
            began = time.perf_counter()
            way(window)
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


def hasten(encoder: Any) -> bool:
    """Have whatever net of it there is written for onnxruntime now, rather than when it pays."""
    from musicclass_gui.engine.encoders.exported import Exported

    nets = [net for net in encoder._runner.net.modules() if isinstance(net, Exported)]
    return bool(nets) and all([net.hasten() for net in nets])


# Across devices: every encoder of the table


def across(device: str, folder: Path) -> list[Row]:
    """Throughput on `device` and agreement with the CPU, for every encoder that is a torch net."""
    from musicclass_gui.engine import device as devices
    from musicclass_gui.engine.encoders import table

    print(f"{devices.describe(devices.resolve(device).name)}; windows a second")
    print(f"{'encoder':<18} {'one':>8} {'many':>8} {'rounded':>8} {'many/one':>9} {'cosine':>9} {'rounded':>9}")
    rows: list[Row] = []
    for spec in table.rows():
        if spec.weights is None or not available(spec, folder):
            print(f"{spec.id:<18} no weights are here, and none are made up" if spec.weights else f"{spec.id:<18} is no net")
            continue
        rows += one_across(spec, device, folder)
        gc.collect()
    return rows


def one_across(spec: EncoderSpec, device: str, folder: Path) -> list[Row]:
    """One line, and whether it is as it should be."""
    windows = music(spec, max(32, min(256, int(640 / spec.grid.window_s))))
    expected = load(spec, "cpu", folder).embed(windows[:4])
    encoder = load(spec, device, folder)
    single, many = (
        speed(lambda: [encoder.embed([window]) for window in windows[:16]], 16),
        speed(lambda: encoder.embed(windows), len(windows)),
    )
    near = cosine(encoder.embed(windows[:4]), expected)
    cells = [near]
    quick = float("nan")
    if spec.rounding:
        rounded = load(spec, device, folder, fast=True)
        quick = speed(lambda: rounded.embed(windows), len(windows))
        cells.append(cosine(rounded.embed(windows[:4]), expected))
    told = f"{spec.id:<18} {single:>8.1f} {many:>8.1f} {quick:>8.1f} {many / single:>9.1f} " + " ".join(f"{cell:>9.6f}" for cell in cells)
    print(told + "".join(f"  {notice}" for notice in encoder.notices), flush=True)
    rows: list[Row] = [(f"{spec.id}: least cosine between devices", f"{min(cells):.6f}", f"≥ {COSINE:g}", min(cells) >= COSINE)]
    if spec.id in MERTS:
        times = max(many, quick) / single
        rows.append((f"{spec.id}: many windows, times one", f"{times:.1f}", f"≥ {CUDA_BATCH:g}", times >= CUDA_BATCH))
    return rows


def available(spec: EncoderSpec, folder: Path) -> bool:
    """Whether weights of an encoder are found, or could be made up in `folder`."""
    from musicclass_gui.engine import places
    from musicclass_gui.engine.encoders import weights
    from musicclass_gui.engine.errors import WeightsError

    source = weights.source_of(spec)
    try:
        weights.find(spec, [*places.weights_folders(), folder])
    except WeightsError:
        if source.folder in MERTS:
            make_mert(spec, folder)
        elif spec.family == "clap":
            make_clap(spec, folder)
        elif spec.family in ("taggers", "clmr"):
            return make_small(spec, folder)
        else:
            return False
    return True


def speed(work: Callable[[], object], windows: int) -> float:
    """Windows a second, best of three after one that is not counted."""
    work()
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return windows / min(taken)


# Weights that mean nothing, in the publishers' formats


def make_mert(spec: EncoderSpec, folder: Path) -> None:
    """As MERT's hub has it: a model_type of its own, and a .bin file with torch's old names of a weight norm's parts."""
    import torch
    from transformers import HubertConfig, HubertModel

    name = found(spec.weights).folder
    (folder / name).mkdir()
    torch.manual_seed(0)
    config = HubertConfig(**MERTS[name])
    (folder / name / "config.json").write_text(json.dumps({**config.to_dict(), "model_type": "mert_model"}), "utf-8")
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    state = HubertModel(config).state_dict()
    torch.save({renamed(key, old): value for key, value in state.items()}, folder / name / "pytorch_model.bin")


def make_clap(spec: EncoderSpec, folder: Path) -> None:
    """As CLAP's hub has it; the half that reads is tiny, and its tokenizer knows bytes."""
    import torch
    from transformers import ClapConfig, ClapModel

    tiny = helper("tiny_clap")
    torch.manual_seed(0)
    place = folder / spec.id
    hears = {} if spec.id == "clap-unfused" else LARGER_CLAP
    ClapModel(ClapConfig(text_config=tiny.config().text_config.to_dict(), audio_config=hears)).save_pretrained(place)
    tiny.extractor().save_pretrained(place)
    tiny.tokenizer().save(str(place / "tokenizer.json"))


def make_small(spec: EncoderSpec, folder: Path) -> bool:
    """Of the small nets, as the tests make them; whether they are taken for what is published, which some have a checksum for."""
    from musicclass_gui.engine.encoders import weights
    from musicclass_gui.engine.errors import WeightsError

    helper("made_weights").make(spec.id, folder)
    try:
        weights.find(spec, [folder])
    except WeightsError:
        return False
    return True


def helper(name: str) -> Any:
    """A module of the tests that makes nets up."""
    from importlib import import_module

    sys.path.insert(0, str(ROOT / "tests" / "engine"))
    try:
        return import_module(f"encoders.{name}")
    finally:
        sys.path.pop(0)


def renamed(name: str, names: dict[str, str]) -> str:
    """A name with parts of it replaced."""
    for one, other in names.items():
        name = name.replace(one, other)
    return name


# What all of them need


def load(spec: EncoderSpec, device: str, folder: Path, *, fast: bool = False) -> Encoder:
    """An encoder with the weights that are found, or were made up in `folder`."""
    from musicclass_gui.engine import places
    from musicclass_gui.engine.encoders import table, weights

    return table.load(spec, device, weights.find(spec, [*places.weights_folders(), folder]), fast=fast)


def music(spec: EncoderSpec, count: int) -> list[NDArray[np.float32]]:
    """Windows with tones and noise in them, each another."""
    import numpy as np

    t = np.arange(round(spec.grid.window_s * spec.sample_rate)) / spec.sample_rate
    made = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        tones = sum(rng.uniform(0.02, 0.2) * np.sin(2 * np.pi * hertz * t) for hertz in rng.uniform(80, 4000, 8))
        made.append((tones + 0.01 * rng.standard_normal(t.size)).astype(np.float32))
    return made


def relative(way: Embed, plain: Embed, windows: Sequence[NDArray[np.float32]]) -> float:
    """The largest relative error over some windows."""
    return max(distance(way(window), plain(window)) for window in windows)


def distance(made: NDArray[Any], expected: NDArray[Any]) -> float:
    """How far apart two results are, beside the length of the second."""
    import numpy as np

    return float(np.linalg.norm(made.astype(np.float64) - expected) / np.linalg.norm(expected))


def cosine(made: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The least cosine between rows."""
    import numpy as np

    lengths = np.linalg.norm(made, axis=1) * np.linalg.norm(expected, axis=1)
    return float((np.einsum("nd,nd->n", made.astype(np.float64), expected) / lengths).min())


def found(thing: Thing | None) -> Thing:
    """What must be there."""
    if thing is None:
        raise LookupError("not in the table of encoders")
    return thing


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
