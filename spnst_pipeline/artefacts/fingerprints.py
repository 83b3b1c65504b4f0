"""Fingerprints: a hash of what made an artefact, carried in the artefact's own metadata."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from io import BytesIO

import pyarrow.parquet as pq

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.objective import targets
from spnst_core.report import film
from spnst_pipeline.artefacts.seal import BESIDE, SEAL

VERSIONS = {
    "content_image": 1,
    "style_image": 1,
    "depth_map": 3,
    "edge_map": 3,
    "style_grams": 2,
    "painter": 2,
    "pastiche": 8,
    "timelapse": 1,
    "metrics": 3,
    "metric_table": 3,
    "comparison": 3,
    "contact_sheet": 6,
    "gallery": 7,
    "experiment": 3,
}
"""Code version of each step: raised when the same ingredients would now give another artefact."""

HEAD = 65_536
"""Bytes from a file's start that hold the metadata of a PNG, safetensors, MP4, JSON or HTML artefact."""

BLOCKED = "blocked"
"""Metadata key in an artefact's own file: why a failed check keeps it from sheets, table and gallery."""

TRANSPARENT = "transparent"
"""Metadata key in a decoded picture's own file: it has an alpha channel."""

_META = re.compile(r'<meta name="spnst-fingerprint" content="([0-9a-f]+)">')
KEYS = ("fingerprint", SEAL, BESIDE)
"""What a JSON or Parquet artefact carries among its own."""


def fingerprint(step: str, *ingredients: str) -> str:
    """Hash of a step, its code version and its ingredients, in order: 32 hexadecimal digits."""
    return sha256(json.dumps([step, VERSIONS[step], *ingredients]).encode()).hexdigest()[:32]


def metadata(name: str, data: bytes) -> dict[str, str]:
    """The metadata that an artefact carries, ``fingerprint`` among them; nothing if it is damaged or not ours.

    Args:
        name: the artefact's file name; its suffix tells the format.
        data: at least the first `HEAD` bytes; of Parquet, all.
    """
    try:
        if name.endswith(".png"):
            return image_io.png_text(data)
        if name.endswith(".safetensors"):
            return targets.read_metadata(data)
        if name.endswith(".mp4"):
            return film.read_metadata(data)
        if name.endswith(".json"):
            record = json.loads(data)
            return {key: str(record[key]) for key in KEYS if key in record}
        if name.endswith(".html"):
            found = _META.search(data.decode("utf-8", "replace"))
            return {"fingerprint": found[1]} if found else {}
        if name.endswith(".parquet"):
            carried = pq.read_metadata(BytesIO(data)).metadata or {}
            return {key: carried[key.encode()].decode() for key in KEYS if key.encode() in carried}
    except (InputError, ValueError, KeyError, TypeError, OSError):
        return {}  # a damaged artefact carries nothing, so that it is made again
    raise ValueError(f"{name}: artefacts of this kind carry no metadata")
