"""The choice of where cells are painted, and what is said where Ray isn't to be had."""

import sys

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.cli import options
from spnst_pipeline.defs.pool import require_pool
from spnst_pipeline.settings import Settings


def test_painting_in_this_process_needs_no_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    require_pool(Settings.load())


def test_without_ray_it_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "spnst_pipeline.defs.pool.cluster", raising=False)
    with pytest.raises(InputError, match=r"needs Ray: pip install 'spnst\[ray\]', or choose the pool local"):
        require_pool(Settings.load(pool="ray"))


@pytest.mark.ray
@pytest.mark.slow(30)
@pytest.mark.parametrize("address", ["auto", "ray://127.0.0.1:1"])
def test_a_cluster_that_is_not_there_is_told_in_one_line(address, monkeypatch, tmp_path):
    pytest.importorskip("ray", reason="Ray isn't installed: pip install 'spnst[ray]'")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with pytest.raises(
        InputError, match="no Ray cluster can be reached at .*: start one with ray start --head"
    ) as told:
        require_pool(Settings.load(pool="ray", ray_address=address))
    assert "\n" not in str(told.value)


def test_the_pools_that_a_shell_completes_are_those_of_the_settings():
    assert [Settings.load(pool=name).pool for name in options.POOLS] == ["local", "ray"]


def test_another_pool_is_refused():
    with pytest.raises(InputError, match="setting pool: cells are painted local or by ray: choose one of them"):
        Settings.load(pool="dask")
