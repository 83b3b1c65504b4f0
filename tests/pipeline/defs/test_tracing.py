"""Traces: the spans of a run and of a painter in another process, and that nothing is imported where none are asked."""

import os
import pickle
import shutil
import sys
import time

import pytest
from otlp import collector
from servers import free_port
from small_project import Workplace

from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs import tracing
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.pool.painter import Painter
from spnst_pipeline.defs.rows import look_up
from spnst_pipeline.defs.tracing import span, trace_context
from spnst_pipeline.planning.plan import painting
from spnst_pipeline.project import Project

pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry isn't installed: pip install 'spnst[otel]'")


def forget(patch):
    """Nothing that the environment says of traces is in force, and nothing that was made of it before."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        patch.delenv(name)
    tracing._tracer.cache_clear()


@pytest.fixture(autouse=True)
def _untraced(monkeypatch):
    forget(monkeypatch)
    yield
    tracing._tracer.cache_clear()


@pytest.fixture
def spans(monkeypatch):
    """The spans that have ended, in memory."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("test"))
    monkeypatch.setattr(tracing._tracer, "cache_clear", lambda: None, raising=False)
    return kept.get_finished_spans


def tree(ended, parent=None):
    """Spans as (name, what is inside), in the order in which they began."""
    inside = [each for each in ended if (each.parent.span_id if each.parent else None) == parent]
    inside.sort(key=lambda each: each.start_time)
    return [(each.name, tree(ended, each.context.span_id)) for each in inside]


def told(ended, name):
    """The attributes of the spans of a name."""
    return [dict(each.attributes) for each in ended if each.name == name]


def half_painted(made: Workplace) -> Workplace:
    """A project in which the cells of one content aren't painted, and one of them can't be."""
    shutil.rmtree(made.out / "pastiche/gatys/cat")
    (made.out / "pastiche/gatys/cat/dots.png").mkdir(parents=True)
    return made


def test_a_run_is_one_trace_from_looking_up_to_writing(made, spans):
    run = half_painted(made).run(phases=(painting,), recipes=(str(made.root / "gatys.yaml"),))
    [root] = tree(spans())
    batch = ("batch", [("stage", []), ("stage", []), ("write", [])])
    begun = [("prepare targets", []), ("look up", []), ("load networks", [])]
    assert root == ("paint", [*begun, batch, batch, batch])  # of both cells, and then of each
    failed = [each for each in spans() if each.name == "batch" and not each.status.is_ok]
    assert [each.attributes["spnst.styles"] for each in failed] == [("dots", "wave"), ("dots",)]
    [attributes] = told(spans(), "paint")
    counted = {"spnst.cells": 2, "spnst.cells_done": 1, "spnst.cells_kept": 0, "spnst.cells_failed": 1}
    assert attributes == {"spnst.run": run.runs[-1], "spnst.recipe": "gatys", **counted}


def test_the_spans_of_a_painter_in_another_process_are_inside_that_of_the_step(made, spans):
    shutil.rmtree(made.out / "pastiche/gatys/cat")
    project = Project.open(made.settings(recipes=(str(made.root / "gatys.yaml"),)))
    [row] = look_up(Lineage(project), project.recipes[0], "cat", ["dots", "wave"], Paint(), ["pastiche"])
    with span("paint"):
        sent = pickle.dumps(row.for_another_process())
    painter = Painter()
    painter.prepare(pickle.loads(sent))
    painter.paint(pickle.loads(sent))
    stages = [("stage", []), ("stage", [])]
    painted = ("painter", [("batch", [*stages, ("write", []), ("write", [])])])
    assert tree(spans()) == [("paint", [("load networks", []), painted])]
    assert len({each.context.trace_id for each in spans()}) == 1
    [attributes] = told(spans(), "painter")
    assert attributes["spnst.styles"] == ("dots", "wave")
    assert [each["spnst.stage"] for each in told(spans(), "stage")] == [1, 2]
    assert [each["spnst.steps"] for each in told(spans(), "stage")] == [2, 3]


def test_an_error_is_told_by_its_span(spans):
    with pytest.raises(ValueError, match="no route"), span("paint"):
        raise ValueError("no route")
    [ended] = spans()
    assert not ended.status.is_ok
    assert ended.events[0].attributes["exception.message"] == "no route"


def test_spans_arrive_at_a_collector_that_opentelemetrys_own_variables_name(monkeypatch):
    with collector() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
        with span("paint", run="1f", recipe="gatys", cells=2) as tell, span("batch", styles=["dots", "wave"]):
            tell(cells_done=1, cells_failed=1)
        tracing._tracer().span_processor.force_flush()
    inner, outer = server.spans
    assert (inner.name, outer.name) == ("batch", "paint")
    assert (inner.trace, inner.parent) == (outer.trace, outer.id)
    counted = {"spnst.cells": 2, "spnst.cells_done": 1, "spnst.cells_failed": 1}
    assert outer.attributes == {"spnst.run": "1f", "spnst.recipe": "gatys", **counted}
    [resource] = server.resources
    assert (resource["service.name"], resource["deployment.environment"]) == ("spnst", "test")


def test_the_environments_name_of_the_service_wins(monkeypatch):
    with collector() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{server.url}/v1/traces")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "gallery of the town")
        with span("paint"):
            pass
        tracing._tracer().span_processor.force_flush()
    assert server.resources[0]["service.name"] == "gallery of the town"


@pytest.mark.heavy
def test_a_collector_that_is_away_costs_a_warning_and_two_seconds_at_the_end_of_the_process(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    painted = []
    for cell in range(100):
        with span("batch", cells=1):
            painted.append(cell)
    assert len(painted) == 100
    began = time.monotonic()
    tracing._tracer().span_processor.shutdown()  # as at the end of the process
    assert time.monotonic() - began < 2 * tracing.TIMEOUT
    assert any("Failed to export" in line for line in caplog.messages)


@pytest.mark.parametrize("variables", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}])
def test_where_no_traces_are_asked_for_nothing_is_imported(variables, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for module in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.setitem(sys.modules, module, None)  # importing it would be an error
    with span("paint", cells=1) as tell:
        tell(cells_done=1)
        assert trace_context() == {}


def test_without_the_extra_it_is_told_once_that_there_are_no_traces(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    for _ in range(2):
        with span("paint"):
            pass
    [line] = caplog.messages
    assert line.startswith("OTEL_EXPORTER_OTLP_ENDPOINT is set, but there are no traces without opentelemetry.exporter")
    assert line.endswith("pip install 'spnst[otel]'")
