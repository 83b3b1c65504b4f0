"""What the benchmark of speed rests on: the search, the ratios, the judge, the counting and the table."""

import json
import math
from functools import partial
from io import StringIO

import pytest
import torch
from rich.console import Console

from benchmarks import speed
from benchmarks.figures import NO_GPU, Figure, lines_of, table_of
from benchmarks.timing import Pairs, content_samples, in_turn, library_steps, seconds_a_step, style_samples
from spnst_core import InputError, Recipe, load_models
from spnst_core.recipes.recipe import Stage

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize("edge", [0.021, 0.3, 0.777, 1.99])
def test_the_smallest_factor_is_found_and_was_tried(edge):
    tried = []

    def fits(x):
        tried.append(x)
        return x >= edge

    found = speed.smallest(fits, 0.02, 2.0, 0.05)
    assert edge <= found <= edge * 1.05 and found in tried and len(tried) <= 12
    assert max(tried) <= 2 * edge  # large ones are dear


def test_where_the_lowest_factor_is_enough_it_is_taken():
    assert speed.smallest(lambda x: True, 0.02, 2.0, 0.05) == 0.02


def test_where_no_factor_is_enough_it_is_told():
    tried = []
    with pytest.raises(speed.OutOfReach, match="not even 2 times as many are enough"):
        speed.smallest(tried.append, 0.02, 2.0, 0.05)
    assert max(tried) == 2.0


def test_a_ratio_is_the_median_over_pairs_measured_in_turn():
    order, theirs, own = [], iter([6.0, 4.0, 100.0]), iter([2.0, 1.0, 1.0])
    pairs = in_turn(lambda: (order.append("plain"), next(theirs))[1], lambda: (order.append("ours"), next(own))[1], 3)
    assert order == ["plain", "ours"] * 3
    assert pairs == Pairs([6.0, 4.0, 100.0], [2.0, 1.0, 1.0]) and pairs.ratio == 4.0


def test_a_single_step_cant_be_timed():
    with pytest.raises(ValueError, match="at least two steps"):
        seconds_a_step([None], torch.device("cpu"))


def test_stages_are_shortened_but_never_away():
    structure = Recipe.load("structure")
    assert [stage.steps for stage in speed.shortened(structure, 0.5).stages] == [40, 40, 30]
    assert [stage.steps for stage in speed.shortened(structure, 0.001).stages] == [1, 1, 1]


def test_the_plain_loop_starts_from_the_content_at_full_size():
    plainly = speed.plain_recipe(Recipe.load("structure"), 0.05, 100)
    [stage] = plainly.stages
    assert (stage.scale, stage.steps, stage.lr, stage.lr_end) == (1.0, 100, 0.05, 1.0)
    assert plainly.init == "content" and plainly.betas == (0.9, 0.999)


@pytest.mark.parametrize("name", speed.SOONEST)
def test_our_way_is_a_recipe_that_a_user_could_write(name):
    ours = speed.coarse_to_fine(Recipe.load(name))
    assert Recipe.model_validate(ours.model_dump(exclude_unset=True)).stages == ours.stages
    with pytest.raises(ValueError, match="jitter"):
        Recipe.model_validate({**ours.model_dump(exclude_unset=True), "jitter": True})


def test_a_style_with_a_size_of_its_own_is_looked_at_smaller_while_the_picture_is_small():
    notebook, structure = (speed.coarse_to_fine(Recipe.load(name).with_size(256)) for name in speed.SOONEST)
    assert [str(*notebook.stroke_sizes(stage)) for stage in notebook.stages] == ["256-short", "512-short", "512-short"]
    assert [str(*structure.stroke_sizes(stage)) for stage in structure.stages] == [
        f"{side}-long" for side in (90, 179, 256, 256)
    ]


def test_losses_are_compared_cell_by_cell():
    assert speed.over({("a", "x"): 1.0, ("b", "x"): 300.0}, {("a", "x"): 2.0, ("b", "x"): 200.0}) == [0.5, 1.5]


def test_a_grid_out_of_reach_is_a_figure_of_nothing(monkeypatch):
    def out_of_reach(*_):
        raise speed.OutOfReach("not even 4 times as many are enough")

    monkeypatch.setattr(speed, "STYLE_SIDE", 96)
    monkeypatch.setattr(speed, "plain_losses", lambda *_: {})
    monkeypatch.setattr(speed, "matching_factor", out_of_reach)
    [figure] = speed.grid_figures("structure", partial(load_models, "embedded", "cpu"), 64, 2, 100, 0.05)
    assert figure.value == 0.0 and figure.reached == "missed"
    assert "structure" in figure.name and "not even 4 times" in figure.note


@pytest.mark.parametrize(("share", "value"), [(0.9, 4.0), (1.1, 0.0)])
def test_a_grid_in_given_steps_is_a_figure_only_at_plains_loss(share, value, monkeypatch):
    def painted(grid, load, plainly, recipe):
        assert [stage.steps for stage in recipe.stages] == [3, 2, 1]
        return speed.Painted(
            Pairs([8.0], [2.0]), {("a", "x"): 1.0, ("b", "x"): 1.0}, {("a", "x"): share, ("b", "x"): 1.0}
        )

    monkeypatch.setattr(speed, "STYLE_SIDE", 96)
    monkeypatch.setattr(speed, "painted", painted)
    load = partial(load_models, "embedded", "cpu")
    figure, _ = speed.grid_figures("smallstroke_preserve", load, 64, 2, 100, 0.05, [3, 2, 1])
    assert figure.value == value and "3 + 2 + 1" in figure.note


