"""Learning to Prompt (L2P, Wang et al., CVPR 2022) inside a HuBERT, as the ISMIR 2024 paper uses it (see `Prompting`).

A pool of prompts with keys is learned; what each chunk is most like chooses some of them, which go before its frames into the frozen
transformer, and what comes out at their places describes the chunk. So there is nothing to keep in a cache: every chunk goes through the
net twice at every visit. It knows no sessions, labels and files. Imports torch, so only the strategy `l2p` imports it, when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Iterator

EUCLIDEAN, COSINE = "euclidean", "cosine"
ALL, LAST = "all layers", "last layer"


@dataclass(frozen=True)
class Prompting:
    """How prompts are chosen and learned; the defaults are those of the paper's latest code.

    Its published numbers come from `pool` 10, `matching` cosine, `query` the last layer, `repelled` (the similarity was added to the loss,
    which drives keys away from what they should be near) and `noisy` (the frozen net kept dropping out).
    """

    pool: int = 20
    chosen: int = 5
    length: int = 5
    matching: str = EUCLIDEAN
    query: str = ALL
    repelled: bool = False
    noisy: bool = False


class Seen(NamedTuple):
    """A batch as the prompts see it: `(n, layers + 1, dim)` means over the prompts' places, and the loss that moves keys, a number."""

    features: Tensor
    key_loss: Tensor


class PromptPool(nn.Module):
    """`pool` prompts of `length` tokens and a key for each, all of `dim`, drawn from a generator of one's own."""

    def __init__(self, dim: int, how: Prompting, generator: torch.Generator) -> None:
        super().__init__()
        self.how = how
        self.keys = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(how.pool, dim), generator=generator))
        self.prompts = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(how.pool, how.length, dim), generator=generator))

    def forward(self, query: Tensor) -> tuple[Tensor, Tensor]:
        """Queries `(n, dim)` → their prompts `(n, chosen · length, dim)`, nearest key first, and the key loss."""
        away, chosen = self.distances(query).topk(self.how.chosen, dim=1, largest=False)
        return self.prompts[chosen].flatten(1, 2), self._key_loss(away)

    def distances(self, query: Tensor) -> Tensor:
        """`(n, pool)` Euclidean distances, or 1 − cosine similarity."""
        if self.how.matching == COSINE:
            cosines: Tensor = F.normalize(query, dim=1) @ F.normalize(self.keys, dim=1).T
            return 1 - cosines
        away: Tensor = torch.linalg.vector_norm(query[:, None] - self.keys[None], dim=2)
        return away

    def _key_loss(self, away: Tensor) -> Tensor:
        """Sum over the chosen keys, mean over the batch. Repelled keys: Σ|cosine| where that is the matching, else −Σ distance."""
        if not self.how.repelled:
            return away.sum(1).mean()
        return (1 - away).abs().sum(1).mean() if self.how.matching == COSINE else -away.sum(1).mean()


class Prompted(nn.Module):
    """A frozen `transformers.HubertModel` that looks at each chunk through the prompts it calls for; only `pool` learns.

    What learns, and all that comes and goes, is on the CPU; the net is where its weights are.
    """

    def __init__(self, hubert: Any, how: Prompting, generator: torch.Generator) -> None:
        super().__init__()
        self.hubert: Any = hubert.requires_grad_(False)
        self.pool = PromptPool(int(hubert.config.hidden_size), how, generator)

    @property
    def device(self) -> torch.device:
        """Where the net is."""
        weight: Tensor = next(self.hubert.parameters())
        return weight.device

    def train(self, mode: bool = True) -> Prompted:
        """The net behind stays in evaluation mode unless prompting is `noisy`."""
        super().train(mode)
        self.hubert.train(mode and self.pool.how.noisy)
        return self

    def forward(self, samples: Tensor) -> Seen:
        """`(n, samples)` at the net's rate."""
        with torch.no_grad():
            frames = self.frames(samples.to(self.device))
            query = self.query(frames)
        prompts, key_loss = self.pool(query.cpu())
        states = hidden_states(self.hubert, torch.cat([prompts.to(self.device), frames], dim=1))
        return Seen(torch.stack([state[:, : prompts.shape[1]].mean(1) for state in states], dim=1).cpu(), key_loss)

    def frames(self, samples: Tensor) -> Tensor:
        """What goes into the transformer, `(n, frames, dim)`."""
        frames: Tensor = self.hubert.feature_projection(self.hubert.feature_extractor(samples).transpose(1, 2))
        return frames

    def query(self, frames: Tensor) -> Tensor:
        """What a chunk is like without prompts, `(n, dim)`: mean over time of all hidden states, or of the last."""
        means = [state.mean(1) for state in hidden_states(self.hubert, frames)]
        return means[-1] if self.pool.how.query == LAST else torch.stack(means).mean(0)


def hidden_states(hubert: Any, frames: Tensor) -> list[Tensor]:
    """What goes into the first layer and what comes out of each, as `output_hidden_states` of the whole model gives them in evaluation.

    In training a layer that is dropped passes on what it got (`transformers` leaves it out of its list since version 5). Of larger
    nets, which end with a norm, the last comes after it.
    """
    return list(_states(hubert.encoder, hubert.config, frames))


def _states(encoder: Any, config: Any, frames: Tensor) -> Iterator[Tensor]:
    stable, layer_drop = config.do_stable_layer_norm, config.layerdrop if encoder.training else 0.0
    state = frames + encoder.pos_conv_embed(frames)
    state = encoder.dropout(state if stable else encoder.layer_norm(state))
    for layer in encoder.layers:
        yield state
        if not layer_drop or torch.rand(()) >= layer_drop:
            state = layer(state)
    yield encoder.layer_norm(state) if stable else state
