"""What a run counts and logs of a pool whose painters are lost: each batch once. Painters are stand-ins here."""

import logging
from dataclasses import dataclass

import pytest

from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs.pool.painter import Outcome
from spnst_pipeline.defs.prometheus import PAINTING, CountingListener, read
from spnst_pipeline.defs.rows import Landed
from spnst_pipeline.progress import Said, Spent

ray = pytest.importorskip("ray", reason="Ray isn't installed: pip install 'spnst[ray]'")

RECIPE = Recipe.load("gatys")


@dataclass(frozen=True)
class Cell:
    style: str


@dataclass(frozen=True)
class Row:
    """As much of a row as dispatch looks at."""

    content: str
    cells: tuple[Cell, ...]
    recipe: Recipe = RECIPE

    def parts(self, most):
        return [Row(self.content, self.cells[k : k + most]) for k in range(0, len(self.cells), most)]

    def for_another_process(self):
        return self


class Method:
    """A method of an actor, whose calls are done as soon as they are made."""

    def __init__(self, answer):
        self.remote = lambda row: Call(answer, row)


class Call:
    def __init__(self, answer, row):
        self.answer, self.row = answer, row


class Painter:
    """Is lost with the first ``losses`` batches that it is asked for, and paints all others."""

    def __init__(self, losses):
        self.losses, self.prepare, self.paint = losses, Method(lambda row: None), Method(self._paint)

    def _paint(self, row):
        if self.losses:
            self.losses -= 1
            raise ray.exceptions.RayActorError()
        landed = tuple(Landed(ArtefactId("pastiche", "gatys", row.content, cell.style), new=True) for cell in row.cells)
        fields = {"painter": "node-3", "content": row.content, "stage": 1}
        return Outcome(landed, (Spent({0: 2.0}, 3_000),), (Said(0.0, logging.INFO, "it paints", fields),))


class Logged(CountingListener):
    def __init__(self, folder):
        super().__init__(folder)
        self.lines = []

    def said(self, said):
        self.lines.append(said)


@pytest.fixture
def dispatch(monkeypatch):
    """The module, with calls that are answered here in place of Ray's."""
    from spnst_pipeline.defs.pool import dispatch

    monkeypatch.setattr(dispatch.ray, "wait", lambda calls, timeout: (calls[:1], calls[1:]))
    monkeypatch.setattr(dispatch.ray, "get", lambda call: call.answer(call.row))
    return dispatch


@pytest.mark.parametrize("losses", [0, 2])
def test_cells_seconds_and_lines_count_once_however_often_a_batch_is_sent(dispatch, tmp_path, losses):
    listener, painter = Logged(tmp_path), Painter(losses)
    row = Row("cat", (Cell("dawn"), Cell("dots"), Cell("wave")))
    for landed in dispatch.Dispatch(lambda number: painter, 1, 1, listener).paint([row]):
        listener.made(landed.artefact)
    assert read(tmp_path / PAINTING) == {
        ("spnst_cells", ("gatys", "done")): 3,
        ("spnst_stage_seconds", ("gatys", "1")): 6.0,
        ("spnst_gpu_memory_peak_bytes", ("gatys",)): 3_000,
    }
    sent = [said for said in listener.lines if said.line.startswith("gatys · cat")]
    told = [said.fields["painter"] for said in listener.lines if said.line == "it paints"]
    assert len(sent) >= 3 + losses
    assert told == ["node-3"] * 3
