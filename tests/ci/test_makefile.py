"""`make ui`: what it says before anything is started, also of folders with spaces in their names."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make_ui(out: Path, port: int) -> subprocess.CompletedProcess[str]:
    """`make ui` with the environment of the tests, which is installed already; not as a part of the `make` at work."""
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    given = [f"BIN={Path(sys.executable).parent}", f"OUT={out}", f"PORT={port}"]
    command = ["make", "ui", "--assume-old=.venv/installed", *given]
    return subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=False, timeout=60)


def test_a_folder_without_a_demo_is_named_whole(tmp_path):
    answer = make_ui(tmp_path / "my pics", 1)
    assert answer.returncode == 2
    assert answer.stdout == f"no {tmp_path}/my pics/.dagster: make demo first, or name a folder with OUT=...\n"


def test_a_taken_port_is_told_and_nothing_is_started(tmp_path):
    (tmp_path / "my pics/.dagster").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = make_ui(tmp_path / "my pics", port)
    assert answer.returncode == 2
    assert answer.stdout == f"port {port} is taken: stop what uses it, or take another with PORT=...\n"
    assert list((tmp_path / "my pics/.dagster").iterdir()) == []
