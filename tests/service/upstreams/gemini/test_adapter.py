"""The adapter over real sockets, through either HTTP client: what is sent, what comes back, what breaks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from modelwire_service.errors import (
    InvalidRequest,
    ModelNotFound,
    ServiceError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import HttpClient, Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.http.native.client import NativeClient
from support.loopback import Peer, listening
from support.promptness import happens_within_100_ms
from support.scripted_gemini import (
    KEY,
    USAGE,
    ScriptedGemini,
    answer_stream,
    called,
    candidate,
    crlf,
    failure,
)
from support.scripted_upstream import answer_json, answer_never

TIMEOUTS = Timeouts(connect=5, first_byte=10, idle=10)
REQUEST: Json = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "Hi"}]}
CLIENTS: dict[str, Callable[[], HttpClient]] = {
    "aiohttp": lambda: AiohttpClient(TIMEOUTS),
    "httpx": lambda: HttpxClient(TIMEOUTS),
    "native": lambda: NativeClient(TIMEOUTS),
}


@pytest.fixture(params=CLIENTS)
async def upstream(request: pytest.FixtureRequest, gemini: ScriptedGemini) -> AsyncIterator[GeminiUpstream]:
    made = upstream_at(gemini.url, CLIENTS[request.param]())
    yield made
    await made.close()


def upstream_at(url: str, client: HttpClient | None = None, **options: Any) -> GeminiUpstream:
    return GeminiUpstream("g", base_url=url, api_key=KEY, client=client or AiohttpClient(TIMEOUTS), **options)


async def streamed(upstream: GeminiUpstream, request: Json = REQUEST) -> list[Json]:
    return [chunk async for batch in upstream.stream_chat(request) for chunk in batch]


async def collect(upstream: GeminiUpstream, chunks: list[Json]) -> None:
    async for batch in upstream.stream_chat(REQUEST):
        chunks += batch


def text_of(chunks: list[Json]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


# What is sent


async def test_a_chat_goes_to_its_model_with_the_key_in_a_header(
    upstream: GeminiUpstream, gemini: ScriptedGemini
) -> None:
    answer = await upstream.chat(REQUEST)
    assert answer["choices"][0]["message"]["content"] == "Hello."
    [(path, body)] = gemini.seen
    assert path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert KEY not in path
    headers = {name.lower(): value for name, value in gemini.headers[0].items()}
    assert headers["x-goog-api-key"] == KEY
    assert headers["user-agent"].startswith("modelwire/")


async def test_a_stream_is_asked_for_as_events(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_stream(candidate({"text": "Hello."}, finish="STOP", usageMetadata=USAGE))
    first, end, usage = await streamed(upstream, {**REQUEST, "model": "models/gemini-2.5-flash", "stream": True})
    assert gemini.seen[0][0] == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "Hello."}
    assert end["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 5)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("tunedModels/mine", "tunedModels/mine"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("gémini", "models/g%C3%A9mini"),
    ],
)
async def test_a_name_with_a_slash_is_a_path(gemini: ScriptedGemini, model: str, path: str) -> None:
    upstream = upstream_at(gemini.url, api_version="v1alpha")
    await upstream.chat({**REQUEST, "model": model})
    await upstream.close()
    assert gemini.seen[0][0] == f"/v1alpha/{path}:generateContent"


@pytest.mark.parametrize(
    "model", ["../models", "models/../../x", "models/", "/x", "a?b=c", "a#b", "a b", "models//x", "."]
)
async def test_a_name_that_is_no_path_is_no_model(gemini: ScriptedGemini, model: str) -> None:
    upstream = upstream_at(gemini.url)
    with pytest.raises(ModelNotFound):
        await upstream.chat({**REQUEST, "model": model})
    with pytest.raises(ModelNotFound):
        await streamed(upstream, {**REQUEST, "model": model})
    with pytest.raises(ModelNotFound):
        await upstream.embed({"model": model, "input": ["a"]})
    await upstream.close()
    assert gemini.seen == []


@pytest.mark.parametrize("url", ["", "gemini.example", "ftp://x", "http://user:pw@x", "http://x?key=1"])
def test_a_base_url_that_is_no_plain_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        upstream_at(url)


def test_the_repr_names_it_and_holds_no_key() -> None:
    assert repr(upstream_at("http://127.0.0.1:9")) == "GeminiUpstream('g')"


async def test_what_gemini_cannot_do_never_leaves(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    refused = {**REQUEST, "logit_bias": {"1": 1}}
    with pytest.raises(InvalidRequest, match="logit_bias: not supported by Gemini models"):
        await upstream.chat(refused)
    with pytest.raises(InvalidRequest, match="logit_bias"):
        await streamed(upstream, refused)
    assert gemini.seen == []


# Streams


RECORDED = b"".join(
    crlf(event)
    for event in (
        candidate({"text": "Hm.", "thought": True}),
        candidate({"text": "Grüße 🌍"}),
        candidate({**called("f", city="Zürich"), "thoughtSignature": "U0lH"}, called("g")),
        candidate({"text": ""}, finish="STOP", usageMetadata=USAGE),
    )
)


def in_pieces(*pieces: bytes) -> Callable[[Peer], Any]:
    """A script that answers each request with an event stream of these pieces."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.start_chunked("content-type: text/event-stream")
            for piece in pieces:
                if piece:
                    await peer.chunk(piece)
            await peer.write(b"0\r\n\r\n")

    return script


