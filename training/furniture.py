"""Furniture and fittings of rendered rooms. Everything faces -y; pieces for a wall have their back at y = 0."""

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np

from training.materials import finish, glowing
from training.rendering import Material, Solid
from training.shapes import ball, box, card, crown, cup, moved, rod, vector
from training.textures import Rng

Maker = Callable[[Rng], list[Solid]]


def pick(rng: Rng, *makers: Maker) -> list[Solid]:
    """One of the makers' pieces, equally likely unless repeated."""
    return makers[rng.integers(len(makers))](rng)


# ------------------------------------------------------------------------------------------------- on tables and desks


def thing(rng: Rng) -> list[Solid]:
    """A small object such as fruit, cup, bottle, books, bowl, plate, candlestick, tin or carton."""
    m, kind, r = finish(rng, "ceramic"), rng.integers(9), rng.uniform(0.03, 0.08)
    if kind == 0:
        return [ball(0, 0, r, r, r, r * rng.uniform(0.7, 1.4), finish(rng, "fruit"))]
    if kind == 1:
        return mug(rng)
    if kind == 2:
        m, h = finish(rng, "glass" if rng.random() < 0.5 else "plastic"), rng.uniform(2.5, 5) * r
        shoulder, neck = cup(0, 0, h, r, r, m, 0.35), cup(0, 0, h + r, r * 0.35, r * rng.uniform(0.8, 2), m)
        return [cup(0, 0, 0, r, h, m), shoulder, neck]
    if kind == 3:
        return books(rng)
    if kind == 4:
        fruit = [
            ball(x, y, r * 1.3, r * 0.6, r * 0.6, r * 0.6, finish(rng, "fruit"))
            for x, y in rng.normal(0, 0.6 * r, (rng.integers(0, 4), 2))
        ]
        return [cup(0, 0, 0, r, r * 1.2, m, 2.2, True), *fruit]
    if kind == 5:
        food = ball(0, 0, r * 0.3, r, r * 0.9, r * rng.uniform(0.3, 0.9), finish(rng, "fruit"))
        return [cup(0, 0, 0, r, r * 0.3, m, 2.0, True), food]
    if kind == 6:
        ends = [cup(0, 0, 0, r, r * 0.4, m, 0.4), cup(0, 0, 0, r * 0.25, r * 4, m)]
        return [*ends, ball(0, 0, r * 4, r * 0.6, r * 0.6, r * 0.6, m)]
    if kind == 7:
        return [cup(0, 0, 0, r, r * rng.uniform(0.8, 2.5), finish(rng, "cover"))]
    w, d, h = rng.uniform(0.06, 0.25, 3)
    return [box(0, 0, 0, w, d, h, finish(rng, "cover"))]


def mug(rng: Rng) -> list[Solid]:
    """A cup with its handle and a drink, sometimes on a saucer."""
    m, r, top = finish(rng, "ceramic"), rng.uniform(0.03, 0.05), rng.uniform(0.95, 1.4)
    h = rng.uniform(1.5, 2.5) * r
    bow = [vector(r * (0.9 + 0.6 * np.cos(a)), 0, h * (0.5 + 0.32 * np.sin(a))) for a in np.linspace(-1.2, 1.2, 5)]
    handle = [rod(a, b, r * 0.12, m) for a, b in pairwise(bow)]
    drink = cup(0, 0, h * 0.1, r * (0.95 + 0.7 * (top - 1)), h * rng.uniform(0.4, 0.75), finish(rng, "dark"))
    saucer = [cup(0, 0, 0, r * 1.2, r * 0.15, m, 1.6)] if rng.random() < 0.4 else []
    return [*saucer, *moved([cup(0, 0, 0, r, h, m, top, True), drink, *handle], 0, 0, r * 0.1)]


