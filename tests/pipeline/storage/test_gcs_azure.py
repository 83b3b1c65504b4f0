"""GCS and Azure as places for files: what isn't the same as on S3, and what people are told."""

import http.client
import os
from dataclasses import dataclass

import pytest
from gcs_server import SIGNED
from place_uses import line, ways
from s3_server import Fault, Proxy

from spnst_core.errors import InputError
from spnst_pipeline.storage import gcs_azure, patience
from spnst_pipeline.storage.gcs_azure import AzurePrefix, GcsPrefix
from spnst_pipeline.storage.places import Unreachable
from spnst_pipeline.storage.sources import Source
from spnst_pipeline.storage.store import Store


@dataclass
class Cloud:
    """A service, the way to it, and what differs in what it says."""

    proxy: Proxy
    scheme: str
    name: str
    kind: type[GcsPrefix] | type[AzurePrefix]
    endpoint: str
    missing: str

    @property
    def made(self):
        return f"{self.scheme}://bucket/made"


@pytest.fixture(params=["gcs", "azure"])
def cloud(request):
    proxy = request.getfixturevalue(request.param)
    if request.param == "gcs":
        return Cloud(proxy, "gs", "Google Cloud Storage", GcsPrefix, "GOOGLE_BASE_URL", "bucket")
    return Cloud(proxy, "az", "Azure", AzurePrefix, "AZURE_STORAGE_ENDPOINT", "container")


pytestmark = pytest.mark.s3


def test_a_neighbour_whose_name_begins_alike_is_not_seen(cloud):
    whole = Store.open(f"{cloud.scheme}://bucket")
    for path in ("in.png", "in/cat.png", "in2/dog.png", "in-old/cow.png"):
        whole.write(path, b"x")
    assert list(Source.open(f"{cloud.scheme}://bucket/in/", "content").pictures) == ["cat"]
    store = Store.open(cloud.made)
    store.write("ab/cat.png", b"")
    assert (store.list("a"), whole.exists("made/ab/cat.png")) == ([], True)
    assert (store.location, store.locate("a/b.png")) == (cloud.made, f"{cloud.made}/a/b.png")


def test_names_are_those_of_the_objects_whatever_characters_they_have(cloud):
    place = cloud.kind(cloud.made)
    names = ["100%.png", "a b.png", "a%20b.png", "cat#1.png", "q?.png", "x~y.png", "über.png"]
    for name in names:
        place.write(name, name.encode())
    assert [entry.name for entry in place.children()] == names
    assert {entry.name: place.read_listed(entry) for entry in place.files("")} == {n: n.encode() for n in names}


def test_an_empty_object_that_stands_for_a_folder_is_no_file(gcs):
    connection = http.client.HTTPConnection(*gcs.server.address)
    for key, data in {"": b"", "deeper/": b"", "deeper/b.png": b"x", "a.png": b"x", "empty.png": b""}.items():
        connection.request("PUT", f"/bucket/in/{key}", data, {"Authorization": SIGNED})
        connection.getresponse().read()
    place = GcsPrefix("gs://bucket/in")
    assert [entry.name for entry in place.children()] == ["a.png", "empty.png"]
    assert sorted(entry.name for entry in place.files("")) == ["a.png", "deeper/b.png", "empty.png"]
    assert [entry.name for entry in place.files("deeper")] == ["deeper/b.png"]


def test_browsers_are_told_what_an_artefact_is(gcs):
    Store.open("gs://bucket/made").write("gallery/index.html", b"<html>")
    connection = http.client.HTTPConnection(*gcs.server.address)
    connection.request("HEAD", "/bucket/made/gallery/index.html", headers={"Authorization": SIGNED})
    assert connection.getresponse().getheader("Content-Type") == "text/html"


def test_a_large_artefact_travels_in_parts_and_its_first_bytes_alone(cloud):
    store, data = Store.open(cloud.made), os.urandom(20 << 20)
    store.write("a/big.safetensors", data)
    parts = [path for method, path, _ in cloud.proxy.requests if method == "PUT" and ("partN" in path or "id=" in path)]
    assert len(parts) == 3
    assert store.read("a/big.safetensors") == data
    cloud.proxy.requests.clear()
    assert store.read("a/big.safetensors", 100) == data[:100]
    assert [(method, status) for method, _, status in cloud.proxy.requests] == [("GET", 206)]


