"""What an OpenAI-compatible server is sent."""

import httpx
import orjson
import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from support.openai_upstream import (
    BASE_URL,
    COMPLETION,
    KEY,
    REQUEST,
    SSE,
    always,
    delta,
    events,
    streamed,
    upstream_of,
)


async def test_a_chat_is_posted_as_it_is_with_our_headers_alone() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=COMPLETION)

    upstream = upstream_of(handler, headers={"OpenAI-Project": "p"})
    await upstream.chat({**REQUEST, "top_k": 4, "stream": False, "stream_options": None})
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", BASE_URL + "/chat/completions")
    assert orjson.loads(request.content) == {**REQUEST, "top_k": 4}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("modelwire/")
    assert set(request.headers) == {
        "host",
        "content-length",
        "accept-encoding",
        "accept",
        "content-type",
        "user-agent",
        "authorization",
        "openai-project",
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
    ],
)
async def test_a_stream_always_asks_for_usage(given: Json | None, sent: Json) -> None:
    seen: list[Json] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(orjson.loads(request.content))
        return httpx.Response(200, headers=SSE, content=events(delta("x", "stop")))

    await streamed(upstream_of(handler), {**REQUEST, "stream_options": given})
    assert seen == [{**REQUEST, "stream": True, "stream_options": sent}]


async def test_without_a_key_no_authorization_is_sent() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        return httpx.Response(200, json=COMPLETION)

    assert await upstream_of(handler, api_key=None).chat(REQUEST) == COMPLETION


@pytest.mark.parametrize("value", [1 << 70, "\ud800"])
async def test_what_json_cannot_hold_is_the_callers_mistake(value: object) -> None:
    with pytest.raises(InvalidRequest):
        await always(lambda: httpx.Response(200)).chat({**REQUEST, "seed": value})


@pytest.mark.parametrize("url", ["", "llm.example.net", "ftp://x/v1", "http://user:pw@x/v1", "http://x/v1?a=b"])
def test_a_base_url_that_is_no_plain_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        upstream_of(lambda _: httpx.Response(200), base_url=url)


def test_the_repr_names_it_and_holds_no_key() -> None:
    assert repr(always(lambda: httpx.Response(200))) == "OpenAIUpstream('mock')"
