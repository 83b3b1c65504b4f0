"""Targets: computed at the sizes asked for, saved and read back unchanged."""

import pytest
import torch
from safetensors.torch import save

from spnst_core import InputError
from spnst_core.compute import moments
from spnst_core.imaging import io as image_io
from spnst_core.objective.canvas import at_size
from spnst_core.objective.targets import DepthMap, EdgeMap, Statistics, StyleTargets, read_metadata
from spnst_core.recipes.style_size import StyleSize


@pytest.fixture(scope="module")
def content(sample_contents):
    return next(iter(sample_contents.values()))


@pytest.fixture(scope="module")
def style(sample_styles):
    return next(iter(sample_styles.values()))


@pytest.mark.parametrize("kind", [EdgeMap, DepthMap])
def test_maps_come_back_as_they_were_saved(kind, content, models):
    saved = kind.compute(content, models, [32, 48])
    data = saved.to_bytes({"fingerprint": "abc"})
    read = kind.from_bytes(data)
    assert read_metadata(data) == {"fingerprint": "abc"}
    assert read.maps.keys() == {32, 48}
    for size, maps in saved.maps.items():
        assert torch.equal(read.maps[size], maps)
    assert read.picture.size == saved.picture.size == tuple(reversed(saved.maps[48].shape[2:]))


def test_edges_are_probabilities_and_keep_their_calibration(content, models):
    edges = EdgeMap.from_bytes(EdgeMap.compute(content, models, [48]).to_bytes())
    x = at_size(content, 48)
    assert edges.maps[48].min() >= 0
    assert edges.maps[48].max() <= 1
    torch.testing.assert_close(models.edges.maps(x, edges.calibration[48]), edges.maps[48])


def test_style_statistics_are_those_of_the_features(style, models):
    targets = StyleTargets.from_bytes(StyleTargets.compute(style, models, [StyleSize(64)]).to_bytes())
    features = models.encoder.features(style, ["bank2"])["bank2"]
    torch.testing.assert_close(targets.statistics[StyleSize(64)]["bank2"].gram, moments.gram(features))
    torch.testing.assert_close(targets.statistics[StyleSize(64)]["colour"].mean, style.mean((2, 3)))


def test_strokes_of_several_scales_are_averaged(style, models):
    sizes = [StyleSize(32), StyleSize(48, "short")]
    targets = StyleTargets.compute(style, models, sizes)
    both = targets.averaged(sizes, "bank1").gram
    each = [targets.statistics[size]["bank1"].gram for size in sizes]
    torch.testing.assert_close(both, (each[0] + each[1]) / 2)


def test_other_strokes_are_the_statistics_at_multiples_of_each_size_under_that_size(style, models):
    targets = StyleTargets.compute(style, models, [StyleSize(24), StyleSize(36), StyleSize(48), StyleSize(72)])
    broad = targets.with_strokes((1.0, 2.0), [StyleSize(24), StyleSize(36)])
    assert [*broad.statistics] == [StyleSize(24), StyleSize(36)]
    for size, double in ((StyleSize(24), StyleSize(48)), (StyleSize(36), StyleSize(72))):
        for layer, found in broad.statistics[size].items():
            both = [targets.statistics[each][layer] for each in (size, double)]
            torch.testing.assert_close(found.gram, (both[0].gram + both[1].gram) / 2)
            torch.testing.assert_close(found.mean, (both[0].mean + both[1].mean) / 2)


def test_styles_of_regions_are_joined_at_the_sizes_that_all_of_them_have(style, models):
    targets = StyleTargets.compute(style, models, [StyleSize(24), StyleSize(48)])
    joined = StyleTargets.by_region([targets, targets.with_strokes((2.0,), [StyleSize(24)])])
    assert [*joined.statistics] == [StyleSize(24)]
    gram = joined.statistics[StyleSize(24)]["bank1"].gram
    assert torch.equal(gram, torch.cat([targets.statistics[size]["bank1"].gram for size in targets.statistics]))


def test_a_style_is_looked_at_by_its_long_or_its_short_side(models):
    wide = torch.rand(1, 3, 30, 60, generator=torch.Generator().manual_seed(0))
    sizes = [StyleSize(40), StyleSize(40, "short")]
    targets = StyleTargets.from_bytes(StyleTargets.compute(wide, models, sizes).to_bytes())
    for size, shape in zip(sizes, [(20, 40), (40, 80)], strict=True):
        mean = image_io.resize(wide, *shape).mean((2, 3))
        torch.testing.assert_close(targets.statistics[size]["colour"].mean, mean)


def test_layers_beyond_the_encoders_own_are_kept_beside_them(style, models):
    size = StyleSize(32)
    own = StyleTargets.compute(style, models, [size]).statistics[size]
    more = StyleTargets.compute(style, models, [size], ["sketch"]).statistics[size]
    assert set(more) == {*own, "sketch"}


@pytest.mark.parametrize("kind", [EdgeMap, DepthMap, StyleTargets])
@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"", lambda data: b"not safetensors at all"])
def test_a_damaged_file_is_refused_with_what_to_do(kind, damage, style, models):
    data = kind.compute(style, models, [StyleSize(32) if kind is StyleTargets else 32]).to_bytes()
    with pytest.raises(InputError, match="delete it, it will be made again"):
        kind.from_bytes(damage(data))


