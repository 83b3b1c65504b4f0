"""Painting any style in one pass: sizes, colours, blends, and what it has no use for."""

import pytest
import torch
from PIL import Image

import spnst_core as sp
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance
from spnst_core.models import weights
from spnst_core.models.manifest import entry
from spnst_core.painters.arbitrary import ArbitraryPainter, identity

RECIPE = sp.Recipe.load("instant").with_size(64)


@pytest.fixture(autouse=True)
def _cache(magenta_weights, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(magenta_weights))


@pytest.fixture(scope="module")
def painter(magenta_weights):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(weights.FOLDER, str(magenta_weights))
        return ArbitraryPainter.load(torch.device("cpu"))


@pytest.fixture
def content(sample_contents):
    return image_io.read(sample_contents["coffee"])


@pytest.fixture
def styles(sample_styles):
    return {name: image_io.read(picture) for name, picture in sample_styles.items()}


def test_a_pastiche_has_the_recipes_size_and_takes_the_styles_colours(painter, content, styles):
    found = {name: painter.paint(content, [(styles[name], 1.0)], RECIPE) for name in ("nocturne", "harvest")}
    assert found["nocturne"].shape == (1, 3, 51, 64)
    blue = {name: float((x[:, 2] - x[:, 0]).mean()) for name, x in found.items()}
    assert blue["nocturne"] > 0.1 > -0.1 > blue["harvest"]


def test_a_blend_is_painted_by_the_mean_of_its_vectors(painter, content, styles):
    first, second = styles["nocturne"], styles["harvest"]
    found = painter.paint(content, [(first, 0.75), (second, 0.25)], RECIPE)
    vector = 0.75 * painter.network.style_vector(first) + 0.25 * painter.network.style_vector(second)
    torch.testing.assert_close(found, painter.network(image_io.resize(content, 51, 64), vector))
    torch.testing.assert_close(
        painter.paint(content, [(first, 0.5), (first, 0.5)], RECIPE), painter.paint(content, [(first, 1.0)], RECIPE)
    )


def test_the_contents_colours_can_be_kept_or_matched(painter, content, styles):
    style = [(styles["nocturne"], 1.0)]
    plain, kept, matched = (
        painter.paint(content, style, RECIPE.with_colour(colour)) for colour in ("style", "content", "match")
    )
    mean = content.mean((2, 3))
    assert (luminance(kept) - luminance(plain)).abs().mean() < 0.05
    far = {name: (x.mean((2, 3)) - mean).norm() for name, x in (("plain", plain), ("matched", matched))}
    assert far["matched"] < far["plain"]


def test_the_identity_names_both_files_by_checksum():
    assert identity() == " ".join(f"{name} {entry(name).sha256}" for name in ("magenta", "magenta_style"))


def test_the_library_paints_by_the_recipes_name(content, sample_contents, sample_styles, painter, styles):
    result = sp.stylize(sample_contents["coffee"], sample_styles["nocturne"], "instant", size=64)
    torch.testing.assert_close(result.pixels, painter.paint(content, [(styles["nocturne"], 1.0)], RECIPE))
    assert result.image.size == (64, 51)
    assert result.history.empty
    pair = {name: sample_styles[name] for name in ("nocturne", "harvest")}
    cells = list(sp.stylize_grid({"coffee": sample_contents["coffee"]}, pair, "instant", size=64))
    assert [(content, style) for content, style, _ in cells] == [("coffee", "nocturne"), ("coffee", "harvest")]
    assert cells[0][2].image.tobytes() == result.image.tobytes()


def test_transparent_contents_stay_transparent(sample_styles):
    content = Image.new("RGBA", (48, 32), (200, 100, 50, 255))
    content.paste((0, 0, 0, 0), (0, 0, 20, 32))
    result = sp.stylize(content, sample_styles["nocturne"], "instant", size=48)
    assert result.image.mode == "RGBA"
    assert [result.image.getpixel(place)[3] for place in ((2, 16), (45, 16))] == [0, 255]


@pytest.mark.parametrize("option", ["callback", "start", "film", "depth_map", "edge_map"])
def test_what_an_optimiser_would_use_is_refused(sample_contents, sample_styles, option):
    given = {option: print if option == "callback" else sample_contents["coffee"]}
    with pytest.raises(sp.InputError, match=f"recipe instant paints in one pass.*: leave out {option}, or choose"):
        sp.stylize(sample_contents["coffee"], sample_styles["nocturne"], "instant", **given)


def test_without_weights_and_index_it_is_told_how_to_get_them(tmp_path, monkeypatch, sample_contents, sample_styles):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, value)
    with pytest.raises(sp.InputError) as error:
        sp.stylize(sample_contents["coffee"], sample_styles["nocturne"], "instant")
    message = str(error.value)
    assert "spnst models fetch magenta --from FILE.whl, or choose another recipe" in message
    assert "\n" not in message
