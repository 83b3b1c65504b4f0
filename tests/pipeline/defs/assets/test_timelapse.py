"""Films: recorded where they are asked for, once, beside pastiches that they neither change nor endanger."""

import shutil
import tempfile

import av
import dagster as dg
import numpy as np
import pytest
from PIL import Image
from small_project import PAINTED, Recorder

from spnst_core.report.film import FPS, STEPS_PER_FRAME, read_facts, read_metadata
from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.definitions import build
from spnst_pipeline.defs.automation import at_once
from spnst_pipeline.planning.plan import Grid, Launch, painting
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

CELLS = [(c, s) for c in ("boat", "cat") for s in ("dots", "wave")]
STEPS = 5


def only(place, **changes):
    """One recipe, of whose steps every second one is recorded, and no phase after painting."""
    return {"recipes": (str(place.root / "gatys.yaml"),), "record_every": 2, "phases": PAINTED, **changes}


def film(place, content="cat", style="wave", recipe="gatys"):
    return place.out / f"timelapse/{recipe}/{content}/{style}.mp4"


def stills(data_or_path):
    with av.open(str(data_or_path)) as container:
        return [np.asarray(frame.to_image(), float) / 255 for frame in container.decode(video=0)]


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def told(instance, asset, partition=None):
    chosen = dg.AssetRecordsFilter(
        asset_key=dg.AssetKey(asset.split("/")), asset_partitions=[partition] if partition else None
    )
    return [r.asset_materialization for r in instance.fetch_materializations(chosen, limit=100).records]


@pytest.fixture(scope="module")
def filmed_first_run(first_run, tmp_path_factory):
    """A project of one recipe whose cells were filmed as they were painted. Shared: look, don't touch."""
    place = first_run[0].copied(tmp_path_factory.mktemp("filmed") / "project")
    shutil.rmtree(place.out / "pastiche/gatys")
    return place, place.run(**only(place))


@pytest.fixture
def filmed(filmed_first_run, tmp_path):
    """A copy of it, to change as a test likes."""
    return filmed_first_run[0].copied(tmp_path / "filmed")


def test_films_are_recorded_while_their_cells_are_painted_once(filmed_first_run):
    place, run = filmed_first_run
    assert run.failed == []
    assert run.recorder.steps == 2 * STEPS  # two batches, one for each content
    assert sorted(key for key in run.recorder.keys if key.startswith("timelapse/")) == [
        f"timelapse/gatys/{c}/{s}.mp4" for c, s in CELLS
    ]
    for c, s in CELLS:
        # Frames of steps 1, 2, 4 and 5, then a second of the finished pastiche.
        assert read_facts(film(place, c, s).read_bytes()).frames == 4 + FPS


def test_a_film_ends_on_its_own_pastiche_beside_its_content(filmed_first_run):
    place, _ = filmed_first_run
    for c, s in CELLS:
        *_, last = stills(film(place, c, s))
        pastiche = Image.open(place.out / f"pastiche/gatys/{c}/{s}.png")
        content = Image.open(place.out / f"content_image/{c}.png")
        larger = 384 // 48
        width, height = (side * larger for side in pastiche.size)
        shown = pastiche.resize((width, height), Image.Resampling.BICUBIC)
        assert np.abs(last[:height, -width:] - np.asarray(shown) / 255).mean() < 0.01
        beside = content.resize((width, height), Image.Resampling.LANCZOS)
        assert np.abs(last[:height, :width] - np.asarray(beside) / 255).mean() < 0.01
        assert (last.shape[0] % 2, last.shape[1] % 2) == (0, 0)


def test_a_film_carries_its_fingerprint_and_its_event_tells_of_it(filmed_first_run):
    place, run = filmed_first_run
    data = film(place).read_bytes()
    wanted = Lineage(run.project).timelapse(run.project.recipes[0], "cat", "wave")
    assert metadata("wave.mp4", data[:65_536])["fingerprint"] == wanted.fingerprint
    with place.instance() as instance:
        events = told(instance, "timelapse/gatys", "cat|wave")
    landed, _, last = reversed(events)  # as it landed; Dagster's as the step succeeded; with its own data version
    for event in (landed, last):
        shown = {name: value.value for name, value in event.metadata.items()}
        assert shown["frames"] == 4 + FPS
        assert shown["seconds_of_film"] == pytest.approx((4 + FPS) / FPS, abs=0.01)
        assert shown["size"] == f"{2 * 384 + 8} × {288 + 84} px"
        assert shown["bytes"] == len(data)
        assert shown["record_every"] == 2
        assert shown["fingerprint"] == wanted.fingerprint


