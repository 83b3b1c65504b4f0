"""Log records as lines of JSON, written by a handler that an instance's dagster.yaml names."""

import json
import logging
import sys

import dagster as dg
import pytest
import torch
from instances import new_instance

from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Recipe, Stage
from spnst_pipeline.defs.events import Made, Report
from spnst_pipeline.defs.log_records import JsonFormatter
from spnst_pipeline.defs.run_log import LogListener
from spnst_pipeline.progress import Said

pytestmark = pytest.mark.filterwarnings("ignore:Handling yaml-defined logging")

RECIPE = Recipe(name="bold", size=64, stages=(Stage(steps=1), Stage(steps=3)))
CELLS = dg.MultiPartitionsDefinition({name: dg.StaticPartitionsDefinition(["a", "b"]) for name in ("content", "style")})


@dg.asset(key=["pastiche", "bold"], partitions_def=CELLS, backfill_policy=dg.BackfillPolicy.single_run())
def pastiche(context: dg.AssetExecutionContext):
    listener = LogListener(seconds=0)
    listener.batch(RECIPE, "a", ["a", "b"])
    losses = {term: torch.full((2,), 0.25) for term in ("content", "style", "edge", "depth", "tv", "total")}
    listener.step(Iterate(1, 2, 3, 4, (0, 1), losses, torch.rand(2, 3, 8, 8)))
    listener.said(Said(1_000_000.25, logging.WARNING, "s3: trying again", {"painter": "node-3", "stage": 2}, note=True))
    report = Report(context)
    report.landed("a|a", Made({"fingerprint": "f"}))
    report.failed("a|b", ValueError("no\nroute"))
    yield from report.result()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(id of a run, its log)."""
    file = tmp_path_factory.mktemp("logs") / "spnst.jsonl"
    handler = {"class": "logging.FileHandler", "filename": str(file), "formatter": "json"}
    configured = {
        "formatters": {"json": {"class": f"{JsonFormatter.__module__}.JsonFormatter"}},
        "handlers": {"json": handler},
    }
    overrides = {"python_logs": {"python_log_level": "INFO", "dagster_handler_config": configured}}
    with new_instance(overrides=overrides) as instance:
        result = dg.materialize(
            [pastiche],
            instance=instance,
            tags={"dagster/asset_partition_range_start": "a|a", "dagster/asset_partition_range_end": "a|b"},
        )
    return result.run_id, [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_every_record_is_a_line_with_time_level_run_and_message(written):
    run, lines = written
    for line in lines:
        assert line["time"].endswith("+00:00")
        assert line["run"] == run
        assert {"level", "message"} <= set(line)


def test_a_batch_and_its_steps_carry_their_cells_and_stage(written):
    batch, step = (line for line in written[1] if line["message"].startswith("bold · a × a, b"))
    assert (batch["recipe"], batch["content"], batch["styles"]) == ("bold", "a", ["a", "b"])
    assert "stage" not in batch
    assert (step["step"], step["styles"], step["stage"]) == ("pastiche__bold", ["a", "b"], 2)


def test_a_line_of_a_painter_elsewhere_keeps_its_time_its_level_and_its_fields(written):
    run, lines = written
    [line] = [line for line in lines if "painter" in line]
    told = {name: line[name] for name in ("time", "level", "run", "step", "painter", "stage", "message")}
    assert told == {
        "time": "1970-01-12T13:46:40.250+00:00",
        "level": "WARNING",
        "run": run,
        "step": "pastiche__bold",
        "painter": "node-3",
        "stage": 2,
        "message": "s3: trying again",
    }


def test_a_finished_cell_carries_its_place(written):
    told = [line for line in written[1] if line.get("event") == "ASSET_MATERIALIZATION"]
    assert {"asset": "pastiche/bold", "recipe": "bold", "content": "a", "style": "a"}.items() <= told[0].items()


def test_a_failed_cell_carries_its_place_and_its_traceback_in_one_line(written):
    [error] = [line for line in written[1] if "ValueError: no\nroute" in line["message"]]
    assert (error["level"], error["recipe"], error["content"], error["style"]) == ("ERROR", "bold", "a", "b")


def test_records_from_elsewhere_are_formatted_too():
    try:
        raise OSError("gone")
    except OSError:
        record = logging.LogRecord("other", logging.INFO, "f.py", 1, "%s × %s", ("a", object), sys.exc_info())
    line = json.loads(JsonFormatter().format(record))
    assert set(line) == {"time", "level", "message", "exception"}
    assert line["message"] == "a × <class 'object'>"
    assert line["exception"].endswith("OSError: gone")
