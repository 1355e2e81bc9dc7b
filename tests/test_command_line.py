"""The `modelwire` command as a person meets it."""

import asyncio
import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import click
import httpx
import pytest
from google.longrunning import operations_pb2
from modelwire_service import __main__ as commands
from modelwire_service.settings import Settings
from support.commands import ended_by_itself
from support.images import image_of
from support.programs import COMMAND, Program, clean_environment, running
from support.scripted_upstream import DONE, ScriptedUpstream, answer_events, chunk
from support.stack import Stack

FREE = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
NO_UPSTREAM_NEEDED = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return ended_by_itself(COMMAND, *arguments, variables=variables)


def test_start_prints_the_upstreams_and_the_addresses_one_a_line(server: Program) -> None:
    lines = server.printed.splitlines()
    assert lines[0].startswith("upstream  embedded  embedded")
    assert re.fullmatch(r"grpc  127\.0\.0\.1:\d+", lines[1])
    assert re.fullmatch(r"http  127\.0\.0\.1:\d+", lines[2])
    assert "curl" in lines[3]


def test_models_lists_the_models(server: Program) -> None:
    done = run("models", "--address", server.grpc_address)
    assert done.stdout.split() == ["smollm2-135m-instruct", "all-minilm-l6-v2"]


def test_chat_prints_the_reply(server: Program) -> None:
    done = run("chat", "Say hello.", MODELWIRE_GRPC_ADDRESS=server.grpc_address)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["chat", "--address", "127.0.0.1:9", "hi"], "start one with `modelwire serve`"),
        (["models", "--address", "127.0.0.1:9"], "start one with `modelwire serve`"),
        (["serve", "--http-address", "here"], "http_address: must be HOST:PORT"),
        (["serve", "--config", "/nonexistent.toml"], "No such file"),
        (["serve", "--log-level", "loud"], "log_level: "),
        (["check-config", "--config", "/nonexistent.toml"], "No such file"),
        (["serve", "--cors-origin", "https://a/b"], "cors_origins[0]: must be SCHEME://HOST"),
        (["serve", "--unknown-query", "ignore"], "No such option"),
        (["gateway", "--forward-header", "host"], "forwarded_headers[0]: must be of letters"),
        (["gateway", "--error-body", "xml"], "error_body: "),
        (["openapi", "--descriptor-set", "/nonexistent.binpb"], "descriptor_set: /nonexistent.binpb: No such file"),
        (["openapi", "--target", "127.0.0.1:9"], "target: the target does not answer"),
        (["openapi", "--target", "127.0.0.1:9", "--descriptor-set", "a"], "exclude each other"),
        (["openapi", "--output", "/nonexistent/openapi.json"], "No such file"),
        (["fly"], "No such command"),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_chat_with_an_unknown_model_tells_so(server: Program) -> None:
    done = run("chat", "--address", server.grpc_address, "--model", "smollm2", "hi")
    assert done.returncode == 1
    assert "Did you mean smollm2-135m-instruct" in done.stderr


def test_check_config_tells_every_complaint_at_once(tmp_path: Path) -> None:
    path = tmp_path / "modelwire.toml"
    path.write_text(
        "\n".join(
            f'[[upstreams]]\nname = "{name}"\nkind = "openai"\n'
            f'base_url = "http://127.0.0.1:9"\napi_key_env = "NONE_{name}"'
            for name in "ab"
        )
    )
    done = run("check-config", "--config", str(path))
    assert done.returncode == 1
    assert "NONE_a is not set" in done.stderr
    assert "NONE_b is not set" in done.stderr


def test_check_config_shows_what_it_makes() -> None:
    done = run("check-config", GEMINI_API_KEY="planted-key")
    assert done.returncode == 0
    assert "upstream  gemini  gemini  https://generativelanguage.googleapis.com" in done.stdout
    assert "planted-key" not in done.stdout


def test_version_and_help() -> None:
    assert re.fullmatch(r"modelwire \d+\.\d+\.\d+\n", run("--version").stdout)
    told = run("--help").stdout
    assert all(command in told for command in ("serve", "gateway", "models", "chat", "check-config", "openapi"))


def test_the_help_of_the_gateway_says_where_it_learns_what_to_serve() -> None:
    told = " ".join(run("gateway", "--help").stdout.split())
    assert "Without --descriptor-set, the target is asked by server reflection" in told


