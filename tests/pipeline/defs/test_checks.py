"""Asset checks: the verdicts one by one, and then on cells that are really bad, in a project that is really run."""

import json

import dagster as dg
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from small_project import PAINTED

from spnst_core.objective.targets import DepthMap, Statistics, StyleTargets
from spnst_core.recipes.recipe import Recipe
from spnst_core.recipes.style_size import StyleSize
from spnst_pipeline.artefacts.fingerprints import BLOCKED
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.events import BATCH
from spnst_pipeline.planning.plan import measuring

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
CELLS = [(c, s) for c in ("boat", "cat") for s in ("dots", "wave")]
NAN = float("nan")


def scores(edge, depth):
    return {"edge_distance": edge, "depth_distance": depth}


def recipe(**weights):
    return Recipe.model_validate({"name": "a", "weights": weights, "stages": [{"steps": 1}]})


@pytest.mark.parametrize(
    ("value", "passed", "line"),
    [
        (0.5, True, "values from 0 to 0.5"),
        (1.0, True, "values from 0 to 1"),
        (1.01, False, "the pastiche has values from 0 to 1.01, outside [0, 1]; nothing was written"),
        (NAN, False, "the pastiche holds values that aren't finite: lower the recipe's learning rate or weights; "),
        (float("inf"), False, "the pastiche holds values that aren't finite"),
    ],
)
def test_finite(value, passed, line):
    image = torch.zeros(1, 3, 4, 4)
    image[0, 1, 2, 3] = value
    verdict = checks.finite(image)
    assert (verdict.passed, verdict.check.severity) == (passed, ERROR)
    assert verdict.description.startswith(line)
    if not passed:
        with pytest.raises(checks.CheckFailed, match="nothing was written"):
            checks.required(verdict)


@pytest.mark.parametrize(
    ("painted", "passed", "line"),
    [
        ({"edge_error": 0.3, "patch_distance": 0.05}, True, "edge error 0.300, the optimiser's 0.200; patch distance"),
        ({"edge_error": 0.31, "patch_distance": 0.04}, False, "edge error 0.310, the optimiser's 0.200"),
        ({"edge_error": 0.1, "patch_distance": 0.07}, False, "patch distance 0.070, the optimiser's 0.040"),
        ({"edge_error": 0.3}, True, "edge error 0.300, the optimiser's 0.200"),
        ({}, True, "nothing to compare: no score was finite"),
    ],
)
def test_a_painter_is_near_the_optimiser_or_it_is_told(painted, passed, line):
    verdict = checks.near_optimiser(painted, {"edge_error": 0.2, "patch_distance": 0.04})
    assert (verdict.passed, verdict.check.severity) == (passed, WARN)
    assert line in verdict.description
    assert verdict.numbers.keys() == {f"{key}_ratio" for key in painted}


@pytest.mark.parametrize(
    ("before", "after", "passed"), [(0.5, 0.2, True), (0.3, 0.3, False), (0.3, 0.4, False), (0.02, 0.05, True)]
)
def test_style_fell_or_was_there_from_the_start(before, after, passed):
    assert checks.style_fell(before, after).passed is passed


def test_a_style_term_that_cannot_fall_says_which_picture_is_plain():
    says = (
        "style term did not fall: from 0.300 to 0.400; nothing but one colour is in the style: choose another picture"
    )
    assert checks.style_fell(0.3, 0.4, ["style"]).description == says
    assert "in the content and in the style" in checks.style_fell(0.3, 0.4, ["content", "style"]).description
    assert checks.style_fell(0.4, 0.3, ["style"]).description == "style term fell: from 0.400 to 0.300"


def test_a_structure_term_without_a_score_is_not_judged():
    verdict = checks.keeps_structure(recipe(edge=1), {"depth_distance": 0.1}, scores(0.2, 0.2))
    assert verdict.passed
    assert verdict.description == "nothing to compare with gatys: no score of a structure term"


def test_keeps_structure_in_every_term_that_the_recipe_has_a_weight_for():
    both, edge = recipe(edge=1, depth=1), recipe(edge=1)
    assert checks.keeps_structure(both, scores(0.1, 0.1), scores(0.2, 0.2)).passed
    assert not checks.keeps_structure(both, scores(0.1, 0.3), scores(0.2, 0.2)).passed
    verdict = checks.keeps_structure(edge, scores(0.1, 0.3), scores(0.2, 0.2))
    assert verdict.passed
    assert verdict.numbers == {"edge_change": -0.5}
    assert verdict.description == "edge distance 0.100 against 0.200 by gatys"
    assert verdict.check.severity == WARN


