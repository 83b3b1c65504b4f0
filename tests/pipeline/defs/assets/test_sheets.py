"""Contact sheets: what stands in which row and column, what a gap says, and where a very large grid ends."""

import pytest
from PIL import Image
from small_project import CONTENTS, STYLES

from spnst_core.report.contact_sheet import Gap, Panel
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.assets import sheets
from spnst_pipeline.defs.assets.sheets import Sheets
from spnst_pipeline.project import Project

RECIPES = ("structure", "gatys")


@pytest.fixture
def drawn(first_run):
    return Sheets(Lineage(first_run[1].project))


def sheets_of(place):
    return Sheets(Lineage(Project.open(place.settings())))


def captions(cells):
    return [cell.caption.partition("\n")[0] for cell in cells]


def test_a_contents_sheet_has_a_column_for_each_style_and_a_row_for_each_recipe(drawn):
    title, columns, rows, subtitle = drawn.of_content("cat")
    assert title == "cat"
    assert captions(columns) == list(STYLES)
    assert [captions(row.cells) for row in rows] == [[recipe] * 2 for recipe in RECIPES]
    assert [len(row.header) for row in rows] == [1, 0]  # the content, once
    assert subtitle == drawn.lineage.project.identity.notice


def test_a_styles_sheet_has_a_column_for_each_recipe_and_a_row_for_each_content(drawn):
    title, columns, rows, _ = drawn.of_style("wave")
    assert title == "wave"
    assert captions(columns) == list(RECIPES)
    assert [captions(row.header) for row in rows] == [[content] for content in CONTENTS]


def test_a_cell_shows_its_scores_its_maps_and_where_the_recipes_differ_most(drawn):
    _, _, [first, _], _ = drawn.of_content("cat")
    cell = first.cells[0]
    assert isinstance(cell, Panel)
    assert cell.caption == "structure"
    scores = [fact.rpartition(" ") for fact in cell.facts]
    assert [name for name, _, _ in scores] == ["patch distance ↓", "edge error ↓", "depth error ↓", "SSIM ↑"]
    assert all(-1 <= float(value) <= 2 for _, _, value in scores)
    assert len(cell.below) == 2


def test_cells_that_are_missing_or_not_scored_say_so(made):
    (made.out / "pastiche/gatys/cat/dots.png").unlink()
    (made.out / "metrics/gatys/cat/wave.json").unlink()
    _, _, [_, gatys], _ = sheets_of(made).of_content("cat")
    missing, unscored = gatys.cells
    assert (type(missing), missing.reason, missing.caption) == (Gap, "not made", "gatys")
    assert (type(unscored), unscored.caption) == (Panel, "gatys")


def test_a_very_large_grid_shows_its_beginning_and_says_so(drawn, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_COLUMNS", 1)
    monkeypatch.setattr(sheets, "MOST_CELLS", 2)
    _, columns, rows, subtitle = drawn.of_grid()
    assert captions(columns) == ["dots"]
    assert len(rows) == 2  # one content by two recipes
    assert "1 of 2" in subtitle


@pytest.mark.parametrize("sheet", ["content/cat", "style/wave", "grid"])
def test_the_picture_carries_the_fingerprint_and_pages_lie_beside_it(first_run, sheet):
    place, _ = first_run
    with Image.open(place.out / f"contact_sheet/{sheet}.png") as image:
        assert len(image.text["fingerprint"]) == 32
    assert (place.out / f"contact_sheet/{sheet}.pdf").read_bytes().startswith(b"%PDF")


def test_the_sheet_of_the_whole_grid_fits_a_screen(first_run):
    with Image.open(first_run[0].out / "contact_sheet/grid.png") as image:
        assert image.width <= 1600 and image.height <= 1000


@pytest.mark.project
def test_a_deleted_sheet_is_drawn_again_with_its_pages(made):
    for end in ("png", "pdf"):
        (made.out / f"contact_sheet/content/cat.{end}").unlink()
    launched = made.launch("contact_sheet/content", key="cat")
    assert (launched.failed, launched.keys) == ([], ["contact_sheet/content/cat.png"])
    assert launched.told("contact_sheet/content", "cat")["pages"] == str(made.out / "contact_sheet/content/cat.pdf")
    assert (made.out / "contact_sheet/content/cat.pdf").exists()


@pytest.mark.project
def test_a_sheet_of_what_is_no_longer_there_says_so(made):
    (made.out / "depth_map/cat.safetensors").unlink()
    [line] = made.launch("contact_sheet/content", key="cat").failed
    assert line.startswith("contact_sheet/content[cat]: ")
