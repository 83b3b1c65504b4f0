"""Blends of styles, from the file that defines them to pastiches, sheets and gallery."""

import json

import pytest
import torch
from PIL import Image
from small_project import PAINTED, draw

from spnst_core.imaging import io as image_io
from spnst_core.objective.targets import StyleTargets
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.provenance import read_made
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.defs.assets.gallery import described
from spnst_pipeline.defs.assets.sheets import Sheets
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project


def statistics(project, style):
    return StyleTargets.from_bytes(take(project.store, ArtefactId("style_grams", style=style)))


def pastiche(project, style):
    return take(project.store, ArtefactId("pastiche", "gatys", "cat", style))


@pytest.fixture
def blended(made):
    """The small project with a blend of its two styles, to be painted by one recipe."""
    (made.root / "styles/blends.yaml").write_text("sunset: {dots: 0.7, wave: 0.3}\n")
    return made


def paint(place):
    return place.run(phases=PAINTED, recipes=(str(place.root / "gatys.yaml"),))


def test_a_blend_is_painted_by_the_average_of_its_styles_and_shown_with_its_parts(blended):
    run = paint(blended)
    assert (run.failed, [path for path in run.recorder.keys if "sunset" not in path]) == ([], [])
    assert {path.split("/")[0] for path in run.recorder.keys} == {"style_image", "style_grams", "pastiche"}
    project = run.project
    found = statistics(project, "sunset")
    expected = StyleTargets.blended([statistics(project, style) for style in ("dots", "wave")], [0.7, 0.3])
    for size, layers in expected.statistics.items():
        for layer, one in layers.items():
            assert torch.allclose(found.statistics[size][layer].gram, one.gram, rtol=1e-5)
            assert torch.allclose(found.statistics[size][layer].mean, one.mean, rtol=1e-5, atol=1e-7)
    assert read_made(image_io.png_text(pastiche(project, "sunset")))["blend"] == [0.7, 0.3]
    assert "blend" not in read_made(image_io.png_text(pastiche(project, "wave")))
    lineage = Lineage(project)
    _, columns, _, _ = Sheets(lineage).of_grid()
    assert [panel.caption for panel in columns] == ["dots", "sunset\n0.7 dots + 0.3 wave", "wave"]
    assert Sheets(lineage).of_style("sunset")[3].startswith("0.7 dots + 0.3 wave.")
    assert [style.note for style in described(lineage, "").styles] == ["", "0.7 dots + 0.3 wave", ""]


def fingerprints(place):
    """Of all that is made of a style, as it should be, by kind and style."""
    project = Project.open(place.settings())
    lineage, recipe = Lineage(project, ahead=True), project.recipes[0]
    return {
        (rule.__name__, style): rule(*args, style).fingerprint
        for style in project.styles.pictures
        for rule, args in (
            (lineage.style_image, ()),
            (lineage.style_grams, ()),
            (lineage.pastiche, (recipe, "cat")),
            (lineage.metrics, (recipe, "cat")),
        )
    }


def test_a_changed_part_outdates_the_blend_and_a_changed_blend_no_part(blended):
    before = fingerprints(blended)
    draw(99).save(blended.root / "styles/wave.png")
    after = fingerprints(blended)
    assert {style for key in before if before[key] != after[key] for style in key[1:]} == {"sunset", "wave"}
    assert all(before[key] != after[key] for key in before if key[1] != "dots")
    (blended.root / "styles/blends.yaml").write_text("sunset: {dots: 0.6, wave: 0.4}\n")
    reweighted = fingerprints(blended)
    assert {key for key in before if after[key] != reweighted[key]} == {key for key in before if key[1] == "sunset"}


STAGED = "sunset: {stages: [{dots: 1}, {dots: 0.3, wave: 0.7}]}\n"


