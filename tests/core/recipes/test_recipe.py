"""Recipes: the built-in ones, one's own from YAML, and what a mistake in one says."""

import pytest
import yaml
from distribution import installed, write
from hypothesis import given, settings
from hypothesis import strategies as st

from spnst_core import Band, InputError, Recipe, Weights
from spnst_core.models.vgg import LAYERS, VGG19Encoder
from spnst_core.recipes.recipe import STROKES, Stage
from spnst_core.recipes.style_size import StyleSize

STAGES = "stages: [{scale: 0.5, steps: 3}, {steps: 2, lr: 0.01}]\n"


KEYS = [*Recipe.model_fields, *Stage.model_fields, *Weights.model_fields, "vgg16", "embedded", "other"]

LBFGS = "optimizer: lbfgs\njitter: false\nsmooth_gradients: false\n"


def written(folder, text, name="mine.yaml"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("encoder", ["embedded", "vgg16", "vgg19"])
def test_structure_and_gatys_differ_in_nothing_but_the_structure_terms(encoder):
    structure, gatys = (Recipe.load(name).suited_to(encoder) for name in ("structure", "gatys"))
    assert structure.weights.edge > 0
    assert structure.weights.depth > 0
    plain = structure.weights.model_copy(update={"edge": 0, "depth": 0})
    same = {"name": "gatys", "description": gatys.description, "weights": plain}
    assert structure.model_copy(update=same) == gatys


@pytest.mark.parametrize("encoder", ["embedded", "vgg16", "vgg19"])
def test_faithful_and_bold_are_structure_with_more_structure_and_broader_strokes(encoder):
    structure = Recipe.load("structure")
    same = {"faithful": structure.with_structure(1), "bold": structure.with_strokes("large")}
    for name, expected in same.items():
        recipe, expected = Recipe.load(name).suited_to(encoder), expected.suited_to(encoder)
        assert recipe == expected.model_copy(update={"name": name, "description": recipe.description})


@pytest.mark.parametrize("size", [256, 1024])
@pytest.mark.parametrize("encoder", ["embedded", "vgg16"])
def test_a_draft_is_structure_with_a_tenth_of_the_work(encoder, size):
    draft, structure = (Recipe.load(name).with_size(size).suited_to(encoder) for name in ("draft", "structure"))
    work = [sum(stage.steps * stage.scale**2 for stage in recipe.stages) for recipe in (draft, structure)]
    assert 0.05 < work[0] / work[1] < 0.2
    assert draft.model_copy(update={"stages": structure.stages}) == structure.model_copy(
        update={"name": "draft", "description": draft.description}
    )


@pytest.mark.parametrize("name", Recipe.names())
def test_every_built_in_recipe_loads_under_its_own_name(name):
    assert Recipe.load(name).name == name
    assert Recipe.load(name).description.endswith(".")


def test_a_file_gives_its_name_and_defaults_fill_the_rest(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES, "Wide-Strokes.yaml"))
    assert recipe.name == "wide_strokes"
    assert recipe.form == "relative"
    assert recipe.steps == 5


def test_sizes_follow_the_size_the_stages_and_the_strokes(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES + "strokes: [0.5, 1]\nsize: 200")).with_size(300)
    assert recipe.sizes == (150, 300)
    assert recipe.style_sizes == (StyleSize(75), StyleSize(150), StyleSize(300))
    assert recipe.stroke_sizes(recipe.stages[1]) == (StyleSize(150), StyleSize(300))


FOR_VGG16 = """
size: 96
weights: {edge: 1}
for_encoder:
  vgg16: {jitter: false, weights: {content: 3}, stages: [{steps: 7, weights: {style: 4}}]}
layers: {vgg16: {content: {relu3_1: 1}}, vgg19: {content: {relu2_1: 1}}}
"""


def test_a_recipe_may_hold_other_settings_for_an_encoder(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES + FOR_VGG16))
    suited = recipe.with_size(200).suited_to("vgg16")
    assert (suited.jitter, suited.weights, suited.steps, suited.size) == (False, Weights(content=3), 7, 200)
    assert suited.name == recipe.name
    assert suited.suited_to("vgg16") is suited
    other = recipe.suited_to("embedded")
    assert (other.jitter, other.weights, other.steps) == (True, Weights(edge=1), 5)


def test_what_a_recipe_holds_for_other_encoders_is_gone_from_the_suited_one(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES + FOR_VGG16))
    assert list(recipe.suited_to("vgg16").layers) == ["vgg16"]
    assert not recipe.suited_to("embedded").layers
    assert not recipe.suited_to("embedded").for_encoder


def test_replaced_weights_hold_for_every_encoder(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES + FOR_VGG16)).with_weights({"edge": 8})
    suited = recipe.suited_to("vgg16")
    assert suited.weights == Weights(content=3, edge=8)
    assert suited.stage_weights(suited.stages[0]) == Weights(style=4, edge=8)
    assert recipe.suited_to("embedded").weights.edge == 8