def test_recording_changes_no_pastiche(filmed_first_run, first_run):
    for c, s in CELLS:
        with_film, without = (
            Image.open(place.out / f"pastiche/gatys/{c}/{s}.png") for place, _ in (filmed_first_run, first_run)
        )
        assert with_film.tobytes() == without.tobytes()
        assert with_film.text["fingerprint"] == without.text["fingerprint"]


def test_cells_that_are_up_to_date_are_painted_once_more_for_their_films_and_stay(made):
    before = times(made.out / "pastiche")
    run = made.run(**only(made))
    assert run.failed == []
    assert run.recorder.steps == 2 * STEPS
    assert [key.split("/")[0] for key in run.recorder.keys][:4] == ["timelapse"] * 4
    assert not any(key.startswith("pastiche/") for key in run.recorder.keys)
    assert times(made.out / "pastiche") == before

    films = times(made.out / "timelapse")
    for again in (only(made), only(made, record_every=None)):
        assert made.run(**again).recorder.steps == 0
    assert times(made.out / "timelapse") == films


@pytest.mark.slow(5)
def test_another_interval_makes_other_films_and_a_missing_film_is_made_alone(filmed):
    film(filmed, "boat", "dots").unlink()
    alone = filmed.run(**only(filmed))
    assert alone.recorder.batches == [("gatys", "boat", ("dots",))]

    filmed.run(**only(filmed, record_every=1))
    assert read_facts(film(filmed).read_bytes()).frames == STEPS + FPS
    assert read_metadata(film(filmed).read_bytes())["record_every"] == "1"


def test_a_replaced_style_is_filmed_anew_and_a_renamed_contents_film_is_copied(filmed, picture):
    old = film(filmed, "cat", "dots").read_bytes()
    picture(99).save(filmed.root / "styles/wave.png")
    (filmed.root / "contents/cat.png").rename(filmed.root / "contents/lion.png")
    run = filmed.run(**only(filmed))
    assert run.failed == []
    assert {styles for _, _, styles in run.recorder.batches} == {("wave",)}
    assert sorted(key for key in run.recorder.keys if key.startswith("timelapse")) == [
        "timelapse/gatys/boat/wave.mp4",
        "timelapse/gatys/lion/wave.mp4",
    ]
    assert film(filmed, "lion", "dots").read_bytes() == old


def test_a_film_that_cannot_be_stored_costs_neither_its_pastiche_nor_another_film(made):
    for path in (made.out / "pastiche/gatys/cat").glob("*.png"):
        path.unlink()
    film(made).mkdir(parents=True)
    run = made.run(**only(made))
    assert len(run.failed) == 1
    assert run.failed[0].startswith("timelapse/gatys[cat|wave]: ")
    assert (made.out / "pastiche/gatys/cat/wave.png").exists()
    assert sum(path.is_file() for path in (made.out / "timelapse").rglob("*.mp4")) == 3
    assert run.recorder.steps == 2 * STEPS  # nothing was tried again
    with made.instance() as instance:
        assert len(told(instance, "pastiche/gatys", "cat|wave")) >= 2
        assert told(instance, "timelapse/gatys", "cat|wave") == []


def test_without_room_for_films_everything_else_is_made(made, monkeypatch, tmp_path):
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    run = made.run(**only(made))
    assert [line.split(":")[0] for line in run.failed] == [f"timelapse/gatys[{c}|{s}]" for c, s in CELLS]
    assert all(str(tmp_path / "gone") in line for line in run.failed)
    assert (made.out / "pastiche/gatys/cat/wave.png").exists()
    assert not (made.out / "timelapse").exists()


