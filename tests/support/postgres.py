"""A Postgres server from this machine's binaries, in a folder of its own, gone when the tests are."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

BINARIES = next(
    (path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if (path / "initdb").exists()),
    Path(found).parent if (found := shutil.which("initdb")) else None,
)
"""The newest server here (Debian's place, or on PATH); None: there is none."""

PASSWORD = "p@ss/word: %20"


class Server:
    """A server with a database that was empty at first.

    Attributes:
        variables: those that ``dagster.postgres.yaml`` reads.
    """

    def __init__(self, folder: Path, port: str, user: dict[str, Any]) -> None:
        values = {"HOST": "127.0.0.1", "PORT": port, "DB": "postgres", "USER": "dagster", "PASSWORD": PASSWORD}
        self.variables = {f"DAGSTER_POSTGRES_{name}": value for name, value in values.items()}
        self._folder, self._user = folder, user
        self._settings = ["-p", port, "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"]
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        assert BINARIES is not None
        command = [BINARIES / "postgres", "-D", self._folder / "data", *self._settings]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log, **self._user)
        end = time.monotonic() + 60
        while True:
            try:
                connect(self.variables).close()
                return
            except psycopg2.OperationalError:
                told = (self._folder / "log").read_text()
                assert self._process.poll() is None, told
                assert time.monotonic() < end, told
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server without waiting for its clients, which is Postgres's fast shutdown."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)


@contextmanager
def postgres() -> Iterator[Server]:
    """A running server, gone at the end."""
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
        server = Server(folder, port, user)
        try:
            yield server
        finally:
            server.stop()


def connect(variables: dict[str, str]) -> psycopg2.extensions.connection:
    """A connection to the server, with the variables of `postgres`."""
    names = {"host": "HOST", "port": "PORT", "dbname": "DB", "user": "USER", "password": "PASSWORD"}
    return psycopg2.connect(**{name: variables[f"DAGSTER_POSTGRES_{suffix}"] for name, suffix in names.items()})
