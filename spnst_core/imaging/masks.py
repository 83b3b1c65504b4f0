"""Masks: how much each pixel of a picture belongs to a region, from 0 to 1, from a file or an array."""

from __future__ import annotations

from torch import Tensor

from spnst_core.imaging.decoding import refusal
from spnst_core.imaging.planes import Plane, decode_plane, named, read_plane


def read_mask(source: Plane, name: str = "the mask") -> Tensor:
    """A mask as float32, (1, 1, H, W) in [0, 1]; see `spnst_core.imaging.planes`.

    Raises:
        InputError: as `read_plane`; a value outside [0, 1]; a mask that is 0 everywhere.
    """
    return _checked(read_plane(source, "mask", name), named(source, name))


def decode_mask(data: bytes, name: str) -> Tensor:
    """As `read_mask`, from a file's bytes; ``name`` is its path or address, whose suffix tells the format."""
    return _checked(decode_plane(data, "mask", name), name)


def _checked(values: Tensor, name: str) -> Tensor:
    low, high = values.min().item(), values.max().item()
    if not 0 <= low <= high <= 1:
        raise refusal(name, f"holds values from {low:g} to {high:g}: a mask is from 0, outside, to 1, inside")
    if high == 0:
        raise refusal(name, "is black everywhere: paint the region white")
    return values
