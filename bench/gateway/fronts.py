"""The three ways to REST that rest_call.py compares, each with the service of library.proto behind it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.envoy import running_envoy
from support.programs import running

from bench.measuring.processes import Processes

SERVICE: Final = "bench.Library"
_ANSWERING: Final = Path(__file__).parent / "answering.py"


@dataclass(frozen=True, slots=True)
class Front:
    """A server at the unix socket `path`. `processes` are all it takes: the front itself, then what is behind it."""

    path: str
    processes: tuple[int, ...]

    def cpu_seconds(self) -> list[float]:
        """What each of the processes has used, its threads included."""
        return [Processes([process]).cpu_seconds() for process in self.processes]


@contextmanager
def _answering(image: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """The program answering.py; the block is given the address it printed, and its process."""
    command = [sys.executable, str(_ANSWERING), str(image), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


@contextmanager
def envoy(folder: Path, image: Path, binary: Path) -> Iterator[Front]:
    """Envoy's filter grpc_json_transcoder, one worker, before the service in another process."""
    with _answering(image, "grpc") as (target, service):
        others = _children()
        with running_envoy(str(binary), folder, image, SERVICE, target) as address:
            (front,) = _children() - others
            yield Front(address.removeprefix("unix:"), (front, service))


@contextmanager
def gateway(folder: Path, image: Path, _: Path) -> Iterator[Front]:
    """`modelwire gateway` before the service in another process."""
    path = folder / "gateway.sock"
    with _answering(image, "grpc") as (target, service):
        options = ("--target", target, "--descriptor-set", str(image), "--http-address", f"unix:{path}")
        with running("gateway", *options, "--log-level", "warning") as program:
            yield Front(str(path), (program.process.pid, service))


@contextmanager
def in_process(folder: Path, image: Path, _: Path) -> Iterator[Front]:
    """The transcoder and the service in one process."""
    with _answering(image, "http", f"unix:{folder / 'in_process.sock'}") as (address, process):
        yield Front(address.removeprefix("unix:"), (process,))


def _children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


FRONTS: Final[Mapping[str, Callable[[Path, Path, Path], AbstractContextManager[Front]]]] = {
    "Envoy": envoy,
    "modelwire gateway": gateway,
    "in process": in_process,
}
