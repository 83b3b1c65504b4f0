"""The cost of the structure terms: what is compared, and figures that are ratios of real measurements."""

import sys

import pytest

from benchmarks.structure_cost import TERMS, main, memory_figure, recipe_of, time_figure
from spnst_core import load_models

pytestmark = pytest.mark.benchmark


def test_the_recipes_differ_in_the_structure_terms_alone():
    structure, on_maps, without = (recipe_of(terms, "vgg16", 64, 3) for terms in TERMS)
    assert (structure.edge_on, on_maps.edge_on) == ("contours", "maps")
    assert structure.weights.edge == on_maps.weights.edge > 0 == without.weights.edge
    assert structure.model_copy(update={"edge_on": "maps"}) == on_maps
    assert structure.sizes == without.sizes == (64,)


@pytest.mark.slow(24)
def test_the_figures_are_ratios_of_what_was_measured():
    figure = time_figure("as it is", load_models("embedded", "cpu"), 48, 1, 2, 1)
    assert figure.value == figure.details["structure"][0] / figure.details["gatys"][0] > 0
    memory = memory_figure("embedded", "as it is", 64)
    assert memory.value == memory.details["structure"] / memory.details["gatys"] > 0


def test_the_command_refuses_terms_that_it_does_not_know(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["structure_cost", "--run", "neither"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "invalid choice: 'neither'" in capsys.readouterr().err
