"""Partition keys come from file names; no two names have the same one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spnst_pipeline.storage.slugs import SLUG, slug, slug_of_twin


@pytest.mark.parametrize("name", ["cat", "img_1234", "v1.2", "cat_", "x" * 100, "a--b", "img-20240101"])
def test_a_plain_name_is_its_own_key(name):
    assert slug(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("The Great Wave", "the-great-wave"),
        ("IMG_1234", "img_1234"),
        ("Café Müller", "cafe-muller"),
        ("__init__", "init__"),
        ("a...b", "a.b"),
        ("a|b/c\nd", "a-b-c-d"),
        ("-rf", "rf"),
        ("end.", "end"),
        ("猫", "image"),
        ("写真 1", "1"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("../../etc/passwd", "etc-passwd"),
        ("x" * 300, "x" * 90),
    ],
)
def test_another_name_keeps_what_fits_and_gets_a_hash(name, words):
    key = slug(name)
    assert key[:-10] == words
    assert key[-10:-8] == "--"
    assert key == slug(name), "the same in every run"


def test_the_key_depends_on_nothing_but_the_name():
    assert slug("The Great Wave") == "the-great-wave--1d5682c3"
    assert slug("猫") == "image--a810bf84"


TWINS = {
    "scripts": ("写真 1", "絵 1"),
    "case": ("Cat", "cat"),
    "all capitals": ("CAT", "Cat"),
    "composed and decomposed": tuple(unicodedata.normalize(form, "é") for form in ("NFC", "NFD")),
    "accent": ("é", "e"),
    "brackets": ("[x]", "{x}"),
    "the first hundred characters": ("a" * 100 + "b", "a" * 100 + "c"),
    "ends": ("cat.", "cat"),
    "dots": ("a..b", "a.b"),
    "emoji": ("😀", "😁"),
    "nothing left": ("|", "||"),
    "a key and the name that it stands for": (slug("Cat"), "Cat"),
    "half-width": ("ｃａｔ", "cat"),
}


@pytest.mark.parametrize("names", TWINS.values(), ids=TWINS)
def test_names_that_look_alike_have_keys_of_their_own(names):
    assert slug(names[0]) != slug(names[1])


def test_files_that_differ_in_their_suffix_alone_can_be_told_apart():
    assert len({slug("cat"), slug_of_twin("cat.jpg"), slug_of_twin("cat.png"), slug_of_twin("cat.JPG")}) == 4


NAMES = st.text(st.characters(codec="utf-8"), max_size=150) | st.text("aA._-b19 é|/\n", max_size=12)


@given(NAMES)
def test_every_name_gives_a_key_that_dagster_and_the_store_can_hold(name):
    for key in (slug(name), slug_of_twin(name)):
        assert SLUG.fullmatch(key)
        assert ".." not in key
        assert len(key) <= 100


@given(NAMES, NAMES)
def test_two_names_have_two_keys(one, other):
    assert (slug(one) == slug(other)) == (one == other)


@given(NAMES)
def test_a_key_that_was_made_is_no_other_names_key(name):
    key = slug(name)
    assert slug(key) == key if key == name else slug(key) != key
