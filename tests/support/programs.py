"""Real programs for tests: the `modelwire` command as a child process, with the addresses it printed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "modelwire")
_STATE = tempfile.TemporaryDirectory(prefix="modelwire-state-")
OWN = {"XDG_STATE_HOME": _STATE.name, "MODELWIRE_DRAIN_NOTICE_SECONDS": "0"}
"""Of all programs: a place for what they keep, and no waiting for anybody who balances load."""
SCRUBBED = ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL")


@dataclass(frozen=True)
class Program:
    """A running `modelwire`: its doors ("" where it has none), its process and all it printed on start."""

    grpc_address: str
    http_address: str
    process: "subprocess.Popen[str]"
    printed: str

    @property
    def url(self) -> str:
        return f"http://{self.http_address}"


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without anything that configures modelwire or an SDK, and with `extra`."""
    kept = {key: value for key, value in os.environ.items() if key not in SCRUBBED and not key.startswith("MODELWIRE_")}
    return kept | OWN | dict(extra or {})


@contextmanager
def running(
    *arguments: str, environment: Mapping[str, str] | None = None, stderr: int = subprocess.DEVNULL
) -> Iterator[Program]:
    """Runs `modelwire ARGUMENTS` until the block ends; the block starts once it has printed its last line.

    `stderr` is a file descriptor that takes what it logs.
    """
    process = subprocess.Popen(
        [COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=clean_environment(environment),
    )
    try:
        yield _started(process, last="grpc" if "--no-http" in arguments else "try")
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _started(process: "subprocess.Popen[str]", last: str) -> Program:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(last):
            break
    else:
        raise RuntimeError(f"modelwire ended with code {process.wait()} after printing {lines}")
    addresses = dict(line.split() for line in lines if line.startswith(("grpc", "http")))
    return Program(addresses.get("grpc", ""), addresses.get("http", ""), process, "".join(lines))
