"""Rows: what of a content is to be made, as a value that another process can be sent."""

import pickle
import shutil

import pytest

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.rows import Landed, Row, look_up
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

STYLES = ("dots", "wave")


def looked_up(project, asked=("pastiche",), **options):
    [recipe], chosen = project.recipes, Paint(**options)
    return list(look_up(Lineage(project), chosen.applied_to(recipe), "cat", STYLES, chosen, asked))


def landed(style, asset="pastiche", new=False):
    return Landed(ArtefactId(asset, "gatys", "cat", style), new)


@pytest.fixture
def project(made):
    return Project.open(made.settings(recipes=(str(made.root / "gatys.yaml"),), failure_webhook="https://secret"))


def test_what_is_there_is_told_and_what_is_missing_is_a_row(made, project):
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    told, row = looked_up(project)
    assert told == landed("dots")
    assert ([cell.style for cell in row.cells], row.content, row.recipe) == (["wave"], "cat", project.recipes[0])


def test_a_row_is_divided_evenly_and_in_order(made, project):
    shutil.rmtree(made.out / "pastiche/gatys")
    [row] = looked_up(project)
    assert [[cell.style for cell in part.cells] for part in row.parts(1)] == [["dots"], ["wave"]]
    assert row.parts(2) == [row]


def test_what_was_made_since_is_not_left_to_make_unless_it_is_forced(made, project):
    path = made.out / "pastiche/gatys/cat/wave.png"
    finished = path.read_bytes()
    shutil.rmtree(made.out / "pastiche/gatys")
    [row] = looked_up(project, asked=("pastiche", "timelapse"))
    path.parent.mkdir(parents=True)
    path.write_bytes(finished)
    told, left = row.left()
    assert told == [landed("wave", new=True)]
    assert [(cell.style, cell.to_paint, cell.to_film) for cell in left.cells] == [
        ("dots", True, True),
        ("wave", False, True),
    ]
    [forced] = looked_up(project, force=True)
    assert forced.left() == ([], forced)


def test_another_process_gets_neither_networks_nor_secrets_nor_other_pictures(made, project, monkeypatch, tmp_path):
    shutil.rmtree(made.out / "pastiche/gatys")
    monkeypatch.chdir(made.root)
    near = Project.open(project.settings.model_copy(update={"out": "out", "content": "contents", "style": "styles"}))
    assert near.models
    [row] = looked_up(near)
    sent = pickle.dumps(row.for_another_process())
    assert b"secret" not in sent
    monkeypatch.chdir(tmp_path)
    arrived: Row = pickle.loads(sent)
    assert (arrived.cells, arrived.recipe, arrived.changes) == (row.cells, row.recipe, row.changes)
    assert list(arrived.project.contents.pictures) == ["cat"]
    assert "models" not in vars(arrived.project)
    assert arrived.project.contents.picture("cat").read() == (made.root / "contents/cat.png").read_bytes()
    assert arrived.project.store.location == str(made.out)
    assert arrived.project.with_networks_of(near).models is near.models
