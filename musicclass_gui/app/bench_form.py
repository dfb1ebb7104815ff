"""What the user asks of a benchmark: the choices, and what is still missing.

Plain values and rules; it knows no Qt and asks nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Config
from musicclass_gui.engine.encoders import find_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musicclass_gui.app.bench_plain import ProtocolView
    from musicclass_gui.engine.benchmark.protocol import Option

BOTH = "both"
MODE_TITLES = {PUBLISHED: "As published", CORRECTED: "Corrected", "coded": "As coded", BOTH: "Both"}
MOST_SEEDS = 20
_UNABLE = "None of the ticked methods can be run on this encoder; tick others, or choose another encoder."
_SECOND_BEST = "mn04-as"  # where the paper's encoders are not here


@dataclass
class Form:
    """The choices for one protocol. `mode` is one of the protocol's or "both"; `options` holds only what the user set himself.
    No tasks or features stand for all that the data have.

    `workers` processes compute cells, or the Dask cluster at the address `cluster`; both give the same numbers.
    """

    protocol: ProtocolView
    data: str = ""
    dataset: str = ""
    encoder: str = ""
    methods: set[str] = field(default_factory=set)
    mode: str = BOTH
    orders: set[str] = field(default_factory=set)
    seeds: str = "0"
    tasks: set[str] = field(default_factory=set)
    features: set[str] = field(default_factory=set)
    options: dict[str, Any] = field(default_factory=dict)
    workers: int = 1
    cluster: str = ""

    @property
    def wrong(self) -> str:
        """What is still missing or cannot be, as a sentence; "" when it can be run."""
        checks = (
            (not self.data, "Choose the folder with the data."),
            (bool(self.protocol.encoders) and not self.encoder, "Choose an encoder."),
            (bool(self.protocol.methods) and not self.methods, "Choose at least one method."),
            (bool(self.methods) and not self.methods - self.unable, _UNABLE),
            (bool(self.protocol.orders) and not self.orders, "Choose at least one class order."),
            (not seeds_of(self.seeds), f"Seeds are whole numbers with commas between them, {MOST_SEEDS} at most."),
        )
        return next((sentence for missing, sentence in checks if missing), "")

    @property
    def unable(self) -> set[str]:
        """The methods that are chosen and cannot be run on the encoder; they are left out of a run."""
        return self.methods - able(self.protocol, self.encoder)

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that are run."""
        return self.protocol.modes if self.mode == BOTH else (self.mode,)

    def config(self, device: str = "auto", weights_folder: str = "") -> Config:
        """The run that is asked for."""
        protocol = self.protocol
        return Config(
            protocol.id,
            self.data,
            self.dataset,
            self.encoder,
            _chosen((method.id for method in protocol.methods), self.methods - self.unable),
            self.modes,
            _chosen(protocol.orders, self.orders),
            seeds_of(self.seeds),
            _chosen(protocol.tasks, self.tasks),
            _chosen(protocol.features, self.features),
            dict(self.options),
            device,
            weights_folder,
        )


def able(protocol: ProtocolView, encoder: str) -> set[str]:
    """The ids of the methods that can be run on an encoder."""
    spec = find_spec(encoder) if encoder else None
    family = spec.family if spec else ""
    return {one.id for one in protocol.methods if not one.families or family in one.families}


def fresh(protocol: ProtocolView, kept: Mapping[str, Any], encoders: Sequence[str]) -> Form:
    """The form for a protocol as it is at first: the paper's methods, everything else; `kept` is what was remembered of the last one.

    `encoders` are the ids of those that can be used.
    """
    datasets = [one.id for one in protocol.datasets]
    wanted = [one for one in (*protocol.encoders, _SECOND_BEST, *encoders) if one in encoders] if protocol.encoders else []
    first = next(iter(wanted), "")
    form = Form(
        protocol,
        data=_text(kept, "data"),
        dataset=_one_of(_text(kept, "dataset"), datasets),
        encoder=_text(kept, "encoder") if protocol.encoders and _text(kept, "encoder") in encoders else first,
        methods={method.id for method in protocol.methods if method.paper} or {method.id for method in protocol.methods},
        mode=BOTH if len(protocol.modes) > 1 else "".join(protocol.modes),
        orders=set(protocol.orders),
    )
    form.methods = form.methods if form.methods - form.unable else able(protocol, form.encoder)
    methods = kept.get("methods")
    if isinstance(methods, list):
        form.methods = {method.id for method in protocol.methods if method.id in methods} or form.methods
    return form


def of_config(protocol: ProtocolView, config: Config) -> Form:
    """The form that would ask for a run again."""
    mode = config.modes[0] if len(config.modes) == 1 else BOTH
    return Form(
        protocol,
        config.data,
        config.dataset,
        config.encoder,
        set(config.methods),
        mode,
        set(config.orders),
        ", ".join(map(str, config.seeds)),
        set(config.tasks),
        set(config.features),
        dict(config.options),
    )


def kept(form: Form) -> dict[str, Any]:
    """What is remembered of a form for the next time."""
    return {"data": form.data, "dataset": form.dataset, "encoder": form.encoder, "methods": sorted(form.methods)}


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds in a text such as "0, 1, 2"; nothing when it is not such a text."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MOST_SEEDS or not all(part.isdecimal() and len(part) < 10 for part in parts):
        return ()
    return tuple(dict.fromkeys(int(part) for part in parts))


def mode_title(mode: str) -> str:
    """A mode for people."""
    return MODE_TITLES.get(mode, mode.replace("_", " ").capitalize())


def in_mode(option: Option, mode: str) -> Any:
    """What an option is in a mode, where the user did not set it."""
    return option.modes.get(mode, option.default)


def value_words(value: Any) -> str:
    """An option's value for people."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _chosen(all_of_them: Any, chosen: set[str]) -> tuple[str, ...]:
    return tuple(one for one in all_of_them if one in chosen)


def _one_of(wanted: str, known: Sequence[str]) -> str:
    return wanted if wanted in known else next(iter(known), "")


def _text(kept: Mapping[str, Any], key: str) -> str:
    value = kept.get(key)
    return value if isinstance(value, str) else ""
