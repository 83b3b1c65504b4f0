"""Random scenes: rooms, streets, landscapes, still lifes, portraits and clutter, a picture for every seed.

Depth is kept apart from brightness and colour (textures, tints, lamps and skies are drawn at random) and, as far as
gravity allows, from the row of the picture (tilted, rolled and high cameras, floating clutter, objects before walls).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from training.props import (
    animal,
    ball,
    bed,
    blob,
    box,
    building,
    car,
    chair,
    crown,
    cup,
    cupboard,
    flower,
    lamp,
    material,
    moved,
    person,
    plane,
    plant,
    ridge,
    sofa,
    table,
    thing,
    tree,
    turn,
    vector,
)
from training.rendering import Camera, Kind, Light, Picture, Scene, Solid, render
from training.textures import Array, Rng, colour


def _camera(rng: Rng, place: Array, target: Array, roll: float = 0.06) -> Camera:
    """A camera at ``place`` that looks at ``target``, rolled a little, of random field of view."""
    x, y, z = target - place
    yaw, pitch = -np.arctan2(x, y), np.arctan2(z, np.hypot(x, y))
    rotation = turn(2, yaw) @ turn(0, pitch) @ turn(1, rng.normal(0, roll))
    return Camera(place.astype(np.float32), rotation, float(rng.uniform(0.85, 2.4)))


def _lights(rng: Rng, places: Array, suns: bool, scale: float) -> list[Light]:
    """One to three lamps; a lamp's power suits distances of about ``scale`` metres."""
    lights = []
    for k, place in enumerate(places):
        colour = (1 + rng.normal(0, 0.15, 3)) * rng.uniform(0.4, 2.0) * (1.0 if k == 0 else 0.4)
        is_sun = suns and k == 0
        power = 1.0 if is_sun else scale**2
        lights.append(Light(place.astype(np.float32), np.maximum(colour * power, 0.01).astype(np.float32), is_sun))
    return lights


def _ambient(rng: Rng) -> Array:
    return np.asarray(rng.uniform(0.15, 0.9) * (1 + rng.normal(0, 0.1, 3)), np.float32)


def _sun(rng: Rng) -> Array:
    p = rng.normal(0, 1, 3)
    p[2] = abs(p[2]) + 0.25
    return np.asarray(p / np.linalg.norm(p), np.float32)


def _heaven(rng: Rng) -> tuple[Array, Array]:
    """Horizon and zenith colours: blue day, overcast, dusk, night or anything."""
    kind = rng.random()
    if kind < 0.45:
        low, high = vector(0.6, 0.75, 0.9), vector(0.12, 0.3, 0.75)
    elif kind < 0.7:
        low, high = np.full(3, rng.uniform(0.5, 1)), np.full(3, rng.uniform(0.3, 1))
    elif kind < 0.85:
        low, high = vector(1.0, 0.55, 0.25), vector(0.15, 0.15, 0.4)
    elif kind < 0.93:
        low, high = vector(0.03, 0.04, 0.1), vector(0.005, 0.01, 0.04)
    else:
        low, high = colour(rng), colour(rng)
    gain = rng.uniform(0.4, 1.6)
    return (low * gain * rng.uniform(0.8, 1.2, 3)).astype(np.float32), (high * gain).astype(np.float32)


def _walls(rng: Rng, w: float, d: float, h: float) -> list[Solid]:
    """A room around (0, 0) with pictures, doors, windows, skirting and pillars."""
    wall = material(rng, *["plain"] * 6, "mottled", "brick", "pattern", "photo", "wood")
    floor = material(rng, "wood", "plain", "pattern", "mottled", "photo", "brick", "marble")
    ceiling = material(rng, "plain", "plain", "wood")
    solids = [plane(0, 0, 0, vector(0, 0, 1), floor), plane(0, 0, h, vector(0, 0, -1), ceiling)]
    for yaw in range(4):
        away, across = (d, w) if yaw % 2 == 0 else (w, d)
        m = wall if rng.random() < 0.8 else material(rng)
        parts = [plane(0, away / 2, 0, vector(0, -1, 0), m)]
        for _ in range(rng.integers(0, 4)):
            x, pw, ph = rng.uniform(-0.42, 0.42) * across, rng.uniform(0.3, 1.4), rng.uniform(0.3, 1.2)
            z = rng.uniform(0.7, max(0.8, h - ph - 0.2))
            kind = rng.integers(4)
            if kind == 0:
                z, pw, ph = 0, rng.uniform(0.8, 1.1), rng.uniform(1.9, 2.1)
            picture = material(rng, "photo", "plain", "facade", tile=rng.uniform(0.4, 1.5))
            if kind == 1:
                picture = replace(picture, glow=float(rng.uniform(0.5, 4)))
            frame = box(x, away / 2, z - 0.04, pw + 0.08, 0.05, ph + 0.08, material(rng, "plain", "wood"))
            parts += [box(x, away / 2, z, pw, 0.07, ph, picture), frame]
        if rng.random() < 0.2:
            parts.append(
                box(
                    rng.uniform(-0.4, 0.4) * across,
                    away / 2,
                    0,
                    rng.uniform(0.3, 1),
                    rng.uniform(0.3, 1),
                    h,
                    wall,
                )
            )
        solids += moved(parts, 0, 0, 0, yaw * np.pi / 2)
    return solids


