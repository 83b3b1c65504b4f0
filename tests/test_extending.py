"""docs/extending.md: its code blocks, laid out as the package that they are, paint a picture and score it."""

import re
from pathlib import Path

import pytest
import torch
from distribution import installed, write

import spnst_core as sp
from spnst_core import samples
from spnst_core.imaging import io as image_io
from spnst_core.metrics.judges import load_judges
from spnst_core.metrics.registry import METRICS, measure
from spnst_core.recipes.style_size import StyleSize

PAGE = (Path(__file__).parents[1] / "docs/extending.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def package(tmp_path):
    (project,) = blocks("toml")
    groups = {
        group: dict(re.findall(r'^(\w+) = "(.+)"$', lines, flags=re.MULTILINE))
        for group, lines in re.findall(r'\[project\.entry-points\."(.+?)"\]\n(.*?)(?:\n\n|\Z)', project, re.DOTALL)
    }
    modules = {match[1]: code for code in blocks("python") if (match := re.match(r"# my_package/(\w+\.py)\n", code))}
    folder = write(tmp_path / "site", "my_package", "1.0", {"__init__.py": "", **modules}, groups)
    with installed(folder):
        yield groups


def test_every_entry_point_of_the_page_is_a_module_of_the_page(package):
    assert {group: list(points) for group, points in package.items()} == {
        "spnst.metrics": ["sharpness"],
        "spnst.encoders": ["gradients"],
        "spnst.loss_terms": ["tint"],
        "spnst.recipes": ["etching"],
    }


@pytest.mark.heavy
def test_the_page_paints_a_picture_and_scores_it(package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, style = samples.contents()["coffee"], samples.styles(64)["woodblock"]
    content.save("content.jpg")
    style.save("style.jpg")
    (usage,) = (code for code in blocks("python") if "load_models" in code)
    names = {}
    exec(usage.replace("size=256", "size=48"), names)
    result, models = names["result"], names["models"]
    assert max(result.image.size) == 48
    assert "tint" in result.history
    assert result.history["total"].iloc[-1] < result.history["total"].iloc[0]
    assert models.identity.label == "embedded (encoder: gradients)"
    assert models.identity.label in PAGE
    targets = sp.StyleTargets.compute(image_io.read(style), models, [StyleSize(48)])
    pictures = [image_io.read(picture) for picture in (content, result.image, style)]
    scores = measure(*pictures, targets, models, load_judges(models.device))
    assert METRICS.names()[-1] == "sharpness"
    assert 0 < scores.values["sharpness"] < 10


@torch.no_grad()
def test_the_encoder_of_the_page_can_be_read_in_tiles(package):
    """Its `reach` is right: a layer's responses depend on no pixel beyond."""
    encoder = sp.load_models("embedded", "cpu", encoder="gradients").encoder
    x = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    for layer in encoder.style_layers:
        reach = encoder.reach(layer)
        y = x.clone()
        y[..., 24 + reach.stride + reach.halo :] = 0
        whole, cut = (encoder.features(each, [layer])[layer] for each in (x, y))
        known = 24 // reach.stride + 1
        assert torch.equal(whole[..., :known], cut[..., :known])
