"""modelwire in front of aimock and llmock, speaking the Gemini API and OpenAI's: what they do, and what goes wrong.

Answers are read as they come and checked against the schema of OpenAI's. A fault before the answer is a status, one
within it an event at its end; either comes in time, and lets go of the server.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from modelwire_service.upstream_settings import UpstreamSettings
from support.conversing import Kind
from support.llmock_server import llmock_listening
from support.mock_servers import Aimock, Llmock, MockServer, aimock_listening
from support.openai_answers import broken_off, chunks_of, completion_of, error_of
from support.programs import running
from support.relay import Relay, relaying
from support.stack import running_stack

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Of a city.", "parameters": CITY}}
SHORT_TIMES = {"first_byte_timeout": 1, "idle_timeout": 0.5}
EITHER_KIND = pytest.mark.parametrize("kind", ["gemini", "openai"])
EITHER_WAY = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@dataclass(frozen=True)
class Meeting:
    """modelwire before a mock server, and what lies between the two."""

    server: MockServer
    http: httpx.AsyncClient
    relay: Relay

    async def ask(self, behave: str, **fields: Any) -> httpx.Response:
        messages = [{"role": "user", "content": await self.server.will(behave)}]
        return await self.say(messages, **fields)

    async def say(self, messages: list[Any], **fields: Any) -> httpx.Response:
        asked = {"model": "gemini-2.5-flash", "messages": messages, **fields}
        return await self.http.post("/v1/chat/completions", json=asked)


@pytest.fixture(scope="module")
def started_aimock() -> Iterator[Callable[[str], Aimock]]:
    """Gives the one aimock of this file, by the Node that is to run it."""
    with ExitStack() as stack:
        yield cache(lambda node: stack.enter_context(aimock_listening(node)))


@pytest.fixture(scope="module")
def llmock() -> Iterator[Llmock]:
    with llmock_listening() as url:
        yield Llmock(url)


@pytest.fixture
def aimock(started_aimock: Callable[[str], Aimock], node: str) -> Aimock:
    return started_aimock(node)


@asynccontextmanager
async def met(server: MockServer, kind: Kind) -> AsyncIterator[Meeting]:
    """Over the longest way there is: REST, the remote backend, gRPC."""
    async with relaying(server.url) as relay:
        settings = {"name": "mock", "api_key": "mock-key", **server.upstream(kind, relay.url), **SHORT_TIMES}
        async with (
            running_stack(UpstreamSettings.model_validate(settings)) as stack,
            httpx.AsyncClient(base_url=stack.remote_url, timeout=10) as http,
        ):
            yield Meeting(server, http, relay)


@pytest.fixture(params=["aimock", "llmock"])
def server(request: pytest.FixtureRequest) -> MockServer:
    made: MockServer = request.getfixturevalue(request.param)
    return made


@pytest.fixture(params=["gemini", "openai"])
async def meeting(request: pytest.FixtureRequest, server: MockServer) -> AsyncIterator[Meeting]:
    async with met(server, request.param) as meeting:
        yield meeting


async def test_a_chat_is_answered(meeting: Meeting) -> None:
    [choice] = completion_of((await meeting.ask("greet")).content)["choices"]
    assert choice["message"]["content"]
    assert choice["finish_reason"] == "stop"


async def test_a_stream_says_what_the_chat_says(meeting: Meeting) -> None:
    plain = completion_of((await meeting.ask("greet")).content)
    response = await meeting.ask("greet", stream=True, stream_options={"include_usage": True})
    *chunks, last = chunks_of(response.content)
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said == plain["choices"][0]["message"]["content"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert last["choices"] == []


@EITHER_WAY
async def test_two_parallel_calls_and_their_results(meeting: Meeting, streamed: bool) -> None:
    asked: dict[str, Any] = {"tools": [TOOL], "stream": streamed}
    question = {"role": "user", "content": await meeting.server.will("two calls")}
    first = said_in(await meeting.say([question], **asked), streamed)
    calls = first["message"]["tool_calls"]
    assert first["finish_reason"] == "tool_calls"
    assert [orjson.loads(call["function"]["arguments"]) for call in calls] == [{"city": "Oslo"}, {"city": "Lima"}]
    assert len({call["id"] for call in calls}) == 2
    told = [{"role": "tool", "tool_call_id": call["id"], "content": '{"celsius": 4}'} for call in calls]
    second = said_in(await meeting.say([question, first["message"], *told], **asked), streamed)
    assert (second["message"]["content"], second["finish_reason"]) == ("Oslo: 4. Lima: 19.", "stop")


def said_in(response: httpx.Response, streamed: bool) -> Any:
    """The choice of an answer; that of a stream put together as clients do."""
    if not streamed:
        return completion_of(response.content)["choices"][0]
    choices = [chunk["choices"][0] for chunk in chunks_of(response.content)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(c["delta"].get("content") or "" for c in choices),
    }
    calls: list[Any] = []
    for call in (call for choice in choices for call in choice["delta"].get("tool_calls", ())):
        if "id" in call:
            calls.append({**call, "function": dict(call["function"])})
        else:
            calls[-1]["function"]["arguments"] += call["function"]["arguments"]
    if calls:
        message["tool_calls"] = [{key: call[key] for key in call if key != "index"} for call in calls]
    return {"message": message, "finish_reason": choices[-1]["finish_reason"]}


async def test_embeddings_come_in_order(server: MockServer) -> None:
    async with met(server, "openai") as meeting:
        asked = {"model": "text-embedding-3-small", "input": ["a", "b", "a"], "encoding_format": "float"}
        reply = (await meeting.http.post("/v1/embeddings", json=asked)).json()
    assert [item["index"] for item in reply["data"]] == [0, 1, 2]
    first, second, third = (item["embedding"] for item in reply["data"])
    assert (first == third, first == second, len(first)) == (True, False, 1536)


@EITHER_WAY
async def test_a_refusal_is_told_with_its_wait(meeting: Meeting, streamed: bool) -> None:
    response = await meeting.ask("refuse", stream=streamed)
    assert (response.status_code, error_of(response.content)["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert response.headers["retry-after"] == "17"


@EITHER_WAY
async def test_a_failure_is_told(meeting: Meeting, streamed: bool) -> None:
    response = await meeting.ask("fail", stream=streamed)
    assert (response.status_code, error_of(response.content)["status"]) == (503, "UNAVAILABLE")


@EITHER_KIND
@EITHER_WAY
@pytest.mark.parametrize("behave", ["garble", "hang up"])
async def test_an_answer_that_is_none_is_told(aimock: Aimock, kind: Kind, behave: str, streamed: bool) -> None:
    async with met(aimock, kind) as meeting:
        response = await meeting.ask(behave, stream=streamed)
    assert (response.status_code, error_of(response.content)["status"]) == (503, "UNAVAILABLE")


@EITHER_WAY
async def test_a_server_that_is_silent_is_given_up(meeting: Meeting, streamed: bool) -> None:
    response = await meeting.ask("be silent", stream=streamed)
    assert (response.status_code, error_of(response.content)["status"]) == (504, "DEADLINE_EXCEEDED")
    await let_go_by(meeting)


async def test_a_stream_that_stalls_is_given_up(meeting: Meeting) -> None:
    chunks, error = broken_off((await meeting.ask("stall", stream=True)).content)
    assert chunks
    assert (error["code"], error["status"]) == (504, "DEADLINE_EXCEEDED")
    await let_go_by(meeting)


async def let_go_by(meeting: Meeting) -> None:
    """The server has no connection left that waits for it, and is called again as if nothing were."""
    async with asyncio.timeout(1):
        await meeting.relay.quiet.wait()
    [choice] = completion_of((await meeting.ask("greet")).content)["choices"]
    assert choice["message"]["content"]
    assert not meeting.relay.quiet.is_set()  # the connection is kept, and seen to be


async def test_a_stream_that_breaks_off_ends_in_an_error(meeting: Meeting) -> None:
    check_cut_short(await meeting.ask("break off", stream=True))


@EITHER_KIND
@pytest.mark.parametrize("behave", ["end early", "talk nonsense"])
async def test_a_stream_that_is_none_ends_in_an_error(llmock: Llmock, kind: Kind, behave: str) -> None:
    async with met(llmock, kind) as meeting:
        check_cut_short(await meeting.ask(behave, stream=True))


def check_cut_short(response: httpx.Response) -> None:
    chunks, error = broken_off(response.content)
    assert response.status_code == 200
    assert chunks
    assert (error["code"], error["status"]) == (503, "UNAVAILABLE")


def test_the_command_serves_both_servers_by_both_kinds(aimock: Aimock, llmock: Llmock, tmp_path: Path) -> None:
    servers: dict[str, MockServer] = {"aimock": aimock, "llmock": llmock}
    kinds: tuple[Kind, ...] = ("gemini", "openai")
    names = {f"{name}-{kind}": server.upstream(kind, server.url) for name, server in servers.items() for kind in kinds}
    config = tmp_path / "modelwire.toml"
    config.write_text("".join(toml_of({"name": name, "api_key": "mock-key", **names[name]}) for name in names))
    doors = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
    with running("serve", "--config", str(config), *doors) as program, httpx.Client(base_url=program.url) as http:
        for name in names:
            asked = {"model": f"{name}/gemini-2.5-flash", "messages": [{"role": "user", "content": "greet"}]}
            plain = completion_of(http.post("/v1/chat/completions", json=asked).content)
            assert plain["choices"][0]["message"]["content"]
            assert chunks_of(http.post("/v1/chat/completions", json={**asked, "stream": True}).content)


def toml_of(upstream: dict[str, Any]) -> str:
    """An upstream of a configuration file. Strings and lists of them are written in TOML as in JSON."""
    return "[[upstreams]]\n" + "".join(f"{key} = {orjson.dumps(value).decode()}\n" for key, value in upstream.items())
