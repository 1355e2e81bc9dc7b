"""What `make protos` compares the contract with, in clones of every kind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).parents[1] / "protos"
TOOLS = Path(sys.executable).parent
WHO = ("-c", "user.name=t", "-c", "user.email=t@example.com")


def git(where: Path, *arguments: str) -> None:
    subprocess.run(["git", *WHO, *arguments], cwd=where, check=True, capture_output=True)


def commit(where: Path) -> None:
    git(where, "add", "-A")
    git(where, "commit", "-m", "x", "--allow-empty")


def compared(where: Path) -> "subprocess.CompletedProcess[str]":
    script = [str(TOOLS / "python"), "protos/compare_protos.py"]
    return subprocess.run(script, cwd=where, capture_output=True, text=True, timeout=60)


def remove_a_field(where: Path) -> None:
    path = where / "protos" / "modelwire" / "v1" / "usage.proto"
    kept = [line for line in path.read_text().splitlines() if "int32 total_tokens" not in line]
    path.write_text("\n".join(kept) + "\n")


@pytest.fixture
def main_branch(tmp_path: Path) -> Path:
    """A repository on its branch main, whose contract is this one."""
    where = tmp_path / "origin"
    shutil.copytree(PROTOS, where / "protos", ignore=shutil.ignore_patterns("__pycache__"))
    git(where, "init", "-b", "main")
    commit(where)
    return where


def test_a_field_that_a_branch_removes_is_told(main_branch: Path) -> None:
    git(main_branch, "checkout", "-b", "branch")
    remove_a_field(main_branch)
    commit(main_branch)
    commit(main_branch)
    ended = compared(main_branch)
    assert ended.returncode != 0
    assert 'field "3" with name "total_tokens"' in ended.stdout


def test_a_field_that_the_last_commit_of_main_removes_is_told(main_branch: Path) -> None:
    remove_a_field(main_branch)
    commit(main_branch)
    assert "total_tokens" in compared(main_branch).stdout


@pytest.mark.parametrize("depth", [(), ("--depth", "1")])
def test_a_clone_of_one_branch_alone_is_compared_with_what_it_has(
    depth: tuple[str, ...], main_branch: Path, tmp_path: Path
) -> None:
    git(main_branch, "checkout", "-b", "branch")
    commit(main_branch)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--single-branch", "--branch", "branch", *depth, f"file://{main_branch}", str(clone))
    assert (compared(clone).returncode, compared(clone).stdout) == (0, "")
    remove_a_field(clone)
    assert "total_tokens" in compared(clone).stdout


def test_a_contract_that_grows_passes(main_branch: Path) -> None:
    git(main_branch, "rm", "-r", "protos/modelwire/v1")
    commit(main_branch)
    git(main_branch, "checkout", "-b", "branch")
    git(main_branch, "checkout", "HEAD^", "--", "protos")
    commit(main_branch)
    ended = compared(main_branch)
    assert (ended.returncode, ended.stdout) == (0, "")
