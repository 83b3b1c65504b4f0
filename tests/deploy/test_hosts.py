"""Three hosts that share nothing but a network: records, store and UI on one, a painter on each of the others."""

import json
import os
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import dagster as dg
import pytest
from hosts import hosts, why_not
from postgres import BINARIES, postgres
from ray_cluster import QUIET, start
from s3_server import Proxy, Server
from servers import ROOT, running
from small_project import PREPARATION, draw, furnish
from ui import dagster_dev

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.storage.s3 import client

CONFIG = ROOT / "deploy/dagster.postgres.yaml"
PASTICHES = ArtefactId("pastiche", "gatys")
CONTENTS = ("boat", "cat", "door", "elm", "fox", "goat")
STYLES = ("dots", "ink", "jade", "lace", "moss", "wave")
CELLS = {f"/bucket/store/{PASTICHES.at(f'{content}|{style}').path}" for content, style in product(CONTENTS, STYLES)}

LAUNCH = """mutation ($launch: ExecutionParams!) { launchPipelineExecution(executionParams: $launch) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


def ask(url, query, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        [found] = json.load(answer)["data"].values()
    return found


def launch(url):
    """A run of the whole grid, as the UI launches it."""
    first, last = (f"{axis[0]}|{other[0]}" for axis, other in ((CONTENTS, STYLES), (CONTENTS[::-1], STYLES[::-1])))
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    asked = {
        "mode": "default",
        "selector": {
            "repositoryLocationName": "spnst_pipeline.definitions",
            "repositoryName": "__repository__",
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": PASTICHES.asset_key.path}],
            "assetCheckSelection": [],
        },
        "runConfigData": {},
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
    }
    found = ask(url, LAUNCH, launch=asked)
    assert found["__typename"] == "LaunchRunSuccess", found
    return found["run"]["runId"]


def until(reached, seconds=900):
    end = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


@pytest.fixture
def net(monkeypatch):
    """Three hosts, on the first of which the test is from now on."""
    if reason := why_not():
        pytest.skip(reason)
    with hosts(3) as made:
        yield made


@pytest.fixture
def folder():
    """A folder whose path is short enough for the sockets that Ray puts there."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="r", dir="/tmp") as name:
        yield Path(name) / "ray"


@pytest.mark.ray
@pytest.mark.daemon
@pytest.mark.postgres
@pytest.mark.s3
@pytest.mark.slow(300)
def test_a_grid_is_whole_although_one_host_dies_and_the_other_is_cut_off(net, folder, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray isn't installed: pip install 'spnst[ray]'")
    if BINARIES is None:
        pytest.skip("no Postgres server on this machine: apt-get install postgresql")
    here, dying, cut_off = net
    place = furnish(tmp_path / "project")
    for axis, names in (("contents", CONTENTS), ("styles", STYLES)):
        for number, name in enumerate(names):
            draw(50 + number).save(place.root / axis / f"{name}.png")
    (place.root / "gatys.yaml").write_text("weights: {tv: 0.05}\nstages: [{steps: 10}]\n")
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(CONFIG.read_text())
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        server = Server.start()
        stack.callback(server.process.stop)
        proxy = Proxy(server, host=here.address)
        stack.callback(proxy.stop)
        given = {
            **database.variables,
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_ACCESS_KEY_ID": "anybody",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONPATH": str(ROOT),
            **QUIET,
            "RAY_TMPDIR": str(folder),
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        client.cache_clear()
        stack.callback(client.cache_clear)
        client().create_bucket(Bucket="bucket")
        folder.mkdir()
        environment = dict(os.environ)
        head = start("--head", f"--node-ip-address={here.address}", "--port=6379", "--num-cpus=0")
        stack.enter_context(running([*head, "--include-dashboard=false"], environment, tmp_path / "head.log"))
        for host in (dying, cut_off):
            worker = start(f"--address={here.address}:6379", f"--node-ip-address={host.address}", "--num-cpus=1")
            log = tmp_path / f"{host.name}.log"
            stack.enter_context(running(host.command(*worker, own=folder), environment, log))
        prepared = place.run(
            phases=PREPARATION,
            out="s3://bucket/store",
            home=str(home),
            recipes=(str(place.root / "gatys.yaml"),),
            pool="ray",
            ray_painters=2,
            ray_batch=2,
        )
        assert prepared.failed == []
        url = stack.enter_context(dagster_dev(home))
        run = launch(url)

        def written():
            """How often each pastiche was written."""
            return Counter(path for method, path, status in proxy.requests if method == "PUT" and path in CELLS)

        def over():
            status = ask(url, STATUS, run=run)["status"]
            return status if status in ("SUCCESS", "FAILURE", "CANCELED") else ""

        until(lambda: len(written()) >= 8)
        dying.kill()
        until(lambda: len(written()) >= 16)
        cut_off.plug("down")
        time.sleep(30)
        before = len(written())
        cut_off.plug("up")
        assert until(over) == "SUCCESS"
        assert before < len(CELLS)
        assert written() == Counter(CELLS)  # each once
        with dg.DagsterInstance.from_config(str(home)) as instance:
            made = instance.get_materialized_partitions(PASTICHES.asset_key)
            assert len(made) == len(CELLS)
