"""The course of a training: from its beginning or a checkpoint, with validations on the way, to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.objective.targets import read_metadata
from spnst_core.painters.training import Record, Training

T = TypeVar("T")

HELD_OUT, MOST_HELD_OUT = 5, 4
"""One content of so many is held out to validate on, and no more than so many in all: each takes as long as a step."""

FEW = 30
"""Contents to train on below which a painter may paint others less well than these."""

TRAINING = "training"
"""Metadata key of a checkpoint: `Training.identity`."""


@dataclass(frozen=True)
class Step:
    """One step of a training.

    Attributes:
        losses: before the step, see `Training.step`.
        validation: after the step, if it was time for one: losses and pastiches of the held-out contents.
    """

    losses: Mapping[str, float]
    validation: tuple[Record, Sequence[Tensor]] | None


def course(training: Training) -> Iterator[Step]:
    """Take a training to its end, which has a validation.

    Yields:
        Every step, once it is taken.

    Raises:
        Diverged: as `Training.step`.
    """
    while not training.is_finished:
        losses = training.step()
        due = training.steps % training.plan.validate_every == 0 or training.share >= 1
        yield Step(losses, training.validate() if due else None)


def split(contents: Mapping[str, T]) -> tuple[dict[str, T], dict[str, T]]:
    """Contents to train on and contents to hold out: one of `HELD_OUT`, and at least one of several."""
    names = sorted(contents)
    held = (names[HELD_OUT - 1 :: HELD_OUT] or names[1:][-1:])[:MOST_HELD_OUT]
    return {k: contents[k] for k in names if k not in held}, {k: contents[k] for k in held}


def warning_of_few(contents: int) -> str:
    """What to expect of a training on so few contents; empty if they suffice."""
    if contents >= FEW:
        return ""
    return (
        f"only {contents} content{'' if contents == 1 else 's'} to train on: the painter will paint these best, and "
        f"others the less well the less they are like them; {FEW} or more of your own kind of picture are better"
    )


def to_checkpoint(training: Training) -> bytes:
    """A file from which `resume` goes on."""
    return save(training.state(), {TRAINING: training.identity()})


def resume(training: Training, checkpoint: bytes) -> None:
    """Let a training that has just begun go on from a checkpoint.

    Raises:
        InputError: the checkpoint is damaged, or of a training with another style, contents, recipe or plan.
    """
    try:
        identity = read_metadata(checkpoint).get(TRAINING)
        state = load(checkpoint)
    except (InputError, SafetensorError) as error:
        raise InputError("the checkpoint is damaged") from error
    if identity != training.identity():
        raise InputError("the checkpoint is of another training: another style, contents, recipe, networks or options")
    training.restore(state)
