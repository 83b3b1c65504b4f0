"""The Python interface: any kind of picture in, pictures and histories out, every cell once."""

import re
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image

import spnst_core as sp
from spnst_core.imaging import io as image_io
from spnst_core.models.embedded.edges import MultiScaleEdges
from spnst_core.objective.canvas import at_size
from spnst_core.objective.targets import EdgeMap, StyleTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.painting import content_targets, paint_batch, style_targets
from spnst_core.recipes.recipe import Stage
from spnst_core.report.film import FPS, read_facts


def grey(level=128):
    return np.full((32, 32, 3), level, np.uint8)


@pytest.fixture(scope="module")
def recipe():
    return sp.Recipe.load("structure").model_copy(
        update={"size": 48, "stages": (Stage(scale=0.5, steps=2), Stage(steps=3))}
    )


@pytest.mark.heavy
def test_paths_images_bytes_and_tensors_give_one_pastiche(tmp_path, sample_contents, sample_styles, recipe, models):
    picture = image_io.to_image(sample_contents["chelsea"])
    style = next(iter(sample_styles.values()))
    data = image_io.encode_png(picture)
    (tmp_path / "content.png").write_bytes(data)
    kinds = [tmp_path / "content.png", str(tmp_path / "content.png"), data, picture, image_io.to_tensor(picture)]
    results = [sp.stylize(kind, style, recipe=recipe, models=models) for kind in kinds]
    assert len({result.image.tobytes() for result in results}) == 1


@pytest.mark.heavy
def test_history_has_one_row_a_step_and_the_size_is_the_recipes(sample_contents, sample_styles, recipe, models):
    result = sp.stylize(sample_contents["coffee"], next(iter(sample_styles.values())), recipe=recipe, models=models)
    assert list(result.history) == ["step", "stage", "content", "style", "edge", "depth", "tv", "total"]
    assert result.history["step"].to_list() == [1, 2, 3, 4, 5]
    assert result.history["stage"].to_list() == [0, 0, 1, 1, 1]
    assert max(result.image.size) == 48
    assert result.seconds > 0


def test_a_picture_of_one_colour_is_told(sample_contents, sample_styles, models, caplog):
    recipe = sp.Recipe(name="quick", size=32, stages=[Stage(steps=1)])
    white, content, style = grey(255), sample_contents["coffee"], next(iter(sample_styles.values()))
    sp.stylize(content, style, recipe, models)
    assert caplog.messages == []
    sp.stylize(white, white, recipe, models)
    assert caplog.messages == [
        "the content holds nothing but one colour, and no shapes to keep: choose another picture",
        "the style holds nothing but one colour, and no strokes to take: choose another picture",
    ]
    caplog.clear()
    list(sp.stylize_grid({"cup": content}, {"wave": style, "snow\n": white}, recipe, models))
    assert [line.partition(" holds")[0] for line in caplog.messages] == ['the style "snow\\n"']


@pytest.mark.heavy
def test_a_grid_gives_every_cell_once_and_what_stylize_gives(sample_contents, sample_styles, recipe, models):
    contents = dict(list(sample_contents.items())[:2])
    styles = dict(list(sample_styles.items())[:2])
    cells = list(sp.stylize_grid(contents, styles, recipe=recipe, models=models))
    assert [(c, s) for c, s, _ in cells] == [(c, s) for c in contents for s in styles]
    content, style, result = cells[-1]
    alone = sp.stylize(contents[content], styles[style], recipe=recipe, models=models)
    assert max(abs(a - b) for a, b in zip(alone.image.tobytes(), result.image.tobytes(), strict=True)) <= 1


@pytest.mark.heavy
def test_a_blend_is_painted_by_the_statistics_of_both_styles(sample_contents, sample_styles, recipe, models):
    content, (one, other) = sample_contents["coffee"], list(sample_styles.values())[:2]
    blend = sp.Blend([one, other], [0.7, 0.3])
    found = sp.stylize(content, blend, recipe, models)
    seen = [image_io.read(style) for style in (one, other)]
    row = content_targets(image_io.read(content), recipe, models)
    alone = [style_targets(style, recipe, models) for style in seen]
    mixed = StyleTargets.blended(alone, [0.7, 0.3])
    assert torch.equal(found.pixels, paint_batch(row, [mixed], recipe, models)[0].image)
    [(_, _, in_grid)] = sp.stylize_grid({"a": content}, {"b": blend}, recipe, models)
    assert in_grid.image.tobytes() == found.image.tobytes()