def books(rng: Rng) -> list[Solid]:
    """A pile of books or papers."""
    pile, z = [], 0.0
    for _ in range(rng.integers(1, 6)):
        w, d, h = rng.uniform(0.12, 0.24), rng.uniform(0.18, 0.32), rng.uniform(0.005, 0.045)
        name = "paper" if h < 0.015 else "cover"
        pile += moved([box(0, 0, z, w, d, h, finish(rng, name, max(w, d)))], 0, 0, 0, rng.normal(0, 0.15))
        z += h
    return pile


def monitor(rng: Rng) -> list[Solid]:
    """A screen on a foot."""
    w = rng.uniform(0.4, 0.7)
    h, foot = w * rng.uniform(0.55, 0.75), rng.uniform(0.08, 0.2)
    frame = finish(rng, "dark" if rng.random() < 0.75 else "plastic")
    screen = glowing(finish(rng, "screen", w), float(rng.choice([0, 0.4, 1.0])))
    body = [box(0, 0, foot, w, 0.04, h, frame), box(0, -0.022, foot + 0.02, w - 0.03, 0.006, h - 0.04, screen)]
    return [*body, box(0, 0.03, 0, 0.06, 0.04, foot + 0.1, frame), box(0, 0.02, 0, 0.25, 0.2, 0.015, frame)]


def laptop(rng: Rng) -> list[Solid]:
    """An open laptop."""
    w, m = rng.uniform(0.28, 0.38), finish(rng, "dark" if rng.random() < 0.5 else "metal")
    d = w * 0.68
    lid = card(0, 0, w, d, finish(rng, "dark"), lean=rng.uniform(0.1, 0.5))
    screen = card(0, -0.003, w * 0.93, d * 0.9, glowing(finish(rng, "screen", w), 0.5), lean=0.3)
    keys = box(0, -d * 0.4, 0.018, w * 0.9, d * 0.4, 0.004, finish(rng, "dark"))
    return [box(0, -d / 2, 0, w, d, 0.018, m), keys, *moved([lid, screen], 0, 0, 0.018)]


def keyboard(rng: Rng) -> list[Solid]:
    """A keyboard with a mouse beside it."""
    m, w = finish(rng, "plastic"), rng.uniform(0.35, 0.48)
    keys = box(0, 0, 0.02, w * 0.95, 0.12, 0.008, finish(rng, "plastic"))
    return [box(0, 0, 0, w, 0.15, 0.02, m), keys, ball(w * 0.7, 0, 0.015, 0.03, 0.05, 0.02, m)]


def desk_lamp(rng: Rng) -> list[Solid]:
    """A lamp with a jointed arm."""
    m, h = finish(rng, "metal"), rng.uniform(0.25, 0.45)
    elbow, head = vector(0.05, 0.1, h), vector(rng.uniform(-0.15, 0.1), -0.12, h + rng.uniform(0, 0.1))
    shade = rod(head + vector(0, 0, 0.05), head - vector(0, 0.02, 0.06), 0.04, m, 2.0)
    return [cup(0, 0, 0, 0.08, 0.02, m), rod(vector(0, 0, 0), elbow, 0.01, m), rod(elbow, head, 0.01, m), shade]


def telephone(rng: Rng) -> list[Solid]:
    """A desk telephone, wedge-shaped, with its receiver."""
    m = finish(rng, "plastic")
    return [box(0, 0, 0, 0.18, 0.2, 0.05, m), rod(vector(-0.06, -0.09, 0.07), vector(-0.06, 0.09, 0.07), 0.025, m)]


def sheet(rng: Rng) -> list[Solid]:
    """A sheet of paper lying flat."""
    return [box(0, 0, 0, 0.21, 0.3, 0.003, finish(rng, "paper", 0.3))]


def load(rng: Rng, w: float, d: float, z: float, count: int, *makers: Maker) -> list[Solid]:
    """Some objects on a board of width ``w`` and depth ``d`` centred at (0, 0, z)."""
    return [
        s
        for _ in range(count)
        for s in moved(
            pick(rng, *makers), rng.uniform(-0.45, 0.45) * w, rng.uniform(-0.42, 0.42) * d, z, rng.normal(0, 0.6)
        )
    ]


