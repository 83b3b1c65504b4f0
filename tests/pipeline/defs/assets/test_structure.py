"""Structure: maps of depth and edges at every size that a recipe works at, beside pictures of them to look at."""

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load
from small_project import CONTENTS

from spnst_pipeline.artefacts.lineage import Lineage

MAPS = ("depth_map", "edge_map")


def tensors(place, asset, content="cat"):
    return load((place.out / f"{asset}/{content}.safetensors").read_bytes())


@pytest.mark.parametrize("asset", MAPS)
@pytest.mark.parametrize("content", CONTENTS)
def test_maps_have_the_sizes_of_every_stage_and_the_contents_own_shape(first_run, asset, content):
    maps = {name: value for name, value in tensors(first_run[0], asset, content).items() if name.startswith("maps.")}
    assert {name: value.shape[2:] for name, value in maps.items()} == {"maps.24": (18, 24), "maps.48": (36, 48)}
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in maps.values())


def test_edges_are_probabilities_and_depth_is_one_map_with_relief(first_run):
    depth, edges = (tensors(first_run[0], asset) for asset in MAPS)
    assert 0 <= edges["maps.48"].min() < edges["maps.48"].max() <= 1
    assert depth["maps.48"].shape[:2] == (1, 1)
    assert depth["maps.48"].std() > 0


@pytest.mark.parametrize("asset", MAPS)
def test_the_picture_beside_has_the_contents_shape_and_the_file_its_fingerprint(first_run, asset):
    place, run = first_run
    width, height = Image.open(place.out / f"{asset}/cat.png").size
    assert width / height == pytest.approx(80 / 60, abs=0.05)
    wanted = getattr(Lineage(run.project), asset)("cat")
    with safe_open(place.out / f"{asset}/cat.safetensors", "np") as file:
        assert file.metadata()["fingerprint"] == wanted.fingerprint
        assert file.metadata()["sizes"] == "24 48"


@pytest.mark.project
@pytest.mark.parametrize("asset", MAPS)
def test_a_deleted_map_is_made_again_and_comes_out_the_same(made, asset):
    before = tensors(made, asset)
    (made.out / f"{asset}/cat.safetensors").unlink()
    launched = made.launch(asset, key="cat")
    assert (launched.failed, launched.keys) == ([], [f"{asset}/cat.safetensors"])
    again = tensors(made, asset)
    assert again.keys() == before.keys()
    assert all(np.array_equal(again[name], before[name]) for name in before)
    assert launched.told(asset, "cat")["sizes"] == "24 48"


@pytest.mark.project
def test_a_content_that_was_never_decoded_is_named_with_what_to_do(made):
    (made.out / "content_image/cat.png").unlink()
    [line] = made.launch("depth_map", key="cat").failed
    assert line.startswith("depth_map[cat]: ")
    assert line.endswith("materialise content_image[cat] first")
