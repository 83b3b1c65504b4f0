"""Checkpoint: one cell that is painted in part, as a file from which it goes on to the same pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.objective.targets import read_metadata
from spnst_core.optim.state import State

_HISTORY, _FRAME = "history", "frame."
"""Names of tensors that aren't the state's own: (steps, columns), and (3, h, w) of each frame."""

_COLUMNS, _SECONDS, _SHOWN = "columns", "seconds", "frames"
"""Metadata keys: the history's columns, the seconds so far, and step and loss of each frame, as JSON."""

FILMED = "filmed"
"""Metadata key: present if the cell is filmed."""

_COUNTS = {"step": int, "stage": int}


class Frame(NamedTuple):
    """One frame of a cell's film: its step, its total loss, and the picture (3, h, w) as 8-bit levels."""

    step: int
    total: float
    picture: Tensor


@dataclass(frozen=True)
class Checkpoint:
    """A cell that is painted in part.

    Attributes:
        state: of this cell alone.
        history: as `spnst_core.painting.Painted.history`, up to here.
        seconds: the cell's share of the time that painting has taken so far.
        frames: the frames so far if the cell is filmed, or None.
    """

    state: State
    history: pd.DataFrame
    seconds: float
    frames: Sequence[Frame] | None = None

    def to_bytes(self, stamp: Mapping[str, str]) -> bytes:
        """The checkpoint as safetensors; ``stamp`` tells what it is a part of."""
        frames = self.frames or ()
        extra = {_HISTORY: torch.from_numpy(self.history.to_numpy("float64"))}
        extra |= {f"{_FRAME}{k}": frame.picture for k, frame in enumerate(frames)}
        metadata = {
            **stamp,
            _COLUMNS: json.dumps(list(self.history.columns)),
            _SECONDS: repr(self.seconds),
            _SHOWN: json.dumps([(frame.step, frame.total) for frame in frames]),
            **({FILMED: "yes"} if self.frames is not None else {}),
        }
        state = self.state
        return State(state.stage, state.done, state.tile, {**state.tensors, **extra}).to_bytes(metadata)

    @classmethod
    def from_bytes(cls, data: bytes) -> Checkpoint:
        """The checkpoint that `to_bytes` wrote.

        Raises:
            InputError: the file is damaged, or holds something else.
        """
        carried = read_metadata(data)
        state = State.from_bytes(data, carried)
        try:
            tensors = dict(state.tensors)
            history = pd.DataFrame(tensors.pop(_HISTORY).numpy(), columns=json.loads(carried[_COLUMNS])).astype(_COUNTS)
            shown = json.loads(carried[_SHOWN])
            frames = [Frame(step, total, tensors.pop(f"{_FRAME}{k}")) for k, (step, total) in enumerate(shown)]
            seconds = float(carried[_SECONDS])
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"not a checkpoint: {error}") from error
        own = State(state.stage, state.done, state.tile, tensors)
        return cls(own, history, seconds, frames if FILMED in carried else None)
