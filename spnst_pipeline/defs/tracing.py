"""Traces: spans of OpenTelemetry around what a run does, if the extra ``otel`` is installed and a collector is named.

OpenTelemetry's own environment variables say where spans go. Where they name no collector, nothing of it is imported,
and a span is an empty block. Spans are sent by a thread of their own, which drops them if the collector is away.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from spnst_core import __version__

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_log = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Environment variables that name a collector."""

TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
"""Environment variables that say for how many seconds it is tried to send spans."""

TIMEOUT = 2.0
"""Seconds, unless they say otherwise. A process sends its last spans when it ends: with OpenTelemetry's own 10 s, every
run would end so much later while the collector is away."""


@contextmanager
def span(name: str, parent: Mapping[str, str] | None = None, **attributes: Any) -> Iterator[Callable[..., None]]:
    """A span around a block, inside the one that is current, or inside one of another process.

    Args:
        parent: the `trace_context` there.
        attributes: texts, numbers and lists of texts; their names get the prefix ``spnst.``.

    Yields:
        A function that adds attributes.
    """
    tracer = _tracer()
    if tracer is None:
        yield lambda **_: None
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract(parent) if parent else None
    with tracer.start_as_current_span(name, context, attributes=_prefixed(attributes)) as current:
        yield lambda **more: current.set_attributes(_prefixed(more))


def past_span(name: str, began: int, ended: int, **attributes: Any) -> None:
    """A span of the past inside the current one; times are in nanoseconds since 1970."""
    if tracer := _tracer():
        tracer.start_span(name, start_time=began, attributes=_prefixed(attributes)).end(ended)


def trace_context() -> dict[str, str]:
    """What another process needs to put its spans inside the current one: W3C's ``traceparent``; empty without one."""
    carrier = dict[str, str]()
    if _tracer():
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        TraceContextTextMapPropagator().inject(carrier)
    return carrier


def _prefixed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {f"spnst.{name}": value for name, value in attributes.items()}


@cache
def _tracer() -> Tracer | None:
    """The process's tracer; None if nothing is to be traced."""
    if not any(map(os.environ.get, ENDPOINTS)) or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        _log.warning("%s is set, but there are no traces without %s: pip install 'spnst[otel]'", _named(), error.name)
        return None
    ours = Resource.create({"service.name": "spnst", "service.version": __version__})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))  # the environment's win
    exporter = OTLPSpanExporter(timeout=None if any(map(os.environ.get, TIMEOUTS)) else TIMEOUT)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider.get_tracer("spnst", __version__)


def _named() -> str:
    """The variable that names the collector."""
    return next(name for name in ENDPOINTS if os.environ.get(name))