def without_ids(chunks: list[Json]) -> str:
    """The chunks as text, with the random ids of calls made equal."""
    calls = [call for chunk in chunks for c in chunk["choices"] for call in c["delta"].get("tool_calls", ())]
    for call in calls:
        assert call["id"].startswith("call_")
        call["id"] = "call"
    return orjson.dumps(chunks).decode()


async def test_every_split_of_a_stream_reads_alike() -> None:
    cuts = iter(range(len(RECORDED) + 1))

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.start_chunked("content-type: text/event-stream")
            at = next(cuts)
            for piece in (RECORDED[:at], RECORDED[at:]):
                if piece:
                    await peer.chunk(piece)
            await peer.write(b"0\r\n\r\n")

    async with listening(script) as server:
        upstream = upstream_at(server.url)
        seen = {without_ids(await streamed(upstream)) for _ in range(len(RECORDED) + 1)}
        await upstream.close()
    [read] = seen
    assert "Grüße 🌍" in read
    assert '"finish_reason":"tool_calls"' in read


async def test_a_stream_byte_by_byte_reads_alike() -> None:
    async with listening(in_pieces(*[bytes([byte]) for byte in RECORDED])) as server:
        upstream = upstream_at(server.url)
        byte_by_byte = without_ids(await streamed(upstream))
        await upstream.close()
    async with listening(in_pieces(RECORDED)) as server:
        upstream = upstream_at(server.url)
        assert without_ids(await streamed(upstream)) == byte_by_byte
        await upstream.close()


@pytest.mark.parametrize(
    "body",
    [
        RECORDED.replace(b"\r\n", b"\n"),
        RECORDED.replace(b"\r\n", b"\r"),
        b"\xef\xbb\xbf" + RECORDED,
        b": hello\r\n\r\n" + RECORDED.replace(b"data: ", b"data:"),
        b"data: : keepalive\r\n\r\ndata:\r\n\r\n" + RECORDED,
        RECORDED + b"data: [DONE]\r\n\r\n",
        RECORDED.rstrip(),
    ],
    ids=["lf", "cr", "bom", "comment", "keepalive in data", "done", "no last blank line"],
)
async def test_framings_of_proxies_read_alike(body: bytes) -> None:
    async with listening(in_pieces(RECORDED, b"")) as real, listening(in_pieces(body)) as odd:
        one, other = upstream_at(real.url), upstream_at(odd.url)
        assert without_ids(await streamed(one)) == without_ids(await streamed(other))
        await one.close()
        await other.close()


@pytest.mark.parametrize("listed", [True, False])
async def test_a_stream_that_comes_as_json_is_a_stream(
    upstream: GeminiUpstream, gemini: ScriptedGemini, listed: bool
) -> None:
    whole = candidate({"text": "ab"}, finish="STOP")
    gemini.answer = answer_json(
        [candidate({"text": "a"}), candidate({"text": "b"}, finish="STOP")] if listed else whole
    )
    chunks = await streamed(upstream)
    assert text_of(chunks) == "ab"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


