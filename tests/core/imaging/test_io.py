"""Pictures and tensors: every form, every limit, and numbers against Pillow and NumPy."""

from io import BytesIO

import numpy as np
import pytest
import torch
from picture_files import HEIGHT, WIDTH, encoded, noise, picture, pixels
from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io

ORIENTATION = 0x0112
TEXT = {"recipe": '{"size": 256}', "title": "Die Brücke, 橋", "empty": "", "long": "x" * 5000}


class TestRead:
    def test_every_form_of_a_picture_is_the_same_tensor(self, tmp_path):
        file = tmp_path / "a.png"
        file.write_bytes(encoded(picture()))
        expected = torch.from_numpy(pixels(picture()) / 255).permute(2, 0, 1)[None].float()
        for form in (str(file), file, file.read_bytes(), picture(), expected, expected[0], expected.double()):
            x = image_io.read(form)
            assert x.dtype == torch.float32
            torch.testing.assert_close(x, expected)

    def test_an_image_in_hand_is_treated_as_a_file_is(self):
        turned = Image.fromarray(noise(HEIGHT, WIDTH, 4), "RGBA")
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        data = encoded(turned, exif=exif)
        assert torch.equal(image_io.read(Image.open(BytesIO(data))), image_io.read(data))

    @pytest.mark.parametrize(
        ("x", "words"),
        [
            (torch.zeros(2, 3, 32, 32), r"must be \(1, 3, H, W\) or \(3, H, W\), not \(2, 3, 32, 32\)"),
            (torch.zeros(32, 32, 3), r"not \(32, 32, 3\)"),
            (torch.zeros(1, 1, 32, 32), r"not \(1, 1, 32, 32\)"),
            (torch.zeros(3, 32, 32, dtype=torch.uint8), r"not torch.uint8; divide by 255"),
            (torch.full((3, 32, 32), 255.0), r"must be in \[0, 1\]; they go from 255 to 255"),
            (torch.full((3, 32, 32), float("nan")), r"must be in \[0, 1\]; they go from nan"),
            (torch.zeros(3, 4, 32), r"is 32x4 pixels"),
        ],
    )
    def test_unusable_tensors(self, x, words):
        with pytest.raises(InputError, match=words):
            image_io.read(x)

    def test_a_small_image_in_hand(self):
        with pytest.raises(InputError, match="the picture is 1x1 pixels"):
            image_io.read(Image.new("RGB", (1, 1)))


class TestTensors:
    def test_round_trip_is_exact(self):
        image = picture()
        x = image_io.to_tensor(image)
        assert (x.shape, x.dtype) == ((1, 3, HEIGHT, WIDTH), torch.float32)
        assert np.array_equal(image_io.to_image(x), image)

    def test_every_level_round_trips(self):
        levels = torch.arange(256.0).div(255).expand(1, 16, 256)
        assert np.array_equal(np.asarray(image_io.to_image(levels))[0], np.arange(256))

    def test_values_are_clamped_and_rounded(self):
        x = torch.tensor([-0.5, 0.4 / 255, 0.6 / 255, 1.0, 7.0]).expand(1, 3, 1, 5)
        assert np.asarray(image_io.to_image(x))[0, :, 0].tolist() == [0, 0, 1, 255, 255]

    @pytest.mark.parametrize("shape", [(1, 3, 4, 5), (3, 4, 5)])
    def test_three_channels_are_rgb(self, shape):
        image = image_io.to_image(torch.rand(shape, requires_grad=True))
        assert (image.mode, image.size) == ("RGB", (5, 4))

    @pytest.mark.parametrize("shape", [(1, 1, 4, 5), (1, 4, 5), (1, 1, 1, 1)])
    def test_one_channel_is_grey(self, shape):
        image = image_io.to_image(torch.rand(shape, dtype=torch.bfloat16))
        assert (image.mode, image.size) == ("L", (shape[-1], shape[-2]))

    @pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 4, 5), (4, 5)])
    def test_other_shapes_are_refused(self, shape):
        with pytest.raises(ValueError, match=r"\(1, 3\|1, H, W\)"):
            image_io.to_image(torch.zeros(shape))

    def test_what_is_not_finite_is_refused(self):
        with pytest.raises(ValueError, match="not finite"):
            image_io.to_image(torch.full((3, 4, 4), float("nan")))

    def test_to_tensor_takes_rgb_only(self):
        with pytest.raises(InputError, match="mode RGB, not RGBA"):
            image_io.to_tensor(Image.new("RGBA", (32, 32)))


