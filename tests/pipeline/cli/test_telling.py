"""What a run says: in words, briefly, or as events; and a plan in place of a run."""

import json

import pytest

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.cli import main
from spnst_pipeline.cli.telling import Ending, planned_line
from spnst_pipeline.planning.forecast import Forecast, Row
from spnst_pipeline.shard import WHOLE


def flags(place):
    recipes = [part for name in ("structure", "gatys") for part in ("--recipe", place.root / f"{name}.yaml")]
    folders = ["--content", place.root / "contents", "--style", place.root / "styles", "--out", place.out]
    return [*folders, *recipes, "--profile", "embedded", "--size", 48]


def snapshot(folder):
    return {path: (path.is_dir() or path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*")}


def plan(cells, seconds=0.0, unmeasured=None):
    return Forecast(3, 2, (Row(ArtefactId("pastiche", "gatys"), 0, cells),), cells, seconds, unmeasured or {})


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        (Ending(1, 0, True, 492, (), ()), "Painted 1 pastiche in 8 min 12 s."),
        (Ending(0, 1, True, 5, (), ()), "Painted 0 pastiches and recorded 1 film in 5 s."),
        (Ending(4, 4, True, 7500, (), ()), "Painted 4 pastiches and recorded 4 films in 2 h 5 min."),
        (Ending(0, 0, False, 5, (), ()), "Everything is up to date."),
    ],
)
def test_a_run_ends_with_one_line(ending, line):
    assert ending.line == line


@pytest.mark.parametrize(
    ("forecast", "line"),
    [
        (plan(1, 61), "A run would paint 1 cell: about 1 min 1 s of painting, by the cells that are there. Nothing "),
        (
            plan(3, 9, {"gatys": 1}),
            "A run would paint 3 cells: 9 s of painting, and 1 cell of which nothing is known.",
        ),
        (plan(3, 0, {"gatys": 3}), "A run would paint 3 cells: how long it takes can't be told before a cell of the "),
        (
            Forecast(3, 2, (Row(ArtefactId("gallery"), 0, 1),), 0, 0, {}),
            "A run would paint nothing, and make the rest",
        ),
        (plan(0), "Everything is up to date: a run would make nothing."),
    ],
)
def test_a_plan_ends_with_one_line(forecast, line):
    assert planned_line(forecast).startswith(line)


def test_a_dry_run_tells_the_plan_and_makes_nothing(fresh, spnst):
    (fresh.root / "contents/notes.txt").write_text("hello")
    before = snapshot(fresh.root)
    status, out, err = spnst("run", *flags(fresh), "--dry-run")
    assert status == 0
    assert "contents/notes.txt has no suffix of a picture" in err
    lines = out.splitlines()
    assert lines[0] == "2 contents, 2 styles"
    assert ["pastiche/gatys", "0", "4"] in [line.split() for line in lines]
    assert lines[-1].startswith("A run would paint 8 cells: ")

    status, out, err = spnst("run", *flags(fresh), "--dry-run", "--quiet")
    assert (status, out.count("\n"), err) == (0, 1, "")

    status, out, err = spnst("run", *flags(fresh), "--dry-run", "--json")
    told = json.loads(out)
    assert (status, err) == (0, "")
    assert (told["event"], told["cells"], told["seconds"]) == ("plan", 8, None)
    assert told["assets"]["style_grams"] == {"kept": 0, "to_make": 2}

    assert snapshot(fresh.root) == before
    assert not fresh.out.exists()


def test_a_dry_run_leaves_a_bucket_as_it_was(fresh, spnst, s3):
    status, _, _ = spnst("run", *flags(fresh), "--out", "s3://bucket/made", "--dry-run", "--quiet")
    assert status == 0
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


def test_a_dry_run_refuses_what_a_run_would_refuse(fresh, spnst):
    status, out, err = spnst("run", *flags(fresh), "--dry-run", "--content", fresh.root / "none")
    assert (status, out) == (2, "")
    assert "does not exist" in err


def test_two_forms_at_once_are_refused(fresh, spnst):
    refused = spnst("run", *flags(fresh), "--quiet", "--json")
    assert refused == (2, "", "spnst: --quiet and --json exclude each other: leave one of them out\n")


@pytest.mark.project
def test_events_tell_every_cell_and_the_end_and_quiet_tells_errors_and_the_end(made, spnst):
    """A folder lies where a pastiche should, so that it can't be written."""
    for cell in ("cat/wave", "cat/dots"):
        (made.out / f"pastiche/gatys/{cell}.png").unlink()
    (made.out / "pastiche/gatys/cat/wave.png").mkdir()
    status, out, err = spnst("run", *flags(made), "--json")
    assert (status, err) == (1, "")
    told = [json.loads(line) for line in out.splitlines()]
    assert [told[0]["event"], told[-1]["event"]] == ["run_started", "run_ended"]
    assert told[0]["contents"] == ["boat", "cat"]
    cells = [(each["event"], each["style"]) for each in told if each["event"].startswith("cell_")]
    assert ("cell_begun", "dots") in cells
    assert cells.count(("cell_finished", "dots")) == 1
    assert cells.count(("cell_failed", "wave")) == 1
    assert ("cell_finished", "wave") not in cells
    end = told[-1]
    assert (end["painted"], end["changed"]) == (1, True)
    assert [line.split(":")[0] for line in end["failed"]] == ["pastiche/gatys[cat|wave]"]
    assert end["files"]["gallery"] == str(made.out / "gallery/index.html")

    status, out, err = spnst("run", *flags(made), "--quiet")
    assert status == 1
    assert out.startswith("Painted 0 pastiches in ")
    assert out.count("\n") == 1
    assert out.endswith(" s.\n")
    assert [line.split(":")[0] for line in err.splitlines()] == ["failed"]


@pytest.mark.project
def test_quiet_counts_what_is_left_out(made, spnst):
    (made.root / "contents/torn.png").write_bytes((made.root / "contents/cat.png").read_bytes()[:80])
    told = spnst("run", *flags(made), "--quiet")
    assert told == (0, "Everything is up to date. 1 file left out; without --quiet the run says why.\n", "")


def test_a_run_makes_the_whole_grid_whatever_shard_is_set(fresh, spnst, monkeypatch):
    given = []
    monkeypatch.setattr(main, "_bring_up_to_date", lambda settings, *_: given.append(settings.part))
    monkeypatch.setenv("SPNST_SHARD", "2/2")
    assert spnst("run", *flags(fresh)) == (0, "", "")
    assert given == [WHOLE]