def test_named_strokes_replace_those_of_every_stage_and_encoder(tmp_path):
    text = "stages: [{scale: 0.5, steps: 3, strokes: [3]}, {steps: 2}]\nstrokes: [1, 4]\nsize: 100\n"
    text += "for_encoder: {vgg16: {strokes: [5], stages: [{steps: 7, strokes: [6]}]}}"
    recipe = Recipe.load(written(tmp_path, text))
    large = recipe.with_strokes("large")
    for encoder, sizes in (("embedded", (100, 200)), ("vgg16", (200,))):
        assert large.suited_to(encoder).style_sizes == tuple(map(StyleSize, sizes))
    assert recipe.with_strokes("mixed").style_sizes == tuple(map(StyleSize, (25, 50, 100, 200)))
    assert recipe == Recipe.load(written(tmp_path, text))


def test_named_strokes_are_multiples_of_the_size_at_which_a_recipe_looks_at_the_style():
    sizes = {name: Recipe.load("largestroke_preserve").with_strokes(name).style_sizes for name in STROKES}
    assert sizes == {
        "small": (StyleSize(64, "short"),),
        "medium": (StyleSize(128, "short"),),
        "large": (StyleSize(256, "short"),),
        "mixed": (StyleSize(64, "short"), StyleSize(128, "short"), StyleSize(256, "short")),
    }


def test_unknown_strokes_get_the_nearest():
    with pytest.raises(InputError, match=r'no strokes "larg" \(did you mean "large"\?\): there are small, medium'):
        Recipe.load("structure").with_strokes("larg")


def test_structure_scales_edge_and_depth_for_every_encoder_and_in_every_stage(tmp_path):
    text = "stages: [{scale: 0.5, steps: 3, weights: {edge: 9, style: 3}}, {steps: 2}]\n"
    text += "weights: {edge: 2, depth: 0.5}\nfor_encoder: {vgg16: {weights: {edge: 4, tv: 1}}}"
    recipe = Recipe.load(written(tmp_path, text))
    faithful = recipe.with_structure(1)
    assert faithful.weights == Weights(edge=8, depth=2)
    assert faithful.stages[0].weights == Weights(edge=36, style=3)
    assert faithful.suited_to("vgg16").weights == Weights(edge=16, tv=1)
    assert recipe.with_structure(0.5) == recipe
    assert recipe.with_structure(0).weights == Weights()


def test_colours_are_replaced_for_every_encoder(tmp_path):
    text = "stages: [{steps: 2}]\ncolour: match\ncolour_strength: 0.3\nfor_encoder: {vgg16: {colour_strength: 0.6}}"
    recipe = Recipe.load(written(tmp_path, text))

    def colours(changed):
        suited = [changed.suited_to(encoder) for encoder in ("embedded", "vgg16")]
        return [(found.colour, found.colour_strength) for found in suited]

    assert colours(recipe) == [("match", 0.3), ("match", 0.6)]
    assert colours(recipe.with_colour("content")) == [("content", 1)] * 2
    assert colours(recipe.with_colour("style")) == [("style", 1)] * 2
    assert colours(recipe.with_colour(strength=0.5)) == [("match", 0.5)] * 2
    assert colours(recipe.with_colour("content", 0)) == [("content", 0)] * 2


def test_a_recipes_text_names_colours_only_where_they_are_not_the_styles():
    plain = Recipe.load("structure")
    assert '"colour' not in plain.with_colour("style").model_dump_json()
    assert '"colour":"content"' in plain.with_colour("content").model_dump_json()
    assert '"colour_strength":0.5' in plain.with_colour("match", 0.5).model_dump_json()
    assert plain.with_colour("style") == plain


def test_a_strength_holds_for_every_encoder_and_is_named_only_where_it_is_not_whole(tmp_path):
    recipe = Recipe.load(written(tmp_path, "stages: [{steps: 2}]\nfor_encoder: {vgg16: {style_strength: 0.6}}"))
    assert [recipe.suited_to(encoder).style_strength for encoder in ("embedded", "vgg16")] == [1, 0.6]
    half = recipe.with_style_strength(0.5)
    assert [half.suited_to(encoder).style_strength for encoder in ("embedded", "vgg16")] == [0.5, 0.5]
    assert '"style_strength":0.5' in half.model_dump_json()
    plain = Recipe.load("structure")
    assert plain.with_style_strength(1) == plain
    assert "style_strength" not in plain.with_style_strength(1).model_dump_json()


