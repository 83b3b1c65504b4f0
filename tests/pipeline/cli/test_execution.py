"""The whole graph, really run: what is made, what is told to Dagster, and what is left alone the next time."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load
from small_project import PAINTED, Recorder

from spnst_pipeline.cli.execution import Execution, failures, open_home
from spnst_pipeline.defs.previews import PREVIEW_BYTES
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.planning.plan import decoding
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.store import Store

pytestmark = pytest.mark.project

CELLS = [(c, s) for c in ("boat", "cat") for s in ("dots", "wave")]
RECIPES = ("structure", "gatys")


def materialisations(instance, key, **of):
    filter_ = dg.AssetRecordsFilter(asset_key=dg.AssetKey(key.split("/")), **of)
    return instance.fetch_materializations(filter_, limit=1000).records


def test_a_first_run_makes_every_artefact_of_the_layout_and_nothing_else(first_run):
    place, run = first_run
    assert run.failed == []
    expected = {
        *(f"content_image/{c}.png" for c in ("boat", "cat")),
        *(f"{m}_map/{c}.{end}" for m in ("depth", "edge") for c in ("boat", "cat") for end in ("png", "safetensors")),
        *(f"style_image/{s}.png" for s in ("dots", "wave")),
        *(f"style_grams/{s}.safetensors" for s in ("dots", "wave")),
        *(f"pastiche/{r}/{c}/{s}.png" for r in RECIPES for c, s in CELLS),
        *(f"metrics/{r}/{c}/{s}.json" for r in RECIPES for c, s in CELLS),
        "metric_table/metrics.parquet",
        "metric_table/metrics.csv",
        "metric_table/metrics.md",
        *(f"metrics/{r}/{c}/{s}.{m}.png" for r in RECIPES for c, s in CELLS for m in ("depth", "edges")),
        *(f"comparison/comparison.{end}" for end in ("parquet", "csv", "tex")),
        *(f"contact_sheet/content/{c}.pdf" for c in ("boat", "cat")),
        *(f"contact_sheet/style/{s}.pdf" for s in ("dots", "wave")),
        "contact_sheet/grid.pdf",
        *(f"contact_sheet/content/{c}.png" for c in ("boat", "cat")),
        *(f"contact_sheet/style/{s}.png" for s in ("dots", "wave")),
        "contact_sheet/grid.png",
        "gallery/index.html",
    }
    folders = {path.name for path in place.out.iterdir()} - {".dagster"}
    found = {key for folder in folders for key in Store.open(str(place.out)).list(folder)}
    assert {key for key in found if not key.startswith("gallery/")} | {"gallery/index.html"} == expected
    assert "gallery/index.html" in found


def test_pastiches_have_the_recipes_size_and_say_how_they_were_made(first_run):
    place, _ = first_run
    for recipe in RECIPES:
        image = Image.open(place.out / f"pastiche/{recipe}/cat/wave.png")
        assert image.size == (48, 36)
        made = json.loads(image.text["made"])
        assert (made["recipe"], made["steps"], made["device"], made["profile"]) == (recipe, 5, "cpu", "embedded")
        assert made["seconds"] > 0
        assert set(made["losses"]) == {"content", "style", "tv", *(["edge", "depth"] if recipe == "structure" else [])}


def test_pastiches_differ_between_cells_and_recipes(first_run):
    place, _ = first_run
    pixels = {Image.open(place.out / f"pastiche/{r}/{c}/{s}.png").tobytes() for r in RECIPES for c, s in CELLS}
    assert len(pixels) == 8


def test_targets_hold_every_size_that_a_recipe_works_at(first_run):
    place, _ = first_run
    names = load((place.out / "edge_map/cat.safetensors").read_bytes())
    assert {name.rpartition(".")[2] for name in names} == {"24", "48"}


def test_the_metric_table_has_a_row_for_each_cell_and_agrees_with_the_cells(first_run):
    place, _ = first_run
    table = pd.read_parquet(place.out / "metric_table/metrics.parquet")
    assert len(table) == 8
    assert list(table.columns[:3]) == ["content", "style", "recipe"]
    assert {"style_distance", "edge_distance", "depth_distance", "ssim", "seconds"} <= set(table.columns)
    row = table.set_index(["recipe", "content", "style"]).loc["gatys", "cat", "wave"]
    scores = json.loads((place.out / "metrics/gatys/cat/wave.json").read_text())
    assert row["ssim"] == scores["scores"]["ssim"]
    assert row["style_distance_bank2"] == scores["layers"]["bank2"]
    csv = pd.read_csv(place.out / "metric_table/metrics.csv", keep_default_na=False)
    csv = csv.astype(table.dtypes.to_dict())
    pd.testing.assert_frame_equal(csv, table, rtol=5e-4, atol=0)


def test_every_cell_has_events_with_metadata_and_a_preview(first_run):
    place, _ = first_run
    with place.instance() as instance:
        for c, s in CELLS:
            records = materialisations(instance, "pastiche/structure", asset_partitions=[f"{c}|{s}"])
            assert len(records) == 3  # as it landed; Dagster's own when the step succeeded; with its data version
            newest, dagsters, first = (record.asset_materialization.metadata for record in records)
            assert dagsters == {}
            for metadata in (newest, first):
                assert metadata["steps"].value == 5
                assert metadata["loss_style"].value > 0
                assert re.fullmatch("[0-9a-f]{32}", metadata["fingerprint"].value)
                assert {"seconds", "device", "loss_edge", "loss_depth"} <= set(metadata)


@pytest.mark.parametrize(
    ("asset", "partition"),
    [
        ("content_image", "cat"),
        ("depth_map", "cat"),
        ("edge_map", "cat"),
        ("style_image", "wave"),
        ("style_grams", "wave"),
        ("pastiche/gatys", "cat|wave"),
        ("contact_sheet/content", "cat"),
        ("contact_sheet/style", "wave"),
        ("contact_sheet/grid", None),
    ],
)
def test_previews_are_small_pictures_inside_markdown(first_run, asset, partition):
    place, _ = first_run
    with place.instance() as instance:
        records = materialisations(instance, asset, asset_partitions=[partition] if partition else None)
    markdown = records[0].asset_materialization.metadata["preview"].value
    pictures = re.findall(r"!\[preview\]\(data:image/webp;base64,(.*?)\)", markdown)
    assert len(pictures) == {"depth_map": 2, "edge_map": 2, "pastiche/gatys": 3}.get(asset, 1)
    assert sum(map(len, pictures)) < PREVIEW_BYTES
    for picture in pictures:
        image = Image.open(BytesIO(base64.b64decode(picture)))
        image.load()
        assert image.height >= 36


def test_the_settings_are_left_for_the_ui(first_run, monkeypatch):
    place, _ = first_run
    monkeypatch.setenv("SPNST_CONFIG", str(place.out / ".dagster/spnst.yaml"))
    settings = Settings.load()
    assert (settings.size, settings.profile) == (48, "embedded")
    assert Project.open(settings).recipes == Project.open(place.settings()).recipes


def test_partitions_are_the_folders_pictures(first_run):
    place, _ = first_run
    with place.instance() as instance:
        assert set(instance.get_dynamic_partitions("content")) == {"boat", "cat"}
        assert set(instance.get_dynamic_partitions("style")) == {"dots", "wave"}


def test_cells_share_runs_and_rows_share_batches(first_run):
    _, run = first_run
    assert len(run.runs) == 9  # two each for pictures, targets and sheets; cells, scores, gallery
    assert sorted(run.recorder.batches) == [
        (recipe, content, ("dots", "wave")) for recipe in ("gatys", "structure") for content in ("boat", "cat")
    ]
    assert run.recorder.steps == 4 * 5


def test_a_second_run_makes_nothing_and_starts_nothing(made):
    before = {path: path.stat().st_mtime_ns for path in made.out.glob("[!.]*/**/*")}
    run = made.run()
    assert (run.recorder.steps, run.recorder.keys, run.runs) == (0, [], [])
    assert {path: path.stat().st_mtime_ns for path in made.out.glob("[!.]*/**/*")} == before


@pytest.mark.slow(13)
def test_a_replaced_style_makes_its_column_again_and_no_other_cell(made, picture):
    picture(99).save(made.root / "styles/wave.png")
    run = made.run()
    assert {key for key in run.recorder.keys if key.startswith("pastiche/")} == {
        f"pastiche/{r}/{c}/wave.png" for r in RECIPES for c in ("boat", "cat")
    }
    assert {style for _, _, styles in run.recorder.batches for style in styles} == {"wave"}
    assert not any("dots" in key for key in run.recorder.keys if not key.startswith("contact_sheet"))
    assert "gallery/index.html" in run.recorder.keys
    assert made.run().recorder.keys == []


def test_a_new_content_is_one_new_row_and_what_is_no_picture_beside_it_is_left_out(made, picture):
    contents = made.root / "contents"
    picture(50, 60, 90).save(contents / "tower.jpg", exif=b"Exif\0\0nonsense")
    (contents / "broken.png").write_bytes((contents / "tower.jpg").read_bytes()[:200])
    (contents / "loop.png").symlink_to("loop.png")
    os.mkfifo(contents / "pipe.png")
    (contents / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    run = made.run(phases=PAINTED)
    assert run.failed == []
    assert {content for _, content, _ in run.recorder.batches} == {"tower"}
    assert {key for key in run.recorder.keys if key.startswith("pastiche/")} == {
        f"pastiche/{r}/tower/{s}.png" for r in RECIPES for s in ("dots", "wave")
    }
    assert Image.open(made.out / "pastiche/gatys/tower/dots.png").size == (32, 48)
    left_out = run.project.contents.left_out
    assert [Path(line.split(".png")[0]).name for line in left_out] == [r"caf\xe9", "loop", "pipe", "broken"]


def test_a_deleted_cell_is_the_only_one_made_again_and_comes_out_the_same(made):
    path = made.out / "pastiche/structure/cat/dots.png"
    before = Image.open(path).tobytes()
    path.unlink()
    run = made.run(phases=PAINTED)
    assert run.recorder.batches == [("structure", "cat", ("dots",))]
    assert Image.open(path).tobytes() == before


@pytest.mark.slow(12)
def test_a_failing_cell_costs_no_other_cell(made):
    class FailingAtOneCell(Recorder):
        """Fails in the middle of every batch that holds the cell, and in the cell alone."""

        def step(self, iterate):
            super().step(iterate)
            _, content, styles = self.batches[-1]
            if iterate.step == 3 and content == "boat" and "wave" in styles:
                raise RuntimeError("the device is lost")

    shutil.rmtree(made.out / "pastiche/structure")
    shutil.rmtree(made.out / "metrics/structure")
    run = made.run(FailingAtOneCell())

    assert run.failed == ["pastiche/structure[boat|wave]: the device is lost"]
    assert [styles for _, _, styles in run.recorder.batches] == [
        ("dots", "wave"),
        ("dots",),
        ("wave",),
        ("dots", "wave"),
    ]
    others = set(CELLS) - {("boat", "wave")}
    assert {key for key in run.recorder.keys if key.startswith(("pastiche", "metrics"))} == {
        *(f"pastiche/structure/{c}/{s}.png" for c, s in others),
        *(f"metrics/structure/{c}/{s}.json" for c, s in others),
    }
    with made.instance() as instance:
        painting = instance.get_run_by_id(run.runs[0])
        assert painting.status == dg.DagsterRunStatus.FAILURE
        records = materialisations(instance, "pastiche/structure")
        landed = [r.asset_materialization.partition for r in records if r.run_id == painting.run_id]
        assert sorted(landed) == sorted(f"{c}|{s}" for c, s in others)
        log = "".join(entry.user_message for entry in instance.all_logs(painting.run_id))
        assert 'raise RuntimeError("the device is lost")' in log
    assert len(pd.read_parquet(made.out / "metric_table/metrics.parquet")) == 7

    again = made.run(phases=PAINTED)
    assert again.failed == []
    assert again.recorder.batches == [("structure", "boat", ("wave",))]


def test_a_content_that_cannot_be_prepared_costs_no_other_row(made):
    """Its edge map can't be written, because something else stands in its place."""
    path = made.out / "edge_map/cat.safetensors"
    path.unlink()
    path.mkdir()
    run = made.run(phases=PAINTED)
    assert len(run.failed) == 1
    assert run.failed[0].startswith("edge_map[cat]: ")
    assert run.recorder.steps == 0


