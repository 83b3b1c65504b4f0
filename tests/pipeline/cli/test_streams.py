"""Standard streams that are closed, full or without a reader: the command does its work and ends with its status."""

import subprocess
import sys

import pytest

WORK = """
import os, sys, types
from pathlib import Path
from spnst_pipeline.cli import start
def work():
    with open("database", "w+b") as file:  # as SQLite would open one
        for line in range(1000):
            print("progress", line, file=sys.stderr)
            print("result", line)
        os.write(2, b"a library's own words\\n")
        file.seek(0)
        Path("done").write_text(f"{file.read()} {sys.stdin.read()!r}")
    sys.exit(int(sys.argv[1]))
sys.modules["spnst_pipeline.cli.main"] = types.SimpleNamespace(main=work)  # whose imports take a second
start.main()
"""


def shell(tmp_path, streams, status):
    """Run the work above with redirections, in Bash: its exit status and what it wrote to stderr."""
    (tmp_path / "work.py").write_text(WORK)
    command = f"set -o pipefail; {sys.executable} work.py {status} {streams}"
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("streams", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-", "2>&1 | head -1", "2>/dev/full"])
def test_a_stream_that_is_lost_costs_nothing(tmp_path, streams):
    found, err = shell(tmp_path, streams, 3)
    assert found == 3
    assert (tmp_path / "done").read_text() == "b'' ''"
    assert "Traceback" not in err and "ignored" not in err


def test_output_that_is_cut_short_by_a_full_disk_is_told_and_is_a_failure(tmp_path):
    found, err = shell(tmp_path, ">/dev/full", 0)
    assert found == 1
    assert err.splitlines()[-1] == "spnst: standard output can't be written: No space left on device"
    assert (tmp_path / "done").exists()
