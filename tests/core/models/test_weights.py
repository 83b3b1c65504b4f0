"""Weight files: found, downloaded whole or not at all, read without running their code. The server is a real one."""

import os
import pickle
import threading
import time
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import safetensors.torch
import torch

from spnst_core import InputError, load_models
from spnst_core.models import weights
from spnst_core.models.manifest import entry
from spnst_core.models.weights import Patience, download, find, present, read, verify

QUICK = Patience(timeout=0.5, retries=3, backoff=0.01)
CHUNK = 1 << 16
PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


@dataclass
class Answer:
    """How the server answers requests for one file."""

    body: bytes
    status: int = 200
    failures: list[int] = field(default_factory=list)  # statuses of the first answers
    cut: list[int] = field(default_factory=list)  # bytes after which the first answers break off
    stall: int | None = None  # bytes after which every answer falls silent
    ranges: bool = True
    kind: str = "application/octet-stream"
    length: int | None = None  # announced in place of the true length
    announced: bool = True


class Server(ThreadingHTTPServer):
    """Serves ``answers`` and writes down what it was asked for, as (path, Range header)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.closing = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server: Server = self.server
        asked = self.headers["Range"]
        server.asked.append((self.path, asked))
        answer = server.answers.get(self.path)
        if answer is None or answer.failures:
            self.send_error(answer.failures.pop(0) if answer else 404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and answer.ranges else 0
        if start >= len(answer.body) > 0:
            self.send_error(416)
            return
        body = answer.body[start:]
        self.send_response(206 if start else answer.status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}")
        self.send_header("Content-Type", answer.kind)
        if answer.announced:
            self.send_header("Content-Length", str(answer.length or len(body)))
        self.end_headers()
        end = answer.cut.pop(0) if answer.cut else len(body) if answer.stall is None else answer.stall
        self.wfile.write(body[:end])
        if answer.stall is not None:
            server.closing.wait(10)

    def log_message(self, *args):
        """Silence."""


@pytest.fixture
def server(monkeypatch):
    for name in (weights.FOLDER, weights.MIRROR):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def state():
    generator = torch.Generator().manual_seed(0)
    return {
        "a.weight": torch.randn(256, 64, 3, 3, generator=generator),
        "a.bias": torch.randn(256, generator=generator),
    }


@pytest.fixture(scope="module")
def body(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("published") / "net.pth"
    torch.save(state, path)
    return path.read_bytes()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def published(server, body, **how):
    """A manifest entry for ``body``, which the server has."""
    server.answers["/net.pth"] = Answer(body, **how)
    return replace(
        entry("vgg19"),
        file="net.pth",
        source=f"{server.url}/net.pth",
        bytes=len(body),
        sha256=sha256(body).hexdigest(),
    )


def unchecked(file):
    return replace(file, bytes=None, sha256=None, unchecked="nobody says")


def left(cache):
    """What a user sees in the cache."""
    return sorted(path.name for path in cache.iterdir() if not path.name.startswith("."))


def refusal(file, cache, **options):
    """The one line with which a download is refused."""
    with pytest.raises(InputError) as error:
        download(file, cache, patience=QUICK, **options)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("weights vgg19: ")
    assert not (cache / file.file).exists()
    return message


# finding


def test_an_explicit_path_comes_first(server, body, cache, tmp_path):
    file = published(server, body)
    mine = tmp_path / "mine.pth"
    mine.write_bytes(b"anything")
    assert find(file, mine, cache=cache) == mine
    assert server.asked == []


def test_an_explicit_path_that_is_not_there_is_named(server, body, cache, tmp_path):
    with pytest.raises(InputError, match=r"weights vgg19: there is no file .*mine\.pth"):
        find(published(server, body), tmp_path / "mine.pth", cache=cache)
    assert server.asked == []


def test_then_the_cache_then_a_download(server, body, cache):
    file = published(server, body)
    path = find(file, cache=cache)
    assert path == cache / "net.pth"
    assert path.read_bytes() == body
    assert find(file, cache=cache) == path
    assert len(server.asked) == 1
    assert left(cache) == ["net.pth"]


def test_the_cache_is_named_by_the_environment_or_is_that_of_torch_hub(monkeypatch, tmp_path):
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path))
    assert weights.folder() == tmp_path
    monkeypatch.delenv("SPNST_WEIGHTS")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    assert weights.folder() == tmp_path / "torch" / "hub" / "checkpoints"


# downloads that succeed


def test_progress_counts_up_to_the_whole(server, body, cache):
    seen = []
    download(published(server, body), cache, progress=lambda name, done, total: seen.append((done, total)))
    assert seen[-1] == (len(body), len(body))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_without_an_announced_length_the_total_is_not_known(server, body, cache):
    seen = []
    file = unchecked(published(server, body, announced=False))
    download(file, cache, progress=lambda name, done, total: seen.append((done, total)))
    assert seen[-1] == (len(body), None)


def test_a_cut_connection_is_taken_up_where_it_broke(server, body, cache):
    file = published(server, body, cut=[3 * CHUNK, 2 * CHUNK + 100])
    assert download(file, cache, patience=QUICK).read_bytes() == body
    assert [asked for _, asked in server.asked] == [None, f"bytes={3 * CHUNK}-", f"bytes={5 * CHUNK}-"]


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(server, body, cache):
    file = published(server, body, cut=[CHUNK])
    with pytest.raises(InputError, match="broke off before the end"):
        download(file, cache, patience=replace(QUICK, retries=0))
    assert left(cache) == ["net.pth.part"]
    assert download(file, cache, patience=QUICK).read_bytes() == body
    assert server.asked[-1] == ("/net.pth", f"bytes={CHUNK}-")
    assert left(cache) == ["net.pth"]


def test_a_server_without_ranges_sends_the_whole_again(server, body, cache):
    file = published(server, body, cut=[CHUNK], ranges=False)
    assert download(file, cache, patience=QUICK).read_bytes() == body
    assert len(server.asked) == 2


def test_without_a_checksum_pieces_are_not_joined(server, body, cache):
    file = unchecked(published(server, body, cut=[CHUNK]))
    assert download(file, cache, patience=QUICK).read_bytes() == body
    assert [asked for _, asked in server.asked] == [None, None]


def test_a_part_longer_than_the_file_is_thrown_away(server, body, cache):
    file = published(server, body)
    cache.mkdir()
    (cache / "net.pth.part").write_bytes(body + b"more")
    assert download(file, cache, patience=QUICK).read_bytes() == body
    assert len(server.asked) == 2


def test_a_part_that_is_whole_is_not_asked_for_again(server, body, cache):
    file = published(server, body)
    cache.mkdir()
    (cache / "net.pth.part").write_bytes(body)
    assert download(file, cache, patience=QUICK).read_bytes() == body
    assert server.asked == []


@pytest.mark.parametrize("status", [503, 500, 429])
def test_a_server_in_trouble_gets_more_tries(server, body, cache, status):
    file = published(server, body, failures=[status, status])
    assert download(file, cache, patience=QUICK).read_bytes() == body
    assert len(server.asked) == 3


def test_each_wait_is_twice_the_one_before(server, body, cache):
    file = published(server, body, failures=[503, 503, 503])
    started = time.monotonic()
    download(file, cache, patience=Patience(timeout=1, retries=3, backoff=0.1))
    assert 0.1 + 0.2 + 0.4 <= time.monotonic() - started < 2


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_is_asked_by_file_name(server, body, cache, monkeypatch, slash):
    file = replace(published(server, body), source="http://127.0.0.1:1/never/net.pth")
    server.answers = {"/our/mirror/net.pth": Answer(body)}
    monkeypatch.setenv("SPNST_WEIGHTS_MIRROR", f"{server.url}/our/mirror{slash}")
    assert find(file, cache=cache).read_bytes() == body
    assert server.asked == [("/our/mirror/net.pth", None)]


def test_two_at_once_share_one_download(server, body, cache):
    file = published(server, body)
    threads = [threading.Thread(target=find, args=(file,), kwargs={"cache": cache}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (cache / "net.pth").read_bytes() == body
    assert len(server.asked) == 1


# downloads that fail


def test_offline_says_the_file_the_url_the_place_and_the_other_profile(server, body, cache):
    file = replace(published(server, body), source="http://127.0.0.1:1/net.pth")
    assert refusal(file, cache) == (
        f"weights vgg19: http://127.0.0.1:1/net.pth can't be reached: put net.pth into {cache} by hand,"
        " name a mirror in SPNST_WEIGHTS_MIRROR, or use the embedded profile (--profile embedded), which needs no files"
    )
    assert left(cache) == []


@pytest.mark.parametrize(("status", "words"), [(403, "403 Forbidden"), (404, "404 Not Found"), (410, "410 Gone")])
def test_a_refusal_is_final_and_leaves_nothing(server, body, cache, status, words):
    file = published(server, body, failures=[status] * 9)
    assert f"net.pth answered {words}: put net.pth into" in refusal(file, cache)
    assert len(server.asked) == 1
    assert left(cache) == []


def test_a_server_that_stays_in_trouble_is_given_up(server, body, cache):
    file = published(server, body, failures=[503] * 9)
    assert "answered 503 Service Unavailable: put" in refusal(file, cache)
    assert len(server.asked) == 4
    assert left(cache) == []


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("check", [lambda file: file, unchecked])
def test_a_web_page_is_no_weight_file(server, body, cache, kind, check):
    file = check(published(server, body))
    server.answers["/net.pth"] = Answer(b"\n" + PAGE, kind=kind, announced=False)
    assert "gave a web page in place of weights: put" in refusal(file, cache)
    assert left(cache) == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_of_the_wrong_length_leaves_nothing(server, body, cache, announced):
    file = published(server, body)
    server.answers["/net.pth"] = Answer(body[:40_000], announced=announced)
    assert f"has 40,000 bytes, not {len(body):,}: put" in refusal(file, cache)
    assert left(cache) == []


def test_a_truncated_file_without_a_checksum_is_not_taken(server, body, cache):
    file = unchecked(published(server, body))
    server.answers["/net.pth"] = Answer(body[:40_000])
    assert "is cut short or no weight file: put" in refusal(file, cache)
    assert left(cache) == []


def test_a_connection_that_always_breaks_off_keeps_only_the_part(server, body, cache):
    file = published(server, body, cut=[CHUNK] * 9)
    assert "broke off before the end: put" in refusal(file, cache)
    assert len(server.asked) == 4
    assert left(cache) == ["net.pth.part"]
    assert (cache / "net.pth.part").read_bytes() == body[: 4 * CHUNK]


def test_without_a_checksum_not_even_the_part_is_kept(server, body, cache):
    file = unchecked(published(server, body, cut=[CHUNK] * 9))
    assert "broke off before the end: put" in refusal(file, cache)
    assert left(cache) == []


def test_a_wrong_checksum_leaves_nothing(server, body, cache):
    file = published(server, body)
    wrong = bytes([body[0] ^ 1]) + body[1:]
    server.answers["/net.pth"] = Answer(wrong)
    assert f"has sha256 {sha256(wrong).hexdigest()}, not {file.sha256}: put" in refusal(file, cache)
    assert left(cache) == []


def test_a_part_of_another_file_is_found_out_and_removed(server, body, cache):
    file = published(server, body)
    cache.mkdir()
    (cache / "net.pth.part").write_bytes(b"x" * 1000)
    assert "has sha256 " in refusal(file, cache)
    assert left(cache) == []
    assert download(file, cache).read_bytes() == body


@pytest.mark.parametrize("after", [0, CHUNK])
def test_a_stalled_server_is_given_up(server, body, cache, after):
    file = published(server, body, stall=after)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"net.pth sent nothing for 0\.2 s: put"):
        download(file, cache, patience=Patience(timeout=0.2, retries=1, backoff=0.01))
    assert time.monotonic() - started < 3
    assert (cache / "net.pth.part").stat().st_size == 2 * after


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_said_and_leaves_nothing(server, body, cache):
    file = published(server, body)
    cache.mkdir()
    (cache / "net.pth.part").symlink_to("/dev/full")
    assert refusal(file, cache) == (
        f"weights vgg19: {cache / 'net.pth'} can't be written (No space left on device):"
        " make room there, or name another folder in SPNST_WEIGHTS"
    )
    assert left(cache) == []


def test_a_file_too_large_for_the_disk_is_not_begun(server, body, cache):
    file = unchecked(published(server, body, length=10**18))
    message = refusal(file, cache)
    assert "can't be written (1,000,000,000,000,000,000 bytes are needed," in message
    assert left(cache) == []


def test_a_cache_that_is_no_folder_is_named(server, body, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(InputError, match=r"cache/net\.pth can't be written \(File exists\): make room"):
        download(published(server, body), tmp_path / "cache")


@pytest.mark.parametrize("mirror", ["mirror.example", "ftp://mirror.example", "http://", "http://[broken"])
def test_a_mirror_that_is_no_web_address_is_named(server, body, cache, mirror):
    assert f"{mirror.rstrip('/')}/net.pth isn't an http:// or https:// URL" in refusal(
        published(server, body), cache, mirror=mirror
    )


def test_a_password_in_a_mirror_stays_secret(server, body, cache):
    message = refusal(published(server, body), cache, mirror="http://me:secret@127.0.0.1:1/x")
    assert "secret" not in message
    assert "http://127.0.0.1:1/x/net.pth can't be reached" in message


def test_an_interrupted_download_keeps_its_part(server, body, cache):
    def interrupt(name, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(published(server, body), cache, progress=interrupt)
    assert left(cache) == ["net.pth.part"]


# verifying


def test_verify_takes_the_published_file_and_no_other(server, body, cache):
    file = published(server, body)
    path = download(file, cache)
    verify(path, file)
    path.write_bytes(bytes([body[0] ^ 1]) + body[1:])
    with pytest.raises(
        InputError, match=r"weights vgg19: .*net\.pth has sha256 [0-9a-f]{64}, not .*: remove it and fetch"
    ):
        verify(path, file)
    path.write_bytes(body[:-1])
    with pytest.raises(InputError, match=f"net.pth has {len(body) - 1:,} bytes, not {len(body):,}"):
        verify(path, file)
    path.unlink()
    with pytest.raises(InputError, match=r"weights vgg19: there is no file .*net\.pth: fetch it"):
        verify(path, file)


def test_without_a_checksum_verify_asks_that_it_reads_as_weights(server, body, tmp_path):
    file = unchecked(published(server, body))
    path = tmp_path / "net.pth"
    path.write_bytes(body)
    verify(path, file)
    path.write_bytes(body[:-1000])
    with pytest.raises(InputError, match=r"net\.pth is cut short or no weight file: remove it"):
        verify(path, file)


# what lies in the cache


@pytest.fixture
def kept(state, tmp_path):
    """A file in the cache, and its entry in the manifest."""
    path = tmp_path / "net.safetensors"
    safetensors.torch.save_file(state, path)
    data = path.read_bytes()
    return replace(entry("vgg16"), file=path.name, bytes=len(data), sha256=sha256(data).hexdigest()), path


def flip(path, where):
    """One bit, and the time of the last change as it was."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_bit_that_has_flipped_in_the_middle_of_a_cached_file_is_found_out(kept, tmp_path):
    file, path = kept
    assert present(file, tmp_path) == path
    time.sleep(0.02)  # the clock of file systems moves in steps
    flip(path, path.stat().st_size // 2)
    for look in (present, find):
        with pytest.raises(InputError, match=r"weights vgg16: .*net.safetensors has sha256 .*: remove it and fetch it"):
            look(file, cache=tmp_path)


def test_a_file_that_has_passed_is_not_read_again_until_it_changes(kept, tmp_path, monkeypatch):
    file, path = kept
    read, checksum = [], weights.checksum
    monkeypatch.setattr(weights, "checksum", lambda path: read.append(path) or checksum(path))
    for _ in range(3):
        present(file, tmp_path)
        weights._require_published.cache_clear()  # as in a new process
    assert read == [path]
    os.utime(path, ns=(1, 1))
    assert present(file, tmp_path) == path
    assert read == [path, path]


def test_a_note_of_another_file_or_one_that_cannot_be_kept_does_no_harm(kept, tmp_path):
    file, path = kept
    note = tmp_path / ".net.safetensors.verified"
    for content in (b"1 2 3 4 " + file.sha256.encode(), b"\xff", b""):
        note.write_bytes(content)
        weights._require_published.cache_clear()
        assert present(file, tmp_path) == path
    note.unlink()
    note.mkdir()
    weights._require_published.cache_clear()
    assert present(file, tmp_path) == path


def spoilt(kind, body, trap, path):
    """A file that lies in the cache under a published name."""
    if kind == "page":
        path.write_bytes(PAGE)
    elif kind == "cut":
        path.write_bytes(body[: len(body) // 2])
    else:
        torch.save({"x": trap, weights.STAND_IN: 1}, path, _use_new_zipfile_serialization=kind == "zip")


@pytest.mark.parametrize("kind", ["zip", "legacy", "page", "cut"])
@pytest.mark.parametrize("name", ["vgg19", "hed"])  # with a published checksum, and without one
def test_a_spoilt_file_in_the_cache_is_one_line_and_no_code_of_it_runs(body, tmp_path, monkeypatch, name, kind):
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    sprung, role = tmp_path / "sprung", entry(name).role
    spoilt(kind, body, Trap(sprung), tmp_path / entry(name).file)
    with pytest.raises(InputError) as error:
        load_models("embedded", "cpu", **{role: name})
    assert entry(name).file in str(error.value)
    assert "fetch it again" in str(error.value) or "get the weight file again" in str(error.value)
    assert "\n" not in str(error.value)
    assert not sprung.exists()


# reading


def same(found, state):
    assert found.keys() == state.keys()
    for key, value in state.items():
        assert type(found[key]) is torch.Tensor
        assert found[key].device.type == "cpu"
        assert torch.equal(found[key], value)


@pytest.mark.parametrize("zipped", [True, False])
def test_both_formats_of_pytorch_are_read(state, tmp_path, zipped):
    torch.save(state, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    same(read(tmp_path / "net.pth"), state)


@pytest.mark.parametrize("name", ["net.safetensors", "net.pth"])
def test_safetensors_are_known_by_their_content(state, tmp_path, name):
    safetensors.torch.save_file(state, tmp_path / name)
    same(read(tmp_path / name), state)


def test_parameters_come_out_as_plain_tensors(tmp_path):
    parameter = torch.nn.Parameter(torch.ones(3))
    torch.save({"w": parameter}, tmp_path / "net.pth")
    found = read(tmp_path / "net.pth")
    same(found, {"w": torch.ones(3)})
    assert not found["w"].requires_grad


def test_half_precision_stays_what_it_is(tmp_path):
    torch.save({"w": torch.ones(3, dtype=torch.float16)}, tmp_path / "net.pth")
    assert read(tmp_path / "net.pth")["w"].dtype == torch.float16


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 7, "loss": 0.5},
        lambda state: {"optimizer": {"lr": torch.tensor(0.1)}, "model": state},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {**state, "version": 3, "name": "net"},
    ],
)
def test_common_containers_are_opened(state, tmp_path, wrap):
    torch.save(wrap(state), tmp_path / "net.pth")
    same(read(tmp_path / "net.pth"), state)


def test_a_module_prefix_that_is_not_on_every_key_is_the_networks_own(tmp_path):
    state = {"module.w": torch.ones(1), "moduleVggOne.0.weight": torch.ones(2)}
    torch.save(state, tmp_path / "net.pth")
    same(read(tmp_path / "net.pth"), state)


class Trap:
    """A pickle that creates a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def careless(path):
    torch.load(path, weights_only=False)


def very_careless(path):
    pickle.loads(path.read_bytes())


@pytest.mark.parametrize(
    ("write", "load"),
    [
        (lambda trap, path: torch.save({"w": torch.ones(1), "x": trap}, path), careless),
        (lambda trap, path: torch.save({"x": trap}, path, _use_new_zipfile_serialization=False), careless),
        (lambda trap, path: path.write_bytes(pickle.dumps(trap, protocol=0)), very_careless),
        (lambda trap, path: path.write_bytes(pickle.dumps(trap, protocol=2)), very_careless),
        (lambda trap, path: path.write_bytes(pickle.dumps({"x": trap})), very_careless),
    ],
    ids=["zip", "legacy", "pickle 0", "pickle 2", "pickle"],
)
def test_a_pickle_with_code_in_it_does_not_run(tmp_path, write, load, recwarn):
    sprung, path = tmp_path / "sprung", tmp_path / "net.pth"
    write(Trap(sprung), path)
    with pytest.raises(InputError) as error:
        read(path)
    assert not sprung.exists()
    assert str(error.value).startswith(f"weights {path} is ")
    assert "\n" not in str(error.value)
    assert not recwarn.list
    load(path)
    assert sprung.exists()  # so the trap was a real one


def test_the_message_for_code_says_so(tmp_path):
    torch.save({"x": Trap(tmp_path / "sprung")}, tmp_path / "net.pth")
    with pytest.raises(
        InputError, match="a pickle with more than tensors in it, which could run code, so it isn't opened"
    ):
        read(tmp_path / "net.pth")


def cuts(body):
    return [body[:n] for n in (1, 9, 30, 500, len(body) // 2, len(body) - 1)]


@pytest.mark.parametrize("cut", range(6))
@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_file_cut_short_anywhere_is_refused(state, tmp_path, form, cut):
    path = tmp_path / "net.pth"
    if form == "safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    path.write_bytes(cuts(path.read_bytes())[cut])
    with pytest.raises(
        InputError, match=r"^weights .*net.pth is (cut short or no weight file|a pickle.*): get the weight"
    ):
        read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is cut short or no weight file"),
        (bytes(range(256)) * 20, "is cut short or no weight file"),
        (PAGE, "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "is cut short or no weight file"),
    ],
    ids=["empty", "noise", "page", "git-lfs pointer"],
)
def test_what_is_no_weight_file_is_refused(tmp_path, content, words):
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(InputError, match=f"net.pth {words}: get the weight file again"):
        read(tmp_path / "net.pth")


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "net.pth", tmp_path):
        with pytest.raises(InputError, match="isn't there: get"):
            read(path)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], 5, {"state_dict": {}}])
def test_a_file_without_tensors_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(InputError, match="has no tensors in it"):
        read(tmp_path / "net.pth")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists what a process has mapped")
def test_reading_maps_what_can_be_mapped(state, tmp_path):
    path = tmp_path / "net.pth"
    torch.save(state, path)
    found = read(path)
    assert str(path) in Path("/proc/self/maps").read_text()
    same(found, state)