# ------------------------------------------------------------------------------------------------ standing in the room


def table(rng: Rng) -> list[Solid]:
    """A dining, side or coffee table, often with things on it."""
    w, d, h = rng.uniform(0.5, 1.8), rng.uniform(0.5, 1.0), float(rng.choice([rng.uniform(0.38, 0.5), 0.74]))
    top, t = finish(rng, "furniture"), rng.uniform(0.02, 0.05)
    frame = top if rng.random() < 0.6 else finish(rng, "metal")
    if rng.random() < 0.2:
        legs = [cup(0, 0, 0, 0.04, h, frame), cup(0, 0, 0, 0.3, 0.03, frame)]
        board = cup(0, 0, h, w / 2, t, top)
    else:
        legs = _legs(w, d, h, rng.uniform(0.03, 0.08), frame)
        board = box(0, 0, h, w, d, t, top)
    return [board, *legs, *load(rng, w * 0.7, d * 0.8, h + t, int(rng.integers(0, 6)), thing, thing, books, sheet)]


def _legs(w: float, d: float, h: float, t: float, m: Material) -> list[Solid]:
    return [box(sx * (w / 2 - t), sy * (d / 2 - t), 0, t, t, h, m) for sx, sy in product((-1, 1), repeat=2)]


def chair(rng: Rng) -> list[Solid]:
    """A chair with four legs whose back is at +y."""
    w, h, back = rng.uniform(0.4, 0.52), rng.uniform(0.42, 0.48), rng.uniform(0.35, 0.55)
    m = finish(rng, "furniture")
    seat = m if rng.random() < 0.5 else finish(rng, "fabric")
    if rng.random() < 0.5:
        rest = [box(0, w / 2, h + back * 0.35, w, 0.03, back * 0.65, seat)]
        rest += [box(s * (w / 2 - 0.02), w / 2, h, 0.03, 0.03, back, m) for s in (-1, 1)]
    else:
        rest = [box(0, w / 2, h, w, 0.04, back, seat)]
    return [box(0, 0, h, w, w, 0.04, seat), *rest, *_legs(w, w, h, 0.03, m)]


def office_chair(rng: Rng) -> list[Solid]:
    """A swivel chair on five castors."""
    cloth, frame, h = finish(rng, "fabric"), finish(rng, "dark"), rng.uniform(0.42, 0.52)
    star = [
        rod(vector(0, 0, 0.12), vector(0.3 * np.cos(a), 0.3 * np.sin(a), 0.06), 0.025, frame)
        for a in np.arange(5) * 2 * np.pi / 5
    ]
    arms = [box(s * 0.27, 0, h + 0.2, 0.06, 0.28, 0.03, frame) for s in (-1, 1)] if rng.random() < 0.6 else []
    posts = [box(s * 0.27, 0.05, h, 0.04, 0.04, 0.2, frame) for s in (-1, 1)] if arms else []
    back = rng.uniform(0.4, 0.7)
    rest = box(0, 0.24, h + 0.12, 0.44, 0.07, back, cloth)
    return [box(0, 0, h, 0.5, 0.48, 0.08, cloth), rest, cup(0, 0, 0.1, 0.03, h - 0.1, frame), *star, *arms, *posts]


def stool(rng: Rng) -> list[Solid]:
    """A stool, or an ottoman where it is low."""
    r, h, m = rng.uniform(0.15, 0.25), rng.uniform(0.35, 0.75), finish(rng, "furniture")
    if rng.random() < 0.4:
        return [cup(0, 0, 0, r, h * 0.7, finish(rng, "fabric"))]
    return [cup(0, 0, h, r, 0.04, m), *_legs(1.4 * r, 1.4 * r, h, 0.03, m)]


