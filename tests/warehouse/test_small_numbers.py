"""Small numbers are hidden so that nobody reckons them: by single tables, and by an attacker over random histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from attacker import Attacker, Told
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.marts import small_numbers
from warehouse.marts.small_numbers import Figure, State, Sums, by_itself, states

Rule = Callable[[Mapping[str, Figure], Sums, int], dict[str, State]]


def alone(figures: Mapping[str, Figure], sums: Sums, threshold: int) -> dict[str, State]:
    """Hides what is small, and nothing from which that could be reckoned."""
    return {place: by_itself(figure, threshold) for place, figure in figures.items()}


def one_sum(*values: int, wholes: Sequence[int | None] = (), before: Mapping[str, int] = {}) -> dict[str, Figure]:
    """Units `a`, `b`, … and their sum `all`."""
    parts = {
        name: Figure(value, wholes[number] if wholes else None, before.get(name))
        for number, (name, value) in enumerate(zip("abcdef", values, strict=False))
    }
    whole = sum(wholes) if wholes else None  # type: ignore[arg-type]
    return {**parts, "all": Figure(sum(values), whole, before.get("all"))}


def of(figures: Mapping[str, Figure]) -> Sums:
    return {"all": [[name for name in figures if name != "all"]]}


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (one_sum(30, 40), {"a": "shown", "b": "shown", "all": "shown"}),
        # One small number: the sum less the other one would be it, so the smallest other one goes too.
        (one_sum(3, 40, 50), {"a": "hidden", "b": "hidden", "c": "shown", "all": "shown"}),
        # Two that are 7 together: each would be one of eight numbers.
        (one_sum(3, 4, 50, 60), {"a": "hidden", "b": "hidden", "c": "hidden", "d": "shown", "all": "shown"}),
        (one_sum(9, 9, 50), {"a": "hidden", "b": "hidden", "c": "shown", "all": "shown"}),
        # Nobody is a small number, and so is everybody: 45 of 50.
        (one_sum(0, 40, 50), {"a": "hidden", "b": "hidden", "c": "shown", "all": "shown"}),
        (one_sum(45, 40, 60, wholes=(50, 90, 90)), {"a": "hidden", "b": "hidden", "c": "shown", "all": "shown"}),
        # More than planned is no small number, by whatever it is more.
        (one_sum(52, 40, 60, wholes=(50, 90, 90)), {"a": "shown", "b": "shown", "c": "shown", "all": "shown"}),
        # In a unit alone the sum is the unit's figure.
        (one_sum(3), {"a": "hidden", "all": "hidden"}),
        # Moved by one: what was shown stays. That the sum moved by eleven would tell it, so another goes.
        (
            one_sum(31, 50, 60, before={"a": 30, "b": 40, "c": 60, "all": 130}),
            {"a": "kept", "b": "shown", "c": "kept", "all": "shown"},
        ),
        (
            one_sum(31, 50, 70, before={"a": 30, "b": 40, "c": 60, "all": 130}),
            {"a": "kept", "b": "hidden", "c": "shown", "all": "shown"},
        ),
        # Both have moved by nine, and their sum by eighteen: it would tell both.
        (
            one_sum(39, 49, 80, before={"a": 30, "b": 40, "c": 60, "all": 130}),
            {"a": "kept", "b": "kept", "c": "hidden", "all": "shown"},
        ),
        # What was shown and is small now is hidden, and not kept as something that it is not any more.
        (one_sum(5, 50, 60, before={"a": 12}), {"a": "hidden", "b": "hidden", "c": "shown", "all": "shown"}),
        # Between 10 and what is near 25 of 25 only six numbers are left.
        (
            one_sum(13, 50, 60, wholes=(25, 90, 90), before={"a": 12}),
            {"a": "hidden", "b": "hidden", "c": "shown", "all": "shown"},
        ),
    ],
)
def test_what_is_told_of_a_sum_and_its_parts(figures: Mapping[str, Figure], told: Mapping[str, State]) -> None:
    assert states(figures, of(figures), 10) == told


def test_two_ways_to_divide_a_sum_do_not_help_each_other() -> None:
    """Of grades nothing is small; by units one is, and there it is hidden with another."""
    figures = {"all": Figure(103), "a": Figure(3), "b": Figure(100), "6": Figure(50), "7": Figure(53)}
    told = states(figures, {"all": [["a", "b"], ["6", "7"]]}, 10)
    assert told == {"all": "shown", "a": "hidden", "b": "hidden", "6": "shown", "7": "shown"}


def test_a_sum_that_is_hidden_cannot_be_added_up_by_the_other_way() -> None:
    figures = {"all": Figure(12, before=15), "a": Figure(12, before=15), "6": Figure(12)}
    told = states(figures, {"all": [["a"], ["6"]]}, 10)
    assert told["6"] == "hidden"


def test_a_sum_of_other_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="the figure of all is not the sum of its parts"):
        states({"all": Figure(50), "a": Figure(40)}, {"all": [["a"]]}, 10)


# A history: releases of units and grades, each of which is the same people.
counts = st.integers(0, 45)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Figure]]:
    """Releases of figures by place: units `u…` and grades `g…` add up to `all`. Figures move a little or much."""
    units = draw(st.integers(1, 5))
    wholes = [draw(st.none() | st.integers(0, 60)) for _ in range(units)]
    values = [draw(counts) for _ in range(units)]
    grades = draw(st.integers(0, 3))
    lived = []
    for _ in range(draw(st.integers(1, 5))):
        values = [max(0, value + draw(st.integers(-3, 3) | st.integers(-15, 25))) for value in values]
        figures = {f"u{n}": Figure(value, wholes[n]) for n, value in enumerate(values)}
        whole = sum(wholes) if None not in wholes else None  # type: ignore[arg-type]
        figures["all"] = Figure(sum(values), whole)
        left = sum(values)
        for n in range(grades):
            part = left if n == grades - 1 else draw(st.integers(0, left))
            figures[f"g{n}"], left = Figure(part), left - part
        lived.append(figures)
    return lived


def sums_of(figures: Mapping[str, Figure]) -> Sums:
    ways = [[place for place in figures if place.startswith(kind)] for kind in ("u", "g")]
    return {"all": [way for way in ways if way]}


def published(lived: Sequence[Mapping[str, Figure]], threshold: int, rule: Rule) -> list[Told]:
    """What the public gets of a history."""
    shown: dict[str, int] = {}
    told = []
    for release, figures in enumerate(lived):
        known = {place: Figure(each.value, each.whole, shown.get(place)) for place, each in figures.items()}
        for place, state in rule(known, sums_of(figures), threshold).items():
            value = known[place].value
            if state == "shown":
                assert value is not None
                shown[place] = value
            printed = shown[place] if state in ("shown", "kept") else None
            told.append(Told(release, place, state, printed, known[place].whole))
    return told


def reckoned(lived: Sequence[Mapping[str, Figure]], threshold: int, rule: Rule) -> list[str]:
    """Which small numbers, and small differences of two releases, an attacker can tell to fewer numbers than the
    threshold."""
    told = published(lived, threshold, rule)
    attacker = Attacker(told, {release: sums_of(figures) for release, figures in enumerate(lived)}, threshold)
    found = []
    for each in told:
        if each.state in ("kept", "hidden") and attacker.can_be(each.release, each.place) < threshold:
            found.append(f"{each.place} of {each.release}")
        now = lived[each.release][each.place]
        assert now.value is not None
        if each.state == "shown" and small_numbers.is_small(now.value, now.whole, threshold):
            found.append(f"{each.place} of {each.release} as it stands there")
        if each.release:
            then = lived[each.release - 1][each.place].value
            assert then is not None
            is_little = abs(now.value - then) < threshold
            if is_little and attacker.can_have_moved(each.place, each.release - 1, each.release) < threshold:
                found.append(f"the move of {each.place} to {each.release}")
    return found


@settings(max_examples=120, deadline=None)
@given(lived=histories(), threshold=st.sampled_from([3, 5, 10]))
def test_nobody_reckons_a_small_number_or_a_small_move(lived: list[dict[str, Figure]], threshold: int) -> None:
    """From units, their sum, the same sum by grades, and the releases one after the other."""
    assert reckoned(lived, threshold, states) == []


def test_the_attacker_finds_what_is_hidden_alone() -> None:
    """Else he would prove nothing."""
    small = one_sum(3, 40, 50)
    one = {"u0": small["a"], "u1": small["b"], "u2": small["c"], "all": small["all"]}
    assert reckoned([one], 10, alone) == ["u0 of 0"]
    moved = {"u0": Figure(31), "u1": Figure(60), "all": Figure(91)}
    before = {"u0": Figure(30), "u1": Figure(40), "all": Figure(70)}
    assert reckoned([before, moved], 10, alone) == ["u0 of 1", "the move of u0 to 1"]
    assert reckoned([before, moved], 10, states) == []
    by_grades = {"u0": Figure(5), "all": Figure(5), "g0": Figure(0), "g1": Figure(5)}
    assert reckoned([by_grades], 10, states) == []
