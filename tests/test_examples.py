"""Every example runs and prints a reply; those that speak REST, over either backend."""

import re
import sys
from pathlib import Path

import pytest
from support.commands import run
from support.programs import Program

FOLDER = Path(__file__).parent.parent / "examples"
OVER_REST = {
    "chat_fetch.mjs": "node",
    "chat_http_client.py": "python",
    "chat_net_http.rb": "ruby",
    "chat_requests.py": "python",
}
OVER_GRPC = "chat_grpc.py"
A_REPLY = r"\S.*\n"
ALL_OF_IT = r"(model: \S+\n){2}reply: \S.*\nstream: \S.*\nerror: INVALID_ARGUMENT: temperature.*\nfield: temperature\n"


@pytest.fixture
def python() -> str:
    return sys.executable


@pytest.mark.parametrize("name", OVER_REST)
def test_an_example_prints_a_reply(name: str, embedded_url: str, request: pytest.FixtureRequest) -> None:
    interpreter = request.getfixturevalue(OVER_REST[name])
    printed = run(interpreter, str(FOLDER / name), variables={"MODELWIRE_URL": embedded_url})
    assert re.fullmatch(A_REPLY, printed, re.DOTALL)


def test_the_grpc_example_prints_all_it_asks_for(python: str, server: Program) -> None:
    printed = run(python, str(FOLDER / OVER_GRPC), variables={"MODELWIRE_GRPC_ADDRESS": server.grpc_address})
    assert re.fullmatch(ALL_OF_IT, printed, re.DOTALL)


def test_every_example_is_run_and_listed() -> None:
    there = {path.name for path in FOLDER.iterdir() if path.name != "README.md"}
    listed = re.findall(r"^\| `(.+?)`", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert there == {*OVER_REST, OVER_GRPC} == set(listed)
