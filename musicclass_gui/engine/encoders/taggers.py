"""The taggers of Won et al. 2020, “Evaluation of CNN-based Automatic Music Tagging Models” (arXiv 2006.00751), as encoders.

Four have published weights; the others are loaded from a state dict that the user has, as the authors' own training writes it. An
embedding is what the net's last layer makes its 50 tags of. Nothing here knows of recordings, classes or heads; torch is imported on use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import EncoderSpec, TagHead, WeightsFile, WeightsSource, weights
from musicclass_gui.engine.encoders.piecewise import PiecewiseEncoder
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders.taggers_parts import TaggingNet

RATE = 16_000

MTAT = (
    "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,indian,opera,male,"
    "singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,sitar,solo,man,classic,choir,voice,new age,"
    "dance,male voice,female vocal,beats,harp,cello,no voice,weird,country,metal,female voice,choral"
)
"""MagnaTagATune's 50 most frequent tags, most frequent first: the order of the authors' split/mtat/tags.npy, which their predict.py names
outputs by. (Their top50_tags.txt, from somebody else's split, has “female voice” before “metal”.)"""

MSD = (
    "rock,pop,alternative,indie,electronic,female vocalists,dance,00s,alternative rock,jazz,beautiful,metal,chillout,male vocalists,"
    "classic rock,soul,indie rock,mellow,electronica,80s,folk,90s,chill,instrumental,punk,oldies,blues,hard rock,ambient,acoustic,"
    "experimental,female vocalist,guitar,hip-hop,70s,party,country,easy listening,sexy,catchy,funk,electro,heavy metal,progressive rock,"
    "60s,rnb,indie pop,sad,house,happy"
)
"""The Million Song Dataset's 50 most frequent Last.fm tags, in the order of the authors' split/msd/50tagList.txt."""

JAMENDO = (
    "alternative,ambient,atmospheric,chillout,classical,dance,downtempo,easy listening,electronic,experimental,folk,funk,hip-hop,house,"
    "indie,instrumental pop,jazz,lounge,metal,new age,orchestral,pop,pop folk,pop rock,reggae,rock,soundtrack,techno,trance,trip-hop,world,"
    "acoustic guitar,bass,computer,drum machine,drums,electric guitar,electric piano,guitar,keyboard,piano,strings,synthesizer,violin,"
    "voice,emotional,energetic,film,happy,relaxing"
)
"""MTG-Jamendo's top 50 tags, sorted by their names as the data set spells them (“genre---alternative” to “mood/theme---relaxing”): the
authors' jamendo_loader.py has them numbered by scikit-learn's LabelBinarizer, which sorts."""

_PLAIN = {
    MTAT: "MagnaTagATune's 50 tags: instruments, voices, genres, moods.",
    MSD: "50 Last.fm tags of the Million Song Dataset: genres, decades, moods.",
    JAMENDO: "50 tags of MTG-Jamendo: genres, instruments, moods.",
}
_TAGS = {"fcn-jamendo": JAMENDO, "crnn-msd": MSD}  # all others were trained on MagnaTagATune

_HOME = "https://github.com/minzwon/sota-music-tagging-models"
_RAW = "https://raw.githubusercontent.com/minzwon/sota-music-tagging-models"
_MTAT_COMMIT = "1f4d282693ac19cde4d30b86811fe0ae2452f406"
_OTHERS_COMMIT = "ffcd1f90b97a1e923a50c6e5283f147cf9dd7dfd"
_SHORT = 59_049 / RATE


def _spec(encoder_id: str, title: str, grid: Grid, dim: int, source: WeightsSource, *good_at: str) -> EncoderSpec:
    return EncoderSpec(
        id=encoder_id,
        version="1",
        title=title,
        sample_rate=RATE,
        grid=grid,
        dim=dim,
        licence="MIT" if source.can_be_fetched else "what you got the weights under",
        weights=source,
        family="taggers",
        tags=_PLAIN[_TAGS.get(encoder_id, MTAT)],
        good_at=good_at,
    )


def _published(name: str, path: str, commit: str, size: int, sha256: str) -> WeightsSource:
    return WeightsSource(
        home=_HOME,
        licence="MIT: use it for anything. The authors' page says so of its code, and the weights lie beside it.",
        files=(WeightsFile(name, f"{_RAW}/{commit}/models/{path}/best_model.pth", size, sha256),),
        folder="sota-tagging",
    )


_OWN = WeightsSource(
    home=_HOME,
    licence="The authors publish none; the terms are those that you got the weights under.",
    files=(WeightsFile("best_model.pth"),),
)
"""A state dict that the user trained or was given, on MagnaTagATune; without a sum, since it is not known."""

SPECS = (
    _spec(
        "musicnn-mtat",
        "MusiCNN, taught MagnaTagATune's tags (Won et al. 2020)",
        Grid(3.0, 3.0),
        200,
        _published(
            "mtat-musicnn.pth",
            "mtat/musicnn",
            _MTAT_COMMIT,
            3_257_164,
            "0a7ac8aa3daab3a1c59cae16a771b0bfa4064ac94502ebc990a5c32a2771e189",
        ),
        "Genres: 80.0 % of 70 held-out GTZAN tracks, measured here.",
    ),
    _spec(
        "fcn-mtat",
        "Fully convolutional net, taught MagnaTagATune's tags (Won et al. 2020)",
        Grid(29.1, 14.55),
        64,
        _published("mtat-fcn.pth", "mtat/fcn", _MTAT_COMMIT, 1_902_811, "3bfc67e43f3e180194ab5993c947ffbf44b1a23dcdf42c374b1ced9d4d4de72e"),
        "Genres: 68.6 % of 70 held-out GTZAN tracks, measured here.",
    ),
    _spec(
        "fcn-jamendo",
        "Fully convolutional net, taught MTG-Jamendo's tags (Won et al. 2020)",
        Grid(29.1, 14.55),
        64,
        _published(
            "jamendo-fcn.pth", "jamendo/fcn", _OTHERS_COMMIT, 1_902_815, "7bce08a66dbc70d096b0a330f44b4cacd9aa25519b83489fbb98f2164a194e2b"
        ),
        "Genres: 70.0 % of 70 held-out GTZAN tracks, measured here.",
    ),
    _spec(
        "crnn-msd",
        "Convolutional recurrent net, taught the Million Song Dataset's tags (Won et al. 2020)",
        Grid(29.1, 14.55),
        32,
        _published(
            "msd-crnn.pth", "msd/crnn", _OTHERS_COMMIT, 1_687_711, "ebb99855ed0c83f38845db9cfb383dd6fc70938bc58701dcb66e18af9ee7fbea"
        ),
        "Genres: 82.9 % of 70 held-out GTZAN tracks, measured here.",
    ),
    _spec("short-chunk", "Short-chunk net (Won et al. 2020)", Grid(_SHORT, _SHORT), 512, _OWN),
    _spec(
        "short-chunk-res",
        "Short-chunk net with residuals (Won et al. 2020)",
        Grid(_SHORT, _SHORT),
        512,
        _OWN,
        "MagnaTagATune's tags: ROC-AUC 0.9129, PR-AUC 0.4614, published in arXiv 2006.00751.",
    ),
    _spec("harmonic-cnn", "Harmonic net (Won et al. 2020)", Grid(5.0, 5.0), 256, _OWN),
    _spec("sample-cnn", "SampleCNN (Lee et al. 2017, by Won et al. 2020)", Grid(_SHORT, _SHORT), 512, _OWN),
    _spec("sample-cnn-se", "SampleCNN with squeeze and excitation (Kim et al. 2018, by Won et al. 2020)", Grid(_SHORT, _SHORT), 512, _OWN),
    _spec("self-attention", "Self-attention net (Won et al. 2019 and 2020)", Grid(15.0, 7.5), 256, _OWN),
)
"""Windows are as long as what each net was trained on (the paper's table of inputs), 29.1 s as the paper says where the code takes 29 s:
both give as many steps. Windows of 15 s and more come twice as often as they must, else a timeline would be too coarse to use."""


def tag_names(encoder_id: str) -> tuple[str, ...]:
    """The names of a tagger's 50 tags, in the order of its last layer."""
    return tuple(_TAGS.get(encoder_id, MTAT).split(","))


def load(spec: EncoderSpec, device: str = "cpu", weights_file: Path | None = None, *, fast: bool = False) -> TaggerEncoder:
    """Load one of them on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

    `weights_file` None looks in the usual folders. Raises WeightsError when the weights are missing, damaged, or not this net's.
    """
    from musicclass_gui.engine.encoders import taggers_nets

    net = taggers_nets.read(spec.id, weights.find(spec, places.weights_folders(), weights_file))
    chosen = devices.resolve(device)
    return TaggerEncoder(spec, net, chosen.name, chosen.notices)


class TaggerEncoder(PiecewiseEncoder):
    """One of the nets on a device."""

    def __init__(self, spec: EncoderSpec, net: TaggingNet, device: str = "cpu", notices: Sequence[str] = ()) -> None:
        super().__init__(spec, net, device, notices)
        self._last = net.last()

    def tag_head(self) -> TagHead:
        """The last layer, and what its 50 outputs mean."""
        return TagHead(tag_names(self.spec.id), self._last.weight.cpu().numpy(), self._last.bias.cpu().numpy())
