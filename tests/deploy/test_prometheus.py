"""Figures on their whole way: a grid that Dagster runs, node_exporter, Prometheus, and the queries of the dashboard."""

import json
import math
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import dagster as dg
import pytest
from servers import ROOT, free_port, running, wait_for
from small_project import PREPARATION, Workplace, furnish

from spnst_pipeline import definitions
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.dagster_private import range_tags
from spnst_pipeline.defs import stages
from spnst_pipeline.defs.prometheus import PAINTING, QUEUE
from spnst_pipeline.defs.sensors.queue import queue_sensor

PROGRAMS = ("prometheus", "promtool", "prometheus-node-exporter")
GPU = 3_000_000_000
"""Bytes that stand in for those of a GPU."""

pytestmark = [pytest.mark.daemon, pytest.mark.slow(15)]


@pytest.fixture(scope="module", autouse=True)
def _programs():
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        pytest.skip(f"not on this machine: {', '.join(missing)}: apt-get install prometheus prometheus-node-exporter")


class Prometheus:
    """A Prometheus server's API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """(labels, value) of each series that answers a query."""
        asked = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{asked}", timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def wait_for(self, expression: str, value: float) -> None:
        """Until a query is answered by a value."""
        end = time.monotonic() + 60
        while [found for _, found in self.query(expression)] != [value]:
            assert time.monotonic() < end, f"{expression}: {self.query(expression)}"
            time.sleep(0.2)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "textfile").mkdir()
    return tmp_path / "textfile"


@pytest.fixture
def prometheus(tmp_path, folder):
    """Prometheus, which asks node_exporter every second for what lies in the folder."""
    exporter, server = free_port(), free_port()
    scrape = {"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    node_exporter = [
        "prometheus-node-exporter",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
        f"--web.listen-address=127.0.0.1:{exporter}",
    ]
    command = [
        "prometheus",
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{server}",
    ]
    behind = running(node_exporter, dict(os.environ), tmp_path / "exporter.log", tmp_path)
    before = running(command, dict(os.environ), tmp_path / "prometheus.log", tmp_path)
    with behind as node, before as it:
        wait_for(f"http://127.0.0.1:{exporter}/metrics", node)
        wait_for(f"http://127.0.0.1:{server}/-/ready", it)
        yield Prometheus(server)


def paint(place: Workplace, content: str) -> bool:
    """Paint the row of a content in a run of Dagster, by the settings in the environment; whether all went well."""
    job = definitions.defs().resolve_implicit_global_asset_job_def()
    with place.instance() as instance:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[ArtefactId("pastiche", "gatys").asset_key],
            tags=range_tags(f"{content}|dots", f"{content}|wave"),
            raise_on_error=False,
        )
    return result.success


def test_every_query_of_the_dashboard_is_answered_by_what_a_grid_has_left(tmp_path, folder, prometheus, monkeypatch):
    place = furnish(tmp_path / "project")
    place.run(phases=PREPARATION, recipes=(str(place.root / "gatys.yaml"),))
    given = place.settings(recipes=(str(place.root / "gatys.yaml"),), prometheus=str(folder))
    for name in ("content", "style", "out", "profile", "size", "device", "prometheus"):
        monkeypatch.setenv(f"SPNST_{name.upper()}", str(getattr(given, name)))
    monkeypatch.setenv("SPNST_RECIPES", given.recipes[0])
    monkeypatch.setattr(stages, "peak_memory", lambda device: GPU)
    for number, content in enumerate(("boat", "cat"), 1):
        (place.out / f"pastiche/gatys/{content}/dots.png").mkdir(parents=True)  # so that it can't be written
        assert not paint(place, content)
        prometheus.wait_for('spnst_cells_total{outcome="done"}', number)
    with place.instance() as instance:
        queue_sensor(folder)(dg.build_sensor_context(instance))
    prometheus.wait_for('spnst_runs{status="queued"}', 0)

    dashboard = json.loads((ROOT / "deploy/grafana/spnst.json").read_text())
    answers = {}
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            answers[panel["title"], target["refId"]] = prometheus.query(target["expr"].replace("$__range", "1h"))
    assert all(answers.values()), answers
    assert all(math.isfinite(value) for found in answers.values() for _, value in found), answers
    assert all(found[0][1] > 0 for (title, _), found in answers.items() if not title.startswith("Runs")), answers
    assert answers["GPU memory, by recipe", "A"] == [({"recipe": "gatys"}, GPU)]
    assert {labels["stage"] for labels, _ in answers["Runs that paint, by stage", "A"]} == {"1", "2"}
    assert prometheus.query('spnst_cells_total{outcome="failed"}')[0][1] == 2

    for file in (PAINTING, QUEUE):
        with (folder / file).open() as text:
            judged = subprocess.run(["promtool", "check", "metrics"], stdin=text, capture_output=True, text=True)
        assert (judged.returncode, judged.stdout + judged.stderr) == (0, ""), file
