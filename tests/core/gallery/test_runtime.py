"""ONNX Runtime Web from npm: what is kept of the package, and what is said where it can't be had."""

import tarfile
from hashlib import sha256
from io import BytesIO

import pytest

from spnst_core import InputError
from spnst_core.gallery import runtime
from spnst_core.models import weights

CONTENTS = {name: f"the text of {name}".encode() for name in runtime.FILES}


@pytest.fixture(autouse=True)
def published(tmp_path, monkeypatch):
    """An empty cache, and small files that count as the published ones."""
    monkeypatch.setenv(weights.FOLDER, str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "FILES", {name: sha256(data).hexdigest() for name, data in CONTENTS.items()})


def package(path, contents=CONTENTS):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in {"package.json": b"{}", **{f"dist/{name}": data for name, data in contents.items()}}.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    return path


def npm(folder, monkeypatch, script):
    """Put a program called npm in place of the user's own."""
    program = folder / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_npm_fetches_it_once_and_three_files_are_kept(tmp_path, monkeypatch):
    package(tmp_path / "published.tgz")
    log = tmp_path / "log"
    npm(tmp_path, monkeypatch, f'echo "$@" >> {log}; cp {tmp_path}/published.tgz "$4"/onnxruntime-web.tgz')
    found = runtime.find()
    assert (found.script, found.module, found.code) == tuple(CONTENTS.values())
    assert runtime.find() == found
    [asked] = log.read_text().splitlines()
    assert asked.startswith(f"pack {runtime.PACKAGE} --pack-destination ")
    assert sorted(path.name for path in runtime.folder().iterdir()) == sorted(CONTENTS)
    assert [path.name for path in runtime.folder().parent.glob(".onnx*") if path.suffix != ".lock"] == []


def test_a_kept_file_that_was_changed_is_fetched_again(tmp_path, monkeypatch):
    runtime.take(package(tmp_path / "p.tgz"))
    (runtime.folder() / "ort.wasm.min.js").write_bytes(b"changed")
    npm(tmp_path, monkeypatch, f'cp {tmp_path}/p.tgz "$4"')
    assert runtime.find().script == CONTENTS["ort.wasm.min.js"]


def test_without_npm_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = rf"npm, .*, isn't installed .*\(npm pack {runtime.PACKAGE}\) .*spnst painters runtime --from FILE\.tgz"
    with pytest.raises(InputError, match=told):
        runtime.find()


def test_npms_own_failure_is_told_in_a_line(tmp_path, monkeypatch):
    npm(tmp_path, monkeypatch, "echo 'npm error code ENOTFOUND' >&2; echo 'npm error syscall getaddrinfo' >&2; exit 1")
    with pytest.raises(
        InputError, match=r"npm can't fetch onnxruntime-web@\S+ \(code ENOTFOUND\): get it where npm can"
    ):
        runtime.find()


def test_a_package_by_hand_serves_as_well(tmp_path):
    assert runtime.take(package(tmp_path / "p.tgz")).code == CONTENTS["ort-wasm-simd-threaded.wasm"]
    assert runtime.take(package(tmp_path / "other.tgz", {})).code == CONTENTS["ort-wasm-simd-threaded.wasm"]  # kept


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: path.write_bytes(b"no archive"), "isn't a whole package of npm"),
        (lambda path: package(path, {}), "has no ort.wasm.min.js in it"),
        (lambda path: package(path, dict.fromkeys(CONTENTS, b"other")), "ort.wasm.min.js isn't the one of onnxruntime"),
        (lambda path: path.write_bytes(package(path).read_bytes()[:60]), "isn't a whole package of npm"),
        (lambda path: None, "there is no file"),
    ],
    ids=["no archive", "another package", "other files", "cut short", "no file"],
)
def test_another_file_is_refused_and_nothing_is_kept(tmp_path, write, told):
    path = tmp_path / "p.tgz"
    write(path)
    with pytest.raises(InputError, match=told):
        runtime.take(path)
    assert not runtime.folder().exists()
