"""The optimiser: batches equal single cells, seeds repeat, losses fall, structure terms hold structure."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.compute import moments
from spnst_core.compute.blur import soften
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance
from spnst_core.models.networks import build
from spnst_core.objective import losses
from spnst_core.objective.canvas import at_size, canvas, crop, framed
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.objective.view import DEPTH_NOISE, View
from spnst_core.optim.lbfgs import LBFGS
from spnst_core.optim.optimize import optimize
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import LayerChoice, Stage, Weights


def short(name="structure", **changes):
    stages = (Stage(scale=0.5, steps=6, lr_end=0.2), Stage(scale=1.0, steps=6, lr_end=0.2))
    return Recipe.load(name).model_copy(update={"size": 48, "stages": stages, **changes})


def brief(**changes):
    """A short recipe of few steps, for what shows at once."""
    return short(stages=(Stage(scale=0.5, steps=2), Stage(steps=3)), **changes)


def still(**changes):
    """A short recipe whose objective stands still, as L-BFGS needs it."""
    return short("gatys", jitter=False, smooth_gradients=False, **changes)


def run(recipe, content, styles, models, start=None):
    layers = recipe.style_layers(models.encoder)
    targets = [StyleTargets.compute(style, models, recipe.style_sizes, layers) for style in styles]
    return list(optimize(content_targets(content, recipe, models), targets, recipe, models, start))


@pytest.fixture(scope="module")
def content(sample_contents):
    return sample_contents["astronaut"]


@pytest.fixture(scope="module")
def two(sample_styles):
    return list(sample_styles.values())[:2]


@pytest.mark.parametrize("init", ["recoloured", "noise"])
@pytest.mark.heavy
def test_a_batch_gives_what_each_cell_alone_gives(init, content, two, models):
    recipe = brief(init=init)
    together = run(recipe, content, two, models)[-1].image
    alone = torch.cat([run(recipe, content, [style], models)[-1].image for style in two])
    assert (together - alone).abs().max() < 1e-4


@pytest.mark.heavy
def test_cells_evaluated_together_or_apart_have_the_same_losses_and_gradients(content, two, models):
    """The way of a processor against that of a GPU, in float64."""
    networks = {role: deepcopy(getattr(models, role)).double() for role in ("encoder", "edges", "depth")}
    exact, recipe = replace(models, **networks), short(size=40)
    styles = [StyleTargets.compute(style.double(), exact, recipe.style_sizes) for style in two]
    content = content_targets(content.double(), recipe, exact)
    goal = canvas(content.content, recipe, recipe.stages[-1])
    objective = Objective(goal, content, styles, recipe, recipe.stages[-1], exact)
    view = objective.view(torch.Generator().manual_seed(0))
    x = goal.repeat(2, 1, 1, 1).requires_grad_(True)
    together = objective(x, view)["total"]
    apart = torch.cat([objective(x[cell], view, cell)["total"] for cell in ([0], [1])])
    torch.testing.assert_close(together, apart)
    gradients = [torch.autograd.grad(total.sum(), x)[0] for total in (together, apart)]
    torch.testing.assert_close(*gradients)


@pytest.mark.heavy
def test_the_same_seed_gives_the_same_picture_and_another_does_not(content, two, models):
    first, again = (run(brief(), content, two[:1], models)[-1].image for _ in range(2))
    other = run(brief(seed=1), content, two[:1], models)[-1].image
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.fixture(scope="module")
def iterates(content, two, models):
    """Of one run of two stages."""
    return run(short(), content, two, models)


def test_iterates_count_steps_and_stages_and_stay_in_range(iterates):
    assert [i.step for i in iterates] == list(range(1, 13))
    assert [i.stage for i in iterates] == [0] * 6 + [1] * 6
    assert {max(i.image.shape[2:]) for i in iterates[:6]} == {24}
    assert {max(i.image.shape[2:]) for i in iterates[6:]} == {48}
    for iterate in iterates:
        assert iterate.image.min() >= 0
        assert iterate.image.max() <= 1


def test_total_is_the_weighted_sum_of_the_terms(iterates):
    for iterate in iterates:
        expected = sum(value * iterate.losses[term] for term, value in short().weights.model_dump().items())
        torch.testing.assert_close(iterate.losses["total"], expected)


def test_style_comes_nearer_with_every_cell(iterates):
    assert (iterates[5].losses["style"] < iterates[0].losses["style"]).all()
    assert (iterates[-1].losses["style"] < iterates[0].losses["style"] / 2).all()


@pytest.mark.heavy
def test_structure_terms_hold_edges_and_depth(content, two, models):
    """Both runs are judged by the first recipe's terms at the last step; few steps need weights of their own."""
    judged = short(size=64, weights=Weights(edge=1e-12, depth=1e-12, tv=0.05))
    held = short(size=64, weights=Weights(edge=1, depth=1, tv=0.05))
    free, kept = (run(recipe, content, two, models)[-1].losses for recipe in (judged, held))
    assert (kept["edge"] < 0.85 * free["edge"]).all()
    assert (kept["depth"] < free["depth"]).all()


