"""Azurite, Microsoft's own emulator of Azure's blob storage, where npm has installed it."""

import base64
import hashlib
import hmac
import http.client
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from servers import free_port, running

PROGRAM = shutil.which("azurite-blob")

ACCOUNT, KEY = "spnst", base64.b64encode(b"the key of nobody").decode()


@dataclass(frozen=True)
class Azurite:
    """A running emulator with the account `ACCOUNT`."""

    port: int

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def understood(self, headers: dict[str, str]) -> dict[str, str]:
        return headers

    def answers(self) -> bool:
        try:
            return self._container("GET", "none") == 404
        except ConnectionRefusedError:
            return False

    def forget_everything(self) -> None:
        assert self._container("DELETE", "bucket") in (202, 404)

    def make_container(self, name: str) -> None:
        assert self._container("PUT", name) == 201

    def _container(self, method: str, name: str) -> int:
        """The status of a request for a container, signed as Azure wants it (Shared Key); obstore makes none."""
        own = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
        lines = "".join(f"{header}:{value}\n" for header, value in own.items())
        text = f"{method}{chr(10) * 12}{lines}/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
        connection = http.client.HTTPConnection(*self.address)
        headers = {**own, "Authorization": f"SharedKey {ACCOUNT}:{signature}", "Content-Length": "0"}
        connection.request(method, f"/{ACCOUNT}/{name}?restype=container", headers=headers)
        return connection.getresponse().status


@contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """An emulator that keeps everything in memory, stopped at the end."""
    assert PROGRAM
    port = free_port()
    options = ["--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with running([PROGRAM, *options, "--silent"], environment, folder / "azurite.log", folder) as server:
        emulator, end = Azurite(port), time.monotonic() + 300
        while not emulator.answers():
            assert server.poll() is None and time.monotonic() < end, (folder / "azurite.log").read_text()
            time.sleep(0.1)
        yield emulator