@pytest.mark.parametrize("name", ["instant", "fast_structure"])
def test_a_strength_of_what_paints_in_one_pass_is_refused(name):
    with pytest.raises(InputError, match="style_strength needs engine optimize"):
        Recipe.load(name).with_style_strength(0.5)
    with pytest.raises(InputError, match="style_strength: Input should be less than or equal to 1, not 1.5"):
        Recipe.load("structure").with_style_strength(1.5)


@pytest.mark.parametrize(
    ("colour", "strength", "says"),
    [
        ("contents", None, "colour: Input should be 'style', 'content' or 'match', not 'contents'"),
        ("content", 1.5, "colour_strength: Input should be less than or equal to 1, not 1.5"),
        ("content", float("nan"), "colour_strength"),
        (None, 0.5, "colour_strength needs colour content or match"),
    ],
)
def test_colours_that_cannot_be_are_refused(colour, strength, says):
    with pytest.raises(InputError, match=says):
        Recipe.load("structure").with_colour(colour, strength)


@pytest.mark.parametrize("encoder", ["embedded", "vgg16"])
def test_without_structure_the_default_paints_as_gatys_does(encoder):
    plain, gatys = (recipe.suited_to(encoder) for recipe in (Recipe.load("structure"), Recipe.load("gatys")))
    same = plain.with_structure(0).model_copy(update={"name": "gatys", "description": gatys.description})
    assert same == gatys


def test_a_stage_may_have_an_optimizer_of_its_own(tmp_path):
    text = LBFGS + "stages: [{steps: 3, optimizer: adam, lr: 0.1}, {steps: 2}]"
    recipe = Recipe.load(written(tmp_path, text))
    assert [recipe.stage_optimizer(stage) for stage in recipe.stages] == ["adam", "lbfgs"]
    assert Recipe.from_yaml(recipe.to_yaml(), "mine") == recipe


def test_a_recipes_text_names_a_stages_optimizer_only_where_it_is_given():
    """Or every pastiche would be painted again, because the text is part of its fingerprint."""
    assert "optimizer" not in Stage(steps=1).model_dump_json()
    assert '"optimizer":"adam"' in Stage(steps=1, optimizer="adam").model_dump_json()