def test_a_copy_does_not_travel(cloud):
    store = Store.open(cloud.made)
    store.write("a/cat.png", b"x" * 1000)
    cloud.proxy.requests.clear()
    store.copy("a/cat.png", "b/dog.png")
    assert [(method, status // 100) for method, _, status in cloud.proxy.requests] == [("PUT", 2)]
    assert store.read("b/dog.png") == b"x" * 1000


def test_only_the_first_proof_that_the_prefix_can_be_written_writes(cloud):
    for _ in range(2):
        Store.open(cloud.made).require_writable()
    refused = 412 if cloud.scheme == "gs" else 409
    assert [status // 100 for method, _, status in cloud.proxy.requests if method == "PUT"] == [2, 4]
    assert cloud.proxy.requests[-1][2] == refused


def test_that_conditions_of_writes_hold_is_tried_and_nothing_stays(cloud):
    place = cloud.kind(cloud.made)
    assert place.refuses_to_replace()
    assert list(place.files("")) == []


def test_what_was_listed_is_read_as_it_was_or_not_at_all(cloud):
    place = cloud.kind(cloud.made)
    place.write("cat.png", b"first")
    [entry] = place.children()
    assert (place.read_listed(entry), place.entry("cat.png")) == (b"first", entry)
    place.write("cat.png", b"other")
    with pytest.raises(InputError, match=r"made/cat\.png is not what it was when listed: run again"):
        place.read_listed(entry)


class Failing:
    """The first answers to some requests are faults."""

    def __init__(self, method, fault, times):
        self.method, self.fault, self.left = method, fault, times

    def __call__(self, method, path):
        if method != self.method or not self.left:
            return None
        self.left -= 1
        return self.fault


@pytest.mark.parametrize(
    "fault",
    [Fault(503, "SlowDown"), Fault(429, "ServerBusy"), Fault(502, body="<html>Bad gateway"), Fault(reset=True)],
    ids=["503", "429", "502", "reset"],
)
def test_a_service_in_trouble_is_asked_until_it_recovers_and_that_is_logged(cloud, monkeypatch, fault, caplog):
    monkeypatch.setenv("SPNST_PATIENCE", "20")
    monkeypatch.setattr(patience._Reminder, "last", -1e9)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    monkeypatch.setattr(gcs_azure, "RETRIES", 0)
    store = Store.open(cloud.made)
    cloud.proxy.fault = Failing("PUT", fault, times=4)
    store.write("a/cat.png", b"picture")
    cloud.proxy.fault = Failing("GET", fault, times=4)
    assert store.list("a") == ["a/cat.png"]
    cloud.proxy.fault = Failing("GET", fault, times=4)
    assert store.read("a/cat.png") == b"picture"
    [line] = caplog.messages  # one for all of them, within a quarter of a minute
    assert line.startswith(f"{cloud.made}/a/cat.png: ")
    assert line.endswith(": trying again for at most 20 seconds")


def test_an_answer_that_breaks_off_is_asked_for_again(cloud):
    store, data = Store.open(cloud.made), os.urandom(200_000)
    store.write("a/cat.png", data)
    cloud.proxy.fault = Failing("GET", Fault(cut=70_000), times=1)
    assert store.read("a/cat.png") == data


def test_an_upload_that_fails_on_the_way_leaves_the_old_bytes(cloud, monkeypatch):
    monkeypatch.setattr(gcs_azure, "RETRIES", 0)
    store = Store.open(cloud.made)
    store.write("a/big.json", b"old")
    parts = iter(range(100))

    def fault(method, path):
        a_part = method == "PUT" and ("partNumber" in path or "blockid" in path)
        return Fault(500, "InternalError") if a_part and next(parts) == 2 else None

    cloud.proxy.fault = fault
    assert "InternalError" in line(lambda: store.write("a/big.json", bytes(20 << 20)))
    cloud.proxy.fault = lambda method, path: None
    assert store.read("a/big.json") == b"old"
    assert store.list("a") == ["a/big.json"]


class TestWhatPeopleAreTold:
    """The same, and in one line, whatever they did."""

    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch):
        monkeypatch.setattr(gcs_azure, "RETRIES", 0)

    def told(self, location, *words):
        for way in ways(location).values():
            text = line(way)
            assert text.startswith(location)
            for word in words:
                assert word in text

    def test_no_such_bucket(self, cloud):
        self.told(f"{cloud.scheme}://buckett/made", f"there is no such {cloud.missing}: check its name, or create it")

    def test_no_permission(self, cloud):
        cloud.proxy.fault = lambda method, path: Fault(403, "AccessDenied")
        for way in (*ways(cloud.made).values(), lambda: Store.open(cloud.made).exists("a/b.json")):
            with pytest.raises(Unreachable, match=r"access denied .*: ask for the role Storage"):
                way()

    def test_a_service_that_stays_in_trouble(self, cloud):
        cloud.proxy.fault = lambda method, path: Fault(503, "ServerBusy")
        for way in ways(cloud.made).values():
            with pytest.raises(Unreachable, match=f"{cloud.name} answered (ServerBusy|503)"):
                way()

    def test_anything_else(self, cloud):
        cloud.proxy.fault = lambda method, path: Fault(400, "EntityTooOdd")
        self.told(cloud.made, f"{cloud.name} answered EntityTooOdd: said so")

    def test_nobody_answers(self, cloud, monkeypatch):
        monkeypatch.setenv(cloud.endpoint, "http://127.0.0.1:9")
        self.told(cloud.made, f"no answer from {cloud.name}", f": check the network and {cloud.endpoint}")

    @pytest.mark.parametrize("status", [200, 404])
    def test_what_is_no_such_service(self, cloud, status):
        page = Fault(status, headers={"Content-Type": "text/html"}, body="<html><body>Welcome")
        cloud.proxy.fault = lambda method, path: page
        for way in (lambda: Source.open(cloud.made, "content"), lambda: Store.open(cloud.made).read("a/b.json")):
            assert f"what answers there isn't {cloud.name}, but a web page, say" in line(way)

    def test_no_account(self, azure, monkeypatch):
        monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME")
        told = line(lambda: Store.open("az://bucket/made"))
        assert told.startswith("az://bucket/made: no credentials for Azure: set AZURE_STORAGE_ACCOUNT_NAME, and")

    def test_credentials_that_are_refused(self, azure, monkeypatch):
        monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
        for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"):
            monkeypatch.setenv(f"AZURE_{name}", "somebody")
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.url)
        refused = Fault(401, body='{"error": "invalid_client"}')
        azure.fault = lambda method, path: refused if "oauth2" in path else None
        self.told("az://bucket/made", "Azure refuses these credentials (401): renew them")

    def test_a_damaged_key_file(self, gcs, monkeypatch, tmp_path):
        (tmp_path / "key.json").write_text("{")
        monkeypatch.delenv("GOOGLE_BEARER_TOKEN")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
        told = line(lambda: Store.open("gs://bucket/made"))
        assert told.startswith("gs://bucket/made: ")

    def test_a_signature_is_in_no_message_and_in_no_cause(self, azure, monkeypatch):
        monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
        monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2023-11-03&sig=secret")
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", "http://127.0.0.1:9/spnst")
        with pytest.raises(InputError) as error:
            Store.open("az://bucket/made").list("a")
        assert "secret" not in str(error.value)
        assert error.value.__cause__ is None and error.value.__suppress_context__

    @pytest.mark.parametrize("location", ["gs://", "gs:///made", "gs://b", "gs://bucket//made", "gs://bucket/a/../b"])
    def test_an_address_that_is_none(self, location):
        assert line(lambda: Store.open(location)).endswith("write gs://bucket/prefix")
        azure = location.replace("gs", "az")
        assert line(lambda: Store.open(azure)).endswith("write az://container/prefix")
