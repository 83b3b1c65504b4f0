"""State of the process: the spin count is set in time for OpenMP to read it, and never where that would be in vain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import spnst_core
from spnst_core.compute.process import SPIN_COUNT, limit_spinning, trim_heap

WHEN_TORCH_IS_IMPORTED = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("GOMP_SPINCOUNT"))
            sys.exit()
sys.meta_path.insert(0, Watch())
"""


def spin_count(imports, **variables):
    """The spin count at the moment when a new process imports PyTorch, as OpenMP finds it. The process ends there."""
    return output(WHEN_TORCH_IS_IMPORTED + imports, **variables)


def output(program, **variables):
    """What a Python program prints that finds these variables in its environment, and no other spin count."""
    inherited = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    environment = {**inherited, **variables, "PYTHONPATH": str(Path(spnst_core.__file__).parents[1])}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()


@pytest.mark.parametrize("imports", ["import spnst_core", "import spnst_pipeline.definitions"])
@pytest.mark.heavy
def test_the_spin_count_is_set_before_pytorch_is_imported(imports):
    assert spin_count(imports) == SPIN_COUNT


def test_a_spin_count_of_the_user_s_stays():
    assert spin_count("import spnst_core", GOMP_SPINCOUNT="7") == "7"


@pytest.mark.slow(10)
def test_a_program_that_imports_pytorch_first_can_still_import_the_library():
    assert output("import torch, spnst_core, os; print(os.environ.get('GOMP_SPINCOUNT'))") == "None"


def test_setting_it_too_late_is_an_error_that_says_what_to_do(monkeypatch):
    assert torch.__name__ in sys.modules
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    with pytest.raises(
        RuntimeError, match="no effect once PyTorch is imported: import spnst_core before torch, or set"
    ):
        limit_spinning()
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' C libraries have nothing to trim")
def test_trimming_returns_freed_memory_to_the_system():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    kept, freed = [], []
    for _ in range(3000):  # small enough for the heap, each between two that stay
        freed.append(torch.ones(8_000))
        kept.append(torch.ones(8))
    freed.clear()
    before = resident()
    trim_heap()
    assert before - resident() > 50e6
