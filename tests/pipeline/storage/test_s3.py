"""S3 as a place for files: what travels, what doesn't leave the prefix, and what people are told."""

import os
import random
import shutil
import ssl
import subprocess
import threading
import time

import pytest
from place_uses import line, ways
from s3_server import Fault, Proxy

from spnst_pipeline.storage import patience
from spnst_pipeline.storage import s3 as s3_module
from spnst_pipeline.storage.places import Unreachable
from spnst_pipeline.storage.s3 import S3Prefix, client
from spnst_pipeline.storage.sources import Source
from spnst_pipeline.storage.store import Store


def keys(s3):
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]


def test_artefacts_are_the_objects_under_the_prefix(s3):
    store = Store.open("s3://bucket/made/here/")
    store.write("gallery/index.html", b"<html>")
    store.write("a/cat.png", b"x")
    assert keys(s3) == ["made/here/a/cat.png", "made/here/gallery/index.html"]
    assert store.location == "s3://bucket/made/here"
    assert store.locate("a/cat.png") == "s3://bucket/made/here/a/cat.png"
    types = [s3.head_object(Bucket="bucket", Key=key)["ContentType"] for key in keys(s3)]
    assert types == ["image/png", "text/html"]


def test_a_whole_bucket_can_be_the_store(s3):
    store = Store.open("s3://bucket")
    store.write("a/cat.png", b"x")
    assert keys(s3) == ["a/cat.png"]
    assert (store.list("a"), store.locate("a/cat.png")) == (["a/cat.png"], "s3://bucket/a/cat.png")


def test_a_neighbour_whose_name_begins_alike_is_not_seen(s3):
    for key in ("in.png", "in/cat.png", "in2/dog.png", "in-old/cow.png"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    assert list(Source.open("s3://bucket/in", "content").pictures) == ["cat"]
    Store.open("s3://bucket/made2").write("a/cat.png", b"theirs")
    store = Store.open("s3://bucket/made")
    assert (store.list("a"), store.exists("a/cat.png")) == ([], False)
    store.write("ab/cat.png", b"")
    assert store.list("a") == []


@pytest.mark.parametrize(
    "location",
    ["s3://", "s3:///made", "s3://b", "s3://bucket//made", "s3://bucket/a/../b", "s3://buck et/a", "s3:bucket"],
)
def test_an_address_that_is_none_is_refused(s3, location):
    if location == "s3:bucket":
        assert Store.open(location).location == location  # an odd name for a folder, but one
    else:
        assert line(lambda: Store.open(location)).endswith("write s3://bucket/prefix")


def test_a_listing_of_many_pages_is_complete(s3, monkeypatch):
    """S3 lists a thousand objects at a time; here ten."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    names = sorted(f"{number}.png" for number in range(35))
    for name in names:
        s3.put_object(Bucket="bucket", Key=f"made/a/{name}", Body=b"x")
    assert s3.list_objects_v2(Bucket="bucket")["IsTruncated"]
    assert Store.open("s3://bucket/made").list("a") == [f"a/{name}" for name in names]
    assert len(Source.open("s3://bucket/made/a", "content").pictures) == 35


def test_a_large_artefact_travels_in_parts(proxy, s3):
    store, data = Store.open("s3://bucket/made"), os.urandom(20 << 20)
    store.write("a/big.safetensors", data)
    parts = [path for method, path, _ in proxy.requests if method == "PUT" and "partNumber=" in path]
    assert len(parts) == 3
    assert s3.head_object(Bucket="bucket", Key="made/a/big.safetensors")["ETag"].endswith('-3"')
    assert store.read("a/big.safetensors") == data


def test_the_first_bytes_are_all_that_travels(proxy):
    store = Store.open("s3://bucket/made")
    store.write("a/big.json", bytes(1 << 20))
    proxy.requests.clear()
    assert len(store.read("a/big.json", 100)) == 100
    assert [(method, status) for method, _, status in proxy.requests] == [("GET", 206)]


def test_a_copy_does_not_travel(proxy):
    store = Store.open("s3://bucket/made")
    store.write("a/cat.png", b"x" * 1000)
    proxy.fault = lambda method, path: Fault(403, "AccessDenied") if method == "GET" else None
    store.copy("a/cat.png", "b/dog.png")
    proxy.fault = lambda method, path: None
    assert store.read("b/dog.png") == b"x" * 1000


def test_many_artefacts_are_read_side_by_side(proxy):
    """As if every answer took a tenth of a second."""
    store = Store.open("s3://bucket/made")
    names = [f"a/{number}.json" for number in range(32)]
    for name in names:
        store.write(name, name.encode())
    proxy.fault = lambda method, path: time.sleep(0.1)
    started = time.monotonic()
    assert store.read_many(names) == {name: name.encode() for name in names}
    assert time.monotonic() - started < 32 * 0.1 / 2


def test_only_the_first_proof_that_the_prefix_can_be_written_writes(proxy, s3):
    Store.open("s3://bucket/made").require_writable()
    first = s3.head_object(Bucket="bucket", Key="made/.spnst")["LastModified"]
    Store.open("s3://bucket/made").require_writable()
    assert [status for method, _, status in proxy.requests if method == "PUT"] == [200, 412]
    assert s3.head_object(Bucket="bucket", Key="made/.spnst")["LastModified"] == first


class Failing:
    """The first answers to some requests are faults."""

    def __init__(self, method, fault, times=1):
        self.method, self.fault, self.left = method, fault, times

    def __call__(self, method, path):
        if method != self.method or not self.left:
            return None
        self.left -= 1
        return self.fault


def test_what_fails_for_a_passing_reason_is_tried_again(proxy):
    store = Store.open("s3://bucket/made")
    proxy.fault = Failing("PUT", Fault(503, "SlowDown"))
    store.write("a/cat.png", b"picture")
    proxy.fault = Failing("GET", Fault(500, "InternalError"))
    assert store.read("a/cat.png") == b"picture"
    assert [status for _, _, status in proxy.requests] == [503, 200, 500, 200]


def test_an_answer_that_breaks_off_is_asked_for_again(proxy, monkeypatch):
    monkeypatch.setenv("SPNST_PATIENCE", "20")
    store, data = Store.open("s3://bucket/made"), os.urandom(200_000)
    store.write("a/cat.png", data)
    proxy.fault = Failing("GET", Fault(cut=70_000))
    assert store.read("a/cat.png") == data
    assert [status for method, _, status in proxy.requests if method == "GET"] == [200, 200]


def test_an_upload_that_fails_on_the_way_leaves_the_old_bytes_and_no_parts(proxy, s3, monkeypatch):
    store = Store.open("s3://bucket/made")
    store.write("a/big.json", b"old")
    proxy.fault = lambda method, path: Fault(500, "InternalError") if "partNumber=3" in path else None
    assert "InternalError" in line(lambda: store.write("a/big.json", bytes(20 << 20)))
    assert store.read("a/big.json") == b"old"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bucket")


def test_asking_for_an_artefact_without_permission_is_told(proxy):
    """S3 says why only where an answer can have a body, and this one can't."""
    proxy.fault = lambda method, path: Fault(403) if method == "HEAD" else None
    assert "access denied: ask for s3:ListBucket" in line(lambda: Store.open("s3://bucket/made").exists("a/b.json"))


@pytest.fixture
def patient(monkeypatch):
    """A service in trouble is waited for, but not for long."""
    monkeypatch.setenv("SPNST_PATIENCE", "20")
    monkeypatch.setattr(patience._Reminder, "last", -1e9)


@pytest.mark.parametrize(
    "fault",
    [Fault(503, "SlowDown"), Fault(500, "InternalError"), Fault(502, body="<html>Bad gateway"), Fault(reset=True)],
)
def test_a_service_in_trouble_is_asked_until_it_recovers_and_that_is_logged(proxy, patient, monkeypatch, fault, caplog):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.0)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    store = Store.open("s3://bucket/made")
    proxy.fault = Failing("PUT", fault, times=7)
    store.write("a/cat.png", b"picture")
    proxy.fault = Failing("GET", fault, times=7)
    assert store.list("a") == ["a/cat.png"]
    proxy.fault = Failing("GET", fault, times=7)
    assert store.read("a/cat.png") == b"picture"
    [line] = caplog.messages  # one for all of them, within a quarter of a minute
    assert line.startswith("s3://bucket/made/a/cat.png: ")
    assert line.endswith(": trying again for at most 20 seconds")


