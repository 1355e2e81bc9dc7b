"""How many cores this process may use."""

import os
from contextlib import suppress
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = _QUOTA) -> int:
    """The cores of the machine, fewer under taskset or in a container; 1 at least.

    `quota` is the file cpu.max of a control group (Linux, Documentation/admin-guide/cgroup-v2.rst): of each period of
    time how much may be used, both in microseconds. Half a core is none.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        used, period = quota.read_text().split()
        usable = min(usable, int(used) // int(period))
    return max(1, usable)
