"""Partition keys come from file names; runs cover what is wanted and nothing else."""

import itertools

import dagster as dg
import pytest

from spnst_pipeline.partitions import GRID, SLUG, cell_key, rectangles, rows, slug, spans


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("cat", "cat"),
        ("The Great Wave", "the-great-wave"),
        ("IMG_1234", "img_1234"),
        ("v1.2", "v1.2"),
        ("Café Müller", "cafe-muller"),
        ("__init__", "init__"),
        ("a...b", "a.b"),
        ("a|b/c\nd", "a-b-c-d"),
        ("-rf", "rf"),
        ("end.", "end"),
    ],
)
def test_slugs(name, key):
    assert slug(name) == key


@pytest.mark.parametrize("name", ["猫", "...", "|", "", "😀", "x" * 300, "ÅØ", "a" * 99 + ".b"])
def test_every_name_gives_a_key_that_dagster_and_the_store_can_hold(name):
    key = slug(name)
    assert SLUG.fullmatch(key)
    assert ".." not in key
    assert len(key) <= 100


def test_names_without_latin_letters_stay_apart():
    assert slug("猫") != slug("犬")
    assert slug("猫") == slug("猫")


def test_cell_keys_are_dagsters():
    assert str(cell_key("cat", "wave")) == "cat|wave"
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("content", ["cat"])
        instance.add_dynamic_partitions("style", ["wave"])
        assert GRID.get_partition_keys(dynamic_partitions_store=instance) == [cell_key("cat", "wave")]


def test_rows():
    assert rows(["a|x", "a|y", "b|x"]) == {"a": ["x", "y"], "b": ["x"]}


def test_spans_are_whole_runs_of_neighbours():
    assert spans({"b", "c", "e"}, "abcdef") == [("b", "c"), ("e", "e")]
    assert spans(set("abc"), "abc") == [("a", "c")]
    assert spans(set(), "abc") == []


def covered(corners, contents, styles):
    """The cells of each rectangle, by Dagster's own order of keys."""
    cells = []
    for first, last in corners:
        (c0, s0), (c1, s1) = first.split("|"), last.split("|")
        band = contents[contents.index(c0) : contents.index(c1) + 1]
        span = styles[styles.index(s0) : styles.index(s1) + 1]
        cells += itertools.product(band, span)
    return cells


def test_rectangles_cover_every_wanted_cell_once_and_no_other():
    contents, styles = list("abcd"), list("xyz")
    grid = list(itertools.product(contents, styles))
    for mask in range(1, 1 << len(grid), 7):
        wanted = {cell for bit, cell in enumerate(grid) if mask >> bit & 1}
        cells = covered(rectangles(wanted, contents, styles), contents, styles)
        assert len(cells) == len(set(cells))
        assert set(cells) == wanted


def test_whole_grids_columns_and_rows_are_single_runs():
    contents, styles = list("abcd"), list("xyz")
    assert rectangles(set(itertools.product(contents, styles)), contents, styles) == [("a|x", "d|z")]
    assert rectangles({(c, "y") for c in contents}, contents, styles) == [("a|y", "d|y")]
    assert rectangles({("c", s) for s in styles}, contents, styles) == [("c|x", "c|z")]
    assert rectangles(set(), contents, styles) == []
