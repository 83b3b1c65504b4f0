"""The rival's content weight: found where the distance meets the goal, or said not to be there."""

import math

import pytest

from benchmarks.rival import CLOSE, HIGHEST, weight_for

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize(
    "distance",
    [lambda w: 0.2 + 0.1 * math.log(w), lambda w: 0.2 * w**0.4, lambda w: 0.5 - 0.3 / w, lambda w: 0.2 + 0.001 * w**2],
)
@pytest.mark.parametrize("weight", [1.5, 4.0, 12.0])
def test_it_is_found_in_a_few_steps_whatever_the_curve(distance, weight):
    asked = []

    def watched(w):
        asked.append(w)
        return distance(w)

    found = weight_for(watched, distance(weight))
    assert found == pytest.approx(weight, rel=CLOSE)
    assert len(asked) == len(set(asked)) <= 12


def test_a_goal_that_is_met_already_needs_no_more_weight():
    assert weight_for(lambda w: 0.2 * w, 0.19) == 1.0


def test_a_goal_out_of_reach_is_told():
    with pytest.raises(ValueError, match=rf"even with a content weight of {HIGHEST:g}"):
        weight_for(lambda w: 0.2 + 0.1 * math.log(w) / math.log(HIGHEST), 0.4)