@pytest.mark.parametrize(
    ("name", "amount", "says"),
    [
        ("structure", 1.1, "structure is from 0 to 1, not 1.1"),
        ("structure", float("nan"), "structure is from 0 to 1, not nan"),
        ("gatys", 0.7, "recipe gatys weighs neither edges nor depth: choose another, such as structure"),
    ],
)
def test_an_amount_of_structure_that_a_recipe_cannot_have_is_refused(name, amount, says):
    with pytest.raises(InputError, match=says):
        Recipe.load(name).with_structure(amount)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("for_encoder: {vgg61: {jitter: false}}", r'no encoder "vgg61" \(did you mean "vgg19"\?\)'),
        ("for_encoder: {vgg16: {jiter: false}}", r"for_encoder.vgg16: unknown key jiter"),
        ("for_encoder: {vgg16: {stages: [{steps: 0}]}}", r"for_encoder.vgg16: stages.0.steps: .*, not 0"),
        ("for_encoder: {vgg16: {size: 512, name: other}}", r"for_encoder.vgg16 can't change name, size"),
    ],
)
def test_settings_for_an_encoder_are_checked_when_the_recipe_is_read(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        Recipe.load(written(tmp_path, STAGES + text))


def test_a_stage_may_have_weights_and_strokes_of_its_own(tmp_path):
    text = "stages: [{scale: 0.5, steps: 1, weights: {edge: 9}, strokes: [2]}, {steps: 1}]\nsize: 100"
    recipe = Recipe.load(written(tmp_path, text))
    assert [recipe.stage_weights(stage).edge for stage in recipe.stages] == [9, 0]
    assert recipe.style_sizes == (StyleSize(100),)


def test_a_stage_may_leave_terms_out_whatever_their_weights(tmp_path):
    text = "weights: {edge: 2, depth: 3}\nstages: [{scale: 0.5, steps: 1, without: [depth, tv]}, {steps: 1}]"
    recipe = Recipe.load(written(tmp_path, text)).with_weights({"depth": 5, "tv": 1})
    used = [recipe.stage_weights(stage) for stage in recipe.stages]
    assert [(w.edge, w.depth, w.tv) for w in used] == [(2, 0, 0), (2, 5, 1)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stages: [{steps: 1}]\nweigths: {edge: 1}", 'unknown key weigths (did you mean "weights"?)'),
        ("stages: [{steps: 1}]\nweights: {egde: 1}", 'unknown key weights.egde (did you mean "edge"?)'),
        ("stages: [{step: 1}]", 'unknown key stages.0.step (did you mean "steps"?)'),
        ("size: 256", "key stages is missing"),
        ("stages: [{steps: 0}]", "stages.0.steps: Input should be greater than or equal to 1, not 0"),
        ("stages: [{steps: 1}]\nweights: {style: -1}", "weights.style: Input should be greater than or equal to 0"),
        ("stages: [{steps: 1}]\nweights: {style: .nan}", "weights.style: Input should be"),
        ("stages: [{steps: 1, scale: 0.5}]", "must never fall and must end at 1, not [0.5]"),
        ("stages: [{steps: 1}]\nform: relativ", "form: Input should be 'relative' or 'raw', not 'relativ'"),
        ("stages: [{steps: 1}]\nstyle_size: 512-wide", "style_size: a style size is pixels and a side"),
        ("stages: [{steps: 1}]\nstyle_size: 0-long", "a style can't be looked at with 0 pixels"),
        (
            "stages: [{steps: 1}]\nlayers: {vgg: {style: {relu1_1: 1}}}",
            'layers.vgg: no encoder "vgg" (did you mean "vgg19"?): there are',
        ),
        ("stages: [{steps: 1}]\nlayers: {vgg19: {styles: {relu1_1: 1}}}", '(did you mean "style"?)'),
        ("stages: [{steps: 1}]\nlayers: {vgg19: {style: {relu1_1: -1}}}", "greater than 0, not -1"),
        ("stages: [{steps: 1}]\nlayers: {vgg19: {style: {}}}", "at least 1 item"),
        (
            "stages: [{steps: 1}]\nlayers: {vgg19: {style: {relu9_1: 1}}}",
            'layers: VGG19 has no layer "relu9_1" (did you mean "relu5_1"?): it has conv1_1, relu1_1, …, pool5, or',
        ),
        ("stages: [{steps: 1}]\nlayers: {vgg16: {content: {pool4: 1}}}", 'layers: VGG16 has no layer "pool4"'),
        (
            "stages: [{steps: 1}]\nlayers: {embedded: {content: {bank4: 1}}}",
            "it has colour, sketch, bank1, bank2, bank3",
        ),
        (
            "stages: [{steps: 1}]\nfor_encoder: {vgg19: {layers: {vgg19: {style: {relu: 1}}}}}",
            'for_encoder.vgg19: layers: VGG19 has no layer "relu"',
        ),
        ("stages: [{steps: 1}]\nbetas: [0.9, 1]", "betas.1: Input should be less than 1, not 1"),
        ("stages: [{steps: 1, without: [dept]}]", "stages.0.without.0"),
        ("stages: [{steps: 1}]\noptimizer: lbfgs", "jitter and smooth_gradients falsify: set both to false"),
        ("stages: [{steps: 1, optimizer: lbfgs}]", "jitter and smooth_gradients falsify: set both to false"),
        (LBFGS + "stages: [{steps: 1, lr: 0.1}]", "leave lr and lr_end out of its stages"),
        (
            "stages: [{steps: 1, scale: 1.0e-9}, {steps: 1}]",
            "stages.0.scale: Input should be greater than",
        ),
        ("stages: [{steps: 1000001}]", "stages.0.steps: Input should be less than or equal to 1000000, not 1000001"),
        (f"stages: [{'{steps: 1}, ' * 101}]", "stages: Tuple should have at most 100 items"),
        ("stages: [{steps: 1}]\nsize: 30000", "size: Input should be less than or equal to 10000, not 30000"),
        ("stages: [{steps: 1}]\nstrokes: [1.0e+9]", "strokes.0: Input should be less than or equal to 100"),
        ("stages: [{steps: 1}]\nstrokes: [.inf]", "strokes.0: Input should be"),
        (
            "stages: [{steps: 1}]\nsize: 300\nstrokes: [80]",
            "stages.0 looks at the style with 24,000 pixels",
        ),
        ("stages: [{steps: 1}]\nstyle_size: 99999-short", "stages.0 looks at the style with 99,999 pixels"),
        (
            "stages: [{steps: 1}]\nweights: {content: 0, style: 0}",
            "stages.0 has nothing to paint by: give some loss",
        ),
        ("stages: [{steps: 1, without: [content, style]}, {steps: 1}]", "stages.0 has nothing to paint by"),
        (
            "stages: [{steps: 1}]\nfor_encoder: {vgg16: {weights: {style: 0, content: 0}}}",
            "vgg16: stages.0 has",
        ),
        (
            "stages: [{steps: 1}]\nweights: {style: 1.0e+39}",
            "weights.style: Input should be less than",
        ),
        ("stages: [{steps: 1}]\nflat: .nan", "flat: Input should be"),
        ("stages: [{steps: 1}]\nbetas: [.nan, 0.9]", "betas.0: Input should be"),
        ("stages: [{steps: 1}]\nname: " + "a" * 300, "name: String should have at most 100 characters, not 'aaa"),
        ("stages: [{steps: 1}]\nname: ../../etc/passwd", "name: String should match pattern"),
        ("stages: [{steps: 1}]\nstages: [{steps: 2}]", "line 2: the key stages is given twice"),
        ("stages: [{steps: !!int foo}]", "line 1: tags aren't read"),
        ("stages: [}", "line 1: it isn't YAML"),
        ("- a list", "must be a mapping"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path, text, says):
    with pytest.raises(InputError) as error:
        Recipe.load(written(tmp_path, text))
    assert says in str(error.value)
    assert "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_message_quotes_is_cut(tmp_path):
    with pytest.raises(InputError) as error:
        Recipe.load(written(tmp_path, STAGES + f"form: {'x' * 9000}\n{'y' * 900}: 1\n"))
    assert "… (9,002 characters)" in str(error.value)
    with pytest.raises(InputError) as many:
        Recipe.load(written(tmp_path, STAGES + "".join(f"key{k}: 1\n" for k in range(900))))
    assert str(many.value).endswith("unknown key key4; and 895 more")
    with pytest.raises(InputError, match="no recipe .*… .100,000 characters.") as unknown:
        Recipe.load("structures" * 10_000)
    assert max(len(str(e.value)) for e in (error, many, unknown)) < 1000


@pytest.mark.parametrize("change", [{"size": 20_000}, {"size": 10**5000}])
def test_a_size_too_large_is_refused(change):
    with pytest.raises(InputError, match="recipe structure: size: Input should be "):
        Recipe.load("structure").with_size(**change)


def test_changes_that_leave_nothing_to_paint_by_are_refused():
    with pytest.raises(InputError, match="recipe gatys: stages.0 has nothing to paint by"):
        Recipe.load("gatys").with_weights({"content": 0, "style": 0, "tv": 0})


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_subnormal=False)
    | st.sampled_from(["adam", "1e999", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
"""What YAML can hold, with keys of recipes, stages and weights at any depth."""


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4), st.booleans())
def test_any_mapping_is_a_recipe_or_a_refusal(data, with_stages):
    text = yaml.safe_dump({"stages": [{"steps": 1}], **data} if with_stages else data)
    try:
        recipe = Recipe.from_yaml(text, "mine.yaml")
    except InputError as error:
        message = str(error)
    else:
        assert Recipe.from_yaml(recipe.to_yaml(), "mine.yaml").stages == recipe.stages
        return
    assert message.startswith("recipe mine.yaml")
    assert len(message) < 3000


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match='no recipe "strucure" \\(did you mean "structure"\\?\\)'):
        Recipe.load("strucure")


