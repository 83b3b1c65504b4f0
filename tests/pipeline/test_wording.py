"""Counts and durations in messages."""

import pytest

from spnst_pipeline.wording import counted, duration


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures"), (12_000, "12,000 pictures")]
)
def test_a_noun_agrees_with_its_count(count, told):
    assert counted(count, "picture") == told


def test_an_irregular_plural_is_given():
    assert (counted(1, "fix", "fixes"), counted(3, "fix", "fixes")) == ("1 fix", "3 fixes")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.42, "0.4 s"),
        (0.97, "1 s"),
        (8.4, "8 s"),
        (59.7, "1 min"),
        (60, "1 min"),
        (492, "8 min 12 s"),
        (3599.8, "1 h"),
        (7530, "2 h 6 min"),
        (86_399, "1 d"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
        (2_592_000, "30 d"),
    ],
)
def test_a_duration_has_at_most_two_units_and_no_empty_one(seconds, told):
    assert duration(seconds) == told
