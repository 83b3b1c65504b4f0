"""The Ray cluster on Kubernetes: what KubeRay requires, what its pods may do, and that the other files fit it.

Of KubeRay's own schema only what is required is here; the pods inside are checked against that of Kubernetes.
"""

import os
import re

import pytest
import yaml
from manifests import check, check_pod
from servers import ROOT

from spnst_pipeline.settings import Settings

FOLDER = ROOT / "deploy/kubernetes"
CLUSTER, POLICY = yaml.safe_load_all((FOLDER / "ray/raycluster.yaml").read_text())
VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())
RAY_VALUES = yaml.safe_load((FOLDER / "ray/values.yaml").read_text())
RUNS = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
SPEC, HEAD = CLUSTER["spec"], CLUSTER["spec"]["headGroupSpec"]
(WORKERS,) = SPEC["workerGroupSpecs"]
PODS = {"head": HEAD["template"]["spec"], "worker": WORKERS["template"]["spec"]}


@pytest.fixture
def settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SPNST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SPNST_CONFIG", str(FOLDER / "ray/spnst.yaml"))
    return Settings.load()


def test_kuberay_finds_what_it_requires():
    assert (CLUSTER["apiVersion"], CLUSTER["kind"]) == ("ray.io/v1", "RayCluster")
    assert re.fullmatch("[a-z]([a-z0-9-]*[a-z0-9])?", CLUSTER["metadata"]["name"])
    known = "rayVersion authOptions enableInTreeAutoscaling autoscalerOptions headGroupSpec workerGroupSpecs"
    assert set(SPEC) <= set(known.split())
    assert set(HEAD) == {"rayStartParams", "template"}
    assert set(WORKERS) == {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}
    for group in (HEAD, WORKERS):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    for pod in PODS.values():
        assert pod.get("restartPolicy", "Never") == "Never"  # the autoscaler's version 2 asks for it


@pytest.mark.parametrize("group", [HEAD, WORKERS], ids=PODS)
def test_kubernetes_knows_every_field_of_the_pods(group):
    check_pod(group["template"])


def test_a_field_that_kubernetes_lacks_is_told():
    template = {"spec": {"containers": [{"name": "painter", "imagePolicy": "Always"}]}}
    with pytest.raises(AssertionError, match=r"Kubernetes 1.30: Pod spec.containers.0: .*'imagePolicy' was unexpected"):
        check_pod(template)


def test_workers_are_added_for_painters_and_taken_away(settings):
    assert SPEC["enableInTreeAutoscaling"] is True
    assert SPEC["autoscalerOptions"]["version"] == "v2"
    assert SPEC["autoscalerOptions"]["idleTimeoutSeconds"] == 60
    assert (WORKERS["replicas"], WORKERS["minReplicas"]) == (0, 0)
    assert WORKERS["maxReplicas"] == settings.ray_painters
    (worker,) = PODS["worker"]["containers"]
    assert settings.ray_gpus == worker["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert settings.ray_cpus <= int(worker["resources"]["requests"]["cpu"])
    assert HEAD["rayStartParams"]["num-cpus"] == "0"  # else painters on CPUs would be there


def test_workers_go_where_runs_with_a_gpu_would():
    assert PODS["worker"]["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert PODS["worker"]["tolerations"] == RUNS["runK8sConfig"]["podSpecConfig"]["tolerations"]
    assert not {"nodeSelector", "tolerations"} & set(PODS["head"])
    (worker,) = PODS["worker"]["containers"]
    assert worker["resources"] == RUNS["runK8sConfig"]["containerConfig"]["resources"]


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_pods_are_those_of_the_chart_in_image_user_and_privileges(pod):
    (container,) = pod["containers"]
    image = VALUES["dagsterWebserver"]["image"]
    assert container["image"] == f"{image['repository']}:{image['tag']}"
    assert container["imagePullPolicy"] == image["pullPolicy"]
    assert pod["imagePullSecrets"] == VALUES["imagePullSecrets"]
    assert pod["securityContext"] == RUNS["runK8sConfig"]["podSpecConfig"]["securityContext"]
    assert container["securityContext"] == SPEC["autoscalerOptions"]["securityContext"] == RUNS["securityContext"]
    assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]
    assert "memory" in container["resources"]["limits"]
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/api/healthz", "port": 52365}


def test_painters_have_settings_and_keys_of_the_store_and_no_token_for_kubernetes():
    (worker,) = PODS["worker"]["containers"]
    assert worker["envFrom"] == [{"secretRef": secret} for secret in RUNS["envSecrets"]]
    assert worker["volumeMounts"] == RUNS["volumeMounts"]
    assert PODS["worker"]["volumes"] == RUNS["volumes"]
    assert PODS["worker"]["automountServiceAccountToken"] is False


def test_whoever_connects_needs_the_token_of_one_secret(settings):
    assert SPEC["authOptions"] == {"mode": "token", "secretName": "spnst-ray"}
    runs = RAY_VALUES["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]["containerConfig"]["env"]
    assert {"name": "RAY_AUTH_MODE", "value": "token"} in runs
    [token] = [each["valueFrom"]["secretKeyRef"] for each in runs if each["name"] == "RAY_AUTH_TOKEN"]
    assert token == {"name": SPEC["authOptions"]["secretName"], "key": "auth_token"}  # KubeRay's name of the key
    assert settings.ray_address == f"ray://{CLUSTER['metadata']['name']}-head-svc:10001"


def test_only_pods_of_the_namespace_reach_rays_ports():
    check(POLICY)
    assert POLICY["spec"]["podSelector"] == {"matchLabels": {"ray.io/cluster": CLUSTER["metadata"]["name"]}}
    assert POLICY["spec"]["ingress"] == [{"from": [{"podSelector": {}}]}]


def test_the_settings_are_those_without_ray_but_for_where_cells_are_painted(settings):
    alone = yaml.safe_load((FOLDER / "spnst.yaml").read_text())
    with_ray = yaml.safe_load((FOLDER / "ray/spnst.yaml").read_text())
    differing = {key for key in alone.keys() | with_ray.keys() if alone.get(key) != with_ray.get(key)}
    assert differing == {"pool", "ray_address", "ray_painters", "ray_gpus", "workers", "cpu_run_tags"}
    assert settings.pool == "ray"
    assert settings.workers == RAY_VALUES["concurrency"]["pools"]["defaultLimit"]


def test_the_image_carries_ray_and_what_answers_the_probes():
    image = (FOLDER / "Dockerfile").read_text()
    assert "pip install --no-cache-dir 'spnst[kubernetes,ray]' 'ray[default]'" in image