INK = """
import spnst_core as sp

INK = sp.Recipe(name="ink", layers={"dots": {"style": {"coarse": 1.0}}}, stages=[sp.Stage(steps=2)])


class Dots:
    name, content_layers, style_layers = "dots", {"coarse": 1.0}, {"coarse": 1.0}

    @staticmethod
    def require_layers(layers):
        for unknown in set(layers) - {"coarse"}:
            raise sp.InputError(f"dots has no layer {unknown}: it has coarse")
"""


def test_a_package_adds_recipes_and_encoders_that_they_choose_layers_of(tmp_path):
    groups = {"spnst.recipes": {"ink": "inks:INK"}, "spnst.encoders": {"dots": "inks:Dots"}}
    with installed(write(tmp_path, "inks", "1.0", INK, groups)):
        assert Recipe.names()[-1] == "ink"
        assert Recipe.load("ink").layers["dots"].style == {"coarse": 1.0}
        assert Recipe.load("ink").suited_to("dots").layers["dots"].style == {"coarse": 1.0}
        other = Recipe(name="other", layers={"dots": {"style": {"fine": 1.0}}}, stages=[{"steps": 1}])
        with pytest.raises(InputError, match="dots has no layer fine: it has coarse"):
            other.suited_to("dots")
    with pytest.raises(InputError, match='no recipe "ink"'):
        Recipe.load("ink")


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("INK = {}", "it is a dict, not a spnst_core.Recipe"),
        ("import spnst_core as sp\nINK = sp.Recipe.load('gatys')", 'its name is "gatys"'),
        (INK, 'no encoder "dots"'),
    ],
)
def test_a_faulty_recipe_of_a_package_is_refused(tmp_path, module, says):
    folder = write(tmp_path, "inks", "1.0", module, {"spnst.recipes": {"ink": "inks:INK"}})
    with installed(folder), pytest.raises(InputError, match=f'recipe "ink" .* inks:INK of inks 1.0: .*{says}'):
        Recipe.load("ink")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="absent.yaml can't be read"):
        Recipe.load(tmp_path / "absent.yaml")


def test_a_size_too_small_is_refused():
    with pytest.raises(InputError, match="size: Input should be greater than or equal to 32, not 8"):
        Recipe.load("structure").with_size(8)


def test_a_style_size_of_its_own_does_not_follow_the_pastiches(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES + "style_size: 128-short\nstrokes: [0.5, 2]")).with_size(300)
    assert recipe.style_sizes == (StyleSize(64, "short"), StyleSize(256, "short"))
    assert "64-short" in {str(size) for size in recipe.style_sizes}


