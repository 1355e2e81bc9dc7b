"""What becomes of tests that need a program this machine has not."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.programs import clean_environment

TESTS = Path(__file__).parent
LEFT_OUT = "Tests left out: 2 that need Ruby. `make toolchains` installs what they need."
FEW_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
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
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "support.toolchains", *option, "test_sample.py"],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(TESTS), "PATH": str(tmp_path), **variables} | FEW_PLUGINS),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout.count(LEFT_OUT)) == (code, 1), ended.stdout + ended.stderr
    assert counts in ended.stdout
