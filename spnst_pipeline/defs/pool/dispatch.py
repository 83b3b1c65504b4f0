"""Dispatch: sending batches to painters on Ray, and getting their outcomes, whichever painters are lost meanwhile."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import ray
from ray.actor import ActorHandle
from ray.exceptions import ObjectLostError, OutOfMemoryError, RayActorError, RayTaskError

from spnst_core.errors import InputError
from spnst_pipeline.defs.events import in_one_line
from spnst_pipeline.defs.pool.painter import Outcome
from spnst_pipeline.defs.rows import Landed, Row
from spnst_pipeline.progress import Listener

IN_FLIGHT = 2
"""Batches that a painter is sent: one that it paints, and one that is there when it is done."""

LOSSES = 3
"""Painters that a batch may cost, and starts that a painter may need, before that is an error."""

PATIENCE = 60.0
"""Seconds until a user is told that no painter is ready; a node that is added on demand takes minutes."""

LOST = (RayActorError, OutOfMemoryError, ObjectLostError)
"""What Ray raises of a call whose actor or node is lost, or can't be reached."""


class PainterLost(Exception):
    """Painters were lost while they painted a cell."""


@dataclass(frozen=True)
class _Batch:
    """A part of a row, and how many painters it has cost so far."""

    row: Row
    losses: int = 0


@dataclass
class _Seat:
    """A painter's place: who has it, and what was asked of it. While ``greeting`` is pending it is sent no batch."""

    number: int
    painter: ActorHandle
    greeting: ray.ObjectRef[None] | None = None
    sent: dict[ray.ObjectRef[Outcome], _Batch] = field(default_factory=dict)
    starts: int = 0

    def greet(self, row: Row) -> None:
        self.starts += 1
        self.greeting = self.painter.prepare.remote(row)


class Dispatch:
    """Has rows painted by painters on Ray.

    Ray restarts a painter whose process or node is lost. The batch that it held goes to the next painter that is free;
    what of it was finished is in the store, and isn't made again.

    Args:
        hire: gives the painter of a number.
        painters: how many there are.
        most: cells in a batch.
        listener: told of the batches that are sent, of what they took, and of what painters log.
    """

    def __init__(self, hire: Callable[[int], ActorHandle], painters: int, most: int, listener: Listener) -> None:
        self._hire, self._painters, self._most, self._listener = hire, painters, most, listener
        self._seats: list[_Seat] = []
        self._waiting = deque[_Batch]()
        self._newest: Row
        self._told = False

    def paint(self, work: Iterable[Landed | Row]) -> Iterator[Landed]:
        """As `spnst_pipeline.defs.painting.paint`, in the order in which batches are finished.

        The next row is looked up only once all before it were sent.

        Raises:
            InputError: a painter can't start.
        """
        try:
            for each in work:
                if isinstance(each, Landed):
                    yield each
                    continue
                parts = [part.for_another_process() for part in each.parts(self._most)]
                self._newest = parts[-1]
                self._waiting += map(_Batch, parts)
                while self._send():
                    yield from self._receive()
            while self._send() or any(seat.sent for seat in self._seats):
                yield from self._receive()
        finally:
            for seat in self._seats:
                for call in seat.sent:  # what a painter has begun it finishes, and the next run finds it
                    ray.cancel(call)

    def _send(self) -> bool:
        """Send batches as far as painters are free; whether some must wait."""
        if self._waiting and not self._seats:
            self._seats = [_Seat(number, self._hire(number)) for number in range(self._painters)]
            for seat in self._seats:
                seat.greet(self._newest)
        while self._waiting:
            free = [seat for seat in self._seats if not seat.greeting and len(seat.sent) < IN_FLIGHT]
            if not free:
                return True
            seat, batch = min(free, key=lambda seat: len(seat.sent)), self._waiting.popleft()
            row = batch.row
            self._listener.batch(row.recipe, row.content, [cell.style for cell in row.cells])
            seat.sent[seat.painter.paint.remote(row)] = batch
        return False

    def _receive(self) -> Iterator[Landed]:
        """Wait for one answer: outcomes of a batch, a painter that is ready, or the loss of one."""
        pending = {call: seat for seat in self._seats for call in ([seat.greeting] if seat.greeting else seat.sent)}
        answered, _ = ray.wait(list(pending), timeout=PATIENCE)
        if not answered:
            self._tell_of_waiting()
        for call in answered:
            seat = pending[call]
            try:
                outcome = ray.get(call)
            except LOST as error:
                yield from self._lost(seat, error)
            except RayTaskError as error:
                raise error.cause from error
            else:
                yield from self._answered(seat, call, outcome)

    def _answered(self, seat: _Seat, call: ray.ObjectRef[Outcome], outcome: Outcome | None) -> Iterator[Landed]:
        if outcome is None:
            seat.greeting, seat.starts = None, 0
            return
        batch = seat.sent.pop(call)
        for said in outcome.said:
            self._listener.said(said)
        for spent in outcome.spent:
            self._listener.spent(batch.row.recipe, spent)
        yield from outcome.landed

    def _lost(self, seat: _Seat, error: Exception) -> Iterator[Landed]:
        """Take back what a painter was sent, and wait for its restart; one that is gone for good is replaced."""
        batches = list(seat.sent.values())
        seat.sent.clear()
        if seat.greeting:
            if seat.starts >= LOSSES:
                raise InputError(
                    f"painter {seat.number} on Ray can't start: have all nodes the same spnst? ({in_one_line(error)})"
                ) from error
            time.sleep(1)  # until its name is free
            seat.painter = self._hire(seat.number)
        else:
            self._listener.note(f"painter {seat.number} was lost; its batch goes to another")
        seat.greet(self._newest)
        if batches:
            batches[0] = replace(batches[0], losses=batches[0].losses + 1)  # others in its queue weren't begun
        if batches and batches[0].losses == LOSSES:
            gone = PainterLost(f"{LOSSES} painters were lost while they painted it: does their memory suffice?")
            yield from (cell.failed(gone) for cell in batches.pop(0).row.cells)
        self._waiting.extendleft(reversed(batches))

    def _tell_of_waiting(self) -> None:
        if self._told or not all(seat.greeting for seat in self._seats):
            return
        self._told = True
        there = ray.cluster_resources()
        self._listener.note(
            f"no painter is ready on Ray yet: the cluster has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} "
            "GPUs, and more must be added if they don't suffice for one"
        )
