"""For tests of pictures: each is told the warnings that were logged before."""

import pytest

from spnst_core.imaging import decoding


@pytest.fixture(autouse=True)
def _nothing_was_told() -> None:
    decoding._warn.cache_clear()
