"""Analytic ray casting of solids: pictures with exact inverse depth and exact occlusion edges.

Every solid is a canonical plane, cube, sphere, frustum or card under an affine map, so a ray is intersected in the
solid's own coordinates, and its parameter stays the depth along the optical axis. Units are metres, the world's z
points up, and the camera looks along its own y. ``photograph`` adds a camera's effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from io import BytesIO
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage

from training.textures import Array, Rng, lookup, texture_bank

Kind = Literal["plane", "cube", "sphere", "frustum", "card"]
KINDS: tuple[Kind, ...] = ("plane", "cube", "sphere", "frustum", "card")
NEAREST = 1e-3  # metres; hits nearer than this are the surface that the ray left


@dataclass(frozen=True)
class Material:
    """A texture of the bank, repeated every ``tile`` metres, its colours multiplied by ``tint``."""

    texture: int
    tile: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gloss: float = 0.0
    glow: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A canonical shape under ``x ↦ axes·x + centre``.

    plane: z = 0, unbounded. cube: [-1, 1]³. sphere: radius 1. frustum: |z| ≤ 1, radius 1 at the base and ``top`` at
    the top, without its upper lid where ``is_open``. card: y = 0, |x|, |z| ≤ 1, cut out along ``outline``.
    """

    kind: Kind
    axes: Array
    centre: Array
    material: Material
    top: float = 1.0
    is_open: bool = False
    outline: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: ``rotation`` takes camera to world directions, ``focal`` is in units of half the long side."""

    position: Array
    rotation: Array
    focal: float

    def directions(self, height: int, width: int) -> Array:
        """World directions of all pixels, (3, H, W), each of length 1 along the optical axis."""
        half = max(height, width) / 2
        x = (np.arange(width) + 0.5 - width / 2) / (half * self.focal)
        z = (height / 2 - np.arange(height) - 0.5) / (half * self.focal)
        rays = np.stack(np.broadcast_arrays(x[None, :], np.ones((1, 1)), z[:, None]))
        return np.einsum("ij,jhw->ihw", self.rotation, rays).astype(np.float32)


@dataclass(frozen=True)
class Light:
    """A lamp at ``place``, or a sun in direction ``place`` where ``is_sun``."""

    place: Array
    colour: Array
    is_sun: bool


@dataclass(frozen=True)
class Scene:
    """Solids, a camera and light. ``haze`` is the extinction per metre; ``sky`` fills the rays that hit nothing; light
    from everywhere, ``ambient``, comes more from the direction ``fill``, the longer that vector is (below 1)."""

    solids: list[Solid]
    camera: Camera
    lights: list[Light]
    ambient: Array
    sky: tuple[Array, Array] = (np.full(3, 0.5, np.float32), np.full(3, 0.8, np.float32))
    clouds: float = 0.0
    haze: float = 0.0
    fill: Array = field(default_factory=lambda: np.array([0, 0, 0.25], np.float32))


@dataclass(frozen=True)
class Picture:
    """``rgb`` (H, W, 3) in [0, 1]; ``inverse_depth`` (H, W) in 1/m along the optical axis, 0 for the sky;
    ``edges`` (H, W), true on both sides of an occlusion; ``borders`` (H, W), the same where one solid or face meets
    another and the picture shows it."""

    rgb: Array
    inverse_depth: Array
    edges: npt.NDArray[np.bool_] = field(repr=False)
    borders: npt.NDArray[np.bool_] = field(repr=False)


def _intersect(solid: Solid, o: Array, d: Array) -> Array:
    """The ray parameter of the first hit in the solid's own coordinates; ``o`` (3, 1 or n), ``d`` (3, n) → (n,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if solid.kind == "plane":
            return _first(-o[2] / d[2])
        if solid.kind == "card":
            t = -o[1] / d[1]
            x, z = o[0] + t * d[0], o[2] + t * d[2]
            inside = (np.abs(x) < 1) & (np.abs(z) < 1)
            if solid.outline is not None:
                side = len(solid.outline)
                column = np.where(inside, (x + 1) * (side / 2), 0).astype(np.intp)
                row = np.where(inside, (1 - z) * (side / 2), 0).astype(np.intp)
                inside &= solid.outline[np.minimum(row, side - 1), np.minimum(column, side - 1)]
            return _first(np.where(inside, t, np.inf))
        if solid.kind == "cube":
            each = 1 / (d + np.float32(1e-20))  # finite for rays along a face
            middle, half = -o * each, np.abs(each)
            enter, leave = (middle - half).max(axis=0), (middle + half).min(axis=0)
            return np.where(enter <= leave, _first(enter, leave), np.float32(np.inf))
        if solid.kind == "sphere":
            return _first(*_roots(_dot(d, d), _dot(o, d), _dot(o, o) - 1))
        k, m = (solid.top - 1) / 2, (solid.top + 1) / 2
        radius = m + k * o[2]
        a = d[0] ** 2 + d[1] ** 2 - (k * d[2]) ** 2
        b = o[0] * d[0] + o[1] * d[1] - radius * k * d[2]
        c = o[0] ** 2 + o[1] ** 2 - radius**2
        hits = [np.where(np.abs(o[2] + t * d[2]) <= 1, t, np.inf) for t in _roots(a, b, c)]
        for end, r in ((-1.0, 1.0),) if solid.is_open else ((-1.0, 1.0), (1.0, solid.top)):
            t = (end - o[2]) / d[2]
            hits.append(np.where((o[0] + t * d[0]) ** 2 + (o[1] + t * d[1]) ** 2 <= r * r, t, np.inf))
        return _first(*hits)


