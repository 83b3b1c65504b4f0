"""What counts as up to date, on a store in which everything was really made."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from spnst_core.report.film import Film
from spnst_pipeline.artefacts.fingerprints import VERSIONS
from spnst_pipeline.artefacts.lineage import Lineage, NotMade
from spnst_pipeline.planning.plan import PREPARATION
from spnst_pipeline.project import Project


@pytest.fixture
def project(made):
    return Project.open(made.settings())


def outdated(project):
    """Keys of all artefacts that aren't up to date, as far as the chain reaches from what is in the store."""
    rules = Lineage(project)
    contents, styles = project.contents.pictures, project.styles.pictures
    places = [(rule, c) for rule in (rules.content_image, rules.depth_map, rules.edge_map) for c in contents]
    places += [(rule, s) for rule in (rules.style_image, rules.style_grams) for s in styles]
    cells = [(r, c, s) for r in project.recipes for c in contents for s in styles]
    places += [(rule, *cell) for rule in (rules.pastiche, rules.metrics) for cell in cells]
    places += [(rules.content_sheet, c) for c in contents] + [(rules.style_sheet, s) for s in styles]
    places += [(rule,) for rule in (rules.metric_table, rules.comparison, rules.grid_sheet, rules.gallery)]
    found = set()
    for rule, *place in places:
        try:
            artefact = rule(*place)
            if not rules.is_current(artefact):
                found.add(artefact.path)
        except NotMade as error:
            found.add(f"{rule.__name__}{[getattr(p, 'name', p) for p in place]}: {error}")
    return found


def direct(project):
    """The same without what can't be judged because its own inputs are outdated."""
    return {key for key in outdated(project) if ":" not in key}


def test_after_a_run_nothing_is_outdated(project):
    assert outdated(project) == set()


def test_the_suffix_and_the_date_of_a_file_do_not_count(made):
    content = made.root / "contents/cat.png"
    content.rename(made.root / "contents/cat.PNG")
    (made.root / "contents/cat.PNG").touch()
    assert outdated(Project.open(made.settings())) == set()


def test_a_contents_bytes_count(made, picture):
    picture(77).save(made.root / "contents/cat.png")
    project = Project.open(made.settings())
    assert direct(project) >= {"content_image/cat.png", "contact_sheet/grid.png"}
    assert not any("style_image/" in key or "boat/" in key for key in direct(project))


def test_a_recipes_weights_count_for_its_own_cells_only(made):
    text = (made.root / "structure.yaml").read_text().replace("edge: 0.2", "edge: 0.3")
    (made.root / "structure.yaml").write_text(text)
    cells = {key for key in direct(Project.open(made.settings())) if key.startswith("pastiche/")}
    assert cells == {f"pastiche/structure/{c}/{s}.png" for c in ("boat", "cat") for s in ("dots", "wave")}


@pytest.mark.parametrize("change", [{"description": "other words"}, {"record_every": 3}])
def test_what_changes_no_pixel_of_a_recipes_pastiches_does_not_count(project, change):
    described = tuple(r.model_copy(update=change) for r in project.recipes)
    cells = {key for key in outdated(replace(project, recipes=described)) if "pastiche" in key or "metrics" in key}
    assert cells == set()


def test_of_a_film_count_its_pastiche_its_code_version_and_the_interval_if_asked(project, monkeypatch, tmp_path):
    plain, filmed, often = (project.recipes[0].model_copy(update={"record_every": n}) for n in (0, 4, 2))
    film = Lineage(project).timelapse(filmed, "cat", "wave")
    assert film.stamp["record_every"] == "4"
    with Film(tmp_path / "film.mp4", (64, 48), metadata=film.stamp) as recorded:
        recorded.finish(Image.new("RGB", (64, 48)))
    project.store.write(film.path, (tmp_path / "film.mp4").read_bytes())
    for recipe, current in ((plain, True), (filmed, True), (often, False)):
        rules = Lineage(project)
        assert rules.is_current(rules.timelapse(recipe, "cat", "wave")) == current
    heavier = project.recipes[0].with_weights({"edge": 0.3})
    assert Lineage(project).timelapse(heavier, "cat", "wave").fingerprint != film.fingerprint
    monkeypatch.setitem(VERSIONS, "timelapse", 99)
    assert Lineage(project).timelapse(filmed, "cat", "wave").fingerprint != film.fingerprint


def test_size_counts(made):
    assert any("pastiche" in key for key in outdated(Project.open(made.settings(size=64))))


def test_networks_count_for_all_but_decoded_pictures(project):
    other = replace(project)
    other.__dict__["identity"] = replace(project.identity, fingerprint="other weights")
    keys = outdated(other)
    assert {"depth_map/cat.safetensors", "edge_map/boat.safetensors", "style_grams/wave.safetensors"} <= keys
    assert not any(key.startswith(("content_image/", "style_image/")) for key in keys)
    assert sum("pastiche" in key for key in keys) >= 8


