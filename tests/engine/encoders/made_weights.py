"""Random weights, the same each time, in the files that publishers make: they prove every way of loading without a download."""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import nn
from torchaudio.functional import melscale_fbanks

from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import samplecnn_net, taggers, taggers_nets, taggers_parts

if TYPE_CHECKING:
    from pathlib import Path

State = dict[str, torch.Tensor]
N = TypeVar("N", bound=nn.Module)


def make(encoder_id: str, folder: Path) -> Path:
    """Write made weights of an encoder where a weights folder has them; what the encoder is loaded from."""
    spec = encoders.find_spec(encoder_id)
    assert spec is not None
    assert spec.weights is not None
    target = folder / (spec.weights.folder or spec.id) / spec.weights.files[0].name.partition("|")[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    if spec.family == "taggers":
        torch.save(tagger(encoder_id).state_dict(), target)
    else:
        target.write_bytes({"clmr": clmr_zip}[encoder_id]())
    return target


def tagger(encoder_id: str) -> taggers_parts.TaggingNet:
    """One of the taggers, which hears apart what sounds different."""
    torch.manual_seed(0)
    net = taggers_nets.NETS[encoder_id]()
    for module in net.modules():
        if isinstance(module, taggers_parts.MelScale):
            module.fb.copy_(mel_bands(module.fb.shape[1]))
    window_s = next(spec.grid.window_s for spec in taggers.SPECS if spec.id == encoder_id)
    return settled(net, round(window_s * taggers.RATE), taggers.RATE)


def clmr() -> samplecnn_net.ContrastiveCNN:
    torch.manual_seed(0)
    return settled(samplecnn_net.ContrastiveCNN(), samplecnn_net.SAMPLES, 22_050)


def clmr_checkpoint(before: str = "encoder.") -> State:
    """The names of CLMR's release: the encoder's begin with `before`, and a projector of two layers without bias comes after them."""
    projector = {f"{before.removesuffix('encoder.')}projector.{at}.weight": torch.ones(n, 512) for at, n in ((0, 512), (2, 64))}
    return {**{f"{before}{name}": value for name, value in clmr().state_dict().items()}, **projector}


def clmr_zip(name: str = "clmr_checkpoint_10000.pt") -> bytes:
    checkpoint, packed = io.BytesIO(), io.BytesIO()
    torch.save(clmr_checkpoint(), checkpoint)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, checkpoint.getvalue())
        archive.writestr("__MACOSX/._clmr_checkpoint_10000.pt", b"what a Mac adds")
    return packed.getvalue()


def settled(net: N, samples: int, rate: int) -> N:
    """The net after it has heard some tones in training: its batch norms fit, so its depth neither kills nor drowns what it hears."""
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        nn.init.uniform_(norm.weight, 0.8, 1.2)
        nn.init.normal_(norm.bias, 0, 0.1)
    with torch.no_grad():
        net.train()(torch.from_numpy(tones(samples, rate)))
    return net.eval().requires_grad_(False)


def tones(samples: int, rate: int) -> np.ndarray:
    """`(3, samples)` tones with noise."""
    chance, time = np.random.default_rng(0), np.arange(samples) / rate
    return np.stack([0.2 * np.sin(2 * np.pi * hz * time) + 0.02 * chance.standard_normal(samples) for hz in (110, 440, 1760)]).astype("f4")


def mel_bands(mels: int) -> torch.Tensor:
    """`(257, mels)`, as torchaudio's MelSpectrogram makes them."""
    with warnings.catch_warnings():  # with 128 bands, some of the lowest lie between two bins: so it is in the published nets
        warnings.filterwarnings("ignore", message="At least one mel filterbank")
        return melscale_fbanks(257, 0.0, 8000.0, mels, taggers.RATE)
