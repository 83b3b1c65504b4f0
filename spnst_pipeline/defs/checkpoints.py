"""Checkpoints: what keeps the cells of a batch that is being painted, so that a run that was stopped goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType

from spnst_core.errors import InputError
from spnst_core.optim.optimize import Iterate
from spnst_core.optim.state import POSITION, State
from spnst_core.painting import Halfway, Trace
from spnst_pipeline.artefacts.checkpoint import FILMED, Checkpoint, Frame
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.seal import BLANK, SEAL, sealed
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.storage.store import Store

Frames = Callable[[str], Sequence[Frame] | None]
"""The frames so far of a style's film; None if it isn't filmed."""


class Checkpoints:
    """The checkpoints of cells, in a store of their own beside Dagster's records.

    They only save time: one that can't be read or written is reported, and its cell is painted without it.

    Args:
        store: where they are kept.
        seconds: how often a batch is kept while it is painted; 0: never, and none is used.
        note: told what a user should know, in a line.
    """

    def __init__(self, store: Store, seconds: float, note: Callable[[str], None]) -> None:
        self.seconds = seconds
        self._store, self._note = store, note

    def positions(self, cells: Mapping[Artefact, bool]) -> dict[Artefact, str]:
        """Which pastiches can go on, and from where; cells at one position can go on in one batch.

        Args:
            cells: pastiches to paint, and whether they are filmed.
        """
        if not self.seconds:
            return {}
        paths = {_checkpoint(cell).path: cell for cell in cells}
        found = {}
        for path, head in self._store.read_many(list(paths), HEAD).items():
            cell, carried = paths[path], metadata(path, head)
            if carried.get("fingerprint") != cell.fingerprint or POSITION not in carried:
                self._note(f"{cell.id} begins anew: its checkpoint is damaged or of other ingredients")
            elif FILMED in carried or not cells[cell]:  # else the film would lack its beginning
                found[cell] = carried[POSITION]
        return found

    def read(self, cells: Sequence[Artefact]) -> list[Checkpoint]:
        """The checkpoints of pastiches.

        Raises:
            InputError: one of them is damaged.
            FileNotFoundError: one of them is gone.
        """
        return [Checkpoint.from_bytes(take(self._store, _checkpoint(cell))) for cell in cells]

    def write(self, cells: Iterable[tuple[Artefact, Checkpoint]]) -> None:
        """Keep cells. The first that can't be kept is told of, and the others are left out too."""
        try:
            for cell, checkpoint in cells:
                data = checkpoint.to_bytes({"fingerprint": cell.fingerprint, SEAL: BLANK})
                self._store.write(_checkpoint(cell).path, sealed(data))
        except InputError as error:
            self._note(f"no checkpoint: {error}")

    def remove(self, cells: Iterable[Artefact]) -> None:
        """Forget cells: they are finished, or what is kept of them is of no use."""
        for cell in cells:
            try:
                self._store.remove(_checkpoint(cell).path)
            except InputError as error:
                self._note(f"a checkpoint is left behind: {error}")


def sweep(store: Store, lineage: Lineage) -> None:
    """Remove checkpoints of cells that are finished, which a process leaves that is killed just after the last step."""
    recipes = {recipe.name: recipe for recipe in lineage.project.every_recipe}
    for path in store.list("checkpoint"):
        cell = ArtefactId.from_path(path)
        recipe = recipes.get(cell.recipe or "")
        if recipe and lineage.current(lineage.pastiche, recipe, *cell.cell):
            store.remove(path)


class Keeper:
    """Keeps one batch every so many seconds, and when it is stopped: ``with keeper: paint(callbacks=[keeper.follow])``.

    A step that fails isn't kept: it would fail again.

    Args:
        checkpoints: where the batch is kept, and how often.
        cells: its pastiches, in the order of the batch.
        earlier: the checkpoints that the batch goes on from, if it does.
        frames: the frames of their films so far.
    """

    def __init__(
        self, checkpoints: Checkpoints, cells: Sequence[Artefact], earlier: Sequence[Checkpoint], frames: Frames
    ) -> None:
        self._checkpoints, self._cells, self._frames = checkpoints, cells, frames
        self._trace = Trace([checkpoint.history for checkpoint in earlier])
        self._before = sum(checkpoint.seconds for checkpoint in earlier)
        self._newest: State | None = None
        self._began = self._kept = time.monotonic()

    def follow(self, iterate: Iterate) -> None:
        """Note one step, and keep the batch if it is time."""
        if not self._checkpoints.seconds:
            return
        self._trace.add(iterate)
        self._newest = iterate.state
        if time.monotonic() - self._kept >= self._checkpoints.seconds:
            self._keep(self._newest)
            self._kept = time.monotonic()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopped = kind is not None and not issubclass(kind, Exception)  # Ctrl-C, SIGTERM, Dagster's interruption
        if stopped and self._newest:
            self._keep(self._newest)

    def _keep(self, state: State) -> None:
        self._checkpoints.write(self._halfway(state))

    def _halfway(self, state: State) -> Iterator[tuple[Artefact, Checkpoint]]:
        seconds = (self._before + time.monotonic() - self._began) / len(self._cells)
        for k, (cell, own) in enumerate(zip(self._cells, state.cells(), strict=True)):
            _, style = cell.id.cell
            yield cell, Checkpoint(own, self._trace.history(k), seconds, self._frames(style))


def halfway(checkpoints: Sequence[Checkpoint]) -> Halfway | None:
    """A batch of the cells of several checkpoints, which are at one position; None if there are none."""
    if not checkpoints:
        return None
    state = State.joined([checkpoint.state for checkpoint in checkpoints])
    return Halfway(state, [c.history for c in checkpoints], sum(c.seconds for c in checkpoints))


def _checkpoint(pastiche: Artefact) -> ArtefactId:
    content, style = pastiche.id.cell
    return ArtefactId("checkpoint", pastiche.id.recipe, content, style)
