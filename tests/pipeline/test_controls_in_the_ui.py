"""A grid with several controls at once, launched and read through the GraphQL that Dagster's UI speaks."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import numpy as np
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.test_utils import in_process_test_workspace
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_graphql.test.utils import execute_dagster_graphql
from PIL import Image

from spnst_core import Blend, Region, stylize
from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.planning.plan import PREPARATION

pytestmark = pytest.mark.project

HEIGHT, WIDTH = 60, 80
RAMP = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None].repeat(WIDTH, 1)
LEFT, RIGHT, TOP = (np.zeros((HEIGHT, WIDTH), np.uint8) for _ in range(3))
LEFT[:, :30], RIGHT[:, 60:], TOP[:20] = 255, 255, 255

LAUNCH = """mutation ($launch: ExecutionParams!) { launchPipelineExecution(executionParams: $launch) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""

CELL = """query ($asset: AssetKeyInput!, $cells: [String!]) { assetOrError(assetKey: $asset) { ... on Asset {
  assetMaterializations(partitions: $cells, limit: 1) { metadataEntries { label
    ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString } ... on FloatMetadataEntry { floatValue } }
  } } } }"""

RECIPE = """
bands: {low: {depth: [0.7, 1], strokes: large}}
weights: {edge: 0.2, depth: 0.15}
detail: 30
stages: [{scale: 0.5, steps: 2}, {steps: 3}]
"""

Ask = Callable[..., Any]


def controlled(place):
    """A project in which `cat` is transparent and has masks and a map of detail, `boat` has maps, and styles blend."""
    contents, styles = place.root / "contents", place.root / "styles"
    image = Image.open(contents / "cat.png").convert("RGBA")
    image.putalpha(Image.fromarray(255 - RIGHT))
    image.save(contents / "cat.png")
    for path, mask in ((contents / "cat.sky", TOP), (contents / "cat.keep", LEFT)):
        Image.fromarray(mask).save(f"{path}.mask.png")
    Image.fromarray(LEFT).save(styles / "wave.sky.mask.png")
    np.save(contents / "cat.detail.npy", RAMP)
    np.save(contents / "boat.depth.npy", RAMP)
    np.save(contents / "boat.edges.npy", RAMP**4)
    (styles / "blends.yaml").write_text("sunset: {dots: 0.7, wave: 0.3}\n")
    (place.root / "structure.yaml").write_text(RECIPE)
    run = place.run(phases=PREPARATION)
    assert run.failed == []
    return run.project


@contextmanager
def api(home) -> Iterator[Ask]:
    """Dagster's API over a DAGSTER_HOME, as its webserver offers it; runs are executed at once, in this process."""
    kinds = {
        "run_coordinator": ("run_coordinator", "DefaultRunCoordinator"),
        "run_launcher": ("launcher.sync_in_memory_run_launcher", "SyncInMemoryRunLauncher"),
    }
    now = {name: {"module": f"dagster._core.{module}", "class": kind} for name, (module, kind) in kinds.items()}
    origin = LoadableTargetOrigin(module_name="spnst_pipeline.definitions")
    with (
        dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=now)) as instance,
        in_process_test_workspace(instance, origin) as workspace,
    ):
        [location] = workspace.code_locations
        [repository] = location.get_repositories().values()

        def ask(query: str, **variables: Any) -> Any:
            if "launch" in variables:
                named = {"repositoryLocationName": location.name, "repositoryName": repository.name}
                variables["launch"]["selector"] |= named
            [found] = execute_dagster_graphql(workspace, query, variables).data.values()
            return found

        yield ask


def launch(ask, asset, first, last, config):
    """A rectangle of the grid with a config for its step, as the dialog of the asset's page launches it."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    asked = {
        "mode": "default",
        "selector": {
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": asset.asset_key.path}],
            "assetCheckSelection": [],
        },
        "runConfigData": {"ops": {asset.step: {"config": config}}},
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
    }
    return ask(LAUNCH, launch=asked)


def told(ask, asset, cell):
    """What the asset's page shows of a cell."""
    [event] = ask(CELL, asset={"path": asset.asset_key.path}, cells=[cell])["assetMaterializations"]
    kinds = {"text": str, "jsonString": json.loads, "floatValue": float}
    return {
        entry["label"]: read(entry[kind])
        for entry in event["metadataEntries"]
        for kind, read in kinds.items()
        if kind in entry
    }


