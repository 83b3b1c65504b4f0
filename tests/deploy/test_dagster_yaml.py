"""The shipped instance settings: Dagster accepts them, and they mean what their comments say."""

from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.instance.config import PoolGranularity
from dagster._core.run_coordinator import QueuedRunCoordinator

import spnst_pipeline
from spnst_pipeline.cli.execution import open_home
from spnst_pipeline.settings import Settings

SHIPPED = Path(spnst_pipeline.__file__).with_name("dagster.yaml")
POSTGRES = Path(__file__).parents[2] / "deploy/dagster.postgres.yaml"


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(SHIPPED.read_text())
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def test_at_most_four_runs_and_one_of_each_pool(instance):
    concurrency = instance.get_concurrency_config()
    assert concurrency.run_queue_config.max_concurrent_runs == 4
    assert concurrency.pool_config.default_pool_limit == 1
    assert concurrency.pool_config.pool_granularity is PoolGranularity.RUN
    assert isinstance(instance.run_coordinator, QueuedRunCoordinator)


def test_the_queue_knows_the_limit_before_the_first_run(tmp_path):
    """Else as many runs as there is room for would share the GPU the first time."""
    with open_home(Settings.load(home=str(tmp_path))) as instance:
        assert [(pool.name, pool.limit) for pool in instance.event_log_storage.get_pool_limits()] == [("gpu", 1)]


def test_dead_runs_are_noticed_and_started_again_but_failed_pictures_are_not(instance):
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_start_timeout_seconds == 300
    assert instance.run_monitoring_cancel_timeout_seconds == 180
    assert instance.run_monitoring_max_runtime_seconds == 24 * 3600
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries == 2
    assert not instance.run_retries_retry_on_asset_or_op_failure


def test_sensors_are_evaluated_side_by_side(instance):
    assert instance.get_sensor_settings() == {"use_threads": True, "num_workers": 4}


def test_it_is_quiet(instance):
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled
    assert instance.python_log_level == "INFO"


def test_a_run_in_this_process_never_waits_for_a_killed_one(instance):
    """Someone killed `spnst run` at work, and what its step held was never given back."""

    @dg.asset(pool="gpu")
    def networks() -> None: ...

    job = dg.Definitions([networks]).resolve_implicit_global_asset_job_def()
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("gpu")
    assert storage.claim_concurrency_slot("gpu", instance.create_run_for_job(job).run_id, "networks").is_claimed
    assert not storage.check_concurrency_claim("gpu", "another", "networks").is_claimed
    with InstanceConcurrencyContext(instance, instance.create_run_for_job(job)) as context:
        assert context.claim("gpu", "networks")
    assert job.execute_in_process(instance=instance).success


def test_the_postgres_variant_differs_in_nothing_but_the_storage():
    shipped, postgres = (yaml.safe_load(file.read_text()) for file in (SHIPPED, POSTGRES))
    assert set(postgres.pop("storage")) == {"postgres"}
    assert postgres == shipped
