"""Every example runs and prints a reply; those that speak REST, over either backend."""

import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from support.commands import run
from support.programs import Program, running

FOLDER = Path(__file__).parent.parent / "examples"
OVER_REST = {
    "chat_fetch.mjs": "node",
    "chat_http_client.py": "python",
    "chat_net_http.rb": "ruby",
    "chat_openai.py": "python",
    "chat_requests.py": "python",
}
OVER_GRPC = "chat_grpc.py"
LANGCHAIN = "chat_langchain.py"
LIBRARY = FOLDER / "library"
TOUR = "tour"
"""tests/clients/test_tours.py runs what is in it."""
ALL_OF_LANGCHAIN = (
    r"reply: \S.*\nstream: \S.*\ntool: In \S.* it is 21 °C\.\nanswer: \S.*\nembeddings: 2 vectors of 384 values\n"
)
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


def test_the_langchain_example_prints_all_it_asks_for(langchain_python: str, embedded_url: str) -> None:
    printed = run(langchain_python, str(FOLDER / LANGCHAIN), variables={"MODELWIRE_URL": embedded_url})
    assert re.fullmatch(ALL_OF_LANGCHAIN, printed, re.DOTALL)


def test_a_service_of_ones_own_is_served_by_reflection(python: str) -> None:
    with subprocess.Popen(
        [python, "server.py", "127.0.0.1:0"], cwd=LIBRARY, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            target = server.stdout.readline().split()[1]
            with running("gateway", "--target", target, "--http-address", "127.0.0.1:0") as gateway:
                printed = run("sh", str(LIBRARY / "calls.sh"), variables={"MODELWIRE_URL": gateway.url})
        finally:
            server.terminate()
    put, imported, got, listed, *_, deleted, missing = printed.splitlines()
    assert [orjson.loads(text) for text in (got, listed)] == [emma := orjson.loads(put), [emma]]
    assert (orjson.loads(imported), deleted) == ({"count": 2}, "{}")
    assert "\n\nEmma\n" in printed
    assert orjson.loads(missing)["error"]["status"] == "NOT_FOUND"


def test_every_example_is_run_and_listed() -> None:
    there = {path.name for path in FOLDER.iterdir() if path.name != "README.md"}
    listed = re.findall(r"^\| `(.+?)`", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert there == {*OVER_REST, OVER_GRPC, LANGCHAIN, LIBRARY.name, TOUR} == {name.rstrip("/") for name in listed}
