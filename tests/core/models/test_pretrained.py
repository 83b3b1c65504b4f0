"""The pretrained profile on stand-in weights: published files in, one profile out, labelled for what it is."""

from hashlib import sha256

import pytest

from spnst_core import InputError, Recipe, load_models, stylize
from spnst_core.models import stand_ins, weights
from spnst_core.models.hed import ControlNetHED
from spnst_core.models.manifest import entry
from spnst_core.models.profiles import identify
from spnst_core.recipes.recipe import Stage

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    assert len(stand_ins.write(folder, seed=1)) == 3
    return folder


@pytest.fixture(autouse=True)
def _cache(folder, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(folder))


def test_the_profile_runs_and_its_result_says_what_it_ran_on(sample_contents, sample_styles):
    models = load_models("pretrained", "cpu")
    assert models.identity.label == "pretrained (stand-in weights)"
    assert "stand-in weights (vgg19, hed, midas_v21_small)" in models.identity.notice
    recipe = Recipe.load("structure").model_copy(update={"size": 64, "stages": (Stage(steps=2),)})
    history = stylize(
        sample_contents["coffee"], next(iter(sample_styles.values())), recipe=recipe, models=models
    ).history
    assert (history[["content", "style", "edge", "depth"]].iloc[1] > 0).all()


def test_the_fingerprint_changes_with_any_file(folder):
    before = identify("pretrained").fingerprint
    assert load_models("pretrained", "cpu").identity.fingerprint == before
    hed = folder / "network-bsds500.pytorch"
    kept = hed.read_bytes()
    hed.unlink()
    try:
        assert stand_ins.write(folder, seed=2) == [hed]
        assert identify("pretrained").fingerprint != before
    finally:
        hed.write_bytes(kept)


@pytest.mark.parametrize(
    ("networks", "says"),
    [
        ({"edges": "vgg19"}, 'no edge detector "vgg19": there are embedded, hed, hed_controlnet'),
        ({"depth": "hed"}, 'no depth network "hed": there are embedded, midas_v21_small'),
        ({"depth": "dpt_hybird"}, 'no depth network "dpt_hybird" \\(did you mean "dpt_hybrid"\\?\\)'),
    ],
)
def test_a_network_of_another_role_is_refused(networks, says):
    with pytest.raises(InputError, match=says):
        load_models("pretrained", "cpu", **networks)


def test_other_networks_can_be_chosen(folder):
    stand_ins.write(folder, seed=1, names=("hed_controlnet",))
    models = load_models("pretrained", "cpu", edges="hed_controlnet")
    assert isinstance(models.edges, ControlNetHED)
    assert models.identity.stand_ins == ("vgg19", "hed_controlnet", "midas_v21_small")
    assert models.identity.fingerprint != identify("pretrained").fingerprint
    assert models.identity.label == "pretrained (edges: hed_controlnet, stand-in weights)"


def test_fingerprints_are_those_of_the_first_stores(folder):
    """A name and both ends of each file, or every artefact would be made again."""
    stand_ins.write(folder, seed=1, names=("hed_controlnet",))
    for edges in ("hed", "hed_controlnet"):
        names = "vgg19", edges, "midas_v21_small"
        files = [folder / entry(name).file for name in names]
        text = " ".join(f"{name} {weights.ends(file)}" for name, file in zip(names, files, strict=True))
        expected = sha256(text.encode()).hexdigest()[:16]
        assert identify("pretrained", edges=edges).fingerprint == expected


def test_what_is_not_there_is_named_with_the_command_that_fetches_it(folder):
    with pytest.raises(InputError, match=f"no weights of dpt_large in {folder}: .* spnst models fetch dpt_large"):
        identify("pretrained", depth="dpt_large")
