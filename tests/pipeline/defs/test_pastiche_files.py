"""Pastiches in other colour spaces and with more bits: what counts in their fingerprints, and what a store holds."""

from io import BytesIO

import pytest
import torch
from picture_files import matrix_profile
from PIL import Image
from small_project import PAINTED

from spnst_core import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.gamut import GAMUTS
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.provenance import read_made
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.defs.pastiche_files import MOST_PROFILE, encoded, file_format
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

P3 = GAMUTS["display-p3"].profile
ADOBE = [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]
LONG = P3 + bytes(MOST_PROFILE)


def opened(place, **changes):
    return Project.open(place.settings(**changes))


def with_profile(place, profile):
    path = place.root / "contents/cat.png"
    Image.open(path).save(path, icc_profile=profile)


def fingerprints(place, **changes):
    lineage = Lineage(opened(place, **changes), ahead=True)
    recipe = lineage.project.recipes[0]
    found = [rule("cat").fingerprint for rule in (lineage.content_image, lineage.depth_map, lineage.edge_map)]
    return [*found, lineage.style_grams("wave").fingerprint], lineage.pastiche(recipe, "cat", "wave").fingerprint


def test_how_pastiches_are_written_counts_in_their_fingerprints_alone_and_only_where_it_was_asked_for(fresh):
    inputs, plain = fingerprints(fresh)
    assert fingerprints(fresh, gamut="srgb", bits=8) == (inputs, plain)
    others = [{"gamut": "display-p3"}, {"bits": 16}, {"gamut": "content"}, {"gamut": "adobe-rgb", "bits": 16}]
    found = [fingerprints(fresh, **changes) for changes in others]
    assert [own for own, _ in found] == [inputs] * 4
    assert len({plain, *(pastiche for _, pastiche in found)}) == 5


def test_pastiches_are_written_as_before_unless_the_settings_say_otherwise(fresh):
    x = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    assert file_format(opened(fresh), "cat") is None
    assert encoded(None, x, None, {"a": "b"}) == image_io.encode_png(image_io.to_image(x), {"a": "b"})


@pytest.mark.parametrize("bits", [8, 16])
def test_a_pastiche_of_another_colour_space_is_read_as_what_was_painted(fresh, bits):
    x = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    with_profile(fresh, P3)
    for gamut in ("display-p3", "content"):
        data = encoded(file_format(opened(fresh, gamut=gamut, bits=bits), "cat"), x, None, {"fingerprint": "f"})
        assert Image.open(BytesIO(data)).info["icc_profile"] == P3
        assert metadata("a.png", data[:HEAD])["fingerprint"] == "f"
        assert (image_io.read(data) - x).abs().mean() < 1.2 / 255  # pictures are read with 8 bits
    cut_out = encoded(file_format(opened(fresh, bits=bits), "cat"), x, torch.full((1, 1, 20, 30), 0.5), {})
    assert (image_io.read_with_opacity(cut_out)[1] - 0.5).abs().max() < 0.01


def test_a_profile_that_no_pastiche_can_have_is_refused_in_one_line(fresh):
    grey = matrix_profile(ADOBE, 2.2).replace(b"RGB ", b"GRAY", 1).replace(b"rTRC", b"kTRC")
    Image.open(fresh.root / "contents/cat.png").convert("L").save(fresh.root / "contents/cat.png", icc_profile=grey)
    with pytest.raises(InputError, match="cat.png has a colour profile that is of GRAY colours.*choose srgb or"):
        file_format(opened(fresh, gamut="content"), "cat")
    Image.open(fresh.root / "contents/cat.png").convert("RGB").save(fresh.root / "contents/cat.png", icc_profile=LONG)
    with pytest.raises(InputError, match="cat.png has a colour profile of 33,[0-9]+ bytes, .* 32,768: choose srgb or"):
        file_format(opened(fresh, gamut="content"), "cat")


@pytest.mark.slow(6)
def test_a_grid_is_painted_in_the_colour_space_of_each_content_with_16_bits(made):
    cell = ArtefactId("pastiche", "structure", "cat", "wave")
    before = image_io.read(take(opened(made).store, cell))
    with_profile(made, P3)
    options = {"gamut": "content", "bits": 16, "recipes": (str(made.root / "structure.yaml"),)}
    run = made.run(phases=PAINTED, **options)
    assert run.failed == []
    data = take(run.project.store, cell)
    made_as = read_made(image_io.png_text(data))
    assert (made_as["gamut"], made_as["bits"]) == ("content", 16)
    profiles = {
        name: Image.open(made.out / f"pastiche/structure/{name}/wave.png").info["icc_profile"]
        for name in ("boat", "cat")
    }
    assert profiles == {"boat": GAMUTS["srgb"].profile, "cat": P3}
    assert (data[24], image_io.read(data).shape) == (16, before.shape)
    assert made.run(phases=PAINTED, **options).recorder.keys == []
    assert (image_io.read(data) - before).abs().max() < 0.5