def test_an_interruption_stops_the_run_and_keeps_what_has_landed(made):
    class Interrupting(Listener):
        left = 2

        def made(self, artefact):
            self.left -= artefact.asset == "pastiche"
            if not self.left:
                os.kill(os.getpid(), signal.SIGINT)
                self.left = -1

    shutil.rmtree(made.out / "pastiche/gatys")
    with pytest.raises(KeyboardInterrupt):
        made.run(Interrupting(), phases=PAINTED)
    assert len(list((made.out / "pastiche/gatys").rglob("*.png"))) == 2
    assert len(made.run(phases=PAINTED).recorder.batches) == 1


def ended(connect):
    """A run that can't begin before this function has answered."""

    @dg.asset(required_resource_keys={"network"})
    def picture():
        pass

    definitions = dg.Definitions(assets=[picture], resources={"network": dg.ResourceDefinition(lambda _: connect())})
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)


def test_a_run_of_which_no_step_could_start_has_failed():
    def connect():
        raise RuntimeError("no route\nto host")

    result = ended(connect)
    assert failures(result) == [f"run {result.run_id}: RuntimeError: no route to host"]
    assert failures(ended(lambda: None)) == []


def test_an_interruption_outside_of_any_step_is_one():
    def connect():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    result = ended(connect)
    with pytest.raises(KeyboardInterrupt):
        failures(result)


