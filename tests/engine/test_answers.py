"""From window scores to an answer: pooling, the timeline, silence, and what counts as evidence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicclass_gui.engine import pooling
from musicclass_gui.engine.calibration import Calibration, softmax
from musicclass_gui.engine.pooling import Other, Readings
from musicclass_gui.engine.windows import Grid

CLASSES = ["jazz", "metal", "pop"]
PLAIN = Calibration()


def readings(
    winners: list[int], hop: float = 5.0, window: float = 10.0, *, loud: list[bool] | None = None, novelty: object = 0.0
) -> Readings:
    n = len(winners)
    scores = np.zeros((n, 3))
    scores[np.arange(n), winners] = 4.0
    spans = np.array([(i * hop, i * hop + window) for i in range(n)]).reshape(-1, 2)
    return Readings(CLASSES, spans, scores, np.broadcast_to(np.asarray(novelty, float), n).copy(), np.array(loud or [True] * n, bool))


def labels(found: list) -> list[tuple[float, float, str | None]]:
    return [(part.start_s, part.end_s, part.label) for part in found]


def brute_cells(given_readings: Readings) -> list[tuple[float, float, np.ndarray | None]]:
    edges = sorted(set(given_readings.spans.ravel().tolist()))
    found = []
    for start, end in pairwise(edges):
        cover = [i for i, (a, b) in enumerate(given_readings.spans) if a <= start and b >= end and given_readings.loud[i]]
        found.append((start, end, given_readings.scores[cover].mean(axis=0) if cover else None))
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cells_are_the_means_of_what_covers_them(data: st.DataObject) -> None:
    window, hop = data.draw(st.sampled_from([(10.0, 5.0), (5.0, 2.5), (3.0, 1.5), (10.0, 3.0), (4.0, 4.0)]))
    seconds = data.draw(st.integers(1, 80))
    stream = Grid(window, hop).stream(100)
    windows = [*stream.push(np.zeros(100 * seconds + 37, np.float32)), *stream.finish()]
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    n = len(windows)
    one = Readings(
        CLASSES, np.array([(w.start_s, w.end_s) for w in windows]), rng.normal(size=(n, 3)), rng.normal(size=n), rng.random(n) > 0.3
    )
    found, expected = pooling.cells(one), brute_cells(one)
    assert len(found.starts) == len(expected)
    for i, (start, end, scores) in enumerate(expected):
        assert (found.starts[i], found.ends[i], found.covered[i]) == (start, end, scores is not None)
        if scores is not None:
            np.testing.assert_allclose(found.scores[i], scores)


def test_neighbours_with_the_same_label_are_one_segment() -> None:
    found = pooling.segments(CLASSES, pooling.cells(readings([0, 0, 0, 1, 1, 1])), PLAIN)
    assert labels(found) == [(0.0, 20.0, "jazz"), (20.0, 35.0, "metal")]


def test_segments_cover_the_recording_without_gaps_or_overlaps() -> None:
    rng = np.random.default_rng(0)
    found = pooling.segments(CLASSES, pooling.cells(readings(rng.integers(0, 3, 50).tolist())), PLAIN)
    assert found[0].start_s == 0
    assert found[-1].end_s == 255
    assert all(a.end_s == b.start_s and a.label != b.label for a, b in pairwise(found))


def test_a_segments_probability_is_the_mean_over_its_seconds() -> None:
    one = readings([0, 0], hop=10, window=10)
    one.scores[:] = [[2.0, 0, 0], [1.0, 0, 0]]
    one.spans[1] = (10, 40)
    (only,) = pooling.segments(CLASSES, pooling.cells(one), PLAIN)
    first, second = softmax(one.scores)[:, 0]
    assert only.probability == pytest.approx((10 * first + 30 * second) / 40)


def test_strange_moments_have_no_label() -> None:
    calibration = Calibration(window_threshold=1.0)
    found = pooling.segments(CLASSES, pooling.cells(readings([0] * 4, hop=10, novelty=[0, 5, 5, 0])), calibration)
    assert labels(found) == [(0.0, 10.0, "jazz"), (10.0, 30.0, None), (30.0, 40.0, "jazz")]
    assert found[1].probability == 0


def test_silent_moments_have_no_label_and_do_not_count() -> None:
    one = readings([0, 1, 1, 0], hop=10, loud=[True, False, False, True])
    assert labels(pooling.segments(CLASSES, pooling.cells(one), PLAIN)) == [(0.0, 10.0, "jazz"), (10.0, 30.0, None), (30.0, 40.0, "jazz")]
    whole = pooling.verdict(one)
    assert whole is not None
    assert whole.sounding_s == 20
    np.testing.assert_array_equal(whole.scores, [4, 0, 0])


def test_overlapping_seconds_are_counted_once() -> None:
    whole = pooling.verdict(readings([0, 0, 0]))
    assert whole is not None
    assert whole.sounding_s == 20


def test_temperature_flattens_moments() -> None:
    cells = pooling.cells(readings([0]))
    (sharp,), (flat,) = (pooling.segments(CLASSES, cells, Calibration(window_temperature=t)) for t in (1.0, 100.0))
    assert sharp.probability > 0.9 > 0.4 > flat.probability > 1 / 3


def test_nothing_read_yet() -> None:
    nothing = readings([])
    assert pooling.verdict(nothing) is None
    assert pooling.segments(CLASSES, pooling.cells(nothing), PLAIN) == []


def test_an_absent_class_never_gets_a_moment() -> None:
    one = readings([0, 2, 0])
    one.scores[:, 1] = -np.inf
    found = pooling.segments(CLASSES, pooling.cells(one), PLAIN)
    assert {part.label for part in found} <= {"jazz", "pop"}
    assert all(np.isfinite(part.probability) for part in found)


def test_ranking_starts_with_the_likeliest() -> None:
    found = pooling.ranking(CLASSES, np.array([0.2, 0.2, 0.6]))
    assert [(one.label, one.probability) for one in found] == [("pop", 0.6), ("jazz", 0.2), ("metal", 0.2)]


def test_the_windows_that_decided_are_those_with_the_largest_margin() -> None:
    one = readings([0] * 6)
    one.scores[:, 0] = [1, 9, 2, 8, -5, 7]
    found = pooling.deciding_windows(one, 0)
    assert [(part.kind, part.label, part.start_s, part.weight) for part in found] == [
        ("window", "jazz", 5.0, 9.0),
        ("window", "jazz", 15.0, 8.0),
        ("window", "jazz", 25.0, 7.0),
    ]


def test_windows_that_spoke_against_or_were_silent_are_no_evidence() -> None:
    one = readings([1, 0, 0], loud=[True, True, False])
    assert [part.start_s for part in pooling.deciding_windows(one, 0)] == [5.0]


def test_a_classifier_of_one_class_has_no_deciding_windows() -> None:
    one = Readings(["only"], np.array([[0.0, 5.0]]), np.ones((1, 1)), np.zeros(1), np.ones(1, bool))
    assert pooling.deciding_windows(one, 0) == []


OTHERS = (Other("traffic"), Other("not jazz", of=1))


def test_background_wins_only_where_it_is_highest_and_its_share_is_left_out() -> None:
    scores = np.array([[1.0, 0, 0, 2, -9], [2.0, 0, 0, 2, -9], [0.0, 5, 0, 1, -9]])
    probabilities, winner = pooling.decided(scores, OTHERS, 1.0)
    assert winner.tolist() == [3, 0, 1], "of equals, the class wins"
    np.testing.assert_allclose(probabilities, softmax(scores[:, :4])[:, :3])
    assert (probabilities.sum(axis=1) < 1).all()


def test_what_a_class_is_not_takes_its_place_and_no_other() -> None:
    scores = np.array([[0.0, 3, 1, 2, 4], [5.0, 3, 1, 2, 4], [0.0, 3, 1, 2, 3]])
    probabilities, winner = pooling.decided(scores, OTHERS, 1.0)
    assert winner.tolist() == [4, 0, 1]
    np.testing.assert_allclose(probabilities, softmax(scores[:, :4])[:, :3])


def test_segments_of_background_have_no_label() -> None:
    scores = np.zeros((4, 5))
    scores[:, 4] = -9
    scores[[0, 1], 0] = 5
    scores[[2, 3], 3] = 5
    times = pooling.spans_array([(10.0 * k, 10.0 * k + 10) for k in range(4)])
    one = Readings(CLASSES, times, scores, np.zeros(4), np.ones(4, bool), OTHERS)
    found = pooling.segments(CLASSES, pooling.cells(one), PLAIN, OTHERS)
    assert labels(found) == [(0.0, 20.0, CLASSES[0]), (20.0, 40.0, None)]
    assert found[1].probability == 0
    assert pooling.joined([one, one]).others == one.heard().others == OTHERS