MID_STREAM = failure(503, "UNAVAILABLE", "The model is overloaded.")


@pytest.mark.parametrize(
    "event",
    [
        MID_STREAM,
        [MID_STREAM],
        {"error": {"message": "The model is overloaded.", "status": "UNAVAILABLE"}},
        b"event: error\r\ndata: " + orjson.dumps(MID_STREAM) + b"\r\n\r\n",
    ],
    ids=["as it is", "in a list", "without code", "named"],
)
async def test_a_failure_in_mid_stream_is_raised_after_what_came(
    upstream: GeminiUpstream, gemini: ScriptedGemini, event: Any
) -> None:
    gemini.answer = answer_stream(candidate({"text": "Hel"}), event, candidate({"text": "lo"}, finish="STOP"))
    chunks: list[Json] = []
    with pytest.raises(UpstreamRefused, match="overloaded") as raised:
        await collect(upstream, chunks)
    assert text_of(chunks) == "Hel"
    assert raised.value.http_status == 503


@pytest.mark.parametrize(
    "event", [b"data: {broken\r\n\r\n", b"data: 42\r\n\r\n", b'data: {"candidates": 5}\r\n\r\n', b"data: <html>\n\n"]
)
async def test_an_event_nobody_can_read_ends_the_stream(
    upstream: GeminiUpstream, gemini: ScriptedGemini, event: bytes
) -> None:
    gemini.answer = answer_stream(candidate({"text": "a"}), event)
    with pytest.raises(UpstreamProtocolError):
        await streamed(upstream)