def test_terms_without_weight_cost_nothing_and_read_zero(content, two, models):
    last = run(short("gatys", stages=(Stage(steps=2),)), content, two, models)[-1].losses
    assert (last["edge"] == 0).all()
    assert (last["depth"] == 0).all()


@pytest.mark.heavy
def test_raw_form_runs_from_noise(content, two, models):
    weights = Weights(content=1, style=10, edge=10, depth=1, tv=1)
    iterates = run(brief(form="raw", init="noise", weights=weights), content, two, models)
    assert (iterates[-1].losses["total"] < iterates[0].losses["total"]).all()


@pytest.mark.heavy
def test_a_second_stage_of_the_same_size_goes_on_where_the_first_stopped(content, two, models):
    """Adam's state and the image carry over: two stages of three steps are one stage of six."""
    weights = Weights(tv=0.05)
    split = short(weights=weights, stages=(Stage(steps=3), Stage(steps=3)))
    whole = short(weights=weights, stages=(Stage(steps=6),))
    assert torch.equal(run(split, content, two, models)[-1].image, run(whole, content, two, models)[-1].image)


def test_softening_removes_a_weave_and_keeps_flat_areas():
    weave = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(8, 8)[None, None]
    torch.testing.assert_close(soften(weave)[..., 1:-1, 1:-1], torch.zeros(1, 1, 14, 14))
    torch.testing.assert_close(soften(torch.full((1, 3, 5, 7), 0.4)), torch.full((1, 3, 5, 7), 0.4))


def objective_of(recipe, content, style, models):
    """The objective of a recipe's last stage, and its goal."""
    goal = canvas(content, recipe, recipe.stages[-1])
    styles = [StyleTargets.compute(style, models, recipe.style_sizes)]
    content = content_targets(content, recipe, models)
    return Objective(goal, content, styles, recipe, recipe.stages[-1], models), goal


def views(objective, count):
    generator = torch.Generator().manual_seed(0)
    return [objective.view(generator) for _ in range(count)]


def test_with_jitter_every_view_is_elsewhere_and_has_its_own_noise(content, two, models):
    objective, goal = objective_of(short(), content, two[0], models)
    seen = views(objective, 60)
    starts = [(v.window[1].start, v.window[2].start) for v in seen]
    assert {min(down for down, _ in starts), max(down for down, _ in starts)} == {0, 16}
    assert {min(right for _, right in starts), max(right for _, right in starts)} == {0, 16}
    assert len(set(starts)) > 40
    assert {goal[v.window].shape[2:] for v in seen} == {crop(goal, 8).shape[2:]}
    assert all(goal[v.window][:, :1].shape == v.noise.shape for v in seen)
    assert not torch.equal(seen[0].noise, seen[1].noise)


def test_edges_are_those_of_the_picture_whatever_is_around_it(content, two, models):
    objective, goal = objective_of(short(), content, two[0], models)
    x, [view] = goal.flip(3), views(objective, 1)
    other = framed(crop(x, 8), 8)
    other[..., :8, :] = 0.5
    one, changed = (objective(canvas, view) for canvas in (x, other))
    assert one["edge"] == changed["edge"] > 0
    assert one["style"] != changed["style"]


