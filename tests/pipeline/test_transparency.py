"""Transparency in the grid: what is hidden in contents and styles doesn't count, and pastiches are as transparent."""

import numpy as np
import pytest
import torch
from PIL import Image
from small_project import PAINTED, draw

from spnst_core.imaging import io as image_io
from spnst_core.objective.targets import StyleTargets
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.soundness import put, take
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

CELL = ArtefactId("pastiche", "structure", "cat", "wave")


def hide_left(path, colour):
    """Hide the left half of a picture, where it has this colour."""
    image = Image.open(path).convert("RGBA")
    image.paste((*colour, 0), (0, 0, image.width // 2, image.height))
    image.save(path)


def paint(place):
    return place.run(phases=PAINTED, recipes=(str(place.root / "structure.yaml"),))


def alpha(data):
    return image_io.read_with_opacity(data)[1]


@pytest.mark.heavy
def test_a_pastiche_is_as_transparent_as_its_content_and_what_is_hidden_takes_no_part(made):
    opaque = take(Project.open(made.settings()).store, CELL)
    assert alpha(opaque) is None
    found = []
    for colour in ((255, 0, 0), (0, 0, 255)):
        hide_left(made.root / "contents/cat.png", colour)
        run = paint(made)
        assert run.failed == []
        assert not [key for key in run.recorder.keys if "boat" in key]
        found.append(take(run.project.store, CELL))
    red, blue = found
    seen = alpha(red)
    assert (seen[..., :22].max(), seen[..., 26:].min()) == (0, 1)
    assert torch.equal(seen, alpha(blue))
    assert torch.equal(image_io.read(red), image_io.read(blue))
    assert paint(made).recorder.keys == []


@pytest.mark.heavy
def test_what_is_hidden_in_a_style_takes_no_part_in_its_statistics(made):
    hide_left(made.root / "styles/wave.png", (255, 0, 0))
    run = paint(made)
    assert run.failed == []
    project, key = run.project, ArtefactId("style_grams", style="wave")
    statistics = StyleTargets.from_bytes(take(project.store, key)).statistics
    half = np.asarray(draw(12), float)[:, 42:].reshape(-1, 3).mean(0) / 255
    for size in project.style_sizes:
        assert np.abs(statistics[size]["colour"].mean[0].numpy() - half).max() < 0.05


def test_a_picture_that_is_hidden_altogether_costs_its_own_cells_alone(made):
    Image.new("RGBA", (80, 60), (9, 9, 9, 0)).save(made.root / "contents/cat.png")
    failed = made.launch("content_image", key="cat").failed
    assert len(failed) == 1 and "cat.png is transparent everywhere" in failed[0]


def test_a_picture_stored_before_there_was_opacity_keeps_its_pastiches_until_it_is_decoded_anew(made):
    recipe = Project.open(made.settings()).recipes[0]

    def prints():
        lineage = Lineage(Project.open(made.settings()))
        wanted = lineage.content_image("cat"), lineage.style_image("wave")
        return [each.fingerprint for each in (*wanted, lineage.style_grams("wave", recipe))], wanted

    before, pictures = prints()
    store = Project.open(made.settings()).store
    for picture in pictures:
        white = image_io.decode(take(store, picture.id))
        put(store, picture, lambda stamp, white=white: image_io.encode_png(white, stamp))
    assert prints()[0] == before
    for picture in pictures:
        put(store, picture, lambda stamp: image_io.encode_png(draw(2).convert("RGBA"), {**stamp, "transparent": "yes"}))
    after = prints()[0]
    assert after[:2] == before[:2]
    assert after[2] != before[2]
