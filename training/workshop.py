"""Rendered workshops and stores, with furniture and textures that no other scene has: held out, never trained on."""

from itertools import pairwise, product

import numpy as np

from training.materials import material
from training.rendering import Material, Scene, Solid
from training.shapes import ball, box, cup, moved, plane, rod, vector
from training.textures import Rng
from training.views import ambient, camera, clearance, fill, lamps


def workshop(rng: Rng) -> Scene:
    """A garage, shed or store: benches, racks, ladders, bicycles, tyres, barrels, pallets, pipes along the walls."""
    w, d, h = rng.uniform(3, 8), rng.uniform(4, 10), rng.uniform(2.3, 4.0)
    wall = _stuff(rng, 1.5)
    solids = [plane(0, 0, 0, vector(0, 0, 1), _stuff(rng, 1.5)), plane(0, 0, h, vector(0, 0, -1), _stuff(rng, 2))]
    pieces = (_bench, _rack, _rack, _ladder, _tyres, _barrels, _pallets, _bicycle, _pipes)
    for k in range(4):
        away, across = (d, w) if k % 2 == 0 else (w, d)
        parts = [plane(0, away / 2, 0, vector(0, -1, 0), wall)]
        for x in np.arange(-across / 2 + 0.8, across / 2 - 0.5, 1.5):
            if rng.random() < 0.7:
                parts += moved(pieces[rng.integers(len(pieces))](rng), x, away / 2 - 0.35, 0, rng.normal(0, 0.08))
        solids += moved(parts, 0, 0, 0, k * np.pi / 2)
    for _ in range(rng.integers(0, 6)):
        x, y = rng.uniform(-0.35, 0.35) * w, rng.uniform(-0.3, 0.4) * d
        solids += moved(pieces[rng.integers(len(pieces))](rng), x, y, 0, rng.uniform(0, 6.3))
    for _ in range(40):
        eye = vector(rng.uniform(-0.4, 0.4) * w, rng.uniform(-0.47, 0.1) * d, rng.uniform(0.7, 1.8))
        if clearance(eye, solids) > 0.4:
            break
    target = vector(rng.uniform(-0.5, 0.5) * w, rng.uniform(0.2, 0.5) * d, rng.uniform(0.1, 1.3))
    bulbs = rng.uniform(-0.4, 0.4, (rng.integers(1, 4), 3)) * (w, d, 0.2) + (0, 0, h * 0.85)
    return Scene(solids, camera(rng, eye, target), lamps(rng, bulbs, 2.0), ambient(rng), fill=fill(rng))


def _stuff(rng: Rng, tile: float = 0.6) -> Material:
    return material(rng, "held_out", tile)


def _bench(rng: Rng) -> list[Solid]:
    """A workbench with a vice, a back board and lumps of work on it."""
    w, h, m = rng.uniform(1.0, 1.6), rng.uniform(0.8, 1.0), _stuff(rng)
    legs = [box(sx * (w / 2 - 0.06), sy * 0.25, 0, 0.1, 0.1, h, m) for sx, sy in product((-1, 1), repeat=2)]
    work: list[Solid] = []
    for x in rng.uniform(-w / 2, w / 2, rng.integers(0, 6)):
        y, (a, b, c) = rng.uniform(-0.25, 0.2), rng.uniform(0.04, 0.15, 3)
        work.append(ball(x, y, h + 0.12, a, b, c, _stuff(rng, 0.2)))
    vice = [
        box(w * 0.35, -0.3, h, 0.12, 0.2, 0.15, _stuff(rng, 0.2)),
        rod(vector(w * 0.35, -0.5, h), vector(w * 0.35, -0.2, h), 0.02, m),
    ]
    return [
        box(0, 0, h, w, 0.65, 0.08, m),
        box(0, 0.3, h, w, 0.04, rng.uniform(0.2, 0.9), _stuff(rng)),
        *legs,
        *work,
        *vice,
    ]


def _rack(rng: Rng) -> list[Solid]:
    """A rack of rods and boards laden with crates, drums and balls."""
    w, d, h, n, m = rng.uniform(0.9, 1.6), 0.5, rng.uniform(1.2, 2.4), int(rng.integers(2, 5)), _stuff(rng)
    posts = [
        rod(vector(sx * w / 2, sy * d / 2, 0), vector(sx * w / 2, sy * d / 2, h), 0.03, m)
        for sx, sy in product((-1, 1), repeat=2)
    ]
    boards = [box(0, 0, (k + 0.2) * h / n, w, d, 0.03, m) for k in range(n)]
    goods: list[Solid] = []
    for k, x in product(range(n), np.arange(-w / 2 + 0.2, w / 2 - 0.1, 0.35)):
        z, r, kind = (k + 0.2) * h / n + 0.03, rng.uniform(0.08, 0.16), rng.integers(4)
        if kind == 0:
            goods.append(cup(x, rng.normal(0, 0.06), z, r, 2 * r, _stuff(rng, 0.3), rng.uniform(0.7, 1.2)))
        elif kind == 1:
            goods.append(ball(x, rng.normal(0, 0.06), z + r, r, r, r, _stuff(rng, 0.3)))
        elif kind == 2:
            goods += moved([box(0, 0, z, 2 * r, 2 * r, 1.6 * r, _stuff(rng, 0.3))], x, 0, 0, rng.uniform(0, 1.5))
    return [*posts, *boards, *goods]


