"""A process that may take no more memory than it has, and so much more, as the system enforces (Linux)."""

import re
import resource
from pathlib import Path

from spnst_core.compute.process import trim_heap


def limit_memory(megabytes: int) -> None:
    """Let the process take ``megabytes`` more than it takes now, from now on."""
    trim_heap()
    [taken] = re.findall(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, ((int(taken) << 10) + (megabytes << 20), most))