def test_a_service_that_stalls_is_asked_again(another_client, proxy, patient, monkeypatch, caplog):
    monkeypatch.setattr(s3_module, "READ_TIMEOUT", 0.3)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = Store.open("s3://bucket/made")
    proxy.fault = Failing("PUT", Fault(503, stall=2))
    store.write("a/cat.png", b"picture")
    assert store.read("a/cat.png") == b"picture"
    assert "Read timeout" in caplog.text


def test_a_service_that_stays_in_trouble_is_unreachable_and_nothing_is_said_of_what_it_holds(proxy, monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.0)
    proxy.fault = lambda method, path: Fault(503, "SlowDown")
    for way in ways("s3://bucket/made").values():
        with pytest.raises(Unreachable, match="S3 answered SlowDown"):
            way()


def test_many_requests_get_through_where_one_in_three_fails(proxy, patient, monkeypatch):
    """15 % SlowDown, 20 % InternalError."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.0)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    chance, lock = random.Random(1), threading.Lock()

    def fault(method, path):
        with lock:
            drawn = chance.random()
        return Fault(503, "SlowDown") if drawn < 0.15 else Fault(500, "InternalError") if drawn < 0.35 else None

    store = Store.open("s3://bucket/made")
    proxy.fault = fault
    names = [f"a/{number}.json" for number in range(10)]
    for name in names:
        store.write(name, name.encode())
    assert store.list("a") == sorted(names)
    assert store.read_many(names) == {name: name.encode() for name in names}


HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    "page", ["<html><body>Welcome", "<html><body>Welcome</body></html>", "not even a page", ""], ids=lambda page: page
)
def test_what_is_no_s3_service_is_told(proxy, page):
    for status in (200, 404):
        proxy.fault = lambda method, path, status=status: Fault(status, headers=HTML, body=page or " ")
        for way in (lambda: Source.open("s3://bucket/in", "content"), lambda: Store.open("s3://bucket/in").list("a")):
            assert line(way) == (
                "s3://bucket/in: what answers there isn't S3, but a web page, say: check AWS_ENDPOINT_URL and proxies"
            )


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (400, "InvalidArgument")])
def test_a_service_without_conditional_writes_is_written_to_without(proxy, s3, monkeypatch, status, code):
    monkeypatch.setattr(s3_module, "_unconditional", set())
    proxy.fault = Failing("PUT", Fault(status, code))
    Store.open("s3://bucket/made").require_writable()
    assert s3.head_object(Bucket="bucket", Key="made/.spnst")["ContentLength"] == 0
    Store.open("s3://bucket/made").require_writable()
    assert [found for method, _, found in proxy.requests if method == "PUT"] == [status, 200, 200]


def test_uploads_are_not_chunked(another_client, proxy, certificate, monkeypatch):
    """Over TLS, boto3 would send them in chunks by default, which not every service knows."""
    authority, tls = certificate
    secure = Proxy(proxy.server, tls)
    secure.fault = lambda method, path: None
    client().create_bucket(Bucket="bucket")
    client.cache_clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", secure.url)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority))
    store = Store.open("s3://bucket/made")
    store.require_writable()
    store.write("a/cat.json", b"{}")
    store.write("a/big.json", bytes(9 << 20))
    assert len(store.read("a/big.json")) == 9 << 20
    assert secure.encodings == {""}
    secure.stop()


@pytest.fixture
def certificate(tmp_path):
    """The certificate of 127.0.0.1, which vouches for itself, and what a server presents it with."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl on this machine makes a certificate")
    files = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "certificate.pem"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-days",
        "1",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]
    subprocess.run([*command, *files, *names], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    return tmp_path / "certificate.pem", tls


def test_a_password_in_the_endpoint_is_refused_and_not_shown(another_client, proxy, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:password@127.0.0.1:9")
    told = line(lambda: Store.open("s3://bucket/made"))
    assert told.startswith("AWS_ENDPOINT_URL holds a user name or a password: take it out")
    assert "me:password" not in told


def test_credentials_in_an_address_are_refused_and_not_shown():
    told = line(lambda: Store.open("s3://AKIA:sec/ret@bucket/made"))
    assert told.startswith("s3://…@bucket/made is no address")
    assert told.endswith("credentials are set with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")


class TestWhatPeopleAreTold:
    """The same, and in one line, whatever they did."""

    @pytest.fixture
    def told(self):
        def told(location, *words):
            for way in ways(location).values():
                text = line(way)
                assert text.startswith(location)
                for word in words:
                    assert word in text

        return told

    def test_no_such_bucket(self, s3, told):
        told("s3://buckett/made", "there is no such bucket: check its name, or create it")

    def test_no_permission(self, proxy, told):
        proxy.fault = lambda method, path: Fault(403, "AccessDenied")
        told("s3://bucket/made", "access denied: ask for s3:ListBucket")

    def test_refused_credentials(self, proxy, told):
        proxy.fault = lambda method, path: Fault(400, "ExpiredToken")
        told("s3://bucket/made", "refuses these credentials (ExpiredToken): renew them")

    def test_wrong_region(self, another_client, proxy, told):
        there = {"x-amz-bucket-region": "eu-north-1"}
        proxy.fault = lambda method, path: Fault(301, "PermanentRedirect", there)
        told("s3://bucket/made", "in another region: set AWS_DEFAULT_REGION to eu-north-1")

    def test_anything_else(self, proxy, told):
        proxy.fault = lambda method, path: Fault(400, "RequestTimeTooSkewed")
        told("s3://bucket/made", "S3 answered RequestTimeTooSkewed: said so")

    def test_nobody_answers(self, another_client, monkeypatch, told):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        told("s3://bucket/made", "no answer from S3", "127.0.0.1:9", ": check the network and AWS_ENDPOINT_URL")

    def test_no_credentials(self, another_client, monkeypatch, told):
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        told("s3://bucket/made", "no credentials for S3", ": set AWS_PROFILE, or AWS_ACCESS_KEY_ID and")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("AWS_PROFILE", "nobody", "no credentials for S3 (The config profile (nobody) could not be found)"),
        ("AWS_ENDPOINT_URL", "minio 9000", "check AWS_ENDPOINT_URL"),
    ],
)
def test_settings_of_boto3_that_cannot_be_used(another_client, monkeypatch, name, value, complaint):
    monkeypatch.setenv(name, value)
    assert complaint in line(lambda: Store.open("s3://bucket/made"))
    assert client.cache_info().currsize == 0


def test_whether_conditions_of_writes_hold_is_tried_and_nothing_stays(s3):
    assert S3Prefix("s3://bucket/made").refuses_to_replace()
    assert keys(s3) == []


def test_a_service_that_ignores_conditions_is_found_out(unconditional, s3):
    assert not S3Prefix("s3://bucket/made").refuses_to_replace()
    assert keys(s3) == []
