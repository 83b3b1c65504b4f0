"""Rendered scenes: repeatable, geometrically exact, and not to be guessed from brightness or rows."""

import numpy as np
import pytest

from spnst_core.metrics.structure import rank_correlation
from training.materials import FINISHES, finish
from training.rendering import Camera, Light, Material, Scene, Solid, photograph, render
from training.scenes import KINDS, build, sample
from training.shapes import ball, box, cup, plane, turn, vector
from training.textures import texture_bank
from training.views import clearance
from training.workshop import workshop

pytestmark = pytest.mark.training

GREY = Material(0)


def look(*solids, rotation=None, place=(0, 0, 0), focal=1.0, lights=(), height=60, width=80):
    camera = Camera(vector(*place), np.eye(3, dtype=np.float32) if rotation is None else rotation, focal)
    scene = Scene(list(solids), camera, list(lights), np.ones(3, np.float32))
    return render(scene, height, width)


def rays(height=60, width=80, focal=1.0):
    """The camera rays (x, 1, z) of an unturned camera in float64, as Camera.directions defines them."""
    half = max(height, width) / 2 * focal
    x = (np.arange(width) + 0.5 - width / 2) / half
    z = -(np.arange(height) + 0.5 - height / 2) / half
    return np.stack(np.broadcast_arrays(x[None], 1.0, z[:, None]))


def second_difference(x, axis):
    return np.abs(np.diff(x, 2, axis))


def test_the_same_seed_gives_the_same_picture_and_another_one_another():
    first, again, other = sample(1, 5, 48, 64), sample(1, 5, 48, 64), sample(1, 6, 48, 64)
    for name in ("rgb", "inverse_depth", "edges"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert np.abs(first.rgb - other.rgb).mean() > 0.01


def test_a_picture_does_not_depend_on_those_rendered_before_it():
    alone = sample(2, 3, 48, 64)
    for k in range(3):
        sample(2, k, 48, 64)
    np.testing.assert_array_equal(sample(2, 3, 48, 64).inverse_depth, alone.inverse_depth)


def test_the_inverse_depth_of_a_floor_is_known_in_closed_form():
    # A floor 1.5 m under a level camera: depth = 1.5 / -z, so inverse depth is -z / 1.5 below the horizon.
    seen = look(plane(0, 0, -1.5, vector(0, 0, 1), GREY)).inverse_depth
    np.testing.assert_allclose(seen, np.maximum(-rays()[2] / 1.5, 0), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.3, -0.2, 0.1), (-0.5, 0.4, -0.7)])
def test_any_planes_inverse_depth_is_linear_in_the_image(angles):
    rotation = turn(2, angles[0]) @ turn(0, angles[1]) @ turn(1, angles[2])
    wall = plane(0, 4, 0, vector(0.2, -1, 0.1) / np.float32(np.sqrt(1.05)), GREY)
    seen = look(wall, rotation=rotation, focal=1.5).inverse_depth.astype(np.float64)
    assert seen.min() > 0
    for axis in (0, 1):
        assert second_difference(seen, axis).max() < 1e-5 * seen.max()
    assert not look(wall, rotation=rotation, focal=1.5).edges.any()


def test_a_balls_inverse_depth_is_known_in_closed_form():
    # |t·d - c|² = r² for c = (0, 5, 0), r = 1: the smaller root of (d·d)t² - 10t + 24.
    d = rays()
    squared = (d**2).sum(0)
    root = 25 - 24 * squared
    expected = np.where(root > 0, squared / (5 - np.sqrt(np.maximum(root, 0))), 0)
    seen = look(ball(0, 5, 0, 1, 1, 1, GREY)).inverse_depth
    rim = np.abs(root) < 1e-3
    np.testing.assert_allclose(seen[~rim], expected[~rim], rtol=1e-4)


def test_a_box_and_a_cylinder_show_their_front_at_its_distance():
    front = look(box(0, 4, -1, 2, 2, 2, GREY)).inverse_depth
    assert front[30, 40] == pytest.approx(1 / 3)
    assert look(cup(0, 4, -1, 1, 2, GREY)).inverse_depth[30, 40] == pytest.approx(1 / 3, rel=1e-3)


