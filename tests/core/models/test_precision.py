"""Networks may multiply in bfloat16; what is summed, compared and optimised stays in float32."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import nn

from spnst_core import InputError, Recipe
from spnst_core.compute import moments
from spnst_core.models.networks import build
from spnst_core.models.nnpack import NnpackConv2d, pays
from spnst_core.models.precision import find_precision, lowered, quickened
from spnst_core.models.profiles import Identity, Models, load_models
from spnst_core.models.roles import EncoderLayers
from spnst_core.objective import losses
from spnst_core.objective.canvas import canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import StyleTargets
from spnst_core.optim.gradient import differentiated
from spnst_core.optim.optimize import optimize
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import Stage, Weights

CPU = torch.device("cpu")


def cosine(one, other):
    return torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), 0).item()


def copy_of(rule, network):
    """The network as the rule copies it."""
    return rule({"network": network})["network"]


def evaluated(networks, content, style, recipe, tile=None):
    """The first stage's losses and gradient at a picture that is far from both."""
    row = content_targets(content, recipe, networks)
    styles = [StyleTargets.compute(style, networks, recipe.style_sizes, recipe.style_layers(networks.encoder))]
    goal = canvas(row.content, recipe, recipe.stages[0])
    objective = Objective(goal, row, styles, recipe, recipe.stages[0], networks, tile)
    return differentiated(objective, goal.flip(3), objective.view(torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def pair(sample_contents, sample_styles):
    return sample_contents["astronaut"], next(iter(sample_styles.values()))


# ---------------------------------------------------------------------------------------------------- which precision


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [({"avx512_bf16"}, torch.bfloat16), ({"amx_tile"}, torch.bfloat16), ({"avx2"}, torch.float32)],
)
def test_auto_asks_the_processor(instructions, expected, monkeypatch):
    told = {name: name in instructions for name in ("avx2", "avx512_bf16", "amx_tile")}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert find_precision("auto", CPU) is expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), torch.float32), ((8, 0), torch.bfloat16)])
def test_auto_asks_the_gpu(capability, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert find_precision("auto", torch.device("cuda")) is expected


def test_what_is_asked_for_is_taken():
    assert find_precision("float32", CPU) is torch.float32
    assert find_precision("bfloat16", CPU) is torch.bfloat16
    assert load_models("embedded", "cpu", precision="bfloat16").precision is torch.bfloat16


def test_an_unknown_precision_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r'no precision "bfloat".*"bfloat16".*auto, float32, bfloat16'):
        load_models("embedded", "cpu", precision="bfloat")


# ------------------------------------------------------------------------------------------------------- what is summed


def test_statistics_of_rounded_features_are_summed_without_rounding():
    """Against float64, for many values with a large mean: sums in bfloat16 would be off in the second digit."""
    features = (3 + torch.randn(1, 8, 100, 100, generator=torch.Generator().manual_seed(0))).bfloat16()
    exact = features.double()
    with torch.autocast("cpu", torch.bfloat16):
        gram, mean, error = moments.gram(features), moments.mean(features), losses.squared_error(features, features + 1)
    flat = exact.flatten(2)
    torch.testing.assert_close(gram.double(), flat @ flat.mT / 10_000, rtol=5e-5, atol=0)
    torch.testing.assert_close(mean.double(), flat.mean(2), rtol=5e-5, atol=0)
    shifted = (features + 1).double()
    expected = (exact - shifted).square().sum() / shifted.square().sum()
    torch.testing.assert_close(error.double(), expected[None], rtol=5e-5, atol=0)
    assert gram.dtype == mean.dtype == error.dtype == torch.float32


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_of_a_gram_has_the_precision_and_the_layout_of_its_features(layout):
    features = torch.rand(2, 4, 5, 6).bfloat16().to(memory_format=layout).requires_grad_(True)
    product, total = moments.sums(features)
    (gradient,) = torch.autograd.grad(product.square().sum() + total.square().sum(), features)
    exact = features.detach().double().flatten(2).requires_grad_(True)
    ((exact @ exact.mT).square().sum() + exact.sum(2).square().sum()).backward()
    assert gradient.dtype == torch.bfloat16
    assert gradient.stride() == features.stride()
    torch.testing.assert_close(gradient.double().flatten(2), exact.grad, rtol=0.02, atol=0)


