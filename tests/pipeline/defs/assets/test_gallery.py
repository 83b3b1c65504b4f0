"""The gallery of a project: files of its own, whose links lead to files of the store, and what its pages hold."""

import json
import re

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.artefacts.lineage import Lineage


@pytest.fixture(scope="module")
def data(first_run):
    place, _ = first_run
    text = (place.out / "gallery/data.js").read_text()
    return place.out / "gallery", json.loads(text.removeprefix("window.gallery = ").strip().rstrip(";"))


def addresses(value):
    if isinstance(value, dict):
        for each in value.values():
            yield from addresses(each)
    elif isinstance(value, list):
        for each in value:
            yield from addresses(each)
    elif isinstance(value, str) and re.search(r"\.(png|jpg|js|mp4)$", value):
        yield value


def test_every_address_is_a_file(data):
    folder, found = data
    named = set(addresses(found))
    assert {f"../pastiche/{recipe}/cat/wave.png" for recipe in ("structure", "gatys")} <= named
    assert [address for address in sorted(named) if not (folder / address).is_file()] == []
    page = (folder / "index.html").read_text()
    linked = set(re.findall(r'(?:href|src)="([^"#]+)"', page))
    files = linked - {"data:,"}  # an icon of nothing, so that no browser asks for one
    assert [address for address in sorted(files) if not (folder / address).is_file()] == []
    assert "://" not in "".join(files)


def test_every_cell_has_its_scores_its_maps_and_its_details(data):
    folder, found = data
    assert (len(found["cells"]), found["gaps"]) == (8, [])
    for cell in found["cells"]:
        assert cell["depth"] and cell["edges"]
        assert sum(score is not None for score in cell["scores"]) == len(found["metrics"]) - len(cell["missing"])
        details = (folder / cell["details"]).read_text()
        told = json.loads(details.partition(" = ")[2].rstrip(";\n"))
        assert {"size", "recipe", "loss weights", "seed", "network weights", "versions"} <= set(told["provenance"])
        assert told["provenance"]["versions"].startswith("spnst ")
        assert len(told["history"]["total"]) == len(told["history"]["step"])


def test_maps_are_in_the_colours_of_the_contact_sheets(data):
    folder, found = data
    for shown in (*found["contents"], *found["cells"]):
        for kind in ("depth", "edges"):
            pixels = np.asarray(Image.open(folder / shown[kind]["view"]).convert("RGB")).astype(int)
            assert np.abs(pixels[..., 0] - pixels[..., 2]).max() > 30, f"{kind} is grey"


def test_it_shows_the_comparison(data):
    page = (data[0] / "index.html").read_text()
    for words in ("structure against gatys", "95 % interval", "boat", "edge error", "independent"):
        assert words in page or words in json.dumps(data[1])


def test_it_carries_its_fingerprint(data):
    page = (data[0] / "index.html").read_bytes()
    assert len(metadata("index.html", page)["fingerprint"]) == 32


@pytest.mark.heavy
def test_a_cell_that_is_gone_is_a_gap_and_its_copies_go(made):
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    (made.root / "styles/wave.png").unlink()
    folder = made.out / "gallery"
    before = set(folder.rglob("*wave*"))
    assert before
    run = made.run()
    assert run.failed == []
    assert not list(folder.rglob("*wave*"))
    found = json.loads((folder / "data.js").read_text().removeprefix("window.gallery = ").strip().rstrip(";"))
    assert [style["name"] for style in found["styles"]] == ["dots"]
    assert Lineage(run.project).is_current(Lineage(run.project).gallery())


def told(place):
    """What the asset's last event tells."""
    with place.instance() as instance:
        return instance.get_latest_materialization_event(dg.AssetKey("gallery")).asset_materialization.metadata


@pytest.mark.heavy
def test_its_page_can_be_opened_from_wherever_dagster_runs_and_an_address_in_the_settings_is_a_link(made, monkeypatch):
    """The run starts in the folder that the project lies in, with the store's path relative to it."""
    assert "open" not in told(made)
    (made.out / "gallery/index.html").unlink()
    monkeypatch.chdir(made.root)
    made.run(out="out", gallery_url="https://pictures.example/gallery/")
    found = told(made)
    assert found["path"].value == str(made.out / "gallery/index.html")
    assert isinstance(found["open"], dg.UrlMetadataValue)
    assert found["open"].value == "https://pictures.example/gallery/"
