"""A painter: what it is sent, what it sends back, and what it keeps from row to row."""

import logging
import pickle
import shutil
import socket

import pytest
import torch

from spnst_core.errors import InputError
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs import checks, painting
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.events import in_one_line
from spnst_pipeline.defs.pool.painter import Outcome, Painter
from spnst_pipeline.defs.rows import Landed, look_up
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project


@pytest.fixture
def row(made):
    """A row of two cells, of which nothing is painted."""
    shutil.rmtree(made.out / "pastiche/gatys")
    project = Project.open(made.settings(recipes=(str(made.root / "gatys.yaml"),)))
    [found] = look_up(Lineage(project), project.recipes[0], "cat", ["dots", "wave"], Paint(), ["pastiche"])
    return pickle.loads(pickle.dumps(found.for_another_process()))


def sent_back(outcome: Outcome) -> Outcome:
    return pickle.loads(pickle.dumps(outcome))


def failing(error, monkeypatch):
    """Painting that ends in an error."""

    def broken(*_, **__):
        raise error

    monkeypatch.setattr(painting, "paint_batch", broken)


def test_it_puts_pastiches_into_the_store_and_tells_which_and_makes_none_twice(row):
    painter = Painter()
    cells = [ArtefactId("pastiche", "gatys", "cat", style) for style in ("dots", "wave")]
    first = painter.paint(row)
    written = [row.project.store.entry(cell.path) for cell in cells]
    assert sent_back(first).landed == tuple(Landed(cell, new=True) for cell in cells)
    assert sent_back(painter.paint(row)).landed == sent_back(first).landed  # as if the first outcome had been lost
    assert [row.project.store.entry(cell.path) for cell in cells] == written
    assert not row.project.store.list("checkpoint")


def test_it_sends_back_what_its_batches_took_and_nothing_of_a_batch_that_another_has_painted(row):
    painter = Painter()
    [spent] = sent_back(painter.paint(row)).spent
    assert set(spent.seconds) == {0, 1}
    assert all(seconds > 0 for seconds in spent.seconds.values())
    assert spent.memory is None  # on a CPU
    assert painter.paint(row).spent == ()


def test_it_sends_its_log_with_the_cells_and_warnings_too(row, monkeypatch):
    def warning(*_, **__):
        logging.getLogger("spnst_pipeline.storage.patience").warning("%s: trying again", "s3")
        raise ValueError("no\nroute")

    monkeypatch.setattr(painting, "paint_batch", warning)
    batch, warned, *_ = sent_back(Painter().paint(row)).said
    host = socket.gethostname()
    assert batch.line == f"gatys · cat × dots, wave · on {host}"
    assert batch.fields == {"painter": host, "recipe": "gatys", "content": "cat", "styles": ["dots", "wave"]}
    assert (warned.line, warned.level, warned.note) == ("s3: trying again", logging.WARNING, True)
    assert warned.fields == {"painter": host}


def test_networks_are_loaded_once_whatever_project_a_row_is_of(row, monkeypatch):
    painter = Painter()
    painter.prepare(row)
    monkeypatch.setattr("spnst_pipeline.project.load_models", lambda *_, **__: pytest.fail("loaded again"))
    painter.prepare(pickle.loads(pickle.dumps(row)))
    assert [landed.error for landed in painter.paint(row).landed] == [None, None]


def test_a_store_that_is_another_ones_is_told(row, made):
    shutil.rmtree(made.out / "content_image")
    with pytest.raises(InputError, match=r"finds no content_image\[cat\] in .*out: use a store on S3, or a folder"):
        Painter().prepare(row)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "memory ran out"),
        (InputError("the content is too narrow"), "the content is too narrow"),
        (checks.CheckFailed(checks.Verdict(checks.FINITE, False, "not finite")), "not finite"),
    ],
)
def test_an_error_arrives_as_itself_with_its_traceback(row, monkeypatch, error, said):
    failing(error, monkeypatch)
    failed, _ = sent_back(Painter().paint(row)).landed
    assert type(failed.error) is type(error)
    assert said in in_one_line(failed.error)
    assert "in broken" in str(failed.error.__cause__)
    if isinstance(error, checks.CheckFailed):
        assert failed.error.verdict == error.verdict


def test_an_error_that_cannot_be_sent_arrives_as_what_it_says(row, monkeypatch):
    class Unsendable(Exception):
        """Of a class that no other process finds."""

    failing(Unsendable("the device is lost"), monkeypatch)
    failed, _ = sent_back(Painter().paint(row)).landed
    assert str(failed.error) == "the device is lost"
    assert "in broken" in str(failed.error.__cause__)
