"""The notebook on the metric table: its code runs from top to bottom on the store of a run, and finds what is there."""

import json
from pathlib import Path

import matplotlib
import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "metrics.ipynb"


@pytest.fixture
def ran(first_run, monkeypatch):
    """The names that the notebook's code leaves behind."""
    monkeypatch.setenv("SPNST_OUT", str(first_run[0].out))
    matplotlib.use("agg")
    names = {}
    for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)
    return names


def test_its_tables_are_of_every_cell_and_recipe(ran):
    assert len(ran["table"]) == 8
    assert list(ran["means"].index) == ["structure", "gatys"]
    assert len(ran["edges"]) == 4 and ran["edges"]["change"].notna().all()


def test_its_comparison_is_that_of_the_store_and_its_plot_has_every_recipe(ran, first_run):
    stored = (first_run[0].out / "comparison" / "comparison.csv").read_text()
    assert f"structure,gatys,edge_error,lower,independent,{ran['shown'].loc['edge_error', 'cells']}," in stored
    assert ran["axes"].get_legend_handles_labels()[1] == ["structure", "gatys"]


def test_it_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