def floor_lamp(rng: Rng) -> list[Solid]:
    """A floor lamp that may glow."""
    h, m = rng.uniform(1.2, 1.7), finish(rng, "metal")
    shade = glowing(finish(rng, "white"), float(rng.choice([0, 1.5])))
    foot, stem = cup(0, 0, 0, 0.15, 0.03, m), cup(0, 0, 0, 0.015, h, m)
    return [foot, stem, cup(0, 0, h, 0.22, 0.28, shade, rng.uniform(0.4, 1))]


def plant(rng: Rng) -> list[Solid]:
    """A potted plant."""
    r, m = rng.uniform(0.1, 0.2), finish(rng, "leaf")
    pot = cup(0, 0, 0, r * 0.7, r * 2, finish(rng, "ceramic"), 1.4)
    return [pot, *moved(crown(rng, m, rng.uniform(0.25, 0.6)), 0, 0, r * 2 + 0.35)]


def carton(rng: Rng) -> list[Solid]:
    """A cardboard box or a bin."""
    w, d, h = rng.uniform(0.2, 0.6, 3)
    if rng.random() < 0.3:
        return [cup(0, 0, 0, w / 3, h, finish(rng, "plastic"), 1.2, True)]
    return [box(0, 0, 0, w, d, h, finish(rng, "card"))]


def bag(rng: Rng) -> list[Solid]:
    """A bag, cushion or heap of clothes on the floor."""
    a, b, c = rng.uniform(0.15, 0.35), rng.uniform(0.12, 0.25), rng.uniform(0.1, 0.25)
    return [ball(0, 0, c, a, b, c, finish(rng, "fabric"))]


# --------------------------------------------------------------------------------------------------- along the walls


def desk(rng: Rng) -> list[Solid]:
    """A desk with a screen or a laptop, papers and small objects; drawers or a cabinet below."""
    w, d, h = rng.uniform(1.1, 2.2), rng.uniform(0.6, 0.85), rng.uniform(0.7, 0.77)
    top, frame = finish(rng, "furniture"), finish(rng, "furniture" if rng.random() < 0.5 else "metal")
    solids = [box(0, -d / 2, h, w, d, 0.03, top)]
    if rng.random() < 0.5:
        solids += moved(_legs(w, d, h, 0.05, frame), 0, -d / 2, 0)
    else:
        solids += [box(s * (w / 2 - 0.02), -d / 2, 0, 0.03, d * 0.95, h, frame) for s in (-1, 1)]
        solids.append(box(0, -0.05, 0.2, w - 0.06, 0.02, h - 0.2, frame))
    if rng.random() < 0.6:
        side, n = rng.choice([-1, 1]), int(rng.integers(2, 5))
        solids.append(box(side * (w / 2 - 0.25), -d / 2, 0, 0.4, d * 0.9, h - 0.02, frame))
        solids += [
            box(side * (w / 2 - 0.25), -d * 0.95, 0.04 + k * (h - 0.06) / n, 0.36, 0.02, (h - 0.06) / n - 0.02, top)
            for k in range(n)
        ]
    z = h + 0.03
    for _ in range(rng.integers(0, 3)):
        x = rng.uniform(-0.3, 0.3) * w
        screen = pick(rng, monitor, monitor, laptop)
        solids += moved(screen, x, -d * rng.uniform(0.25, 0.5), z, rng.normal(0, 0.25))
        if rng.random() < 0.7:
            solids += moved(keyboard(rng), x + rng.normal(0, 0.08), -d * 0.8, z, rng.normal(0, 0.1))
    small = load(rng, w, d, z, int(rng.integers(2, 12)), thing, books, sheet, sheet, mug, telephone, desk_lamp)
    return [*solids, *moved(small, 0, -d / 2, 0)]