def test_a_recipe_survives_being_written_and_read():
    for recipe in map(Recipe.load, Recipe.names()):
        assert Recipe.model_validate_json(recipe.model_dump_json(exclude_unset=True)) == recipe


@pytest.mark.parametrize("encoder", ["embedded", "vgg16"])
@pytest.mark.parametrize("name", Recipe.names())
def test_a_recipe_written_as_yaml_shows_every_setting_and_paints_the_same(tmp_path, name, encoder):
    recipe = Recipe.load(name).suited_to(encoder)
    text = recipe.to_yaml()
    assert text.startswith(f"# {recipe.description}\n")
    assert "flat: " in text
    read = Recipe.load(written(tmp_path, text, f"{name}.yaml"))
    assert read.model_copy(update={"description": recipe.description}) == recipe


def test_a_recipe_for_several_encoders_is_written_whole(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES + FOR_VGG16))
    assert Recipe.load(written(tmp_path, recipe.to_yaml())) == recipe


def test_layers_are_chosen_for_the_encoder_they_name(tmp_path, models):
    recipe = Recipe.load(written(tmp_path, STAGES + "layers: {vgg19: {style: {relu3_1: 2}}}"))
    vgg = VGG19Encoder()
    assert recipe.style_layers(vgg) == {"relu3_1": 2}
    assert recipe.content_layers(vgg) == vgg.content_layers
    assert recipe.style_layers(models.encoder) == models.encoder.style_layers


@pytest.mark.parametrize("name", Recipe.names())
def test_layers_that_built_in_recipes_name_exist(name):
    recipe, vgg = Recipe.load(name), VGG19Encoder()
    assert {*recipe.content_layers(vgg), *recipe.style_layers(vgg)} <= set(LAYERS)


@pytest.mark.parametrize("strokes", ["small", "large", "mixed"])
@pytest.mark.parametrize(("kept", "edge", "depth"), [("preserve", 1e3, 200), ("nopreserve", 0, 0)])
def test_the_first_notebooks_six_recipes_have_its_numbers(strokes, kept, edge, depth):
    recipe, vgg = Recipe.load(f"{strokes}stroke_{kept}"), VGG19Encoder()
    assert recipe.weights == Weights(content=1, style=1e6, edge=edge, depth=depth, tv=0)
    assert [(s.steps, s.lr, s.lr_end, s.scale) for s in recipe.stages] == [(100, 0.05, 1, 1)]
    assert (recipe.form, recipe.init, recipe.optimizer, recipe.betas) == ("raw", "content", "adam", (0.9, 0.999))
    assert not recipe.smooth_gradients
    assert not recipe.jitter
    assert {LAYERS[layer]: share for layer, share in recipe.content_layers(vgg).items()} == {22: 1, 31: 1}
    assert {LAYERS[layer] for layer in recipe.style_layers(vgg)} == {1, 6, 11, 20, 29}
    assert set(recipe.style_layers(vgg).values()) == {1}
    sizes = {"small": [512], "large": [128], "mixed": [128, 256, 512, 1024]}[strokes]
    assert recipe.style_sizes == tuple(StyleSize(pixels, "short") for pixels in sizes)


def test_the_fine_tuned_notebook_has_its_three_phases():
    recipe = Recipe.load("seed_finetuned")
    phases = [(s.steps, s.lr, *recipe.stage_weights(s).model_dump().values()) for s in recipe.stages]
    assert phases == [
        (100, 0.05, 1, 1e6, 1e3, 200, 0),
        (100, 0.03, 1, 1e7, 1e8, 200, 0),
        (50, 0.05, 100, 1e7, 1e10, 0, 0),
    ]


def test_gatys_grams_count_by_their_channels():
    recipe, channels = Recipe.load("gatys2016"), [64, 128, 256, 512, 512]
    assert list(recipe.style_layers(VGG19Encoder()).values()) == [1 / c**2 for c in channels]


@pytest.mark.parametrize("bad", ["-1", "1.5", "often"])
def test_an_interval_of_frames_that_cannot_be_is_refused(tmp_path, bad):
    (tmp_path / "r.yaml").write_text(f"record_every: {bad}\nstages: [{{steps: 9}}]\n")
    with pytest.raises(InputError, match=f"record_every: .*{bad}"):
        Recipe.load(tmp_path / "r.yaml")


def test_no_built_in_recipe_is_filmed_unasked():
    assert {Recipe.load(name).record_every for name in Recipe.names()} == {0}