def test_before_the_depth_network_a_weave_is_gone_and_noise_is_there(content, two, models):
    objective, goal = objective_of(short(), content, two[0], models)
    weave = torch.tensor([[0.1, -0.1], [-0.1, 0.1]]).repeat(goal.shape[2] // 2, goal.shape[3] // 2)
    grey = torch.full_like(goal, 0.5)
    for view in views(objective, 3):
        plain, woven = view.depth_input(grey), view.depth_input(grey + weave)
        assert (woven - plain)[..., 1:-1, 1:-1].abs().max() < 1e-6
        assert plain.std().item() == pytest.approx(DEPTH_NOISE, rel=0.1)


def test_before_the_depth_network_colours_are_gone(content, two, models):
    objective, goal = objective_of(short(), content, two[0], models)
    (view,) = views(objective, 1)
    grey = luminance(goal).expand(-1, 3, -1, -1)
    assert not torch.equal(goal, grey)
    torch.testing.assert_close(view.depth_input(goal), view.depth_input(grey), atol=1e-6, rtol=0)


def test_the_content_itself_is_at_no_depth_distance_in_any_view(content, two, models):
    """However much the network's answer changes from view to view."""
    objective, goal = objective_of(short(), content, two[0], models)
    for view in views(objective, 3):
        assert objective(goal, view)["depth"].item() == pytest.approx(0, abs=1e-5)
        assert objective(1 - goal, view)["depth"].item() > 0.01


def test_without_jitter_the_networks_see_the_picture_itself(content, two, models):
    recipe = short(jitter=False)
    objective, goal = objective_of(recipe, content, two[0], models)
    picture = image_io.resize(content, *image_io.fit(content.shape[2], content.shape[3], recipe.size))
    (view,) = views(objective, 1)
    assert torch.equal(goal[view.window], picture)
    assert torch.equal(view.depth_input(goal), picture)
    expected = losses.depth_loss(models.depth(1 - picture), models.depth(picture))
    torch.testing.assert_close(objective(1 - goal, view)["depth"], expected)


@pytest.mark.parametrize("name", ["structure", "gatys"])
def test_jitter_is_on_for_this_projects_own_recipes_whatever_the_profile(name):
    assert Recipe.load(name).jitter


@pytest.mark.heavy
def test_smooth_gradients_leave_less_of_a_weave(content, two, models):
    def weave(recipe):
        x = run(recipe, content, two[:1], models)[-1].image
        return (x - soften(x)).diff(dim=2).diff(dim=3).square().mean()

    assert weave(short("gatys")) < weave(short("gatys", smooth_gradients=False))


@pytest.mark.heavy
def test_where_the_size_grows_adam_starts_afresh(content, two, models):
    """Its first step moves every pixel by the learning rate or not at all; with old moments it would be another."""

    def grown(lr):
        stages = (Stage(scale=0.5, steps=4), Stage(steps=1, lr=lr))
        return run(short(smooth_gradients=False, stages=stages), content, two, models)[-1].image

    moved = (grown(0.01) - grown(1e-9)).abs()
    assert ((moved - 0.01).abs() < 1e-4).float().mean() > 0.9


def test_a_start_takes_the_place_of_the_init(content, two, models):
    recipe = short(stages=(Stage(steps=1, lr=1e-6),))
    start = torch.rand(1, 3, 80, 80, generator=torch.Generator().manual_seed(3))
    image = run(recipe, content, two, models, start)[-1].image
    expected = image_io.resize(start, *image.shape[2:]).expand_as(image)
    torch.testing.assert_close(image, expected, atol=1e-5, rtol=0)


@pytest.mark.heavy
def test_an_earlier_pastiche_is_gone_on_from(content, two, models):
    recipe = still(stages=(Stage(steps=8),))
    first = run(recipe, content, two[:1], models)
    again = run(recipe, content, two[:1], models, first[-1].image)
    assert (again[0].losses["total"] < first[0].losses["total"] / 2).all()


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (3, 3, 8, 8)])
def test_a_start_that_does_not_fit_the_cells_is_refused(shape, content, two, models):
    with pytest.raises(InputError, match=r"a start of shape .* doesn't fit 2 cell\(s\)"):
        run(short(), content, two, models, torch.rand(shape))


