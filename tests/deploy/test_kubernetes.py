"""The values for Dagster's Helm chart: keys that the chart knows, what the pods may do, and the pods that runs get.

`test_chart.py` renders the chart with them, where there is one.
"""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin, RepositoryPythonOrigin
from manifests import check, merged
from servers import ROOT

from spnst_pipeline.settings import Settings

FOLDER = ROOT / "deploy/kubernetes"
VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())
WITH_RAY = merged(VALUES, yaml.safe_load((FOLDER / "ray/values.yaml").read_text()))
CODE = VALUES["dagster-user-deployments"]["deployments"][0]
LAUNCHER = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
WEBSERVER, DAEMON = VALUES["dagsterWebserver"], VALUES["dagsterDaemon"]
IMAGE = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")

_POD = """envConfigMaps envSecrets env labels annotations nodeSelector affinity tolerations podSecurityContext
securityContext resources livenessProbe readinessProbe startupProbe volumeMounts volumes schedulerName image"""
CHART = {
    "dagster-user-deployments": "enabled enableSubchart imagePullSecrets deployments",
    "dagster-user-deployments.deployments.0": f"{_POD} name dagsterApiGrpcArgs codeServerArgs port "
    "includeConfigInLaunchedRuns deploymentNamespace initContainers sidecarContainers",
    "runLauncher": "type config",
    "runLauncher.config.k8sRunLauncher": """image imagePullPolicy jobNamespace loadInclusterConfig kubeconfigFile
    envConfigMaps envSecrets envVars volumeMounts volumes labels failPodOnRunFailure resources schedulerName
    securityContext runK8sConfig""",
    "runLauncher.config.k8sRunLauncher.runK8sConfig": "containerConfig podSpecConfig podTemplateSpecMetadata "
    "jobSpecConfig jobMetadata",
    "dagsterWebserver": f"{_POD} replicaCount nameOverride pathPrefix service workspace deploymentLabels "
    "enableReadOnly dbStatementTimeout dbPoolRecycle logLevel",
    "dagsterDaemon": f"{_POD} enabled runCoordinator heartbeatTolerance deploymentLabels runMonitoring runRetries "
    "sensors schedules",
    "dagsterDaemon.runCoordinator": "enabled type config",
    "concurrency": "enabled pools runs",
    "concurrency.pools": "defaultLimit granularity opGranularityRunBuffer",
    "concurrency.runs": "maxConcurrentRuns tagConcurrencyLimits",
    "computeLogManager": "type config",
    "postgresql": "image enabled postgresqlHost postgresqlUsername postgresqlPassword postgresqlDatabase "
    "postgresqlParams postgresqlScheme service",
    "": """global dagster-user-deployments dagsterWebserver postgresql generatePostgresqlPasswordSecret
    generateCeleryConfigSecret rabbitmq redis flower ingress imagePullSecrets computeLogManager scheduler runLauncher
    pythonLogs dagsterDaemon busybox migrate telemetry serviceAccount retention concurrency
    additionalInstanceConfig""",
}
"""The keys of the chart's values.schema.json, of Dagster 1.13, for each place in it; the chart refuses most others."""


@pytest.mark.parametrize("values", [VALUES, WITH_RAY], ids=["alone", "with Ray"])
@pytest.mark.parametrize("place", CHART)
def test_the_chart_knows_every_key(place, values):
    block = values
    for step in filter(None, place.split(".")):
        block = block[int(step) if step.isdigit() else step]
    assert set(block) <= set(CHART[place].split())


def test_secrets_are_named_and_not_written():
    text = (FOLDER / "values.yaml").read_text() + (FOLDER / "spnst.yaml").read_text()
    assert not re.search(r"(?i)(password|secret_access_key): *[\"']?[A-Za-z0-9/+]{3}", text)
    assert VALUES["global"]["postgresqlSecretName"] == "spnst-postgres"
    assert not VALUES["generatePostgresqlPasswordSecret"]
    for block in (CODE, LAUNCHER, WEBSERVER, DAEMON):
        assert block["envSecrets"] == [{"name": "spnst-s3"}]
    for block in (VALUES, VALUES["dagster-user-deployments"]):
        assert block["imagePullSecrets"] == [{"name": "registry"}]


