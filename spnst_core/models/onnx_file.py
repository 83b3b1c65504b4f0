"""ONNX files as a source of weights: their quantised constants, read without the package ``onnx``.

Of the file's protobuf messages only the fields that lead to constants are read, by their numbers in ``onnx.proto``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_GRAPH = 7  # of a ModelProto
_NODE, _CONSTANT = 1, 5  # of a GraphProto
_INPUT, _OUTPUT, _OPERATOR = 1, 2, 4  # of a NodeProto
_SHAPE, _TYPE, _NAME, _VALUES = 1, 2, 8, 9  # of a TensorProto
_TYPES = {1: "<f4", 3: "i1", 6: "<i4", 7: "<i8"}

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
"""How protobuf encodes a field: the low three bits of its key."""

_Message: TypeAlias = dict[int, list[Any]]

DEQUANTISED = "_dequant"
"""What converters from TensorFlow Lite put after a constant's own name where it is dequantised."""


def dequantised(path: Path) -> dict[str, NDArray[np.float32]]:
    """The constants that the graph dequantises, as it does: (value - zero point) · scale, by their own names.

    A scale with one number for each channel holds along the first dimension.

    Raises:
        ValueError: it isn't an ONNX file with such constants.
    """
    try:
        graph = next(value for number, value in _fields(path.read_bytes()) if number == _GRAPH)
        parts = [(number, _message(value)) for number, value in _fields(graph) if number in (_NODE, _CONSTANT)]
        constants = {_text(part[_NAME]): part for number, part in parts if number == _CONSTANT}
        nodes = [part for number, part in parts if number == _NODE and _text(part[_OPERATOR]) == "DequantizeLinear"]
        found = {}
        for node in nodes:
            inputs = [value.decode() for value in node[_INPUT]]
            if inputs[0] in constants:
                values, scale, zero = (_array(constants[name]) for name in inputs)
                channels = (-1, *(1,) * (values.ndim - 1)) if scale.ndim else ()
                exact = (values.astype(np.float32) - zero.reshape(channels)) * scale.reshape(channels)
                found[_text(node[_OUTPUT]).removesuffix(DEQUANTISED)] = np.asarray(exact, np.float32)
    except (IndexError, KeyError, StopIteration, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise ValueError("it isn't an ONNX file") from error
    if not found:
        raise ValueError("it isn't an ONNX file with quantised constants")
    return found


def _array(tensor: _Message) -> NDArray[Any]:
    (kind,) = tensor[_TYPE]
    return np.frombuffer(tensor[_VALUES][0], _TYPES[kind]).reshape(tensor.get(_SHAPE, ()))


def _text(values: list[bytes]) -> str:
    return values[0].decode()


def _message(data: bytes) -> _Message:
    """The fields of a message: by number, their values in order."""
    found: _Message = {}
    for number, value in _fields(data):
        found.setdefault(number, []).append(value)
    return found


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a message's fields: integers, or the bytes of everything else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        else:
            length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}[kind]
        if at + length > len(data):
            raise IndexError("a field goes beyond its message")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, lowest first, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
