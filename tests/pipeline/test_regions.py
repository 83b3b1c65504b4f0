"""Regions in the grid, from the masks beside contents and styles to the pastiches of these, and to no others."""

import numpy as np
import pytest
from PIL import Image
from small_project import PAINTED, draw

from spnst_core import Band, Region, stylize
from spnst_core.imaging import io as image_io
from spnst_core.recipes.style_size import StyleSize
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.provenance import read_made
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.defs.assets.gallery import described
from spnst_pipeline.defs.assets.sheets import Sheets
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

LEFT = np.zeros((60, 80), np.uint8)
LEFT[:, :40] = 255


def put(place, name, mask):
    Image.fromarray(mask).save(place.root / name)


def paint(place):
    return place.run(phases=PAINTED, recipes=(str(place.root / "structure.yaml"),))


def pastiche(project, content, style):
    return take(project.store, ArtefactId("pastiche", "structure", content, style))


def fingerprints(place):
    lineage = Lineage(Project.open(place.settings()), ahead=True)
    recipe = lineage.project.recipes[0]
    rules = (lineage.content_image, lineage.depth_map, lineage.edge_map)
    found = {(rule.__name__, content): rule(content).fingerprint for rule in rules for content in ("boat", "cat")}
    found |= {("style_grams", s): lineage.style_grams(s).fingerprint for s in ("dots", "wave")}
    cells = [(c, s) for c in ("boat", "cat") for s in ("dots", "wave")]
    return found | {("pastiche", *cell): lineage.pastiche(recipe, *cell).fingerprint for cell in cells}


def changed(before, after):
    return {key for key in before if before[key] != after[key]}


def test_masks_count_in_the_pastiches_that_they_take_part_in_and_in_no_others(fresh):
    plain = fingerprints(fresh)
    put(fresh, "styles/wave.sea.mask.png", LEFT)
    assert fingerprints(fresh) == plain, "no content has such a region"
    put(fresh, "contents/cat.sky.mask.png", LEFT)
    row = fingerprints(fresh)
    assert changed(plain, row) == {("pastiche", "cat", "dots"), ("pastiche", "cat", "wave")}
    put(fresh, "styles/wave.sky.mask.png", LEFT)
    paired = fingerprints(fresh)
    assert changed(row, paired) == {("pastiche", "cat", "wave")}
    put(fresh, "styles/wave.sky.mask.png", 255 - LEFT)
    assert changed(paired, fingerprints(fresh)) == {("pastiche", "cat", "wave")}
    put(fresh, "contents/cat.sky.mask.png", 255 - LEFT)
    assert changed(row, fingerprints(fresh)) == {("pastiche", "cat", "dots"), ("pastiche", "cat", "wave")}
    put(fresh, "contents/cat.keep.mask.png", LEFT)
    kept = fingerprints(fresh)
    put(fresh, "styles/wave.keep.mask.png", LEFT)
    assert fingerprints(fresh) == kept, "where nothing is painted, no style takes part"
    for name in ("contents/cat.keep", "styles/wave.keep", "styles/wave.sea", "styles/wave.sky", "contents/cat.sky"):
        (fresh.root / f"{name}.mask.png").unlink()
    assert fingerprints(fresh) == plain


@pytest.mark.heavy
def test_masks_repaint_their_cells_alone_and_one_that_cannot_be_used_costs_its_content_alone(made):
    project = Project.open(made.settings())
    boat, before = pastiche(project, "boat", "wave"), pastiche(project, "cat", "wave")
    put(made, "contents/cat.keep.mask.png", LEFT)
    put(made, "contents/cat.sea.mask.png", 255 - LEFT)
    put(made, "styles/wave.sea.mask.png", LEFT)
    run = paint(made)
    assert run.failed == []
    assert sorted(run.recorder.keys) == ["pastiche/structure/cat/dots.png", "pastiche/structure/cat/wave.png"]
    data = pastiche(run.project, "cat", "wave")
    assert read_made(image_io.png_text(data))["regions"] == ["keep", "sea"]
    content = image_io.read(take(run.project.store, ArtefactId("content_image", content="cat")))
    found, earlier = image_io.read(data), image_io.read(before)
    kept = image_io.to_image(image_io.resize(content, *found.shape[2:]))
    middle = found.shape[3] // 2
    assert np.array_equal(np.asarray(kept)[:, : middle - 1], np.asarray(image_io.to_image(found))[:, : middle - 1])
    assert (found - earlier)[..., middle + 1 :].abs().mean() > 0.01
    put(made, "contents/boat.sky.mask.png", LEFT * 0)
    failed = paint(made).failed
    assert len(failed) == 2
    assert all("boat" in line and "boat.sky.mask.png is black everywhere" in line for line in failed)
    (made.root / "contents/boat.sky.mask.png").unlink()
    assert paint(made).recorder.keys == []
    assert pastiche(run.project, "boat", "wave") == boat