def test_no_pod_is_root_or_can_become_it():
    for pod, container in (
        *((block["podSecurityContext"], block["securityContext"]) for block in (CODE, WEBSERVER, DAEMON)),
        (LAUNCHER["runK8sConfig"]["podSpecConfig"]["securityContext"], LAUNCHER["securityContext"]),
    ):
        assert pod["runAsNonRoot"] and f"USER {pod['runAsUser']}" in IMAGE
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_every_pod_is_limited_in_memory_and_probed():
    for block in (CODE, WEBSERVER, DAEMON):
        assert {*block["resources"]["requests"]} == {"cpu", "memory"}
        assert "memory" in block["resources"]["limits"]
        assert "livenessProbe" in block
    assert WEBSERVER["readinessProbe"]["httpGet"]["port"] == WEBSERVER["service"]["port"] > 1024  # no pod is root


def test_the_instance_is_the_shipped_one_with_more_runs():
    shipped = yaml.safe_load((ROOT / "spnst_pipeline/dagster.yaml").read_text())
    cluster = dict(VALUES["additionalInstanceConfig"])
    assert VALUES["concurrency"] == {
        "enabled": True,
        "pools": {"granularity": "run", "defaultLimit": 4},
        "runs": {"maxConcurrentRuns": 12},
    }
    assert DAEMON["runCoordinator"] == {"enabled": True, "type": "QueuedRunCoordinator"}
    assert cluster.pop("run_monitoring") == {**shipped.pop("run_monitoring"), "start_timeout_seconds": 1200}
    del shipped["concurrency"], shipped["python_logs"], shipped["telemetry"]
    assert cluster == shipped
    assert VALUES["telemetry"] == {"enabled": False}
    for block in ("runMonitoring", "runRetries"):  # they would be set twice
        assert DAEMON[block] == {"enabled": False}


@pytest.fixture
def settings(monkeypatch):
    monkeypatch.setenv("SPNST_CONFIG", str(FOLDER / "spnst.yaml"))
    return Settings.load()


def test_every_pod_of_the_project_reads_the_same_settings(settings):
    assert settings.out == "s3://BUCKET/store"
    assert settings.workers == VALUES["concurrency"]["pools"]["defaultLimit"]
    assert settings.cpu_run_tags.keys() == {"dagster-k8s/config"}
    variables = dict(re.findall(r"(\w+)=(\S*)", re.findall(r"^ENV (.*)$", IMAGE, re.MULTILINE)[-1]))
    assert variables == {"SPNST_WEIGHTS": "/opt/weights", "SPNST_CONFIG": "/etc/spnst/spnst.yaml", "SPNST_OUT": ""}
    for block in (CODE, LAUNCHER):
        assert block["volumes"] == [{"name": "settings", "configMap": {"name": "spnst"}}]
        assert [mount["mountPath"] for mount in block["volumeMounts"]] == ["/etc/spnst"]


