"""Examination: everything that a run needs, looked at piece by piece. Nothing that is tried out stays behind."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Literal

import psutil
import torch
from packaging.requirements import Requirement
from PIL import Image
from rich.filesize import decimal

from spnst_core import __version__
from spnst_core.compute.memory import free_memory
from spnst_core.errors import InputError, printable
from spnst_core.models import weights
from spnst_core.models.manifest import WEIGHTS, WeightFile
from spnst_core.models.networks import weight_files
from spnst_core.models.precision import find_precision
from spnst_core.models.profiles import choose, find_device
from spnst_core.report.film import Film
from spnst_pipeline.cli.execution import require_usable_home
from spnst_pipeline.cli.records import opening
from spnst_pipeline.cli.run_lock import holder
from spnst_pipeline.dagster_private import open_records, schema_revisions
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.locations import open_place
from spnst_pipeline.storage.places import is_remote
from spnst_pipeline.storage.prefixes import Prefix
from spnst_pipeline.wording import counted

Status = Literal["ok", "warning", "error"]

LITTLE_MEMORY = 2 * 10**9
"""Free bytes below which even a small pastiche may not fit beside PyTorch and Dagster."""

LITTLE_SPACE = 2 * 10**9
"""Free bytes of a disk that a large grid may fill."""

DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
"""Dagster's SQLite files in its home, beside those of single runs."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: what was looked at.
        status: ``ok``, ``warning`` (a run may work, but not well) or ``error`` (it can't).
        found: what was found, in one line.
        advice: what to do about it, where ``found`` doesn't say so itself.
    """

    check: str
    status: Status
    found: str
    advice: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def examine(flags: dict[str, Any]) -> Iterator[Finding]:
    """Every check in turn, each finding as soon as it is known.

    Args:
        flags: settings, as for `Settings.load`. If the settings can't be used, that is an error, and the checks look at
            what the default settings need.
    """
    try:
        settings = Settings.load(**flags)
    except InputError as error:
        settings = Settings.model_construct()
        yield Finding("settings", "error", str(error), "The lines below are for the default settings.")
    for name, check in CHECKS.items():
        try:
            yield from check(settings)
        except InputError as error:
            yield Finding(name, "error", str(error))
        except (
            Exception
        ) as error:  # what can't even be looked at is a finding, and no reason to say nothing of the rest
            yield Finding(name, "error", printable(f"{type(error).__name__}: {' '.join(str(error).split())}"))


def versions(_: Settings) -> Iterator[Finding]:
    """The installed packages, against those that this version of spnst requires."""
    names = ("torch", "torchvision", "dagster", "numpy", "pillow", "av")
    listed = ", ".join(f"{name} {version(name)}" for name in names)
    system = f"{platform.system()} {platform.machine()}"
    yield Finding("versions", "ok", f"spnst {__version__}, Python {platform.python_version()}, {listed}, {system}")
    for requirement in _required():
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield Finding(
                "versions", "error", f"{requirement.name} isn't installed", f"Run pip install '{requirement}'."
            )
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield Finding(
                "versions",
                "error",
                f"{requirement.name} {installed} is installed, but spnst needs {requirement.specifier}",
                f"Run pip install '{requirement}'.",
            )


def devices(settings: Settings) -> Iterator[Finding]:
    """The device that a run would use, and what else there is."""
    device = find_device(settings.device)
    precision = str(find_precision(settings.precision, device)).removeprefix("torch.")
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)}, {decimal(free_memory(device))} of memory free"
    else:
        name = platform.processor() or platform.machine()
    others = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    others += ["mps"] if torch.backends.mps.is_available() else []
    also = ", ".join(other for other in (*others, "cpu") if other != str(device))
    yield Finding("device", "ok", f"{device} ({name}), multiplies in {precision}" + (f"; also {also}" if also else ""))
    if shutil.which("nvidia-smi") and not torch.cuda.is_available():
        yield Finding(
            "device",
            "warning",
            f"this machine has NVIDIA's driver, but torch {version('torch')} can't use its GPU",
            "Install the build of PyTorch for CUDA (pytorch.org/get-started), or a driver as new as it needs.",
        )


def memory(_: Settings) -> Iterator[Finding]:
    """Memory that is free for a run on a CPU, under the limit of a container if there is one."""
    free, total = free_memory(torch.device("cpu")), psutil.virtual_memory().total
    found = f"{decimal(free)} free of {decimal(total)}"
    if free < LITTLE_MEMORY:
        yield Finding("memory", "warning", found, "Close other programs, or paint smaller pastiches with --size.")
    else:
        yield Finding("memory", "ok", found)


def threads(_: Settings) -> Iterator[Finding]:
    """PyTorch's threads, against the CPUs that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    used = torch.get_num_threads()
    found = f"PyTorch uses {counted(used, 'thread')} on {counted(usable, 'CPU')}"
    if used > usable:
        yield Finding("threads", "warning", found, f"Set OMP_NUM_THREADS={usable}: more threads only wait.")
    elif used == 1 < usable:
        yield Finding("threads", "warning", found, f"Unset OMP_NUM_THREADS, or set it to {usable}, unless meant so.")
    else:
        yield Finding("threads", "ok", found)


def weight_cache(settings: Settings) -> Iterator[Finding]:
    """The weight files that the networks need, and every other one in the cache."""
    chosen = choose(settings.profile, encoder=settings.encoder, edges=settings.edges, depth=settings.depth)
    needed = {file.file: file for role, name in chosen.items() for file in weight_files(role, name)}
    there = {entry.file: entry for entry in WEIGHTS.values() if (weights.folder() / entry.file).is_file()}
    others = {name: entry for name, entry in there.items() if name not in needed}
    for file in needed.values():
        yield _needed(file, settings.profile)
    for file in others.values():
        try:
            weights.verify(weights.folder() / file.file, file)
        except InputError as error:
            yield Finding("weights", "warning", str(error))
    sound = f"; {counted(len(others), 'other file')} in the cache" if others else ""
    if not needed:
        yield Finding("weights", "ok", f"the networks of {settings.profile} come with spnst{sound}")


def store(settings: Settings) -> Iterator[Finding]:
    """The store, in a folder: whether it can be read and written, and its disk flushed."""
    if is_remote(settings.out):
        return
    folder = Path(settings.out).expanduser()
    open_place(settings.out).require_writable()
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        yield Finding("store", "error", f"{folder} can't be read", f"Run chmod u+rx '{folder}', or choose another.")
        return
    there = _existing(folder)
    if problem := _unflushed(there):
        advice = "Use another disk: after a power failure what is written to this one may be gone."
        yield Finding("store", "warning", f"the disk of {there} can't be flushed: {problem}", advice)
    state = "can be read and written" if folder.exists() else "isn't there yet, and can be made"
    yield Finding("store", "ok", f"{folder} {state}")
    yield _space("store", there)


def bucket(settings: Settings) -> Iterator[Finding]:
    """The store, under a prefix of a bucket: whether it answers, and how it writes."""
    if not is_remote(settings.out):
        return
    place = open_place(settings.out)
    assert isinstance(place, Prefix)
    held = next(place.files("gallery"), None)
    if held:
        place.read(held.name, 1)
    yield Finding("bucket", "ok", f"{place.location} can be read")
    if place.refuses_to_replace():
        yield Finding("bucket", "ok", f"{place.location} can be written, also on a condition")
    else:
        yield Finding(
            "bucket",
            "warning",
            f"{place.location} can be written, but ignores the condition If-None-Match",
            "It serves as a store; let no two machines use it at once, or update the S3 service.",
        )


def records(settings: Settings) -> Iterator[Finding]:
    """Dagster's records: whether its databases are whole, and of the schema that the installed Dagster expects."""
    home = settings.dagster_home
    require_usable_home(settings)
    if is_remote(settings.out):  # else the store is on the same disk, unless home says otherwise
        yield _space("records", _existing(home))
    if not (home / "dagster.yaml").exists():
        yield Finding("records", "ok", f"there are none yet: the first run makes them in {home}")
        return
    if working := holder(home):
        yield Finding("records", "ok", f"{home} is in use by {working}, and isn't looked into meanwhile")
        return
    for name in DATABASES:
        if problem := _damage(home / name):
            yield Finding(
                "records",
                "error",
                f"{home / name} is damaged: {problem}",
                f"Move {home} away: the next run makes new records, and paints nothing again that is in the store.",
            )
            return
    with opening(home), open_records(home) as instance:
        revisions = schema_revisions(instance)
    outdated = {name: found for name, (found, newest) in revisions.items() if found != newest}
    if outdated:
        described = ", ".join(f"{name} {found}" for name, found in outdated.items())
        yield Finding(
            "records",
            "error",
            f"{home} has another schema ({described}) than Dagster {version('dagster')} expects",
            f"Copy the folder, then run DAGSTER_HOME='{home.absolute()}' dagster instance migrate.",
        )
    else:
        schemas = ", ".join(f"{name} {found}" for name, (found, _) in revisions.items())
        yield Finding("records", "ok", f"{home} can be opened (schema: {schemas})")


def films(settings: Settings) -> Iterator[Finding]:
    """The encoder of films, by a film of one picture."""
    with TemporaryDirectory() as folder, Film(Path(folder, "film.mp4"), (32, 32)) as film:
        film.finish(Image.new("RGB", (32, 32)))
    yield Finding("films", "ok", f"H.264 by PyAV {version('av')}")


CHECKS: dict[str, Check] = {
    "versions": versions,
    "device": devices,
    "memory": memory,
    "threads": threads,
    "weights": weight_cache,
    "store": store,
    "bucket": bucket,
    "records": records,
    "films": films,
}
"""Every check, by what its findings are headed with, in their order."""


def _required() -> Iterator[Requirement]:
    """What the installed spnst requires on this machine; extras aren't required."""
    try:
        texts = requires("spnst") or []
    except PackageNotFoundError:  # a source tree that isn't installed
        return
    for requirement in map(Requirement, texts):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _needed(file: WeightFile, profile: str) -> Finding:
    """A weight file that a run needs: present and sound, to be downloaded, or damaged."""
    path = weights.folder() / file.file
    if path.is_file():
        weights.verify(path, file)
        return Finding("weights", "ok", f"{file.name} is in the cache and sound: {path}")
    size = f" ({decimal(file.bytes)})" if file.bytes else ""
    return Finding(
        "weights",
        "warning",
        f"{file.name}, which {profile} needs, isn't in {weights.folder()}: the first run downloads it{size}",
        f"Run spnst models fetch {file.name}, or use --profile embedded, which needs no file.",
    )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _unflushed(folder: Path) -> str:
    """Why what is written to a folder can't be flushed to its disk; empty if it can. The file has no name."""
    try:
        with TemporaryFile(dir=folder) as probe:
            probe.write(b"spnst")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _space(check: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{decimal(free)} free on the disk of {folder}"
    if free < LITTLE_SPACE:
        return Finding(check, "warning", found, "A large grid may fill it: make room, or choose another place.")
    return Finding(check, "ok", found)


def _damage(database: Path) -> str:
    """What is wrong with a SQLite file; empty if nothing is, or if there is none."""
    if not database.exists():
        return ""
    try:
        with closing(sqlite3.connect(database, timeout=5)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else " ".join(found.split())
