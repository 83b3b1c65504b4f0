"""The proxy before Dagster's webserver: what the UI sends passes, what a foreign page could send doesn't."""

import http.client
import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from servers import ROOT, free_port, running, wait_for

MUTATION = "mutation { setNuxSeen }"
QUERY = "{ version }"


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Ports of the webserver and of the proxy before it."""
    if not shutil.which("caddy"):
        pytest.skip("no caddy on this machine")
    folder = tmp_path_factory.mktemp("proxy")
    webserver, proxy = free_port(), free_port()
    text = (ROOT / "deploy/Caddyfile").read_text().replace("webserver:3000", f"127.0.0.1:{webserver}")
    text = text.replace(":3000", f":{proxy}").replace("\tadmin off\n", "\tadmin off\n\tdefault_bind 127.0.0.1\n")
    (folder / "Caddyfile").write_text(text)
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
        wait_for(f"http://127.0.0.1:{proxy}/server_info", caddy)
        yield webserver, proxy


def answer(port, method, path, headers=None, body=None):
    """(status, body) of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers or {})
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
    _, proxy = servers
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
