"""Materials of rendered scenes: the usual finishes of rooms and streets, and occasionally a random material."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from training.rendering import Material
from training.textures import Array, Rng, colour, texture_bank

Palette = Callable[[Rng], Array]
WILD = 0.05  # probability that a random material replaces a finish


def _grey(low: float, high: float, warmth: float = 0.05) -> Palette:
    """Linear greys between two lightnesses, log-uniform, a little warm or cool."""

    def draw(rng: Rng) -> Array:
        warm = rng.normal(0, warmth)
        tone = np.exp(rng.uniform(np.log(low), np.log(high)))
        return np.asarray(tone * np.exp(warm * np.array([1.0, 0.2, -1.2])))

    return draw


def _wood(rng: Rng) -> Array:
    """From maple and white oak to walnut and wenge."""
    light = rng.uniform(0, 1) ** 0.8
    return np.asarray(np.array([0.09, 0.045, 0.025]) * (1 - light) + np.array([0.75, 0.52, 0.3]) * light)


def _pastel(rng: Rng) -> Array:
    return np.asarray(0.75 - 0.5 * rng.uniform(0, 0.6) * (1 - colour(rng) ** 2.2))


def _any(rng: Rng) -> Array:
    return colour(rng) ** 2.2


def _skin(rng: Rng) -> Array:
    return np.asarray(np.array([0.6, 0.35, 0.24]) * rng.uniform(0.12, 1.2))


def _own(rng: Rng) -> Array:
    """For textures with colours of their own."""
    return np.asarray(np.full(3, rng.uniform(0.6, 1.0)))


@dataclass(frozen=True)
class Finish:
    """Choices of (texture group, palette), equally likely unless repeated, repeated every ``tile`` metres or so."""

    choices: tuple[tuple[str, Palette], ...]
    tile: float = 1.0
    gloss: float = 0.0


_white, _beige, _mid, _dark = _grey(0.55, 0.9, 0.04), _grey(0.3, 0.7, 0.2), _grey(0.1, 0.5), _grey(0.015, 0.08)
_stone = _grey(0.12, 0.6, 0.1)
FINISHES: dict[str, Finish] = {
    "wall": Finish(
        (
            *[("plain", _white)] * 7,
            *[("plain", _beige)] * 4,
            *[("plain", _pastel)] * 3,
            ("plain", _mid),
            ("worn", _beige),
            ("brick", _own),
            ("tiles", _white),
            ("grain", _wood),
            ("pattern", _own),
        ),
        1.5,
    ),
    "ceiling": Finish((*[("plain", _white)] * 6, ("tiles", _white), ("grain", _wood)), 2.0),
    "floor": Finish(
        (
            *[("grain", _wood)] * 5,
            *[("carpet", _grey(0.05, 0.4, 0.15))] * 4,
            ("carpet", _any),
            *[("tiles", _stone)] * 2,
            ("tiles", _white),
            ("marble", _stone),
            ("plain", _mid),
            ("worn", _mid),
        ),
        1.0,
        0.3,
    ),
    "rug": Finish((("pattern", _own), ("photo", _own), ("carpet", _any), ("mottled", _own)), 1.2),
    "wood": Finish((("grain", _wood),), 0.8, 0.25),
    "furniture": Finish(
        (
            *[("grain", _wood)] * 6,
            *[("plain", _white)] * 3,
            *[("plain", _dark)] * 2,
            ("plain", _mid),
            ("plain", _any),
        ),
        0.8,
        0.25,
    ),
    "fabric": Finish(
        (
            *[("carpet", _grey(0.03, 0.5, 0.15))] * 3,
            ("carpet", _any),
            ("plain", _any),
            ("folds", _any),
            ("pattern", _own),
            ("mottled", _own),
        ),
        0.5,
    ),
    "curtain": Finish((("folds", _white), ("folds", _beige), ("folds", _any), ("pattern", _own)), 0.8),
    "bedding": Finish((("folds", _white), ("plain", _white), ("plain", _pastel), ("pattern", _own)), 1.0),
    "metal": Finish((("plain", _grey(0.2, 0.7, 0.02)), ("plain", _dark)), 0.5, 0.8),
    "plastic": Finish(
        (("plain", _dark), ("plain", _dark), ("plain", _mid), ("plain", _white), ("plain", _any)), 0.5, 0.6
    ),
    "dark": Finish((("plain", _dark),), 0.5, 0.5),
    "white": Finish((("plain", _white),), 0.8, 0.3),
    "ceramic": Finish((("plain", _white), ("plain", _any), ("pattern", _own), ("mottled", _own)), 0.15, 0.7),
    "fruit": Finish((("mottled", _own), ("plain", _any), ("worn", _any)), 0.1, 0.3),
    "screen": Finish((("writing", _own), ("writing", _own), ("photo", _own), ("plain", _grey(0.01, 0.03))), 0.5, 0.4),
    "paper": Finish((("writing", _white), ("page", _white), ("plain", _white), ("photo", _own)), 0.25),
    "poster": Finish((("photo", _own), ("photo", _own), ("writing", _own), ("mottled", _own), ("pattern", _own)), 0.8),
    "cover": Finish((("plain", _any), ("plain", _any), ("photo", _own), ("writing", _own)), 0.2, 0.3),
    "spines": Finish((("spines", _own),), 0.5),
    "card": Finish((("plain", _grey(0.15, 0.4, 0.3)), ("worn", _grey(0.15, 0.4, 0.3)), ("writing", _beige)), 0.5),
    "ribs": Finish((("ribs", _white), ("ribs", _mid)), 0.5, 0.2),
    "leaf": Finish((("leaf", _own),), 0.5),
    "skin": Finish((("plain", _skin),), 0.3),
    "bark": Finish((("worn", _grey(0.05, 0.25, 0.2)),), 0.7),
    "paint": Finish((("plain", _grey(0.02, 0.8, 0.03)), ("plain", _any)), 3.0, 0.9),
    "glass": Finish((("plain", _grey(0.01, 0.08)), ("photo", _grey(0.1, 0.3))), 2.0, 0.9),
    "facade": Finish((*[("facade", _own)] * 5, ("brick", _own), ("plain", _beige), ("worn", _beige)), 8.0),
    "roof": Finish((("tiles", _grey(0.05, 0.3, 0.3)), ("ribs", _grey(0.05, 0.3, 0.3)), ("brick", _own)), 2.0),
    "road": Finish((*[("carpet", _grey(0.06, 0.25))] * 3, ("ground", _own), ("worn", _mid)), 2.0),
    "pavement": Finish((("tiles", _stone), ("carpet", _stone), ("brick", _own), ("plain", _mid)), 1.5),
    "ground": Finish((("ground", _own), ("ground", _own), ("leaf", _own), ("plain", _beige)), 3.0),
    "rock": Finish((("worn", _stone), ("mottled", _own), ("ground", _own)), 1.0),
    "fur": Finish((("carpet", _grey(0.03, 0.5, 0.3)), ("mottled", _own), ("worn", _grey(0.1, 0.6, 0.3))), 0.4),
    "petal": Finish((("plain", _any), ("mottled", _own)), 0.1),
    "table top": Finish(
        (*[("grain", _wood)] * 4, ("marble", _stone), ("plain", _white), ("pattern", _own), ("photo", _own)), 0.5, 0.3
    ),
}


def finish(rng: Rng, name: str, tile: float = 0.0) -> Material:
    """A material of one of the finishes; ``tile`` fits one repeat to a face, as for a poster or a screen."""
    if rng.random() < WILD:
        return material(rng, tile=tile or FINISHES[name].tile)
    kind = FINISHES[name]
    group, palette = kind.choices[rng.integers(len(kind.choices))]
    red, green, blue = (float(c) for c in np.clip(palette(rng), 0.005, 0.95))
    shine = float(rng.uniform(0.1, 1.2)) if rng.random() < kind.gloss else 0.0
    scale = tile or kind.tile * float(np.exp(rng.normal(0, 0.35)))
    return Material(_pick(rng, group), scale, (red, green, blue), shine)


def material(rng: Rng, group: str = "", tile: float = 1.0) -> Material:
    """Any texture (of a group where one is named) in any colour."""
    groups = ("plain", "worn", "marble", "grain", "brick", "pattern", "mottled", "photo", "leaf", "tiles", "ribs")
    texture = _pick(rng, group or groups[rng.integers(len(groups))])
    red, green, blue = (float(c) for c in rng.uniform(0.5, 1.0) * (1 - 0.6 * rng.random() * (1 - colour(rng))))
    shine = float(rng.uniform(0.1, 1.5)) if rng.random() < 0.15 else 0.0
    return Material(texture, tile * float(np.exp(rng.normal(0, 0.6))), (red, green, blue), shine)


def glowing(m: Material, glow: float) -> Material:
    """The same material, emitting light."""
    return replace(m, glow=glow)


def _pick(rng: Rng, group: str) -> int:
    return int(rng.choice(texture_bank().groups[group]))
