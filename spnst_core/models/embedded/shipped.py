"""What the networks of this folder are identified by: their weight files and constants."""

from functools import cache

from spnst_core.models.embedded import depth, edges, encoder


@cache
def identity() -> bytes:
    """Changes with any of the encoder's, the edge detector's and the depth network's weights or constants."""
    constants = repr((edges.SIGMAS, edges.EdgeNet.size, depth.DepthNet.size)).encode()
    return constants + b"".join(file.read_bytes() for file in (encoder.WEIGHTS, edges.EDGE_WEIGHTS, depth.WEIGHTS))