def test_a_cell_that_fails_leaves_no_film_and_no_temporary_file(made, monkeypatch, tmp_path):
    class Failing(Recorder):
        def step(self, iterate):
            super().step(iterate)
            if iterate.step == 3 and "wave" in self.batches[-1][2]:
                raise RuntimeError("the device is lost")

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    run = made.run(Failing(), **only(made))
    assert run.failed == [f"timelapse/gatys[{c}|wave]: the device is lost" for c in ("boat", "cat")]
    assert film(made, "cat", "dots").exists()
    assert not film(made).exists()
    assert list(scratch.iterdir()) == []


def assets(launched):
    return {event.asset_key.to_user_string() for event in launched.events}


def test_a_film_can_be_materialised_alone(made):
    before = times(made.out / "pastiche")
    alone = made.launch("timelapse/gatys", key="cat|wave")
    assert alone.keys == ["timelapse/gatys/cat/wave.mp4"]
    assert times(made.out / "pastiche") == before
    assert assets(alone) == {"timelapse/gatys"}
    assert read_metadata(film(made).read_bytes())["record_every"] == str(STEPS_PER_FRAME)
    assert made.launch("timelapse/gatys", key="cat|wave").keys == []
    again = made.launch("timelapse/gatys", key="cat|wave", force=True)
    assert again.keys == ["timelapse/gatys/cat/wave.mp4"]

    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    film(made).unlink()
    both = made.launch("timelapse/gatys", key="cat|wave")
    assert both.keys == ["pastiche/gatys/cat/wave.png", "timelapse/gatys/cat/wave.mp4"]
    assert assets(both) == {"pastiche/gatys", "timelapse/gatys"}


@pytest.mark.slow(6)
def test_the_launchpad_can_ask_a_pastiche_for_its_film(made):
    assert made.launch("pastiche/gatys", key="cat|wave").keys == []
    filmed = made.launch("pastiche/gatys", key="cat|wave", record_every=3)
    assert filmed.keys == ["timelapse/gatys/cat/wave.mp4"]
    assert read_facts(film(made).read_bytes()).frames == 3 + FPS  # of steps 1, 3 and 5
    assert "timelapse/gatys" in assets(filmed)
    assert made.run().recorder.keys == ["gallery/index.html"]


@pytest.fixture
def open_project(made):
    def opened(**changes):
        project = Project.open(made.settings(**changes))
        return project, Grid(sorted(project.contents.pictures), sorted(project.styles.pictures), project.recipes)

    return opened


def test_a_plan_wants_films_only_where_they_are_asked_for(made, open_project):
    project, grid = open_project()
    assert painting(Lineage(project), grid).launches == ()
    (made.root / "gatys.yaml").write_text("record_every: 2\n" + (made.root / "gatys.yaml").read_text())
    project, grid = open_project()
    (made.out / "pastiche/structure/cat/wave.png").unlink()
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    plan = painting(Lineage(project), grid)
    structure, gatys = ArtefactId("pastiche", "structure"), ArtefactId("pastiche", "gatys")
    films = ArtefactId("timelapse", "gatys")
    assert plan.wanted == {structure: 1, gatys: 1, films: 4}
    assert plan.cells == 1 + 4  # one step makes a pastiche and its film
    assert plan.launches == (
        Launch((structure,), ("cat|wave", "cat|wave"), False),
        Launch((gatys, films), ("boat|dots", "cat|wave"), False),
    )


def test_forced_the_step_is_told_once(open_project):
    project, grid = open_project(record_every=2)
    [launch] = painting(Lineage(project, force=True), grid).launches
    assert set(launch.config["ops"]) == {"pastiche__structure", "pastiche__gatys"}


def test_only_films_that_are_asked_for_are_made_at_once(open_project):
    project, _ = open_project()
    graph = build(project.recipes, project, Listener(), 64).resolve_asset_graph()

    def films(recipes):
        return {k.to_user_string() for k in at_once(recipes, ()).resolve(graph) if k.path[0] == "timelapse"}

    assert films(project.recipes) == set()
    recording = [recipe.model_copy(update={"record_every": 2}) for recipe in project.recipes]
    assert films([recording[0], project.recipes[1]]) == {"timelapse/structure"}
    assert films(recording) == {"timelapse/structure", "timelapse/gatys"}