def test_without_jitter_nothing_is_drawn_at_random(content, two, models):
    stages = (Stage(scale=0.5, steps=2), Stage(steps=1))
    one, other = (run(still(seed=seed, stages=stages), content, two, models)[-1].image for seed in (0, 1))
    assert torch.equal(one, other)


def test_the_raw_terms_without_jitter_are_the_formulas_on_the_picture(content, two, models):
    weights = Weights(content=1, style=1, edge=1, depth=1, tv=1)
    recipe = still(form="raw", init="content", weights=weights, stages=(Stage(steps=1),))
    values = run(recipe, content, two[:1], models, 1 - content)[0].losses
    x, goal, encoder = at_size(1 - content, 48), at_size(content, 48), models.encoder
    style = image_io.resize(two[0], *image_io.fit(two[0].shape[2], two[0].shape[3], 48))
    pictures = x, goal, style
    reached, wanted, painted = (encoder.features(y, {"sketch", *encoder.style_layers}) for y in pictures)
    calibration = models.edges.calibrate(goal)

    def error(a, b):
        return (a - b).square().mean().item()

    expected = {
        "content": sum(w * error(reached[k], wanted[k]) for k, w in encoder.content_layers.items()),
        "style": sum(
            w * error(moments.gram(reached[k]), moments.gram(painted[k])) for k, w in encoder.style_layers.items()
        ),
        "edge": error(models.edges.maps(x, calibration), models.edges.maps(goal, calibration)),
        "depth": error(models.depth(x), models.depth(goal)),
        "tv": (x.diff(dim=2).square().sum() + x.diff(dim=3).square().sum()).item() / x.numel(),
    }
    assert {term: values[term].item() for term in expected} == pytest.approx(expected, rel=1e-3)


def test_a_recipe_chooses_the_layers_of_the_encoder_it_names(content, two, models):
    layers = {"embedded": LayerChoice(content={"bank1": 2.0}, style={"bank2": 3.0, "sketch": 1.0})}
    recipe = still(form="raw", layers=layers, init="content", weights=Weights(), stages=(Stage(steps=1),))
    values = run(recipe, content, two[:1], models)[0].losses
    style = image_io.resize(two[0], *image_io.fit(two[0].shape[2], two[0].shape[3], 48))
    grams = [
        {k: moments.gram(f) for k, f in models.encoder.features(y, ["bank2", "sketch"]).items()}
        for y in (at_size(content, 48), style)
    ]
    expected = sum(w * (grams[0][k] - grams[1][k]).square().mean() for k, w in (("bank2", 3), ("sketch", 1)))
    torch.testing.assert_close(values["style"][0], expected)
    assert values["content"][0] == 0


@pytest.mark.heavy
def test_features_of_edges_and_depth_are_compared_where_the_networks_have_them(content, two, models):
    """Random weights will do: the content's own features are at distance 0, and other pictures' are not."""
    torch.manual_seed(0)
    networks = replace(models, edges=build("hed"), depth=build("midas_v21_small"))
    recipe = Recipe.load("cheng").with_size(32).model_copy(update={"stages": (Stage(steps=2),)})
    first, second = run(recipe, content, two[:1], networks)
    for term in ("edge", "depth"):
        assert first.losses[term].item() == pytest.approx(0, abs=1e-12)
        assert second.losses[term].item() > 0


@pytest.mark.parametrize("key", ["edge_on", "depth_on"])
def test_features_that_a_profile_does_not_have_are_refused(key, content, two, models):
    recipe = short(**{key: "features"})
    with pytest.raises(InputError, match=f"recipe structure has {key}: features, but .* of the profile embedded"):
        run(recipe, content, two, models)


def test_targets_without_the_maps_that_a_recipe_compares_are_refused(content, two, models):
    styles = [StyleTargets.compute(x, models, short().style_sizes) for x in two]
    with pytest.raises(ValueError, match="compares edge maps, but the content's targets hold none"):
        next(optimize(ContentTargets(content), styles, short(), models))