def cupboard(rng: Rng) -> list[Solid]:
    """A closed cupboard, wardrobe or chest of drawers, with handles and often things on top."""
    w, d = rng.uniform(0.5, 2.0), rng.uniform(0.3, 0.6)
    h = float(rng.choice([rng.uniform(0.5, 1.1), rng.uniform(1.6, 2.2)]))
    m, front = finish(rng, "furniture"), finish(rng, "furniture")
    front = m if rng.random() < 0.7 else front
    grip = finish(rng, "metal")
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 5)) if h < 1.2 else 1
    solids = [box(0, -d / 2, 0, w, d, h, m)]
    for i, j in product(range(columns), range(rows)):
        x, z, dw, dh = (i + 0.5) * w / columns - w / 2, 0.06 + j * (h - 0.08) / rows, w / columns, (h - 0.08) / rows
        solids.append(box(x, -d, z, dw - 0.015, 0.02, dh - 0.015, front))
        solids.append(box(x, -d - 0.02, z + dh / 2, 0.12 if rows > 1 else 0.02, 0.02, 0.02 if rows > 1 else 0.12, grip))
    on_top = load(rng, w, d, h, int(rng.integers(0, 5)) if h < 1.3 else 0, thing, books, plant, table_lamp)
    return [*solids, *moved(on_top, 0, -d / 2, 0)]


def table_lamp(rng: Rng) -> list[Solid]:
    """A small lamp with a shade."""
    shade = glowing(finish(rng, "white"), float(rng.choice([0, 1.5])))
    return [cup(0, 0, 0, 0.06, 0.25, finish(rng, "ceramic"), 0.5), cup(0, 0, 0.22, 0.14, 0.18, shade, 0.6)]


def bookshelf(rng: Rng) -> list[Solid]:
    """Open shelves with rows of books, boxes and objects."""
    w, d, h, n = rng.uniform(0.6, 2.4), rng.uniform(0.22, 0.4), rng.uniform(0.8, 2.2), int(rng.integers(2, 7))
    m, gap = finish(rng, "furniture"), h / n
    solids = [box(0, -d / 2, k * gap, w, d, 0.025, m) for k in range(n + 1)]
    solids += [box(s * w / 2, -d / 2, 0, 0.025, d, h + 0.02, m) for s in (-1, 1)]
    if rng.random() < 0.8:
        solids.append(box(0, -0.01, 0, w, 0.02, h, m))
    for k in range(n):
        x = -w / 2 + 0.03
        while x < w / 2 - 0.15:
            length = min(rng.uniform(0.08, 0.6), w / 2 - 0.03 - x)
            kind, high = rng.random(), min(gap - 0.05, rng.uniform(0.18, 0.33))
            at = x + length / 2
            if kind < 0.55:
                solids.append(box(at, -d * 0.45, k * gap + 0.025, length, d * 0.7, high, finish(rng, "spines", 0.5)))
            elif kind < 0.7:
                solids.append(box(at, -d / 2, k * gap + 0.025, length, d * 0.8, high, finish(rng, "card")))
            elif kind < 0.85 and gap > 0.25:
                solids += moved(thing(rng), at, -d / 2, k * gap + 0.025, 0, 0.9)
            x += length + (0 if rng.random() < 0.5 else rng.uniform(0, 0.3))
    return solids


def sofa(rng: Rng) -> list[Solid]:
    """A sofa or armchair with cushions."""
    w, d, m, arm = rng.uniform(0.8, 2.4), rng.uniform(0.75, 1.0), finish(rng, "fabric"), rng.uniform(0.5, 0.65)
    seats = max(1, int(w / 0.8))
    places = (np.arange(seats) + 0.5) * (w - 0.3) / seats - (w - 0.3) / 2
    solids = [box(x, -d / 2 - 0.05, 0.28, (w - 0.3) / seats - 0.01, d - 0.15, 0.17, m) for x in places]
    solids += [box(x, -0.25, 0.45, (w - 0.3) / seats - 0.01, 0.16, 0.4, m) for x in places]
    solids += [box(s * (w / 2 - 0.08), -d / 2, 0.05, 0.16, d, arm, m) for s in (-1, 1)]
    cushions = [
        ball(x, -0.42, 0.6, 0.22, 0.1, 0.2, finish(rng, "fabric"))
        for x in rng.uniform(-w / 3, w / 3, rng.integers(0, 4))
    ]
    return [*solids, box(0, -d / 2, 0.05, w, d, 0.25, m), box(0, -0.1, 0.05, w, 0.18, 0.75, m), *cushions]