def test_the_style_of_a_region_counts_in_its_contents_pastiches_in_place_of_the_styles_own_region(fresh):
    put(fresh, "contents/cat.sky.mask.png", LEFT)
    masked = fingerprints(fresh)
    draw(7).save(fresh.root / "contents/cat.sea.style.png")
    assert fingerprints(fresh) == masked, "the content has no such region"
    [told] = Project.open(fresh.settings()).contents.left_out
    assert told.endswith(
        'cat.sea.style.png is the style of a region "sea", which cat doesn\'t have: rename it, or add a mask'
    )
    draw(7).save(fresh.root / "contents/cat.sky.style.png")
    styled = fingerprints(fresh)
    assert changed(masked, styled) == {("pastiche", "cat", "dots"), ("pastiche", "cat", "wave")}
    put(fresh, "styles/wave.sky.mask.png", LEFT)
    assert fingerprints(fresh) == styled, "the region takes nothing of the cell's style"
    draw(8).save(fresh.root / "contents/cat.sky.style.png")
    assert changed(styled, fingerprints(fresh)) == {("pastiche", "cat", "dots"), ("pastiche", "cat", "wave")}


def test_a_band_of_depth_can_have_a_style_for_one_content(fresh):
    banded(fresh)
    near = fingerprints(fresh)
    draw(7).save(fresh.root / "contents/cat.near.style.png")
    assert changed(near, fingerprints(fresh)) == {("pastiche", "cat", "dots"), ("pastiche", "cat", "wave")}


@pytest.mark.slow(6)
def test_a_region_is_painted_in_its_own_style_in_a_grid_as_by_the_library(made):
    put(made, "contents/cat.sky.mask.png", LEFT)
    draw(7).save(made.root / "contents/cat.sky.style.png")
    run = paint(made)
    assert run.failed == []
    assert sorted(run.recorder.keys) == ["pastiche/structure/cat/dots.png", "pastiche/structure/cat/wave.png"]
    content, wave = made.root / "contents/cat.png", made.root / "styles/wave.png"
    found = {
        own: stylize(
            *(content, wave, run.project.recipes[0], run.project.models),
            regions={"sky": Region(LEFT / 255, style=own)},
        ).pixels
        for own in (made.root / "contents/cat.sky.style.png", None)
    }
    painted = image_io.read(pastiche(run.project, "cat", "wave"))
    distance = [(painted - x).abs().max().item() for x in found.values()]
    assert distance[0] < 0.01 < distance[1]
    (made.root / "contents/cat.sky.style.png").write_text("no picture")
    failed = paint(made).failed
    assert len(failed) == 2
    assert all("cat" in line and "cat.sky.style.png" in line for line in failed)


def banded(place, bands="near: [0.5, 1]", weights="edge: 0.2"):
    text = f"bands: {{{bands}}}\nweights: {{{weights}}}\nstages: [{{steps: 2}}]\n"
    (place.root / "structure.yaml").write_text(text)


def test_bands_of_depth_count_in_every_pastiche_and_pair_with_masks_of_styles(fresh):
    plain = fingerprints(fresh)
    banded(fresh)
    near = fingerprints(fresh)
    assert {key[0] for key in changed(plain, near)} == {"pastiche"}
    put(fresh, "styles/wave.near.mask.png", LEFT)
    paired = fingerprints(fresh)
    assert changed(near, paired) == {("pastiche", "boat", "wave"), ("pastiche", "cat", "wave")}
    put(fresh, "contents/cat.near.mask.png", LEFT)
    assert changed(paired, fingerprints(fresh)) == {("pastiche", "cat", "dots"), ("pastiche", "cat", "wave")}


