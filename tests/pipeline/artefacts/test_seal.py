"""Seals: each format carries the digest of its own bytes, and a change of any byte shows."""

import json
import zlib
from hashlib import sha256
from io import BytesIO

import pandas as pd
import pytest
import torch
from PIL import Image

from spnst_core.imaging.io import encode_png
from spnst_core.objective.targets import EdgeMap
from spnst_core.report.film import Film
from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.artefacts.seal import BLANK, SEAL, digest, sealed, stated
from spnst_pipeline.defs.assets.tables import COMPARISON_SCHEMA, to_parquet

STAMP = {"fingerprint": "ab12", SEAL: BLANK}


def film(tmp_path):
    path = tmp_path / "film.mp4"
    with Film(path, (16, 16), metadata=STAMP) as recorded:
        recorded.finish(Image.new("RGB", (16, 16), "teal"))
    return path.read_bytes()


def edges(_):
    one = torch.rand(1, 1, 8, 8)
    return EdgeMap({8: one}, {8: torch.ones(1, 1, 1, 1)}, one.clone()).to_bytes(STAMP)


def table(_):
    return to_parquet(pd.DataFrame(columns=[c.name for c in COMPARISON_SCHEMA.columns]), COMPARISON_SCHEMA, STAMP)


FORMATS = {
    "x.png": lambda _: encode_png(Image.new("RGB", (3, 2), "teal"), STAMP),
    "x.safetensors": edges,
    "x.mp4": film,
    "x.json": lambda _: json.dumps({"scores": {"ssim": 0.5}, **STAMP}).encode(),
    "x.parquet": table,
}


@pytest.fixture(params=FORMATS)
def file(request, tmp_path):
    return request.param, sealed(FORMATS[request.param](tmp_path))


def test_a_sealed_file_carries_the_digest_of_its_other_bytes(file):
    name, data = file
    assert metadata(name, data)[SEAL] == f"spnst-sha256:{digest(data)}"
    assert metadata(name, data)["fingerprint"] == "ab12"
    digits = data.index(stated(data).encode())
    checksum = 4 if name.endswith(".png") else 0
    assert stated(data) == sha256(data[:digits] + data[digits + 64 + checksum :]).hexdigest()


def test_a_flip_of_any_byte_shows(file):
    name, data = file
    start = data.index(b"spnst-sha256:")
    own = range(start, start + len(BLANK) + (4 if name.endswith(".png") else 0))
    for place in set(range(0, len(data), max(1, len(data) // 200))) - set(own):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert stated(flipped) != digest(flipped), place


def test_a_missing_end_shows(file):
    _, data = file
    assert stated(data) != digest(data[:-1])


def test_a_sealed_png_is_a_valid_png():
    data = sealed(FORMATS["x.png"](None))
    place = 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        body = data[place + 4 : place + 8 + length]
        assert int.from_bytes(data[place + 8 + length : place + 12 + length], "big") == zlib.crc32(body), body[:4]
        place += 12 + length
    with Image.open(BytesIO(data)) as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (0, 128, 128)


def test_a_file_without_a_seal_states_nothing_and_is_not_sealed():
    plain = torch.zeros(3).numpy().tobytes()
    assert stated(plain) is None
    assert digest(plain) == sha256(plain).hexdigest()
    with pytest.raises(ValueError, match="no seal"):
        sealed(plain)
