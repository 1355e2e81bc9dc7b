"""Every example runs and prints a reply."""

import re
import sys
from pathlib import Path

import pytest
from support.commands import run
from support.programs import Program

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = {
    "chat_fetch.mjs": ("node", r"\S.*\n"),
    "chat_grpc.py": (
        "python",
        r"(model: \S+\n){2}reply: \S.*\nstream: \S.*\nerror: INVALID_ARGUMENT: temperature.*\nfield: temperature\n",
    ),
    "chat_http_client.py": ("python", r"\S.*\n"),
    "chat_net_http.rb": ("ruby", r"\S.*\n"),
    "chat_requests.py": ("python", r"\S.*\n"),
}


@pytest.fixture
def python() -> str:
    return sys.executable


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_a_reply(name: str, server: Program, request: pytest.FixtureRequest) -> None:
    interpreter, reply = EXAMPLES[name]
    variables = {"MODELWIRE_URL": server.url, "MODELWIRE_GRPC_ADDRESS": server.grpc_address}
    printed = run(request.getfixturevalue(interpreter), str(FOLDER / name), variables=variables)
    assert re.fullmatch(reply, printed, re.DOTALL)


def test_every_example_is_run_and_listed() -> None:
    there = {path.name for path in FOLDER.iterdir() if path.name != "README.md"}
    listed = re.findall(r"^\| `(.+?)`", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert there == set(EXAMPLES) == set(listed)
