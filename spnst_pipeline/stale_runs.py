"""Orphans: runs of the command line whose process was killed, which Dagster would take for working for a day."""

import os
import socket

import dagster as dg

PROCESS = "spnst/process"
"""Tag of runs that a command line carries out: the machine, and the number of the process on it."""

_WORKING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED)


def process_tags() -> dict[str, str]:
    """Tags of a run that this process carries out by itself. The daemon, which didn't launch it, can't retry it."""
    return {PROCESS: f"{socket.gethostname()} {os.getpid()}", "dagster/max_retries": "0"}


def fail_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Report as failed the unfinished runs whose process on this machine is gone, so that none waits for them.

    Call it before this process carries out a run: one that has its number was a run of an earlier process.

    Returns:
        Ids of those runs.
    """
    unfinished = instance.get_runs(dg.RunsFilter(statuses=[*_WORKING]))
    orphans = [run for run in unfinished if PROCESS in run.tags and _is_gone(run.tags[PROCESS])]
    for run in orphans:
        instance.report_run_failed(run, f"The process that carried it out ({run.tags[PROCESS]}) is gone.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in orphans]


def _is_gone(process: str) -> bool:
    """Whether a process was one of this machine and isn't there any more. Windows can't be asked like this."""
    host, number = process.split()
    if host != socket.gethostname() or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is somebody else's
        return False
    return int(number) == os.getpid()
