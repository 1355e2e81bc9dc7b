"""What becomes of tests that need a program this machine has not."""

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


@pytest.mark.parametrize(
    ("option", "variables", "code", "counts"),
    [
        ([], {"CI": ""}, 0, "1 passed, 2 skipped in"),
        ([], {"CI": "true"}, 1, "1 passed, 2 errors in"),
        (["--require-toolchains"], {"CI": ""}, 1, "1 passed, 2 errors in"),
    ],
    ids=["left out", "failed under CI", "failed on demand"],
)
def test_without_a_program_its_tests_are(
    option: list[str], variables: dict[str, str], code: int, counts: str, tmp_path: Path
) -> None:
    (tmp_path / "test_sample.py").write_text(A_TEST_FILE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.toolchains", *option, "test_sample.py"]
    alone = {"PYTHONPATH": str(TESTS), "PATH": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = ended_by_itself(*command, variables=variables | alone, cwd=tmp_path)
    assert (ended.returncode, ended.stdout.count(LEFT_OUT)) == (code, 1), ended.stdout + ended.stderr
    assert counts in ended.stdout
