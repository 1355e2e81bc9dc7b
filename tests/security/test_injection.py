"""Text of callers and of upstreams stays text: no header, no second line of a log, no command to a terminal."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import orjson
import pytest
import pytest_asyncio
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.sources.descriptors import built_in_services
from support.callers import DOORS, Asked, caller_at, got
from support.guarded import Guarded, answering, guarded
from support.loopback import Peer, listening
from support.raw_http import RawAnswer, connected
from support.scripted_service import ScriptedService
from support.scripted_upstream import answer_json
from support.stack import openai_settings, running_stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

REST = DOORS[1:]
FORGED = "2026-01-01T00:00:00.000Z info call id=forged status=OK"
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+Z (?:debug|info|warning) .*")
ODD = {
    "line feed": f"a\n{FORGED}",
    "carriage return": f"a\r\nset-cookie: a=b\r\n\r\n{FORGED}",
    "NUL": "a\0b",
    "escape": "\x1b[2J\x1b]0;title\x07",
    "escape of eight bits": "\x9b2J",
    "next line": f"a\x85{FORGED}",
    "line separator": f"a\u2028{FORGED}",
    "right to left": "\u202eevil",
    "fields": f'x" status=OK key="somebody" {FORGED}',
    "beyond the basic plane": "\U000e0001tag",
}
OURS = {
    *("date", "content-type", "content-length", "x-request-id", "connection", "transfer-encoding", "x-should-retry"),
    *("cache-control", "x-accel-buffering", "retry-after", "retry-after-ms", "www-authenticate", "allow"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["text", "json"])
async def logging_programs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Guarded, str]]:
    logging = {"MODELWIRE_LOG_LEVEL": "debug", "MODELWIRE_LOG_FORMAT": request.param}
    async with guarded(tmp_path_factory.mktemp(request.param), "--auth", "none", environment=logging) as programs:
        yield programs, request.param


async def posted(address: str, body: Any, path: str = "/v1/chat/completions", *headers: bytes) -> RawAnswer:
    content = orjson.dumps(body)
    head = [f"POST {path} HTTP/1.1".encode(), b"Host: localhost", b"Content-Type: application/json", *headers]
    async with connected(address) as client:
        await client.send(b"\r\n".join([*head, b"Content-Length: %d" % len(content), b"", content]))
        return await client.answer()


def chat(model: str = "cheap-1", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}


def assert_a_line_each(log: str, form: str) -> None:
    """For whoever splits the lines, however they do it."""
    assert log.count("\n") == len(log.splitlines())
    for line in log.splitlines():
        assert line.isprintable()
        assert json.loads(line)["event"] if form == "json" else TEXT_LINE.fullmatch(line)
        assert not line.startswith(FORGED)


@pytest.mark.parametrize("name", ODD)
async def test_what_callers_say_is_one_line_of_the_log_and_no_header(
    name: str, logging_programs: tuple[Guarded, str]
) -> None:
    (programs, form), text = logging_programs, ODD[name]
    answering(programs.upstream)
    before = len(programs.logged())
    for door in REST:
        address = programs.url(door).removeprefix("http://")
        answers = [
            await posted(address, chat(text)),
            await posted(address, chat(messages=[{"role": text, "content": "Hi"}])),
            await posted(address, chat(stream_options={text: 1})),
            await posted(address, chat(), f"/v1/chat/completions?{quote(text)}={quote(text)}"),
            await posted(address, chat(), f"/v1/models/{quote(text)}"),
            await posted(address, chat(), f"/{quote(text)}"),
            await posted(address, chat(), "/v1/chat/completions", b"Grpc-Timeout: " + _header(text)),
            await posted(address, chat(), "/v1/chat/completions", b"X-Request-Id: " + _header(text), b"X: \xff"),
        ]
        for answer in answers:
            assert set(answer.headers) <= OURS
            assert answer.status < 500
    assert (await programs.got("gRPC", {}, Asked(model=text))).failure is not None
    told = programs.logged()[before:]
    assert told.count("\n") >= len(REST) * 5
    assert_a_line_each(programs.logged(), form)


def _header(text: str) -> bytes:
    """The text as far as it can stand in a header: its other characters would end that."""
    return re.sub(rb"[\r\n\0]", b" ", text.encode())


@pytest.mark.parametrize("name", ODD)
async def test_what_upstreams_say_is_one_line_of_the_log_and_no_header(
    name: str, logging_programs: tuple[Guarded, str]
) -> None:
    (programs, form), text = logging_programs, ODD[name]
    answering(programs.upstream)
    programs.upstream.answer = answer_json({"error": {"message": text, "param": text, "code": text}}, 400)
    for door in REST:
        answer = await posted(programs.url(door).removeprefix("http://"), chat())
        assert (answer.status, set(answer.headers) <= OURS) == (400, True)
        assert "\n" not in answer.json["error"]["message"]
    failure = (await programs.got("gRPC", {}, Asked(model="cheap-1"))).failure
    assert failure is not None
    assert not re.search(r"[\r\n\0]", failure.message)
    assert_a_line_each(programs.logged(), form)


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize(
    ("header", "comes_back"),
    [
        (b"X-Request-Id: an-id.of_mine:1", True),
        (b'X-Request-Id: an"id', True),
        (b"X-Request-Id: two words", False),
        (b"X-Request-Id: caf\xc3\xa9", False),
        (b"X-Request-Id: \xc2\x9b2J", False),
        (b"X-Request-Id: " + b"a" * 129, False),
    ],
)
async def test_an_id_comes_back_only_if_it_is_fit_to(
    header: bytes, comes_back: bool, door: str, logging_programs: tuple[Guarded, str]
) -> None:
    programs, _ = logging_programs
    answering(programs.upstream)
    answer = await posted(programs.url(door).removeprefix("http://"), chat(), "/v1/chat/completions", header)
    given = header.removeprefix(b"X-Request-Id: ").decode("latin-1")
    assert answer.status == 200
    assert (answer.headers["x-request-id"] == given) is comes_back


@pytest.mark.parametrize("door", REST)
async def test_metadata_names_nothing_of_http_or_of_the_gateways_own(
    door: str, logging_programs: tuple[Guarded, str]
) -> None:
    programs, _ = logging_programs
    answering(programs.upstream)
    names = ("host", "content-length", "transfer-encoding", "x-request-id", "x-forwarded-for", "grpc-status", "te")
    given = [f"Grpc-Metadata-{name}: 6666".encode() for name in (*names, ":path", "a b", "ü", "grpc-timeout")[:-3]]
    answer = await posted(programs.url(door).removeprefix("http://"), chat(), "/v1/chat/completions", *given)
    assert answer.status in (200, 400)
    assert "6666" not in str(programs.upstream.headers) + str(answer.headers)


RAW_HEADERS = {
    "a length to wait for, not a number": b"retry-after: nan",
    "beyond all numbers": b"retry-after-ms: 1e400",
    "below zero": b"retry-after: -5",
    "a cookie": b"set-cookie: session=planted",
    "our own": b"x-request-id: planted\r\nx-should-retry: planted\r\nwww-authenticate: planted",
    "not ASCII": b"x-odd: \xff\xfe\r\nretry-after: \xe2\x91\xa0",
    "a redirect": b"location: http://planted.example/",
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", RAW_HEADERS)
async def test_headers_of_an_upstream_go_no_further(name: str, door: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        lines = [b"HTTP/1.1 400 Bad Request", b"content-length: 2", b"connection: close", RAW_HEADERS[name], b"", b"{}"]
        await peer.write(b"\r\n".join(lines))

    async with (
        listening(script) as upstream,
        running_stack(openai_settings(upstream.url, models=["m"])) as stack,
    ):
        caller = caller_at(door, stack)
        failure = (await got(caller, Asked(model="m"))).failure
        await caller.aclose()
        assert failure is not None
        assert failure.code == "INVALID_ARGUMENT"
        assert "planted" not in str(failure)
        if door != "gRPC":
            answer = await posted(stack.url(door.removeprefix("REST ")).removeprefix("http://"), chat("m"))
            assert "planted" not in str(answer.headers)
            assert set(answer.headers) <= OURS


@pytest.mark.parametrize("name", ODD)
async def test_a_services_metadata_and_messages_are_no_headers_either(name: str) -> None:
    """Where the service is in the gateway's own process nothing but the gateway looks at what it says."""
    text = ODD[name]

    async def saying(_: bytes, context: Any) -> bytes:
        await context.send_initial_metadata((("x-odd", text), ("x-fine", "fine"), (text, "value")))
        await context.abort(grpc.StatusCode.NOT_FOUND, text, (("x-odd", text),))
        raise AssertionError

    services = built_in_services()
    server = HttpServer(Transcoder(services, LocalBackend([ScriptedService(services, GetModel=saying)])), "127.0.0.1:0")
    await server.start()
    try:
        async with connected(server.address) as client:
            await client.send(b"GET /v1/models/m HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await client.answer()
    finally:
        await server.drain(0)
    assert answer.json["error"]["message"] == text
    assert answer.headers["grpc-metadata-x-fine"] == "fine"
    assert set(answer.headers) <= OURS | {"grpc-metadata-x-fine", "grpc-metadata-x-odd"}
    assert answer.headers.get("grpc-metadata-x-odd", "").isprintable()


async def test_a_service_far_away_cannot_say_more(logging_programs: tuple[Guarded, str]) -> None:
    programs, _ = logging_programs
    async with httpx.AsyncClient(base_url=programs.gateway.url) as http:
        answer = await http.get("/v1/models/a%0d%0aset-cookie:%20a=b")
    assert answer.status_code in (400, 404)
    assert "set-cookie" not in answer.headers
