"""Outdoor objects of rendered scenes: people, animals, flowers, trees, cars, bicycles and houses."""

import numpy as np

from training.materials import finish
from training.rendering import Solid
from training.shapes import ball, box, crown, cup, moved, rod, turn, vector
from training.textures import Rng


def person(rng: Rng) -> list[Solid]:
    """A standing figure, about 1.7 m, facing -y."""
    skin, hair, shirt, trousers = (finish(rng, name) for name in ("skin", "dark", "fabric", "fabric"))
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
    fur, dark, leg = finish(rng, "fur"), finish(rng, "dark"), rng.uniform(0.2, 0.6)
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
    petal, n = finish(rng, "petal"), int(rng.integers(5, 13))
    solids = [
        ball(0, 0, 0, 0.015, 0.012, 0.015, finish(rng, "petal")),
        rod(vector(0, 0.01, 0), vector(0, 0.05, -0.4), 0.004, finish(rng, "leaf")),
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
    h, bark = rng.uniform(3, 12), finish(rng, "bark")
    if rng.random() < 0.25:
        m = finish(rng, "leaf", 2)
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
    return solids + moved(crown(rng, finish(rng, "leaf", 2), h * rng.uniform(0.2, 0.4)), *lean)


def car(rng: Rng) -> list[Solid]:
    """A car along y, with a rounded or a boxy cabin."""
    paint, glass, black = (
        finish(rng, "paint"),
        finish(rng, "glass"),
        finish(rng, "dark"),
    )
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
    wall = finish(rng, "facade", rng.uniform(5, 11))
    solids = [box(0, 0, 0, w, d, h, wall)]
    kind = rng.integers(4)
    if kind == 0:
        # A gable: a cube stood on its edge, its diagonals as wide as the house and twice as high as the roof.
        gable = np.sqrt(0.5) * vector(0, d * 0.52, rng.uniform(1.5, 4)) + vector(w / 2 + 0.3, 0, 0)
        axes = np.diag(gable) @ turn(0, np.pi / 4)
        solids.append(Solid("cube", axes.astype(np.float32), vector(0, 0, h), finish(rng, "roof")))
    elif kind == 1:
        solids.append(box(0, 0, h, w + 0.5, d + 0.5, rng.uniform(0.3, 1), finish(rng, "facade")))
    elif kind == 2:
        r = min(w, d) * rng.uniform(0.2, 0.5)
        solids.append(
            cup(
                rng.uniform(-0.3, 0.3) * w,
                0,
                h,
                r,
                r * rng.uniform(1, 4),
                finish(rng, "facade"),
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
                finish(rng, "facade"),
            )
        )
    return solids
