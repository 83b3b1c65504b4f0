"""Rendered rooms: living rooms, offices, bedrooms, kitchens, halls, corridors, seen by someone who stands in them."""

from collections.abc import Sequence

import numpy as np

from training.furniture import (
    Maker,
    bag,
    bed,
    bookshelf,
    carton,
    chair,
    clock,
    cupboard,
    desk,
    door,
    floor_lamp,
    kitchen,
    office_chair,
    pick,
    picture,
    plant,
    shelf,
    sideboard,
    sofa,
    stool,
    table,
    window,
)
from training.materials import finish, glowing
from training.outdoors import person
from training.rendering import Scene, Solid
from training.shapes import ball, box, moved, plane, rod, vector
from training.textures import Array, Rng
from training.views import ambient, camera, clearance, fill, lamps

# For each kind of room: what stands along its walls and what stands free in it.
KINDS: tuple[tuple[Sequence[Maker], Sequence[Maker]], ...] = (
    ((sofa, sofa, bookshelf, sideboard, cupboard, plant, floor_lamp, desk), (table, table, sofa, stool, chair, plant)),
    ((desk, desk, desk, bookshelf, bookshelf, cupboard, carton, plant), (office_chair, office_chair, carton, bag)),
    ((bed, bed, cupboard, cupboard, desk, bookshelf, floor_lamp), (chair, bag, stool, carton)),
    ((kitchen, kitchen, kitchen, cupboard, cupboard, carton), (table, chair, chair, stool)),
    ((cupboard, sideboard, plant, bookshelf, carton), (table, table, chair, chair, chair, chair, person)),
)


def room(rng: Rng) -> Scene:
    """A furnished room, seen as a whole or from near one of its pieces."""
    w, d, h = rng.uniform(2.4, 7), rng.uniform(2.8, 8), rng.uniform(2.3, 3.2)
    along, free = KINDS[rng.choice(len(KINDS), p=(0.25, 0.35, 0.12, 0.16, 0.12))]
    solids = _shell(rng, w, d, h)
    subjects: list[tuple[Array, float]] = []  # the middle of a piece's front, and the way it faces
    for k in range(4):
        away, across = (d, w) if k % 2 == 0 else (w, d)
        yaw = k * np.pi / 2
        wall, middles = _along_wall(rng, across, along)
        solids += moved(moved(wall, 0, away / 2, 0), 0, 0, 0, yaw)
        for x in middles:
            front = np.array([x, away / 2 - 0.4, 0.0])
            subjects.append((_turned(front, yaw), yaw))
    if desk in along and rng.random() < 0.35:
        # Desks in the middle of an office, back to back across a screen.
        x, y, yaw = rng.uniform(-0.2, 0.2) * w, rng.uniform(-0.15, 0.25) * d, rng.integers(2) * np.pi / 2
        island = [*desk(rng), *moved(desk(rng), 0, 0.05, 0, np.pi)]
        if rng.random() < 0.6:
            island.append(box(0, 0.025, 0.3, 1.8, 0.04, rng.uniform(0.7, 1.1), finish(rng, "fabric")))
        solids += moved(island, x, y, 0, yaw)
        subjects.append((vector(x, y, 0), yaw))
    for _ in range(rng.integers(0, 7)):
        x, y = rng.uniform(-0.35, 0.35) * w, rng.uniform(-0.35, 0.35) * d
        yaw = rng.integers(4) * np.pi / 2 + rng.normal(0, 0.3)
        if clearance(vector(x, y, 0.5), solids) > 0.35:
            solids += moved(pick(rng, *free), x, y, 0, yaw)
            subjects.append((vector(x, y, 0), yaw))
    if rng.random() < 0.35:
        x, y, across, deep = *rng.uniform(-0.2, 0.2, 2) * (w, d), *rng.uniform(1, 2.5, 2)
        solids.append(box(x, y, 0, across, deep, 0.015, finish(rng, "rug")))
    eye, target = _viewpoint(rng, w, d, h, solids, subjects)
    bulbs = rng.uniform(-0.4, 0.4, (rng.integers(1, 4), 3)) * (w, d, 0.2) + (0, 0, h * 0.85)
    if rng.random() < 0.5:
        bulbs[0] = _turned(np.array([0, 0.42 * d, 1.5]), rng.integers(4) * np.pi / 2)  # a window at its height
    view = camera(rng, eye, target, focal=(1.2, 2.2))
    return Scene(solids, view, lamps(rng, bulbs, 2.0), ambient(rng), fill=fill(rng))


