"""The objective: which terms a stage has, what each is worth, and how another package adds one."""

from dataclasses import replace

import distribution
import numpy as np
import pytest
import torch
from scipy.ndimage import maximum_filter
from torch import nn

from spnst_core import InputError, Recipe, stylize
from spnst_core.compute import moments
from spnst_core.imaging import io as image_io
from spnst_core.models.embedded.edges import MultiScaleEdges
from spnst_core.objective import losses
from spnst_core.objective.canvas import canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.regions import Regions
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.objective.view import View
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import Stage, Weights

DARKNESS = """
from spnst_core.objective.terms.term import LossTerm


class Darkness(LossTerm):
    def target(self, view):
        return self.stage.content[view.window].mean()

    def __call__(self, canvases, target):
        return (canvases.x[canvases.view.window].mean((1, 2, 3)) - target / 2).square()
"""
"""A term that wants pictures half as bright as the content."""


def recipe(**changes):
    fields = {"size": 48, "jitter": False, "weights": Weights(edge=1, depth=1, tv=1), "stages": (Stage(steps=2),)}
    return Recipe.load("structure").model_copy(update={**fields, **changes})


def objective_of(recipe, content, styles, models, stage=0, targets=None):
    """The objective of one stage, and the content on its canvas."""
    targets = targets or content_targets(content, recipe, models)
    statistics = [
        StyleTargets.compute(style, models, recipe.style_sizes, recipe.style_layers(models.encoder)) for style in styles
    ]
    goal = canvas(content, recipe, recipe.stages[stage])
    return Objective(goal, targets, statistics, recipe, recipe.stages[stage], models), goal


@pytest.fixture
def content(sample_contents):
    return sample_contents["astronaut"]


@pytest.fixture
def styles(sample_styles):
    return list(sample_styles.values())[:3]


@pytest.fixture
def darkness(tmp_path):
    """A package whose entry point adds the loss term ``darkness``, for as long as a test lasts."""
    points = {"spnst.loss_terms": {"darkness": "dark_terms:Darkness"}}
    with distribution.installed(distribution.write(tmp_path, "dark_terms", module=DARKNESS, entry_points=points)):
        yield


# ------------------------------------------------------------------------------------------------------ built-in terms


def test_every_term_is_the_loss_of_what_the_networks_see(content, styles, models):
    """Without jitter, against the networks and `losses` called one by one."""
    asked = recipe()
    objective, goal = objective_of(asked, content, styles[:1], models)
    x = goal.flip(3) ** 2
    found = objective(x, View())
    encoder, layers = models.encoder, models.encoder.content_layers
    own, wanted = encoder.features(x, layers), encoder.features(goal, layers)
    content_value = sum(share * losses.content_loss(own[k], wanted[k]) for k, share in layers.items())
    torch.testing.assert_close(found["content"], content_value)
    calibration = models.edges.calibrate(goal)
    maps = (models.edges.maps(each, calibration) for each in (x, goal))
    torch.testing.assert_close(found["edge"], losses.edge_loss(*maps), rtol=1e-4, atol=0)
    torch.testing.assert_close(found["depth"], losses.depth_loss(models.depth(x), models.depth(goal)))
    torch.testing.assert_close(found["tv"], losses.total_variation(x, goal))


def test_the_palette_is_compared_with_that_of_each_style_at_the_stages_size(content, styles, models):
    asked = recipe(weights=Weights(palette=2), jitter=True)
    objective, goal = objective_of(asked, content, styles[:2], models)
    x = torch.cat([goal.flip(3) ** 2, goal.flip(2)])
    inner, expected = x[..., 8:-8, 8:-8], []  # without the margin
    for own, style in zip(inner.split(1), styles, strict=False):
        expected.append(palette_loss_of(own, image_io.resize(style, *image_io.fit(*style.shape[2:], 48))))
    found = objective(x, View())
    assert found["palette"].tolist() == pytest.approx(expected, rel=1e-3)
    assert found["total"].tolist() == pytest.approx((found["content"] + found["style"] + 2 * found["palette"]).tolist())
    assert objective(x[1:], View(), [1])["palette"].item() == pytest.approx(expected[1], rel=1e-3)