def test_engine_and_training_are_left_out_of_a_recipe_that_optimises():
    assert not {"engine", "training_steps"} & Recipe.load("structure").model_dump().keys()
    fast = Recipe.load("fast_structure")
    assert fast.model_dump()["engine"] == "feedforward"
    # By networks, edges are kept with a lower weight, and no palette term is needed. Steps don't count in training.
    alike = {"edge": 1.0, "depth": 1.0, "palette": 0.0}
    for encoder in ("embedded", "vgg16"):
        same, other = (recipe.suited_to(encoder).with_weights(alike) for recipe in (fast, Recipe.load("structure")))
        kept = {"name": same.name, "description": same.description, "stages": same.stages}
        assert same.model_copy(update={"engine": "optimize"}) == other.model_copy(update=kept)


def test_strokes_of_a_recipe_for_any_style_in_one_pass_are_as_they_are():
    with pytest.raises(InputError, match="recipe instant has strokes of one size"):
        Recipe.load("instant").with_strokes("small")


@pytest.mark.parametrize(("size", "trained"), [(32, 64), (100, 96), (256, 256), (1000, 512)])
def test_painters_are_trained_at_the_recipes_size_within_bounds(size, trained):
    assert Recipe.load("fast_structure").with_size(size).training_size == trained


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("engine: feed", "engine"),
        ("bands: {near: [0.6, 0.5]}", "bands: a band of depth lies between two numbers"),
        ("bands: {near: [0.6, 2]}", "bands.near.1: Input should be less than or equal to 1"),
        ("bands: {far: {depth: [0.6, 0.5], strokes: large}}", "bands: a band of depth lies between two numbers"),
        ("bands: {far: {depth: [0, 0.5]}}", "key bands.far.strokes is missing"),
        ("bands: {far: {dept: [0, 0.5]}}", 'unknown key bands.far.dept .did you mean "depth"'),
        (
            "bands: {far: {depth: [0, 0.5], strokes: larg}}",
            'bands.far.strokes: no strokes "larg" .did you mean "large"',
        ),
        ("bands: {keep: {depth: [0, 0.5], strokes: large}}", "bands: keep stays as it is and takes no strokes"),
        ("training_steps: 5", "training_steps needs engine feedforward"),
        ("{engine: feedforward, colour: match}", "a painter has one"),
        ("{engine: feedforward, record_every: 2}", "record_every needs engine optimize"),
        ("{engine: arbitrary, record_every: 2}", "record_every needs engine optimize"),
        ("{engine: arbitrary, training_steps: 5}", "with engine arbitrary nothing is trained"),
    ],
)
def test_settings_that_dont_suit_the_engine_are_refused(text, message):
    text = text[1:-1].replace(", ", "\n") if text[0] == "{" else text
    with pytest.raises(InputError, match=message):
        Recipe.from_yaml(f"{text}\nstages: [{{steps: 1}}]\n", "mine.yaml")


GROWING = """
growth: {beyond: 512, steps: 4, tv: 10}
weights: {style: 2, tv: 0.02}
stages: [{scale: 0.5, steps: 9, weights: {style: 1}}, {scale: 0.5, steps: 7}, {steps: 3, strokes: [2]}]
"""


@pytest.mark.parametrize(
    ("size", "sizes", "steps"),
    [
        (300, (150, 300), 19),
        (512, (256, 512), 19),
        (513, (256, 512, 513), 23),
        (1024, (256, 512, 1024), 23),
        (1500, (256, 512, 1024, 1500), 27),
        (10_000, (256, 512, 1024, 2048, 4096, 8192, 10_000), 39),
    ],
)
def test_a_large_picture_grows_from_a_smaller_one(size, sizes, steps):
    recipe = Recipe.from_yaml(GROWING, "growing.yaml").with_size(size)
    grown = recipe.suited_to("vgg16")
    assert (grown.sizes, grown.steps, grown.size) == (sizes, steps, size)
    assert [stage.strokes for stage in grown.stages] == [None, None] + [(2.0,)] * (len(grown.stages) - 2)
    weights = [grown.stage_weights(stage) for stage in grown.stages]
    assert weights[:3] == [Weights(style=1), *2 * [Weights(style=2, tv=0.02)]]
    assert {(found.style, round(found.tv, 9)) for found in weights[3:]} <= {(2, 0.2)}
    assert grown.suited_to("vgg16") == grown
    assert Recipe.from_yaml(grown.to_yaml(), "growing.yaml") == grown


@pytest.mark.parametrize(
    ("size", "start", "sizes"),
    [
        (3000, 600, (1024, 2048, 3000)),
        (3000, 512, (1024, 2048, 3000)),
        (3000, 511, (512, 1024, 2048, 3000)),
        (512, 256, (512,)),
        (512, 255, (256, 512)),
        (513, 512, (513,)),
    ],
)
def test_a_smaller_pastiche_is_refined_by_the_larger_stages_as_they_are(size, start, sizes):
    grown = Recipe.from_yaml(GROWING, "growing.yaml").with_size(size).suited_to("vgg16")
    refined = grown.refining(start)
    assert refined.sizes == sizes
    assert refined.stages == grown.stages[-len(refined.stages) :]
    assert refined.refining(start) == refined.suited_to("vgg16") == refined