@pytest.mark.slow(13)
def test_a_run_that_is_killed_goes_on_where_it_was(made):
    """A real process, killed without notice as soon as a cell has landed."""
    shutil.rmtree(made.out / "pastiche/gatys")
    recipe = str(made.root / "gatys.yaml")
    given = {name: str(value) for name, value in made.settings().model_dump(exclude_none=True).items()}
    flags = [f"--{name}={given[name]}" for name in ("content", "style", "out", "profile", "size", "device")]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "spnst_pipeline.cli.main", "run", *flags, f"--recipe={recipe}"]
    process = subprocess.Popen(command, env=here, stderr=subprocess.PIPE, text=True)
    while not list(made.out.glob("pastiche/gatys/*/[!.]*.png")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.kill()
    process.communicate()

    landed = set(Store.open(str(made.out)).list("pastiche/gatys"))
    every = {f"pastiche/gatys/{c}/{s}.png" for c, s in CELLS}
    assert set() < landed < every
    with made.instance() as instance:
        [killed] = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    run = made.run(recipes=(recipe,), phases=PAINTED)
    assert run.failed == []
    with made.instance() as instance:
        assert instance.get_run_by_id(killed.run_id).status == dg.DagsterRunStatus.FAILURE
    assert {key for key in run.recorder.keys if key.startswith("pastiche/")} == every - landed


@pytest.mark.slow(14)
def test_a_renamed_content_is_copied_and_not_painted_again(made):
    """Under its old name it leaves table and partitions, but its files stay."""
    before = (made.out / "pastiche/gatys/cat/wave.png").read_bytes()
    (made.root / "contents/cat.png").rename(made.root / "contents/lion.png")
    run = made.run()
    assert run.failed == []
    assert run.recorder.steps == 0
    made_anew = {key.split("/")[0] for key in run.recorder.keys}
    assert made_anew == {"content_image", "metrics", "metric_table", "comparison", "contact_sheet", "gallery"}
    assert (made.out / "pastiche/gatys/lion/wave.png").read_bytes() == before
    assert json.loads((made.out / "metrics/gatys/lion/wave.json").read_text())["content"] == "lion"
    assert (made.out / "pastiche/gatys/cat/wave.png").exists()
    assert set(pd.read_parquet(made.out / "metric_table/metrics.parquet")["content"]) == {"boat", "lion"}
    with made.instance() as instance:
        assert len(materialisations(instance, "pastiche/gatys", asset_partitions=["lion|wave"])) > 0
        assert instance.get_dynamic_partitions("content") == ["boat", "lion"]
    assert made.run().recorder.keys == []


def test_a_renamed_style_is_copied_and_not_prepared_or_painted_again(made):
    (made.root / "styles/wave.png").rename(made.root / "styles/sea.png")
    run = made.run(phases=PAINTED)
    assert run.failed == []
    assert run.recorder.steps == 0
    assert "style_grams/sea.safetensors" not in run.recorder.keys
    assert (made.out / "style_grams/sea.safetensors").exists()


def test_forced_everything_is_made_again(made):
    before = Image.open(made.out / "pastiche/structure/cat/dots.png").tobytes()
    run = made.run(force=True, phases=PAINTED, recipes=(str(made.root / "structure.yaml"),))
    assert run.recorder.steps == 2 * 5
    assert set(run.recorder.keys) == {
        *(f"content_image/{c}.png" for c in ("boat", "cat")),
        *(f"style_image/{s}.png" for s in ("dots", "wave")),
        *(f"{kind}_map/{c}.safetensors" for kind in ("depth", "edge") for c in ("boat", "cat")),
        *(f"style_grams/{s}.safetensors" for s in ("dots", "wave")),
        *(f"pastiche/structure/{c}/{s}.png" for c, s in CELLS),
    }
    assert Image.open(made.out / "pastiche/structure/cat/dots.png").tobytes() == before


def test_partitions_that_vanish_under_a_run_cost_what_is_made_of_them_alone(fresh):
    """Somebody deletes one by hand; nothing is raised, and the styles are decoded."""
    settings, recorder = fresh.settings(), Recorder()
    project = checked(Project.open(settings))
    with open_home(settings) as instance:
        execution = Execution(project, instance, recorder)
        instance.delete_dynamic_partition("content", "cat")
        execution.bring_up_to_date(phases=(decoding,))
    [line] = execution.failed
    assert line.startswith("content_image: ")
    assert {"style_image/dots.png", "style_image/wave.png"} <= set(recorder.keys)