async def test_a_stream_that_stops_short_is_an_error(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_stream(candidate({"text": "a"}))
    with pytest.raises(UpstreamProtocolError, match="ended before its answer did"):
        await streamed(upstream)


async def test_a_connection_that_breaks_is_an_error() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.start_chunked("content-type: text/event-stream")
        await peer.chunk(crlf(candidate({"text": "a"}, finish="STOP")))
        peer.reset()

    async with listening(script) as server:
        upstream = upstream_at(server.url)
        with pytest.raises(UpstreamUnavailable):
            await streamed(upstream)
        await upstream.close()


# Leaving


async def test_leaving_before_an_answer_closes_the_connection(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_never()
    for call in (upstream.chat(REQUEST), streamed(upstream), upstream.embed({"model": "m", "input": ["a"]})):
        task = asyncio.ensure_future(call)
        await gemini.called.wait()
        task.cancel()
        await happens_within_100_ms(gemini.left)
        gemini.called.clear()
        gemini.left.clear()


async def test_leaving_in_mid_stream_closes_the_connection(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    async def hold(index: int) -> None:
        if index == 1:
            await asyncio.Event().wait()

    gemini.answer = answer_stream(candidate({"text": "a"}), candidate({"text": "b"}), before_each=hold)
    async with aclosing(upstream.stream_chat(REQUEST)) as batches:
        await anext(batches)
    await happens_within_100_ms(gemini.left)


# Failures


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "name", "told", "code"),
    [
        (400, "INVALID_ARGUMENT", 400, 3),
        (400, "FAILED_PRECONDITION", 400, 3),
        (401, "UNAUTHENTICATED", 401, 16),
        (403, "PERMISSION_DENIED", 403, 7),
        (404, "NOT_FOUND", 404, 5),
        (409, "ABORTED", 409, 10),
        (429, "RESOURCE_EXHAUSTED", 429, 8),
        (499, "CANCELLED", 499, 1),
        (500, "INTERNAL", 500, 14),
        (501, "UNIMPLEMENTED", 501, 12),
        (503, "UNAVAILABLE", 503, 14),
        (504, "DEADLINE_EXCEEDED", 504, 4),
    ],
)
async def test_failures_keep_their_status_and_message(
    gemini: ScriptedGemini, status: int, name: str, told: int, code: int, stream: bool
) -> None:
    upstream = upstream_at(gemini.url)
    gemini.answer = answer_json(
        [failure(status, name, "It is so.")] if stream else failure(status, name, "It is so."), status
    )
    with pytest.raises(UpstreamRefused, match="It is so") as raised:
        await (streamed(upstream) if stream else upstream.chat(REQUEST))
    await upstream.close()
    assert (raised.value.http_status, raised.value.status_code()) == (told, code)


async def test_a_bad_key_is_told_as_one(gemini: ScriptedGemini) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    gemini.answer = answer_json(failure(400, "INVALID_ARGUMENT", "API key not valid.", details=details), 400)
    upstream = upstream_at(gemini.url)
    with pytest.raises(UpstreamRefused, match="API key not valid") as raised:
        await upstream.chat(REQUEST)
    await upstream.close()
    assert raised.value.http_status == 401


@pytest.mark.parametrize(
    ("delay", "header", "seconds"),
    [("12s", None, 12), ("0.5s", None, 0.5), ("12s", "99", 12), ("soon", "7", 7), (None, "7", 7), (None, None, None)],
)
async def test_how_long_to_wait_is_told(
    gemini: ScriptedGemini, delay: str | None, header: str | None, seconds: float | None
) -> None:
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    headers = {"retry-after": header} if header else None
    gemini.answer = answer_json(failure(429, "RESOURCE_EXHAUSTED", "Slowly.", details=details), 429, headers)
    upstream = upstream_at(gemini.url)
    with pytest.raises(UpstreamRefused, match="Slowly") as raised:
        await upstream.chat(REQUEST)
    await upstream.close()
    assert raised.value.retry_after == seconds


async def test_messages_hold_neither_key_nor_address(gemini: ScriptedGemini) -> None:
    message = f"{KEY} refused at {gemini.url}/v1beta/models/x?key={KEY} by AIzaSyAnotherKey0123"
    gemini.answer = answer_json(failure(403, "PERMISSION_DENIED", message), 403)
    upstream = upstream_at(gemini.url)
    with pytest.raises(UpstreamRefused) as raised:
        await upstream.chat(REQUEST)
    await upstream.close()
    assert KEY not in raised.value.message
    assert "127.0.0.1" not in raised.value.message
    assert "AIza" not in raised.value.message


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "answer", [failure(429, "RESOURCE_EXHAUSTED", "Slowly."), [failure(429, "RESOURCE_EXHAUSTED", "Slowly.")]]
)
async def test_a_failure_that_calls_itself_a_success_is_one(gemini: ScriptedGemini, status: int, answer: Any) -> None:
    gemini.answer = answer_json(answer, status)
    upstream = upstream_at(gemini.url)
    for call in (upstream.chat(REQUEST), streamed(upstream)):
        with pytest.raises(UpstreamRefused, match="Slowly") as raised:
            await call
        assert raised.value.http_status == 429
    await upstream.close()


@pytest.mark.parametrize("body", [b"", b"<html>welcome</html>", b"[]", b"5", b'"x"', b"{", b"[5]"])
@pytest.mark.parametrize("content_type", ["application/json", "text/html", "text/event-stream"])
async def test_what_is_no_answer_is_a_protocol_error(body: bytes, content_type: str) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(body, f"content-type: {content_type}")

    async with listening(script) as server:
        upstream = upstream_at(server.url)
        for call in (upstream.chat(REQUEST), streamed(upstream)):
            with pytest.raises(UpstreamProtocolError) as raised:
                await call
            assert "welcome" not in raised.value.message
        await upstream.close()


async def test_silence_is_a_timeout(gemini: ScriptedGemini) -> None:
    gemini.answer = answer_never()
    upstream = upstream_at(gemini.url, AiohttpClient(Timeouts(first_byte=0.05)))
    with pytest.raises(UpstreamTimeout):
        await upstream.chat(REQUEST)
    await upstream.close()


async def test_nobody_there_is_told_as_not_sent() -> None:
    upstream = upstream_at("http://127.0.0.1:1")
    with pytest.raises(UpstreamUnavailable) as raised:
        await upstream.chat(REQUEST)
    assert raised.value.sent is False
    with pytest.raises(ServiceError):
        await upstream.list_models()
    await upstream.close()
