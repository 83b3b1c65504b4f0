"""What rendered scenes are made of: basic solids, furniture, small objects, people, animals, trees, cars, houses."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from training.rendering import Material, Solid
from training.textures import Array, Rng, noise, texture_bank

OUTLINE_SIDE = 96


def material(rng: Rng, *kinds: str, tile: float = 1.0, gloss: float = 0.15) -> Material:
    """A random texture of the named groups (any but the cloud's and the facades' where none is named)."""
    groups = texture_bank().groups
    names = kinds or (*["plain"] * 5, "mottled", "marble", "wood", "wood", "brick", "pattern", "photo", "leaf")
    texture = int(rng.choice(groups[names[rng.integers(len(names))]]))
    tint = tuple(float(c) for c in (1 + rng.normal(0, 0.08, 3)) * rng.uniform(0.4, 1.0))
    shine = float(rng.uniform(0.1, 1.5)) if rng.random() < gloss else 0.0
    return Material(texture, tile * float(np.exp(rng.normal(0, 0.6))), (tint[0], tint[1], tint[2]), shine)


def turn(axis: int, angle: float) -> Array:
    """Rotation about one axis, right-handed."""
    c, s = np.cos(angle), np.sin(angle)
    r = np.eye(3, dtype=np.float32)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    r[i, i], r[i, j], r[j, i], r[j, j] = c, -s, s, c
    return r


def vector(x: float, y: float, z: float) -> Array:
    """A point or direction."""
    return np.array([x, y, z], np.float32)


def box(x: float, y: float, z: float, w: float, d: float, h: float, material: Material) -> Solid:
    """A box that stands on (x, y, z), of full width, depth and height."""
    return Solid("cube", np.diag(vector(w, d, h) / 2), vector(x, y, z + h / 2), material)


def ball(x: float, y: float, z: float, a: float, b: float, c: float, material: Material) -> Solid:
    """An ellipsoid centred at (x, y, z) with the given half-axes."""
    return Solid("sphere", np.diag(vector(a, b, c)), vector(x, y, z), material)


def cup(
    x: float,
    y: float,
    z: float,
    r: float,
    h: float,
    material: Material,
    top: float = 1.0,
    is_open: bool = False,
) -> Solid:
    """An upright frustum that stands on (x, y, z)."""
    return Solid("frustum", np.diag(vector(r, r, h / 2)), vector(x, y, z + h / 2), material, top, is_open)


def rod(a: Array, b: Array, radius: float, material: Material, top: float = 1.0) -> Solid:
    """A frustum from point ``a`` to point ``b``."""
    along = b - a
    length = float(np.linalg.norm(along))
    w = along / max(length, 1e-6)
    u = np.cross(w, [0.0, 0.0, 1.0] if abs(w[2]) < 0.9 else [1.0, 0.0, 0.0])
    u /= np.linalg.norm(u)
    axes = np.stack([u * radius, np.cross(w, u) * radius, w * max(length, 1e-3) / 2], 1)
    return Solid("frustum", axes.astype(np.float32), ((a + b) / 2).astype(np.float32), material, top)


def plane(x: float, y: float, z: float, normal: Array, m: Material) -> Solid:
    """An unbounded plane through (x, y, z)."""
    u = np.cross([0.0, 0.0, 1.0] if abs(normal[2]) < 0.9 else [0.0, 1.0, 0.0], normal)
    u /= np.linalg.norm(u)
    return Solid("plane", np.stack([u, np.cross(normal, u), normal], 1).astype(np.float32), vector(x, y, z), m)


def moved(solids: Sequence[Solid], x: float, y: float, z: float, yaw: float = 0.0, scale: float = 1.0) -> list[Solid]:
    """The same solids, scaled, turned about z and shifted."""
    r = turn(2, yaw) * np.float32(scale)
    return [replace(s, axes=r @ s.axes, centre=r @ s.centre + vector(x, y, z)) for s in solids]


def ridge(rng: Rng) -> npt.NDArray[np.bool_]:
    """The outline of a mountain range."""
    line = ndimage.gaussian_filter1d(np.cumsum(rng.standard_normal(OUTLINE_SIDE * 2)), rng.uniform(0.5, 4))
    line = line[OUTLINE_SIDE // 2 :][:OUTLINE_SIDE]
    line = (line - line.min()) / np.ptp(line) * rng.uniform(0.4, 0.95)
    rows = 1 - (np.arange(OUTLINE_SIDE) + 0.5) / OUTLINE_SIDE
    return np.asarray(rows[:, None] < line[None, :])


def leaves(rng: Rng) -> npt.NDArray[np.bool_]:
    """A ragged round outline with holes."""
    y, x = np.mgrid[-1 : 1 : OUTLINE_SIDE * 1j, -1 : 1 : OUTLINE_SIDE * 1j]
    ragged = noise(rng, rng.uniform(0.6, 1.3), OUTLINE_SIDE)
    return np.asarray(np.hypot(x, y) + rng.uniform(0.3, 1.0) * (ragged - 0.3) < 0.8)


def blob(rng: Rng) -> npt.NDArray[np.bool_]:
    """A smooth random outline around the centre."""
    y, x = np.mgrid[-1 : 1 : OUTLINE_SIDE * 1j, -1 : 1 : OUTLINE_SIDE * 1j]
    angle, wave = np.arctan2(y, x), np.zeros_like(x)
    for n in range(1, 7):
        wave += rng.normal(0, 0.22 / n) * np.cos(n * angle + rng.uniform(0, 6.3))
    return np.asarray(np.hypot(x, y) < np.clip(0.7 + wave, 0.1, 1))


def table(rng: Rng) -> list[Solid]:
    """A table with four legs, often with things on it."""
    w, d, h = rng.uniform(0.6, 1.8), rng.uniform(0.5, 1.0), rng.uniform(0.4, 0.78)
    wood, t = material(rng), rng.uniform(0.03, 0.06)
    legs = [box(sx * (w / 2 - 0.06), sy * (d / 2 - 0.06), 0, t, t, h, wood) for sx, sy in product((-1, 1), repeat=2)]
    on_top = [
        s
        for _ in range(rng.integers(0, 4))
        for s in moved(thing(rng), rng.uniform(-0.4, 0.4) * w, rng.uniform(-0.35, 0.35) * d, h + t, rng.uniform(0, 6.3))
    ]
    return [box(0, 0, h, w, d, t, wood), *legs, *on_top]


def chair(rng: Rng) -> list[Solid]:
    """A chair whose back is at +y."""
    w, h, back = rng.uniform(0.4, 0.55), rng.uniform(0.4, 0.5), rng.uniform(0.35, 0.6)
    m, n = material(rng), material(rng)
    legs = [box(sx * (w / 2 - 0.03), sy * (w / 2 - 0.03), 0, 0.04, 0.04, h, m) for sx, sy in product((-1, 1), repeat=2)]
    return [box(0, 0, h, w, w, 0.05, n), box(0, w / 2, h, w, 0.05, back, n), *legs]


def sofa(rng: Rng) -> list[Solid]:
    """A sofa or armchair that faces -y."""
    w, d, m = rng.uniform(1.0, 2.4), rng.uniform(0.7, 1.0), material(rng)
    cushions = [
        ball(x, 0.15, 0.6, 0.22, 0.12, 0.2, material(rng)) for x in rng.uniform(-w / 3, w / 3, rng.integers(0, 3))
    ]
    arms = [box(s * w / 2, 0, 0, 0.2, d, 0.6, m) for s in (-1, 1)]
    return [
        box(0, 0, 0, w, d, 0.42, m),
        box(0, d / 2, 0, w, 0.2, rng.uniform(0.7, 1.0), m),
        *arms,
        *cushions,
    ]


def cupboard(rng: Rng) -> list[Solid]:
    """A closed cupboard or an open bookshelf that faces -y."""
    w, d, h, m = rng.uniform(0.5, 1.8), rng.uniform(0.3, 0.6), rng.uniform(0.6, 2.2), material(rng)
    if rng.random() < 0.5:
        n = int(rng.integers(1, 5))
        doors = [box((k + 0.5) * w / n - w / 2, -d / 2, 0.05, w / n - 0.03, 0.03, h - 0.1, m) for k in range(n)]
        return [box(0, 0, 0, w, d, h, material(rng)), *doors]
    n = int(rng.integers(2, 5))
    shelves = [box(0, 0, k * h / n, w, d, 0.03, m) for k in range(n + 1)]
    sides = [box(s * w / 2, 0, 0, 0.03, d, h, m) for s in (-1, 1)] + [box(0, d / 2, 0, w, 0.02, h, m)]
    books = [
        box(rng.uniform(-0.45, 0.45) * w, -0.05, rng.integers(0, n) * h / n + 0.03, rng.uniform(0.03, 0.2),
             0.2, rng.uniform(0.4, 0.8) * h / n, material(rng)) for _ in range(rng.integers(2, 9))
    ]  # fmt: skip
    return [*shelves, *sides, *books]


def bed(rng: Rng) -> list[Solid]:
    """A bed, its pillows at +y."""
    w, m = rng.uniform(0.9, 1.8), material(rng)
    pillows = [ball(s * w / 4, 0.75, 0.6, w / 5, 0.25, 0.1, material(rng)) for s in (-1, 1)]
    return [
        box(0, 0, 0, w, 2, 0.3, m),
        box(0, 0, 0.3, w, 2, 0.2, material(rng)),
        box(0, 1, 0, w, 0.06, 1, m),
        *pillows,
    ]


def lamp(rng: Rng) -> list[Solid]:
    """A floor lamp that may glow."""
    h, m = rng.uniform(1.0, 1.8), material(rng)
    shade = replace(material(rng, "plain"), glow=float(rng.uniform(0, 1.5)))
    return [
        cup(0, 0, 0, 0.15, 0.03, m),
        cup(0, 0, 0, 0.015, h, m),
        cup(0, 0, h, 0.22, 0.28, shade, rng.uniform(0.4, 1)),
    ]


def plant(rng: Rng) -> list[Solid]:
    """A potted plant."""
    r, m = rng.uniform(0.1, 0.2), material(rng, "leaf")
    pot = cup(0, 0, 0, r * 0.7, r * 2, material(rng), 1.4)
    return [pot, *moved(crown(rng, m, rng.uniform(0.25, 0.6)), 0, 0, r * 2 + 0.35)]


def crown(rng: Rng, m: Material, r: float) -> list[Solid]:
    """Foliage around the origin: ellipsoids and ragged cards."""
    solids = []
    for _ in range(rng.integers(1, 5)):
        x, y, z = rng.normal(0, 0.35 * r, 3)
        a, b, c = rng.uniform(0.45, 0.9, 3) * r
        solids.append(ball(x, y, z, a, b, c, m))
    for _ in range(rng.integers(2, 6)):
        x, y, z = rng.normal(0, 0.3 * r, 3)
        axes = turn(2, rng.uniform(0, 6.3)) @ turn(0, rng.normal(0, 0.4)) * np.float32(r * rng.uniform(0.7, 1.2))
        solids.append(Solid("card", axes, vector(x, y, z), m, outline=leaves(rng)))
    return solids


def thing(rng: Rng) -> list[Solid]:
    """A small object standing at the origin: fruit, cup, bottle, book, bowl, plate or candlestick."""
    m, kind, r = material(rng, tile=0.15, gloss=0.5), rng.integers(7), rng.uniform(0.03, 0.08)
    if kind == 0:
        return [ball(0, 0, r, r, r, r * rng.uniform(0.7, 1.4), m)]
    if kind == 1:
        h, top = rng.uniform(1.2, 3) * r, rng.uniform(0.9, 1.5)
        inside = replace(m, tint=(0.9, 0.9, 0.9)) if rng.random() < 0.5 else material(rng, "plain", gloss=0.5)
        bow = np.linspace(-1.2, 1.2, 5)
        points = [vector(r * (0.9 + 0.6 * np.cos(a)), 0, h * (0.5 + 0.32 * np.sin(a))) for a in bow]
        handle = [rod(a, b, r * 0.12, m) for a, b in pairwise(points)]
        drink = cup(0, 0, h * 0.1, r * (0.95 + 0.7 * (top - 1)), h * rng.uniform(0.4, 0.75), inside)
        saucer = [cup(0, 0, 0, r * 1.2, r * 0.15, m, 1.6)] if rng.random() < 0.5 else []
        return [*saucer, *moved([cup(0, 0, 0, r, h, m, top, True), drink, *handle], 0, 0, r * 0.1)]
    if kind == 2:
        h = rng.uniform(2.5, 5) * r
        return [
            cup(0, 0, 0, r, h, m),
            cup(0, 0, h, r, r, m, 0.35),
            cup(0, 0, h + r, r * 0.35, r * rng.uniform(0.8, 2), m),
        ]
    if kind == 3:
        w, d = rng.uniform(0.1, 0.2, 2)
        return [
            box(0, 0, k * 0.03, w, d, rng.uniform(0.015, 0.03), material(rng, tile=0.2))
            for k in range(rng.integers(1, 4))
        ]
    if kind == 4:
        fruit = [
            ball(x, y, r * 1.3, r * 0.6, r * 0.6, r * 0.6, material(rng, tile=0.1))
            for _ in range(rng.integers(0, 4))
            for x, y in [rng.normal(0, 0.6 * r, 2)]
        ]
        return [cup(0, 0, 0, r, r * 1.2, m, 2.2, True), *fruit]
    if kind == 5:
        return [
            cup(0, 0, 0, r, r * 0.3, m, 2.0, True),
            ball(0, 0, r * 0.3, r, r * 0.9, r * rng.uniform(0.3, 0.9), material(rng, tile=0.1)),
        ]
    return [
        cup(0, 0, 0, r, r * 0.4, m, 0.4),
        cup(0, 0, 0, r * 0.25, r * 4, m),
        ball(0, 0, r * 4, r * 0.6, r * 0.6, r * 0.6, m),
    ]


def person(rng: Rng) -> list[Solid]:
    """A standing figure, about 1.7 m, facing -y."""
    skin, hair, shirt, trousers = (material(rng, "plain"), *(material(rng, tile=0.3) for _ in range(3)))
    hip, neck = rng.uniform(0.8, 0.95), rng.uniform(1.38, 1.48)
    solids = [
        ball(0, 0, neck + 0.2, 0.09, 0.11, 0.13, skin),
        ball(0, 0.03, neck + 0.23, 0.1, 0.11, 0.13, hair),
        cup(0, 0, neck - 0.02, 0.055, 0.12, skin),
        ball(0, 0, (hip + neck) / 2, 0.19, 0.12, (neck - hip) / 2 + 0.08, shirt),
        ball(0, 0, neck - 0.07, 0.22, 0.1, 0.09, shirt),
        ball(0, 0, hip, 0.17, 0.13, 0.14, trousers),
    ]
    for s in (-1.0, 1.0):
        swing, reach = rng.normal(0, 0.15), rng.uniform(0, 0.35)
        shoulder, elbow = (
            vector(s * 0.2, 0, neck - 0.06),
            vector(s * (0.24 + reach / 2), -swing, neck - 0.34 + reach / 2),
        )
        hand = elbow + vector(s * rng.uniform(-0.2, 0.15), -rng.uniform(0, 0.25), rng.uniform(-0.27, 0.2))
        foot = vector(s * rng.uniform(0.06, 0.2), rng.normal(0, 0.15), 0.03)
        solids += [
            rod(shoulder, elbow, 0.055, shirt, 0.8),
            rod(elbow, hand, 0.045, skin, 0.7),
            ball(hand[0], hand[1], hand[2], 0.05, 0.05, 0.06, skin),
        ]
        solids += [
            rod(vector(s * 0.09, 0, hip), foot, 0.09, trousers, 0.6),
            ball(foot[0], foot[1] - 0.06, 0.04, 0.05, 0.13, 0.05, hair),
        ]
    return solids


def animal(rng: Rng) -> list[Solid]:
    """A four-legged figure about a metre long, its head towards -y."""
    fur, dark, leg = material(rng, tile=0.4), material(rng, "plain"), rng.uniform(0.2, 0.6)
    z, head = leg + 0.2, rng.uniform(0.13, 0.22)
    y, up = -0.5 - head, leg + rng.uniform(0.25, 0.6)
    solids = [ball(0, 0, z, 0.2, 0.5, rng.uniform(0.17, 0.28), fur), ball(0, y, up, head, head, head, fur)]
    solids += [
        rod(vector(0, -0.35, z), vector(0, y, up), 0.12, fur),
        ball(0, y - head, up - 0.05, head / 2, head / 2, head / 2.3, dark),
    ]
    for s in (-1, 1):
        ear, eye = vector(s * head, y, up + head * rng.uniform(1.2, 2)), head * 0.2
        solids += [rod(vector(s * 0.6 * head, y, up), ear, head / 2.5, fur, 0.1)]
        solids += [ball(s * head * 0.45, y - head * 0.8, up + head * 0.25, eye, eye, eye, dark)]
        solids += [cup(s * 0.13, b, 0, 0.06, leg + 0.15, fur, 1.3) for b in (-0.33, 0.35)]
    return [*solids, rod(vector(0, 0.45, z), vector(0, 0.8, z + rng.uniform(-0.2, 0.4)), 0.05, fur, 0.4)]


def flower(rng: Rng) -> list[Solid]:
    """A blossom a few centimetres across that faces -y, with a stem and leaves."""
    petal, n = material(rng, "plain", "mottled", tile=0.1), int(rng.integers(5, 13))
    solids = [
        ball(0, 0, 0, 0.015, 0.012, 0.015, material(rng, tile=0.05)),
        rod(vector(0, 0.01, 0), vector(0, 0.05, -0.4), 0.004, material(rng, "leaf")),
    ]
    for ring in range(rng.integers(1, 4)):
        for k in range(n):
            angle = 2 * np.pi * (k + ring / 2) / n
            shape = (
                turn(1, -angle) @ turn(0, rng.normal(0.25 + 0.25 * ring, 0.1)) @ np.diag(vector(0.012, 0.003, 0.022))
            )
            centre = vector(np.sin(angle) * (0.03 - 0.007 * ring), -0.008 * ring, np.cos(angle) * (0.03 - 0.007 * ring))
            solids.append(Solid("sphere", shape.astype(np.float32), centre, petal))
    return solids


def tree(rng: Rng) -> list[Solid]:
    """A conifer, a bare tree or a broad-leaved tree, 3 to 12 m high."""
    h, bark = rng.uniform(3, 12), material(rng, "wood", "mottled")
    if rng.random() < 0.25:
        m = material(rng, "leaf", tile=2)
        cones = [
            cup(0, 0, h * z, h * 0.25 * (1.2 - z), h * 0.4, m, 0.05) for z in np.linspace(0.12, 0.7, rng.integers(1, 4))
        ]
        return [cup(0, 0, 0, h * 0.03, h * 0.3, bark), *cones]
    x, y = rng.normal(0, 0.05 * h, 2)
    lean = vector(x, y, h * 0.6)
    solids = [rod(vector(0, 0, 0), lean, h * rng.uniform(0.015, 0.04), bark, 0.6)]
    if rng.random() < 0.15:
        return solids + [
            rod(
                lean * rng.uniform(0.5, 1),
                lean + rng.normal(0, 0.25 * h, 3).astype(np.float32),
                h * 0.01,
                bark,
                0.3,
            )
            for _ in range(6)
        ]
    return solids + moved(crown(rng, material(rng, "leaf", tile=2), h * rng.uniform(0.2, 0.4)), *lean)


def car(rng: Rng) -> list[Solid]:
    """A car along y, with a rounded or a boxy cabin."""
    paint, glass, black = (
        material(rng, "plain", gloss=0.9),
        material(rng, "plain", gloss=0.9),
        material(rng, "plain"),
    )
    black = replace(black, tint=(0.08, 0.08, 0.08))
    wheels = [
        rod(vector(sx * 0.7, y, 0.32), vector(sx * 0.92, y, 0.32), 0.32, black) for sx in (-1, 1) for y in (-1.3, 1.3)
    ]
    cabin = (
        ball(0, 0.2, 0.85, 0.8, 1.5, 0.65, glass)
        if rng.random() < 0.5
        else box(0, 0.2, 0.85, 1.6, 2.4, rng.uniform(0.45, 1), glass)
    )
    return [box(0, 0, 0.3, 1.8, rng.uniform(3.8, 4.8), 0.6, paint), cabin, *wheels]


def building(rng: Rng) -> list[Solid]:
    """A house or a tower, its front towards -y."""
    w, d, h = rng.uniform(5, 20), rng.uniform(6, 15), rng.uniform(4, 12) * (3 if rng.random() < 0.2 else 1)
    wall = material(rng, "facade", "facade", "facade", "brick", "plain", tile=rng.uniform(5, 11))
    solids = [box(0, 0, 0, w, d, h, wall)]
    kind = rng.integers(4)
    if kind == 0:
        # A gable: a cube stood on its edge, its diagonals as wide as the house and twice as high as the roof.
        gable = np.sqrt(0.5) * vector(0, d * 0.52, rng.uniform(1.5, 4)) + vector(w / 2 + 0.3, 0, 0)
        axes = np.diag(gable) @ turn(0, np.pi / 4)
        solids.append(
            Solid("cube", axes.astype(np.float32), vector(0, 0, h), material(rng, "brick", "mottled", "wood"))
        )
    elif kind == 1:
        solids.append(box(0, 0, h, w + 0.5, d + 0.5, rng.uniform(0.3, 1), material(rng)))
    elif kind == 2:
        r = min(w, d) * rng.uniform(0.2, 0.5)
        solids.append(
            cup(
                rng.uniform(-0.3, 0.3) * w,
                0,
                h,
                r,
                r * rng.uniform(1, 4),
                material(rng),
                rng.uniform(0, 0.9),
            )
        )
    for _ in range(rng.integers(0, 4)):
        x = rng.uniform(-0.45, 0.45) * w
        solids.append(
            box(
                x,
                -d / 2,
                rng.uniform(0, 0.6) * h,
                rng.uniform(0.8, 3),
                rng.uniform(0.3, 2),
                rng.uniform(0.2, 2.5),
                material(rng),
            )
        )
    return solids
