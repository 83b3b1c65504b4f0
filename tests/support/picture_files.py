"""Pictures' files made in memory, also such as no encoder here writes."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 32


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


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, *chunks, interlaced=False):
    """A PNG by hand, for what Pillow can't write: 16 bits a channel, headers that lie, any chunks before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *chunks, chunk(b"IDAT", body), chunk(b"IEND", b"")))


def png_with(image, *chunks):
    """An RGB image as PNG with these chunks before its pixels."""
    return png(image.width, image.height, 8, 2, [row.tobytes() for row in np.asarray(image)], *chunks)


def jpeg_with(image, *segments):
    """An image as JPEG with these segments, each a marker and a content, right after its start."""
    data = encoded(image, "JPEG", quality=95, subsampling=0)
    put = b"".join(bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body for marker, body in segments)
    return data[:2] + put + data[2:]


def tiff_block(*entries):
    """A little-endian TIFF directory by hand, as EXIF holds it: entries (tag, type, count, four bytes)."""
    fields = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + bytes(4)


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