@pytest.mark.parametrize("command", [commands.serve, commands.gateway], ids=lambda command: str(command.name))
def test_the_help_of_a_server_names_the_variable_of_every_option(command: click.Command) -> None:
    told = " ".join(run(str(command.name), "--help").stdout.split())
    options = [option.name for option in command.params if isinstance(option, click.Option)]
    assert len(options) > 5
    for name in options:
        assert f"[env var: MODELWIRE_{str(name).upper()}]" in told
        assert name in Settings.model_fields


def test_openapi_writes_the_document_that_the_server_serves(server: Program, tmp_path: Path) -> None:
    written = tmp_path / "openapi.json"
    done = run("openapi", "--output", str(written))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    served = httpx.get(f"{server.url}/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert json.loads(written.read_text("utf-8")) == json.loads(run("openapi").stdout) == served.json()


def test_openapi_of_a_running_server_has_the_same_routes_and_words(server: Program) -> None:
    document = json.loads(run("openapi", "--target", server.grpc_address).stdout)
    built_in = json.loads(run("openapi").stdout)
    assert document["paths"] == built_in["paths"]
    assert document["components"]["schemas"] == built_in["components"]["schemas"]


def test_openapi_of_descriptor_sets(tmp_path: Path) -> None:
    image = tmp_path / "operations.binpb"
    image.write_bytes(image_of(operations_pb2.DESCRIPTOR))
    document = json.loads(run("openapi", "--descriptor-set", str(image)).stdout)
    assert document["info"]["title"] == "google.longrunning"
    assert [path for path in document["paths"] if path.startswith("/v1/operations")]


async def test_chat_prints_a_piece_before_the_next_exists(stack: Stack, upstream: ScriptedUpstream) -> None:
    printed = asyncio.Event()

    async def before_each(index: int) -> None:
        if index == 1:
            await printed.wait()

    upstream.answer = answer_events(chunk("one "), chunk("two"), DONE, before_each=before_each)
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "chat", "--address", stack.grpc_address, "--model", "scripted", "Hi"),
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(),
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readexactly(4) == b"one "
            printed.set()
            assert await process.stdout.read() == b"two\n"
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("door", ["--grpc-address", "--http-address"])
def test_a_taken_port_is_told_at_start(door: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", *FREE, door, address, **NO_UPSTREAM_NEEDED)
    assert done.returncode == 1
    assert address.rpartition(":")[2] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_code_0(number: signal.Signals) -> None:
    with running("serve", *FREE, environment=NO_UPSTREAM_NEEDED) as program:
        program.process.send_signal(number)
        assert program.process.wait(timeout=20) == 0


def test_no_http_serves_grpc_alone() -> None:
    with running("serve", "--grpc-address", "127.0.0.1:0", "--no-http", environment=NO_UPSTREAM_NEEDED) as program:
        assert program.grpc_address
        assert not program.http_address


def test_an_upstream_comes_from_a_file_with_its_aliases(tmp_path: Path) -> None:
    path = tmp_path / "modelwire.toml"
    path.write_text(
        'http_address = "127.0.0.1:0"\ngrpc_address = "127.0.0.1:0"\n'
        '[[upstreams]]\nname = "small"\nkind = "embedded"\naliases = { tiny = "all-minilm-l6-v2" }\n'
    )
    with running("serve", "--config", str(path)) as program:
        answer = httpx.post(f"{program.url}/v1/embeddings", json={"model": "tiny", "input": "hi"}).json()
        assert answer["model"] == "all-minilm-l6-v2"
        assert len(answer["data"][0]["embedding"]) == 384


def test_each_call_is_one_json_line_and_none_holds_what_was_said(tmp_path: Path) -> None:
    said = {"model": "all-minilm-l6-v2", "input": "a planted secret"}
    log = tmp_path / "log"
    with log.open("w") as to_log, running("serve", *FREE, "--log-format", "json", stderr=to_log.fileno()) as program:
        httpx.post(f"{program.url}/v1/embeddings", json=said, headers={"x-request-id": "my-id"})
    logged = log.read_text()
    calls = [line for line in map(json.loads, logged.splitlines()) if line["event"] == "call"]
    assert len(calls) == 1
    assert (
        calls[0].items()
        >= {
            "id": "my-id",
            "model": "all-minilm-l6-v2",
            "upstream": "embedded",
            "status": "OK",
            "rpc": "/modelwire.v1beta.EmbeddingService/GenerateEmbeddings",
        }.items()
    )
    assert calls[0]["input_tokens"] > 0
    assert calls[0]["ms"] > 0
    assert "planted" not in logged
