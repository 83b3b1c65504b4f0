"""Partition keys come from file names."""

import pytest

from spnst_pipeline.storage.slugs import SLUG, slug


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