# ------------------------------------------------------------------------------------------- losses and whole pastiches


def test_weights_kept_in_bfloat16_are_those_that_autocast_would_make(published):
    x = torch.rand(1, 3, 40, 48)
    half = replace(published, precision=torch.bfloat16)
    with torch.no_grad(), half.autocast():
        kept, made = (m.encoder.features(x, ["relu1_1", "relu5_1"]) for m in (half.at_work, half))
    assert all(torch.equal(kept[layer], made[layer]) for layer in made)
    assert half.at_work is half.at_work, "made once"
    assert half.encoder.stack[0].weight.dtype == torch.float32, "targets and judges see with all bits"


def test_a_processor_keeps_strided_convolutions_by_channel_in_float32():
    """PyTorch has no quick gradient of them in bfloat16."""
    layers = [nn.Conv2d(4, 4, 3, stride=2, groups=4), nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 6, 3, stride=2)]
    network = nn.Sequential(*layers)
    at_work, x = copy_of(lowered, network), torch.rand(1, 4, 20, 30).bfloat16()
    dtypes = [weight.dtype for weight in at_work.parameters() if weight.dim() == 4]
    assert dtypes == [torch.float32, torch.bfloat16, torch.bfloat16]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = at_work[0](x)
    assert torch.equal(found, layers[0](x.float()).bfloat16())
    copy = copy_of(lowered, build("midas_v21_small"))
    wrapped = [name for name, _ in copy.named_modules() if name.endswith("conv_dw.layer")]
    assert len(wrapped) == 4, "timm's own kind of convolution"


@pytest.mark.skipif(not pays(nn.Conv2d(64, 64, 3)), reason="this PyTorch has no NNPACK")
def test_in_float32_a_processor_convolves_by_nnpack(models, published):
    x = torch.rand(1, 3, 60, 72)
    for networks, layers in ((models, ["bank1", "bank3"]), (published, ["relu1_1", "relu4_1"])):
        at_work = networks.at_work
        assert at_work is networks.at_work, "made once"
        usual, quick = (m.encoder.features(x, layers) for m in (networks, at_work))
        for layer in layers:
            torch.testing.assert_close(quick[layer], usual[layer], rtol=1e-4, atol=1e-4)
            assert not torch.equal(quick[layer], usual[layer])
        assert [type(m) for m in networks.encoder.modules()].count(NnpackConv2d) == 0, "targets and judges don't"
    assert all(type(bank) is NnpackConv2d for bank in models.at_work.encoder.banks)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_other_layers_share_their_weights_or_are_copies_in_another_precision(precision, published):
    first, second = (m.edges.combine.weight for m in (published, replace(published, precision=precision).at_work))
    assert (first.data_ptr() == second.data_ptr()) is (precision == torch.float32)
    assert second.dtype == precision


@pytest.mark.parametrize("rule", [lowered, quickened])
def test_what_networks_share_their_copies_share(rule):
    trunk = nn.Conv2d(64, 64, 3)
    networks = {"one": nn.Sequential(trunk, nn.ReLU()), "other": nn.Sequential(trunk), "none": "not a module"}
    copies = rule(networks)
    assert copies["one"][0] is copies["other"][0]
    assert copies["one"][0] is not trunk
    assert copies["none"] == "not a module"


@pytest.mark.heavy
def test_in_float32_a_processor_normalises_by_the_weights():
    """Statistics of a picture stand for learned ones, so that they aren't 0 and 1."""
    network, x = build("midas_v21_small"), torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        network(x)
        usual, at_work = network.eval()(x), copy_of(quickened, network)
        found = at_work(x)
    assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules()), "the network itself is as it was"
    assert not any(isinstance(m, nn.BatchNorm2d) for m in at_work.modules())
    assert usual.std() > 0
    assert (found - usual).norm() < 1e-4 * usual.norm()


