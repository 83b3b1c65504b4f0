"""The deployment of compose.yaml without containers: its commands as processes, its variables, a real Postgres."""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest
import yaml
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient
from postgres import connect
from servers import ROOT, free_port, running
from small_project import CONTENTS, STYLES, furnish

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
DAGSTER = ("code", "webserver", "guests", "daemon")
ENTRY = DEPLOY / "with-secrets.sh"


def instruction(name):
    """The last instruction of this name in the Dockerfile."""
    return re.findall(rf"^\s*{name} (.*)$", DOCKERFILE, re.MULTILINE)[-1]


def image_environment():
    return dict(re.findall(r"(\w+)=(\S+)", instruction("ENV")))


def command(service):
    words = SERVICES[service].get("command") or json.loads(instruction("CMD"))
    defaults = [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", word) for word in words]
    return [*json.loads(instruction("ENTRYPOINT")), *defaults]


def health(service):
    test = SERVICES[service].get("healthcheck", {}).get("test", ["CMD"])[1:]
    return test or json.loads(instruction("HEALTHCHECK").split(" CMD ")[1])


def test_every_variable_of_the_database_is_given_to_every_service():
    wanted = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.postgres.yaml").read_text()))
    assert len(wanted) == 5
    for service in DAGSTER:
        given = {name.removesuffix("_FILE") for name in SERVICES[service]["environment"]}
        assert wanted <= given


def test_the_image_holds_what_its_commands_name():
    assert image_environment()["DAGSTER_HOME"] == instruction("WORKDIR") == "/dagster"
    assert "COPY deploy/dagster.postgres.yaml /dagster/dagster.yaml" in DOCKERFILE
    assert "COPY deploy/workspace.yaml /dagster/workspace.yaml" in DOCKERFILE
    assert instruction("USER") not in ("0", "root")


def test_the_webservers_are_reached_through_the_proxy_alone():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    for upstream in ("webserver", "guests"):
        assert f"reverse_proxy {upstream}:3000" in (DEPLOY / "Caddyfile").read_text()
    assert "./Caddyfile:/etc/caddy/Caddyfile:ro" in SERVICES["proxy"]["volumes"]


def test_no_service_can_gain_privileges():
    assert all(service["security_opt"] == ["no-new-privileges:true"] for service in SERVICES.values())
    assert all(SERVICES[service]["cap_drop"] == ["ALL"] for service in (*DAGSTER, "proxy"))
    assert SERVICES["proxy"]["user"] not in ("0", "root")


def test_secrets_are_files_that_each_service_names():
    """Neither the environment nor a command holds one."""
    assert COMPOSE["secrets"].keys() == {"postgres_password", "users", "guests"}
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    for service in ("postgres", *DAGSTER):
        assert SERVICES[service]["secrets"] == ["postgres_password"]
        [path] = [value for name, value in SERVICES[service]["environment"].items() if "PASSWORD" in name]
        assert path == "/run/secrets/postgres_password"
    assert set(SERVICES["proxy"]["secrets"]) == {"users", "guests"}
    for name in SERVICES["proxy"]["secrets"]:
        assert f"import /run/secrets/{name}\n" in (DEPLOY / "Caddyfile").read_text()


def test_the_entry_point_reads_secrets_from_files(tmp_path):
    (tmp_path / "secret").write_text("a $(date) 'b'\n")
    show = [str(ENTRY), "sh", "-c", 'printf %s "$DAGSTER_POSTGRES_PASSWORD|${SSL_CERT-none}"']
    files = {"DAGSTER_POSTGRES_PASSWORD_FILE": str(tmp_path / "secret"), "SSL_CERT_FILE": "/no/such/file"}
    assert subprocess.run(show, env=files, capture_output=True, text=True, check=True).stdout == "a $(date) 'b'|none"
    plain = {"DAGSTER_POSTGRES_PASSWORD": "plain"}
    assert subprocess.run(show, env=plain, capture_output=True, text=True, check=True).stdout == "plain|none"
    files["DAGSTER_POSTGRES_PASSWORD_FILE"] = str(tmp_path / "nothing")
    missing = subprocess.run(show, env=files, capture_output=True, text=True, check=False)
    assert missing.returncode and "nothing" in missing.stderr and not missing.stdout


def test_every_service_is_limited_in_memory():
    assert all(service["deploy"]["resources"]["limits"]["memory"] for service in SERVICES.values())


def test_guests_have_the_webserver_that_changes_nothing():
    assert SERVICES["guests"]["command"] == [*SERVICES["webserver"]["command"], "--read-only"]


def test_the_file_for_a_gpu_adds_one_to_the_service_that_runs_and_nothing_else():
    added = yaml.safe_load((DEPLOY / "compose.gpu.yaml").read_text())["services"]
    assert added.keys() == {"code"}
    [device] = added["code"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_nothing_is_reachable_from_other_machines():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.fixture
def deployment(database, tmp_path):
    """A function that runs a command as a service would, and one that starts a service and waits for its health."""
    connection = connect(database.variables)
    connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
    connection.cursor().execute("CREATE DATABASE compose")
    connection.close()
    place = furnish(tmp_path / "project")
    home = tmp_path / "home"
    home.mkdir()
    ports = {"4000": str(free_port()), "3000": str(free_port())}
    (tmp_path / "password").write_text(database.variables["DAGSTER_POSTGRES_PASSWORD"] + "\n")
    given = {
        **database.variables,
        "DAGSTER_POSTGRES_PASSWORD_FILE": str(tmp_path / "password"),
        "DAGSTER_POSTGRES_DB": "compose",
        "DAGSTER_HOME": str(home),
        "SPNST_CONTENT": str(place.root / "contents"),
        "SPNST_STYLE": str(place.root / "styles"),
        "SPNST_OUT": str(place.out),
        "SPNST_RECIPES": str(place.root / "gatys.yaml"),
        "SPNST_PROFILE": "embedded",
        "SPNST_WORKERS": "1",
        "SPNST_WEIGHTS": str(tmp_path / "weights"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def here(text):
        for port, free in ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace("host: code", "host: 127.0.0.1")
        return str(ENTRY) if text == "with-secrets" else text

    def environment(service):
        names = {**image_environment(), **SERVICES[service]["environment"]}
        return {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **names, **{n: given[n] for n in names if n in given}}

    (home / "dagster.yaml").write_text((DEPLOY / "dagster.postgres.yaml").read_text())
    (home / "workspace.yaml").write_text(here((DEPLOY / "workspace.yaml").read_text()))

    with ExitStack() as stack:

        def start(service):
            arguments, variables = [here(word) for word in command(service)], environment(service)
            server = stack.enter_context(running(arguments, variables, tmp_path / f"{service}.log", home))
            end = time.monotonic() + 180
            probe = [here(word) for word in health(service)]
            while subprocess.run(probe, env=variables, cwd=home, capture_output=True, check=False).returncode:
                assert server.poll() is None, f"{service} ended with status {server.returncode}"
                assert time.monotonic() < end, f"{service} isn't healthy after three minutes"
                time.sleep(0.5)

        yield start, int(ports["3000"]), {**database.variables, "DAGSTER_POSTGRES_DB": "compose"}


@pytest.mark.slow(70)
def test_a_job_launched_at_the_webserver_runs_in_the_code_location(deployment):
    """Webserver → queue in Postgres → daemon → process of the code location → partitions in Postgres."""
    start, port, database = deployment
    for service in ("code", "webserver", "daemon"):
        start(service)
    client = DagsterGraphQLClient("127.0.0.1", port_number=port)
    run_id = client.submit_job_execution("precompute", repository_location_name="spnst")
    end = time.monotonic() + 180
    while (status := client.get_run_status(run_id)) not in (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE):
        assert time.monotonic() < end, f"{status} after three minutes"
        time.sleep(0.5)
    assert status is DagsterRunStatus.SUCCESS
    assert client._execute("{ instance { concurrencyLimits { concurrencyKey limit } } }") == {
        "instance": {"concurrencyLimits": [{"concurrencyKey": "gpu", "limit": 1}]}
    }
    connection = connect(database)
    with connection.cursor() as cursor:
        cursor.execute("SELECT partition FROM dynamic_partitions")
        assert {key for (key,) in cursor.fetchall()} == {*CONTENTS, *STYLES}
    connection.close()