def test_weights_of_stages_count_in_a_blends_fingerprints_alone(blended):
    styles, plain = blended.root / "styles/blends.yaml", fingerprints(blended)
    styles.write_text(STAGED)
    staged = fingerprints(blended)
    assert {key for key in plain if plain[key] != staged[key]} == {key for key in plain if key[1] == "sunset"}
    styles.write_text(STAGED.replace("{dots: 1}", "{wave: 1}"))
    assert all(staged[key] != found for key, found in fingerprints(blended).items() if key[1] == "sunset")


@pytest.mark.slow(15)
def test_a_blend_with_weights_for_each_stage_is_painted_and_one_for_other_stages_is_not(blended):
    (blended.root / "styles/blends.yaml").write_text(
        f"{STAGED}three: {{stages: [{{dots: 1}}, {{wave: 1}}, {{dots: 1}}]}}\n"
    )
    two = blended.root / "two.yaml"
    two.write_text("weights: {edge: 0}\nstages: [{scale: 0.8, steps: 2}, {steps: 2}]\nsize: 48\n")
    run = blended.run(phases=PAINTED, recipes=(str(two),))
    stages = [statistics(run.project, "sunset").at_stage(index) for index in range(2)]
    parts = [statistics(run.project, style) for style in ("dots", "wave")]
    for stage, shares in zip(stages, ([1, 0], [0.3, 0.7]), strict=True):
        expected = StyleTargets.blended(parts, shares)
        for size, layers in expected.statistics.items():
            for layer, one in layers.items():
                assert torch.allclose(stage.statistics[size][layer].gram, one.gram, rtol=1e-5)
    told = read_made(image_io.png_text(take(run.project.store, ArtefactId("pastiche", "two", "cat", "sunset"))))
    assert told["blend"] == [[1, 0], [0.3, 0.7]]
    assert len(run.failed) == 2  # one for each content
    assert all("three" in line and "weights for 3 stages, and recipe two has 2 at 48 px" in line for line in run.failed)


@pytest.mark.slow(20)
def test_everything_is_made_of_a_blend_and_nothing_twice(blended):
    run = blended.run()
    assert run.failed == []
    kinds = {path.split("/")[0] for path in run.recorder.keys if "sunset" in path}
    assert kinds == {"style_image", "style_grams", "pastiche", "metrics", "contact_sheet"}
    assert blended.run().recorder.keys == []


@pytest.mark.slow(15)
def test_a_blend_under_another_name_is_copied_and_not_painted_again(blended):
    paint(blended)
    (blended.root / "styles/blends.yaml").write_text("dusk: {dots: 7, wave: 3}\n")
    again = paint(blended)
    assert [path for path in again.recorder.keys if path.startswith("pastiche")] == []
    assert pastiche(again.project, "dusk") == pastiche(again.project, "sunset")


@pytest.mark.slow(15)
def test_the_launchpad_paints_a_blend_at_a_size_that_is_not_prepared_and_in_matched_colours(blended):
    paint(blended)
    for options in ({"size": 40}, {"colour": "match"}):
        found = blended.launch("pastiche/gatys", key="cat|sunset", **options)
        assert found.failed == []
        assert found.keys == ["pastiche/gatys/cat/sunset.png"]
    told = found.told("pastiche/gatys", "cat|sunset")
    assert json.dumps(told["blend"]) == "[0.7, 0.3]"


@pytest.mark.slow(10)
def test_the_event_of_a_blends_picture_says_what_it_is_made_of(blended):
    paint(blended)
    found = blended.launch("style_image", key="sunset", force=True)
    assert found.told("style_image", "sunset")["blend"] == "0.7 dots + 0.3 wave"
    assert Image.open(blended.out / "style_image/sunset.png").size == (60, 60)


def test_a_blend_with_a_damaged_style_is_left_out_by_name_and_the_others_are_painted(blended):
    (blended.root / "styles/wave.png").write_text("no picture")
    styles = checked(Project.open(blended.settings())).styles
    assert list(styles.pictures) == ["dots"]
    lines = sorted(styles.left_out)
    assert len(lines) == 2
    assert "blends.yaml: sunset: " in lines[0]
    assert "wave.png is not a picture" in lines[0]
