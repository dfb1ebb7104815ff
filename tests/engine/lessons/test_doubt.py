"""What to listen to first: the unsure before the sure, nothing that is taught already, reasons in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from musicclass_gui.engine.answers import Answer, Ranked, Segment
from musicclass_gui.engine.lessons.doubt import Asked, doubts, merged
from musicclass_gui.engine.project.rows import VerdictRow


def asked(
    name: str, *ranking: tuple[str, float], none: bool = False, segments: list[Segment] | None = None, strange: float | None = None
) -> Asked:
    label = None if none or not ranking else ranking[0][0]
    answer = Answer("my", "timbre", label, none, [Ranked(*one) for one in ranking], segments or [])
    return Asked(f"#{name}", f"/{name}.wav", name, answer, strange)


def test_the_closer_the_two_first_the_sooner() -> None:
    found = doubts([asked("sure", ("a", 0.98), ("b", 0.01)), asked("torn", ("a", 0.41), ("b", 0.38)), asked("so", ("b", 0.7), ("a", 0.2))])
    assert [doubt.name for doubt in found] == ["torn", "so", "sure"]
    assert [round(doubt.doubt, 2) for doubt in found] == [0.97, 0.5, 0.03]
    assert found[0].why == "It could be “a” (41 %) as well as “b” (38 %)."
    assert found[1].why == "“b” is likelier (70 %) than “a” (20 %)."
    assert (found[0].label, found[0].probability, found[0].second) == ("a", 0.41, "b")


def test_near_the_limit_of_none_of_these_is_doubtful_on_both_sides() -> None:
    sure = ("a", 0.99), ("b", 0.01)
    found = doubts([
        asked("far in", *sure, strange=-2.0), asked("almost out", *sure, strange=0.98),
        asked("just out", *sure, none=True, strange=1.02), asked("far out", *sure, none=True, strange=9.0),
    ])  # fmt: skip
    assert [doubt.name for doubt in found] == ["almost out", "just out", "far out", "far in"]
    assert found[0].why == "It is answered “a”, but it is almost too strange for any of the classes."
    assert found[1].why == "It sounds like none of the classes; “a” would be nearest."
    assert [doubt.label for doubt in found] == ["a", "", "", "a"]


def test_stretches_that_say_otherwise_or_are_unsure_are_listed() -> None:
    segments = [
        Segment(0, 10, "a", 0.95),
        Segment(10, 15, "b", 0.8),
        Segment(15, 20, "a", 0.55),
        Segment(20, 20.5, "c", 0.3),
        Segment(21, 30, None, 0),
    ]
    found = doubts([asked("x", ("a", 0.9), ("b", 0.05), segments=segments)])
    spans = {(doubt.start_s, doubt.end_s): doubt for doubt in found}
    assert set(spans) == {(None, None), (10, 15), (15, 20)}
    assert spans[10, 15].why == "Here it sounds like “b” (80 %), the whole recording like “a”."
    assert (spans[10, 15].second, spans[10, 15].doubt) == ("a", 0.5)
    assert spans[15, 20].why == "Here “a” is no more than 55 % likely."
    assert round(spans[15, 20].doubt, 2) == 0.9


def test_a_stretch_that_is_the_whole_is_not_said_twice() -> None:
    assert len(doubts([asked("x", ("a", 0.5), ("b", 0.4), segments=[Segment(0, 9, "a", 0.5)])])) == 1


def test_neighbours_of_one_label_are_one() -> None:
    parts = [
        Segment(0, 2, "a", 0.5),
        Segment(2, 2.5, None, 0),
        Segment(2.5, 3.5, "a", 0.8),
        Segment(3.5, 5, "b", 1.0),
        Segment(8, 9, "b", 0.4),
    ]
    assert merged(parts) == [Segment(0, 3.5, "a", 0.6), Segment(3.5, 5, "b", 1.0), Segment(8, 9, "b", 0.4)]


def test_what_is_taught_is_left_out() -> None:
    segments = [Segment(0, 10, "a", 0.5), Segment(10, 20, "b", 0.5)]
    both = [asked("x", ("a", 0.5), ("b", 0.4), segments=segments), asked("y", ("a", 0.5), ("b", 0.4))]
    assert len(doubts(both)) == 4
    assert [doubt.name for doubt in doubts(both, taught=[("#x", None, None)])] == ["y"]
    kept = doubts(both[:1], taught=[("#x", 9.0, 10.0)])
    assert [(doubt.start_s, doubt.end_s) for doubt in kept] == [(10, 20), (None, None)]


def test_verdicts_are_put_in_the_newest_counts() -> None:
    verdicts = [VerdictRow(1, 1, "#x", None, None, 5), VerdictRow(2, 1, "#x", None, None, None), VerdictRow(3, 1, "#y", 1.0, 2.0, 5)]
    found = {doubt.name: doubt for doubt in doubts([asked("x", ("a", 1.0)), asked("y", ("a", 1.0))], verdicts=verdicts)}
    assert (found["x"].verdict, found["x"].verdict_id) == (0, 2)
    assert found["y"].verdict is None
    assert found["x"].why == "“a” is the only class so far."


def test_nothing_asked_or_nothing_answered() -> None:
    assert doubts([]) == []
    assert doubts([asked("x")]) == []


_SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=5).map(lambda found: sorted(found, reverse=True))


@given(st.lists(st.tuples(_SHARES, st.booleans(), st.none() | st.floats(-5, 5)), max_size=8), st.integers(0, 5))
def test_doubts_are_sorted_and_between_zero_and_one(answers: list[tuple[list[float], bool, float | None]], most: int) -> None:
    given_ = [
        asked(str(n), *zip("abcde", shares, strict=False), none=none, strange=strange) for n, (shares, none, strange) in enumerate(answers)
    ]
    found = doubts(given_, most=most)
    assert len(found) == min(most, len(answers))
    values = [doubt.doubt for doubt in found]
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= 1 for value in values)
    assert all(doubt.why.endswith(".") for doubt in found)
