"""Loss curves: a small picture in which every term and every stage can be seen."""

import base64
import re
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageColor

from spnst_pipeline.defs.curves import BYTES, FAINT, HEIGHT, PAPER, TERM_COLOURS, WIDTH, draw, loss_plot

NAN = float("nan")


def history(steps=(40, 20), **terms):
    count = sum(steps)
    return pd.DataFrame({"step": np.arange(count) + 1, "stage": np.repeat(np.arange(len(steps)), steps), **terms})


ALL = history(**{term: np.geomspace(1, 0.1 / (k + 1), 60) for k, term in enumerate(TERM_COLOURS)})


def near(data, colour, within=24):
    """Which pixels have a colour, or nearly."""
    pixels = np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)
    return (np.abs(pixels - ImageColor.getrgb(colour)) <= within).all(2)


def test_every_term_has_a_line_of_its_colour_across_the_picture():
    data = draw(ALL)
    for colour in TERM_COLOURS.values():
        columns = near(data, colour)[:, 50 : WIDTH - 70].any(0)
        assert columns.mean() > 0.9
    assert Image.open(BytesIO(data)).size == (WIDTH, HEIGHT)


def test_a_term_that_is_absent_has_none():
    assert not near(draw(history(style=np.geomspace(1, 0.1, 60))), TERM_COLOURS["edge"]).any()


def test_a_term_that_begins_later_begins_later():
    terms = {"style": np.geomspace(1, 0.1, 60), "edge": [NAN] * 40 + [0.5] * 20}
    edge = near(draw(history(**terms)), TERM_COLOURS["edge"])[:, : WIDTH - 70]
    style = near(draw(history(**terms)), TERM_COLOURS["style"])[:, : WIDTH - 70]
    assert edge.any(0).argmax() > style.any(0).argmax() + 200


def test_stages_are_divided():
    def divided(steps):
        return near(draw(history(steps, style=np.geomspace(1, 0.1, 60))), FAINT)[20:180, 60 : WIDTH - 80].sum(0).max()

    assert divided((40, 20)) > 30
    assert divided((60,)) < 10


def test_it_is_small_and_on_a_light_ground_of_its_own():
    rng = np.random.default_rng(0)
    noisy = history(**{term: rng.random(60) + 0.01 for term in TERM_COLOURS})
    assert len(draw(noisy)) <= BYTES
    image = Image.open(BytesIO(draw(noisy))).convert("RGBA")
    assert image.getpixel((0, 0)) == ImageColor.getcolor(PAPER, "RGBA")


@pytest.mark.parametrize("terms", [{"style": [0.5]}, {"style": [0.0]}, {}])
def test_a_single_step_a_zero_and_nothing_at_all_are_drawn(terms):
    assert Image.open(BytesIO(draw(history((1,), **terms)))).size == (WIDTH, HEIGHT)


def test_markdown_holds_the_picture():
    uri = re.fullmatch(r"!\[losses\]\(data:image/png;base64,(.*)\)", loss_plot(ALL).md_str)[1]
    assert base64.b64decode(uri) == draw(ALL)
