"""Fixtures over a small project, fresh and after its first run; and over servers of S3, GCS and Azure."""

import importlib.util
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import azurite
import pytest
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from filelock import FileLock
from gcs_server import GcsServer
from PIL import Image
from s3_server import Proxy, Server
from small_project import Run, Workplace, draw, furnish

from spnst_pipeline.planning.grid import checked
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.s3 import client


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in (*Settings.model_fields, "config"):
        monkeypatch.delenv(f"SPNST_{field.upper()}", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _migrations_read_once() -> Iterator[None]:
    """Every run has a database of its own, for each of which Dagster would import its ninety migrations anew, twice."""
    read, known = ScriptDirectory.from_config, dict[str | None, ScriptDirectory]()

    def remembered(config: Config) -> ScriptDirectory:
        folder = config.get_main_option("script_location")
        if folder not in known:
            known[folder] = read(config)
        return known[folder]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def _engines_made_once() -> Iterator[None]:
    """One engine for each file of SQLite, whose pool keeps no connection open.

    Dagster makes one for each connection, and SQLAlchemy compiles each statement anew for each engine.
    """
    engines = dict[str, sqlalchemy.Engine]()

    def remembered(url: str, **options: Any) -> sqlalchemy.Engine:
        if url not in engines:
            engines[url] = sqlalchemy.create_engine(url, **options)
        return engines[url]

    with pytest.MonkeyPatch.context() as patch:
        for module in (sqlite_run_storage, sqlite_event_log, sqlite_schedule_storage):
            patch.setattr(module, "create_engine", remembered)
        yield


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    """The function that draws small pictures."""
    return draw


@pytest.fixture
def fresh(tmp_path: Path) -> Workplace:
    """A project of which nothing was made yet."""
    return furnish(tmp_path / "project")


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Workplace, Run]:
    """A project after its first run, which the first worker makes for all. Shared: look, don't touch."""
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "first"
    told = shared / "told.pickle"
    with FileLock(f"{shared}.lock"):
        if not told.exists():
            run = furnish(shared / "project").run()
            told.write_bytes(pickle.dumps((run.failed, run.runs, run.recorder)))
    place = Workplace(shared / "project")
    return place, Run(*pickle.loads(told.read_bytes()), checked(Project.open(place.settings())))


@pytest.fixture
def made(first_run: tuple[Workplace, Run], tmp_path: Path) -> Workplace:
    """A copy of a project in which everything is up to date, to change as a test likes."""
    return first_run[0].copied(tmp_path / "project")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Proxy]:
    server = Server.start()
    proxy = Proxy(server)
    yield proxy
    proxy.stop()
    server.process.stop()


@pytest.fixture
def proxy(s3_server: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Proxy:
    """The way to an S3 server that holds an empty bucket named ``bucket``; the environment leads there."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    monkeypatch.setenv("SPNST_PATIENCE", "0")
    s3_server.start_anew()
    client().create_bucket(Bucket="bucket")
    s3_server.requests.clear()
    return s3_server


@pytest.fixture
def s3(proxy: Proxy) -> Any:
    """boto3's own client of the S3 server."""
    return client()


@pytest.fixture
def another_client(proxy: Proxy) -> Iterator[None]:
    """A client of the test's own, where the environment leads elsewhere or the client will remember an answer."""
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def unconditional(s3: Any) -> Iterator[None]:
    """A service that ignores the condition of a write."""

    def ignore(request: Any, **_: Any) -> None:
        del request.headers["If-None-Match"]

    s3.meta.events.register("before-send.s3.PutObject", ignore)
    yield
    s3.meta.events.unregister("before-send.s3.PutObject", ignore)


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[Proxy]:
    _require_obstore()
    server = GcsServer.start()
    proxy = Proxy(server)
    yield proxy
    proxy.stop()
    server.process.stop()


@pytest.fixture
def gcs(gcs_server: Proxy, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """The way to a stand-in for GCS that holds an empty bucket named ``bucket``; the environment leads there."""
    _forget_environment(monkeypatch, "GOOGLE_")
    monkeypatch.setenv("GOOGLE_BASE_URL", gcs_server.url)
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "anything")
    gcs_server.start_anew()
    assert isinstance(gcs_server.server, GcsServer)
    gcs_server.server.make_bucket("bucket")
    return gcs_server


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    _require_obstore()
    if not azurite.PROGRAM:
        pytest.skip("no Azurite on this machine: npm install -g azurite")
    with azurite.azurite(tmp_path_factory.mktemp("azurite")) as server:
        proxy = Proxy(server)
        yield proxy
        proxy.stop()


@pytest.fixture
def azure(azure_server: Proxy, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """The way to an emulator of Azure that holds an empty container named ``bucket``; the environment leads there."""
    _forget_environment(monkeypatch, "AZURE_")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", azurite.ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", azurite.KEY)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"{azure_server.url}/{azurite.ACCOUNT}")
    azure_server.start_anew()
    assert isinstance(azure_server.server, azurite.Azurite)
    azure_server.server.make_container("bucket")
    return azure_server


def _require_obstore() -> None:
    if not importlib.util.find_spec("obstore"):
        pytest.skip("obstore isn't installed: pip install 'spnst[gcs]'")


def _forget_environment(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    """Nothing that the environment said of a cloud is in force, and nothing that was opened before."""
    from spnst_pipeline.storage.gcs_azure import AzurePrefix, GcsPrefix

    for name in [name for name in os.environ if name.startswith(prefix)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SPNST_PATIENCE", "0")
    for kind in (AzurePrefix, GcsPrefix):
        kind._opened.cache_clear()