def _dot(a: Array, b: Array) -> Array:
    """Scalar products of the columns of (3, 1 or n)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _roots(a: Array, b: Array, c: Array) -> tuple[Array, Array]:
    """Both roots of a·t² + 2·b·t + c (NaN where there are none)."""
    root = np.sqrt(b * b - a * c)
    return (-b - root) / a, (-b + root) / a


def _first(*hits: Array) -> Array:
    """The smallest of the parameters that lie in front of the ray's origin, else infinity."""
    ahead = [np.where(t > NEAREST, t, np.float32(np.inf)) for t in hits]
    return reduce(np.minimum, ahead)


def _window(solid: Solid, camera: Camera, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns that the solid can touch; all of them unless it lies wholly in front of the camera."""
    everything = slice(0, height), slice(0, width)
    if solid.kind == "plane":
        return everything
    corners = np.array(list(product((-1, 1), repeat=3)), np.float32).T
    seen = camera.rotation.T @ (solid.axes @ corners + (solid.centre - camera.position)[:, None])
    if seen[1].min() < 0.01:
        return everything
    scale = max(height, width) / 2 * camera.focal
    u = seen[0] / seen[1] * scale + width / 2
    v = height / 2 - seen[2] / seen[1] * scale
    top, bottom = np.clip([v.min() - 1, v.max() + 2], 0, height).astype(int)
    left, right = np.clip([u.min() - 1, u.max() + 2], 0, width).astype(int)
    return slice(top, bottom), slice(left, right)


def _visible(
    solids: Sequence[Solid], inverses: Array, camera: Camera, directions: Array
) -> tuple[Array, npt.NDArray[np.intp]]:
    """Depth along the optical axis (infinite where nothing is hit) and the index of the solid, both (H, W)."""
    height, width = directions.shape[1:]
    depth = np.full((height, width), np.inf, np.float32)
    index = np.full((height, width), -1, np.intp)
    for i, (solid, inverse) in enumerate(zip(solids, inverses, strict=True)):
        rows, columns = _window(solid, camera, height, width)
        part = directions[:, rows, columns]
        if part.size == 0:
            continue
        origin = inverse @ (camera.position - solid.centre)
        t = _intersect(solid, origin[:, None], inverse @ part.reshape(3, -1)).reshape(part.shape[1:])
        nearer = t < depth[rows, columns]
        depth[rows, columns][nearer] = t[nearer]
        index[rows, columns][nearer] = i
    return depth, index


def _blocked(
    solids: Sequence[Solid], inverses: Array, origins: Array, directions: Array, reach: float
) -> npt.NDArray[np.bool_]:
    """Whether each ray (3, n) meets a solid before its parameter is ``reach``."""
    blocked = np.zeros(origins.shape[1], bool)
    if not solids:
        return blocked
    # Most rays pass far from the ball around a small solid: |c - o - t·d|² at the nearest t, for all solids and rays.
    centres = np.stack([solid.centre for solid in solids])
    radii = np.linalg.norm(np.abs(np.stack([solid.axes for solid in solids])).sum(2), axis=1)
    squared = np.maximum(np.einsum("in,in->n", directions, directions), 1e-12)
    along = centres @ directions - np.einsum("in,in->n", origins, directions)
    apart = (centres**2).sum(1)[:, None] - 2 * centres @ origins + np.einsum("in,in->n", origins, origins)
    t = np.clip(along / squared, 0, reach)
    near = apart + t * (t * squared - 2 * along) < (1.01 * radii[:, None]) ** 2
    for solid, inverse, rays in zip(solids, inverses, near, strict=True):
        tried = np.flatnonzero(rays & ~blocked)
        if tried.size:
            origin = inverse @ (origins[:, tried] - solid.centre[:, None])
            blocked[tried] = _intersect(solid, origin, inverse @ directions[:, tried]) < reach
    return blocked


def render(scene: Scene, height: int, width: int) -> Picture:
    """The scene as a sharp, clean picture with its inverse depth and occlusion edges."""
    rays = scene.camera.directions(height, width)
    inverses = np.linalg.inv(np.stack([solid.axes for solid in scene.solids])).astype(np.float32)
    depth, index = _visible(scene.solids, inverses, scene.camera, rays)
    hit = np.isfinite(depth)
    rgb = _sky(scene, rays)
    slope = np.zeros((2, height, width), np.float32)
    facet = np.zeros((3, height, width), np.float32)
    if hit.any():
        t, i, d = depth[hit], index[hit], rays[:, hit]
        place = scene.camera.position[:, None] + t * d
        normal, uv = _surface(scene.solids, inverses, i, place)
        normal *= -np.sign((normal * d).sum(0))
        pixel = 2 / (max(height, width) * scene.camera.focal)
        facing = np.abs((normal * d).sum(0)) / np.linalg.norm(d, axis=0)
        albedo = _albedo(scene.solids, i, uv, pixel * t / np.maximum(facing, 0.15))
        lit = _shade(scene, inverses, place, normal, d, i, albedo, hit)
        if scene.haze:
            clear = np.exp(-scene.haze * t)
            horizon = (scene.sky[0] + scene.sky[1])[:, None] / 2
            lit = lit * clear + horizon * (1 - clear)
        rgb[:, hit] = lit
        facet[:, hit] = normal
        # On the tangent plane n·X = c, inverse depth is n·(x, 1, z) / c: linear in the pixel's coordinates.
        seen = scene.camera.rotation.T @ normal
        offset = (normal * (t * d)).sum(0)
        slope[:, hit] = np.stack([-seen[2], seen[0]]) * pixel / np.where(np.abs(offset) < 1e-6, -1e-6, offset)
    inverse_depth = np.where(hit, 1 / depth, 0).astype(np.float32)
    bright = max(float(np.percentile(rgb.max(0), 95)), 1e-3)
    # Reinhard's curve with white at twice that brightness, so that a white wall keeps its shading.
    rgb = rgb / bright
    rgb = np.clip(rgb * (1 + rgb / 4) / (1 + rgb), 0, 1) ** (1 / 2.2)
    rgb = np.ascontiguousarray(rgb.transpose(1, 2, 0), np.float32)
    return Picture(rgb, inverse_depth, _occlusions(inverse_depth, slope), _borders(rgb, index, facet))


def _occlusions(inverse_depth: Array, slope: Array, jump: float = 0.06) -> npt.NDArray[np.bool_]:
    """Where neighbours differ by more than ``jump`` of the nearer one and their tangent planes don't explain it.

    They do where one of them reaches the neighbour, or where both meet between the two pixels, as at a crease.
    """
    edges = np.zeros(inverse_depth.shape, bool)
    for axis in (0, 1):
        a, b = (np.delete(inverse_depth, end, axis) for end in (-1, 0))
        ga, gb = (np.delete(slope[axis], end, axis) for end in (-1, 0))
        limit = jump * np.maximum(a, b)
        # A grazing tangent plane (the rim of a sphere) would explain any jump at all.
        ga, gb = (np.where(np.abs(g) < 4 * limit, g, 0) for g in (ga, gb))
        from_a, from_b = a + ga - b, a - (b - gb)
        found = (np.minimum(np.abs(from_a), np.abs(from_b)) > limit) & (from_a * from_b > 0)
        found &= np.abs(a - b) > limit
        widths = [(0, 0), (0, 0)]
        edges |= np.pad(found, [*widths[:axis], (0, 1), *widths[axis + 1 :]])
        edges |= np.pad(found, [*widths[:axis], (1, 0), *widths[axis + 1 :]])
    return edges


def _borders(rgb: Array, index: npt.NDArray[np.intp], normal: Array, contrast: float = 0.06) -> npt.NDArray[np.bool_]:
    """Where neighbours lie on different solids, or on faces more than 30° apart, and differ by ``contrast``.

    The contrast is that between the second neighbours to both sides, so that a soft transition counts as well.
    """
    borders = np.zeros(index.shape, bool)
    for axis in (0, 1):
        a, b = (np.delete(index, end, axis) for end in (-1, 0))
        na, nb = (np.delete(normal, end, axis + 1) for end in (-1, 0))
        ahead = np.minimum(np.arange(index.shape[axis]) + 1, index.shape[axis] - 1)
        behind = np.maximum(np.arange(index.shape[axis]) - 1, 0)
        far = np.delete(np.take(rgb, ahead, axis), 0, axis) - np.delete(np.take(rgb, behind, axis), -1, axis)
        found = ((a != b) | ((na * nb).sum(0) < 0.87)) & (np.abs(far).max(-1) > contrast)
        widths = [(0, 0), (0, 0)]
        borders |= np.pad(found, [*widths[:axis], (0, 1), *widths[axis + 1 :]])
        borders |= np.pad(found, [*widths[:axis], (1, 0), *widths[axis + 1 :]])
    return borders


def _surface(solids: Sequence[Solid], inverse: Array, index: npt.NDArray[np.intp], place: Array) -> tuple[Array, Array]:
    """Unit world normals (3, n) and the texture's (u, v) in metres (2, n)."""
    centre = np.stack([s.centre for s in solids])[index].T
    kind = np.array([KINDS.index(s.kind) for s in solids])[index]
    top = np.array([s.top for s in solids], np.float32)[index]
    size = np.stack([np.linalg.norm(s.axes, axis=0) for s in solids]).astype(np.float32)[index].T
    local = np.einsum("nij,jn->in", inverse[index], place - centre)
    normal = np.zeros_like(local)
    normal[2] = kind == 0
    normal[1] = kind == 4
    largest = np.abs(local).argmax(0)
    cube = np.flatnonzero(kind == 1)
    normal[largest[cube], cube] = np.sign(local[largest[cube], cube])
    sphere = kind == 2
    normal[:, sphere] = local[:, sphere]
    lid = (kind == 3) & (np.abs(local[2]) > 0.9999)
    side = (kind == 3) & ~lid
    k = (top - 1) / 2
    normal[:, side] = np.stack([local[0], local[1], -k * ((top + 1) / 2 + k * local[2])])[:, side]
    normal[2, lid] = 1
    world = np.einsum("nji,jn->in", inverse[index], normal)
    metres = local * size
    # Flat faces take the two coordinates across their axis; round ones wrap the texture around it.
    across = np.where(np.isin(kind, (2, 3)) & ~lid, 3, np.where(kind == 1, largest, np.where(kind == 4, 1, 2)))
    around = np.arctan2(local[1], local[0]) * (size[0] + size[1]) / 2
    u = np.choose(across, [metres[1], metres[0], metres[0], around])
    v = np.choose(across, [metres[2], metres[2], metres[1], metres[2]])
    return world / np.maximum(np.linalg.norm(world, axis=0), 1e-9), np.stack([u, v])


def _albedo(solids: Sequence[Solid], index: npt.NDArray[np.intp], uv: Array, footprint: Array) -> Array:
    """Linear surface colours (3, n); ``footprint`` is a pixel's width on the surface, in metres."""
    tile = np.array([s.material.tile for s in solids], np.float32)[index]
    texture = np.array([s.material.texture for s in solids])[index]
    tint = np.array([s.material.tint for s in solids], np.float32)[index].T
    return lookup(texture, uv / tile, footprint / tile) * tint


def _shade(
    scene: Scene,
    inverses: Array,
    place: Array,
    normal: Array,
    d: Array,
    index: npt.NDArray[np.intp],
    albedo: Array,
    hit: npt.NDArray[np.bool_],
) -> Array:
    """Light sent to the camera: occluded ambient, Lambert and Blinn-Phong for each lamp, shadows for the first one."""
    glow = np.array([s.material.glow for s in scene.solids], np.float32)[index]
    gloss = np.array([s.material.gloss for s in scene.solids], np.float32)[index]
    view = -d / np.linalg.norm(d, axis=0)
    towards_fill = 1 + scene.fill @ normal
    shadow, opening = _shadows(scene, inverses, place, normal, hit)
    diffuse = scene.ambient[:, None] * towards_fill * opening
    shine = np.zeros_like(diffuse)
    for k, light in enumerate(scene.lights):
        towards = light.place[:, None] - (0 if light.is_sun else place)
        distance = np.linalg.norm(towards, axis=0)
        towards = towards / distance
        power = np.ones_like(distance) if light.is_sun else 1 / (0.1 + distance**2)
        arriving = np.maximum((normal * towards).sum(0), 0) * power * (shadow if k == 0 else opening)
        diffuse = diffuse + light.colour[:, None] * arriving
        half = towards + view
        half /= np.maximum(np.linalg.norm(half, axis=0), 1e-6)
        shine = shine + light.colour[:, None] * (np.maximum((normal * half).sum(0), 0) ** 40 * arriving * gloss)
    return albedo * (diffuse + glow) + shine


def _shadows(
    scene: Scene, inverses: Array, place: Array, normal: Array, hit: npt.NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Visibility of the first lamp and of the surroundings from each point, both (n,) in [0, 1]."""
    distance = np.linalg.norm(place - scene.camera.position[:, None], axis=0)
    start = place + normal * (2e-3 * distance + 1e-4)
    casts = [s.kind != "plane" and not s.material.glow for s in scene.solids]
    casters, inverses = [s for s, c in zip(scene.solids, casts, strict=True) if c], inverses[casts]
    # One direction a point from a golden-ratio sequence over the hemisphere, in place of random numbers.
    k = np.arange(place.shape[1])
    z, angle = (k * 0.754877666) % 2 - 1, 2 * np.pi * ((k * 0.569840291) % 1)
    ring = np.sqrt(1 - z * z)
    around = np.stack([ring * np.cos(angle), ring * np.sin(angle), z]).astype(np.float32)
    around *= np.sign((around * normal).sum(0)) * (0.25 * np.median(distance))
    opening = 0.35 + 0.65 * _clear(casters, inverses, start, around, 1.0, hit, step=4, blur=1.2)
    if not scene.lights:
        return np.ones_like(opening), opening
    light = scene.lights[0]
    # Lamps and windows are some decimetres wide: each ray aims at another point of them, which softens shadows.
    wide = 0.01 if light.is_sun else 0.08 * float(np.median(distance))
    aim = light.place[:, None] + wide * (around / np.maximum(np.linalg.norm(around, axis=0), 1e-9))
    towards, reach = (aim, np.inf) if light.is_sun else (aim - start, 1.0)
    return _clear(casters, inverses, start, towards, reach, hit, step=3, blur=0.5), opening


def _clear(
    casters: Sequence[Solid],
    inverses: Array,
    start: Array,
    directions: Array,
    reach: float,
    hit: npt.NDArray[np.bool_],
    step: int,
    blur: float,
) -> Array:
    """Visibility along the rays (3, n) of the pixels ``hit``, (n,): traced at every ``step``-th pixel and smoothed."""
    number = np.full(hit.shape, -1, np.intp)
    number[hit] = np.arange(start.shape[1])
    coarse = number[::step, ::step]
    traced = coarse[coarse >= 0]
    free = np.ones(coarse.shape, np.float32)
    free[coarse >= 0] = ~_blocked(casters, inverses, start[:, traced], directions[:, traced], reach)
    fine = np.kron(ndimage.gaussian_filter(free, blur), np.ones((step, step), np.float32))
    smooth: Array = ndimage.uniform_filter(fine, step)[: hit.shape[0], : hit.shape[1]]
    return smooth[hit]


def _sky(scene: Scene, rays: Array) -> Array:
    """A gradient from the horizon's colour to the zenith's, with clouds from a noise texture."""
    elevation = np.clip(rays[2] / np.linalg.norm(rays, axis=0), 0, 1) ** 0.7
    low, high = (c[:, None, None] for c in scene.sky)
    colour = low + (high - low) * elevation
    if scene.clouds:
        flat = np.maximum(rays[2] / np.linalg.norm(rays, axis=0) + 0.15, 0.05)
        uv = np.stack([rays[0], rays[1]]).reshape(2, -1) / flat.reshape(-1) * 0.1
        cloud = np.full(uv.shape[1], texture_bank().groups["cloud"][0])
        density = lookup(cloud, uv, np.full(uv.shape[1], 2e-3))
        cover = np.clip((density[0].reshape(elevation.shape) - 0.35) * 4, 0, 1) * scene.clouds
        colour = colour + (np.float32(1.0) - colour) * cover
    return np.asarray(colour, np.float32)


def photograph(rgb: npt.NDArray[np.uint8], inverse_depth: Array, rng: Rng) -> Array:
    """The picture (H, W, 3) of bytes as a camera might have taken it, in [0, 1].

    Defocus by depth, saturation or greyscale, blur, vignetting, noise, JPEG, and a tone curve for each channel
    (exposure, colour cast, gamma, contrast, brightness), each drawn at random.
    """
    if rng.random() < 0.15:
        rgb = _defocus(rgb, inverse_depth, rng)
    picture = Image.fromarray(rgb)
    picture = ImageEnhance.Color(picture).enhance(0.0 if rng.random() < 0.06 else rng.uniform(0.4, 1.3))
    level = np.linspace(0, 1, 256)[None] ** rng.uniform(0.7, 1.4)
    level = level * rng.uniform(0.7, 1.4) * np.exp(rng.normal(0, 0.06, (3, 1)))
    level = 0.5 + (level - 0.5) * rng.uniform(0.75, 1.25) + rng.uniform(-0.08, 0.08)
    picture = picture.point(np.clip(np.round(255 * level), 0, 255).astype(int).ravel().tolist())
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.exponential(0.4)))
    rgb = np.asarray(picture)
    if rng.random() < 0.6:
        spread = rng.exponential(2.5) * rng.standard_normal(rgb.shape, np.float32)
        rgb = np.clip(rgb + spread, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        y, x = np.ogrid[-1 : 1 : rgb.shape[0] * 1j, -1 : 1 : rgb.shape[1] * 1j]
        rgb = (rgb * (1 - rng.uniform(0, 0.6) * (x**2 + y**2) / 2)[..., None]).astype(np.uint8)
    if rng.random() < 0.3:
        data = BytesIO()
        Image.fromarray(rgb).save(data, "JPEG", quality=int(rng.integers(30, 95)))
        rgb = np.asarray(Image.open(data))
    return rgb.astype(np.float32) / np.float32(255)


def _defocus(rgb: npt.NDArray[np.uint8], inverse_depth: Array, rng: Rng) -> npt.NDArray[np.uint8]:
    """Blur that grows with the distance, in inverse depth, from a focus that is mostly on something near."""
    focus = np.percentile(inverse_depth, rng.uniform(50, 98))
    spread = np.abs(inverse_depth - focus) / max(float(np.ptp(inverse_depth)), 1e-6)
    level = np.clip(ndimage.gaussian_filter(spread, 1.0) * np.float32(rng.uniform(1, 6)), 0, 3)[..., None]
    sharp = Image.fromarray(rgb)
    blurred = [rgb, *(np.asarray(sharp.filter(ImageFilter.GaussianBlur(s))) for s in (1.2, 2.6, 5.0))]
    # Hat functions: between two neighbouring blurs the mix is linear.
    return np.sum([b * np.maximum(1 - np.abs(level - k), 0) for k, b in enumerate(blurred)], axis=0).astype(np.uint8)
