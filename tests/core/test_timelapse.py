"""Timelapse: what a player finds in the file, and what is left of a film that was not finished."""

import av
import numpy as np
import pytest
import torch
from PIL import Image

from spnst_core import InputError, images
from spnst_core.timelapse import FPS, GAP, Film, read_metadata


def played(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == FPS
        return [np.asarray(frame.to_image(), np.float32) / 255 for frame in container.decode(stream)]


def smooth(seed, height=48, width=64):
    coarse = torch.rand((1, 3, 4, 5), generator=torch.Generator().manual_seed(seed))
    return images.resize(coarse, height, width)


def test_a_film_shows_its_pictures_and_rests_on_the_last(tmp_path):
    shown = [smooth(seed) for seed in range(4)]
    with Film(tmp_path / "cell.mp4", (64, 48)) as film:
        for x in shown[:3]:
            film.add(x)
        film.finish(images.to_image(shown[3]))
    frames = played(tmp_path / "cell.mp4")
    assert len(frames) == 3 + FPS
    for frame, x in zip(frames, shown[:3], strict=False):
        assert np.abs(frame - x[0].permute(1, 2, 0).numpy()).mean() < 0.03
    assert np.abs(frames[-1] - shown[3][0].permute(1, 2, 0).numpy()).mean() < 0.03


def test_frames_of_coarser_stages_are_enlarged(tmp_path):
    with Film(tmp_path / "cell.mp4", (64, 48)) as film:
        film.add(smooth(1, 12, 16))
        film.finish(images.to_image(smooth(1)))
    first, *_, last = played(tmp_path / "cell.mp4")
    assert first.shape == last.shape == (48, 64, 3)
    assert np.abs(first - last).mean() < 0.05


def test_odd_sides_are_made_even_by_repeating_the_edge(tmp_path):
    with Film(tmp_path / "cell.mp4", (63, 47)) as film:
        film.finish(Image.new("RGB", (63, 47), (200, 40, 90)))
    frame = played(tmp_path / "cell.mp4")[0]
    assert frame.shape == (48, 64, 3)
    assert np.abs(frame - np.array([200, 40, 90]) / 255).max() < 0.05


def test_the_photograph_can_stand_beside(tmp_path):
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
        film.finish(images.to_image(smooth(1, 48, 128)))
    strip = played(tmp_path / "cell.mp4")[-1][48:, :72]
    blue = strip[..., 2] - strip[..., 0] > 0.2
    left, right = (np.argwhere(half)[:, 0].mean() for half in (blue[:, :36], blue[:, 36:]))
    assert left < right - 5


def test_words_are_kept_and_found_at_the_beginning_of_the_file(tmp_path):
    words = {"fingerprint": "0123abcd", "made": '{"recipe": "structure"}'}
    with Film(tmp_path / "cell.mp4", (256, 192), metadata=words) as film:
        for seed in range(40):
            film.add(torch.rand(1, 3, 192, 256, generator=torch.Generator().manual_seed(seed)))
        film.finish(images.to_image(smooth(1, 192, 256)))
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


def test_what_is_no_film_is_named():
    with pytest.raises(InputError, match="not a film"):
        read_metadata(b"hello there" * 100)