def _room(rng: Rng) -> Scene:
    """An indoor room with furniture, a corridor where it is narrow."""
    w, d, h = rng.uniform(2.2, 7), rng.uniform(3, 10), rng.uniform(2.3, 3.6)
    solids = _walls(rng, w, d, h)
    eye = vector(rng.uniform(-0.4, 0.4) * w, -d / 2 + rng.uniform(0.2, 0.35 * d), rng.uniform(0.6, 1.9))
    makers = (table, table, chair, chair, sofa, cupboard, cupboard, bed, lamp, plant, person)
    for _ in range(rng.integers(3, 13)):
        maker = makers[rng.integers(len(makers))]
        x, y = rng.uniform(-0.45, 0.45) * w, rng.uniform(-0.4, 0.45) * d
        if np.hypot(x - eye[0], y - eye[1]) < (0.9 if maker is chair else 1.5):
            continue
        yaw = rng.integers(4) * np.pi / 2 + (rng.normal(0, 0.1) if rng.random() < 0.6 else rng.uniform(0, 6.3))
        solids += moved(maker(rng), x, y, 0, yaw)
    if rng.random() < 0.4:
        x, y, rug_width, rug_depth = *rng.uniform(-0.2, 0.2, 2) * (w, d), *rng.uniform(1, 3, 2)
        solids.append(box(x, y, 0, rug_width, rug_depth, 0.015, material(rng)))
    target = vector(rng.uniform(-0.5, 0.5) * w, rng.uniform(0.0, 0.5) * d, rng.uniform(0.1, 1.5))
    if rng.random() < 0.4:
        # A piece of furniture seen from near, mostly from above.
        x, y = eye[0] + rng.normal(0, 0.5), eye[1] + rng.uniform(1.2, 2.2)
        solids += moved((table, cupboard, sofa, bed)[rng.integers(4)](rng), x, y, 0, rng.uniform(0, 6.3))
        target = vector(x, y, rng.uniform(0.3, 1.0))
    lamps = rng.uniform(-0.45, 0.45, (rng.integers(1, 4), 3)) * (w, d, 0.3) + (0, 0, h * 0.8)
    return Scene(solids, _camera(rng, eye, target), _lights(rng, lamps, False, 2.0), _ambient(rng))


def _outside(rng: Rng, solids: list[Solid], camera: Camera, haze: float) -> Scene:
    heaven = _heaven(rng)
    ambient = _ambient(rng) * float(np.clip(heaven[0].mean() + 0.2, 0.2, 1))
    lights = _lights(rng, _sun(rng)[None], True, 1.0) if rng.random() < 0.8 else []
    return Scene(solids, camera, lights, ambient, heaven, float(rng.choice([0, 0, 0.5, 0.9])), haze)


def _far(rng: Rng) -> list[Solid]:
    """Hills and mountain ranges around the origin."""
    solids = []
    for distance in np.sort(rng.uniform(60, 2500, rng.integers(0, 5))):
        m = material(rng, "leaf", "ground", "mottled", tile=distance / 6)
        if rng.random() < 0.35:
            x, width = rng.normal(0, 0.5) * distance, rng.uniform(0.2, 0.8) * distance
            solids.append(ball(x, distance, 0, width, width * 0.4, distance * rng.uniform(0.03, 0.2), m))
            continue
        axes = np.diag(vector(distance * 1.5, 1, distance * rng.uniform(0.05, 0.35)))
        card = Solid("card", axes, vector(0, distance, axes[2, 2] * 0.8), m, outline=ridge(rng))
        solids += moved([card], 0, 0, 0, rng.normal(0, 0.15))
    return solids


