"""The machine, as far as it matters to those who read the figures."""

import os
import platform
from pathlib import Path


def described() -> dict[str, str]:
    load = os.getloadavg()[0]
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "load before the start": f"{load:.2f}",
    }


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return ""