def test_an_open_cup_shows_its_inside_from_above_and_a_closed_one_its_lid():
    down = turn(0, -np.pi / 2)
    closed = look(cup(0, 0, 0, 1, 1, GREY), rotation=down, place=(0, 0, 3))
    hollow = look(cup(0, 0, 0, 1, 1, GREY, is_open=True), rotation=down, place=(0, 0, 3))
    assert closed.inverse_depth[30, 40] == pytest.approx(1 / 2, rel=1e-4)
    assert hollow.inverse_depth[30, 40] == pytest.approx(1 / 3, rel=1e-4)


def test_a_card_is_cut_out_along_its_outline():
    outline = np.zeros((8, 8), bool)
    outline[:4] = True  # the upper half
    card = Solid("card", np.eye(3, dtype=np.float32), vector(0, 2, 0), GREY, outline=outline)
    seen = look(card).inverse_depth
    assert seen[20, 40] == pytest.approx(0.5)
    assert seen[40, 40] == 0


def test_occlusion_edges_lie_where_inverse_depth_jumps_and_nowhere_else():
    wall = plane(0, 6, 0, vector(0, -1, 0), GREY)
    picture = look(wall, box(0, 3.5, -0.5, 1, 1, 1, GREY))
    near = picture.inverse_depth > 0.25
    outline = np.zeros_like(near)
    for axis in (0, 1):
        change = np.diff(near, axis=axis)
        outline |= np.pad(change, [(0, 1), (0, 0)] if axis == 0 else [(0, 0), (0, 1)])
        outline |= np.pad(change, [(1, 0), (0, 0)] if axis == 0 else [(0, 0), (1, 0)])
    np.testing.assert_array_equal(picture.edges, outline)


def test_creases_and_the_far_end_of_a_floor_are_no_occlusions():
    floor, wall = plane(0, 0, -1, vector(0, 0, 1), GREY), plane(0, 8, 0, vector(0, -1, 0), GREY)
    assert not look(floor, wall).edges.any()


def test_random_scenes_have_edges_at_every_great_jump():
    for k in range(12):
        picture = sample(3, k, 64, 64)
        left, right = picture.inverse_depth[:, :-1], picture.inverse_depth[:, 1:]
        great = np.abs(left - right) > 0.5 * np.maximum(left, right).max()
        assert picture.edges[:, :-1][great].mean() > 0.9 if great.any() else True
        assert picture.edges.mean() < 0.5


def test_the_nearer_solid_hides_the_farther_in_either_order():
    near, far = ball(0, 3, 0, 0.5, 0.5, 0.5, GREY), ball(0, 6, 0, 2, 2, 2, GREY)
    np.testing.assert_array_equal(look(near, far).inverse_depth, look(far, near).inverse_depth)


def test_a_solid_casts_a_shadow():
    floor = plane(0, 0, -1, vector(0, 0, 1), GREY)
    sun = Light(vector(0, 0, 1), np.ones(3, np.float32), is_sun=True)
    # The ball hangs above the picture; only its shadow, right under it, is seen.
    bare = look(floor, lights=[sun], focal=2.0, rotation=turn(0, -0.4))
    shaded = look(floor, ball(0, 2.4, 3, 0.4, 0.4, 0.4, GREY), lights=[sun], focal=2.0, rotation=turn(0, -0.4))
    np.testing.assert_array_equal(bare.inverse_depth, shaded.inverse_depth)
    assert (bare.rgb - shaded.rgb).max() > 0.1


def test_pictures_are_in_range_and_finite():
    for k in range(12):
        picture = sample(4, k, 48, 48)
        assert picture.rgb.dtype == picture.inverse_depth.dtype == np.float32
        assert picture.rgb.min() >= 0
        assert picture.rgb.max() <= 1
        assert np.isfinite(picture.inverse_depth).all()
        assert picture.inverse_depth.min() >= 0


def test_a_photograph_keeps_shape_and_range_and_follows_its_generator():
    picture = sample(5, 0, 48, 64)
    rgb = np.round(picture.rgb * 255).astype(np.uint8)
    for k in range(20):
        taken = photograph(rgb, picture.inverse_depth, np.random.default_rng(k))
        again = photograph(rgb, picture.inverse_depth, np.random.default_rng(k))
        assert taken.shape == picture.rgb.shape
        assert taken.dtype == np.float32
        assert taken.min() >= 0
        assert taken.max() <= 1
        np.testing.assert_array_equal(taken, again)