def test_the_palette_of_each_region_is_that_of_its_style(content, styles, models):
    asked = recipe(weights=Weights(palette=1))
    goal = canvas(content, asked, asked.stages[0])
    half = goal.shape[3] // 2
    left = torch.zeros(1, 1, *goal.shape[2:])
    left[..., :half] = 1
    targets = replace(ContentTargets(content), regions=Regions(("left", "right"), torch.cat([left, 1 - left], 1)))
    known = [StyleTargets.compute(style, models, asked.style_sizes) for style in styles[:2]]
    objective = Objective(goal, targets, [StyleTargets.by_region(known)], asked, asked.stages[0], models)
    shown = [image_io.resize(style, *image_io.fit(*style.shape[2:], 48)) for style in styles[:2]]
    parts = [palette_loss_of(x, style) for x, style in zip((goal[..., :half], goal[..., half:]), shown, strict=True)]
    share = half / goal.shape[3]
    assert objective(goal, View())["palette"].item() == pytest.approx(
        share * parts[0] + (1 - share) * parts[1], rel=1e-3
    )


def palette_loss_of(x, style):
    """The palette loss of a picture, from its pixels."""
    own, wanted = (moments.covariance(*moments.moments(each)) for each in (x, style))
    return losses.palette_loss(own, moments.mean(x), wanted, moments.mean(style), losses.whitening(wanted)).item()


@pytest.mark.parametrize("tile", [None, 40])
@pytest.mark.parametrize("edge_on", ["analytic", "contours"])
@pytest.mark.heavy
def test_analytic_edges_are_compared_at_the_contrast_of_each_style(edge_on, tile, content, styles, models):
    """Contours are dilated by SciPy's maximum filter; what an error is, the tests of `MultiScaleEdges` say."""
    asked = recipe(edge_on=edge_on)
    targets, goal = content_targets(content, asked, models), canvas(content, asked, asked.stages[0])
    if edge_on == "analytic":
        targets = replace(targets, edge=None)
    known = [StyleTargets.compute(style, models, asked.style_sizes) for style in styles[:2]]
    objective = Objective(goal, targets, known, asked, asked.stages[0], models, tile)
    x = torch.cat([goal.flip(3) ** 2, goal.flip(2) ** 2])

    edges, expected = MultiScaleEdges(), []
    wanted, contours = edges.maps(goal), None
    if edge_on == "contours":
        probability = image_io.resize(targets.edge.probability, *goal.shape[2:])[0, 0].double().numpy()
        reach = max(1, round(max(goal.shape[2:]) / 128))
        share = 0.06 + 0.94 * maximum_filter(probability, 2 * reach + 1, mode="nearest")
        contours = edges.contours(goal, torch.from_numpy(share).float()[None, None])
    for own, style in zip(x.split(1), known, strict=True):
        contrast = edges.calibrate(style.recoloured(goal, asked.style_sizes))
        if contours is None:
            error, energy = edges.squared_error(own, wanted, contrast), wanted.square().sum()
        else:
            error = edges.contour_error(own, wanted, contrast, contours)
            energy = (wanted.square() * contours.root.square()).sum()
        expected.append((error / energy).item())
    assert objective(x, View())["edge"].tolist() == pytest.approx(expected, rel=1e-4)
    assert objective(x[1:], View(), [1])["edge"].item() == pytest.approx(expected[1], rel=1e-4)
    assert expected[0] != pytest.approx(expected[1], rel=0.05)


