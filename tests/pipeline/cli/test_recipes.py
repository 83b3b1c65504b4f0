"""``spnst recipes``: what the list tells, and that what is shown can be edited and painted with."""

import pytest

from spnst_core import Recipe


def test_the_list_has_a_line_for_every_recipe_with_its_stages_encoders_and_description(spnst):
    status, out, err = spnst("recipes", "list")
    assert (status, err) == (0, "")
    head, *lines = [line.strip() for line in out.splitlines()]
    assert head.split("  ")[0] == "name"
    assert [line.split()[0] for line in lines] == Recipe.names()
    (structure,) = [line for line in lines if line.startswith("structure ")]
    suited = Recipe.load("structure").suited_to("vgg16")
    for part in (f"{len(suited.stages)}  ", ", ".join(map(str, suited.sizes)), f"{suited.steps}  vgg16  "):
        assert part in structure
    assert structure.endswith(suited.description)


def test_the_list_can_be_for_another_encoder(spnst):
    _, out, _ = spnst("recipes", "list", "--encoder", "embedded")
    (structure,) = [line for line in out.splitlines() if line.startswith("structure ")]
    assert ", ".join(map(str, Recipe.load("structure").suited_to("embedded").sizes)) in structure


@pytest.mark.parametrize("flags", [(), ("--encoder", "embedded")])
def test_a_shown_recipe_is_one_to_paint_with_as_it_suits_the_encoder(spnst, tmp_path, flags):
    status, out, err = spnst("recipes", "show", "structure", *flags)
    assert (status, err) == (0, "")
    recipe = Recipe.load("structure").suited_to(flags[-1] if flags else "vgg16")
    assert out.startswith(f"# {recipe.description}\n")
    (tmp_path / "bold.yaml").write_text(out.replace("seed: 0", "seed: 7"))
    titles = {"name": "bold", "description": "", "seed": 7}
    assert Recipe.load(tmp_path / "bold.yaml") == recipe.model_copy(update=titles)


def test_a_file_is_shown_with_the_defaults_that_it_leaves_out(spnst, tmp_path):
    (tmp_path / "mine.yaml").write_text("stages: [{steps: 3}]")
    status, out, _ = spnst("recipes", "show", tmp_path / "mine.yaml")
    assert status == 0
    assert "weights: {content: 1.0, style: 1.0, edge: 0.0, depth: 0.0, tv: 0.0}" in out
    assert "- {scale: 1.0, steps: 3, lr: 0.03, lr_end: 1.0}" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "strucure"), 'no recipe "strucure" (did you mean "structure"?)'),
        (("show", "absent.yaml"), "recipe absent.yaml can't be read"),
        (("show", "structure", "--encoder", "vgg1"), 'no encoder "vgg1" (did you mean "vgg1'),
        (("list", "--encoder", "vgg"), 'no encoder "vgg"'),
    ],
)
def test_what_is_not_known_is_told_in_one_line(spnst, arguments, says):
    status, out, err = spnst("recipes", *arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err
