"""Shards: which content is in which, and how they are written."""

from collections import Counter

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.settings import Settings
from spnst_pipeline.shard import WHOLE, Shard

KEYS = [f"content-{number}" for number in range(1000)]


def test_every_content_is_in_one_shard_and_they_are_about_alike():
    held = Counter(Shard.parse("1/4").having(key) for key in KEYS)
    assert set(held) == set(Shard(1, 4).all)
    assert all(200 < count < 300 for count in held.values())


def test_where_a_content_is_depends_on_its_key_alone_and_stays():
    """The literals keep partitions where they are, whatever becomes of the code."""
    assert [Shard(1, 2).having(key).number for key in ("boat", "cat", "dog", "sea")] == [2, 1, 1, 2]
    assert {shard.having("cat") for shard in Shard(1, 3).all} == {Shard(2, 3)}


def test_names_carry_the_shard_and_are_what_they_were_without():
    second = Shard.parse("2/3")
    assert (str(second), second.prefix, second.contents) == ("2/3", ("shard_2_of_3",), "content_shard_2_of_3")
    assert second.tags == {"spnst/shard": "2/3"}
    assert (WHOLE.prefix, WHOLE.contents, WHOLE.tags) == ((), "content", {})
    assert Shard.parse("1/1") == WHOLE == WHOLE.having("cat")


def test_a_key_tells_its_shard():
    assert Shard.of_key(["shard_2_of_3", "pastiche", "gatys"]) == Shard(2, 3)
    assert Shard.of_key(["pastiche", "gatys"]) == WHOLE


@pytest.mark.parametrize("text", ["0/2", "3/2", "x", "1", "1/0", "-1/2", "1/2/3", "1/20000"])
def test_a_shard_that_there_cannot_be_is_one_line(monkeypatch, text):
    monkeypatch.setenv("SPNST_SHARD", text)
    with pytest.raises(InputError) as error:
        Settings.load()
    told = "setting shard: write k/n, for part k of the contents in n parts, such as 1/2, with k from 1 to n, not "
    assert str(error.value) == f"{told}'{text}'"


def test_the_settings_tell_their_part(monkeypatch):
    assert Settings.load().part == WHOLE
    monkeypatch.setenv("SPNST_SHARD", " 1/2 ")
    assert (Settings.load().shard, Settings.load().part) == ("1/2", Shard(1, 2))