@pytest.mark.heavy
def test_a_blend_can_have_other_weights_in_each_stage(sample_contents, sample_styles, models):
    content, (one, other) = sample_contents["coffee"], list(sample_styles.values())[:2]
    quick = sp.Recipe(name="quick", size=48, stages=[sp.Stage(scale=0.7, steps=2), sp.Stage(steps=2)])
    changing = sp.stylize(content, sp.Blend([one, other], [[1, 0], [1, 3]]), quick, models)
    alone = sp.stylize(content, one, quick, models).history
    own = changing.history
    assert own.loc[own["stage"] == 0].equals(alone.loc[alone["stage"] == 0])
    assert not own.loc[own["stage"] == 1, "style"].equals(alone.loc[alone["stage"] == 1, "style"])
    # Equal weights in both stages are those of a blend without stages, bit for bit.
    same = sp.stylize(content, sp.Blend([one, other], [[1, 3], [2, 6]]), quick, models)
    plain = sp.stylize(content, sp.Blend([one, other], [1, 3]), quick, models)
    assert torch.equal(same.pixels, plain.pixels)
    assert not torch.equal(same.pixels, changing.pixels)


def test_a_blend_for_another_number_of_stages_is_refused_by_both_counts(sample_contents, sample_styles, models):
    blend = sp.Blend(list(sample_styles.values())[:2], [[1, 0], [1, 1], [0, 1]])
    quick = sp.Recipe(name="quick", size=48, stages=[sp.Stage(scale=0.5, steps=2), sp.Stage(steps=2)])
    with pytest.raises(sp.InputError, match="weights for 3 stages, and recipe quick has 2 at 48 px"):
        sp.stylize(sample_contents["coffee"], blend, quick, models)


@pytest.mark.heavy
def test_a_blend_in_matched_colours_matches_each_of_its_styles(sample_contents, sample_styles, recipe, models):
    content, (one, other) = image_io.read(sample_contents["coffee"]), list(sample_styles.values())[:2]
    recipe = recipe.with_colour("match")
    blend = sp.Blend([one, other], [1, 3])
    alone = [style_targets(image_io.read(style), recipe, models, content) for style in (one, other)]
    row = content_targets(content, recipe, models)
    expected = paint_batch(row, [StyleTargets.blended(alone, [0.25, 0.75])], recipe, models)[0].image
    assert torch.equal(sp.stylize(content, blend, recipe, models).pixels, expected)


@pytest.fixture
def own(sample_contents, models):
    """A content, a recipe of one stage at 48 px, and what the networks see there while a pastiche is optimised."""
    content = image_io.read(sample_contents["coffee"])
    weights = sp.Weights(edge=1, depth=1)
    recipe = sp.Recipe(name="one", size=48, jitter=False, weights=weights, stages=[Stage(steps=3)])
    depth = models.at_work.depth(at_size(content, 48)).detach()
    return content, recipe, depth, EdgeMap.compute(content, models, [48]).probability


@pytest.mark.heavy
def test_maps_that_equal_the_networks_give_the_same_pastiche(tmp_path, own, sample_styles, models):
    content, recipe, depth, edges = own
    recipe = recipe.model_copy(update={"edge_on": "contours"})
    np.save(tmp_path / "depth.npy", depth[0, 0].numpy())
    maps = {"depth_map": tmp_path / "depth.npy", "edge_map": edges}
    plain, mapped = (sp.stylize(content, sample_styles["nocturne"], recipe, models, **given) for given in ({}, maps))
    assert torch.equal(plain.pixels, mapped.pixels)


def test_a_depth_map_has_no_scale_of_its_own_whatever_the_form(own, sample_styles, models):
    content, recipe, depth, _ = own
    recipe = recipe.model_copy(update={"form": "raw", "stages": (Stage(steps=1),)})
    plain, mapped = (
        sp.stylize(content, sample_styles["nocturne"], recipe, models, depth_map=given).history["depth"].item()
        for given in (None, 700 * depth + 3)
    )
    assert mapped == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("which", ["depth_map", "edge_map"])