def begun_lbfgs(sizes):
    """L-BFGS's beginning, which notes the long sides of the canvases that it begins with."""
    begin = LBFGS.__init__

    def noted(self, x, *args, **options):
        sizes.append(max(x.shape[2:]))
        begin(self, x, *args, **options)

    return noted


class TestLBFGS:
    """The optimiser `lbfgs` in a recipe."""

    def test_every_step_lowers_every_cells_loss(self, content, two, models):
        recipe = still(optimizer="lbfgs", stages=(Stage(steps=8),))
        totals = torch.stack([i.losses["total"] for i in run(recipe, content, two, models)])
        assert (totals[1:] < totals[:-1]).all()
        assert (totals[-1] < totals[0] / 2).all()

    @pytest.mark.heavy
    def test_a_batch_gives_what_each_cell_alone_gives(self, content, two, models):
        recipe = still(optimizer="lbfgs", stages=(Stage(steps=5),))
        together = run(recipe, content, two, models)[-1].image
        alone = torch.cat([run(recipe, content, [style], models)[-1].image for style in two])
        torch.testing.assert_close(together, alone, atol=1e-3, rtol=0)

    @pytest.mark.heavy
    def test_a_second_stage_of_the_same_size_goes_on_where_the_first_stopped(self, content, two, models):
        split = still(optimizer="lbfgs", stages=(Stage(steps=2), Stage(steps=2)))
        whole = still(optimizer="lbfgs", stages=(Stage(steps=4),))
        assert torch.equal(run(split, content, two, models)[-1].image, run(whole, content, two, models)[-1].image)

    def test_the_curvature_stays_with_the_size(self, content, two, models, monkeypatch):
        begun = []
        monkeypatch.setattr("spnst_core.optim.optimize.LBFGS.__init__", begun_lbfgs(begun))
        recipe = still(
            optimizer="lbfgs",
            stages=(Stage(scale=0.5, steps=1), Stage(steps=2, without=("depth",)), Stage(steps=2)),
        )
        run(recipe, content, two, models)
        assert begun == [24, 48]

    @pytest.mark.parametrize("order", [("adam", "lbfgs"), ("lbfgs", "adam")])
    @pytest.mark.heavy
    def test_a_stage_with_another_optimizer_starts_from_the_picture_so_far(self, content, two, models, order):
        stages = [Stage(steps=2, optimizer=optimizer) for optimizer in order]
        both = run(still(stages=tuple(stages)), content, two, models)[-1].image
        first, second = (still(stages=(stage,)) for stage in stages)
        halfway = run(first, content, two, models)[-1].image
        assert torch.equal(run(second, content, two, models, halfway)[-1].image, both)
        assert not torch.equal(run(first, content, two, models, halfway)[-1].image, both)

    def test_a_stage_with_other_weights_is_another_objective(self, content, two, models):
        other = Weights(content=3, style=0.1)
        recipe = still(optimizer="lbfgs", stages=(Stage(steps=2), Stage(steps=3, weights=other)))
        for iterate in run(recipe, content, two, models):
            weights = recipe.stage_weights(recipe.stages[iterate.stage]).model_dump()
            expected = sum(value * iterate.losses[term] for term, value in weights.items())
            torch.testing.assert_close(iterate.losses["total"], expected)

    def test_the_picture_grows_with_the_stages_and_stays_in_range(self, content, two, models):
        recipe = still(optimizer="lbfgs", stages=(Stage(scale=0.5, steps=2), Stage(steps=2)))
        iterates = run(recipe, content, two, models)
        assert [max(i.image.shape[2:]) for i in iterates] == [24, 24, 48, 48]
        assert all(0 <= i.image.min() <= i.image.max() <= 1 for i in iterates)


def test_style_misfit_is_the_last_stages_style_term_in_its_relative_form(content, two, models):
    recipe = short("gatys", jitter=False, weights=Weights(content=0, style=1))
    objective, goal = objective_of(recipe, content, two[0], models)
    styles = [StyleTargets.compute(two[0], models, recipe.style_sizes)]
    expected = objective(goal, View())["style"]
    for form in ("relative", "raw"):
        changed = recipe.model_copy(update={"form": form})
        torch.testing.assert_close(style_misfit(goal, styles, changed, models), expected)
