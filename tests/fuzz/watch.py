"""What can be seen of a running program from outside: its memory, its open files, what it logs."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_EXPECTED: Final = re.compile(rb"\d{4}-\d\d-\d\dT\S+Z (?:debug|info|warning) ")
_KEPT: Final = 40
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def sleeps(pid: int) -> bool:
    """Whether all its threads wait for something to happen, and none runs or wants to."""
    states = (status.read_text().rpartition(")")[2].split()[0] for status in Path(f"/proc/{pid}/task").glob("*/stat"))
    return set(states) == {"S"}


def unread_from(port: int) -> int:
    """How many IPv4 connections of this machine to the port hold bytes that their program has not taken (proc(5))."""
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(
        remote.endswith(f":{port:04X}") and not queues.endswith(":00000000") for _, _, remote, _, queues, *_ in lines
    )


class Log:
    """Reads a program's log as it comes. `unexpected` has its first lines that are no log lines, or errors."""

    def __init__(self) -> None:
        self.unexpected: list[str] = []

    @contextmanager
    def collecting(self) -> Iterator[int]:
        """Gives the file descriptor to write to."""
        reading, writing = os.pipe()
        thread = threading.Thread(target=self._collect, args=(reading,))
        thread.start()
        try:
            yield writing
        finally:
            os.close(writing)
            thread.join()

    def _collect(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                if not _EXPECTED.match(line) and len(self.unexpected) < _KEPT:
                    self.unexpected.append(line.decode(errors="backslashreplace").rstrip())
