"""A project: the settings made real, without loading networks; and what is refused before anything is made."""

import zipfile

import pytest

from spnst_core import InputError
from spnst_core.recipes.style_size import StyleSize
from spnst_pipeline.project import Project, load_recipes


def test_it_holds_pictures_by_their_keys_and_recipes_by_their_order(fresh):
    project = Project.open(fresh.settings())
    assert sorted(project.contents.pictures) == ["boat", "cat"]
    assert sorted(project.styles.pictures) == ["dots", "wave"]
    assert [recipe.name for recipe in project.recipes] == ["structure", "gatys"]
    assert project.store.location == str(fresh.out)


def test_every_recipe_has_the_settings_size_and_interval(fresh):
    recipes, _, _ = load_recipes(fresh.settings(size=64, record_every=3))
    assert [(recipe.size, recipe.record_every) for recipe in recipes] == [(64, 3)] * 2


def test_a_recipe_named_twice_is_one(fresh):
    recipes, _, _ = load_recipes(fresh.settings(recipes=("gatys", "gatys")))
    assert [recipe.name for recipe in recipes] == ["gatys"]


def test_recipes_of_experiments_come_after_the_grids_and_each_once(fresh):
    project = Project.open(fresh.settings(experiments=("ablation",)))
    names = [recipe.name for recipe in project.every_recipe]
    assert names[:2] == ["structure", "gatys"] == [recipe.name for recipe in project.recipes]
    assert set(names[2:]) == {"structure_edges", "structure_depth"}
    assert len(names) == len(set(names))


def test_pictures_are_looked_at_in_every_size_of_a_stage_and_styles_in_the_pastiches_too(fresh):
    project = Project.open(fresh.settings())
    assert project.content_sizes == (24, 48)
    assert StyleSize(48) in project.style_sizes


def test_which_networks_it_has_is_known_without_loading_them(fresh):
    project = Project.open(fresh.settings())
    assert project.identity.profile == "embedded"
    assert set(project.style_layers) <= set(project.identity.layers.style_layers)
    assert "models" not in vars(project)
    assert project.models.identity == project.identity
    assert project.judges.edge_net is not project.models.edges


def test_folders_may_be_empty_only_where_pictures_are_still_to_come(fresh):
    for path in (fresh.root / "contents").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="contents holds no picture"):
        Project.open(fresh.settings())
    assert not Project.open(fresh.settings(), empty=True).contents.pictures


def test_a_store_that_cannot_be_written_is_refused(fresh):
    (fresh.root / "file").write_text("")
    with pytest.raises(InputError, match="can't be a folder, because .*file is a file"):
        Project.open(fresh.settings(out=str(fresh.root / "file")))


def test_an_unknown_recipe_is_refused(fresh):
    with pytest.raises(InputError, match=r'no recipe "gatis" \(did you mean "gatys"\?\)'):
        Project.open(fresh.settings(recipes=("gatis",)))


def test_two_recipes_with_one_name_are_refused(fresh):
    (fresh.root / "other").mkdir()
    (fresh.root / "other/gatys.yaml").write_text("stages: [{steps: 9}]\n")
    with pytest.raises(InputError, match='two different recipes are named "gatys"'):
        Project.open(fresh.settings(recipes=("gatys", str(fresh.root / "other/gatys.yaml"))))
    assert len(Project.open(fresh.settings(recipes=("gatys", "gatys"))).recipes) == 1


def test_an_unknown_experiment_is_refused(fresh):
    with pytest.raises(InputError, match=r'no experiment "ablaton" \(did you mean "ablation"\?\)'):
        Project.open(fresh.settings(experiments=("ablaton",)))


def test_a_store_among_the_pictures_whose_subfolders_are_searched_is_refused(fresh):
    inside = str(fresh.root / "contents" / "out")
    assert Project.open(fresh.settings(out=inside, subfolders=False))
    with pytest.raises(InputError, match="contents, whose subfolders are searched for contents: choose another store"):
        Project.open(fresh.settings(out=inside, subfolders=True))
    with pytest.raises(InputError, match="subfolders are searched for styles"):
        Project.open(fresh.settings(out=str(fresh.root / "styles/out"), subfolders=True))


@pytest.mark.heavy
def test_pictures_that_move_into_an_archive_and_a_table_are_the_same_pictures(made):
    with zipfile.ZipFile(made.root / "photos.zip", "w") as archive:
        for path in (made.root / "contents").iterdir():
            archive.write(path, f"photos/{path.name}")
    rows = [f"{path.stem},styles/{path.name}" for path in (made.root / "styles").iterdir()]
    (made.root / "styles.csv").write_text("\n".join(["id,path", *rows]))
    again = made.run(content=str(made.root / "photos.zip"), style=str(made.root / "styles.csv"))
    assert (again.failed, again.recorder.keys, again.runs) == ([], [], [])