@pytest.mark.parametrize("step", sorted(VERSIONS.keys() - {"timelapse", "experiment", "painter"}))
def test_every_steps_code_version_counts(project, monkeypatch, step):
    monkeypatch.setitem(VERSIONS, step, 99)
    assert any(key.startswith(step) for key in direct(project))


@pytest.mark.project
def test_another_recipe_with_other_sizes_outdates_targets_but_no_pastiche(made):
    (made.root / "wide.yaml").write_text("strokes: [2]\nstages: [{scale: 0.75, steps: 1}, {steps: 1}]\n")
    old = made.settings().recipes
    project = Project.open(made.settings(recipes=(*old, str(made.root / "wide.yaml"))))
    assert {"edge_map/cat.safetensors", "style_grams/wave.safetensors"} <= outdated(project)

    made.run(recipes=(*old, str(made.root / "wide.yaml")), phases=PREPARATION)
    fewer = Project.open(made.settings())
    assert not any("pastiche" in key or "grams" in key or "map" in key for key in outdated(fewer))


@pytest.mark.parametrize(
    "key",
    [
        "content_image/cat.png",
        "edge_map/cat.safetensors",
        "edge_map/cat.png",
        "style_grams/wave.safetensors",
        "pastiche/gatys/cat/wave.png",
        "metrics/gatys/cat/wave.json",
        "metric_table/metrics.parquet",
        "metric_table/metrics.csv",
        "contact_sheet/style/wave.png",
        "gallery/index.html",
    ],
)
def test_a_file_that_is_gone_is_missed(made, key):
    (made.out / key).unlink()
    artefact = key.replace("metrics.csv", "metrics.parquet").replace("edge_map/cat.png", "edge_map/cat.safetensors")
    assert any(artefact in line for line in outdated(Project.open(made.settings())))


def test_a_damaged_file_is_made_again(made):
    (made.out / "pastiche/gatys/cat/wave.png").write_bytes(b"not a picture")
    assert "pastiche/gatys/cat/wave.png" in direct(Project.open(made.settings()))


def test_a_table_that_is_missing_is_named_as_the_asset_without_partitions_that_it_is(project):
    Path(project.store.locate("metric_table/metrics.csv")).unlink()
    advice = r"metric_table/metrics\.parquet is missing or out of date: materialise metric_table first$"
    with pytest.raises(NotMade, match=advice):
        Lineage(project).comparison()


def test_a_missing_cell_is_named_by_its_asset_and_its_partition(project):
    Path(project.store.locate("pastiche/gatys/cat/wave.png")).unlink()
    with pytest.raises(NotMade, match=r"materialise pastiche/gatys\[cat\|wave\] first$"):
        Lineage(project).metrics(project.recipes[1], "cat", "wave")


def test_a_rule_is_worked_out_once_for_equal_arguments_however_they_are_given(project):
    lineage, [recipe, other] = Lineage(project), project.recipes
    first = lineage.depth_map("cat", recipe)
    assert lineage.depth_map("cat", recipe.model_copy()) is first
    assert lineage.depth_map("cat", recipe=recipe) == first
    assert lineage.depth_map("cat", recipe=recipe.with_size(96)) != first
    assert lineage.pastiche(recipe, "cat", "wave") != lineage.pastiche(other, "cat", "wave")
    heavier = recipe.with_weights({"edge": 0.3})
    assert lineage.pastiche(heavier, "cat", "wave") != lineage.pastiche(recipe, "cat", "wave")


def test_a_missing_input_is_named_with_what_to_do(project):
    Path(project.store.locate("edge_map/cat.safetensors")).unlink()
    with pytest.raises(NotMade, match=r"edge_map/cat\.safetensors is missing .* materialise edge_map\[cat\] first"):
        Lineage(project).pastiche(project.recipes[0], "cat", "wave")
    with pytest.raises(NotMade, match=r"materialise content_image\[bird\] first"):
        Lineage(project).edge_map("bird")


def test_told_ahead_it_is_what_will_really_be_made(made):
    """Before anything is made, the whole chain is known."""
    project = Project.open(made.settings())
    recipe = project.recipes[0]
    for rule, place in (
        ("style_grams", ["wave"]),
        ("pastiche", [recipe, "cat", "wave"]),
        ("metrics", [recipe, "cat", "wave"]),
    ):
        ahead, real = (getattr(Lineage(project, ahead=how), rule)(*place) for how in (True, False))
        assert ahead == real

    (made.out / "content_image/cat.png").unlink()
    assert not Lineage(project).outdated(Lineage(project).pastiche, recipe, "cat", "wave")
    lineage = Lineage(project, ahead=True)
    assert lineage.outdated(lineage.content_image, "cat")
    assert not lineage.outdated(lineage.pastiche, recipe, "cat", "wave")