def test_other_devices_choose_their_convolutions_themselves(models):
    elsewhere = replace(models, device=torch.device("cuda"))
    assert elsewhere.at_work is elsewhere


def test_making_networks_ready_for_work_draws_no_random_numbers(models):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    assert replace(models, precision=torch.float32).at_work.encoder is not models.encoder
    assert torch.equal(torch.rand(3), expected)


@pytest.fixture(scope="module")
def by_embedded(models, pair):
    """What the embedded networks say in a precision, whole or in tiles."""
    recipe = Recipe.load("structure").with_size(80).model_copy(update={"stages": (Stage(steps=1),)})
    return cache(lambda precision, tile: evaluated(replace(models, precision=precision), *pair, recipe, tile))


@pytest.mark.parametrize("tile", [None, 48])
@pytest.mark.heavy
def test_the_embedded_networks_say_nearly_the_same(tile, by_embedded):
    full, half = (by_embedded(precision, tile) for precision in (torch.float32, torch.bfloat16))
    for term in ("content", "style", "edge", "depth", "tv"):
        torch.testing.assert_close(half.values[term], full.values[term], rtol=0.02, atol=0.002, msg=term)
        assert half.values[term].dtype == torch.float32
    assert torch.equal(half.values["edge"], full.values["edge"]), "analytic edges are no network"
    assert not torch.equal(half.values["style"], full.values["style"])
    assert half.gradient.dtype == torch.float32
    assert cosine(half.gradient, full.gradient) > 0.99


@pytest.mark.heavy
def test_tiles_and_the_whole_are_rounded_alike(by_embedded):
    whole, tiled = (by_embedded(torch.bfloat16, tile) for tile in (None, 48))
    assert cosine(tiled.gradient, whole.gradient) > 0.9999


@pytest.fixture(scope="module")
def published():
    """VGG19 and HED, and no depth. Random weights make HED's logits harder to round than learnt ones would."""
    torch.manual_seed(0)
    encoder, edges = build("vgg19"), build("hed")
    layers = EncoderLayers("vgg19", encoder.content_layers, encoder.style_layers)
    return Models(Identity("pretrained", "random", layers, ("vgg19", "hed")), encoder, edges, edges, CPU)


@pytest.mark.slow(7)
def test_published_networks_say_nearly_the_same(published, pair):
    weights = Weights(content=1, style=1, edge=1, tv=0.1)
    changes = {"weights": weights, "stages": (Stage(steps=1),)}
    recipe = Recipe.load("structure").with_size(64).model_copy(update=changes)
    full, half = (
        evaluated(replace(published, precision=precision), *pair, recipe)
        for precision in (torch.float32, torch.bfloat16)
    )
    for term in ("content", "style", "edge"):
        torch.testing.assert_close(half.values[term], full.values[term], rtol=0.02, atol=0.002, msg=term)
    assert cosine(half.gradient, full.gradient) > 0.95


@pytest.mark.slow(12)
def test_a_pastiche_is_as_good(models, pair):
    """Judged in float32: the last step's loss within two percent after a short painting."""
    stages = (Stage(scale=0.5, steps=6), Stage(steps=6))
    recipe = Recipe.load("structure").with_size(48).model_copy(update={"stages": stages, "jitter": False})
    content = content_targets(pair[0], recipe, models)
    styles = [StyleTargets.compute(pair[1], models, recipe.style_sizes)]
    totals = []
    for precision in (torch.float32, torch.bfloat16):
        *_, last = optimize(content, styles, recipe, replace(models, precision=precision))
        objective = Objective(
            canvas(content.content, recipe, recipe.stages[-1]), content, styles, recipe, recipe.stages[-1], models
        )
        totals.append(differentiated(objective, last.image, objective.view(torch.Generator())).values["total"].item())
        assert last.image.dtype == torch.float32
    assert totals[1] < 1.02 * totals[0]