class TestPng:
    def test_pixels_and_text_round_trip(self):
        data = image_io.encode_png(picture(), TEXT)
        assert np.array_equal(image_io.decode(data), picture())
        assert image_io.png_text(data) == TEXT

    def test_same_picture_same_bytes(self):
        forward, backward = dict(TEXT), dict(reversed(TEXT.items()))
        assert image_io.encode_png(picture(), forward) == image_io.encode_png(picture(), backward)

    def test_its_size_is_read_from_its_first_bytes(self):
        assert image_io.png_size(image_io.encode_png(Image.new("RGB", (700, 3)), TEXT)[:24]) == (700, 3)

    def test_no_text(self):
        assert image_io.png_text(image_io.encode_png(picture())) == {}

    def test_text_is_read_without_pixels(self):
        data = image_io.encode_png(picture(), TEXT)
        assert image_io.png_text(data[: data.index(b"IDAT") + 8]) == TEXT

    @pytest.mark.parametrize("text", [{"": "a"}, {"k" * 80: "a"}, {"橋": "a"}, {"a": "b\0c"}])
    def test_text_that_png_cannot_hold(self, text):
        with pytest.raises(ValueError, match=r"PNG can't hold|latin-1"):
            image_io.encode_png(picture(), text)

    @pytest.mark.parametrize("data", [b"", b"GIF89a", encoded(picture(), "JPEG")])
    def test_text_of_something_else(self, data):
        with pytest.raises(InputError, match="the PNG is not a picture that can be read; use one of PNG"):
            image_io.png_text(data)


class TestResize:
    @pytest.mark.parametrize(
        ("height", "width", "size", "expected"),
        [
            (300, 400, 200, (150, 200)),
            (400, 300, 200, (200, 150)),
            (100, 100, 256, (256, 256)),
            (1000, 3, 64, (64, 1)),
            (333, 500, 256, (170, 256)),
        ],
    )
    def test_fit(self, height, width, size, expected):
        assert image_io.fit(height, width, size) == expected

    @pytest.mark.parametrize(("height", "width"), [(12, 16), (7, 31), (50, 70), (24, 64)])
    def test_agrees_with_pillow(self, height, width):
        x = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
        channels = [Image.fromarray(channel.numpy()) for channel in x[0]]  # mode F: no rounding between passes
        bicubic = [c.resize((width, height), Image.Resampling.BICUBIC) for c in channels]
        expected = torch.from_numpy(np.stack([np.asarray(c) for c in bicubic])).clamp(0, 1)
        torch.testing.assert_close(image_io.resize(x, height, width)[0], expected, atol=1e-5, rtol=0)

    def test_same_size_is_the_identity(self):
        x = torch.rand(2, 3, 9, 11)
        torch.testing.assert_close(image_io.resize(x, 9, 11), x)

    def test_overshoot_is_clamped(self):
        step = torch.zeros(1, 1, 16, 16)
        step[..., 8:] = 1
        large = image_io.resize(step, 64, 64)
        assert (large.min(), large.max()) == (0, 1)

    def test_gradient(self):
        x = torch.rand(1, 1, 5, 6, dtype=torch.float64).mul(0.2).add(0.4).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: image_io.resize(x, 3, 8), x)


@pytest.mark.parametrize(("side", "copied"), [(3200, [(1, 3, 64, 64)]), (640, [])])
def test_on_a_gpu_what_it_would_refuse_to_shrink_is_shrunk_before(side, copied, gpu):
    with gpu:
        small = image_io.resize(torch.rand(1, 3, side, side, device=gpu.device), 64, 64)
    assert small.device == gpu.device
    assert gpu.copied == copied


class TestArrays:
    def test_bytes_and_floats_give_the_tensor_that_the_picture_gives(self):
        levels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        expected = image_io.to_tensor(Image.fromarray(levels))
        assert torch.equal(image_io.read(levels), expected)
        assert torch.allclose(image_io.read(levels / 255), expected)

    def test_the_tensor_shares_no_memory_with_the_array(self):
        levels = np.full((20, 24, 3), 0.5, np.float32)
        image_io.read(levels).zero_()
        assert levels.min() == 0.5

    @pytest.mark.parametrize(
        ("array", "problem"),
        [
            (np.zeros((20, 24)), r"\(H, W, 3\), not \(20, 24\)"),
            (np.zeros((3, 20, 24)), r"\(H, W, 3\), not \(3, 20, 24\)"),
            (np.zeros((20, 24, 3), np.int64), r"uint8, or floating-point in \[0, 1\], not int64"),
            (np.full((20, 24, 3), 200.0), r"in \[0, 1\]; they go from 200 to 200"),
            (np.full((20, 24, 3), np.nan), r"in \[0, 1\]"),
            (np.zeros((8, 24, 3)), "24x8 pixels"),
        ],
    )
    def test_others_are_refused(self, array, problem):
        with pytest.raises(InputError, match=problem):
            image_io.read(array)
