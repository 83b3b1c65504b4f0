"""One Postgres server for all tests of this folder."""

import pytest
from postgres import BINARIES, postgres


@pytest.fixture(scope="session")
def database():
    """A real server with an empty database."""
    if BINARIES is None:
        pytest.skip("no Postgres server on this machine: apt-get install postgresql")
    with postgres() as server:
        yield server
