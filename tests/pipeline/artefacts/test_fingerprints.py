"""A fingerprint changes with everything that an artefact is made of, and with nothing else."""

import json
from hashlib import sha256

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import load_models
from spnst_core.objective.targets import EdgeMap
from spnst_pipeline.artefacts.fingerprints import HEAD, VERSIONS, fingerprint, metadata
from spnst_pipeline.defs.assets.tables import to_parquet


def test_the_formula_stays(monkeypatch):
    """Another one would outdate every store there is."""
    monkeypatch.setitem(VERSIONS, "pastiche", 7)
    assert fingerprint("pastiche", "a", "b") == sha256(b'["pastiche", 7, "a", "b"]').hexdigest()[:32]


def test_every_ingredient_counts_and_so_do_order_and_borders(monkeypatch):
    prints = [
        fingerprint("pastiche", "a", "b"),
        fingerprint("pastiche", "b", "a"),
        fingerprint("pastiche", "a", "b", ""),
        fingerprint("pastiche", "ab"),
        fingerprint("pastiche", 'a", "b'),
        fingerprint("metrics", "a", "b"),
    ]
    monkeypatch.setitem(VERSIONS, "pastiche", VERSIONS["pastiche"] + 1)
    prints.append(fingerprint("pastiche", "a", "b"))
    assert len(set(prints)) == len(prints)


def test_png_carries_it_in_its_head(picture):
    data = image_io.encode_png(picture(1, 900, 700), {"fingerprint": "abc"})
    assert metadata("x.png", data[:HEAD])["fingerprint"] == "abc"


def test_safetensors_carry_it_in_their_head():
    models = load_models("embedded", "cpu")
    data = EdgeMap.compute(torch.rand(1, 3, 60, 80), models, (64, 128)).to_bytes({"fingerprint": "abc"})
    assert len(data) > HEAD
    assert metadata("x.safetensors", data[:HEAD])["fingerprint"] == "abc"


def test_json_carries_it():
    assert metadata("x.json", json.dumps({"ssim": 0.5, "fingerprint": "abc"}).encode())["fingerprint"] == "abc"


def test_html_carries_it():
    assert metadata("x.html", b'<meta name="spnst-fingerprint" content="abc">')["fingerprint"] == "abc"


def test_parquet_carries_it_and_stays_a_plain_table():
    table = pd.DataFrame({"content": ["cat"], "ssim": [0.5]})
    schema = dg.TableSchema(
        [dg.TableColumn("content", "string"), dg.TableColumn("ssim", "double", "alike", tags={"better": "higher"})]
    )
    data = to_parquet(table, schema, {"fingerprint": "abc"})
    assert metadata("x.parquet", data)["fingerprint"] == "abc"
    read = pq.read_table(pa.BufferReader(data))
    assert read.schema.field("ssim").metadata == {b"description": b"alike", b"better": b"higher"}
    pd.testing.assert_frame_equal(read.to_pandas(), table)


@pytest.mark.parametrize("name", ["x.png", "x.safetensors", "x.json", "x.html", "x.parquet"])
@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"[]", b'{"a": 1}'])
def test_a_damaged_or_foreign_file_carries_nothing(name, data):
    assert "fingerprint" not in metadata(name, data)


def test_a_png_of_someone_else_carries_nothing(picture):
    assert "fingerprint" not in metadata("x.png", image_io.encode_png(picture(1)))