def corridor(rng: Rng) -> Scene:
    """A corridor, with doors and notices along it and little furniture."""
    w, d, h = rng.uniform(1.3, 2.8), rng.uniform(6, 25), rng.uniform(2.2, 3.2)
    solids = _shell(rng, w, d, h)
    for side in (-1, 1):
        y = -d / 2 + rng.uniform(0, 2)
        while y < d / 2 - 1:
            piece = pick(rng, door, door, door, picture, picture, clock, window, cupboard, carton, plant, chair)
            solids += moved(piece, side * w / 2, y, 0, -side * np.pi / 2)
            y += rng.uniform(0.9, 2.5)
    solids += moved(pick(rng, door, window, picture, cupboard), 0, d / 2, 0)
    if rng.random() < 0.3:
        solids += moved(person(rng), rng.uniform(-0.3, 0.3) * w, rng.uniform(-0.3, 0.4) * d, 0, rng.uniform(0, 6.3))
    eye = vector(rng.uniform(-0.3, 0.3) * w, rng.uniform(-0.48, -0.1) * d, rng.uniform(0.5, 1.8))
    target = eye + vector(rng.normal(0, 1.2), 4, rng.normal(-0.5, 0.6))
    bulbs = np.stack([np.zeros(3), np.linspace(-0.4, 0.4, 3) * d, np.full(3, h - 0.3)], 1)
    view, lights = camera(rng, eye, target), lamps(rng, rng.permutation(bulbs), 2.0)
    return Scene(solids, view, lights, ambient(rng), fill=fill(rng))


def _shell(rng: Rng, w: float, d: float, h: float) -> list[Solid]:
    """Floor, ceiling and four walls around (0, 0), with skirting, ceiling lamps and beams."""
    wall, skirting = finish(rng, "wall"), finish(rng, "furniture")
    solids = [
        plane(0, 0, 0, vector(0, 0, 1), finish(rng, "floor")),
        plane(0, 0, h, vector(0, 0, -1), finish(rng, "ceiling")),
    ]
    has_skirting, other = rng.random() < 0.7, finish(rng, "wall")
    for k in range(4):
        away, across = (d, w) if k % 2 == 0 else (w, d)
        parts = [plane(0, away / 2, 0, vector(0, -1, 0), wall if rng.random() < 0.8 else other)]
        if has_skirting:
            parts.append(box(0, away / 2, 0, across, 0.03, 0.09, skirting))
        if rng.random() < 0.1:
            x, deep = rng.uniform(-0.45, 0.45) * across, rng.uniform(0.3, 0.8)
            parts.append(box(x, away / 2, 0, rng.uniform(0.3, 0.9), deep, h, wall))
        solids += moved(parts, 0, 0, 0, k * np.pi / 2)
    kind, shine = rng.integers(4), glowing(finish(rng, "white"), float(rng.uniform(0.5, 3)))
    for x, y in rng.uniform(-0.35, 0.35, (rng.integers(1, 4), 2)) * (w, d):
        if kind == 0:
            solids.append(box(x, y, h - 0.04, 0.6, 0.6 if rng.random() < 0.5 else 1.2, 0.05, shine))
        elif kind == 1:
            drop, r = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.25)
            cord = rod(vector(x, y, h), vector(x, y, h - drop), 0.01, finish(rng, "dark"))
            solids += [cord, ball(x, y, h - drop, r, r, r * rng.uniform(0.5, 1), shine)]
        elif kind == 2:
            solids.append(rod(vector(x, y, h), vector(x, y, h - 0.08), 0.18, shine))
    if rng.random() < 0.12:
        m, deep = finish(rng, "wood"), rng.uniform(0.1, 0.25)
        solids += [box(0, y, h - deep, w, 0.12, deep, m) for y in np.arange(-d / 2, d / 2, rng.uniform(0.6, 1.5))]
    return solids