@pytest.mark.parametrize("edge_on", ["maps", "contours"])
@pytest.mark.heavy
def test_another_map_gives_another_pastiche_and_an_inverted_one_is_warned_of(
    own, sample_styles, models, caplog, which, edge_on
):
    content, recipe, depth, edges = own
    recipe = recipe.model_copy(update={"edge_on": edge_on})
    inverted = {"depth_map": 5 - depth, "edge_map": 1 - edges}[which]
    style = sample_styles["nocturne"]
    plain = sp.stylize(content, style, recipe, models)
    assert caplog.messages == []
    mapped = sp.stylize(content, style, recipe, models, **{which: inverted})
    assert np.abs(np.array(plain.image, int) - np.array(mapped.image, int)).max() > 3
    [warning] = caplog.messages
    assert "runs against what the network sees" in warning


def test_a_map_moves_along_where_the_recipe_has_jitter(own, sample_styles, models):
    content, recipe, depth, _ = own
    recipe = recipe.model_copy(update={"jitter": True})
    found = sp.stylize(content, sample_styles["nocturne"], recipe, models, depth_map=depth)
    assert found.history["depth"].iloc[0] < 1


def test_a_map_for_features_is_refused(own, sample_styles, models):
    content, recipe, depth, edges = own
    for term, given in (("edge", {"edge_map": edges}), ("depth", {"depth_map": depth})):
        recipe = recipe.model_copy(update={f"{term}_on": "features"})
        with pytest.raises(sp.InputError, match=f"has {term}_on: features, which no map can stand for"):
            sp.stylize(content, sample_styles["nocturne"], recipe, models, **given)
        recipe = recipe.model_copy(update={f"{term}_on": "maps"})


@pytest.fixture
def right():
    """A detail map that is white on the right."""
    return np.concatenate([np.zeros((38, 24)), np.ones((38, 24))], 1).astype(np.float32)


@pytest.mark.heavy
def test_a_detail_map_holds_edges_where_it_is_white(own, sample_styles, models, right):
    content, recipe, *_ = own
    weights, stages = sp.Weights(edge=0.3, style=3), (Stage(steps=12),)
    recipe = recipe.model_copy(update={"weights": weights, "stages": stages, "detail": 10.0})
    edges, wanted = MultiScaleEdges(), MultiScaleEdges().maps(at_size(content, 48))
    error = {}
    for name, detail in (("plain", None), ("detailed", right)):
        pixels = sp.stylize(content, sample_styles["nocturne"], recipe, models, detail_map=detail).pixels
        error[name] = (edges.maps(pixels) - wanted)[:, :3].square().mean((0, 1, 2))
    gain = 1 - error["detailed"] / error["plain"]
    assert gain[28:].mean() > 0.3
    assert gain[:20].mean() < 0.05


@pytest.mark.heavy
def test_a_detail_map_does_more_the_more_the_recipe_says(own, sample_styles, models, right):
    content, recipe, *_ = own

    def edge(**changes):
        asked = recipe.model_copy(update={"stages": (Stage(steps=1),), **changes})
        return sp.stylize(content, sample_styles["nocturne"], asked, models, detail_map=right).history["edge"].item()

    plain = sp.stylize(content, sample_styles["nocturne"], recipe, models).history["edge"].iloc[0]
    assert plain < edge(detail=1.0) < edge() < edge(detail=6.0)
    assert edge() - plain == pytest.approx(3 * (edge(detail=1.0) - plain), rel=1e-3)


@pytest.mark.parametrize("name", ["gatys", "structure without detail"])
def test_a_detail_map_that_would_change_nothing_is_refused(own, sample_styles, models, right, name):
    content, recipe, *_ = own
    recipe = sp.Recipe.load("gatys") if name == "gatys" else recipe.model_copy(update={"detail": 0.0})
    with pytest.raises(sp.InputError, match=f"recipe {recipe.name} has nothing to hold in detail"):
        sp.stylize(content, sample_styles["nocturne"], recipe, models, detail_map=right)
    with pytest.raises(sp.InputError, match="the map of detail of the content has 24×38 pixels, another aspect"):
        sp.stylize(content, sample_styles["nocturne"], recipe, models, detail_map=right[:, 12:36])


def test_a_recipe_that_paints_in_one_pass_takes_no_detail_map(own, right):
    with pytest.raises(sp.InputError, match="recipe instant paints in one pass.*leave out detail_map"):
        sp.stylize(own[0], own[0], "instant", detail_map=right)