def _street(rng: Rng) -> Scene:
    """A road with rows of buildings, trees, cars and people."""
    solids = [plane(0, 0, 0, vector(0, 0, 1), material(rng, "ground", "ground", "brick", "plain", tile=2))]
    width, sides = rng.uniform(4, 14), [(-1,), (1,), (-1, 1), (-1, 1), ()][rng.integers(5)]
    if rng.random() < 0.6:
        solids.append(box(0, 100, -0.9, width, 400, 0.92, material(rng, "plain", "ground", tile=2)))
        solids += [box(s * (width / 2 + 1), 100, -0.9, 2, 400, 1.05, material(rng, "plain", "brick")) for s in (-1, 1)]
    for side in sides:
        y = rng.uniform(-5, 12)
        while y < 130:
            house = building(rng)
            front, deep = 2 * house[0].axes[0, 0], 2 * house[0].axes[1, 1]
            solids += moved(
                house,
                side * (width / 2 + 2 + deep / 2 + rng.uniform(0, 2)),
                y + front / 2,
                0,
                side * np.pi / -2,
            )
            y += front + (0 if rng.random() < 0.6 else rng.uniform(1, 12))
    if rng.random() < 0.5 or not sides:
        for x in rng.uniform(-40, 40, rng.integers(1, 4)):
            solids += moved(building(rng), x, rng.uniform(25, 120), 0, rng.normal(0, 0.4))
    for maker, most in ((tree, 5), (car, 4), (person, 4)):
        for _ in range(rng.integers(0, most)):
            y = 4 + 50 * rng.random() ** 2
            x = rng.choice([-1, 1]) * (width / 2 + rng.uniform(-1.5, 1.5)) if sides else rng.uniform(-0.5, 0.5) * y
            solids += moved(maker(rng), x, y, 0, rng.choice([0, np.pi]) + rng.normal(0, 0.2))
    for y in np.arange(rng.uniform(5, 15), 80, rng.uniform(10, 25)) if rng.random() < 0.4 else ():
        solids.append(cup(width / 2 + 0.6, y, 0, 0.08, rng.uniform(4, 8), material(rng, "plain"), 0.6))
    eye = vector(
        rng.uniform(-0.4, 0.4) * width,
        -2,
        rng.uniform(0.5, 2.2) if rng.random() < 0.8 else rng.uniform(4, 15),
    )
    target = eye + vector(rng.normal(0, 6), 20, rng.normal(0.5, 3) - 0.3 * (eye[2] - 1.5))
    return _outside(rng, solids + _far(rng), _camera(rng, eye, target), float(rng.choice([0, 0.002, 0.008, 0.02])))


def _landscape(rng: Rng) -> Scene:
    """Meadow or water with trees, bushes, rocks, fences, animals, people, a building, hills and mountains."""
    ground = material(rng, "ground", "ground", "leaf", "plain", tile=3)
    solids = [plane(0, 0, 0, vector(0, 0, 1), ground)]
    for _ in range(rng.integers(0, 14)):
        y = 3 + 70 * rng.random() ** 2
        x = rng.uniform(-0.8, 0.8) * y
        pick = rng.random()
        if pick < 0.5:
            solids += moved(tree(rng), x, y, 0)
        elif pick < 0.7:
            m, r = material(rng, "leaf"), rng.uniform(0.4, 1.5)
            solids += moved(crown(rng, m, r), x, y, r * 0.5)
        elif pick < 0.85:
            a, b, c = rng.uniform(0.2, 1.5, 3)
            solids.append(ball(x, y, 0, a, b, c, material(rng, "mottled", "photo", "ground")))
        else:
            solids += moved(
                animal(rng) if rng.random() < 0.5 else person(rng), x / 3, y / 3 + 1, 0, rng.uniform(0, 6.3)
            )
    if rng.random() < 0.5:
        y = rng.uniform(15, 100)
        solids += moved(building(rng), rng.uniform(-0.5, 0.5) * y, y, 0, rng.normal(0, 0.5))
    if rng.random() < 0.25:
        y, m = rng.uniform(3, 20), material(rng, "wood", "plain")
        posts = [box(x, y, 0, 0.12, 0.12, 1.1, m) for x in np.arange(-12, 12, 2.0)]
        solids += moved([*posts, *(box(0, y, z, 24, 0.05, 0.12, m) for z in (0.4, 0.85))], 0, 0, 0, rng.normal(0, 0.4))
    if rng.random() < 0.3:
        y = rng.uniform(10, 60)
        shore = box(rng.uniform(-1, 1) * y, y, 0, y, y * rng.uniform(0.2, 1), 0.02, material(rng, "plain", gloss=0.8))
        solids.append(replace(shore, material=replace(shore.material, tint=(0.35, 0.5, 0.7))))
    eye = vector(0, 0, float(np.exp(rng.uniform(np.log(0.3), np.log(12)))))
    target = eye + vector(rng.normal(0, 4), 20, rng.normal(0.5, 2.5) - 0.2 * eye[2])
    return _outside(rng, solids + _far(rng), _camera(rng, eye, target), float(rng.choice([0, 0.001, 0.004, 0.015])))


