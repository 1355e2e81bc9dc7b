"""`make` on machines that lack something. Each has the programs it is said to have and no others."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import ended_by_itself

PROJECT = Path(__file__).parent.parent
NEEDED_TO_READ_THE_MAKEFILE = ("find", "awk")
A_PYTHON = "#!/bin/bash\n[ $1 = -c ] || exit 7\n"
"""Has all modules it is asked for, and can do nothing else."""
A_PYTHON_WITHOUT_VENV = "#!/bin/bash\nexit 1\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with a copy of what `make setup` reads, and `bin`, all programs there are."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    shutil.copytree(PROJECT / "protos", tmp_path / "protos")
    shutil.copytree(PROJECT / "clients" / "python", tmp_path / "clients" / "python")
    shutil.copy(PROJECT / "clients" / "service_config.json", tmp_path / "clients")
    (tmp_path / "bin").mkdir()
    for name in NEEDED_TO_READ_THE_MAKEFILE:
        (tmp_path / "bin" / name).symlink_to(program(name))
    return tmp_path


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not installed"
    return found


def install(machine: Path, name: str, script: str = "#!/bin/bash\nexit 7\n") -> None:
    path = machine / "bin" / name
    path.write_text(script)
    path.chmod(0o755)


def make(machine: Path, *targets: str) -> "subprocess.CompletedProcess[str]":
    apart = {"PATH": str(machine / "bin"), "MAKEFLAGS": "", "MFLAGS": "", "MAKELEVEL": ""}
    return ended_by_itself(program("make"), *targets, variables=apart, cwd=machine)


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ({"curl": "", "python3": A_PYTHON}, "git"),
        ({"git": "", "python3": A_PYTHON}, "curl"),
        ({"python3": A_PYTHON}, "git curl"),
        ({"git": "", "curl": ""}, "python3 python3-venv"),
        ({"git": "", "curl": "", "python3": A_PYTHON_WITHOUT_VENV}, "python3-venv"),
        ({}, "git curl python3 python3-venv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("target", ["setup", "run", "test"])
def test_what_is_missing_is_told_in_one_line(target: str, there: dict[str, str], missing: str, machine: Path) -> None:
    for name, script in there.items():
        install(machine, name, script)
    ended = make(machine, target)
    told, *rest = ended.stderr.splitlines()
    assert told == f"Missing: {missing}. On Debian: sudo apt-get install {missing}"
    assert all(line.startswith("make") for line in rest)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert not (machine / ".venv").exists()


def test_where_nothing_is_missing_the_work_begins(machine: Path) -> None:
    for name in ("git", "curl"):
        install(machine, name)
    install(machine, "python3", A_PYTHON)
    ended = make(machine, "setup")
    assert "Missing" not in ended.stderr
    assert ended.stdout.startswith("Making .venv")
    assert "Error 7" in ended.stderr


def test_make_alone_lists_what_it_can_do_and_does_nothing(machine: Path) -> None:
    before = sorted(machine.rglob("*"))
    ended = make(machine)
    assert (ended.returncode, ended.stderr) == (0, "")
    listed = dict(line.removeprefix("  make ").split(maxsplit=1) for line in ended.stdout.splitlines())
    assert listed.keys() >= {"run", "setup", "test", "check", "toolchains"}
    assert sorted(machine.rglob("*")) == before
