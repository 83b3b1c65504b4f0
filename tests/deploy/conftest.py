"""One Postgres server for all tests of this folder."""

import pytest
from postgres import BINARIES, postgres


@pytest.fixture(scope="session")
def database():
    """Variables for an empty database on a real server."""
    if BINARIES is None:
        pytest.skip("no Postgres server on this machine: apt-get install postgresql")
    with postgres() as variables:
        yield variables
