"""The forecast of a run: what is kept, what is made, and how long the cells take that others tell of."""

import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spnst_pipeline.artefacts.seal import SEAL
from spnst_pipeline.planning.forecast import forecast
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.project import Project


def foretold(place, force=False, **changes):
    return forecast(checked(Project.open(place.settings(**changes), dry=True)), force)


def counts(told):
    return {str(row.asset): (row.kept, row.wanted) for row in told.rows}


def took(pastiche, seconds, device="cpu"):
    """Change what a pastiche's file says of the time that it took; it loses its checksum, which would be wrong."""
    picture = Image.open(pastiche)
    picture.load()
    texts = PngInfo()
    for name, text in picture.text.items():
        if name == "made":
            text = json.dumps({**json.loads(text), "seconds": seconds, "device": device})
        if name != SEAL:
            texts.add_text(name, text)
    picture.save(pastiche, pnginfo=texts)


@pytest.fixture
def with_a_third_style(made, picture):
    picture(31).save(made.root / "styles/third.png")
    return made


def test_of_a_new_project_everything_is_made_and_nothing_is_known_of_the_time(fresh):
    told = foretold(fresh)
    assert counts(told) == {
        "content_image": (0, 2),
        "style_image": (0, 2),
        "depth_map": (0, 2),
        "edge_map": (0, 2),
        "style_grams": (0, 2),
        **{f"{asset}/{recipe}": (0, 4) for asset in ("pastiche", "metrics") for recipe in ("structure", "gatys")},
    }
    assert (told.contents, told.styles, told.cells, told.changes) == (2, 2, 8, True)
    assert (told.seconds, told.unmeasured) == (0, {"structure": 4, "gatys": 4})


def test_of_a_finished_project_everything_is_kept_sheets_and_gallery_among_it(made):
    told = foretold(made)
    assert not told.changes
    assert all(wanted == 0 for _, wanted in counts(told).values())
    assert counts(told)["contact_sheet/content"] == (2, 0)
    assert counts(told)["gallery"] == (1, 0)


def test_a_new_style_makes_its_column_and_takes_as_long_as_the_cells_that_are_there(with_a_third_style):
    for seconds, cell in enumerate(sorted(with_a_third_style.out.glob("pastiche/gatys/*/*.png"))):
        took(cell, seconds)
    for cell in with_a_third_style.out.glob("pastiche/structure/*/*.png"):
        took(cell, 10)
    told = foretold(with_a_third_style)
    assert counts(told)["style_grams"] == (2, 1)
    assert counts(told)["content_image"] == (2, 0)
    assert counts(told)["pastiche/gatys"] == counts(told)["metrics/structure"] == (4, 2)
    assert told.cells == 4
    assert told.seconds == 2 * (0 + 1 + 2 + 3) / 4 + 2 * 10
    assert told.unmeasured == {}


def test_cells_of_another_device_or_size_tell_nothing(with_a_third_style):
    for cell in with_a_third_style.out.glob("pastiche/gatys/*/*.png"):
        took(cell, 1, device="cuda")
    assert foretold(with_a_third_style).unmeasured == {"gatys": 2}
    resized = foretold(with_a_third_style, size=40)
    assert resized.unmeasured == {"structure": 6, "gatys": 6}
    assert counts(resized)["content_image"] == (2, 0)


def test_by_force_nothing_is_kept(made):
    told = foretold(made, force=True)
    assert all(kept == 0 for kept, _ in counts(told).values())
    assert told.cells == 8
    assert told.unmeasured == {}


def test_films_are_foretold_where_they_are_asked_for(made):
    assert counts(foretold(made, record_every=2))["timelapse/gatys"] == (0, 4)


def test_an_experiment_is_made_with_its_own_cells(made):
    told = counts(foretold(made, experiments="ablation"))
    assert told["pastiche/structure_edges"] == (0, 4)
    assert told["pastiche/structure"] == (4, 0)
