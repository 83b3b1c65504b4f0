"""The sensor of failed runs: what a webhook is told of real ones, and that nothing shows its address."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest
from instances import new_instance

from spnst_core.errors import InputError
from spnst_pipeline.defs.automation import automation
from spnst_pipeline.defs.project_resource import project_resource
from spnst_pipeline.defs.sensors import failures
from spnst_pipeline.defs.sensors.failures import MOST_LINES, failure_sensor
from spnst_pipeline.settings import Settings

SECRET = "T0KEN"


class Hook(BaseHTTPRequestHandler):
    """Takes messages; while there are statuses on the list, it answers with those first."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        self.server.posted.append((self.path, self.headers["Content-Type"], json.loads(body), status))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.posted, server.statuses = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@dg.op
def painting():
    raise dg.Failure("\n".join(f"cat|style-{number}: a folder lies there" for number in range(30)))


@dg.op
def planning():
    raise ValueError("no such recipe\nTraceback follows")


@dg.job
def paint():
    painting()


@dg.job
def plan():
    planning()


@pytest.fixture
def tell(hook):
    """A function that runs a job and evaluates the sensor for it; it gives the run's id and what the sensor said."""
    sensor = failure_sensor(f"http://127.0.0.1:{hook.server_port}/services/{SECRET}")
    with new_instance() as instance:

        def tell(job):
            result = job.execute_in_process(instance=instance, raise_on_error=False)
            context = dg.build_run_status_sensor_context(
                sensor_name="failed_runs",
                dagster_instance=instance,
                dagster_run=result.dagster_run,
                dagster_event=result.get_run_failure_event(),
            ).for_run_failure()
            sensor(context)
            return result.run_id

        yield tell


@pytest.mark.heavy
def test_failed_cells_are_named_with_their_reasons_and_counted(hook, tell):
    run_id = tell(paint)
    [(path, kind, told, _)] = hook.posted
    assert (path, kind) == (f"/services/{SECRET}", "application/json")
    assert (told["run"], told["job"], told["failed"], told["retried"]) == (run_id, "paint", 30, False)
    assert told["error"] == told["lines"][0] == "cat|style-0: a folder lies there"
    assert len(told["lines"]) == MOST_LINES
    assert told["text"] == f"run {run_id} of paint failed: cat|style-0: a folder lies there"


@pytest.mark.heavy
def test_of_another_error_it_is_the_message_in_one_line(hook, tell):
    tell(plan)
    [(_, _, told, _)] = hook.posted
    assert told["failed"] == 0
    assert "no such recipe" in told["error"]
    assert "\n" not in told["error"]


@pytest.mark.heavy
def test_a_webhook_that_is_busy_is_asked_again(hook, tell):
    hook.statuses += [503]
    tell(plan)
    assert [status for *_, status in hook.posted] == [503, 204]


@pytest.mark.parametrize("trouble", ["gone", "refuses", "redirects"])
@pytest.mark.heavy
def test_nothing_that_goes_wrong_tells_the_address(hook, tell, trouble, monkeypatch, caplog):
    monkeypatch.setattr(failures, "SECONDS", 0.2)
    if trouble == "gone":
        hook.shutdown()
        hook.server_close()
    hook.statuses += {"gone": [], "refuses": [403] * 99, "redirects": [302] * 99}[trouble]
    with pytest.raises(Exception, match="the webhook") as raised:
        tell(plan)
    chain = [raised.value, raised.value.__cause__, raised.value.__context__]
    assert SECRET not in "".join(map(repr, chain)) + caplog.text


def test_there_is_none_without_a_webhook(fresh):
    def sensors(settings):
        return {sensor.name for sensor in automation(settings, (), ()).sensors}

    assert "failed_runs" not in sensors(fresh.settings())
    with_one = fresh.settings(failure_webhook=f"https://hooks.example/{SECRET}")
    assert "failed_runs" in sensors(with_one)


def test_the_address_is_in_no_file_page_or_message(tmp_path):
    settings = Settings.load(failure_webhook=f"https://hooks.example/{SECRET}")
    assert SECRET not in settings.to_yaml(tmp_path) + repr(settings) + repr(project_resource(settings))
    with pytest.raises(InputError, match="failure_webhook: a webhook needs") as refused:
        Settings.load(failure_webhook=SECRET)
    assert SECRET not in str(refused.value)
