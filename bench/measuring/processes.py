"""Processes under measurement: on one core, with what they use of it and of memory."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench.peers.peer import ROOT, Command

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
_SCRUBBED: Final = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL")
_QUIET: Final = 0.1
"""The part of a core below which a process counts as quiet."""


class Processes:
    """Those that a block started, and all they started themselves."""

    def __init__(self, roots: Sequence[int]) -> None:
        self.roots = roots

    def cpu_seconds(self) -> float:
        """What they have used, threads included."""
        return sum(_cpu_seconds(pid) for pid in _with_descendants(self.roots))

    def memory_mb(self) -> float:
        """What they hold: proportional set size, so that what two share counts once. In units of 10⁶ bytes."""
        return sum(_pss(pid) for pid in _with_descendants(self.roots)) / 1e6

    def settle(self, patience: float = 60.0) -> None:
        """Waits until they do nothing to speak of, for `patience` seconds at most."""
        given_up = time.monotonic() + patience
        used, step = self.cpu_seconds(), 0.2
        while time.monotonic() < given_up:
            time.sleep(step)
            before, used = used, self.cpu_seconds()
            if used - before < _QUIET * step:
                return


@contextmanager
def started(commands: Sequence[Command], log: Path, core: int) -> Iterator[Processes]:
    """Starts them on that core, what they print goes to `log`, and ends them, and all they started, with the block."""
    with ExitStack() as stack:
        file = stack.enter_context(log.open("ab"))
        roots = [stack.enter_context(_started(command, file.fileno(), core)) for command in commands]
        yield Processes([process.pid for process in roots])


@contextmanager
def _started(command: Command, output: int, core: int) -> Iterator["subprocess.Popen[bytes]"]:
    with on_core(core):
        process = subprocess.Popen(
            command.arguments,
            cwd=ROOT,
            env=_environment() | dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The group is the process's own: nobody else is in it."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Whatever the block starts stays on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    """Ours, without what would configure anybody measured, and with bytecode kept: programs are installed with it."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in (*_SCRUBBED, "PYTHONDONTWRITEBYTECODE") and not name.startswith("MODELWIRE_")
    }


def _with_descendants(roots: Sequence[int]) -> list[int]:
    found = list(roots)
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, _read(task).split())
    return found


def _cpu_seconds(pid: int) -> float:
    """proc(5): utime and stime are the 14th and 15th field; the second, a name in parentheses, may hold spaces."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK if fields else 0.0


def _pss(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    """What is in a file of a process; nothing where the process is no more."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
