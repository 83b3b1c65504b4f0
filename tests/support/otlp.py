"""A collector of traces for tests: it takes OTLP over HTTP, as protobuf, and keeps the spans."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Arrived(NamedTuple):
    """A span that has arrived."""

    name: str
    attributes: dict[str, Any]
    trace: bytes
    id: bytes
    parent: bytes


class Collector(ThreadingHTTPServer):
    """Listens on a free port of the loopback interface.

    Attributes:
        resources: attributes of what sent the spans, for each request.
        spans: those that have arrived, in the order in which they ended.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.resources: list[dict[str, Any]] = []
        self.spans: list[Arrived] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Requests(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        assert self.path == "/v1/traces"
        assert self.headers["Content-Type"] == "application/x-protobuf"
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in sent.resource_spans:
            self.server.resources.append(_values(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.server.spans += [
                    Arrived(span.name, _values(span.attributes), span.trace_id, span.span_id, span.parent_span_id)
                    for span in scope.spans
                ]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
