"""Digests: kept by address, size and ETag, in a file that several processes may use at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from spnst_core.errors import InputError
from spnst_pipeline.storage import digest_cache

CAT = "s3://bucket/contents/cat.png"


def test_a_digest_is_known_for_the_state_that_it_was_kept_for():
    assert digest_cache.known(CAT, 4, "one") is None
    digest_cache.keep(CAT, 4, "one", "abc")
    assert digest_cache.known(CAT, 4, "one") == "abc"
    assert digest_cache.known(CAT, 5, "one") is None
    assert digest_cache.known(CAT, 4, "two") is None
    assert digest_cache.known("s3://bucket/contents/dog.png", 4, "one") is None


def test_the_newest_state_of_an_object_is_the_one_that_is_kept():
    digest_cache.keep(CAT, 4, "one", "abc")
    digest_cache.keep(CAT, 4, "two", "def")
    assert (digest_cache.known(CAT, 4, "one"), digest_cache.known(CAT, 4, "two")) == (None, "def")


def test_many_may_write_at_once():
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: digest_cache.keep(f"{CAT}{n}", n, "tag", str(n)), range(64)))
    assert [digest_cache.known(f"{CAT}{n}", n, "tag") for n in range(64)] == [str(n) for n in range(64)]


def test_a_file_that_cannot_be_used_is_named_with_what_to_do(tmp_path):
    (tmp_path / "cache/spnst").mkdir(parents=True)
    (tmp_path / "cache/spnst/digests.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match=r"digests\.sqlite can't be used \(file is not a database\): remove") as error:
        digest_cache.known(CAT, 4, "one")
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_made_is_named_too(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "taken"))
    with pytest.raises(InputError, match="set XDG_CACHE_HOME"):
        digest_cache.keep(CAT, 4, "one", "abc")