@pytest.mark.slow(4)
def test_neither_brightness_nor_row_gives_depth_away():
    brightness, row = [], []
    rows = np.repeat(np.arange(32.0)[:, None], 32, 1)
    for k in range(40):
        picture = sample(6, k, 32, 32)
        brightness.append(rank_correlation(picture.rgb.mean(-1), picture.inverse_depth))
        row.append(rank_correlation(rows, picture.inverse_depth))
    assert abs(np.mean(brightness)) < 0.3
    assert np.mean(row) < 0.7
    assert np.mean(np.array(row) < 0.2) > 0.1  # a good share of scenes contradicts the row


def test_a_border_is_drawn_where_faces_meet_and_the_picture_shows_it():
    plain = Material(texture_bank().groups["plain"][0])
    floor, wall = plane(0, 0, -1, vector(0, 0, 1), plain), plane(0, 8, 0, vector(0, -1, 0), plain)
    camera = Camera(vector(0, 0, 0), np.eye(3, dtype=np.float32), 1.0)
    lit_from_above = Scene([floor, wall], camera, [], np.ones(3, np.float32), fill=vector(0, 0, 0.9))
    borders = render(lit_from_above, 60, 80).borders
    foot = 30 + 5  # 1 m below the eye and 8 m away, at 40 pixels to the unit
    assert borders[foot - 1 : foot + 1].all()
    assert borders.sum() == 2 * 80
    flush = look(wall, box(0, 8.01, 0, 1, 0.1, 1, plain))  # a board of the wall's own colour
    assert not flush.borders.any()


def test_the_sides_that_face_the_fill_are_lighter():
    camera = Camera(vector(0, 0, 0), np.eye(3, dtype=np.float32), 1.0)
    left, right = (plane(s * 2, 0, 0, vector(-s, 0, 0), GREY) for s in (-1, 1))
    fill = vector(0.5, 0, 0)  # light from the right falls on what faces right, the left wall
    picture = render(Scene([left, right], camera, [], np.ones(3, np.float32), fill=fill), 40, 40)
    assert picture.rgb[:, :10].mean() > 1.2 * picture.rgb[:, -10:].mean()


def test_clearance_is_the_distance_to_the_nearest_solid_and_nothing_inside_one():
    solids = [plane(0, 0, 0, vector(0, 0, 1), GREY), box(0, 3, 0, 2, 2, 2, GREY)]
    assert clearance(vector(0, 0, 1), solids) == pytest.approx(2.0)
    assert clearance(vector(0, 3, 1), solids) == 0
    assert clearance(vector(0, 0, 1), solids[:1]) == np.inf


@pytest.mark.parametrize("make", [make for _, make in KINDS], ids=lambda make: make.__name__.strip("_"))
def test_every_kind_of_scene_gives_varied_pictures(make):
    pictures = [sample(7, k, 32, 32, make) for k in range(4)]
    for picture in pictures:
        assert np.ptp(picture.inverse_depth) > 0
    assert np.std([p.rgb.mean() for p in pictures]) > 0.01


def test_the_held_out_workshop_shares_no_texture_with_what_is_trained_on():
    rng = np.random.default_rng(0)
    own = {s.material.texture for _ in range(10) for s in workshop(rng).solids}
    trained = {s.material.texture for _ in range(30) for s in build(rng).solids}
    assert own
    assert not own & trained


def test_every_finish_names_textures_that_there_are():
    rng = np.random.default_rng(0)
    textures = {group for kind in FINISHES.values() for group, _ in kind.choices}
    assert textures <= set(texture_bank().groups)
    for name in FINISHES:
        drawn = [finish(rng, name) for _ in range(20)]
        assert all(0 < c <= 1 for m in drawn for c in m.tint)
        assert all(m.tile > 0 for m in drawn)


def test_scenes_are_varied():
    rng = np.random.default_rng(0)
    scenes = [build(rng) for _ in range(30)]
    assert len({len(scene.solids) for scene in scenes}) > 15
    assert {s.kind for scene in scenes for s in scene.solids} == {"plane", "cube", "sphere", "frustum", "card"}


def test_the_texture_bank_holds_every_group():
    bank = texture_bank()
    assert sum(map(len, bank.groups.values())) == len({t for group in bank.groups.values() for t in group})
    assert bank.texels.dtype == np.uint8
