"""Every command in the README does what it says."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from modelwire_gateway.routing.routes import RouteTable
from modelwire_gateway.sources.descriptors import built_in_services
from modelwire_service.settings import load_settings
from support.commands import run
from support.programs import Program, clean_environment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def commands() -> list[str]:
    """The commands of all `sh` blocks but the two that are run by themselves below."""
    joined = [block for block in blocks("sh") if "make run" not in block]
    return [command for block in joined for command in re.split(r"\n(?=\S)(?!\}')", block.strip())]


def at(server: Program, text: str) -> str:
    """The text with the addresses of a running server in place of the usual ones."""
    return text.replace("127.0.0.1:8080", server.http_address).replace("127.0.0.1:50051", server.grpc_address)


@pytest.mark.parametrize("command", commands())
def test_shell(command: str, server: Program, tmp_path: Path) -> None:
    # A state of its own: a key made here must not be asked for by the server of all other tests.
    variables = {"MODELWIRE_GRPC_ADDRESS": server.grpc_address, "XDG_STATE_HOME": str(tmp_path)}
    printed = run("bash", "-ec", at(server, command), variables=variables, cwd=ROOT)
    assert printed.strip()
    assert '"error"' not in printed


SERVES = "uvicorn.run"


@pytest.mark.parametrize("program", [block for block in blocks("python") if SERVES not in block])
def test_python(program: str, server: Program) -> None:
    assert run(sys.executable, "-c", at(server, program)).strip()


def test_the_library_serves_below_the_path_it_is_mounted_at(server: Program) -> None:
    (program,) = (block for block in blocks("python") if SERVES in block)
    program = at(server, program).replace("port=8000", "port=0")
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.findall(r"http://[0-9.:]+", line)))
        listed = httpx.get(f"{url}/api/v1/models")
        assert (listed.status_code, listed.json()) == (200, httpx.get(f"{server.url}/v1/models").json())
        assert httpx.get(f"{url}/v1/models").status_code == 404
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    path = tmp_path / "modelwire.toml"
    path.write_text(text)
    assert len(load_settings({"config": str(path)}).upstreams) == len(tomllib.loads(text)["upstreams"])


def test_the_error_shown_is_what_both_doors_answer(server: Program) -> None:
    (shown,) = (json.loads(block) for block in blocks("json"))
    hot = {"model": "smollm2-135m-instruct", "messages": [{"role": "user", "content": "Hi"}], "temperature": 3}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=hot)
    assert (answer.status_code, answer.json()) == (400, shown)
    assert list(answer.json()["error"]) == list(shown["error"])


def test_the_routes_shown_are_those_there_are() -> None:
    shown = {
        (rpc, method, path)
        for rpc, method, paths in re.findall(r"^\| `(\w+\.\w+)` \| (\w+) \| (.*) \|$", README, re.MULTILINE)
        for path in re.findall(r"`([^`]+)`", paths)
    }
    routes = RouteTable.from_services(built_in_services()).routes
    assert shown == {
        (
            f"{route.rpc.descriptor.containing_service.name}.{route.rpc.descriptor.name}",
            route.http_method,
            str(route.template).replace("=**", ""),
        )
        for route in routes
    }


def test_the_paths_shown_in_the_tree_exist() -> None:
    tree = next(block for block in blocks("text") if "protos/" in block)
    for path in re.findall(r"^(\w+/\S*)", tree, re.MULTILINE):
        assert (ROOT / path).is_dir(), path


@pytest.fixture
def make_run() -> Iterator["subprocess.Popen[str]"]:
    free_ports = {"MODELWIRE_GRPC_ADDRESS": "127.0.0.1:0", "MODELWIRE_HTTP_ADDRESS": "127.0.0.1:0"}
    process = subprocess.Popen(
        ["make", "run"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env=clean_environment(free_ports),
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def test_make_run_ends_by_printing_a_curl_line_that_works(make_run: "subprocess.Popen[str]") -> None:
    assert make_run.stdout is not None
    line = next(line for line in make_run.stdout if line.startswith("try"))
    answer = json.loads(run(*shlex.split(line.removeprefix("try"))))
    assert answer["choices"][0]["message"]["role"] == "assistant"
