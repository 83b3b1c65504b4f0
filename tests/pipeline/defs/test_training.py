"""Painters as assets: trained once for each style, painted with, and trained again only for a changed style."""

import base64
import json

import dagster as dg
import pytest
from PIL import Image

from spnst_core.gallery import runtime
from spnst_core.painters.export import require_same
from spnst_core.painters.painter import Painter
from spnst_core.painters.training import Training
from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.defs import checks
from spnst_pipeline.planning.plan import EVERYTHING, PREPARATION, painting, training

FAST = "engine: feedforward\ntraining_steps: 2\njitter: false\nedge_on: analytic\nstages: [{steps: 1}]\n"
PHASES = (*PREPARATION, training, painting)


def painters(run):
    return [key for key in run.recorder.keys if key.startswith("painter/")]


@pytest.fixture
def place(fresh):
    (fresh.root / "fast.yaml").write_text(FAST)
    return fresh


def run(place, phases=PHASES, **changes):
    return place.run(phases=phases, recipes=(str(place.root / "fast.yaml"),), **changes)


@pytest.mark.slow(29)
def test_a_painter_is_trained_once_for_its_style_and_paints_every_content(place, picture, monkeypatch):
    monkeypatch.setattr(checks, "CLOSE", 1e9)  # two steps of training bring nothing near to a style
    first = run(place, EVERYTHING)
    assert first.failed == []
    scores = json.loads((place.out / "metrics/fast/cat/wave.json").read_text())
    assert (scores["recipe"], scores["steps"], scores["profile"]) == ("fast", 1, "embedded")
    assert "fast" in (place.out / "gallery/index.html").read_text()
    assert painters(first) == ["painter/fast/dots.safetensors", "painter/fast/wave.safetensors"]
    painter = Painter.from_bytes((place.out / "painter/fast/wave.safetensors").read_bytes(), "wave")
    assert (painter.size, painter.made["steps"], painter.made["contents"], painter.made["held_out"]) == (64, 2, 5, 1)
    assert Image.open(place.out / "painter/fast/wave.png").height > 512
    carried = metadata("wave.safetensors", (place.out / "painter/fast/wave.safetensors").read_bytes())
    found = {verdict.check: verdict for verdict in checks.carried(carried)}
    assert set(found) == {checks.FINITE, checks.NO_CHECKERBOARD, checks.NEAR_OPTIMISER}
    assert found[checks.NEAR_OPTIMISER].numbers.keys() == {"edge_error_ratio", "patch_distance_ratio"}
    pastiche = Image.open(place.out / "pastiche/fast/cat/wave.png")
    assert pastiche.size == (48, 36)
    made = json.loads(pastiche.text["made"])
    assert (made["recipe"], made["painter"]["steps"]) == ("fast", 2)
    assert run(place).recorder.keys == []

    picture(41).save(place.root / "contents/owl.png")
    second = run(place)
    assert painters(second) == []
    assert (place.out / "pastiche/fast/owl/wave.png").exists()

    picture(42).save(place.root / "styles/wave.png")
    third = run(place)
    assert painters(third) == ["painter/fast/wave.safetensors"]
    repainted = sorted(key for key in third.recorder.keys if key.startswith("pastiche/"))
    assert repainted == [f"pastiche/fast/{content}/wave.png" for content in ("boat", "cat", "owl")]


@pytest.mark.heavy
def test_a_training_that_is_stopped_goes_on_in_the_next_run(place, monkeypatch):
    (place.root / "styles/wave.png").unlink()
    step, stopped = Training.step, []

    def stopping(self):
        if self.steps == 1 and not stopped:
            stopped.append(self)
            raise dg.DagsterExecutionInterruptedError  # as Dagster's own handler of Ctrl-C
        return step(self)

    monkeypatch.setattr(Training, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(place, (*PREPARATION, training))
    assert (place.out / ".dagster/training/painter/fast/dots.safetensors").exists()
    again = run(place, (*PREPARATION, training))
    assert again.failed == []
    assert "painter/fast[dots] goes on after step 1" in again.recorder.notes
    assert not (place.out / ".dagster/training/painter/fast/dots.safetensors").exists()


@pytest.mark.slow(45)
def test_a_gallery_paints_with_the_projects_painters_if_it_is_asked_to(place, monkeypatch):
    """The runtime, which npm fetches, is tested in a browser; here its place is taken by a few letters."""
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(checks, "CLOSE", 1e9)  # two steps of training bring nothing near to a style
    monkeypatch.setattr(runtime, "find", lambda: runtime.Runtime(b"script", b"module", b"code"))
    first = run(place, EVERYTHING, painting_page=True)
    assert first.failed == []
    gallery = place.out / "gallery"
    assert 'href="paint.html"' in (gallery / "index.html").read_text()
    offered = json.loads((gallery / "painters.js").read_text().removeprefix("window.painting = ").rstrip(";\n"))
    assert [(each["name"], each["recipe"]) for each in offered["painters"]] == [("dots", "fast"), ("wave", "fast")]
    linked = [offered["runtime"], *(each[key] for each in offered["painters"] for key in ("file", "picture"))]
    assert [address for address in linked if not (gallery / address).is_file()] == []
    script = (gallery / offered["painters"][1]["file"]).read_text()
    network = base64.b64decode(json.loads(script.partition("] = ")[2].rstrip(";\n")))
    painter = Painter.from_bytes((place.out / "painter/fast/wave.safetensors").read_bytes(), "wave")
    require_same(network, painter)

    assert run(place, EVERYTHING, painting_page=True).recorder.keys == []
    assert run(place, EVERYTHING).recorder.keys == ["gallery/index.html"]
    assert "paint.html" not in (gallery / "index.html").read_text()
    assert not [file for file in gallery.rglob("*paint*") if file.is_file()]
    assert not list((gallery / "painters").rglob("*.js"))
