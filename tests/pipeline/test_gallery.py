"""The gallery: a page of well-formed HTML whose every picture and link is a file of the store, or inside the page."""

from html.parser import HTMLParser

import pytest

from spnst_core import gallery
from spnst_pipeline.fingerprints import metadata


class Page(HTMLParser):
    VOID = ("meta", "img", "input", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.text = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


@pytest.fixture(scope="module")
def made_page(first_run):
    place, _ = first_run
    return place, (place.out / "gallery/index.html").read_text("utf-8")


def test_every_address_is_a_file_of_the_store_or_inside_the_page(made_page):
    place, text = made_page
    addresses = Page(text).addresses
    outside = [a for a in addresses if not a.startswith("data:image/jpeg;base64,")]
    assert all((place.out / "gallery" / a).is_file() for a in outside)
    assert {f"../pastiche/{r}/cat/wave.png" for r in ("structure", "gatys")} <= set(outside)
    assert "://" not in "".join(outside)


def test_it_shows_the_comparison_and_names_everything(made_page):
    _, text = made_page
    words = " ".join(Page(text).text)
    for word in ("structure vs gatys", "boat", "cat", "dots", "wave", "SSIM"):
        assert word in words


def test_it_carries_its_fingerprint(made_page):
    _, text = made_page
    assert len(metadata("index.html", text.encode())["fingerprint"]) == 32


def cell(**scores):
    return gallery.Cell("../p.png", 48, 36, scores)


def render(**changes):
    picture = gallery.Picture("data:,", "../x.png")
    content = gallery.Content("<b>cat</b>", picture, picture, picture)
    page = {
        "title": "A & B",
        "notice": "",
        "fingerprint": "abc",
        "comparison": None,
        "recipes": {"structure": "keeps <edges>"},
        "contents": [content],
        "styles": [gallery.Style("wave", picture), gallery.Style("dots", picture)],
        "cells": {("structure", "<b>cat</b>", "wave"): cell(SSIM=0.5)},
        "downloads": {},
    }
    return gallery.render(**{**page, **changes})


def test_text_is_escaped():
    text = render()
    assert "<b>cat" not in text
    assert "A &amp; B" in text
    assert "keeps &lt;edges&gt;" in text


def test_a_notice_stands_under_the_heading_where_there_is_one():
    assert 'role="note"' not in render()
    assert '<p class="notice" role="note">stand-ins &amp; no more</p>' in render(notice="stand-ins & no more")


def test_a_missing_cell_is_a_gap():
    text = render()
    assert text.count("<button class") == 1
    assert text.count('class="gap"') == 1


def test_scores_are_shown_where_there_are_any():
    assert "<span>SSIM 0.500</span>" in render()
    assert "<span>" not in render(cells={("structure", "<b>cat</b>", "wave"): cell()})