def bed(rng: Rng) -> list[Solid]:
    """A bed, its head at the wall."""
    w, m, sheet_, blanket = rng.uniform(0.9, 1.8), *(finish(rng, n) for n in ("furniture", "bedding", "bedding"))
    pillows = [ball(s * w / 4, -0.3, 0.55, w / 5, 0.25, 0.1, sheet_) for s in (-1, 1)]
    cover = box(0, -1.35, 0.28, w + 0.06, 1.3, 0.26, blanket)
    return [
        box(0, -1, 0, w, 2, 0.25, m),
        box(0, -1, 0.25, w - 0.04, 1.98, 0.25, sheet_),
        cover,
        box(0, 0, 0, w, 0.06, rng.uniform(0.6, 1.2), m),
        *pillows,
    ]


def kitchen(rng: Rng) -> list[Solid]:
    """A run of base units with a worktop, a tap, things on it, wall units, and a tall unit or refrigerator."""
    n, front, top = int(rng.integers(2, 6)), finish(rng, "furniture"), finish(rng, "table top")
    w, grip, inside = n * 0.6, finish(rng, "metal"), finish(rng, "white")
    solids = [box(0, -0.3, 0.86, w, 0.62, 0.04, top), box(0, -0.28, 0, w, 0.56, 0.86, inside)]
    for k in range(n):
        x = (k + 0.5) * 0.6 - w / 2
        if rng.random() < 0.2:
            solids.append(box(x, -0.58, 0.15, 0.55, 0.04, 0.65, finish(rng, "dark")))
        else:
            solids.append(box(x, -0.58, 0.1, 0.58, 0.03, 0.74, front))
        solids.append(box(x, -0.61, 0.72, 0.2, 0.02, 0.02, grip))
        if rng.random() < 0.75:
            solids.append(box(x, -0.17, 1.45, 0.59, 0.34, 0.7, front))
    tap = [
        rod(vector(0, -0.1, 0.9), vector(0, -0.1, 1.2), 0.015, grip),
        rod(vector(0, -0.1, 1.2), vector(0, -0.3, 1.15), 0.012, grip),
    ]
    solids += moved(tap, rng.uniform(-0.3, 0.3) * w, 0, 0)
    solids += moved(load(rng, w, 0.45, 0.9, int(rng.integers(2, 10)), thing, mug, thing, carton_small), 0, -0.3, 0)
    if rng.random() < 0.5:
        tall = finish(rng, "white" if rng.random() < 0.6 else "metal")
        solids += [
            box(w / 2 + 0.33, -0.32, 0, 0.6, 0.62, rng.uniform(1.6, 2.1), tall),
            box(w / 2 + 0.12, -0.66, 0.9, 0.02, 0.04, 0.4, grip),
        ]
    return solids


def carton_small(rng: Rng) -> list[Solid]:
    """A machine or a box the size of a toaster."""
    w, d, h = rng.uniform(0.15, 0.4), rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.35)
    return [box(0, 0, 0, w, d, h, finish(rng, "plastic" if rng.random() < 0.6 else "metal"))]


def sideboard(rng: Rng) -> list[Solid]:
    """A low board with a television on it."""
    w, h, m = rng.uniform(1.0, 2.0), rng.uniform(0.35, 0.6), finish(rng, "furniture")
    wide = rng.uniform(0.8, 1.3)
    frame, screen = finish(rng, "dark"), glowing(finish(rng, "screen", wide), float(rng.choice([0, 0.7])))
    picture = [
        box(0, 0, 0.06, wide, 0.05, wide * 0.57, frame),
        box(0, -0.03, 0.08, wide - 0.04, 0.01, wide * 0.57 - 0.04, screen),
    ]
    return [box(0, -0.22, 0, w, 0.42, h, m), *moved(picture, 0, -0.2, h), box(0, -0.2, h, 0.3, 0.15, 0.06, frame)]


