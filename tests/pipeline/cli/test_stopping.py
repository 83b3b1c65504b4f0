"""A real process that is stopped in the middle of a cell: how it ends, and what the next run makes of it."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image
from small_project import PAINTED, Recorder

from spnst_pipeline.cli.start import main

pytestmark = pytest.mark.project

STEPS = 80
CELLS = [("cat", "dots"), ("cat", "wave")]


@pytest.fixture
def long(made):
    """A project of two cells whose one recipe takes seconds, with everything but its pastiches."""
    (made.root / "contents/boat.png").unlink()
    (made.root / "gatys.yaml").write_text(f"weights: {{tv: 0.05}}\nflat: 0\nstages: [{{steps: {STEPS}}}]\n")
    shutil.rmtree(made.out / "pastiche")
    return made


def recipe(place):
    return str(place.root / "gatys.yaml")


def start(place, **environment):
    """The command line at work, the leader of a process group as in a terminal."""
    given = {name: str(value) for name, value in place.settings().model_dump(exclude_none=True).items()}
    flags = [f"--{name}={given[name]}" for name in ("content", "style", "out", "profile", "size", "device")]
    command = [sys.executable, "-m", "spnst_pipeline.cli.start", "run", *flags, f"--recipe={recipe(place)}"]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.Popen(
        command,
        env=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
    )


def wait_for_checkpoints(place, process):
    while len(list((place.out / ".dagster").glob("checkpoint/gatys/*/[!.]*.safetensors"))) < 2:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def modified(place):
    """When the checkpoints were written."""
    return min(path.stat().st_mtime_ns for path in (place.out / ".dagster/checkpoint").rglob("*.safetensors"))


def finish(place):
    recorder = Recorder()
    run = place.run(recorder, phases=PAINTED, recipes=(recipe(place),))
    assert run.failed == []
    return recorder


def pixels(place):
    folder = place.out / "pastiche/gatys"
    return {cell: Image.open(folder / cell[0] / f"{cell[1]}.png").tobytes() for cell in CELLS}


@pytest.mark.slow(25)
def test_after_sigkill_the_next_run_goes_on_within_the_cells_to_the_same_pixels(long, tmp_path):
    whole = long.copied(tmp_path / "whole")
    assert finish(whole).steps == STEPS
    process = start(long, SPNST_CHECKPOINT_SECONDS="0.02")
    wait_for_checkpoints(long, process)
    process.kill()
    process.communicate()
    assert finish(long).steps < STEPS
    assert pixels(long) == pixels(whole)
    assert list((long.out / ".dagster/checkpoint").rglob("*.safetensors")) == []


@pytest.mark.slow(25)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_told_to_stop_leaves_a_checkpoint_and_one_line(number, status, long):
    process = start(long, SPNST_CHECKPOINT_SECONDS="0.5")
    wait_for_checkpoints(long, process)
    before = modified(long)
    time.sleep(0.1)
    began = time.monotonic()
    os.killpg(process.pid, number)
    _, rest = process.communicate()
    assert time.monotonic() - began < 60  # a machine that does nothing else takes less than ten
    assert process.returncode == status
    assert rest.splitlines()[-1] == "Stopped. What is painted is kept: the same command goes on from here."
    assert "Traceback" not in rest
    assert modified(long) > before  # it was kept once more when the signal came
    assert finish(long).steps < STEPS


def test_an_interruption_while_the_command_is_imported_is_silent(monkeypatch):
    class Interrupting:
        def find_spec(self, name, path, target=None):
            if name == "spnst_pipeline.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "spnst_pipeline.cli.main", raising=False)
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, stream, getattr(sys, stream))
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
