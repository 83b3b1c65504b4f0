"""The daemon's part in tests: ticks of sensors, and the runs that they ask for."""

from contextlib import contextmanager

import dagster as dg
from instances import make_databases

from spnst_pipeline.definitions import defs


class Bench:
    """The daemon's part: ticks a sensor, and executes what it asks for."""

    def __init__(self, instance: dg.DagsterInstance):
        self.instance, self.defs, self.cursor = instance, defs(), None
        self.repository = self.defs.get_repository_def()

    def ask(self, job: str, **config):
        run_config = {"ops": {f"plan_{job}": {"config": config}}}
        result = self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, run_config=run_config, raise_on_error=False
        )
        return result

    def tick(self, name: str = "launcher") -> dg.SensorResult:
        sensor = self.repository.get_sensor_def(name)
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=self.repository, sensor_name=name
        )
        data = sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return data

    def execute(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        job = self.defs.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=request.asset_selection,
            tags=request.tags,
            run_config=request.run_config,
            raise_on_error=False,
        )

    def record(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
        """A run as the daemon would have launched it, in this state."""
        keys = frozenset(request.asset_selection)
        job = self.defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)
        return self.instance.create_run_for_job(job, tags=request.tags, status=status, asset_selection=keys)

    def drive(self, ticks: int = 12) -> list[dg.RunRequest]:
        """Tick until nothing is asked for; every run request, executed."""
        done = []
        for _ in range(ticks):
            data = self.tick()
            for request in data.run_requests:
                self.execute(request)
            done += data.run_requests
            if data.skip_message == "nothing is asked for":
                return done
        raise AssertionError("the request is never over")


@contextmanager
def opened(place, monkeypatch):
    (place.root / "spnst.yaml").write_text(place.settings().to_yaml(place.root))
    monkeypatch.setenv("SPNST_CONFIG", str(place.root / "spnst.yaml"))
    make_databases(place.root)
    with dg.DagsterInstance.local_temp(str(place.root), overrides={"telemetry": {"enabled": False}}) as instance:
        yield Bench(instance)