# ------------------------------------------------------------------------------------------------------- on the walls


def door(rng: Rng) -> list[Solid]:
    """A closed door with its frame and handle."""
    w, m, frame = rng.uniform(0.75, 1.0), finish(rng, "furniture"), finish(rng, "furniture")
    handle = box(w * 0.4, -0.08, 1.02, 0.12, 0.05, 0.02, finish(rng, "metal"))
    return [box(0, 0, 0, w + 0.16, 0.06, 2.1, frame), box(0, -0.01, 0, w, 0.06, 2.02, m), handle]


def window(rng: Rng) -> list[Solid]:
    """A bright window with bars and a sill, often with curtains or a blind, and sometimes a radiator."""
    w, h, z = rng.uniform(0.7, 2.2), rng.uniform(0.9, 1.6), rng.uniform(0.75, 1.0)
    frame = finish(rng, "white" if rng.random() < 0.7 else "furniture")
    view = glowing(finish(rng, "white" if rng.random() < 0.6 else "poster", w), float(rng.uniform(0.7, 3)))
    bars = [box(x, -0.03, z, 0.05, 0.05, h, frame) for x in np.linspace(-w / 2, w / 2, int(rng.integers(2, 5)))]
    bars += [box(0, -0.03, z + k * h, w, 0.05, 0.05, frame) for k in (0, 1)]
    solids = [box(0, 0, z, w, 0.03, h, view), *bars, box(0, -0.08, z - 0.04, w + 0.1, 0.2, 0.04, frame)]
    kind = rng.random()
    if kind < 0.4:
        cloth, width = finish(rng, "curtain"), rng.uniform(0.2, 0.6)
        low = 0.02 if rng.random() < 0.6 else z - 0.1
        solids += [box(s * (w / 2 + 0.05), -0.12, low, width, 0.08, z + h + 0.1 - low, cloth) for s in (-1, 1)]
    elif kind < 0.6:
        part = rng.uniform(0.2, 0.9) * h
        solids.append(box(0, -0.06, z + h - part, w, 0.02, part, finish(rng, "ribs")))
    if rng.random() < 0.4:
        solids.append(box(0, -0.09, 0.12, w * 0.9, 0.1, 0.5, finish(rng, "ribs")))
    return solids


def picture(rng: Rng) -> list[Solid]:
    """A framed picture, poster, whiteboard or notice."""
    w, h = rng.uniform(0.25, 1.3), rng.uniform(0.25, 0.9)
    z = rng.uniform(1.0, 1.7 - h / 3)
    face = finish(rng, "poster" if rng.random() < 0.8 else "white", max(w, h))
    if rng.random() < 0.4:
        return [box(0, 0, z, w, 0.02, h, face)]
    return [box(0, 0, z - 0.03, w + 0.06, 0.05, h + 0.06, finish(rng, "furniture")), box(0, -0.01, z, w, 0.05, h, face)]


def shelf(rng: Rng) -> list[Solid]:
    """A shelf on the wall with objects on it."""
    w, z = rng.uniform(0.5, 1.5), rng.uniform(1.2, 1.7)
    things = load(rng, w, 0.16, z, int(rng.integers(2, 8)), thing, thing, books)
    row = box(rng.uniform(-0.2, 0.2) * w, -0.1, z, w * 0.4, 0.15, 0.22, finish(rng, "spines", 0.5))
    return [box(0, -0.11, z - 0.03, w, 0.22, 0.03, finish(rng, "furniture")), row, *moved(things, 0, -0.11, 0)]


def clock(rng: Rng) -> list[Solid]:
    """A small round or square fitting on the wall: a clock, a switch, a thermostat, a socket."""
    r, z = rng.uniform(0.04, 0.18), rng.uniform(0.25, 2.0)
    if rng.random() < 0.5:
        return [rod(vector(0, 0, z), vector(0, -0.04, z), r, finish(rng, "white"))]
    return [box(0, 0, z, r, 0.03, r, finish(rng, "white"))]
