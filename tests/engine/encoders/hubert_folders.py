"""Tiny nets of the HuBERT family with random weights, in folders as their publishers write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pathlib import Path

TINY: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [12, 12, 12, 12, 12, 12, 12],
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
LARGE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
"""How the larger nets of the family differ in kind."""

REMOTE = {"AutoConfig": "configuration_MERT.MERTConfig", "AutoModel": "modeling_MERT.MERTModel"}
OLD_NAMES = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}


def made_model(seed: int = 0, **settings: Any) -> torch.nn.Module:
    """A net with random weights, none of them as they would be at the start of a training."""
    from transformers import HubertConfig, HubertModel

    torch.manual_seed(seed)
    model: torch.nn.Module = HubertModel(HubertConfig(**{**TINY, **settings})).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def save_new(folder: Path, model: Any) -> Path:
    """As `transformers` saves it now: config.json and model.safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    return folder


def save_as_mert(folder: Path, model: Any, **more: Any) -> Path:
    """As MERT's hub has it: another model_type, code of its own that asks to be run, a .bin file with torch's old names."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {**model.config.to_dict(), "model_type": "mert_model", "architectures": ["MERTModel"], "auto_map": REMOTE, **more}
    said |= {"feature_extractor_cqt": False, "deepnorm": False, "attention_relax": 32.0} | more
    (folder / "config.json").write_text(json.dumps(said), "utf-8")
    for name in ("configuration_MERT.py", "modeling_MERT.py"):
        (folder / name).write_text("raise SystemExit('code of a stranger ran')\n", "utf-8")
    torch.save({old_name(name): tensor.clone() for name, tensor in model.state_dict().items()}, folder / "pytorch_model.bin")
    return folder


def old_name(name: str) -> str:
    """The name that torch gave a tensor before it had parametrizations."""
    for new, old in OLD_NAMES.items():
        name = name.replace(new, old)
    return name


def edit(folder: Path, **fields: Any) -> Path:
    """Change what config.json says; None takes a field out."""
    path = folder / "config.json"
    said = {**json.loads(path.read_text("utf-8")), **fields}
    path.write_text(json.dumps({name: value for name, value in said.items() if value is not None}), "utf-8")
    return folder
