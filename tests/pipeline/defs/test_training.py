"""Painters as assets: trained once for each style, painted with, and trained again only for a changed style."""

import json

import dagster as dg
import pytest
from PIL import Image

from spnst_core.painters.painter import Painter
from spnst_core.painters.training import Training
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
