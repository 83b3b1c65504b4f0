"""Camera, lamps, sun and sky of rendered scenes of every kind."""

import numpy as np

from training.rendering import Camera, Light, Solid
from training.shapes import turn, vector
from training.textures import Array, Rng, colour


def camera(
    rng: Rng, place: Array, target: Array, roll: float = 0.04, focal: tuple[float, float] = (1.1, 2.2)
) -> Camera:
    """A camera at ``place`` that looks at ``target``, rolled a little, of random field of view."""
    x, y, z = target - place
    yaw, pitch = -np.arctan2(x, y), np.arctan2(z, np.hypot(x, y))
    spread = roll if rng.random() < 0.85 else 5 * roll  # now and then the camera is held askew
    rotation = turn(2, yaw) @ turn(0, pitch) @ turn(1, rng.normal(0, spread))
    return Camera(place.astype(np.float32), rotation, float(np.exp(rng.uniform(*np.log(focal)))))


def clearance(place: Array, solids: list[Solid]) -> float:
    """About how far, in metres, a point is from the nearest bounded solid; 0 inside one."""
    bounded = [solid for solid in solids if solid.kind != "plane"]
    if not bounded:
        return np.inf
    axes = np.stack([solid.axes for solid in bounded])
    away = place - np.stack([solid.centre for solid in bounded])
    local = np.abs(np.linalg.solve(axes, away[..., None])[..., 0])
    beyond = np.maximum(local - 1, 0) * np.linalg.norm(axes, axis=1)
    return float(np.linalg.norm(beyond, axis=1).min())


def lamps(rng: Rng, places: Array, scale: float) -> list[Light]:
    """A lamp at each place; its power suits distances of about ``scale`` metres, and the first casts shadows."""
    lights = []
    for k, place in enumerate(places):
        tint = (1 + rng.normal(0, 0.08, 3)) * rng.uniform(0.2, 1.2) * (1.0 if k == 0 else 0.5)
        lights.append(Light(place.astype(np.float32), np.maximum(tint * scale**2, 0.01).astype(np.float32), False))
    return lights


def sun(rng: Rng) -> list[Light]:
    """The sun, or no lamp under clouds."""
    if rng.random() < 0.35:
        return []
    p = rng.normal(0, 1, 3)
    p[2] = abs(p[2]) + 0.4
    bright = rng.uniform(0.5, 2.5) * (1 + rng.normal(0, 0.05, 3))
    return [Light((p / np.linalg.norm(p)).astype(np.float32), bright.astype(np.float32), True)]


def ambient(rng: Rng, low: float = 0.4, high: float = 1.2) -> Array:
    """Ambient light."""
    return np.asarray(rng.uniform(low, high) * (1 + rng.normal(0, 0.06, 3)), np.float32)


def fill(rng: Rng) -> Array:
    """The direction from which ambient light is strongest: mostly above, and a window."""
    return vector(rng.normal(0, 0.2), rng.normal(0, 0.2), rng.uniform(0.0, 0.35))


def sky(rng: Rng) -> tuple[Array, Array]:
    """Horizon and zenith colours: blue day, overcast, dusk, night or anything."""
    kind = rng.random()
    if kind < 0.5:
        low, high = vector(0.6, 0.75, 0.9), vector(0.12, 0.3, 0.75)
    elif kind < 0.85:
        low, high = np.full(3, rng.uniform(0.6, 1)), np.full(3, rng.uniform(0.4, 1))
    elif kind < 0.93:
        low, high = vector(1.0, 0.55, 0.25), vector(0.15, 0.15, 0.4)
    elif kind < 0.96:
        low, high = vector(0.03, 0.04, 0.1), vector(0.005, 0.01, 0.04)
    else:
        low, high = colour(rng), colour(rng)
    gain = rng.uniform(0.6, 1.6)
    return (low * gain * rng.uniform(0.9, 1.1, 3)).astype(np.float32), (high * gain).astype(np.float32)
