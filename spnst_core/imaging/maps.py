"""Maps of a user's own, from a file or an array: depth or edges of a content in place of a network's, and its detail.

Depth is relative inverse depth, larger = nearer, of any scale and origin. Edges are strengths from 0 to 1. Detail is
how much more both are to count at each place, from 0 to 1.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from spnst_core.errors import printable
from spnst_core.imaging.decoding import refusal
from spnst_core.imaging.planes import Plane, decode_plane, named, read_plane

Kind = Literal["depth", "edges", "detail"]
KINDS: tuple[Kind, ...] = ("depth", "edges", "detail")

LARGEST = 1e6
"""Largest absolute value of a map: squares of larger ones lose what is small beside them."""

FLAT = 1e-6
"""Range of values, relative to the largest, below which a map is constant."""

_POLARITY = {"depth": "larger values must be nearer", "edges": "1 must be an edge, and 0 none"}
_SHARES = {"edges": "edges are", "detail": "detail is"}


def read_map(source: Plane, kind: Kind, name: str = "the map") -> Tensor:
    """A map as float32, (1, 1, H, W); see `spnst_core.imaging.planes`.

    Raises:
        InputError: as `read_plane`; a value beyond `LARGEST`; a constant map; edges or detail outside [0, 1].
    """
    return _checked(read_plane(source, "map", name), kind, named(source, name))


def decode_map(data: bytes, kind: Kind, name: str) -> Tensor:
    """As `read_map`, from a file's bytes; ``name`` is its path or address, whose suffix tells the format."""
    return _checked(decode_plane(data, "map", name), kind, name)


def agreement(one: Tensor, other: Tensor) -> float:
    """Correlation of two maps (1, 1, H, W) of a shape, from -1 to 1; 0 if one of them is constant."""
    pair = torch.stack([one.flatten(), other.to(one).flatten()]).double()
    centred = pair - pair.mean(1, keepdim=True)
    lengths = centred.norm(dim=1).prod().item()
    return (centred[0] @ centred[1]).item() / lengths if lengths else 0.0


def disagreement(kind: Kind, correlation: float | None, name: str) -> str:
    """A warning about a map that runs against the network's; empty if it doesn't, or there is none.

    Args:
        correlation: the `agreement` of the two; None: no map was given.
        name: what to call the map.
    """
    if correlation is None or correlation >= 0:
        return ""
    return (
        f"{printable(name)} runs against what the network sees (correlation {correlation:.2f}): {_POLARITY[kind]}; "
        "invert it unless it is meant so"
    )


def _checked(values: Tensor, kind: Kind, name: str) -> Tensor:
    low, high = values.min().item(), values.max().item()
    largest = max(abs(low), abs(high))
    if largest > LARGEST:
        raise refusal(name, f"holds values from {low:g} to {high:g}, beyond {LARGEST:g}: scale it down")
    if high - low <= FLAT * largest:
        raise refusal(name, f"is {low:g} everywhere: a constant map says nothing of {kind}")
    if kind in _SHARES and not 0 <= low <= high <= 1:
        raise refusal(name, f"holds values from {low:g} to {high:g}: {_SHARES[kind]} from 0 to 1")
    return values
