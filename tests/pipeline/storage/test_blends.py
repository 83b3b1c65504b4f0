"""Blends beside the styles: what ``blends.yaml`` may say, and what counts in a blend."""

import re

import pytest
from PIL import Image

from spnst_core.imaging.io import encode_png
from spnst_pipeline.storage.slugs import slug
from spnst_pipeline.storage.sources import Source


@pytest.fixture
def styles(tmp_path, picture):
    """A function that lists a folder of three styles and this ``blends.yaml``."""
    for number, name in enumerate(("dawn.png", "wave.png", "Starry Night.png")):
        (tmp_path / name).write_bytes(encode_png(picture(number)))

    def styles(text):
        (tmp_path / "blends.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return Source.open(str(tmp_path), "style")

    return styles


def test_a_blend_is_a_style_like_others(styles):
    source = styles("sunset: {dawn: 0.7, wave: 0.3}\n")
    assert source.left_out == ()
    assert list(source.pictures)[-1] == "sunset"
    assert [(part.key, part.shares) for part in source.parts("sunset")] == [("dawn", (0.7,)), ("wave", (0.3,))]
    assert source.blend_of("sunset") == "0.7 dawn + 0.3 wave"
    assert (source.parts("dawn"), source.blend_of("dawn"), source.parts("gone")) == ((), "", ())
    blend = source.picture("sunset")
    assert blend.name.endswith("blends.yaml: sunset")
    assert blend.picture([file.read() for file in blend.files]).size == (60, 60)


def test_weights_can_change_from_stage_to_stage(styles):
    source = styles("sunset: {stages: [{dawn: 2}, {dawn: 3, wave: 7, Starry Night: 0}]}\n")
    assert source.left_out == ()
    assert [(part.key, part.shares) for part in source.parts("sunset")] == [("dawn", (1, 0.3)), ("wave", (0, 0.7))]
    assert source.blend_of("sunset") == "1 dawn, then 0.3 dawn + 0.7 wave"
    blend = source.picture("sunset")
    colours = [Image.new("RGB", (100, 100), colour) for colour in ("red", "blue")]
    tile = blend.picture([encode_png(colour) for colour in colours])
    assert sorted(tile.getcolors()) == [(3500, (0, 0, 255)), (6500, (255, 0, 0))]  # means of the shares
    assert styles("sunset: {stages: [{dawn: 1}, {dawn: 4, wave: 6}]}").digest("sunset") != source.digest("sunset")
    assert styles("sunset: {stages: [{dawn: 9}, {wave: 0.7, dawn: 0.3}]}").digest("sunset") == source.digest("sunset")


def test_weights_for_one_stage_hold_for_all(styles):
    source = styles("a: {stages: [{dawn: 7, wave: 3}]}\nb: {dawn: 7, wave: 3}")
    assert source.digest("a") == source.digest("b")


def test_a_style_can_be_called_stages(styles, tmp_path, picture):
    (tmp_path / "stages.png").write_bytes(encode_png(picture(5)))
    assert styles("a: {stages: 1, dawn: 3}").blend_of("a") == "0.25 stages + 0.75 dawn"


def test_a_style_is_named_by_its_key_or_by_its_files_name(styles):
    source = styles("both: {Starry Night: 1, dawn: 1}\n")
    [key] = (key for key in source.pictures if key.startswith("starry-night--"))
    assert [part.key for part in source.parts("both")] == [key, "dawn"]
    assert styles(f"both: {{{key}: 1, dawn: 1}}\n").digest("both") == source.digest("both")


def test_a_style_without_weight_is_no_part(styles):
    assert styles("a: {dawn: 2, wave: 2, Starry Night: 0}").blend_of("a") == "0.5 dawn + 0.5 wave"


def test_weights_and_the_bytes_of_every_part_count_in_its_digest(styles, tmp_path, picture):
    before = styles("a: {dawn: 0.7, wave: 0.3}").digest("a")
    assert styles("a: {dawn: 7, wave: 3}\nb: {dawn: 1, wave: 2}").digest("a") == before
    assert styles("a: {dawn: 0.6, wave: 0.4}").digest("a") != before
    assert styles("a: {wave: 0.7, dawn: 0.3}").digest("a") != before
    (tmp_path / "wave.png").write_bytes(encode_png(picture(9)))
    assert styles("a: {dawn: 0.7, wave: 0.3}").digest("a") != before


def test_what_the_catalogue_remembers_of_a_blend_changes_with_its_definition(styles):
    states = {styles(f"a: {{dawn: 1, wave: {weight}}}").pictures["a"].modified for weight in (1, 2, 2, 3)}
    assert len(states) == 3


BAD = {
    "unknown style": ("a: {dwan: 1, wave: 1}", 'blend "a".* there is no style "dwan" \\(did you mean "dawn"'),
    "a blend in a blend": ("b: {dawn: 1, wave: 1}\na: {b: 1, dawn: 1}", 'there is no style "b"'),
    "weights of 0": ("a: {dawn: 0, wave: 0}", "sum to 0"),
    "negative weight": ("a: {dawn: 2, wave: -1}", "a number from 0, not -1"),
    "weight that is no number": ("a: {dawn: .nan, wave: 1}", "not nan"),
    "weight in words": ("a: {dawn: most, wave: 1}", "must be a number, not 'most'"),
    "no weight": ("a: {dawn: , wave: 1}", "must be a number, not None"),
    "one style": ("a: {dawn: 1}", "a blend needs two"),
    "a style's name": ("wave: {dawn: 1, wave: 1}", 'blend "wave".* a style has that name already'),
    "a bad name": ("My Sunset: {dawn: 1, wave: 1}", "lower-case letters"),
    "a name that leaves the store": ("../a: {dawn: 1, wave: 1}", "lower-case letters"),
    "an empty name": ("'': {dawn: 1, wave: 1}", "lower-case letters"),
    "a list": ("a: [dawn, wave]", "must be a mapping of styles to weights"),
    "nothing": ("a:", "must be a mapping of styles to weights"),
    "no stages": ("a: {stages: []}", "a blend needs two"),
    "a stage that is no mapping": ("a: {stages: [{dawn: 1, wave: 1}, dawn]}", "mapping of styles to weights"),
    "a stage without weights": ("a: {stages: [{dawn: 1, wave: 1}, {}]}", "stage 2: the weights sum to 0"),
    "a negative weight in a stage": ("a: {stages: [{dawn: -1, wave: 1}, {wave: 1}]}", "stage 1: .* not -1"),
    "one style in all stages": ("a: {stages: [{dawn: 1}, {dawn: 2}]}", "a blend needs two"),
    "an unknown style in a stage": ("a: {stages: [{dawn: 1}, {wav: 1}]}", 'no style "wav"'),
    "weights beside stages": ("a: {stages: [{dawn: 1}, {wave: 1}], dawn: 1}", '"dawn" is beside its stages'),
    "one style by two names": ("a: {Starry Night: 1, KEY: 1}", "one style is given twice"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_blend_that_cannot_be_used_is_one_line_and_the_others_are_used(styles, name):
    text, says = BAD[name]
    text = text.replace("KEY", slug("Starry Night"))
    source = styles(f"good: {{dawn: 1, wave: 1}}\n{text}\n")
    assert {"good", "dawn", "wave"} <= set(source.pictures)
    [line] = source.left_out
    assert line.startswith("blends ")
    assert re.search(says, line), line


@pytest.mark.parametrize("text", ["a: {dawn: 1", "- a", "a: *b", "a: {dawn: 1, dawn: 2}", b"a: \xff\xfe", "x" * 30_000])
def test_a_file_that_cannot_be_read_is_one_line_and_the_pictures_are_used(styles, text):
    source = styles(text)
    assert len(source.pictures) == 3
    [line] = source.left_out
    assert "blends.yaml" in line


def test_among_contents_such_a_file_is_no_more_than_a_file(styles, tmp_path):
    styles("a: {dawn: 1, wave: 1}")
    source = Source.open(str(tmp_path), "content")
    assert len(source.pictures) == 3
    assert "has no suffix of a picture" in source.left_out[0]