def hidden_half(content, colour):
    """The content with its left half hidden, where it has this colour."""
    image = image_io.to_image(content).convert("RGBA")
    image.paste((*colour, 0), (0, 0, image.width // 2, image.height))
    return image


@pytest.mark.heavy
def test_a_transparent_content_gives_a_pastiche_as_transparent_of_what_is_seen_alone(own, sample_styles, models):
    content, recipe, *_ = own
    red, green = (
        sp.stylize(hidden_half(content, colour), sample_styles["nocturne"], recipe, models)
        for colour in ((255, 0, 0), (0, 255, 0))
    )
    assert torch.equal(red.pixels, green.pixels)
    assert red.image.mode == "RGBA"
    alpha = np.array(red.image.getchannel("A"))
    assert (alpha[:, :22].max(), alpha[:, 26:].min()) == (0, 255)
    assert torch.equal(red.opacity.mul(255).round()[0, 0], torch.from_numpy(alpha).float())
    plain = sp.stylize(content, sample_styles["nocturne"], recipe, models)
    assert (plain.image.mode, plain.opacity) == ("RGB", None)


def test_hidden_places_do_not_count_in_how_far_the_style_is(own, sample_styles, models):
    recipe = own[1].suited_to(models.encoder.name)
    style = style_targets(image_io.read(sample_styles["nocturne"]), recipe, models)
    opacity = torch.zeros(1, 1, 40, 96)
    opacity[..., 80:] = 1  # beyond the reach of any layer's receptive field from the other half
    one = torch.rand(1, 3, 40, 96)
    other = one.clone()
    other[..., :16] = 1
    far, same = (
        style_misfit(torch.cat([one, other]), [style, style], recipe, models, guide) for guide in (None, opacity)
    )
    assert far[0] != far[1]
    assert same[0] == pytest.approx(same[1].item(), rel=1e-4)


BAD_MAPS = {
    "a constant map": ({"depth_map": np.full((38, 48), 2.0)}, "the map of depth of the content is 2 everywhere"),
    "a hole": (
        {"depth_map": np.full((38, 48), np.nan)},
        "the map of depth of the content holds values that aren't finite",
    ),
    "another aspect": ({"edge_map": np.eye(48)}, "the map of edges of the content has 48×48 pixels, another aspect"),
    "no such file": ({"depth_map": "absent.npy"}, "absent.npy doesn't exist"),
}


@pytest.mark.parametrize("name", BAD_MAPS)
def test_a_map_that_cannot_be_used_is_told_before_painting(own, sample_styles, models, name):
    content, recipe, *_ = own
    given, says = BAD_MAPS[name]
    with pytest.raises(sp.InputError, match=says):
        sp.stylize(content, sample_styles["nocturne"], recipe, models, **given)


@pytest.mark.parametrize("colour", ["content", "match"])
def test_colours_are_the_same_in_a_grid_and_in_a_cell(sample_contents, sample_styles, models, colour):
    contents, styles = (dict(list(pictures.items())[:2]) for pictures in (sample_contents, sample_styles))
    plain = sp.Recipe(name="plain", size=32, stages=[Stage(steps=1)])
    own, coloured = (
        [result.image for *_, result in sp.stylize_grid(contents, styles, recipe, models)]
        for recipe in (plain, plain.with_colour(colour))
    )
    cells = [(content, style) for content in contents.values() for style in styles.values()]
    for (content, style), before, after in zip(cells, own, coloured, strict=True):
        alone = sp.stylize(content, style, plain.with_colour(colour), models).image
        assert np.abs(np.subtract(alone, after, dtype=int)).max() <= 1
        assert np.abs(np.subtract(before, after, dtype=int)).max() > 10


@pytest.mark.heavy
def test_a_cell_can_be_filmed_and_comes_out_the_same(tmp_path, sample_contents, sample_styles, recipe, models):
    pictures = sample_contents["coffee"], next(iter(sample_styles.values()))
    plain = sp.stylize(*pictures, recipe=recipe, models=models)
    filmed = sp.stylize(*pictures, recipe=recipe, models=models, film=tmp_path / "cell.mp4")
    assert filmed.image.tobytes() == plain.image.tobytes()
    assert read_facts((tmp_path / "cell.mp4").read_bytes()).frames == 4 + FPS  # steps 1, 2, 4 and 5
    each = recipe.model_copy(update={"record_every": 1})
    sp.stylize(*pictures, recipe=each, models=models, film=str(tmp_path / "cell.mp4"))
    assert read_facts((tmp_path / "cell.mp4").read_bytes()).frames == 5 + FPS


@pytest.mark.heavy
def test_a_film_follows_the_recipe_as_it_suits_the_encoder(tmp_path, sample_contents, sample_styles, models):
    text = "size: 32\nstages: [{steps: 9}]\nfor_encoder: {embedded: {record_every: 1, stages: [{steps: 3}]}}"
    recipe = sp.Recipe.from_yaml(text, "quick.yaml")
    pictures = sample_contents["coffee"], next(iter(sample_styles.values()))
    sp.stylize(*pictures, recipe=recipe, models=models, film=tmp_path / "cell.mp4")
    assert read_facts((tmp_path / "cell.mp4").read_bytes()).frames == 3 + FPS


def test_a_film_that_cannot_be_written_is_told_first(tmp_path, sample_contents, sample_styles, recipe, models):
    pictures = sample_contents["coffee"], next(iter(sample_styles.values()))
    with pytest.raises(sp.InputError, match="absent/cell.mp4 can't be written"):
        sp.stylize(*pictures, recipe=recipe, models=models, film=tmp_path / "absent/cell.mp4")


def test_bad_pictures_are_named(tmp_path, sample_styles, recipe, models):
    style = next(iter(sample_styles.values()))
    with pytest.raises(sp.InputError, match="absent.png"):
        sp.stylize(tmp_path / "absent.png", style, recipe=recipe, models=models)
    with pytest.raises(sp.InputError, match="crop it or choose a size"):
        sp.stylize(Image.new("RGB", (900, 20)), style, recipe=recipe, models=models)
    with pytest.raises(sp.InputError, match="at least one content"):
        next(sp.stylize_grid({}, {"a": style}, recipe=recipe, models=models))


def test_recipe_and_size_may_be_given_by_name_and_number(sample_contents, sample_styles, models, tmp_path):
    (tmp_path / "quick.yaml").write_text("stages: [{steps: 1}]")
    pictures = sample_contents["coffee"], next(iter(sample_styles.values()))
    result = sp.stylize(*pictures, tmp_path / "quick.yaml", models, 40)
    assert max(result.image.size) == 40
    with pytest.raises(sp.InputError, match='no recipe "structur".*did you mean "structure"'):
        sp.stylize(*pictures, "structur", models)


@pytest.mark.heavy
def test_a_callback_sees_every_step_and_the_pastiche_as_it_becomes(sample_contents, sample_styles, recipe, models):
    seen = []
    pictures = sample_contents["coffee"], next(iter(sample_styles.values()))
    result = sp.stylize(*pictures, recipe, models, callback=seen.append)
    assert [iterate.step for iterate in seen] == [1, 2, 3, 4, 5]
    assert image_io.to_image(seen[-1].image).tobytes() == result.image.tobytes()


def test_a_pastiche_for_which_memory_will_hardly_do_is_told_and_painted(sample_styles, models, monkeypatch, caplog):
    recipe = sp.Recipe(name="quick", size=48, stages=[Stage(steps=1)])
    monkeypatch.setattr(import_module("spnst_core.stylize"), "shortfall", lambda *shape: f"{shape[:2]} won't fit")
    content, style = Image.linear_gradient("L").resize((120, 80)), next(iter(sample_styles.values()))
    assert sp.stylize(content, style, recipe, models).image.size == (48, 32)
    assert caplog.messages == ["(32, 48) won't fit"]


@pytest.mark.heavy
def test_a_smaller_pastiche_is_refined_by_the_larger_stages(tmp_path, sample_contents, sample_styles, recipe, models):
    content, style = sample_contents["coffee"], next(iter(sample_styles.values()))
    small = sp.stylize(content, style, recipe, models, 32)
    small.image.save(tmp_path / "small.png")
    result = sp.stylize(content, style, recipe, models, 48, upscale_from=tmp_path / "small.png")
    assert result.history["stage"].to_list() == [0, 0, 0]
    last = recipe.model_copy(update={"stages": recipe.stages[-1:]})
    assert result.image.tobytes() == sp.stylize(content, style, last, models, start=small.image).image.tobytes()
    assert result.image.tobytes() != sp.stylize(content, style, last, models).image.tobytes()


BAD_SMALL = {
    "another aspect": ((32, 32), {}, "has 32×32 pixels, another aspect than the content's .* name a pastiche of this"),
    "as large": ((48, 32), {}, "has 48×32 pixels, no fewer than a pastiche of 48 px: choose a larger size"),
    "larger": ((96, 64), {}, "has 96×64 pixels, no fewer than a pastiche of 48 px"),
    "two to start from": ((36, 24), {"start": grey()}, "start and upscale_from are both"),
}


@pytest.mark.parametrize("name", BAD_SMALL)
def test_what_cannot_be_refined_is_told(name, sample_styles, recipe, models):
    size, more, says = BAD_SMALL[name]
    content, style = Image.linear_gradient("L").resize((120, 80)), next(iter(sample_styles.values()))
    with pytest.raises(sp.InputError, match=says):
        sp.stylize(content, style, recipe, models, upscale_from=Image.new("RGB", size), **more)


@pytest.mark.heavy
def test_without_networks_the_embedded_ones_are_loaded(sample_contents, sample_styles, recipe):
    assert max(sp.stylize(sample_contents["coffee"], next(iter(sample_styles.values())), recipe).image.size) == 48


def test_several_styles_at_once_are_refused_with_what_to_do(sample_contents, sample_styles, recipe, models):
    with pytest.raises(sp.InputError, match=r"can't be a list.*stylize_grid"):
        sp.stylize(sample_contents["coffee"], list(sample_styles.values()), recipe, models)


WRONG_TYPES = {
    "a profile's name": ({"models": "embedded"}, r"models can't be a str: give .*models=load_models\("),
    "no networks": ({"models": ""}, "models can't be a str"),
    "a recipe's keys": ({"recipe": {"size": 48}}, "a recipe can't be a dict: give a spnst_core.Recipe"),
    "no recipe": ({"recipe": None}, "a recipe can't be a NoneType"),
    "a callback that can't be called": ({"callback": "print"}, "callback can't be a str: give a function of one arg"),
    "a size in words": ({"size": "large"}, "recipe structure: size: Input should be a valid integer.*not 'large'"),
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_an_argument_of_a_wrong_type_is_named_with_what_to_give(sample_contents, recipe, models, name):
    given, says = WRONG_TYPES[name]
    arguments = {"recipe": recipe, "models": models, **given}
    with pytest.raises(sp.InputError, match=says):
        sp.stylize(sample_contents["coffee"], sample_contents["coffee"], **arguments)
    with pytest.raises(sp.InputError, match=says):
        next(sp.stylize_grid({"a": sample_contents["coffee"]}, {"b": sample_contents["coffee"]}, **arguments))


def test_a_grid_of_pictures_without_keys_is_refused(sample_contents, recipe, models):
    picture = sample_contents["coffee"]
    with pytest.raises(sp.InputError, match="contents can't be a list: give a mapping of keys to pictures"):
        next(sp.stylize_grid([picture], {"b": picture}, recipe, models))
    with pytest.raises(sp.InputError, match="styles can't be a Tensor"):
        next(sp.stylize_grid({"a": picture}, picture, recipe, models))


def test_the_package_knows_its_version_and_ships_its_types():
    assert sp.__version__ == version("spnst")
    assert (files("spnst_core") / "py.typed").is_file()


BAD = {
    "several pictures": ([grey(), grey()], r"the style can't be a list: .* several pictures go into stylize_grid"),
    "nothing": (None, "the style can't be a NoneType"),
    "integers": (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "the style's tensor must be floating-point .*uint8"),
    "integers of 16 bits": (grey().astype(np.int16), "the style's array must be uint8, or floating-point .* not int16"),
    "two pictures in one": (
        torch.zeros(2, 3, 32, 32),
        r"the style's tensor must be \(1, 3, H, W\) .*not \(2, 3, 32, 32",
    ),
    "one channel": (grey()[..., :1], r"the style's array must be \(H, W, 3\), not \(32, 32, 1\)"),
    "channels first": (grey().transpose(2, 0, 1), r"the style's array must be \(H, W, 3\)"),
    "floats up to 255": (grey().astype(np.float32), r"the style's values must be in \[0, 1\]; they go from 128 to 128"),
    "negative": (torch.full((1, 3, 32, 32), -0.5), r"the style's values must be in \[0, 1\]"),
    "not a number": (torch.full((1, 3, 32, 32), torch.nan), "the style's values must be in .*nan"),
    "too small": (torch.zeros(1, 3, 8, 32), "the style is 32x8 pixels; use one of at least 16"),
    "text": (b"hello there", "the style is not a picture"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_named_with_what_is_wrong(sample_contents, recipe, models, name):
    style, says = BAD[name]
    with pytest.raises(sp.InputError, match=says):
        sp.stylize(sample_contents["coffee"], style, recipe, models)
    with pytest.raises(sp.InputError, match=says.replace("the style", 'the content "a"', 1)):
        next(sp.stylize_grid({"a": style}, {"b": sample_contents["coffee"]}, recipe, models))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.heavy
def test_the_callers_mode_of_gradients_changes_nothing(mode, sample_contents, sample_styles, recipe):
    content, style = sample_contents["coffee"], next(iter(sample_styles.values()))
    plain = sp.stylize(content, style, recipe=recipe)
    with mode():
        modes = []
        made_here = content.clone(), style.clone()
        result = sp.stylize(
            *made_here, recipe, sp.load_models("embedded"), callback=lambda _: modes.append(torch.is_grad_enabled())
        )
        [(_, _, cell)] = sp.stylize_grid({"content": content}, {"style": style}, recipe)
        assert not torch.is_grad_enabled(), "it is still the caller's"
    assert result.image.tobytes() == plain.image.tobytes() == cell.image.tobytes()
    assert not any(modes)


@pytest.mark.heavy
def test_tensors_that_require_gradients_are_pictures_like_others(sample_contents, sample_styles, recipe, models):
    content, style = sample_contents["coffee"], next(iter(sample_styles.values()))
    plain = sp.stylize(content, style, recipe=recipe, models=models)
    leaves = [x.clone().requires_grad_() for x in (content, style)]
    result = sp.stylize(*(x * 1 for x in leaves), recipe=recipe, models=models, start=None)
    assert result.image.tobytes() == plain.image.tobytes()
    assert all(leaf.grad is None for leaf in leaves)


@pytest.mark.parametrize("name", ["f.gif", "f", "f.mp4.png"])
def test_a_film_of_another_suffix_is_refused_first(tmp_path, name, recipe):
    with pytest.raises(sp.InputError, match=rf"{name}: its name must end in .mp4"):
        sp.stylize("no content", "no style", recipe, film=tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("width", "height"), [(1200, 24), (24, 1200), (300, 16)])
@pytest.mark.heavy
def test_a_style_is_painted_however_narrow_it_is(width, height, recipe, models):
    style = np.random.default_rng(0).random((height, width, 3))
    result = sp.stylize(grey(), style, recipe=recipe, models=models)
    assert result.image.size == (48, 48)


def test_a_recipe_that_needs_a_painter_says_how_to_get_one(sample_contents, sample_styles):
    with pytest.raises(sp.InputError, match="spnst painters train STYLE, then spnst paint --painter"):
        sp.stylize(sample_contents["coffee"], sample_styles["nocturne"], "fast_structure")


REFINED = "init: {recipe: instant}\nsize: 48\njitter: false\nstages: [{steps: 2}]\n"


@pytest.mark.heavy
def test_a_grid_takes_maps_and_regions_by_content(own, sample_contents, sample_styles, models):
    coffee, recipe, depth, edges = own
    nocturne = sample_styles["nocturne"]
    contents, styles = {"coffee": coffee, "cat": sample_contents["chelsea"]}, {"a": nocturne, "b": nocturne.flip(3)}
    left = np.zeros((38, 48), np.float32)
    left[:, :24] = 1
    part = np.zeros(nocturne.shape[2:])
    part[: len(part) // 2] = 1
    parts = {"left": sp.Region(left, sample_styles["woodblock"]), "right": sp.Region(1 - left, style_mask=part)}
    own_maps = {"depth_map": depth.flip(3), "edge_map": edges.flip(3), "detail_map": DEPTH}
    maps = {f"{kind}s": {"coffee": x} for kind, x in own_maps.items()}
    found = {
        (c, s): r for c, s, r in sp.stylize_grid(contents, styles, recipe, models, **maps, regions={"coffee": parts})
    }
    for style, picture in styles.items():
        alone = sp.stylize(coffee, picture, recipe, models, **own_maps, regions=parts)
        assert torch.equal(found["coffee", style].pixels, alone.pixels)
        plain = sp.stylize(contents["cat"], picture, recipe, models)
        assert torch.equal(found["cat", style].pixels, plain.pixels)


def test_a_draft_of_a_grid_sees_its_maps_and_regions(own, sample_styles, models, monkeypatch):
    coffee, recipe, depth, _ = own
    first = recipe.model_copy(update={"name": "first"})
    monkeypatch.setattr(
        import_module("spnst_core.stylize"), "draft_of", lambda each: first if each.name == "one" else None
    )
    given = {"depth_maps": {"a": depth.flip(3)}, "regions": {"a": {"keep": sp.Region(np.eye(38, 48))}}}
    [(_, _, found)] = sp.stylize_grid({"a": coffee}, {"s": sample_styles["nocturne"]}, recipe, models, **given)
    own_given = {"depth_map": depth.flip(3), "regions": given["regions"]["a"]}
    expected = sp.stylize(coffee, sample_styles["nocturne"], recipe, models, **own_given)
    assert torch.equal(found.pixels, expected.pixels)


DEPTH = np.tile(np.linspace(0, 1, 48), (38, 1))

BAD_IN_A_GRID = {
    "of no content": (
        {"depth_maps": {"coffe": DEPTH}},
        'depth_maps has "coffe" (did you mean "coffee"?), which is none of',
    ),
    "not a mapping": ({"regions": [sp.Region(DEPTH)]}, "regions can't be a list: give a mapping of contents' keys"),
    "regions without names": (
        {"regions": {"coffee": sp.Region(DEPTH)}},
        "regions must be a mapping of names to regions",
    ),
    "a constant map": (
        {"edge_maps": {"coffee": DEPTH * 0}},
        'the map of edges of the content "coffee" is 0 everywhere',
    ),
    "a black mask": (
        {"regions": {"coffee": {"a": sp.Region(DEPTH * 0)}}},
        'mask of "a" of the content "coffee" is black',
    ),
}


@pytest.mark.parametrize("name", BAD_IN_A_GRID)
def test_maps_and_regions_of_a_grid_that_cannot_be_used_are_told_with_their_content(name, own, sample_styles, models):
    given, message = BAD_IN_A_GRID[name]
    with pytest.raises(sp.InputError, match=re.escape(message)):
        next(sp.stylize_grid({"coffee": own[0]}, {"s": sample_styles["nocturne"]}, own[1], models, **given))


@pytest.fixture
def refined(magenta_weights, monkeypatch):
    """A recipe that starts from pastiches of another."""
    monkeypatch.setenv("SPNST_WEIGHTS", str(magenta_weights))
    return sp.Recipe.from_yaml(REFINED, "refined.yaml")


def test_a_draft_is_painted_on_the_way(sample_contents, sample_styles, refined, models):
    content, style = sample_contents["coffee"], sample_styles["nocturne"]
    draft = sp.stylize(content, style, "instant", models, size=48)
    found = sp.stylize(content, style, refined, models)
    expected = sp.stylize(content, style, refined, models, start=draft.pixels)
    torch.testing.assert_close(found.pixels, expected.pixels, rtol=0, atol=0)
    recoloured = sp.stylize(content, style, refined.model_copy(update={"init": "recoloured"}), models)
    assert (found.pixels - recoloured.pixels).abs().mean() > 0.05
    assert list(found.history["step"]) == [1, 2]


def test_every_cell_of_a_grid_starts_from_its_own_draft(sample_contents, sample_styles, refined, models):
    styles = {name: sample_styles[name] for name in ("nocturne", "harvest")}
    for _, key, result in sp.stylize_grid({"coffee": sample_contents["coffee"]}, styles, refined, models):
        alone = sp.stylize(sample_contents["coffee"], styles[key], refined, models)
        torch.testing.assert_close(result.pixels, alone.pixels, rtol=0, atol=1e-3)


def test_the_optimiser_alone_asks_for_the_draft(refined, models):
    targets = sp.ContentTargets(torch.rand(1, 3, 32, 32))
    style = sp.StyleTargets.compute(torch.rand(1, 3, 32, 32), models, refined.style_sizes)
    with pytest.raises(ValueError, match="recipe refined starts from pastiches of instant: give them as start"):
        next(sp.optimize(targets, [style], refined, models))
