"""Random scenes: rooms, corridors, streets, landscapes, still lifes, portraits, clutter; a picture for every number.

Rooms are the most frequent, because layout, furniture and a hand-held camera say most about depth. A workshop with
furniture and textures of its own is never trained on: scored, it stands in for the step from renders to photographs.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from training.furniture import cupboard, plant, thing
from training.materials import finish, material
from training.outdoors import animal, building, car, flower, person, tree
from training.rendering import Camera, Kind, Material, Picture, Scene, Solid, render
from training.rooms import corridor, room
from training.shapes import ball, blob, box, crown, cup, moved, plane, ridge, turn, vector
from training.textures import Rng
from training.views import ambient, camera, clearance, lamps, sky, sun


def _outside(rng: Rng, solids: list[Solid], view: Camera, haze: float) -> Scene:
    heaven = sky(rng)
    dim = float(np.clip(heaven[0].mean() + 0.2, 0.2, 1))
    return Scene(solids, view, sun(rng), ambient(rng) * dim, heaven, float(rng.choice([0, 0, 0.5, 0.9])), haze)


def _far(rng: Rng) -> list[Solid]:
    """Hills and mountain ranges around the origin."""
    solids = []
    for distance in np.sort(rng.uniform(60, 2500, rng.integers(0, 5))):
        m = finish(rng, "ground" if rng.random() < 0.5 else "leaf", distance / 6)
        if rng.random() < 0.35:
            x, width = rng.normal(0, 0.5) * distance, rng.uniform(0.2, 0.8) * distance
            solids.append(ball(x, distance, 0, width, width * 0.4, distance * rng.uniform(0.03, 0.2), m))
            continue
        axes = np.diag(vector(distance * 1.5, 1, distance * rng.uniform(0.05, 0.35)))
        card = Solid("card", axes, vector(0, distance, axes[2, 2] * 0.8), m, outline=ridge(rng))
        solids += moved([card], 0, 0, 0, rng.normal(0, 0.15))
    return solids


def _street(rng: Rng) -> Scene:
    """A road with pavements, rows of buildings, trees, hedges, parked and moving cars, posts and people."""
    width, verge = rng.uniform(4, 12), rng.uniform(1, 4)
    solids = [plane(0, 0, 0, vector(0, 0, 1), finish(rng, "ground"))]
    solids.append(box(0, 100, -0.9, width, 400, 0.92, finish(rng, "road")))
    solids += [box(s * (width + verge) / 2, 100, -0.9, verge, 400, 1.03, finish(rng, "pavement")) for s in (-1, 1)]
    if rng.random() < 0.6:
        line, gap = finish(rng, "white"), rng.uniform(4, 12)
        solids += [box(0, y, 0, 0.15, gap / 2, 0.025, line) for y in np.arange(0, 70, gap)]
    for side in (-1, 1):
        edge = side * (width / 2 + verge)
        kind = rng.random()
        if kind < 0.6:
            y = rng.uniform(-8, 12)
            while y < 130:
                house = building(rng)
                front, deep = 2 * house[0].axes[0, 0], 2 * house[0].axes[1, 1]
                x = edge + side * (deep / 2 + rng.uniform(0, 4))
                solids += moved(house, x, y + front / 2, 0, side * np.pi / -2)
                y += front + (0 if rng.random() < 0.5 else rng.uniform(1, 12))
        elif kind < 0.85:
            for y in np.arange(rng.uniform(0, 8), 70, rng.uniform(4, 12)):
                solids += moved(tree(rng), edge + side * rng.uniform(0, 4), y, 0)
        if rng.random() < 0.3:
            solids.append(box(edge, rng.uniform(0, 30), 0, 0.6, rng.uniform(5, 30), rng.uniform(0.8, 2), _hedge(rng)))
        if rng.random() < 0.5:
            for y in np.arange(rng.uniform(2, 10), 60, rng.uniform(5, 8)):
                if rng.random() < 0.7:
                    solids += moved(car(rng), side * (width / 2 - 0.9), y, 0, rng.normal(0, 0.03))
        if rng.random() < 0.4:
            for y in np.arange(rng.uniform(5, 15), 70, rng.uniform(10, 25)):
                solids.append(cup(side * (width / 2 + 0.5), y, 0, 0.08, rng.uniform(4, 8), finish(rng, "metal"), 0.6))
        for y in 4 + 30 * rng.random(rng.integers(0, 4)) ** 2:
            solids += moved(person(rng), side * (width / 2 + rng.uniform(0.3, verge)), y, 0, rng.uniform(0, 6.3))
    for _ in range(rng.integers(0, 4)):
        y = 6 + 40 * rng.random() ** 2
        solids += moved(car(rng), rng.choice([-0.25, 0.25]) * width, y, 0, rng.choice([0, np.pi]) + rng.normal(0, 0.05))
    if rng.random() < 0.5:
        solids += moved(building(rng), rng.uniform(-30, 30), rng.uniform(50, 140), 0, rng.normal(0, 0.4))
    lane = rng.uniform(-0.4, 0.4) if rng.random() < 0.6 else rng.choice([-1, 1]) * rng.uniform(0.5, 0.5 + verge / width)
    eye = vector(lane * width, -2, rng.uniform(1.1, 2.0) if rng.random() < 0.85 else rng.uniform(3, 12))
    target = eye + vector(rng.normal(0, 3), 20, rng.normal(0.2, 1.5) - 0.3 * (eye[2] - 1.5))
    haze = float(rng.choice([0, 0, 0.002, 0.008, 0.02]))
    return _outside(rng, solids + _far(rng), camera(rng, eye, target, 0.02, (0.9, 2.2)), haze)


def _hedge(rng: Rng) -> Material:
    return finish(rng, "leaf" if rng.random() < 0.6 else "pavement")


def _landscape(rng: Rng) -> Scene:
    """Meadow or water with trees, bushes, rocks, fences, animals, people, a building, hills and mountains."""
    ground = finish(rng, "ground")
    solids = [plane(0, 0, 0, vector(0, 0, 1), ground)]
    for _ in range(rng.integers(0, 14)):
        y = 3 + 70 * rng.random() ** 2
        x = rng.uniform(-0.8, 0.8) * y
        pick = rng.random()
        if pick < 0.5:
            solids += moved(tree(rng), x, y, 0)
        elif pick < 0.7:
            m, r = finish(rng, "leaf"), rng.uniform(0.4, 1.5)
            solids += moved(crown(rng, m, r), x, y, r * 0.5)
        elif pick < 0.85:
            a, b, c = rng.uniform(0.2, 1.5, 3)
            solids.append(ball(x, y, 0, a, b, c, finish(rng, "rock")))
        else:
            solids += moved(
                animal(rng) if rng.random() < 0.5 else person(rng), x / 3, y / 3 + 1, 0, rng.uniform(0, 6.3)
            )
    if rng.random() < 0.5:
        y = rng.uniform(15, 100)
        solids += moved(building(rng), rng.uniform(-0.5, 0.5) * y, y, 0, rng.normal(0, 0.5))
    if rng.random() < 0.25:
        y, m = rng.uniform(3, 20), finish(rng, "wood")
        posts = [box(x, y, 0, 0.12, 0.12, 1.1, m) for x in np.arange(-12, 12, 2.0)]
        solids += moved([*posts, *(box(0, y, z, 24, 0.05, 0.12, m) for z in (0.4, 0.85))], 0, 0, 0, rng.normal(0, 0.4))
    if rng.random() < 0.3:
        y = rng.uniform(10, 60)
        water = replace(material(rng, "plain"), tint=(0.2, 0.35, 0.5), gloss=0.8)
        solids.append(box(rng.uniform(-1, 1) * y, y, 0, y, y * rng.uniform(0.2, 1), 0.02, water))
    eye = vector(0, 0, float(np.exp(rng.uniform(np.log(0.3), np.log(12)))))
    target = eye + vector(rng.normal(0, 4), 20, rng.normal(0.5, 2.5) - 0.2 * eye[2])
    return _outside(rng, solids + _far(rng), camera(rng, eye, target), float(rng.choice([0, 0.001, 0.004, 0.015])))


def _still_life(rng: Rng) -> Scene:
    """Objects on a table, seen from near, from almost level to straight down."""
    top = finish(rng, "table top")
    if rng.random() < 0.5:
        solids = [plane(0, 0, 0, vector(0, 0, 1), top)]
    else:
        w, d = rng.uniform(0.5, 1.5), rng.uniform(0.3, 1)
        solids = [box(0, 0, -0.04, w, d, 0.04, top), plane(0, 0, -0.75, vector(0, 0, 1), finish(rng, "floor"))]
    if rng.random() < 0.85:
        back = finish(rng, "wall")
        solids.append(plane(0, rng.uniform(0.3, 3.0), 0, vector(rng.normal(0, 0.3), -1, 0), back))
    spread = rng.uniform(0.06, 0.3)
    for _ in range(rng.integers(1, 9)):
        x, y = rng.normal(0, spread, 2)
        solids += moved(thing(rng), x, y, 0, rng.uniform(0, 6.3), rng.uniform(0.7, 1.8))
    distance, pitch = rng.uniform(0.25, 0.9), rng.uniform(0.05, 1.5)
    eye = vector(0, -np.cos(pitch) * distance, np.sin(pitch) * distance + 0.03)
    x, y = rng.normal(0, 0.05, 2)
    target = vector(x, y, rng.uniform(0.0, 0.1))
    bulbs = rng.normal(0, 0.7, (rng.integers(1, 4), 3)) + np.array([0, -0.2, 0])
    bulbs[:, 2] = np.abs(bulbs[:, 2]) + 0.3
    return Scene(solids, camera(rng, eye, target, 0.1), lamps(rng, bulbs, 0.9), ambient(rng), sky(rng))


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
        back = finish(rng, "poster", far / 2) if rng.random() < 0.5 else finish(rng, "wall")
        behind.append(plane(0, far, 0, vector(rng.normal(0, 0.3), -1, rng.normal(0, 0.2)), back))
    if rng.random() < 0.6:
        behind.append(plane(0, 0, -rng.uniform(0.6, 1.6), vector(0, 0, 1), finish(rng, "floor")))
    for _ in range(rng.integers(0, 7)):
        x, y, z, r = *rng.uniform(-0.7, 0.7, 2) * far, rng.uniform(-1, 1), rng.uniform(0.1, 0.9)
        maker = (tree, plant, person, partial(crown, m=finish(rng, "leaf"), r=r), cupboard)[rng.integers(5)]
        behind += moved(maker(rng), x, far * 0.75 + abs(y) * 0.3, min(z, 0) - 0.8)
    eye = vector(rng.normal(0, 0.3), -size * rng.uniform(1.3, 2.8), middle + rng.normal(0, 0.25))
    view = camera(rng, eye, vector(rng.normal(0, 0.1), 0, middle), 0.06, (1.6, 3.0))
    if rng.random() < 0.5:
        return _outside(rng, subject + behind, view, 0.0)
    bulbs = rng.normal(0, 1.2, (rng.integers(1, 4), 3)) + np.array([0, -1.5, 0.8])
    return Scene(subject + behind, view, lamps(rng, bulbs, 2.0), ambient(rng), sky(rng))


def _clutter(rng: Rng) -> Scene:
    """Solids that float before a slanted plane or the sky: depth doesn't follow from the position in the picture."""
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
    bulbs = rng.normal(0, 2, (rng.integers(1, 4), 3))
    view = camera(rng, vector(0, 0, 0), vector(rng.normal(0, 0.1), 1, rng.normal(0, 0.1)), 0.15)
    return Scene(solids, view, lamps(rng, bulbs, 3.0), ambient(rng), sky(rng))


KINDS: tuple[tuple[float, Callable[[Rng], Scene]], ...] = (
    (0.48, room),
    (0.06, corridor),
    (0.15, _street),
    (0.09, _landscape),
    (0.09, _still_life),
    (0.08, _portrait),
    (0.05, _clutter),
)


def build(rng: Rng) -> Scene:
    """A random scene."""
    weights, makers = zip(*KINDS, strict=True)
    maker: Callable[[Rng], Scene] = makers[rng.choice(len(makers), p=weights)]
    return maker(rng)


def sample(
    seed: int, number: int, height: int = 128, width: int = 128, build: Callable[[Rng], Scene] = build
) -> Picture:
    """Picture ``number`` of the series ``seed``: sharp and clean, the same one every time."""
    rng = np.random.default_rng([seed, number])
    while True:
        scene = build(rng)
        if clearance(scene.camera.position, scene.solids) < 0.02:
            continue
        picture = render(scene, height, width)
        # Skip scenes that show nothing but a wall or the sky.
        nearest, farthest = np.percentile(picture.inverse_depth, [90, 10])
        if nearest > 1.2 * farthest and picture.rgb.std() > 0.03:
            return picture