class Api(BaseHTTPRequestHandler):
    """As much of Kubernetes' API as taking a job needs."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, json.loads(body)))
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def launched(tmp_path, request):
    """A function from the tags of a run to the Kubernetes job that Dagster's own launcher makes of it.

    The values are the test's parameter, or else those of values.yaml.
    """
    values = getattr(request, "param", VALUES)
    settings = values["runLauncher"]["config"]["k8sRunLauncher"]
    pytest.importorskip("dagster_k8s", reason="pip install 'spnst[kubernetes]'")
    server = HTTPServer(("127.0.0.1", 0), Api)
    server.posted = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    here = {"name": "h", "context": {"cluster": "c", "user": "u"}}
    users = [{"name": "u", "user": {}}]
    kubeconfig = {"clusters": [cluster], "contexts": [here], "users": users, "current-context": "h"}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    pods = settings["runK8sConfig"]
    launcher = {  # as the chart's templates/helpers/instance/_run-launcher.tpl writes it
        "load_incluster_config": False,
        "kubeconfig_file": str(tmp_path / "kubeconfig"),
        "job_namespace": "spnst",
        "image_pull_policy": settings["imagePullPolicy"],
        "image_pull_secrets": values["imagePullSecrets"],
        "service_account_name": "dagster",
        "dagster_home": values["global"]["dagsterHome"],
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": values["global"]["postgresqlSecretName"],
        "env_secrets": [secret["name"] for secret in settings["envSecrets"]],
        "volumes": settings["volumes"],
        "volume_mounts": settings["volumeMounts"],
        "fail_pod_on_run_failure": settings["failPodOnRunFailure"],
        "security_context": settings["securityContext"],
        "run_k8s_config": {re.sub("([A-Z])", r"_\1", key).lower(): value for key, value in pods.items()},
    }
    home = {
        **values["additionalInstanceConfig"],
        "run_coordinator": {"module": "dagster.core.run_coordinator", "class": "QueuedRunCoordinator"},
        "run_launcher": {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": launcher},
        "telemetry": {"enabled": False},
    }
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(home))
    code = RepositoryPythonOrigin(
        sys.executable, ModuleCodePointer("m", "f", None), "REGISTRY/image:TAG", DEFAULT_DAGSTER_ENTRY_POINT
    )

    @dg.job
    def painting(): ...

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:

        def launch(tags):
            run = instance.create_run_for_job(painting, tags=tags, job_code_origin=JobPythonOrigin("painting", code))
            instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
            path, job = server.posted[-1]
            assert path == "/apis/batch/v1/namespaces/spnst/jobs"
            check(job)
            return job["spec"]

        yield launch
    server.shutdown()


def test_a_run_has_a_gpu_the_settings_and_no_privileges(launched):
    job = launched({})
    assert job["ttlSecondsAfterFinished"] == 3600
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "REGISTRY/image:TAG"
    assert container["resources"]["limits"] == {"memory": "12Gi", "nvidia.com/gpu": "1"}
    assert container["securityContext"] == LAUNCHER["securityContext"]
    assert container["envFrom"] == [{"secretRef": {"name": "spnst-s3"}}]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/etc/spnst"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert [each["key"] for each in pod["tolerations"]] == ["nvidia.com/gpu"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["automountServiceAccountToken"] is False


def test_a_run_without_networks_goes_to_any_node_and_has_no_gpu(launched, settings):
    pod = launched(dg.RunRequest(tags=settings.cpu_run_tags).tags)["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"] == {"limits": {"memory": "4Gi"}, "requests": {"cpu": "1", "memory": "2Gi"}}
    assert not pod.get("tolerations")
    assert container["securityContext"] == LAUNCHER["securityContext"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["envFrom"] == [{"secretRef": {"name": "spnst-s3"}}]


@pytest.mark.parametrize("launched", [WITH_RAY], indirect=True)
def test_a_run_whose_cells_are_painted_on_ray_has_rays_token_and_no_gpu(launched):
    pod = launched({})["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"] == {
        "limits": {"memory": "12Gi", "nvidia.com/gpu": "0"},
        "requests": {"cpu": "2", "memory": "6Gi"},
    }
    assert not pod.get("tolerations")
    given = {each["name"]: each for each in container["env"]}
    assert given["RAY_AUTH_MODE"]["value"] == "token"
    assert given["RAY_AUTH_TOKEN"]["valueFrom"] == {"secretKeyRef": {"name": "spnst-ray", "key": "auth_token"}}
    assert "DAGSTER_PG_PASSWORD" in given
    assert container["envFrom"] == [{"secretRef": {"name": "spnst-s3"}}]
    assert container["securityContext"] == LAUNCHER["securityContext"]
    assert pod["securityContext"]["runAsUser"] == 10001
