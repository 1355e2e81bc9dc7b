"""Other programs that end by themselves."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.programs import clean_environment

SECONDS = 120


def run(*command: str, variables: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """What `command` printed. One that ends with another code than 0 fails the test, showing all it printed."""
    ended = ended_by_itself(*command, variables=variables, cwd=cwd)
    assert ended.returncode == 0, f"{command[0]} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def ended_by_itself(
    *command: str, variables: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """`command`, with `variables` added to an environment that configures nothing; killed after two minutes."""
    return subprocess.run(
        command, env=clean_environment(variables), cwd=cwd, capture_output=True, text=True, check=False, timeout=SECONDS
    )
