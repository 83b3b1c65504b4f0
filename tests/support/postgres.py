"""A Postgres server from this machine's binaries, in a folder of its own, gone when the tests are."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

BINARIES = next(
    (path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if (path / "initdb").exists()),
    Path(found).parent if (found := shutil.which("initdb")) else None,
)
"""The newest server here (Debian's place, or on PATH); None: there is none."""

PASSWORD = "p@ss/word: %20"


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """A running server with an empty database: yields the variables that ``dagster.postgres.yaml`` reads."""
    assert BINARIES is not None
    # Postgres refuses to be root, and another user sees nothing inside pytest's own folders.
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="postgres-") as name, socket.socket() as probe:
        folder = Path(name)
        if user:
            shutil.chown(folder, user["user"], user["group"])
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        initdb = [BINARIES / "initdb", "--pgdata", folder / "data", "--username", "dagster", "--encoding", "utf8"]
        trust = ["--auth", "scram-sha-256", "--pwfile", folder / "password", "--no-sync"]
        subprocess.run([*initdb, *trust], check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)
        variables = {"HOST": "127.0.0.1", "PORT": port, "DB": "postgres", "USER": "dagster", "PASSWORD": PASSWORD}
        settings = ["-p", port, "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [BINARIES / "postgres", "-D", folder / "data", *settings], cwd=folder, stdout=log, stderr=log, **user
            )
        try:
            _wait(server, variables, folder / "log")
            yield {f"DAGSTER_POSTGRES_{name}": value for name, value in variables.items()}
        finally:
            server.send_signal(subprocess.signal.SIGINT)  # Postgres's fast shutdown: it doesn't wait for clients
            server.wait(30)


def connect(variables: dict[str, str]) -> psycopg2.extensions.connection:
    """A connection to the server, with the variables of `postgres`."""
    names = {"host": "HOST", "port": "PORT", "dbname": "DB", "user": "USER", "password": "PASSWORD"}
    return psycopg2.connect(**{name: variables[f"DAGSTER_POSTGRES_{suffix}"] for name, suffix in names.items()})


def _wait(server: subprocess.Popen[bytes], variables: dict[str, str], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            connect({f"DAGSTER_POSTGRES_{name}": value for name, value in variables.items()}).close()
            return
        except psycopg2.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
