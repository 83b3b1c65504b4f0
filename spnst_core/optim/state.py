"""State: where an optimisation stands after a step, complete enough to go on to the same pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from spnst_core.errors import InputError

POSITION = "position"
"""Metadata key: `State.position`."""


@dataclass(frozen=True)
class State:
    """A batch of B cells after a step. Nothing that the optimiser does later changes it.

    On a CPU, a state that was written and read goes on bit for bit like one that never left memory.

    Attributes:
        stage: index of the stage, from 0.
        done: steps of that stage that are taken.
        tile: side in pixels of the tiles that the networks process in this stage; None: whole pictures.
        tensors: all that the stage carries from step to step, by name, (B, …) each; ``x`` holds the canvases.
    """

    stage: int
    done: int
    tile: int | None
    tensors: Mapping[str, Tensor]

    @property
    def position(self) -> str:
        """Stage, steps taken, tile and number of tensors. Cells of one content and recipe that agree can be joined."""
        return json.dumps([self.stage, self.done, self.tile, len(self.tensors)])

    def cells(self) -> list[State]:
        """The state of each cell by itself, in the order of the batch."""
        return [
            State(self.stage, self.done, self.tile, {name: value[k : k + 1] for name, value in self.tensors.items()})
            for k in range(len(self.tensors["x"]))
        ]

    @staticmethod
    def joined(states: Sequence[State]) -> State:
        """One batch of the cells of several states.

        Raises:
            ValueError: there are none, or their positions differ.
        """
        if len({state.position for state in states}) != 1:
            raise ValueError("states are joined where they are at one position, and there is at least one")
        first = states[0]
        tensors = {name: torch.cat([state.tensors[name] for state in states]) for name in first.tensors}
        return State(first.stage, first.done, first.tile, tensors)

    def to(self, device: torch.device) -> State:
        """The state on another device."""
        tensors = {name: value.to(device) for name, value in self.tensors.items()}
        return State(self.stage, self.done, self.tile, tensors)

    def to_bytes(self, metadata: Mapping[str, str] = MappingProxyType({})) -> bytes:
        """The state as safetensors, with ``metadata`` beside its position."""
        tensors = {name: value.contiguous().cpu() for name, value in self.tensors.items()}
        return save(tensors, {**metadata, POSITION: self.position})

    @classmethod
    def from_bytes(cls, data: bytes, metadata: Mapping[str, str]) -> State:
        """The state that `to_bytes` wrote, on the CPU.

        Args:
            data: the whole file.
            metadata: what the file carries, as read from its head.

        Raises:
            InputError: the file is damaged, or holds something else.
        """
        try:
            stage, done, tile, _ = json.loads(metadata[POSITION])
            tensors = load(data)
        except (SafetensorError, KeyError, ValueError, TypeError) as error:
            raise InputError(f"not the state of an optimisation: {error}") from error
        if "x" not in tensors:
            raise InputError("not the state of an optimisation: it has no picture")
        return cls(stage, done, tile, tensors)
