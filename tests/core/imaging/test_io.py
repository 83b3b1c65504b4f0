"""Pixels in and out: every kind of file, every limit, and numbers against Pillow, NumPy and closed forms."""

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io

HEIGHT, WIDTH = 24, 32
ORIENTATION = 0x0112
TEXT = {"recipe": '{"size": 256}', "title": "Die Brücke, 橋", "empty": "", "long": "x" * 5000}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def picture(height=HEIGHT, width=WIDTH):
    return Image.fromarray(noise(height, width, 3))


def smooth(height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, 255 - x * 200 // width], 2).astype("uint8"))


def encoded(image, form="PNG", **options):
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def pixels(image):
    return np.asarray(image).astype(int)


def png(width, height, depth, colour, rows):
    """A PNG by hand, for what Pillow can't write: 16 bits a channel, and headers that lie."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def matrix_profile(colorants, gamma):
    """An ICC v2 display profile (ICC.1:2001-04): XYZ of the three primaries in D50 and one gamma for all."""

    def xyz(values):
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(11 + 67 + 1)
    red, green, blue = colorants
    tags = {
        b"desc": description,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(red),
        b"gXYZ": xyz(green),
        b"bXYZ": xyz(blue),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(data), b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + data


SRGB_D50 = np.array([[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]])
ADOBE_D50 = np.array([[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]])
ADOBE_GAMMA = 563 / 256


class TestDecode:
    @pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "PPM"])
    def test_lossless_formats_come_through_exactly(self, form):
        image = image_io.decode(encoded(picture(), form))
        assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
        assert np.array_equal(image, picture())

    @pytest.mark.parametrize("form", ["JPEG", "WEBP"])
    def test_lossy_formats_come_through_nearly(self, form):
        image = image_io.decode(encoded(smooth(), form, quality=95))
        assert np.abs(pixels(image) - pixels(smooth())).mean() < 2

    def test_a_path_and_its_bytes_are_the_same_picture(self, tmp_path):
        file = tmp_path / "a.png"
        file.write_bytes(encoded(picture()))
        assert np.array_equal(image_io.decode(file), image_io.decode(file.read_bytes()))

    @pytest.mark.parametrize(
        ("orientation", "upright"),
        [
            (1, lambda a: a),
            (2, lambda a: a[:, ::-1]),
            (3, lambda a: a[::-1, ::-1]),
            (4, lambda a: a[::-1]),
            (5, lambda a: a.transpose(1, 0, 2)),
            (6, lambda a: np.rot90(a, -1)),
            (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
            (8, lambda a: np.rot90(a)),
        ],
    )
    def test_exif_orientation_is_applied(self, orientation, upright):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        image = image_io.decode(encoded(picture(), exif=exif))
        assert np.array_equal(image, upright(np.asarray(picture())))
        assert image_io.decode(encoded(image)).size == image.size, "turned once, not again"

    def test_damaged_exif_does_not_lose_the_picture(self):
        data = encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
        assert image_io.decode(data).size == (WIDTH, HEIGHT)

    @pytest.mark.parametrize("mode", ["L", "1"])
    def test_grey_fills_three_equal_channels(self, mode):
        grey = picture().convert(mode)
        image = pixels(image_io.decode(encoded(grey)))
        assert np.array_equal(image, np.repeat(pixels(grey.convert("L"))[..., None], 3, 2))

    @pytest.mark.parametrize("form", ["PNG", "GIF"])
    def test_palette_colours(self, form):
        palette = smooth().convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
        assert np.array_equal(image_io.decode(encoded(palette, form)), palette.convert("RGB"))

    def test_a_transparent_palette_entry_becomes_white(self):
        index = Image.fromarray(noise(HEIGHT, WIDTH) % 3, "P")
        index.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 0])
        expected = np.array([[10, 20, 30], [255, 255, 255], [0, 255, 0]])[np.asarray(index)]
        assert np.array_equal(image_io.decode(encoded(index, transparency=1)), expected)

    @pytest.mark.parametrize("mode", ["LA", "RGBA"])
    def test_alpha_is_composited_over_white(self, mode):
        channels = noise(HEIGHT, WIDTH, len(mode))
        source = channels.astype(float) / 255
        alpha = source[..., -1:]
        expected = 255 * (source[..., :-1] * alpha + 1 - alpha)
        image = pixels(image_io.decode(encoded(Image.fromarray(channels, mode))))
        assert np.abs(image - expected).max() <= 1

    def test_the_colour_key_of_an_rgb_png_becomes_white(self):
        image = smooth()
        key = image.getpixel((3, 5))
        decoded = image_io.decode(encoded(image, transparency=key))
        assert decoded.getpixel((3, 5)) == (255, 255, 255)
        assert decoded.getpixel((20, 20)) == image.getpixel((20, 20))

    def test_cmyk_jpeg_with_adobe_inverted_inks(self):
        inks = smooth().convert("CMYK")
        data = encoded(inks, "JPEG", quality=100, subsampling=0)
        assert b"Adobe" in data
        assert np.abs(pixels(image_io.decode(data)) - pixels(smooth())).mean() < 1.5

    def test_lab_tiff(self):
        lab = ImageCms.createProfile("LAB")
        data = encoded(
            ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB").apply(smooth()), "TIFF"
        )
        assert np.abs(pixels(image_io.decode(data)) - pixels(smooth())).mean() < 1.5

    @pytest.mark.parametrize("form", ["PNG", "TIFF"])
    def test_16_bit_grey_is_scaled_not_clipped(self, form):
        levels = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
        image = pixels(image_io.decode(encoded(Image.fromarray(levels), form)))
        assert np.abs(image - levels[..., None] / 257).max() <= 0.5

    def test_16_bit_rgb(self):
        levels = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(">u2")
        data = png(WIDTH, HEIGHT, 16, 2, [row.tobytes() for row in levels])
        assert np.abs(pixels(image_io.decode(data)) - levels / 257).max() < 1

    def test_the_first_frame_of_an_animation(self):
        frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
        image = image_io.decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
        assert image.getpixel((0, 0)) == (255, 0, 0)

    def test_nothing_of_the_file_is_left_on_the_image(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        assert image_io.decode(encoded(picture(), icc_profile=profile, dpi=(72, 72))).info == {}


class TestColourProfiles:
    def test_adobe_rgb_becomes_srgb(self):
        source = pixels(smooth()) * 0.2 + 110  # inside sRGB's gamut, so that nothing is clipped
        source = source.round()
        data = encoded(Image.fromarray(source.astype(np.uint8)), icc_profile=matrix_profile(ADOBE_D50, ADOBE_GAMMA))
        linear = (source / 255) ** ADOBE_GAMMA @ ADOBE_D50 @ np.linalg.inv(SRGB_D50)
        assert linear.min() > 0.0031308, "the closed form below is sRGB's power segment"
        expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
        image = pixels(image_io.decode(data))
        assert np.abs(image - expected).max() <= 1.5
        assert np.abs(image - source).max() > 10, "the profile matters"

    def test_a_profile_applies_under_alpha(self):
        colour = Image.new("RGB", (WIDTH, HEIGHT), (100, 180, 90))
        profile = matrix_profile(ADOBE_D50, ADOBE_GAMMA)
        opaque = image_io.decode(encoded(colour, icc_profile=profile)).getpixel((0, 0))
        clear = colour.copy()
        clear.putalpha(128)
        mixed = image_io.decode(encoded(clear, icc_profile=profile)).getpixel((0, 0))
        assert np.allclose(mixed, np.array(opaque) * 128 / 255 + 127, atol=1)

    def test_srgb_profile_changes_nothing_visible(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        assert np.abs(pixels(image_io.decode(encoded(picture(), icc_profile=profile))) - pixels(picture())).max() <= 1

    @pytest.mark.parametrize("broken", [b"not a profile", matrix_profile(ADOBE_D50, ADOBE_GAMMA)[:200]])
    def test_a_broken_profile_is_taken_to_be_srgb(self, broken, caplog):
        assert np.array_equal(image_io.decode(encoded(picture(), icc_profile=broken), "odd.png"), picture())
        assert "odd.png: its colour profile can't be applied" in caplog.text

    def test_a_profile_of_other_channels_is_taken_to_be_srgb(self):
        grey = picture().convert("L")
        data = encoded(grey, icc_profile=matrix_profile(ADOBE_D50, ADOBE_GAMMA))
        assert np.array_equal(image_io.decode(data), grey.convert("RGB"))


class TestRefusals:
    def refused(self, source, *words, name=None):
        with pytest.raises(InputError) as caught:
            image_io.decode(source, name)
        message = str(caught.value)
        assert "\n" not in message
        for word in words:
            assert word in message

    def test_missing_file(self, tmp_path):
        self.refused(tmp_path / "cat.png", "cat.png doesn't exist; check the path")

    def test_folder(self, tmp_path):
        self.refused(tmp_path, f"{tmp_path} is a folder, not a picture; name a file inside it")

    def test_empty_file(self, tmp_path):
        (tmp_path / "cat.png").touch()
        self.refused(tmp_path / "cat.png", "cat.png is empty (0 bytes)")

    def test_not_a_picture(self, tmp_path):
        (tmp_path / "cat.png").write_text("I am a cat.\n")
        self.refused(tmp_path / "cat.png", "cat.png is not a picture that can be read; use one of PNG, JPEG")

    def test_postscript_is_never_run(self):
        self.refused(encoded(picture(), "EPS"), "is not a picture that can be read")

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
    @pytest.mark.parametrize("kept", [0.5, 0.9])
    def test_truncated_file(self, form, kept):
        data = encoded(picture(), form)
        self.refused(data[: int(len(data) * kept)], "cat is damaged or cut short (", "again", name="cat")

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
    def test_damaged_bytes_end_in_a_picture_or_a_refusal(self, form):
        data, random = encoded(picture(), form), np.random.default_rng(0)
        for _ in range(50):
            damaged = bytearray(data)
            for at in random.integers(0, min(len(data), 300), 3):
                damaged[at] = random.integers(0, 256)
            with suppress(InputError):
                assert image_io.decode(bytes(damaged)).mode == "RGB"

    @pytest.mark.parametrize(("width", "height"), [(1, 1), (image_io.MIN_SIDE - 1, 100), (100, image_io.MIN_SIDE - 1)])
    def test_too_small(self, width, height):
        data = encoded(picture(height, width))
        self.refused(data, f"dot is {width}x{height} pixels; use one of at least 16 on each side", name="dot")

    def test_the_smallest_side_is_accepted(self):
        assert image_io.decode(encoded(picture(image_io.MIN_SIDE, image_io.MIN_SIDE))).size == (16, 16)

    @pytest.mark.parametrize(("width", "height"), [(30_000, 10_000), (10_000, 10_001)])
    def test_a_bomb_is_refused_from_its_header(self, width, height, monkeypatch):
        def decoded(*_):
            raise AssertionError("pixels were decoded")

        monkeypatch.setattr(Image.Image, "load", decoded)
        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
        self.refused(png(width, height, 8, 2, []), "bomb has more than 100 million pixels", name="bomb")

    def test_pillow_never_warns_of_an_accepted_size(self, recwarn):
        # 95 million pixels, though none follow the header: above Pillow's own limit, below MAX_PIXELS.
        self.refused(png(10_000, 9_500, 8, 2, []), "is damaged or cut short")
        assert not recwarn.list

    def test_floating_point_file(self):
        data = encoded(Image.fromarray(np.zeros((HEIGHT, WIDTH), np.float32)), "TIFF")
        self.refused(data, "has floating-point pixels; save it with 8 or 16 bits a channel")

    def test_grey_beyond_16_bits(self):
        data = encoded(Image.fromarray(np.full((HEIGHT, WIDTH), 70_000, np.int32)), "TIFF")
        self.refused(data, "has grey values outside 0 to 65535")


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


class TestEncode:
    @pytest.mark.parametrize(("suffix", "format"), [(".png", "PNG"), (".jpg", "JPEG"), (".JPEG", "JPEG")])
    def test_the_suffix_chooses_the_format(self, suffix, format):
        data = image_io.encode(smooth(), suffix)
        assert Image.open(BytesIO(data)).format == format
        assert np.abs(np.asarray(image_io.decode(data), int) - np.asarray(smooth(), int)).mean() < 1

    def test_png_keeps_every_pixel(self):
        assert np.array_equal(image_io.decode(image_io.encode(picture(), ".png")), picture())

    def test_another_suffix_is_refused_with_those_that_are_known(self):
        with pytest.raises(InputError, match='suffix ".gif": use one of .png, .jpg, .jpeg'):
            image_io.encode(picture(), ".gif")


class TestPng:
    def test_pixels_and_text_round_trip(self):
        data = image_io.encode_png(picture(), TEXT)
        assert np.array_equal(image_io.decode(data), picture())
        assert image_io.png_text(data) == TEXT

    def test_same_picture_same_bytes(self):
        forward, backward = dict(TEXT), dict(reversed(TEXT.items()))
        assert image_io.encode_png(picture(), forward) == image_io.encode_png(picture(), backward)

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