def test_a_weight_in_a_single_stage_is_a_weight():
    staged = Recipe.model_validate(
        {"name": "a", "stages": [{"steps": 1, "weights": {"depth": 1}}, {"steps": 1, "weights": {}}]}
    )
    assert checks.kept_terms(staged) == ["depth"]
    assert checks.kept_terms(recipe(tv=1)) == []


@pytest.mark.parametrize(
    ("gram", "line"),
    [
        ([[0.0, 2.0], [2.0, 3.0]], "a Gram matrix can't be one: relative asymmetry 0.0e+00, smallest relative"),
        ([[1.0, 0.5], [0.0, 1.0]], "a Gram matrix can't be one: relative asymmetry 5.0e-01"),
        ([[NAN, 0.0], [0.0, 1.0]], "a Gram matrix holds values that aren't finite"),
        ([[float("inf"), 0.0], [0.0, 1.0]], "a Gram matrix holds values that aren't finite"),
    ],
)
def test_what_is_no_gram(gram, line):
    style = StyleTargets({StyleSize(64): {"x": Statistics(torch.tensor([gram]), torch.zeros(1, 2))}})
    verdict = checks.positive_semidefinite(style)
    assert not verdict.passed
    assert verdict.description.startswith(line)
    assert verdict.check.severity == ERROR


def test_a_flat_depth_map_is_warned_of():
    ramp = torch.arange(40.0).repeat(40, 1)[None, None]
    assert checks.not_constant(DepthMap({64: ramp})).passed
    flat = checks.not_constant(DepthMap({64: ramp, 128: torch.full((1, 1, 40, 40), 3.0)}))
    assert not flat.passed
    assert "the depth term holds nothing" in flat.description
    assert checks.required(flat) == flat  # a warning stops nothing


def test_verdicts_travel_in_the_file_and_only_a_failed_error_blocks():
    verdicts = [
        checks.style_fell(0.5, 0.25),
        checks.Verdict(checks.NOT_CONSTANT, False, "flat → even", {"relief": 0.0}),
    ]
    stamp = checks.stamp(verdicts)
    assert checks.carried(stamp) == verdicts
    assert BLOCKED not in stamp
    assert checks.stamp([checks.style_fell(0.25, 0.5)])[BLOCKED] == "style term did not fall: from 0.250 to 0.500"
    assert checks.carried({}) == []


def evaluations(place, run_ids, asset):
    """What some runs told of an asset: (check, partition) → passed and severity; the last told counts."""
    found = {}
    with place.instance() as instance:
        for run_id in run_ids:
            for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
                data = entry.dagster_event.asset_check_evaluation_data
                if data.asset_key == dg.AssetKey(asset.split("/")) and data.partition != BATCH:
                    found[data.check_name, data.partition] = (data.passed, data.severity)
    return found


def by_cell(check, passed, severity):
    return {(check, f"{c}|{s}"): (passed, severity) for c, s in CELLS}


def test_a_first_run_reports_every_check_of_every_partition(first_run):
    place, run = first_run
    runs = run.runs
    of = lambda asset: evaluations(place, runs, asset)  # noqa: E731
    assert of("pastiche/structure") == {
        **by_cell("finite", True, ERROR),
        **by_cell("style_fell", True, ERROR),
        ("finite", None): (True, ERROR),
        ("style_fell", None): (True, ERROR),
    }
    assert set(of("metrics/structure")) == {("keeps_structure", p) for p in (None, *(f"{c}|{s}" for c, s in CELLS))}
    assert of("metrics/gatys") == {}
    assert of("style_grams") == {("positive_semidefinite", p): (True, ERROR) for p in ("dots", "wave", None)}
    assert of("depth_map") == {("not_constant", p): (True, WARN) for p in ("boat", "cat", None)}


def test_artefacts_carry_their_verdicts(first_run):
    place, _ = first_run
    written = json.loads(Image.open(place.out / "pastiche/gatys/cat/wave.png").text["checks"])
    assert [name for name, *_ in written] == ["finite", "style_fell"]
    with safe_open(place.out / "style_grams/wave.safetensors", "np") as file:
        assert json.loads(file.metadata()["checks"])[0][:2] == ["positive_semidefinite", True]


@pytest.fixture(scope="module")
def faded(first_run, tmp_path_factory):
    """A project with a third recipe, without style: a cell by it can't come nearer to its style. Shared."""
    place = first_run[0].copied(tmp_path_factory.mktemp("faded") / "project")
    (place.root / "faded.yaml").write_text(
        "weights: {style: 0, tv: 2}\ninit: content\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\n"
    )
    recipes = (*place.settings().recipes, str(place.root / "faded.yaml"))
    return place, recipes, place.run(recipes=recipes)


