"""Targets that a painting step finds missing or out of date: it makes them, and reports them as their assets do."""

from dataclasses import dataclass
from threading import Barrier, Thread

import dagster as dg
import pytest
from dagster._utils.test.data_versions import get_stale_status_resolver
from safetensors.torch import load
from small_project import Recorder

from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.seal import SEAL
from spnst_pipeline.cli.execution import failures
from spnst_pipeline.definitions import build
from spnst_pipeline.defs.targets import GRAMS
from spnst_pipeline.planning.plan import Launch
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

GATYS, GRID = ArtefactId("pastiche", "gatys"), ("boat|dots", "cat|wave")
CATS = ArtefactId("depth_map", content="cat"), ArtefactId("edge_map", content="cat")
WAVES = ArtefactId("style_grams", style="wave")
RELATED = ("content_image", "depth_map", "edge_map", "style_image", "style_grams")


@dataclass
class Backfill:
    """One run of a backfill: what it made, what failed, and how it told Dagster."""

    made: list[str]
    failed: list[str]
    id: str


@pytest.fixture
def backfill(made):
    """A function that makes an asset over a rectangle of the grid, as a backfill in the UI does."""

    def backfill(asset=GATYS, span=GRID):
        project, recorder, launch = Project.open(made.settings()), Recorder(), Launch((asset,), span, False)
        job = build(project.recipes, project, recorder, 64).resolve_implicit_global_asset_job_def()
        with made.instance() as instance:
            result = job.execute_in_process(
                instance=instance,
                asset_selection=launch.keys,
                tags=launch.tags,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
        return Backfill(recorder.keys, failures(result), result.run_id)

    return backfill


def read(place, path):
    """What a file holds; of safetensors, whose header is in no order, each tensor by itself, without the seal."""
    data = (place.out / path).read_bytes()
    if not path.endswith(".safetensors"):
        return data
    carried = {name: text for name, text in metadata(path, data).items() if name != SEAL}
    return {name: tensor.numpy().tobytes() for name, tensor in load(data).items()}, carried


def lose(place, *artefacts):
    """Take artefacts out of the store; what their files held."""
    held = {}
    for artefact in artefacts:
        for path in (artefact.path, *artefact.beside.values()):
            held[path] = read(place, path)
            (place.out / path).unlink()
    return held


def lose_pastiches(place):
    lose(place, *(GATYS.at(f"{content}|{style}") for content in ("boat", "cat") for style in ("dots", "wave")))


def latest(place, artefact):
    """The newest event of an artefact."""
    with place.instance() as instance:
        key = dg.AssetRecordsFilter(artefact.asset_key, asset_partitions=[artefact.partition])
        [record] = instance.fetch_materializations(key, limit=1).records
    return record


def test_cells_of_pictures_without_targets_are_painted_and_the_targets_are_made(made, backfill):
    held = lose(made, *CATS, WAVES)
    lose_pastiches(made)
    run = backfill()
    assert run.failed == []
    assert run.made[:3] == [artefact.path for artefact in (*CATS, WAVES)]
    assert len(run.made) == 3 + 4
    assert {path: read(made, path) for path in held} == held
    assert made.run().recorder.keys == []


def test_a_target_out_of_date_is_made_again_and_those_that_are_up_to_date_are_left_alone(made, backfill):
    (made.out / CATS[0].path).write_bytes(b"not a depth map")
    others = [path for folder in RELATED[1:] for path in (made.out / folder).iterdir() if path.stem != "cat"]
    before = {path: path.stat().st_mtime_ns for path in others}
    assert backfill().made == [CATS[0].path]
    assert {path: path.stat().st_mtime_ns for path in others} == before


def test_a_target_is_told_of_as_a_partition_of_its_own_asset_with_its_checks(made, backfill):
    lose(made, CATS[0])
    run = backfill()
    record = latest(made, CATS[0])
    assert record.run_id == run.id
    event = record.asset_materialization
    assert event.metadata["preview"].value.startswith("![preview](data:image/webp")
    assert event.tags["dagster/data_version"] == event.metadata["fingerprint"].value
    check = dg.AssetCheckKey(CATS[0].asset_key, "not_constant")
    with made.instance() as instance:
        newest = instance.event_log_storage.get_asset_check_execution_history(check, limit=1, partition_filter=None)[0]
        assert (newest.run_id, newest.partition, newest.status.value) == (run.id, "cat", "SUCCEEDED")
        assert instance.get_materialized_partitions(CATS[0].asset_key) == {"boat", "cat"}
    assert latest(made, CATS[1]).run_id != run.id


def test_nothing_looks_stale_after_it(made, backfill, picture):
    """Neither the targets of a replaced picture, nor what was made of them in the same run."""
    picture(99).save(made.root / "contents/cat.png")
    assert backfill(ArtefactId("content_image"), ("boat", "cat")).made == ["content_image/cat.png"]
    run = backfill()
    assert run.made[:2] == [artefact.path for artefact in CATS]
    project = Project.open(made.settings())
    graph = build(project.recipes, project, Listener(), 64).resolve_asset_graph()
    with made.instance() as instance:
        resolver = get_stale_status_resolver(instance, graph.assets_defs)
        for artefact in (*CATS, GATYS.at("cat|wave"), GATYS.at("cat|dots")):
            assert resolver.get_status(artefact.asset_key, artefact.partition).value == "FRESH", artefact


def test_a_picture_that_cannot_be_read_fails_its_cells_and_no_others(made, backfill):
    lose(made, *CATS)
    lose_pastiches(made)
    decoded = made.out / "content_image/cat.png"
    decoded.write_bytes(decoded.read_bytes()[:-100])  # it carries its fingerprint all the same
    run = backfill()
    cells = [line for line in run.failed if line.startswith("pastiche/gatys[")]
    why = f"depth_map[cat] can't be made: {decoded} was damaged or replaced"
    for style, line in zip(("dots", "wave"), cells, strict=True):
        assert line.startswith(f"pastiche/gatys[cat|{style}]: {why}")
    assert [line.split(":")[0] for line in run.failed if line not in cells] == ["depth_map[cat]", "edge_map[cat]"]
    assert run.made == ["pastiche/gatys/boat/dots.png", "pastiche/gatys/boat/wave.png"]


def test_a_picture_that_is_not_in_the_store_is_asked_for(made, backfill):
    lose(made, *CATS, ArtefactId("content_image", content="cat"))
    advice = "content_image/cat.png isn't in the store: materialise content_image[cat] first"
    assert backfill().failed == [f"pastiche/gatys[cat|{style}]: {advice}" for style in ("dots", "wave")]


def test_scores_need_pastiches_and_do_not_make_them(made, backfill):
    lose_pastiches(made)
    run = backfill(ArtefactId("metrics", "gatys"), ("cat|wave", "cat|wave"))
    advice = "pastiche/gatys/cat/wave.png is missing or out of date: materialise pastiche/gatys[cat|wave] first"
    assert run.failed == [f"metrics/gatys[cat|wave]: {advice}"]


def test_runs_that_meet_in_a_target_leave_one_whole_file(made):
    held = lose(made, WAVES)
    project, together, found = Project.open(made.settings()), Barrier(2), []
    assert project.models  # loaded before the threads share it

    def make():
        lineage = Lineage(project)
        together.wait()
        found.append(GRAMS.make(lineage, Listener(), "wave"))

    threads = [Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({made.version for made in found}) == 1
    assert read(made, WAVES.path) == held[WAVES.path]
    third = Recorder()
    GRAMS.make(Lineage(project), third, "wave")
    assert third.keys == []