@pytest.mark.heavy
def test_what_is_near_stays_as_it_is_in_a_grid(made):
    np.save(made.root / "contents/cat.depth.npy", np.linspace(0, 1, 80, dtype=np.float32)[None].repeat(60, 0))
    banded(made, "keep: [0.5, 1]")
    run = paint(made)
    assert run.failed == []
    data = pastiche(run.project, "cat", "wave")
    assert read_made(image_io.png_text(data))["regions"] == ["keep"]
    content = image_io.read(take(run.project.store, ArtefactId("content_image", content="cat")))
    found = image_io.read(data)
    kept, middle = image_io.to_image(image_io.resize(content, *found.shape[2:])), found.shape[3] // 2
    assert np.array_equal(np.asarray(kept)[:, middle + 2 :], np.asarray(image_io.to_image(found))[:, middle + 2 :])
    assert not np.array_equal(np.asarray(kept)[:, : middle - 2], np.asarray(image_io.to_image(found))[:, : middle - 2])


def test_strokes_of_a_band_count_in_every_pastiche(fresh):
    banded(fresh, "far: [0, 0.5]")
    plain = fingerprints(fresh)
    banded(fresh, "far: {depth: [0, 0.5], strokes: large}")
    large = fingerprints(fresh)
    assert {key[0] for key in changed(plain, large)} == {"pastiche"}
    banded(fresh, "far: {depth: [0, 0.5], strokes: small}")
    assert {key[0] for key in changed(large, fingerprints(fresh))} == {"pastiche"}


@pytest.mark.heavy
def test_a_band_is_painted_with_its_strokes_in_a_grid_as_by_the_library(made):
    """From stored statistics for `dots`, and for `wave` from those of its part of the band's name."""
    banded(made, "far: {depth: [0, 0.5], strokes: large}", "depth: 0.1")
    np.save(made.root / "contents/cat.depth.npy", np.linspace(1, 0, 80, dtype=np.float32)[None].repeat(60, 0))
    put(made, "styles/wave.far.mask.png", LEFT)
    run = paint(made)
    assert run.failed == []
    assert StyleSize(96) in run.project.style_sizes
    for style, part in (("dots", None), ("wave", made.root / "styles/wave.far.mask.png")):
        data = pastiche(run.project, "cat", style)
        found = {
            strokes: stylize(
                *(made.root / "contents/cat.png", made.root / f"styles/{style}.png", run.project.recipes[0]),
                run.project.models,
                depth_map=made.root / "contents/cat.depth.npy",
                regions={"far": Region(Band(0, 0.5), style_mask=part, strokes=strokes)},
            ).pixels
            for strokes in ("large", "small")
        }
        distance = {strokes: (image_io.read(data) - x).abs().max().item() for strokes, x in found.items()}
        assert distance["large"] < 0.01 < distance["small"]


@pytest.mark.slow(15)
def test_regions_are_shown_in_the_gallery_and_on_the_sheets_of_the_recipes_that_painted_them(made):
    put(made, "contents/cat.sky.mask.png", LEFT)
    banded(made, "keep: [0.5, 1]")
    run = made.run()
    assert run.failed == []
    lineage = Lineage(run.project)
    cells = described(lineage, "").cells
    assert list(cells["structure", "cat", "wave"].regions.tints) == ["keep", "sky"]
    assert list(cells["gatys", "cat", "wave"].regions.tints) == ["sky"], "bands are the recipe's"
    assert list(cells["structure", "boat", "wave"].regions.tints) == ["keep"]
    assert cells["gatys", "boat", "wave"].regions is None
    assert cells["structure", "cat", "wave"].details().provenance["regions"] == "keep, sky"
    shown = cells["gatys", "cat", "wave"].regions
    grey, seen = (np.asarray(image.convert("RGB"), int) for image in (draw(2).convert("L"), shown.picture.load()))
    assert np.abs(seen - grey)[:, :38].mean() > 20
    assert np.abs(seen - grey)[:, 42:].max() <= 1, "what no mask covers is grey"
    sheets = Sheets(lineage)
    for content, tiles in (("cat", 2), ("boat", 1)):
        [header] = sheets.of_content(content)[2][0].header
        assert (len(header.below), header.caption) == (2 + tiles, f"{content}\nwith depth, edges and regions")
        assert "keep" in header.legend
    (made.root / "contents/cat.sky.mask.png").unlink()
    changed = Sheets(Lineage(Project.open(made.settings())))
    assert changed.of_content("cat")[2][0].header[0].legend == {}, "no pastiche was painted by the band alone"