@pytest.mark.parametrize("tile", [None, 40])
@pytest.mark.parametrize("edge_on", ["maps", "contours"])
@pytest.mark.heavy
def test_detail_adds_analytic_edges_and_depth_by_the_map_and_nothing_where_it_is_black(
    edge_on, tile, content, styles, models
):
    asked = recipe(edge_on=edge_on, detail=2.5)
    plain, goal = content_targets(content, asked, models), canvas(content, asked, asked.stages[0])
    detail = torch.zeros(1, 1, *goal.shape[2:])
    detail[..., 5:30, 10:25] = 0.5
    known = [StyleTargets.compute(style, models, asked.style_sizes) for style in styles[:2]]
    x = torch.cat([goal.flip(3) ** 2, goal.flip(2) ** 2])
    objectives = [
        Objective(goal, targets, known, asked, asked.stages[0], models, tile)
        for targets in (replace(plain, detail=detail), plain)
    ]
    more, less = (objective(x, View()) for objective in objectives)

    edges, wanted = MultiScaleEdges(), MultiScaleEdges().maps(goal)
    contours = edges.contours(goal, detail)
    for own, style, added in zip(x.split(1), known, more["edge"] - less["edge"], strict=True):
        contrast = edges.calibrate(style.recoloured(goal, asked.style_sizes))
        error = edges.contour_error(own, wanted, contrast, contours) / wanted.square().sum()
        assert added.item() == pytest.approx(2.5 * error.item(), rel=1e-3)
    seen = [models.depth(each) for each in (x, goal)]
    torch.testing.assert_close(more["depth"], losses.depth_loss(*seen, "relative", 1 + 2.5 * detail), rtol=1e-4, atol=0)
    assert torch.equal(more["tv"], less["tv"])

    beside = goal.clone()
    beside[..., 36:] = 1 - beside[..., 36:]  # farther from the map than the widths reach
    inside, outside = (objective(beside, View(), [0])["edge"] for objective in objectives)
    still, before = (objective(goal, View(), [0])["edge"] for objective in objectives)
    torch.testing.assert_close(inside - still, outside - before, rtol=1e-3, atol=1e-5)


def test_edges_on_contours_need_the_contents_edges(content, styles, models):
    asked = recipe(edge_on="contours")
    known = ContentTargets(content, None, content_targets(content, asked, models).depth)
    style = StyleTargets.compute(styles[0], models, asked.style_sizes)
    goal = canvas(content, asked, asked.stages[0])
    with pytest.raises(ValueError, match="compares edge maps, but the content's targets hold none"):
        Objective(goal, known, [style], asked, asked.stages[0], models)


@pytest.mark.heavy
def test_raw_losses_divide_by_the_scale_of_the_encoders_features(content, styles, models):
    """Features ten times as large give the same content and style losses, and relative ones don't care."""

    class Louder(nn.Module):
        def __init__(self):
            super().__init__()
            self.quiet, self.feature_scale = models.encoder, 10.0
            self.name, self.reach = models.encoder.name, models.encoder.reach
            self.content_layers, self.style_layers = models.encoder.content_layers, models.encoder.style_layers

        def features(self, x, layers):
            return {layer: 10 * found for layer, found in self.quiet.features(x, layers).items()}

    louder = replace(models, encoder=Louder())
    for form in ("raw", "relative"):
        values = []
        for networks in (models, louder):
            objective, goal = objective_of(recipe(form=form), content, styles[:1], networks)
            values.append(objective(goal.flip(3), View()))
        for term in ("content", "style"):
            torch.testing.assert_close(values[1][term], values[0][term], rtol=1e-3, atol=0)
            assert values[0][term].min() > 0


def test_the_total_is_the_weighted_sum(content, styles, models):
    asked = recipe(weights=Weights(content=2, style=3, edge=5, depth=7, tv=11))
    objective, goal = objective_of(asked, content, styles, models)
    found = objective(goal.expand(3, -1, -1, -1) ** 2, View())
    expected = sum(weight * found[term] for term, weight in asked.weights.by_term.items())
    torch.testing.assert_close(found["total"], expected)


def test_a_term_without_weight_is_zero_and_its_targets_are_not_needed(content, styles, models):
    asked = recipe(weights=Weights(content=0, style=1))
    objective, goal = objective_of(asked, content, styles[:1], models, targets=ContentTargets(content))
    found = objective(goal, View())
    assert {term for term, value in found.items() if value.item()} == {"style", "total"}
    assert list(found) == ["content", "style", "edge", "depth", "tv", "total"]


def test_some_cells_alone_have_the_values_that_they_have_in_the_batch(content, styles, models):
    objective, goal = objective_of(recipe(), content, styles, models)
    x = torch.cat([goal, goal.flip(2), goal.flip(3)])
    together = objective(x, View())
    for cells in ((1,), (0, 1), (0, 2)):
        alone = objective(x[list(cells)], View(), cells)
        for term, value in alone.items():
            torch.testing.assert_close(value, together[term][list(cells)], rtol=1e-4, atol=1e-7, msg=term)


