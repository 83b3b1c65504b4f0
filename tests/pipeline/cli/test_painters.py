"""``spnst painters`` and ``spnst paint --painter``: training, going on after a stop, and painting without a style."""

import json

import pytest
from PIL import Image

from spnst_core.gallery import runtime
from spnst_core.imaging import io as image_io
from spnst_core.imaging.gamut import GAMUTS
from spnst_core.painters import course, training
from spnst_core.painters.network import NARROW, PainterNet
from spnst_core.painters.painter import ARCHITECTURE, Painter
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.cli import painter_training
from spnst_pipeline.cli.painter_files import read_painter


@pytest.fixture
def desk(tmp_path, picture, monkeypatch):
    """The working folder, with a style, three contents and a recipe that is trained quickly."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name, number in (("photos/cat", 3), ("photos/dog", 4), ("photos/owl", 5), ("wave", 6)):
        picture(number).save(tmp_path / f"{name}.png")
    quick = "weights: {content: 0.3}\njitter: false\nedge_on: analytic\nstages: [{steps: 1}]\n"
    (tmp_path / "quick.yaml").write_text(quick)
    return tmp_path


QUICK = ("wave.png", "--contents", "photos", "--recipe", "quick.yaml", "--profile", "embedded", "--size", 64)


def made(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in ("photos", "wave.png", "quick.yaml"))


@pytest.mark.slow(19)
def test_a_trained_painter_is_listed_and_paints_a_photo_without_its_style(desk, spnst, monkeypatch):
    status, out, err = spnst("painters", "train", *QUICK, "--steps", 3)
    assert status == 0
    assert "3 steps.\nPainter: wave.safetensors\nSheet: wave.validation.png\n" in out
    assert "only 2 contents to train on: the painter will paint these best" in err
    assert " · held-out contents: style " in err
    assert made(desk) == ["wave.safetensors", "wave.validation.png"]  # and no checkpoint
    status, out, _ = spnst("painters", "list")
    assert status == 0
    assert [line.split()[:4] for line in out.splitlines()][1] == ["quick", "64", "424,899", "3"]
    status, out, _ = spnst("painters", "export", "wave.safetensors")
    assert (status, out) == (0, "Exported: wave.onnx (1.8 MB)\n")
    monkeypatch.setattr(runtime, "find", lambda: runtime.Runtime(b"script", b"module", b"code"))
    status, out, _ = spnst("painters", "page", "wave.safetensors", "-o", "web/page")
    assert (status, out) == (0, "Page: web/page/index.html\n")
    assert '"name":"wave","recipe":"quick"' in (desk / "web/page/painters.js").read_text()
    (desk / "wave.png").unlink()
    status, out, _ = spnst("paint", "photos/cat.png", "--painter", "wave.safetensors", "-o", "out.png", "--size", 90)
    assert status == 0
    wide = ("-o", "wide.png", "--gamut", "adobe-rgb")
    assert spnst("paint", "photos/cat.png", "--painter", "wave.safetensors", *wide)[0] == 0
    assert Image.open(desk / "wide.png").info["icc_profile"] == GAMUTS["adobe-rgb"].profile
    assert out.endswith(" s: out.png\n")
    pastiche = Image.open(desk / "out.png")
    assert max(pastiche.size) == 90
    told = json.loads(image_io.png_text((desk / "out.png").read_bytes())["made"])
    assert (told["recipe"], told["painter"]["steps"], told["painter"]["size"]) == ("quick", 3, 64)


def test_a_transparent_photo_gives_a_pastiche_that_is_as_transparent(desk, spnst, picture):
    told = {"architecture": ARCHITECTURE, "width": NARROW, "size": 64, "networks": "none"}
    told |= {"recipe_name": "structure", "recipe": Recipe.load("structure").to_yaml()}
    (desk / "any.safetensors").write_bytes(Painter(PainterNet(NARROW), told).to_bytes())
    photo = picture(3).convert("RGBA")
    photo.paste((255, 0, 0, 0), (0, 0, 40, photo.height))
    photo.save(desk / "cut.png")
    for file in ("cut_out.png", "cut_out.jpg"):
        status, out, _ = spnst("paint", "cut.png", "--painter", "any.safetensors", "-o", file, "--size", 80)
        assert status == 0
        assert (".jpg files hold no transparency: what was transparent is white" in out) is file.endswith("jpg")
    pastiche = Image.open(desk / "cut_out.png")
    assert [pastiche.getpixel((x, 30))[3] for x in (5, 75)] == [0, 255]
    assert min(Image.open(desk / "cut_out.jpg").getpixel((5, 30))) > 250


@pytest.mark.heavy
def test_a_stopped_training_is_kept_and_the_same_command_goes_on(desk, spnst, monkeypatch):
    step, stopped = training.Training.step, []

    def stopping(self):
        if self.steps == 2 and not stopped:
            stopped.append(self)
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(training.Training, "step", stopping)
    status, _, err = spnst("painters", "train", *QUICK, "--steps", 4)
    assert status == 130
    assert "Stopped after step 2: its state is in wave.checkpoint, and the same command goes on from there." in err
    status, _, err = spnst("painters", "train", *QUICK, "--steps", 4)
    assert status == 0
    assert "going on after step 2" in err
    assert read_painter(desk / "wave.safetensors").made["steps"] == 4
    assert not (desk / "wave.checkpoint").exists()


@pytest.mark.heavy
def test_a_damaged_checkpoint_is_told_of_and_the_training_begins_anew(desk, spnst):
    (desk / "wave.checkpoint").write_bytes(b"damaged")
    status, _, err = spnst("painters", "train", *QUICK, "--steps", 1)
    assert status == 0
    assert "wave.checkpoint: the checkpoint is damaged; beginning anew" in err


@pytest.mark.heavy
def test_a_training_that_diverges_fails_and_keeps_its_last_sound_state(desk, spnst):
    (desk / "wild.yaml").write_text((desk / "quick.yaml").read_text().replace("0.3", "1e38"))
    wild = [value if value != "quick.yaml" else "wild.yaml" for value in QUICK]
    status, _, err = spnst("painters", "train", *wild, "--steps", 100)
    assert status == 1
    assert "the training diverged after step" in err
    assert "its last sound state is in wave.checkpoint" in err
    assert "wave.safetensors" not in made(desk)


@pytest.mark.heavy
def test_a_painter_starts_from_another_of_any_width(desk, spnst):
    assert spnst("painters", "train", *QUICK, "--steps", 1, "--full", "-o", "first.safetensors")[0] == 0
    assert spnst("painters", "train", *QUICK, "--steps", 1, "--from", "first.safetensors")[0] == 0
    assert read_painter(desk / "wave.safetensors").network.width == 32


def test_without_a_folder_the_sample_contents_are_trained_on(desk, spnst, monkeypatch):
    found = []
    monkeypatch.setattr(painter_training.PainterTraining, "begin", lambda self, *_: found.append(self) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        spnst("painters", "train", "wave.png", "--profile", "embedded", "--steps", 1)
    assert [*found[0].contents, *found[0].held_out] == [
        "sample astronaut",
        "sample chelsea",
        "sample coffee",
        "sample rocket",
    ]
    assert course.warning_of_few(3) in found[0].notes


BAD = {
    "no budget": (("painters", "train", *QUICK, "--steps", 0), "steps of a training must be above 0, not 0"),
    "size": (("painters", "train", "wave.png", "--size", 20), "at sizes from 64 that 8 divides, not 20"),
    "suffix": (("painters", "train", *QUICK, "-o", "wave.pth"), "painter wave.pth: its name must end in .safetensors"),
    "no such folder": (("painters", "train", *QUICK, "-o", "no/w.safetensors"), "there is no folder no"),
    "no such style": (("painters", "train", "none.png"), "none.png"),
    "no contents": (("painters", "train", "wave.png", "--contents", "empty"), "empty"),
    "recipe": (("painters", "train", "wave.png", "--recipe", "nope"), 'no recipe "nope"'),
    "not a painter": (("paint", "photos/cat.png", "--painter", "wave.png"), "wave.png isn't a painter, or is damaged"),
    "no painter": (("paint", "photos/cat.png", "--painter", "x.safetensors"), "painter x.safetensors can't be read"),
    "style too": (("paint", "photos/cat.png", "wave.png", "--painter", "x"), "leave out STYLE, or leave out --painter"),
    "export": (("painters", "export", "wave.png", "-o", "wave.onnx"), "wave.png isn't a painter"),
    "listing": (("painters", "list", "wave.png"), "wave.png isn't a painter"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_and_nothing_is_written(desk, spnst, case):
    arguments, message = BAD[case]
    status, out, err = spnst(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert made(desk) == []


def test_a_photo_without_style_or_painter_is_told_to_have_one(desk, spnst):
    status, _, err = spnst("paint", "photos/cat.png")
    assert status == 2
    assert "--painter FILE" in err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("wave.safetensors", "other/wave.safetensors"), "two painters are called wave: rename one of the files"),
        (("none.safetensors",), "painter none.safetensors can't be read: No such file or directory"),
        (("wave.png",), "wave.png isn't a painter, or is damaged"),
    ],
    ids=["one name", "no file", "a picture"],
)
def test_a_page_of_what_is_no_painter_is_refused_and_nothing_is_written(desk, spnst, given, told):
    status, _, err = spnst("painters", "page", *given)
    assert status == 2
    assert told in err
    assert not (desk / "page").exists()


def test_a_page_isnt_written_among_other_files(desk, spnst, monkeypatch):
    painter = Painter(PainterNet(NARROW), {"architecture": ARCHITECTURE, "width": NARROW, "recipe_name": "quick"})
    (desk / "wave.safetensors").write_bytes(painter.to_bytes())
    status, _, err = spnst("painters", "page", "wave.safetensors", "-o", "photos")
    assert (status, err) == (
        2,
        "spnst: photos isn't empty: choose another folder, or give --overwrite to write into it\n",
    )
    status, _, err = spnst("painters", "page", "wave.safetensors", "-o", "wave.png")
    assert (status, err) == (2, "spnst: wave.png is a file: name a folder\n")


def test_a_runtime_from_a_file_that_is_none_is_refused(desk, spnst, monkeypatch):
    monkeypatch.setenv("SPNST_WEIGHTS", str(desk / "cache"))
    status, _, err = spnst("painters", "runtime", "--from", "wave.png")
    assert (status, err) == (
        2,
        f"spnst: wave.png isn't a whole package of npm: get it by npm pack {runtime.PACKAGE}\n",
    )
