"""Metrics: nothing between a picture and itself, more for more damage, and figures that other code gives as well."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from distribution import installed, write
from scipy.special import rel_entr, softmax

from spnst_core import InputError
from spnst_core.compute import moments
from spnst_core.imaging import io as image_io
from spnst_core.metrics import registry
from spnst_core.metrics.judges import identify_judges
from spnst_core.metrics.registry import (
    METRICS,
    depth_distance,
    depth_error,
    edge_distance,
    identify_metrics,
    measure,
    self_similarity_distance,
    style_distance,
    style_distances,
    total_variation,
)
from spnst_core.models.inception import sifid
from spnst_core.models.networks import build
from spnst_core.objective.targets import StyleTargets
from spnst_core.recipes.style_size import StyleSize
from spnst_core.registry import Registry


@pytest.fixture(scope="module")
def style(sample_styles):
    return next(iter(sample_styles.values()))


@pytest.fixture(scope="module")
def own_style(content, models):
    return StyleTargets.compute(content, models, [StyleSize(64)])


def noisy(x, amount):
    return (x + amount * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


def test_a_content_in_its_own_style_has_the_best_of_every_metric(content, own_style, models, judges):
    scores = measure(content, content, content, own_style, models, judges)
    best = {metric.key: 0.0 if metric.better == "lower" else 1.0 for metric in METRICS.values() if not metric.judge}
    del best["total_variation"]  # of which a content has some
    for key, value in best.items():
        assert scores.values[key] == pytest.approx(value, abs=5e-3), key
    assert not scores.missing


@pytest.mark.heavy
def test_more_damage_is_worse_by_every_metric(content, own_style, models, judges):
    some, more = (
        measure(content, noisy(content, amount), content, own_style, models, judges).values for amount in (0.05, 0.4)
    )
    for key in some:
        metric = METRICS[key]
        assert (some[key] < more[key]) == (metric.better == "lower"), key


def test_every_metric_says_what_it_is():
    for key in METRICS:
        metric = METRICS[key]
        assert metric.key == key
        assert metric.label.lower().replace("-", " ") == key.replace("_", " ")
        assert metric.heading == f"{metric.label} {'↓' if metric.better == 'lower' else '↑'}"
        assert metric.description.endswith(".")
    independent = {metric.about for metric in METRICS.values() if metric.kind == "independent"}
    assert independent >= {"style", "structure"}


def test_style_distance_is_the_mean_relative_gram_distance(content, style, models):
    targets = StyleTargets.compute(style, models, [StyleSize(32), StyleSize(64), StyleSize(32, "short")])
    expected = {}
    for layer, features in models.encoder.features(content, models.encoder.style_layers).items():
        own, goal = moments.gram(features)[0].numpy(), targets.statistics[StyleSize(64)][layer].gram[0].numpy()
        expected[layer] = np.linalg.norm(own - goal) / np.linalg.norm(goal)
    assert style_distances(content, targets, models.encoder) == pytest.approx(expected, rel=1e-5)
    mean = style_distance(content, targets, models.encoder)
    assert mean == pytest.approx(np.mean(list(expected.values())), rel=1e-5)


def test_the_self_similarity_distance_is_scipys_relative_entropy_of_the_similarities(content, models):
    other = noisy(content, 0.3)
    rows = []
    for x in (content, other):
        large = image_io.resize(x, *image_io.fit(*x.shape[2:], registry.SELF_SIMILARITY_SIZE))
        features = models.encoder.features(large, ["bank3"])["bank3"][0].flatten(1).double().numpy().T
        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        rows.append(softmax(unit @ unit.T, axis=1))
    assert self_similarity_distance(content, other, models.encoder) == pytest.approx(
        rel_entr(*rows).sum(1).mean(), rel=1e-3
    )


def test_the_self_similarity_distance_hardly_depends_on_the_size(sample_contents, models):
    x = sample_contents["chelsea"]
    y = noisy(x, 0.3)
    larger = [image_io.resize(picture, *(2 * side for side in x.shape[2:])) for picture in (x, y)]
    assert self_similarity_distance(*larger, models.encoder) == pytest.approx(
        self_similarity_distance(x, y, models.encoder), rel=0.1
    )


def test_edge_distance_looks_at_both_by_the_contents_measure(content, models):
    faint = 0.5 + 0.5 * (content - 0.5)
    own = models.edges.maps(content)
    seen = models.edges.maps(faint, models.edges.calibrate(content))
    expected = ((seen - own) ** 2).sum() / (own**2).sum()
    assert edge_distance(content, faint, models) == pytest.approx(expected.item(), rel=1e-4)


def test_total_variation_of_a_ramp_is_half_its_step():
    ramp = torch.linspace(0, 1, 11).view(1, 1, 1, 11).expand(1, 3, 5, 11)
    assert total_variation(ramp) == pytest.approx(0.05)


@pytest.mark.heavy
def test_content_and_style_may_have_any_size(content, style, models, judges):
    targets = StyleTargets.compute(style, models, [StyleSize(64)])
    large = [torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear") for x in (content, style)]
    found = measure(large[0], content, large[1], targets, models, judges).values
    expected = measure(content, content, style, targets, models, judges).values
    assert found["ssim"] > 0.9
    assert found["patch_distance"] == pytest.approx(expected["patch_distance"], rel=0.1)


def test_what_cant_be_taken_is_missing_with_a_reason(content, style, models, judges):
    grey = torch.full_like(content, 0.5)
    targets = StyleTargets.compute(style, models, [StyleSize(64)])
    scores = measure(content, grey, style, targets, models, judges)
    assert scores.missing["canny_f"] == "a picture without any Canny edge"
    assert "canny_f" not in scores.values
    assert all(map(math.isfinite, scores.values.values()))
    assert set(scores.values) | set(scores.missing) == {metric.key for metric in METRICS.values() if not metric.judge}


def test_what_is_relative_to_a_flat_content_is_missing_with_a_reason(content, own_style, models, judges):
    flat = torch.full_like(content, 0.4)
    scores = measure(flat, content, content, own_style, models, judges)
    assert scores.missing["edge_distance"] == "the content has no edges"
    assert all(value < 10 for value in scores.values.values())


def test_the_distance_from_a_flat_depth_is_missing(content, models):
    ramp, level = np.linspace(1, 2, 64).reshape(8, 8), np.full((8, 8), 3.0)
    assert depth_error(ramp, 5 * ramp) == pytest.approx(0, abs=1e-9)
    assert depth_error(ramp, level) == 1
    with pytest.raises(ValueError, match="the content's depth is flat"):
        depth_error(level, ramp)
    unseeing = replace(models, depth=lambda x: torch.full_like(x[:, :1], 2.0))
    with pytest.raises(ValueError, match="the content's depth is flat"):
        depth_distance(content, content, unseeing)


def test_the_distance_from_a_black_style_is_missing(content, models, judges):
    black = torch.zeros_like(content)
    targets = StyleTargets.compute(black, models, [StyleSize(64)])
    scores = measure(content, content, black, targets, models, judges)
    assert "see nothing in it" in scores.missing["style_distance"]
    assert all(value < 10 for value in (*scores.values.values(), *scores.layers.values()))


def test_a_result_that_is_no_number_is_missing(content, own_style, models, judges, monkeypatch):
    broken = replace(METRICS["self_similarity_distance"], take=lambda seen: math.nan)
    monkeypatch.setattr(registry, "METRICS", Registry("metric", "spnst.metrics", {"self_similarity_distance": broken}))
    scores = measure(content, content, content, own_style, models, judges)
    assert scores.values == {}
    assert scores.missing == {"self_similarity_distance": "the result was nan"}


@pytest.mark.heavy
def test_optional_judges_add_their_metrics(content, own_style, models, judges):
    """Weights of noise will do: what counts is which pictures are compared."""
    both = replace(judges, lpips=build("lpips"), inception=build("inception"))
    pastiche = noisy(content, 0.2)
    values = measure(content, pastiche, content, own_style, models, both).values
    with torch.no_grad():
        assert values["lpips"] == pytest.approx(both.lpips(pastiche, content).item(), rel=1e-5)
    assert values["sifid"] == pytest.approx(sifid(both.inception, pastiche, content), rel=1e-4)
    without = measure(content, pastiche, content, own_style, models, judges)
    assert {"lpips", "sifid"} & {*without.values, *without.missing} == set()


GLOSS = """
from spnst_core import InputError
from spnst_core.metrics.registry import Metric

