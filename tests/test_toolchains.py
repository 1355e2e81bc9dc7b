"""What becomes of tests that need a program this machine has not."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ended_by_itself

TESTS = Path(__file__).parent
LEFT_OUT = "Tests left out: 2 that need Ruby. `make toolchains` installs what they need."
A_TEST_FILE = """
import pytest

@pytest.mark.parametrize("at", [1, 2])
def test_that_needs_ruby(ruby, at):
    pass

def test_that_needs_nothing():
    pass
"""


A_FILE_LEFT_OUT = """
import pytest

pytest.skip("no such thing here", allow_module_level=True)
"""


@pytest.mark.parametrize(
    ("option", "ci", "code", "counts"),
    [
        ([], "", 0, "1 passed, 2 skipped in"),
        ([], "true", 1, "1 passed, 2 errors in"),
        (["--require-toolchains"], "", 1, "1 passed, 2 errors in"),
    ],
    ids=["left out", "failed under CI", "failed on demand"],
)
def test_without_a_program_its_tests_are(option: list[str], ci: str, code: int, counts: str, tmp_path: Path) -> None:
    ended = outcome_of(A_TEST_FILE, tmp_path, *option, CI=ci)
    assert (ended.returncode, ended.stdout.count(LEFT_OUT)) == (code, 1), ended.stdout + ended.stderr
    assert counts in ended.stdout


@pytest.mark.parametrize(
    ("option", "ci", "code", "says"),
    [
        ([], "", pytest.ExitCode.NO_TESTS_COLLECTED, "1 skipped in"),
        ([], "true", pytest.ExitCode.INTERRUPTED, "1 error in"),
        (["--require-toolchains"], "", pytest.ExitCode.INTERRUPTED, "1 error in"),
    ],
    ids=["left out", "failed under CI", "failed on demand"],
)
def test_a_file_that_skips_itself_is(option: list[str], ci: str, code: int, says: str, tmp_path: Path) -> None:
    ended = outcome_of(A_FILE_LEFT_OUT, tmp_path, *option, CI=ci)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert says in ended.stdout
    assert ("everything is required here" in ended.stdout) == (code == pytest.ExitCode.INTERRUPTED)


def outcome_of(content: str, folder: Path, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """How a run of a test file of that `content` ends, where no program is to be found."""
    (folder / "test_sample.py").write_text(content)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.toolchains", *options, "test_sample.py"]
    alone = {"PYTHONPATH": str(TESTS), "PATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return ended_by_itself(*command, variables=variables | alone, cwd=folder)
