"""The command line, run in the process of the test."""

import sys

import pytest

from spnst_pipeline.cli import main as cli


@pytest.fixture
def spnst(monkeypatch, capfd):
    """Run the command line in this process: (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["spnst", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capfd.readouterr()
        return exit_.value.code or 0, captured.out, captured.err

    return run
