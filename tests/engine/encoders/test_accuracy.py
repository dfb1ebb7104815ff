"""What the encoders are worth on real music: genres of 70 GTZAN tracks, each recognised by a head that never heard it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine import audio, encoders
from musicclass_gui.engine.encoders import mobilenet, timbre, timbre_frames
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.heads.gaussian import GaussianHead

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.heads import Head
    from musicclass_gui.engine.windows import Audio

    Track = tuple[str, list[Audio]]
    Embedded = list[tuple[str, Embeddings]]


def tracks(data_dir: Path, spec: EncoderSpec) -> list[Track]:
    """Genre and windows of each recording."""
    return [(path.parent.name, windows(path, spec)) for path in audio.find_recordings([data_dir / "gtzan-mini"])]


def windows(path: Path, spec: EncoderSpec) -> list[Audio]:
    recording = audio.probe(path)
    resampler = audio.Resampler(recording.sample_rate, spec.sample_rate)
    with audio.open_blocks(recording) as blocks:
        mono = [resampler.push(audio.to_mono(block)) for block in blocks]
    stream = spec.grid.stream(spec.sample_rate)
    samples = np.concatenate([*mono, resampler.finish()])
    return [window.samples for window in [*stream.push(samples), *stream.finish()]]


def mfcc_statistics(track: list[Audio]) -> Embeddings:
    """The baseline of the transfer-learning literature: means and standard deviations of 20 MFCCs and their two slopes, 120-d."""
    frames = timbre_frames.measure(np.stack(track))
    mfcc = np.concatenate([frames["mfcc"], frames["mfcc_delta"], frames["mfcc_delta2"]], axis=2)
    return np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)], axis=1)


def standardised(embedded: Embedded) -> Embedded:
    rows = np.concatenate([x for _, x in embedded])
    return [(label, (x - rows.mean(axis=0)) / rows.std(axis=0)) for label, x in embedded]


def recognised(embedded: Embedded, head: Head) -> float:
    """Per cent of recordings whose genre wins when the head forgets them first."""
    for label, x in embedded:
        head.learn(x, label)
    right = 0
    for label, x in embedded:
        head.unlearn(x, label)
        right += head.classes[int(head.log_scores(x).mean(axis=0).argmax())] == label
        head.learn(x, label)
    return 100 * right / len(embedded)


@pytest.fixture(scope="module")
def with_timbre(data_dir: Path) -> tuple[Embedded, Embedded]:
    """The recordings by timbre, and by MFCC statistics of the same windows."""
    heard, encoder = tracks(data_dir, timbre.SPEC), timbre.load()
    assert len(heard) == 70
    statistics = standardised([(label, mfcc_statistics(track)) for label, track in heard])
    return [(label, encoder.embed(track)) for label, track in heard], statistics


class TestGenres:
    @pytest.mark.parametrize("head", [CentersHead, GaussianHead, lambda dim: GaussianHead(dim, target="diagonal")])
    def test_timbre_beats_mfcc_statistics_with_the_same_head(
        self, with_timbre: tuple[Embedded, Embedded], head: Callable[[int], Head]
    ) -> None:
        by_timbre, by_mfcc = (recognised(embedded, head(embedded[0][1].shape[1])) for embedded in with_timbre)
        assert by_timbre >= 75
        assert by_timbre > by_mfcc

    def test_mobilenet_knows_at_least_85_percent(self, data_dir: Path) -> None:
        encoder = encoders.load("mn04-as", weights=data_dir / "weights" / "mn04-as" / "mn04_as_mAP_432.pt")
        embedded = [(label, encoder.embed(track)) for label, track in tracks(data_dir, mobilenet.SPEC)]
        assert recognised(embedded, GaussianHead(384)) >= 85