@pytest.mark.parametrize("start", [64, 65])
def test_nothing_is_refined_from_a_size_to_none_larger(start):
    with pytest.raises(InputError, match=f"nothing to refine from {start} to 64 px"):
        Recipe.from_yaml(STAGES, "mine.yaml").with_size(64).refining(start)


def test_up_to_that_size_nothing_changes():
    plain, growing = (Recipe.from_yaml(text, "growing.yaml") for text in (GROWING.split("\n", 2)[2], GROWING))
    assert growing != plain
    assert growing.with_size(512).suited_to("vgg16").to_yaml() == plain.with_size(512).suited_to("vgg16").to_yaml()


def test_a_recipe_that_paints_in_one_pass_has_no_bands():
    with pytest.raises(InputError, match="bands need engine optimize"):
        Recipe.from_yaml("engine: feedforward\nbands: {near: [0.6, 1]}\nstages: [{steps: 1}]\n", "mine.yaml")


BROAD = "size: 100\nstages: [{scale: 0.5, steps: 1}, {steps: 1}]\nbands: {far: {depth: [0, 0.4], strokes: mixed}}\n"


def test_the_style_is_looked_at_for_the_strokes_of_bands_as_well():
    """At half, once and twice each size of a stage."""
    recipe = Recipe.from_yaml(BROAD, "broad.yaml")
    assert (recipe.depth_bands, recipe.band_strokes) == ({"far": Band(0, 0.4)}, {"far": "mixed"})
    assert recipe.style_sizes == tuple(map(StyleSize, (25, 50, 100, 200)))
    assert recipe.style_sizes_for() == tuple(map(StyleSize, (50, 100)))
    assert recipe.with_strokes("large").style_sizes_for() == tuple(map(StyleSize, (100, 200)))
    assert Recipe.from_yaml(recipe.to_yaml(), "broad.yaml") == recipe


def test_a_band_without_strokes_is_written_as_before():
    recipe = Recipe.from_yaml("bands: {near: [0.6, 1]}\nstages: [{steps: 1}]\n", "mine.yaml")
    assert '"bands":{"near":[0.6,1.0]}' in recipe.model_dump_json()
    assert recipe.band_strokes == {}


def test_strokes_of_bands_that_are_too_large_for_a_size_are_refused():
    large = BROAD.replace("stages", "strokes: [2]\nstages")
    assert Recipe.from_yaml(large, "broad.yaml").with_size(5000).style_sizes[-1] == StyleSize(20_000)
    with pytest.raises(InputError, match="bands: mixed strokes look at the style with 20,004 pixels, more than 20,000"):
        Recipe.from_yaml(large, "broad.yaml").with_size(5001)


def test_recipes_heed_a_detail_map_if_they_weigh_what_it_raises():
    heeding = {name for name in Recipe.names() if Recipe.load(name).suited_to("vgg16").heeds_detail}
    assert {"structure", "bold", "faithful", "smallstroke_preserve"} <= heeding
    assert not {"gatys", "smallstroke_nopreserve", "instant", "fast_structure"} & heeding
    assert not Recipe.load("structure").model_copy(update={"detail": 0.0}).heeds_detail
    text = "weights: {depth: 1}\nstages: [{steps: 1}]\ndepth_on: "
    assert Recipe.from_yaml(text + "maps", "a.yaml").heeds_detail
    assert not Recipe.from_yaml(text + "features", "a.yaml").heeds_detail


def test_detail_is_written_only_where_it_is_not_the_default():
    recipe = Recipe.from_yaml("stages: [{steps: 1}]\ndetail: 3\n", "a.yaml")
    assert "detail" not in recipe.model_dump_json()
    assert "detail: 5.0" in Recipe.from_yaml("stages: [{steps: 1}]\ndetail: 5\n", "a.yaml").to_yaml()
    with pytest.raises(InputError, match="detail: Input should be greater than or equal to 0"):
        Recipe.from_yaml("stages: [{steps: 1}]\ndetail: -1\n", "a.yaml")


def test_a_weight_of_the_palette_is_written_only_where_there_is_one():
    plain = Recipe.from_yaml("stages: [{steps: 1}]\n", "a.yaml")
    assert "palette" not in plain.model_dump_json()
    assert "palette" not in plain.terms
    asked = plain.with_weights({"palette": 0.5})
    assert asked.terms == ("content", "style", "edge", "depth", "tv", "palette")
    assert Recipe.from_yaml(asked.to_yaml(), "a.yaml").weights.palette == 0.5
    assert asked.with_weights({"palette": 0}).model_dump_json() == plain.with_weights({}).model_dump_json()
