"""The limit of open files, in processes of their own and where the system does not raise it."""

import resource
import subprocess
import sys

import pytest
from modelwire_service.command_line.open_files import raise_open_file_limit

RAISED = """
import resource
from modelwire_service.command_line.open_files import raise_open_file_limit
raise_open_file_limit()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_process_may_open_as_many_files_as_its_hard_limit_says() -> None:
    limited = ["sh", "-c", 'ulimit -Sn 200 && ulimit -Hn 300 && exec "$@"', "sh"]
    ended = subprocess.run([*limited, sys.executable, "-c", RAISED], capture_output=True, text=True, check=True)
    assert ended.stdout == "(300, 300)\n"


@pytest.mark.parametrize(
    "complaint",
    [
        pytest.param(ValueError("not allowed to raise maximum limit"), id="above what the kernel lets anybody have"),
        pytest.param(ValueError("current limit exceeds maximum limit"), id="infinite"),
        pytest.param(OSError(1, "Operation not permitted"), id="forbidden"),
    ],
)
def test_a_limit_that_cannot_be_raised_stays(complaint: Exception) -> None:
    asked = []

    def refuse(limited: int, limits: tuple[int, int]) -> None:
        asked.append((limited, limits))
        raise complaint

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_open_file_limit(refuse)
    assert asked == [(resource.RLIMIT_NOFILE, (before[1], before[1]))]
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
