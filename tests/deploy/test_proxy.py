"""The proxy before Dagster's webservers: what the UI of a user who has logged in sends passes, and nothing else."""

import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from servers import ROOT, free_port, running, wait_for

MUTATION = "mutation { setNuxSeen }"
QUERY = "{ version }"
PASSWORD = "so long, and 100 % thanks"


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Ports of the webserver, of the proxy before it, and of the proxy for guests, who share the webserver here."""
    if not shutil.which("caddy"):
        pytest.skip("no caddy on this machine")
    folder = tmp_path_factory.mktemp("proxy")
    webserver, proxy, guests = free_port(), free_port(), free_port()
    text = (ROOT / "deploy/Caddyfile").read_text()
    for upstream in ("webserver:3000", "guests:3000"):
        text = text.replace(upstream, f"127.0.0.1:{webserver}")
    text = text.replace(":3000", f":{proxy}").replace(":3001", f":{guests}").replace("/run/secrets/", "")
    (folder / "Caddyfile").write_text(text.replace("\tadmin off\n", "\tadmin off\n\tdefault_bind 127.0.0.1\n"))
    command = ["caddy", "hash-password", "--plaintext", PASSWORD]
    hashed = subprocess.run(command, capture_output=True, text=True, check=True)
    for file, name in (("users", "ada"), ("guests", "guest")):
        (folder / file).write_text(f"{name} {hashed.stdout}")
    environment = {**os.environ, "DAGSTER_HOME": str(folder), "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [
        Path(sys.executable).parent / "dagster-webserver",
        "--empty-workspace",
        "-h",
        "127.0.0.1",
        "-p",
        webserver,
    ]
    behind = running([*map(str, command)], environment, folder / "webserver.log", folder)
    before = running(["caddy", "run", "--config", "Caddyfile"], environment, folder / "proxy.log", folder)
    with behind as server, before as caddy:
        wait_for(f"http://127.0.0.1:{webserver}/server_info", server)
        wait_for(f"http://127.0.0.1:{proxy}", caddy)
        yield webserver, proxy, guests


def login(name, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def answer(port, method, path, headers=None, body=None):
    """(status, body) of a request by somebody who has logged in, unless the headers say otherwise."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, {"Authorization": login("ada"), **(headers or {})})
    told = connection.getresponse()
    return told.status, told.read().decode()


def asked(query):
    return f"/graphql?{urlencode({'query': query})}"


def post(port, **headers):
    body = json.dumps({"query": QUERY})
    return answer(port, "POST", "/graphql", {"Content-Type": "application/json", **headers}, body)


@pytest.mark.daemon
def test_the_webserver_itself_carries_out_a_mutation_by_get_under_any_name(servers):
    """The reason for the proxy: when this fails, Dagster has mended it."""
    status, told = answer(servers[0], "GET", asked(MUTATION), {"Host": "evil.example"})
    assert (status, json.loads(told)) == (200, {"data": {"setNuxSeen": True}})


@pytest.mark.daemon
def test_what_the_ui_sends_passes(servers):
    _, proxy, _ = servers
    own = f"http://localhost:{proxy}"
    for headers in ({}, {"Origin": f"http://127.0.0.1:{proxy}"}, {"Origin": own, "Host": f"localhost:{proxy}"}):
        status, told = post(proxy, **headers)
        assert (status, set(json.loads(told)["data"])) == (200, {"version"})
    assert answer(proxy, "GET", "/")[0] == 200
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Origin": own,
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "graphql-ws",
    }
    assert answer(proxy, "GET", "/graphql", handshake)[0] == 101


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", asked(MUTATION), {}, 405),
        ("HEAD", asked(MUTATION), {}, 405),
        ("GET", asked(MUTATION).replace("/graphql", "//graphql"), {}, 405),
        ("GET", asked(MUTATION).replace("graphql", "%67raphql"), {}, 405),
        ("GET", "/", {"Host": "evil.example"}, 421),
        ("POST", asked(MUTATION), {"Host": "evil.example:3000"}, 421),
        ("POST", asked(MUTATION), {"Origin": "https://evil.example"}, 403),
        ("POST", asked(MUTATION), {"Origin": "null"}, 403),
        ("POST", "/report_asset_materialization/pastiche", {"Origin": "https://evil.example"}, 403),
        ("GET", "/graphql", {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "https://evil.example"}, 403),
    ],
)
def test_what_a_foreign_page_could_send_is_refused(servers, method, path, headers, status):
    assert answer(servers[1], method, path, headers)[0] == status


@pytest.mark.daemon
@pytest.mark.parametrize("given", ["", login("ada", "wrong"), login("nobody"), login("guest")])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/graphql"), ("GET", "/graphql")])
def test_without_a_log_in_there_is_nothing(servers, method, path, given):
    assert answer(servers[1], method, path, {"Authorization": given}) == (401, "")


@pytest.mark.daemon
def test_guests_log_in_at_their_own_port_alone(servers):
    _, _, guests = servers
    assert answer(guests, "GET", "/", {"Authorization": login("guest")})[0] == 200
    assert answer(guests, "GET", "/", {"Authorization": login("ada")})[0] == 401
    assert answer(guests, "GET", asked(MUTATION), {"Authorization": login("guest")})[0] == 405