@pytest.mark.project
def test_a_cell_whose_style_distance_did_not_fall_is_kept_but_not_shown(faded):
    place, _, run = faded
    assert run.failed == []
    found = evaluations(place, run.runs, "pastiche/faded")
    assert found.items() >= by_cell("style_fell", False, ERROR).items()
    assert found.items() >= by_cell("finite", True, ERROR).items()
    lineage = Lineage(run.project)
    for content, style in CELLS:
        pastiche = lineage.pastiche(run.project.recipes[-1], content, style)
        assert lineage.is_current(pastiche)
        assert lineage.blocked(pastiche).startswith("style term did not fall: from ")
    assert len(lineage.cells(lineage.pastiche)) == len(lineage.cells(lineage.metrics)) == 8
    assert set(pd.read_parquet(place.out / "metric_table/metrics.parquet")["recipe"]) == {"structure", "gatys"}
    shown = (place.out / "gallery/data.js").read_text("utf-8")
    assert "pastiche/faded" not in shown
    assert "pastiche/gatys" in shown


@pytest.mark.project
def test_the_sheet_shows_a_gap_with_the_reason(faded):
    from spnst_core.report.contact_sheet import Gap, Panel
    from spnst_pipeline.defs.assets.sheets import Sheets

    _, _, run = faded
    _, _, rows, _ = Sheets(Lineage(run.project)).of_grid()
    cells = [cell for row in rows for cell in row.cells]
    gaps = [cell for cell in cells if isinstance(cell, Gap)]
    assert len(gaps) == 4
    assert all(gap.reason.startswith("blocked: style term did not fall") for gap in gaps)
    assert {gap.caption for gap in gaps} == {"faded"}
    assert len([cell for cell in cells if isinstance(cell, Panel)]) == 8


@pytest.mark.project
def test_covering_it_again_reports_the_same_and_paints_nothing(faded):
    from spnst_pipeline.definitions import build

    place, recipes, run = faded
    assert place.run(recipes=recipes).runs == []
    recorder = type(run.recorder)()
    graph = build(run.project.recipes, run.project, recorder, 64)
    assets = [("pastiche", "faded"), ("metrics", "structure")]
    with place.instance() as instance:
        again = graph.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            tags={
                "dagster/asset_partition_range_start": "boat|dots",
                "dagster/asset_partition_range_end": "cat|wave",
            },
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    assert (recorder.steps, recorder.keys) == (0, [])
    before, after = (evaluations(place, ids, "pastiche/faded") for ids in (run.runs, [again.run_id]))
    assert before == after
    assert len(evaluations(place, [again.run_id], "metrics/structure")) == 5


@pytest.mark.project
def test_a_picture_that_is_not_finite_is_never_written_over_a_good_one(made):
    path = made.out / "pastiche/gatys/cat/wave.png"
    good = path.read_bytes()
    (made.root / "gatys.yaml").write_text("weights: {style: 1.0e+38}\nstages: [{steps: 2, lr: 1.0e+30}]\n")
    run = made.run(phases=PAINTED)
    assert sorted(line.partition(":")[0] for line in run.failed) == [f"pastiche/gatys[{c}|{s}]" for c, s in CELLS]
    assert all("values that aren't finite: lower" in line for line in run.failed)
    assert path.read_bytes() == good
    assert len(run.recorder.batches) == 6  # two rows, and each cell by itself, which may go back
    assert evaluations(made, run.runs, "pastiche/gatys") == by_cell("finite", False, ERROR)


@pytest.mark.project
@pytest.mark.slow(6)
def test_cells_scored_before_the_baseline_are_judged_when_it_is_scored(made):
    (structure, gatys), keys = made.settings().recipes, ("pastiche", "metrics")
    for kind in keys:
        for path in (made.out / kind / "gatys").rglob("*.*"):
            path.unlink()
    run = made.run(recipes=(structure, gatys), phases=(*PAINTED, measuring))
    found = evaluations(made, run.runs, "metrics/structure")
    assert found.keys() == by_cell("keeps_structure", True, WARN).keys()
    for (_, cell), (passed, severity) in found.items():
        own, other = (
            json.loads((made.out / f"metrics/{recipe}/{cell.replace('|', '/')}.json").read_text())["scores"]
            for recipe in ("structure", "gatys")
        )
        terms = ("edge_distance", "depth_distance")
        assert (passed, severity) == (all(own[term] < other[term] for term in terms), WARN)
