"""Painting: what becomes of a cell that can't be put into the store."""

import pytest
from small_project import PAINTED

pytestmark = pytest.mark.project


def test_a_pastiche_that_cannot_be_written_is_told_and_costs_no_other_cell_of_its_batch(made):
    """Something else stands in its place."""
    for path in (made.out / "pastiche/gatys/cat").glob("*.png"):
        path.unlink()
    (made.out / "pastiche/gatys/cat/dots.png").mkdir()
    run = made.run(phases=PAINTED)
    assert [line.split(": ")[0] for line in run.failed] == ["pastiche/gatys[cat|dots]"]
    assert (made.out / "pastiche/gatys/cat/wave.png").exists()
