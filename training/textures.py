"""The textures of rendered scenes: procedural ones and crops of the photographs that come with scikit-image.

Most are nearly white, so that a material's tint gives them their colour; those of posters, screens, book covers,
fabrics, façades and plants bring their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skimage
from PIL import Image
from scipy import ndimage

Array = npt.NDArray[np.floating[Any]]
Rng = np.random.Generator

TEXTURE_SIDE = 128
# The stereo pair and the portraits are left out: the one has measured depth, the others are judged by eye.
PHOTOGRAPHS = ["coffee.png", "camera.png", "ihc.png", "hubble_deep_field.jpg", "moon.png", "retina.jpg", "color.png"]
GROUND_PHOTOGRAPHS = ["grass.png"]
PAGES = ["page.png", "text.png"]
HELD_OUT_PHOTOGRAPHS = ["brick.png", "gravel.png", "coins.png", "chelsea.png", "rocket.jpg"]


@dataclass(frozen=True)
class Bank:
    """All textures with their mip levels in one flat array, so that one gather textures a whole picture."""

    texels: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.intp]
    groups: dict[str, list[int]]


@cache
def texture_bank() -> Bank:
    """The textures that every scene draws from; made once, always from the same seed."""
    rng = np.random.default_rng(20)
    pictures: list[Array] = []
    groups: dict[str, list[int]] = {}
    for name, count, make in _TEXTURES:
        groups.setdefault(name, []).extend(range(len(pictures), len(pictures) + count))
        pictures += [np.clip(make(rng), 0, 1).astype(np.float32) for _ in range(count)]
    level, levels = np.stack(pictures), []
    while True:
        levels.append((level * 255).astype(np.uint8))
        n, side = level.shape[:2]
        if side == 1:
            break
        level = level.reshape(n, side // 2, 2, side // 2, 2, 3).mean((2, 4))
    starts = np.cumsum([0] + [x.size // 3 for x in levels[:-1]])
    return Bank(np.concatenate([x.reshape(-1, 3) for x in levels]), starts, groups)


def lookup(texture: npt.NDArray[np.intp], uv: Array, footprint: Array) -> Array:
    """Linear colours (3, n) of tiles at ``uv`` (2, n), bilinear, at the mip level that ``footprint`` asks for."""
    bank = texture_bank()
    top = len(bank.starts) - 1
    level = np.clip(np.log2(np.maximum(footprint * TEXTURE_SIDE, 1e-6)), 0, top).astype(np.intp)
    side = TEXTURE_SIDE >> level
    at = np.nan_to_num(uv) * side - 0.5
    corner = np.floor(at).astype(np.intp)
    fx, fy = (at - corner).astype(np.float32)
    base = bank.starts[level] + texture * side * side
    colour = np.zeros((len(texture), 3), np.float32)
    for dx, dy in product((0, 1), repeat=2):
        weight = (fx if dx else 1 - fx) * (fy if dy else 1 - fy)
        colour += bank.texels[base + (corner[1] + dy) % side * side + (corner[0] + dx) % side] * weight[:, None]
    return (colour.T / 255) ** 2.2


def noise(rng: Rng, power: float, side: int = TEXTURE_SIDE) -> Array:
    """Tileable noise with a 1/f^power spectrum, its range stretched to [0, 1]."""
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    f[0, 0] = np.inf
    x = np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) / f**power).real
    low, high = np.percentile(x, [2, 98])
    return np.clip((x - low) / (high - low), 0, 1).astype(np.float32)


def colour(rng: Rng, saturation: float = 0.6) -> Array:
    """A random colour, from nearly black to white and from grey to vivid."""
    hue, value = rng.uniform(0, 2 * np.pi), rng.beta(1.6, 1.3)
    wave = 0.5 + 0.5 * np.cos(hue + np.array([0, 2.1, 4.2]))
    s = rng.beta(1.2, 2.0) * saturation / 0.6
    return np.asarray((0.08 + 0.92 * value) * (1 - min(s, 1.0) * (1 - wave)), np.float32)


def _blend(rng: Rng, mix: Array) -> Array:
    """Two random colours mixed by a grey map."""
    a, b = colour(rng), colour(rng)
    b = a + (b - a) * rng.uniform(0.15, 1.0)
    return a + (b - a) * np.asarray(mix, np.float32)[..., None]


def _white(relief: Array, depth: float) -> Array:
    """Nearly white: 1 less ``depth`` times a grey map."""
    return np.repeat(1 - depth * np.asarray(relief, np.float32)[..., None], 3, 2)


def _grid() -> tuple[Array, Array]:
    y, x = np.mgrid[:TEXTURE_SIDE, :TEXTURE_SIDE].astype(np.float32) / TEXTURE_SIDE
    return y, x


# ------------------------------------------------------------------------------------------- white, to be tinted


def _plain(rng: Rng) -> Array:
    return _white(noise(rng, rng.uniform(0.5, 1.8)), rng.uniform(0.0, 0.1))


def _carpet(rng: Rng) -> Array:
    return _white(noise(rng, rng.uniform(0.0, 0.5)), rng.uniform(0.15, 0.5))


def _worn(rng: Rng) -> Array:
    return _white(noise(rng, rng.uniform(0.5, 1.6)), rng.uniform(0.1, 0.4))


def _marble(rng: Rng) -> Array:
    y, x = _grid()
    bands = x * rng.integers(0, 4) + y * rng.integers(0, 4) + noise(rng, 1.8) * rng.uniform(0.5, 3)
    return _white(np.sin(2 * np.pi * bands) * 0.5 + 0.5, rng.uniform(0.1, 0.5))


def _grain(rng: Rng) -> Array:
    """Wood grain in boards, lengthwise along v."""
    x = _grid()[1]
    boards = rng.integers(1, 7)
    ripple = 3 * ndimage.zoom(noise(rng, 1.5)[:8], (16, 1), order=1)
    grain = np.sin(2 * np.pi * (6 * (x * boards % 1) + ripple)) * 0.5 + 0.5
    tone = rng.uniform(1 - rng.uniform(0.05, 0.35), 1, boards)[(x * boards).astype(int) % boards]
    seam = 1 - rng.uniform(0.1, 0.6) * ((x * boards % 1) < 0.04)
    return _white(1 - (1 - rng.uniform(0.05, 0.3) * grain) * tone * seam, 1.0)


def _tiles(rng: Rng) -> Array:
    """Square or oblong tiles with thin joints, some chequered."""
    y, x = _grid()
    rows, columns = int(rng.integers(1, 5)) * 2, int(rng.integers(1, 5)) * 2
    cells = (y * rows).astype(int), (x * columns).astype(int)
    tone = rng.uniform(rng.uniform(0.7, 1), 1, (rows, columns))[cells]
    if rng.random() < 0.2:
        tone = tone * np.where((cells[0] + cells[1]) % 2, rng.uniform(0.3, 0.8), 1.0)
    thin = rng.uniform(0.02, 0.06)
    joint = ((y * rows % 1) < thin * rows / 4) | ((x * columns % 1) < thin * columns / 4)
    return _white(1 - np.where(joint, rng.uniform(0.3, 0.9), tone), 1.0)


def _ribs(rng: Rng) -> Array:
    """Horizontal lines: blinds, radiators, vents, corrugation."""
    y = _grid()[0]
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * y * rng.integers(3, 17))
    return _white(wave ** rng.uniform(0.3, 3), rng.uniform(0.15, 0.7))


def _folds(rng: Rng) -> Array:
    """Vertical folds of a curtain."""
    x = _grid()[1]
    wave = np.sin(2 * np.pi * (x * rng.integers(3, 9) + 0.3 * noise(rng, 2.2)[:1])) * 0.5 + 0.5
    return _white(wave, rng.uniform(0.2, 0.6))


# ------------------------------------------------------------------------------------------------ with colours


def _mottled(rng: Rng) -> Array:
    return _blend(rng, noise(rng, rng.uniform(0.3, 2.0)))


def _bricks(rng: Rng) -> Array:
    y, x = _grid()
    rows = 2 * int(rng.integers(2, 7))
    columns = max(1, rows // int(rng.integers(2, 4)))
    row = (y * rows).astype(int)
    across = x * columns + rng.choice([0, 0.5]) * (row % 2)
    tone = rng.uniform(0.75, 1, (rows, columns))[row % rows, across.astype(int) % columns]
    joint = ((y * rows % 1) < 0.09) | ((across % 1) < 0.09 * columns / rows)
    red = np.array([0.65, 0.35, 0.27]) * rng.uniform(0.6, 1.3) if rng.random() < 0.5 else colour(rng, 0.25)
    picture = red * (tone * (0.8 + 0.2 * noise(rng, 0.8)))[..., None]
    return np.where(joint[..., None], colour(rng, 0.1), picture)


def _pattern(rng: Rng) -> Array:
    """Stripes, checks, dots and lattices of two colours."""
    y, x = _grid()
    n, m = rng.integers(1, 9, 2)
    kind = rng.integers(4)
    if kind == 0:
        mix = (x * n % 1) < rng.uniform(0.2, 0.8)
    elif kind == 1:
        mix = ((x * n).astype(int) + (y * n).astype(int)) % 2 == 0
    elif kind == 2:
        mix = np.hypot(x * n % 1 - 0.5, y * n % 1 - 0.5) < rng.uniform(0.15, 0.45)
    else:
        mix = ((x * n % 1) < 0.4) ^ ((y * m % 1) < 0.4)
    return _blend(rng, ndimage.gaussian_filter(mix.astype(np.float32), rng.uniform(0.3, 1.5), mode="wrap"))


def _spines(rng: Rng) -> Array:
    """A row of book spines, some with a label."""
    picture = np.full((TEXTURE_SIDE, TEXTURE_SIDE, 3), 0.05, np.float32)
    left = 0
    while left < TEXTURE_SIDE:
        right = left + int(rng.integers(4, 14))
        top = int(rng.integers(0, 36))
        picture[top:, left : right - 1] = colour(rng) * rng.uniform(0.5, 1)
        if rng.random() < 0.5:
            at = int(rng.integers(top, 100))
            picture[at : at + int(rng.integers(4, 24)), left + 1 : right - 2] = colour(rng)
        left = right
    return picture


def _writing(rng: Rng) -> Array:
    """Lines of text on paper or on a screen, with blocks of colour and pictures."""
    paper, ink = (0.95, 0.2) if rng.random() < 0.7 else (0.1, 0.7)
    picture = np.full((TEXTURE_SIDE, TEXTURE_SIDE, 3), paper, np.float32)
    step = int(rng.integers(4, 9))
    for y in range(step, TEXTURE_SIDE - step, step):
        if rng.random() < 0.85:
            words = rng.random(TEXTURE_SIDE) < 0.75
            words[: rng.integers(4, 16)] = False
            words[rng.integers(60, TEXTURE_SIDE) :] = False
            picture[y : y + step // 2, words] = ink
    for _ in range(rng.integers(0, 4)):
        top, left, height, width = (int(v) for v in rng.integers(0, 80, 4))
        picture[top : top + height // 2 + 4, left : left + width + 4] = colour(rng)
    return picture


def _page(rng: Rng) -> Array:
    return _photograph_crop(rng, PAGES)


def _facade(rng: Rng) -> Array:
    """Windows in a wall; one tile is a few storeys."""
    y, x = _grid()
    rows, columns = rng.integers(2, 7, 2)
    w, h = rng.uniform(0.3, 0.85, 2)
    u, v = np.abs(x * columns % 1 - 0.5) * 2, np.abs(y * rows % 1 - 0.5) * 2
    cells = (y * rows).astype(int), (x * columns).astype(int)
    pane = colour(rng, 0.2) * rng.uniform(0.1, 1, (rows, columns, 1))[cells]
    wall = _plain(rng) * colour(rng, 0.25) ** 0.5 if rng.random() < 0.6 else _bricks(rng)
    frame = np.clip(wall * rng.uniform(0.4, 1.7), 0, 1)
    picture = np.where(((u < w + 0.12) & (v < h + 0.12))[..., None], frame, wall)
    picture = np.where(((u < w) & (v < h))[..., None], pane, picture)
    bar = (u < 0.06) | (np.abs(v) < 0.05)
    return np.where((bar & (u < w) & (v < h))[..., None], frame, picture)


def _foliage(rng: Rng) -> Array:
    green = np.array([rng.uniform(0.15, 0.5), rng.uniform(0.3, 0.6), rng.uniform(0.05, 0.3)])
    if rng.random() < 0.15:
        green = colour(rng)
    return np.asarray(green * (0.25 + 0.95 * noise(rng, rng.uniform(0.3, 1.2)))[..., None], np.float32)


def _ground(rng: Rng) -> Array:
    """Grass, earth, gravel or asphalt."""
    kind = rng.integers(4)
    if kind == 0:
        return _foliage(rng)
    if kind == 1:
        return _photograph_crop(rng, GROUND_PHOTOGRAPHS)
    grey = noise(rng, rng.uniform(0.1, 1.2))[..., None] * rng.uniform(0.05, 0.4) + rng.uniform(0.2, 0.6)
    return np.asarray(grey * (0.8 + 0.2 * colour(rng, 0.3)), np.float32)


@cache
def _photograph_file(name: str) -> Image.Image:
    return Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")


def _photograph_crop(rng: Rng, names: Sequence[str] = PHOTOGRAPHS) -> Array:
    """A crop mirrored to tile, with its own colours or its brightness mapped between two random colours."""
    picture = _photograph_file(names[int(rng.integers(len(names)))])
    side = int(min(picture.size) * rng.uniform(0.25, 1.0))
    left, top = (int(rng.integers(0, n - side + 1)) for n in picture.size)
    half = TEXTURE_SIDE // 2
    crop = picture.resize((half, half), Image.Resampling.BOX, (left, top, left + side, top + side))
    x: Array = np.asarray(crop, np.float32) / 255
    if rng.random() < 0.4:
        x = _blend(rng, x.mean(-1))
    x = x.mean((0, 1)) + (x - x.mean((0, 1))) * rng.uniform(0.4, 1.0)
    x = np.rot90(x, int(rng.integers(4)))
    x = np.concatenate([x, x[::-1]])
    return np.concatenate([x, x[:, ::-1]], 1)


def _cloud(rng: Rng) -> Array:
    return np.repeat(noise(rng, 1.4)[..., None], 3, 2)


# ---------------------------------------------------------------------------- only in scenes that are held out


def _chipboard(rng: Rng) -> Array:
    """Flakes of wood pressed at random angles."""
    picture = np.full((TEXTURE_SIDE, TEXTURE_SIDE), 0.7, np.float32)
    y, x = np.mgrid[:TEXTURE_SIDE, :TEXTURE_SIDE].astype(np.float32)
    for _ in range(150):
        v, u, angle = *rng.uniform(0, TEXTURE_SIDE, 2), rng.uniform(0, np.pi)
        along = (x - u) * np.cos(angle) + (y - v) * np.sin(angle)
        across = (y - v) * np.cos(angle) - (x - u) * np.sin(angle)
        picture[(np.abs(along) < rng.uniform(4, 16)) & (np.abs(across) < rng.uniform(1, 4))] = rng.uniform(0.45, 1)
    return picture[..., None] * np.array([0.85, 0.68, 0.45], np.float32)


def _cells(rng: Rng) -> Array:
    """Irregular stones: each texel takes the tone of the nearest of some random points, dark at the joints."""
    points = rng.uniform(0, TEXTURE_SIDE, (int(rng.integers(12, 60)), 2))
    y, x = np.mgrid[:TEXTURE_SIDE, :TEXTURE_SIDE].astype(np.float32)
    wrap = TEXTURE_SIDE / 2
    away = [np.hypot((y - v + wrap) % TEXTURE_SIDE - wrap, (x - u + wrap) % TEXTURE_SIDE - wrap) for v, u in points]
    distance = np.stack(away)
    nearest, second = np.sort(distance, axis=0)[:2]
    tone = rng.uniform(0.4, 1, len(points))[distance.argmin(0)] * np.clip((second - nearest) / 3, 0.25, 1)
    return tone[..., None] * (0.5 + 0.5 * colour(rng, 0.4))


def _held_out_photograph(rng: Rng) -> Array:
    return _photograph_crop(rng, HELD_OUT_PHOTOGRAPHS)


_TEXTURES: tuple[tuple[str, int, Callable[[Rng], Array]], ...] = (
    ("cloud", 1, _cloud),
    ("plain", 30, _plain),
    ("carpet", 16, _carpet),
    ("worn", 16, _worn),
    ("marble", 10, _marble),
    ("grain", 24, _grain),
    ("tiles", 20, _tiles),
    ("ribs", 12, _ribs),
    ("folds", 10, _folds),
    ("mottled", 30, _mottled),
    ("brick", 20, _bricks),
    ("pattern", 40, _pattern),
    ("spines", 24, _spines),
    ("writing", 30, _writing),
    ("page", 12, _page),
    ("photo", 80, _photograph_crop),
    ("facade", 60, _facade),
    ("leaf", 30, _foliage),
    ("ground", 40, _ground),
    ("held_out", 24, _held_out_photograph),
    ("held_out", 8, _chipboard),
    ("held_out", 8, _cells),
)
