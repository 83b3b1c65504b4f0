"""Timelapse: what a player finds in the file, and what is left of a film that was not finished."""

import subprocess
import sys

import av
import numpy as np
import pytest
import torch
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from spnst_core import InputError, Recipe
from spnst_core.imaging import io as image_io
from spnst_core.optim.optimize import Iterate
from spnst_core.report.film import FPS, GAP, Facts, Film, read_facts, read_metadata


def played(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == FPS
        return [np.asarray(frame.to_image(), np.float32) / 255 for frame in container.decode(stream)]


def smooth(seed, height=48, width=64):
    coarse = torch.rand((1, 3, 4, 5), generator=torch.Generator().manual_seed(seed))
    return image_io.resize(coarse, height, width)


def test_a_film_shows_its_pictures_and_rests_on_the_last(tmp_path):
    shown = [smooth(seed) for seed in range(4)]
    with Film(tmp_path / "cell.mp4", (64, 48)) as film:
        for x in shown[:3]:
            film.add(x)
        film.finish(image_io.to_image(shown[3]))
    frames = played(tmp_path / "cell.mp4")
    assert len(frames) == 3 + FPS
    for frame, x in zip(frames, shown[:3], strict=False):
        assert np.abs(frame - x[0].permute(1, 2, 0).numpy()).mean() < 0.03
    assert np.abs(frames[-1] - shown[3][0].permute(1, 2, 0).numpy()).mean() < 0.03


def test_frames_of_coarser_stages_are_enlarged(tmp_path):
    with Film(tmp_path / "cell.mp4", (64, 48)) as film:
        film.add(smooth(1, 12, 16))
        film.finish(image_io.to_image(smooth(1)))
    first, *_, last = played(tmp_path / "cell.mp4")
    assert first.shape == last.shape == (48, 64, 3)
    assert np.abs(first - last).mean() < 0.05


def test_odd_sides_are_made_even_by_repeating_the_edge(tmp_path):
    with Film(tmp_path / "cell.mp4", (63, 47)) as film:
        film.finish(Image.new("RGB", (63, 47), (200, 40, 90)))
    frame = played(tmp_path / "cell.mp4")[0]
    assert frame.shape == (48, 64, 3)
    assert np.abs(frame - np.array([200, 40, 90]) / 255).max() < 0.05


def test_the_content_can_stand_beside(tmp_path):
    with Film(tmp_path / "cell.mp4", (64, 48), beside=Image.new("RGB", (128, 96), "blue")) as film:
        film.finish(Image.new("RGB", (64, 48), "red"))
    frame = played(tmp_path / "cell.mp4")[0]
    assert frame.shape == (48, 128 + GAP, 3)
    assert frame[:, :60, 2].min() > 0.9
    assert frame[:, 64 + GAP + 4 :, 0].min() > 0.9


def test_the_curve_falls_as_the_loss_does(tmp_path):
    with Film(tmp_path / "cell.mp4", (128, 48), curve=True, steps=10) as film:
        for step in range(1, 11):
            film.add(smooth(1, 48, 128), step, 10.0 ** (1 - step / 10))
        film.finish(image_io.to_image(smooth(1, 48, 128)))
    strip = played(tmp_path / "cell.mp4")[-1][48:, :72]
    blue = strip[..., 2] - strip[..., 0] > 0.2
    left, right = (np.argwhere(half)[:, 0].mean() for half in (blue[:, :36], blue[:, 36:]))
    assert left < right - 5


def test_words_are_kept_and_found_at_the_beginning_of_the_file(tmp_path):
    words = {"fingerprint": "0123abcd", "made": '{"recipe": "structure"}'}
    with Film(tmp_path / "cell.mp4", (256, 192), metadata=words) as film:
        for seed in range(40):
            film.add(torch.rand(1, 3, 192, 256, generator=torch.Generator().manual_seed(seed)))
        film.finish(image_io.to_image(smooth(1, 192, 256)))
    data = (tmp_path / "cell.mp4").read_bytes()
    assert len(data) > 3 * 65_536
    assert words.items() <= read_metadata(data[:65_536]).items()


def test_an_unfinished_film_leaves_nothing_and_keeps_what_was_there(tmp_path):
    path = tmp_path / "cell.mp4"
    path.write_bytes(b"an older film")
    film = Film(path, (64, 48))

    def interrupted():
        with film:
            film.add(smooth(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [p.name for p in tmp_path.iterdir()] == ["cell.mp4"]
    assert path.read_bytes() == b"an older film"


def test_what_is_in_a_film_is_told_from_its_beginning(tmp_path):
    with Film(tmp_path / "cell.mp4", (63, 47)) as film:
        for seed in range(12):
            film.add(smooth(seed))
        film.finish(Image.new("RGB", (63, 47)))
    assert read_facts((tmp_path / "cell.mp4").read_bytes()[:4096]) == Facts(12 + FPS, (12 + FPS) / FPS, 64, 48)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (250, 240, 40)])
def test_colours_are_those_that_a_player_of_high_definition_shows(tmp_path, colour):
    """Red, green and blue after ITU-R BT.709, computed here from the stored luma and chroma."""
    with Film(tmp_path / "cell.mp4", (64, 48)) as film:
        film.finish(Image.new("RGB", (64, 48), colour))
    with av.open(str(tmp_path / "cell.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.colorspace == Colorspace.ITU709
        assert stream.codec_context.color_range == ColorRange.MPEG
        planes = next(container.decode(stream)).to_ndarray()
    y, u, v = (float(planes[rows, 20]) for rows in (20, 48 + 4, 60 + 4))
    luma, blue, red = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    r, b = luma + 1.5748 * red, luma + 1.8556 * blue
    g = (luma - 0.2126 * r - 0.0722 * b) / 0.7152
    assert np.abs(np.array([r, g, b]) * 255 - colour).max() < 4


def iterates(steps, cells=2):
    losses = {"total": torch.linspace(1, 2, cells)}
    pictures = torch.rand(cells, 3, 24, 32)
    return [Iterate(0, 1, step, steps, tuple(range(cells)), losses, pictures) for step in range(1, steps + 1)]


@pytest.mark.parametrize(("every", "frames"), [(1, 7), (2, 5), (3, 4), (50, 2)])
def test_the_first_every_nth_and_the_last_iterate_make_a_frame(tmp_path, every, frames):
    with Film(tmp_path / "cell.mp4", (32, 24), every=every) as film:
        for iterate in iterates(7):
            film.follow(iterate, 1)
        film.finish(Image.new("RGB", (32, 24)))
    assert len(played(tmp_path / "cell.mp4")) == frames + FPS


def test_a_cells_film_shows_its_content_and_enlarges_a_small_pastiche(tmp_path):
    recipe = Recipe.load("gatys").with_size(100)
    content = smooth(3, 150, 200)
    pastiche = image_io.to_image(smooth(4, 75, 100))
    with Film.of_cell(tmp_path / "cell.mp4", content, recipe) as film:
        film.finish(pastiche)
    last = played(tmp_path / "cell.mp4")[-1]
    assert last.shape[1] == 2 * 400 + GAP
    shown = image_io.to_tensor(pastiche.resize((400, 300), Image.Resampling.BICUBIC))[0].permute(1, 2, 0).numpy()
    assert np.abs(last[:300, -400:] - shown).mean() < 0.01
    beside = image_io.resize(content, 300, 400)[0].permute(1, 2, 0).numpy()
    assert np.abs(last[:300, :400] - beside).mean() < 0.01


@pytest.mark.slow(11)
def test_a_film_takes_no_more_memory_the_longer_it_gets(tmp_path):
    """Measured in a process of its own, where nothing else grows."""
    code = """if True:
        import resource, sys, pathlib, torch
        from PIL import Image
        from spnst_core.report.film import Film
        torch.set_num_threads(1)
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        frame = torch.rand(3, 120, 160)
        with Film(pathlib.Path(sys.argv[1]), (160, 120), curve=True, steps=600) as film:
            for step in range(600):
                film.add(frame.roll(step, 2), step, 1.0)
                if step == 100:
                    early = peak()
            film.finish(Image.new("RGB", (160, 120)))
        print(peak() - early)
    """
    command = [sys.executable, "-c", code, str(tmp_path / "long.mp4")]
    grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert float(grown) < 8  # 500 frames are 28 MB as pixels


def test_a_film_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InputError, match="film .*absent/cell.mp4 can't be written: No such file or directory"):
        Film(tmp_path / "absent/cell.mp4", (64, 48))


def test_what_is_no_film_is_named():
    for read in (read_metadata, read_facts):
        with pytest.raises(InputError, match="not a film"):
            read(b"hello there" * 100)
