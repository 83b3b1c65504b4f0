"""The Ray cluster: connecting to it, and its painters, which outlive the runs that hire them.

A run of Dagster's daemon is a process of its own, and so a job of its own on Ray. Painters are therefore detached
actors, found by a name that tells their networks and their share of the machine: the next run finds them warm. One that
nobody sends work ends after a while, so that its GPU, and its node where nodes are added on demand, become free.
"""

from __future__ import annotations

import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import ray
from ray.actor import ActorHandle

from spnst_core import __version__
from spnst_core.errors import InputError
from spnst_pipeline.artefacts.fingerprints import VERSIONS
from spnst_pipeline.defs.pool.painter import Outcome, Painter
from spnst_pipeline.defs.rows import Row
from spnst_pipeline.project import Project

NAMESPACE = "spnst"
"""Where painters' names count."""


def connect(address: str) -> None:
    """Connect this process to a Ray cluster, unless it is connected already.

    Raises:
        InputError: the cluster can't be reached.
    """
    if ray.is_initialized():
        return
    try:
        with _own_termination():
            ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        said = str(error).strip().partition("\n")[0]
        raise InputError(
            f"no Ray cluster can be reached at {address} ({said}): start one with ray start --head, set ray_address, "
            "or choose the pool local"
        ) from error


def hiring(project: Project) -> Callable[[int], ActorHandle]:
    """A function that finds, or else starts, the painter of a number for a project's networks."""
    settings = project.settings
    code, networks = (__version__, VERSIONS["pastiche"]), (project.identity.fingerprint, settings.precision)
    share = settings.device, settings.ray_cpus, settings.ray_gpus, settings.ray_idle_seconds
    name = f"painter-{sha256(json.dumps([code, networks, share]).encode()).hexdigest()[:12]}"

    def hire(number: int) -> ActorHandle:
        actor = ray.remote(PainterActor).options(
            name=f"{name}-{number}",
            namespace=NAMESPACE,
            get_if_exists=True,
            lifetime="detached",
            num_cpus=settings.ray_cpus,
            num_gpus=settings.ray_gpus,
            max_restarts=-1,
            max_task_retries=0,  # a batch that is lost goes to whoever is free, not to the same painter
        )
        return actor.remote(settings.ray_idle_seconds)

    return hire


class PainterActor:
    """A painter as an actor, which ends after so many seconds without work."""

    def __init__(self, idle_seconds: float) -> None:
        self._painter, self._working, self._free_since = Painter(), False, time.monotonic()
        me = ray.get_runtime_context().current_actor
        threading.Thread(target=self._watch, args=(me, idle_seconds), daemon=True).start()

    @ray.method(max_task_retries=-1)  # type: ignore[untyped-decorator]
    def prepare(self, row: Row) -> None:
        """As `Painter.prepare`; where the actor is being started again, this waits for it."""
        with self._work():
            self._painter.prepare(row)

    def paint(self, row: Row) -> Outcome:
        """As `Painter.paint`."""
        with self._work():
            return self._painter.paint(row)

    @contextmanager
    def _work(self) -> Iterator[None]:
        self._working = True
        try:
            yield
        finally:
            self._working, self._free_since = False, time.monotonic()

    def _watch(self, me: ActorHandle, idle_seconds: float) -> None:
        while self._working or time.monotonic() - self._free_since < idle_seconds:
            time.sleep(min(1.0, idle_seconds))
        ray.kill(me)  # a batch that arrives just now is lost with it, and goes to another


@contextmanager
def _own_termination() -> Iterator[None]:
    """Keep what happens on SIGTERM, which Ray would change."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
