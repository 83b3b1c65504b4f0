"""Decoding: every kind of file, every limit, and numbers against Pillow, NumPy and closed forms."""

import os
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from picture_files import HEIGHT, WIDTH, encoded, matrix_profile, noise, picture, pixels, png, smooth
from PIL import Image, ImageCms

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.decoding import PROFILE
from spnst_core.imaging.icc import SRGB_ICC

ORIENTATION = 0x0112
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

    def test_nothing_of_the_file_is_left_on_the_image_but_what_its_colours_were(self):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        assert image_io.decode(encoded(picture(), icc_profile=profile, dpi=(72, 72))).info == {PROFILE: profile}
        assert image_io.decode(encoded(picture(), icc_profile=SRGB_ICC, dpi=(72, 72))).info == {}


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


@pytest.mark.heavy
def test_a_large_picture_is_held_twice_while_it_is_decoded():
    """Of a few kilobytes on disk: its pixels as they lie, and in sRGB, at four bytes each."""
    status, peak = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not os.access(peak, os.W_OK):
        pytest.skip("the system doesn't tell the peak of a process's memory")
    side = 5000
    data = png(side, side, 8, 2, [bytes(3 * side)] * side)
    pixels(image_io.decode(png(32, 32, 8, 2, [bytes(96)] * 32)))  # what the first picture brings

    def measured(name):
        return int(re.search(rf"{name}:\s+(\d+) kB", status.read_text())[1]) * 1024

    peak.write_text("5")  # from here on
    before = measured("VmRSS")
    image = image_io.decode(data)
    assert image.size == (side, side)
    assert measured("VmHWM") - before < 2.5 * 4 * side * side