@pytest.mark.slow(15)
@pytest.mark.filterwarnings("ignore:coroutine 'BaseEventLoop.shutdown_asyncgens'")  # a run within Dagster's own loop
def test_a_grid_launched_in_the_ui_heeds_every_control_and_its_page_tells_of_them(fresh, monkeypatch):
    project = controlled(fresh)
    contents, styles, pastiches = fresh.root / "contents", fresh.root / "styles", ArtefactId("pastiche", "structure")
    monkeypatch.setenv("SPNST_CONFIG", str(fresh.out / ".dagster/spnst.yaml"))
    with api(fresh.out / ".dagster") as ask:
        config = {"colour": "content", "colour_strength": 0.5}
        found = launch(ask, pastiches, "boat|dots", "cat|wave", config)
        assert found["__typename"] == "LaunchRunSuccess", found
        cat, boat = (told(ask, pastiches, cell) for cell in ("cat|wave", "boat|sunset"))
        refused = launch(ask, pastiches, "boat|dots", "cat|wave", {"colour": "purple"})
    assert refused["__typename"] == "RunConfigValidationInvalid"
    assert "purple" in str(refused["errors"])
    assert (cat["regions"], cat["own_maps"]) == (["keep", "low", "sky"], ["detail"])
    assert (boat["regions"], boat["own_maps"], boat["blend"]) == (["low"], ["depth", "edges"], [0.7, 0.3])
    assert (cat["colour"], cat["colour_strength"]) == ("content", 0.5)

    recipe = next(recipe for recipe in project.recipes if recipe.name == "structure")
    asked = recipe.with_colour("content", 0.5)
    sky = Region(contents / "cat.sky.mask.png", style_mask=styles / "wave.sky.mask.png")
    keep = Region(contents / "cat.keep.mask.png")
    of_cat = {
        "content": contents / "cat.png",
        "style": styles / "wave.png",
        "recipe": asked,
        "detail_map": contents / "cat.detail.npy",
        "regions": {"sky": sky, "keep": keep},
    }
    of_boat = {
        "content": contents / "boat.png",
        "style": Blend([styles / "dots.png", styles / "wave.png"], [0.7, 0.3]),
        "recipe": asked,
        "depth_map": contents / "boat.depth.npy",
        "edge_map": contents / "boat.edges.npy",
    }
    ignored = {
        "cat|wave": (
            of_cat,
            {
                "the colours": {"recipe": recipe},
                "the strokes of a band": {"recipe": asked.model_copy(update={"bands": {}})},
                "transparency": {"content": Image.open(contents / "cat.png").convert("RGB")},
                "the map of detail": {"detail_map": None},
                "the mask": {"regions": {"keep": keep}},
                "the style's mask": {"regions": {"sky": Region(sky.mask), "keep": keep}},
                "what stays as it is": {"regions": {"sky": sky}},
            },
        ),
        "boat|sunset": (
            of_boat,
            {
                "the colours' strength": {"recipe": recipe.with_colour("content", 1)},
                "the blend": {"style": styles / "dots.png"},
                "the map of depth": {"depth_map": None},
                "the map of edges": {"edge_map": None},
            },
        ),
    }
    for cell, (controls, without) in ignored.items():
        painted = image_io.read(take(project.store, pastiches.at(cell)))

        def distance(change, painted=painted, controls=controls):
            found = stylize(**{**controls, **change}, models=project.models).image
            return (painted - image_io.read(found)).abs().max().item()  # what is hidden is white in both

        assert distance({}) < 0.01
        far = {name: distance(change) for name, change in without.items()}
        assert min(far.values()) > 0.02, f"of {cell}, one makes no difference: {far}"
