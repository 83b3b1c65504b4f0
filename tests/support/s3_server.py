"""A real S3 server on the loopback address, and a proxy before it that can be told to misbehave."""

import http.client
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Protocol

from moto.server import ThreadedMotoServer


class Service(Protocol):
    """What a proxy stands before."""

    @property
    def address(self) -> tuple[str, int]: ...

    def understood(self, headers: dict[str, str]) -> dict[str, str]:
        """The headers of a request as the service knows them."""

    def forget_everything(self) -> None: ...


@dataclass(frozen=True)
class Server:
    """moto's server."""

    process: ThreadedMotoServer

    @classmethod
    def start(cls) -> "Server":
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        process = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        process.start()
        return cls(process)

    @property
    def address(self) -> tuple[str, int]:
        return self.process.get_host_and_port()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def understood(self, headers: dict[str, str]) -> dict[str, str]:
        return headers

    def forget_everything(self) -> None:
        connection = http.client.HTTPConnection(*self.address)
        connection.request("POST", "/moto-api/reset")
        assert connection.getresponse().status == 200


@dataclass(frozen=True)
class Fault:
    """An answer that S3 itself didn't give; or its own answer, of which only the first bytes arrive; or none.

    Attributes:
        body: in place of S3's words for ``code``.
        stall: seconds before anything happens.
        reset: the connection is closed without an answer.
    """

    status: int = 0
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    body: str = ""
    stall: float = 0.0
    reset: bool = False


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a service, except those for which ``fault`` (of method and path) has another answer."""

    daemon_threads = True

    def __init__(self, server: Service, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.server = server
        self.scheme = "https" if tls else "http"
        self.requests: list[tuple[str, str, int]] = []
        """Method, path and status of every request."""
        self.encodings: set[str] = set()
        """Content encodings of all requests."""
        self.fault: Callable[[str, str], Fault | None]
        self.start_anew()
        self.thread = Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.server_address[0]}:{self.server_port}"

    def start_anew(self) -> None:
        """With an empty server and no faults."""
        self.server.forget_everything()
        self.requests.clear()
        self.encodings.clear()
        self.fault = lambda method, path: None

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.encodings.add(self.headers.get("Content-Encoding") or "")
        fault = self.server.fault(self.command, self.path)
        if fault:
            time.sleep(fault.stall)
        if fault and fault.reset:
            self.server.requests.append((self.command, self.path, 0))
            self.close_connection = True
            return
        if fault and fault.status:
            text = (
                fault.body.encode() or f"<Error><Code>{fault.code}</Code><Message>said\nso</Message></Error>".encode()
            )
            self._answer(fault.status, {"Content-Type": "application/xml", **fault.headers}, text)
            return
        connection = http.client.HTTPConnection(*self.server.server.address)
        connection.request(self.command, self.path, body, self.server.server.understood(dict(self.headers)))
        answer = connection.getresponse()
        self._answer(answer.status, dict(answer.getheaders()), answer.read(), fault.cut if fault else None)

    def _answer(self, status: int, headers: dict[str, str], body: bytes, cut: int | None = None) -> None:
        self.server.requests.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        stated = next((value for name, value in headers.items() if name.lower() == "content-length"), "0")
        length = stated if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

    def log_message(self, format: str, *values: object) -> None:
        """Quietly."""