def _ladder(rng: Rng) -> list[Solid]:
    """A ladder that leans against something."""
    m, h, lean = _stuff(rng), rng.uniform(1.5, 3.0), rng.uniform(0.2, 0.6)
    rails = [rod(vector(s * 0.2, -lean, 0), vector(s * 0.2, 0.3, h), 0.025, m) for s in (-1, 1)]
    steps = [k / (h / 0.28) for k in range(1, int(h / 0.28))]
    return [
        *rails,
        *(
            rod(vector(-0.2, -lean + a * (lean + 0.3), a * h), vector(0.2, -lean + a * (lean + 0.3), a * h), 0.02, m)
            for a in steps
        ),
    ]


def _tyres(rng: Rng) -> list[Solid]:
    """A pile of tyres."""
    m, r = _stuff(rng), rng.uniform(0.25, 0.4)
    return [
        cup(rng.normal(0, 0.03), rng.normal(0, 0.03), k * 0.2, r, 0.19, m, 1.0, True) for k in range(rng.integers(1, 6))
    ]


def _barrels(rng: Rng) -> list[Solid]:
    """One to three barrels, bulging in the middle."""
    solids: list[Solid] = []
    for k in range(rng.integers(1, 4)):
        m, r = _stuff(rng), rng.uniform(0.2, 0.3)
        solids += moved(
            [cup(0, 0, 0, r, 0.45, m, 1.15), cup(0, 0, 0.45, 1.15 * r, 0.45, m, 0.87)], k * 0.55 - 0.4, 0, 0
        )
    return solids


def _pallets(rng: Rng) -> list[Solid]:
    """A pile of pallets or planks, with a sack on top."""
    m, n = _stuff(rng), int(rng.integers(1, 8))
    solids = [box(x, 0, k * 0.14, 0.16, 0.9, 0.1, m) for k in range(n) for x in np.linspace(-0.5, 0.5, 5)]
    return [*solids, ball(0, 0, n * 0.14 + 0.1, 0.35, 0.25, 0.18, _stuff(rng))]


def _bicycle(rng: Rng) -> list[Solid]:
    """A bicycle seen along its frame: wheels of rods, frame, saddle, handlebars; thick-limbed ones are motorcycles."""
    m, rim, t = _stuff(rng), _stuff(rng), rng.uniform(0.015, 0.09)
    solids: list[Solid] = []
    angles = np.linspace(0, 2 * np.pi, 15)
    for x in (-0.52, 0.52):
        ring = [vector(x + 0.33 * np.cos(a), 0, 0.34 + 0.33 * np.sin(a)) for a in angles]
        solids += [rod(a, b, 0.012 + t / 2, rim) for a, b in pairwise(ring)]
    joints = {
        "rear": (-0.52, 0.34),
        "front": (0.52, 0.34),
        "pedal": (-0.05, 0.3),
        "saddle": (-0.2, 0.85),
        "head": (0.35, 0.9),
    }
    p = {name: vector(x, 0, z) for name, (x, z) in joints.items()}
    for a, b in (
        ("rear", "pedal"),
        ("pedal", "saddle"),
        ("saddle", "head"),
        ("pedal", "head"),
        ("head", "front"),
        ("rear", "saddle"),
    ):
        solids.append(rod(p[a], p[b], t, m))
    bars = rod(p["head"] + vector(0, -0.3, 0.1), p["head"] + vector(0, 0.3, 0.1), 0.02, m)
    return [*solids, bars, ball(-0.22, 0, 0.9, 0.14, 0.07, 0.05, rim)]


def _pipes(rng: Rng) -> list[Solid]:
    """Pipes and ducts that run up and along a wall."""
    m = _stuff(rng)
    upright = [
        rod(vector(x, 0.25, 0), vector(x, 0.25, 4), rng.uniform(0.02, 0.1), m)
        for x in rng.uniform(-0.5, 0.5, rng.integers(1, 4))
    ]
    z = rng.uniform(1.5, 2.3)
    return [*upright, rod(vector(-1, 0.2, z), vector(1, 0.2, z), rng.uniform(0.03, 0.15), m)]