def test_a_file_of_another_kind_is_refused(style, models):
    with pytest.raises(InputError, match=r"holds (gram|mean)\..*whose ending isn't a size"):
        DepthMap.from_bytes(StyleTargets.compute(style, models, [StyleSize(32)]).to_bytes())
    with pytest.raises(InputError, match=r"holds maps\.32, whose ending isn't a size"):
        StyleTargets.from_bytes(DepthMap.compute(style, models, [32]).to_bytes())
    with pytest.raises(InputError, match="holds no calibration"):
        EdgeMap.from_bytes(DepthMap.compute(style, models, [32]).to_bytes())
    with pytest.raises(InputError, match="holds no Gram"):
        StyleTargets.from_bytes(save({"other.32-long": torch.zeros(1)}))


@pytest.mark.parametrize("data", [b"", b"\x05\x00\x00\x00\x00\x00\x00\x00hello", b"\x02\x00\x00\x00\x00\x00\x00\x00[]"])
def test_metadata_of_something_else_is_refused(data):
    with pytest.raises(InputError, match="not a safetensors file"):
        read_metadata(data)


def test_a_blend_has_the_statistics_of_a_picture_with_each_style_in_its_share(models):
    """Of colours, where no receptive field reaches over the seam between the two."""
    size = StyleSize(80)
    one, other = torch.rand(1, 3, 40, 60), torch.rand(1, 3, 40, 20)
    both = torch.cat([one, other], 3)
    found = [StyleTargets.compute(x, models, [StyleSize(max(x.shape[2:]))]) for x in (one, other, both)]
    same_key = [StyleTargets({size: next(iter(style.statistics.values()))}) for style in found]
    mixed = StyleTargets.blended(same_key[:2], [0.75, 0.25])
    for part in ("gram", "mean"):
        expected = getattr(same_key[2].statistics[size]["colour"], part)
        assert torch.allclose(getattr(mixed.statistics[size]["colour"], part), expected, atol=1e-6)
    assert mixed.statistics[size].keys() == same_key[0].statistics[size].keys()


def of_value(value, sizes=(32, 64)):
    """The statistics of a style that are this number everywhere."""

    def statistics():
        return Statistics(torch.full((1, 3, 3), float(value)), torch.full((1, 3), float(value)))

    return StyleTargets({StyleSize(size): {"colour": statistics()} for size in sizes})


def value_of(style, size=32):
    return style.statistics[StyleSize(size)]["colour"].gram[:, 0, 0].tolist()


def test_a_style_that_changes_from_stage_to_stage_is_compared_with_as_the_last():
    style = StyleTargets.by_stage([of_value(1), of_value(2), of_value(3)])
    assert [value_of(style.at_stage(index)) for index in range(3)] == [[1], [2], [3]]
    assert value_of(style) == [3]
    assert value_of(StyleTargets.by_stage([of_value(5)]).at_stage(7)) == [5]


def test_a_style_that_changes_from_stage_to_stage_survives_its_file():
    style = StyleTargets.by_stage([of_value(1), of_value(2)])
    read = StyleTargets.from_bytes(style.to_bytes())
    assert [value_of(read.at_stage(index), 64) for index in range(2)] == [[1], [2]]
    assert value_of(read) == [2]
    assert StyleTargets.from_bytes(of_value(1).to_bytes()).stages == ()


def test_strength_strokes_and_regions_hold_in_every_stage():
    style = StyleTargets.by_stage([of_value(1), of_value(3)])
    weak = style.weakened(of_value(0), 0.5)
    assert ([value_of(stage) for stage in weak.stages], value_of(weak)) == ([[0.5], [1.5]], [1.5])
    fine = style.with_strokes([0.5], [StyleSize(64)])
    assert [value_of(stage, 64) for stage in fine.stages] == [[1], [3]]
    regions = StyleTargets.by_region([style, of_value(7)])
    assert ([value_of(stage) for stage in regions.stages], value_of(regions)) == ([[1, 7], [3, 7]], [3, 7])


@pytest.mark.parametrize("kind", [DepthMap, EdgeMap])
def test_a_users_own_map_is_kept_beside_the_networks_and_shown_in_its_place(kind, content, models):
    own = torch.linspace(0, 1, 40 * 60).view(1, 1, 40, 60)
    plain, given = kind.compute(content, models, [32, 48]), kind.compute(content, models, [32, 48], own)
    assert (plain.given, plain.agreement) == ({}, None)
    assert given.given.keys() == given.maps.keys() == {32, 48}
    assert all(given.given[size].shape[2:] == given.maps[size].shape[2:] for size in (32, 48))
    assert all(torch.equal(given.maps[size], plain.maps[size]) for size in (32, 48))
    assert -1 < given.agreement < 1
    read = kind.from_bytes(given.to_bytes())
    assert all(torch.equal(read.given[size], given.given[size]) for size in (32, 48))
    assert read.picture.tobytes() == given.picture.tobytes() != plain.picture.tobytes()
    assert kind.from_bytes(plain.to_bytes()).given == {}
