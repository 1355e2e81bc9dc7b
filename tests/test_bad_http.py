"""What a bad request over HTTP gets that no other door can express."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from support.bad_calls import CHAT, chat
from support.scripted_upstream import ScriptedUpstream
from support.stack import MAX_REQUEST_BYTES, Stack


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


@dataclass(frozen=True)
class BadHttp:
    """A request only HTTP can express."""

    name: str
    status: int
    says: str
    method: str = "POST"
    path: str = CHAT
    body: bytes = orjson.dumps(chat())
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    param: str | None = None


REST_ALONE = [
    BadHttp("not JSON", 400, "line 1", body=b'{"model": '),
    BadHttp("no body", 400, "model: is required", body=b"", param="model"),
    BadHttp("spaces alone", 400, "line 1 column 4", body=b"   "),
    BadHttp("a list", 400, "must be an object", body=b"[]"),
    BadHttp("a string", 400, "must be an object", body=b'"hi"'),
    BadHttp("null", 400, "must be an object", body=b"null"),
    BadHttp("invalid UTF-8", 400, "UTF-8", body=b'{"model": "\xff"}'),
    BadHttp("lone surrogate", 400, "surrogate", body=b'{"model": "\\ud800"}'),
    BadHttp("NaN literal", 400, "NaN is not a JSON number", body=b'{"model": "m", "temperature": NaN}'),
    BadHttp("trailing data", 400, "line 1 column 4: Extra data", body=b"{} {}"),
    BadHttp("duplicate key", 400, 'the name "model" comes twice', body=b'{"model": "a", "model": "b"}'),
    BadHttp("both spellings", 400, "beside topP", body=b'{"model": "a", "top_p": 1, "topP": 1}', param="top_p"),
    BadHttp("model a number", 400, "model: must be a string", body=b'{"model": 1}', param="model"),
    BadHttp("messages an object", 400, "messages: must be a list", body=b'{"messages": {}}', param="messages"),
    BadHttp(
        "message a string",
        400,
        "messages[0]: must be an object",
        body=b'{"messages": ["hi"]}',
        param="messages[0]",
    ),
    BadHttp(
        "temperature a word",
        400,
        "temperature: must be a number",
        body=b'{"temperature": "hot"}',
        param="temperature",
    ),
    BadHttp("n a fraction", 400, "n: must be an integer", body=b'{"n": 1.5}', param="n"),
    BadHttp("stream a string", 400, "stream: must be true or false", body=b'{"stream": "yes"}', param="stream"),
    BadHttp(
        "unknown nested field",
        400,
        "stream_options.color: unknown field",
        body=b'{"stream_options": {"color": 1}}',
        param="stream_options.color",
    ),
    BadHttp(
        "depth 200",
        400,
        "a.a: is nested too deeply",
        body=orjson.dumps(chat(messages=[{"role": "user", "content": nested(200)}])),
    ),
    BadHttp("depth 100,000", 400, "nested too deeply", body=b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    BadHttp("query with a body", 400, "no query parameter is taken here", path=CHAT + "?color=red", param="color"),
    BadHttp("wrong content type", 415, "application/json", headers={"content-type": "text/plain"}),
    BadHttp("wrong method", 405, "GET is not allowed here, only POST", method="GET", body=b""),
    BadHttp("wrong method on models", 405, "only GET", method="DELETE", path="/v1/models", body=b""),
    BadHttp("unknown path", 404, "/v1/chat/completions", path="/v1/nowhere"),
    BadHttp("responses", 404, "/v1/chat/completions", path="/v1/responses"),
    BadHttp("completions", 404, "/v1/chat/completions", path="/v1/completions"),
    BadHttp("images", 404, "/v1/chat/completions", path="/v1/images/generations"),
    BadHttp("trailing slash", 404, "no route for POST /v1/chat/completions/", path=CHAT + "/"),
    BadHttp("malformed percent", 400, "malformed percent-encoding", method="GET", path="/v1/models/%zz", body=b""),
    BadHttp("path not UTF-8", 400, "not UTF-8", method="GET", path="/v1/models/%ff", body=b""),
    BadHttp("body on GET", 400, "takes no body", method="GET", path="/v1/models", body=b"{}"),
    BadHttp("bad deadline", 400, "Grpc-Timeout: must be up to 8 digits", headers={"grpc-timeout": "soon"}),
    BadHttp("body over the limit", 413, str(MAX_REQUEST_BYTES), body=b" " * (MAX_REQUEST_BYTES + 1)),
]


@pytest.mark.parametrize("bad", REST_ALONE, ids=lambda bad: bad.name)
async def test_http_alone(
    bad: BadHttp, stack: Stack, backend: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    url = httpx.URL(stack.url(backend)).copy_with(raw_path=bad.path.encode())
    response = await client.request(bad.method, url, content=bad.body, headers=bad.headers)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (bad.status, bad.status)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    assert bad.says in error["message"]
    assert bad.param is None or error["param"] == bad.param
    assert "Traceback" not in response.text
    assert upstream.seen == []


async def test_405_says_what_is_allowed(stack: Stack, backend: str, client: httpx.AsyncClient) -> None:
    response = await client.delete(stack.url(backend) + "/v1/models")
    assert response.headers["allow"] == "GET"