def _along_wall(rng: Rng, across: float, makers: Sequence[Maker]) -> tuple[list[Solid], list[float]]:
    """Furniture side by side before a wall along y = 0 and things that hang on it; the middles of the furniture."""
    solids: list[Solid] = []
    middles: list[float] = []
    x = -across / 2 + rng.uniform(0.1, 1.0)
    crowded = rng.random()
    while x < across / 2 - 0.4:
        if rng.random() < 0.25 + 0.55 * crowded:
            piece = pick(rng, *makers)
            left, right = _extent(piece)
            if x + right - left > across / 2 + 0.05:
                break
            solids += moved(piece, x - left, -rng.uniform(0.03, 0.12), 0, rng.normal(0, 0.02))
            middles.append(x + (right - left) / 2)
            if rng.random() < 0.7 and desk in makers:
                at, seat = x - left + rng.normal(0, 0.3), pick(rng, office_chair, chair)
                solids += moved(seat, at, -rng.uniform(0.75, 1.3), 0, np.pi + rng.normal(0, 0.6))
            x += right - left
        x += rng.uniform(0.02, 0.9)
    for _ in range(rng.integers(0, 5)):
        at = rng.uniform(-0.42, 0.42) * across
        solids += moved(pick(rng, picture, picture, picture, window, shelf, clock, door), at, 0, 0)
    return solids, middles


def _extent(solids: Sequence[Solid]) -> tuple[float, float]:
    """The least and greatest x of some solids."""
    half = [float(np.abs(s.axes[0]).sum()) for s in solids]
    return (
        min(float(s.centre[0]) - r for s, r in zip(solids, half, strict=True)),
        max(float(s.centre[0]) + r for s, r in zip(solids, half, strict=True)),
    )


def _turned(p: Array, yaw: float) -> Array:
    c, s = np.cos(yaw), np.sin(yaw)
    return vector(c * p[0] - s * p[1], s * p[0] + c * p[1], p[2])


def _viewpoint(
    rng: Rng, w: float, d: float, h: float, solids: list[Solid], subjects: list[tuple[Array, float]]
) -> tuple[Array, Array]:
    """Where the camera stands, clear of the furniture and inside the walls, and what it looks at."""
    near = bool(subjects) and rng.random() < 0.5
    place, yaw = subjects[rng.integers(len(subjects))] if near else (vector(0, 0, 0), 0.0)
    limit = np.array([w, d]) / 2 - 0.15
    for _ in range(30):
        high = float(np.clip(rng.normal(1.35, 0.3), 0.35, min(2.2, h - 0.2)))
        if near:
            # A piece of furniture from its front or from aside, mostly from above.
            angle, away = yaw + rng.normal(0, 0.6), rng.uniform(0.6, 2.2)
            eye = vector(place[0] + np.sin(angle) * away, place[1] - np.cos(angle) * away, high)
            target = place + vector(rng.normal(0, 0.25), rng.normal(0, 0.25), rng.uniform(0.3, 1.1))
        else:
            side = rng.uniform(0, 2 * np.pi)
            eye = vector(rng.uniform(0.1, 0.48) * w * np.cos(side), rng.uniform(0.1, 0.48) * d * np.sin(side), high)
            far = vector(-0.5 * w * np.cos(side), -0.5 * d * np.sin(side), 0)
            target = far + vector(rng.normal(0, 0.8), rng.normal(0, 0.8), rng.uniform(0.0, 1.4))
        if (np.abs(eye[:2]) < limit).all() and clearance(eye, solids) > 0.3:
            break
    return eye, target