@pytest.mark.parametrize("steps", [[3, 2], [3, 2, 1, 1], [3, 2, 0]])
def test_steps_that_are_not_one_number_for_each_stage_are_refused(steps):
    with pytest.raises(InputError, match="--our-steps 3 2.*each of the 3 stages in which smallstroke_preserve"):
        speed.in_steps(speed.coarse_to_fine(Recipe.load("smallstroke_preserve")), steps)


def test_what_was_measured_before_a_failure_is_kept(monkeypatch, tmp_path, capsys):
    def measured(_):
        yield Figure("step", 2.0, note="4 / 2 s")
        raise ArithmeticError("the loss isn't finite")

    monkeypatch.setattr(speed, "measured", measured)
    with pytest.raises(ArithmeticError):
        speed.main(["--json", str(tmp_path / "found.jsonl"), "--threads", str(torch.get_num_threads())])
    assert "step; 2.00; 4 / 2 s" in capsys.readouterr().out
    assert json.loads((tmp_path / "found.jsonl").read_text())["value"] == 2.0


def test_a_large_grid_has_no_picture_twice():
    pictures = list(content_samples(8).values())
    assert all(not torch.equal(one, other) for k, one in enumerate(pictures) for other in pictures[:k])
    with pytest.raises(ValueError, match="there are 16 pictures, not 17"):
        content_samples(17)
    assert [max(picture.shape) for picture in style_samples(2, 64).values()] == [64, 64]


@pytest.mark.slow(9)
def test_the_judge_likes_what_the_recipe_paints_better_than_the_content():
    models = load_models("embedded", "cpu", precision="float32")
    recipe = Recipe.load("structure").with_size(64)
    recipe = recipe.model_copy(update={"stages": (Stage(steps=25),)})
    grid = speed.Grid(content_samples(2), style_samples(2, 96), recipe, models)
    cell = grid.diagonal[1]
    row = speed.content_targets(grid.contents[cell[0]], recipe, models)
    styles = {cell[1]: speed.style_targets(grid.styles[cell[1]], recipe, models)}
    [pastiche] = speed.painted_row(row, styles, recipe, models).values()
    assert grid.loss(cell, pastiche) < 0.8 * grid.loss(cell, grid.contents[cell[0]])
    with pytest.raises(ArithmeticError, match="isn't finite"):
        grid.loss(cell, pastiche * math.nan)


def test_a_matrix_product_with_its_gradients_counts_six_operations_for_each_multiplication():
    def steps():
        for _ in range(2):
            a, b = torch.ones(3, 5, requires_grad=True), torch.ones(5, 7, requires_grad=True)
            torch.autograd.grad((a @ b).sum(), (a, b))
            yield

    assert speed.counted(steps()) == 6 * 3 * 5 * 7


def test_a_step_of_the_library_costs_at_least_its_encoder_forward_and_back():
    in_bfloat16, in_float32 = (load_models("embedded", "cpu", precision=name) for name in ("bfloat16", "float32"))
    recipe = Recipe.load("gatys").with_size(64).model_copy(update={"stages": (Stage(steps=2),), "jitter": False})
    [content_picture], [style_picture] = content_samples(1).values(), style_samples(1, 96).values()
    height, width = 58, 64
    taps = sum(
        kernel**2 * before * after * (height * width) // 4**k
        for k, (kernel, before, after) in enumerate([(5, 3, 64), (3, 64, 128), (3, 128, 256)])
    )
    found, fewer = (
        speed.counted(library_steps(content_picture, [style_picture], recipe, models))
        for models in (in_bfloat16, in_float32)
    )
    assert 2 * 2 * taps < found < 2 * 4 * taps
    assert taps < fewer < found, "NNPACK's convolutions do less"


def test_nnpack_s_convolutions_count_the_products_of_transforms():
    def operations(side):
        return speed.nnpack_operations([2, 3, 13, 12], [4, 3, side, side], None, [1, 1], out_shape=[2, 4, 13, 12])

    assert operations(3) == 2 * 64 * (3 * 2) * 2 * 3 * 4, "three rows of two tiles of 6 × 6"
    assert operations(5) == 2 * 25 * (13 * 12) * 2 * 3 * 4


@pytest.mark.parametrize(
    ("value", "better", "reached"),
    [(2.6, "higher", "strive for"), (2.5, "higher", "strive for"), (2.0, "higher", "must"), (1.7, "higher", "missed")],
)
def test_a_figure_says_which_of_its_goals_it_reaches(value, better, reached):
    assert Figure("step", value, 1.8, 2.5, better).reached == reached
    assert Figure("memory", -value, -1.8, -2.5, "lower").reached == reached


def test_what_wasnt_measured_says_why_and_reaches_nothing():
    figures = [Figure("step", 2.0, 1.8, 2.5, form="{:.1f}×"), Figure("rate", None, 0.35, 0.55, note=NO_GPU)]
    console = Console(width=120, file=StringIO())
    console.print(table_of(figures))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in console.file.getvalue().splitlines()]
    assert ["step", "2.0×", "1.8×", "2.5×", "must", ""] in rows
    assert ["rate", "–", "0.35", "0.55", "", NO_GPU] in rows
    lines = [json.loads(line) for line in lines_of(figures, {"threads": 1})]
    assert [line["value"] for line in lines] == [2.0, None] and lines[1]["note"] == NO_GPU
    assert all(line["machine"] == {"threads": 1} for line in lines)
