"""Style: the statistics of a style's features in every layer and at every size that a recipe uses."""

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load
from small_project import STYLES

from spnst_pipeline.artefacts.lineage import Lineage


@pytest.fixture(scope="module", params=STYLES)
def statistics(request, first_run):
    return load((first_run[0].out / f"style_grams/{request.param}.safetensors").read_bytes())


def test_every_layer_has_a_gram_matrix_and_a_mean_at_every_size(statistics, first_run):
    project = first_run[1].project
    wanted = {
        f"{kind}.{layer}.{size}"
        for kind in ("gram", "mean")
        for layer in project.style_layers
        for size in project.style_sizes
    }
    assert wanted and wanted <= statistics.keys()


def test_gram_matrices_are_symmetric_and_positive_semidefinite(statistics):
    grams = {name: value[0] for name, value in statistics.items() if name.startswith("gram.")}
    for name, gram in grams.items():
        assert gram.shape == (statistics[name.replace("gram", "mean", 1)].shape[1],) * 2
        np.testing.assert_allclose(gram, gram.T, rtol=1e-4, atol=1e-6)
        eigenvalues = np.linalg.eigvalsh(gram.astype(np.float64))
        assert eigenvalues[0] >= -1e-4 * eigenvalues[-1]


def test_styles_differ(first_run):
    place, _ = first_run
    one, other = (load((place.out / f"style_grams/{style}.safetensors").read_bytes()) for style in STYLES)
    assert one.keys() == other.keys()
    assert not any(np.array_equal(one[name], other[name]) for name in one if name.startswith("gram."))


def test_the_file_carries_its_fingerprint_its_layers_and_that_its_check_passed(first_run):
    place, run = first_run
    wanted = Lineage(run.project).style_grams("wave")
    with safe_open(place.out / "style_grams/wave.safetensors", "np") as file:
        carried = file.metadata()
    assert carried.items() >= wanted.stamp.items()
    assert "positive_semidefinite" in carried["checks"]


@pytest.mark.project
def test_a_style_that_was_never_decoded_is_named_with_what_to_do(made):
    (made.out / "style_image/wave.png").unlink()
    [line] = made.launch("style_grams", key="wave").failed
    assert line.startswith("style_grams[wave]: ")
    assert line.endswith("materialise style_image[wave] first")