def _gloss(seen):
    if seen.pastiche.std() == 0:
        raise InputError("a pastiche of one colour has no gloss")
    return seen.pastiche.amax().item()

GLOSS = Metric("gloss", "gloss", "style", "higher", "independent", "", "The brightest value.", _gloss)
"""


def add(folder, module, attribute="GLOSS", version="1.0"):
    return write(folder, "shine", version, module, {"spnst.metrics": {"gloss": f"shine:{attribute}"}})


def test_a_package_adds_a_metric_that_is_measured_last(tmp_path, content, own_style, models, judges):
    add(tmp_path, GLOSS)
    with installed(tmp_path):
        assert METRICS.names()[-1] == "gloss"
        found = measure(content, content, content, own_style, models, judges)
        assert found.values["gloss"] == content.max().item()
        grey = torch.full_like(content, 0.5)
        missing = measure(content, grey, content, own_style, models, judges).missing
    assert missing["gloss"] == "a pastiche of one colour has no gloss"
    assert "gloss" not in METRICS


def test_scores_are_others_when_a_package_adds_a_metric_or_changes(tmp_path):
    seen = [identify_metrics()]
    for version in ("1.0", "1.1"):
        add(tmp_path / version, GLOSS, version=version)
        with installed(tmp_path / version):
            seen.append(identify_metrics())
    assert len(set(seen)) == 3
    assert identify_metrics() == seen[0] == identify_judges()


@pytest.mark.parametrize(
    ("module", "attribute", "says"),
    [
        ("def gloss(seen): return 1.0", "gloss", "it is a function, not a spnst_core.metrics.registry.Metric"),
        (GLOSS.replace('"gloss", "gloss"', '"shine", "gloss"'), "GLOSS", 'its key is "shine"'),
    ],
)
def test_what_a_package_adds_must_be_a_metric_under_its_own_key(tmp_path, module, attribute, says):
    add(tmp_path, module, attribute)
    with installed(tmp_path), pytest.raises(InputError, match=f'metric "gloss" .* of shine 1.0: .*{says}'):
        METRICS.values()


def test_some_metrics_are_as_they_are_among_all(content, own_style, models, judges):
    pastiche = noisy(content, 0.1)
    every = measure(content, pastiche, content, own_style, models, judges).values
    some = measure(content, pastiche, content, own_style, models, judges, only=("edge_error", "patch_distance")).values
    assert some == {key: every[key] for key in ("edge_error", "patch_distance")}