def _still_life(rng: Rng) -> Scene:
    """Objects on a table, seen from near, from almost level to straight down."""
    top = material(rng, "wood", "plain", "pattern", "marble", "photo", "mottled", tile=0.4)
    if rng.random() < 0.5:
        solids = [plane(0, 0, 0, vector(0, 0, 1), top)]
    else:
        w, d = rng.uniform(0.5, 1.5), rng.uniform(0.3, 1)
        solids = [box(0, 0, -0.04, w, d, 0.04, top), plane(0, 0, -0.75, vector(0, 0, 1), material(rng))]
    if rng.random() < 0.85:
        back = material(rng, "plain", "mottled", "photo", "brick", "pattern", "wood")
        solids.append(plane(0, rng.uniform(0.3, 3.0), 0, vector(rng.normal(0, 0.3), -1, 0), back))
    spread = rng.uniform(0.06, 0.3)
    for _ in range(rng.integers(1, 9)):
        x, y = rng.normal(0, spread, 2)
        solids += moved(thing(rng), x, y, 0, rng.uniform(0, 6.3), rng.uniform(0.7, 1.8))
    distance, pitch = rng.uniform(0.25, 0.9), rng.uniform(0.05, 1.5)
    eye = vector(0, -np.cos(pitch) * distance, np.sin(pitch) * distance + 0.03)
    x, y = rng.normal(0, 0.05, 2)
    target = vector(x, y, rng.uniform(0.0, 0.1))
    lamps = rng.normal(0, 0.7, (rng.integers(1, 4), 3)) + np.array([0, -0.2, 0])
    lamps[:, 2] = np.abs(lamps[:, 2]) + 0.3
    return Scene(solids, _camera(rng, eye, target, 0.15), _lights(rng, lamps, False, 0.9), _ambient(rng), _heaven(rng))