@pytest.mark.parametrize("term", ["edge", "depth"])
def test_a_term_that_compares_maps_must_be_given_them(term, content, styles, models):
    asked = recipe(weights=Weights(**{term: 1}))
    with pytest.raises(ValueError, match=f"compares {term} maps, but the content's targets hold none"):
        objective_of(asked, content, styles[:1], models, targets=ContentTargets(content))


def test_features_are_compared_only_where_the_network_has_some(content, styles, models):
    with pytest.raises(InputError, match="edge_on: features, but .* has none: use edge_on: maps or another profile"):
        objective_of(recipe(edge_on="features"), content, styles[:1], models)


# ----------------------------------------------------------------------------------------- terms that a package adds


def test_an_added_term_gets_a_weight_from_a_recipe_and_counts(darkness, content, styles, models):
    asked = recipe().with_weights({"darkness": 30})
    objective, goal = objective_of(asked, content, styles[:1], models)
    found = objective(goal, View())
    assert found["darkness"].item() == pytest.approx((goal.mean().item() / 2) ** 2, rel=1e-4)
    plain = objective_of(recipe(), content, styles[:1], models)[0](goal, View())
    torch.testing.assert_close(found["total"], plain["total"] + 30 * found["darkness"])
    assert objective(goal * 0.5, View())["darkness"].item() == pytest.approx(0, abs=1e-8)


@pytest.mark.heavy
def test_an_added_term_changes_the_pastiche_and_stands_in_the_history(darkness, content, styles, models, tmp_path):
    file = tmp_path / "dark.yaml"
    file.write_text("weights: {tv: 0.1, darkness: 300}\nsize: 48\nstages: [{scale: 0.5, steps: 2}, {steps: 20}]\n")
    bright = max(styles, key=torch.mean)
    dark = stylize(content, bright, Recipe.load(file), models)
    light = stylize(content, bright, Recipe.load(file).with_weights({"darkness": 0}), models)
    assert list(dark.history)[2:] == ["content", "style", "edge", "depth", "tv", "darkness", "total"]
    assert light.history["darkness"].eq(0).all()
    wanted = content.mean().item() / 2
    missed, ignored = (abs(np.asarray(result.image).mean() / 255 - wanted) for result in (dark, light))
    assert missed < ignored / 2


def test_an_added_term_may_have_weight_in_one_stage_only(darkness, content, styles, models):
    stages = [{"steps": 2, "weights": {"darkness": 2}}, {"steps": 2}, {"steps": 2, "weights": {"darkness": 2}}]
    stages[2]["without"] = ["darkness"]
    asked = Recipe.model_validate({"name": "once", "size": 48, "stages": stages})
    history = stylize(content, styles[0], asked, models).history
    assert history.groupby("stage")["darkness"].max().gt(0).tolist() == [True, False, False]


def test_a_weight_of_an_added_term_is_checked_as_any_other(darkness):
    for value, says in ((-1, "weights.darkness: Input should be greater than or equal to 0"), ("much", "valid number")):
        with pytest.raises(InputError, match=says):
            recipe().with_weights({"darkness": value})
    with pytest.raises(InputError, match=r'unknown key weights.darknes \(did you mean "darkness"\?\)'):
        recipe().with_weights({"darknes": 1})


def test_without_its_package_a_recipe_that_weighs_its_term_is_refused():
    with pytest.raises(InputError, match="unknown key weights.darkness"):
        recipe().with_weights({"darkness": 1})


def test_a_recipe_with_an_added_term_survives_being_written_and_read(darkness):
    asked = recipe().with_weights({"darkness": 3})
    assert Recipe.model_validate_json(asked.model_dump_json(exclude_unset=True)) == asked
    assert asked.terms == ("content", "style", "edge", "depth", "tv", "darkness")


def test_a_package_that_cannot_be_imported_is_named(tmp_path, content, styles, models):
    points = {"spnst.loss_terms": {"broken": "broken_terms:Broken"}}
    folder = distribution.write(tmp_path, "broken_terms", module="import no_such_module", entry_points=points)
    with distribution.installed(folder):
        asked = recipe().with_weights({"broken": 1})
        with pytest.raises(InputError, match=r'loss term "broken" can\'t be loaded from broken_terms'):
            objective_of(asked, content, styles[:1], models)
