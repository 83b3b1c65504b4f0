"""Digests: kept by address, size and ETag, in a file that several processes may use at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

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


@pytest.fixture
def spoilt(tmp_path, monkeypatch, request):
    """A cache that can't be used, because of ..."""
    cache = tmp_path / "cache"
    if request.param == "a damaged file":
        (cache / "spnst").mkdir(parents=True)
        (cache / "spnst/digests.sqlite").write_bytes(b"no database at all" * 100)
    elif request.param == "a file in place of its folder":
        cache.write_text("a file")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", "/proc")  # where nobody can write, not even root
    digest_cache._warn.cache_clear()


@pytest.mark.parametrize("spoilt", ["a damaged file", "a file in place of its folder", "no permission"], indirect=True)
@pytest.mark.usefixtures("spoilt")
def test_a_cache_that_cannot_be_used_knows_nothing_and_warns_once(caplog):
    for _ in range(2):
        digest_cache.keep(CAT, 4, "one", "abc")
        assert digest_cache.known(CAT, 4, "one") is None
    [warning] = caplog.messages
    assert "digests.sqlite can't be used (" in warning and "\n" not in warning
    assert warning.endswith("so files are read again to be hashed: remove it, or set XDG_CACHE_HOME")
