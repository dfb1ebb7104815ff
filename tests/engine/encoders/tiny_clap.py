"""A CLAP of a few thousand parameters in the folder that `transformers` and its hub write: random, but the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import RobertaProcessing
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

if TYPE_CHECKING:
    from pathlib import Path

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
DIM = 16


def make(folder: Path, *, seed: int = 0, truncation: str = "rand_trunc", dim: int = DIM, **audio: Any) -> None:
    """Write config.json, model.safetensors, preprocessor_config.json and tokenizer.json into a folder.

    Its tokens are bytes, so any text will do. With 512 numbers (`dim`) it can stand in for a published one. `audio` are more fields of
    its audio_config.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = net(seed=seed, dim=dim, **audio)
    model.save_pretrained(folder)
    extractor(truncation).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))


def net(*, seed: int = 0, dim: int = DIM, **audio: Any) -> ClapModel:
    """Random weights, wide enough that sounds and words come out apart, and a batch norm that does something."""
    torch.manual_seed(seed)
    model = ClapModel(config(dim=dim, **audio)).eval()
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, 0, 0.15 if "embeddings" not in name else 1.0)
    norm = model.audio_model.audio_encoder.batch_norm
    norm.running_mean.normal_(-40, 5)
    norm.running_var.uniform_(100, 400)
    return model.requires_grad_(False)


def config(*, dim: int = DIM, **audio: Any) -> ClapConfig:
    text = {
        "vocab_size": 256 + len(SPECIALS),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 130,
    }
    hears = {
        "patch_embeds_hidden_size": 16,
        "hidden_size": 32,
        "depths": [1, 1],
        "num_attention_heads": [2, 2],
        "window_size": 8,
        "spec_size": 256,
        "num_mel_bins": 64,
        "num_hidden_layers": 2,
    }
    return ClapConfig(text_config=text, audio_config={**hears, **audio}, projection_dim=dim)


def extractor(truncation: str = "rand_trunc") -> ClapFeatureExtractor:
    """With the hub's bounds of frequency."""
    return ClapFeatureExtractor(frequency_min=50, truncation=truncation)


def tokenizer() -> Tokenizer:
    """RoBERTa's, without any merges: its vocabulary is the bytes and the marks."""
    made = Tokenizer(BPE(vocabulary(), []))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    return made


def vocabulary() -> dict[str, int]:
    return {token: number for number, token in enumerate([*SPECIALS, *sorted(ByteLevel.alphabet())])}