def _portrait(rng: Rng) -> Scene:
    """One person, animal, flower or object that fills the middle, before a far background."""
    kind = rng.integers(4)
    if kind == 0:
        subject, middle, size = (
            moved(person(rng), 0, 0, -1.45),
            rng.uniform(-0.2, 0.15),
            rng.uniform(0.35, 0.9),
        )
    elif kind == 1:
        subject, middle, size = moved(animal(rng), 0, 0.5, -0.7), 0.0, rng.uniform(0.4, 1.2)
    elif kind == 2:
        subject, middle, size = moved(flower(rng), 0, 0, 0, 0, 8), 0.0, rng.uniform(0.4, 0.9)
    else:
        things: list[Solid] = []
        for _ in range(rng.integers(1, 3)):
            small = thing(rng)
            x, y = rng.normal(0, 0.15, 2)
            things += moved(small, x, y, 0, rng.uniform(0, 6.3), 5)
        subject, middle, size = moved(things, 0, 0, -0.4), 0.0, rng.uniform(0.5, 1.0)
    subject = moved(subject, 0, 0, 0, rng.normal(0, 0.5))
    far = rng.uniform(1.5, 12)
    behind: list[Solid] = []
    if rng.random() < 0.5:
        back = material(rng, "photo", "plain", "mottled", "leaf", "brick", tile=far / 2)
        behind.append(plane(0, far, 0, vector(rng.normal(0, 0.3), -1, rng.normal(0, 0.2)), back))
    if rng.random() < 0.6:
        behind.append(plane(0, 0, -rng.uniform(0.6, 1.6), vector(0, 0, 1), material(rng, "ground", "wood", "plain")))
    for _ in range(rng.integers(0, 7)):
        x, y, z, r = *rng.uniform(-0.7, 0.7, 2) * far, rng.uniform(-1, 1), rng.uniform(0.1, 0.9)
        maker = (tree, person, partial(crown, m=material(rng, "leaf"), r=r), cupboard)[rng.integers(4)]
        behind += moved(maker(rng), x, far * 0.75 + abs(y) * 0.3, min(z, 0) - 0.8)
    eye = vector(rng.normal(0, 0.3), -size * rng.uniform(1.3, 2.8), middle + rng.normal(0, 0.25))
    camera = replace(_camera(rng, eye, vector(rng.normal(0, 0.1), 0, middle), 0.1), focal=float(rng.uniform(1.6, 3.0)))
    if rng.random() < 0.5:
        return _outside(rng, subject + behind, camera, 0.0)
    lamps = rng.normal(0, 1.2, (rng.integers(1, 4), 3)) + np.array([0, -1.5, 0.8])
    return Scene(subject + behind, camera, _lights(rng, lamps, False, 2.0), _ambient(rng), _heaven(rng))


def _clutter(rng: Rng) -> Scene:
    """Solids that float at random before a slanted plane or the sky: depth that no row of the picture gives away."""
    solids = []
    for _ in range(rng.integers(4, 26)):
        y = float(np.exp(rng.uniform(np.log(1.0), np.log(9))))
        x, z = rng.uniform(-0.7, 0.7, 2) * y
        r = y * rng.uniform(0.04, 0.3) * rng.uniform(0.4, 1.3, 3)
        spin = turn(0, rng.uniform(0, 6.3)) @ turn(1, rng.uniform(0, 6.3)) @ turn(2, rng.uniform(0, 6.3))
        kind: Kind = ("cube", "sphere", "frustum", "card")[rng.integers(4)]
        if kind == "card":
            spin = turn(2, rng.normal(0, 0.6)) @ turn(0, rng.normal(0, 0.6))
        axes = (spin @ np.diag(r)).astype(np.float32)
        m = material(rng, tile=float(r.mean()) * 2)
        solids.append(
            Solid(
                kind,
                axes,
                vector(x, y, z),
                m,
                float(rng.uniform(0.1, 1)),
                bool(rng.random() < 0.3),
                blob(rng),
            )
        )
    for _ in range(rng.integers(0, 3)):
        slant = vector(rng.normal(0, 0.6), -1, rng.normal(0, 0.6))
        m = material(rng, tile=3)
        solids.append(plane(0, rng.uniform(4, 12), 0, slant / np.float32(np.linalg.norm(slant)), m))
    lamps = rng.normal(0, 2, (rng.integers(1, 4), 3))
    camera = _camera(rng, vector(0, 0, 0), vector(rng.normal(0, 0.1), 1, rng.normal(0, 0.1)), 0.3)
    return Scene(solids, camera, _lights(rng, lamps, False, 3.0), _ambient(rng), _heaven(rng))


_KINDS_OF_SCENE: tuple[tuple[float, Callable[[Rng], Scene]], ...] = (
    (0.34, _room),
    (0.18, _street),
    (0.14, _landscape),
    (0.12, _still_life),
    (0.14, _portrait),
    (0.08, _clutter),
)


def build(rng: Rng) -> Scene:
    """A random scene."""
    weights, makers = zip(*_KINDS_OF_SCENE, strict=True)
    maker: Callable[[Rng], Scene] = makers[rng.choice(len(makers), p=weights)]
    return maker(rng)


def sample(seed: int, number: int, height: int = 128, width: int = 128) -> Picture:
    """Picture ``number`` of the series ``seed``: sharp and clean, the same one every time."""
    rng = np.random.default_rng([seed, number])
    while True:
        picture = render(build(rng), height, width)
        # A camera inside a solid or before an empty sky teaches nothing.
        nearest, farthest = np.percentile(picture.inverse_depth, [85, 10])
        if nearest > 1.1 * farthest and picture.rgb.std() > 0.03:
            return picture
