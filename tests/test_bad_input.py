"""What bad input gets: the documented status and a message that names the field, in every door that can say it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
import orjson
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from modelwire.v1beta import chat_pb2, embeddings_pb2
from support.programs import Program
from support.scripted_upstream import ScriptedUpstream
from support.stack import MAX_REQUEST_BYTES, Stack

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
HELLO: list[Any] = [{"role": "user", "content": "Hi"}]


def chat(**members: Any) -> dict[str, Any]:
    return {"model": "scripted", "messages": HELLO, **members}


def message(**members: Any) -> dict[str, Any]:
    return chat(messages=[members])


def call_of(**members: Any) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}, **members}


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f"}}


@dataclass(frozen=True)
class Bad:
    """A call that both doors can express, the field its error names and what it says."""

    name: str
    request: dict[str, Any]
    field: str
    says: str
    path: str = CHAT


BOTH_DOORS = [
    Bad("no model", {"messages": HELLO}, "model", "is required"),
    Bad("empty model", chat(model=""), "model", "is required"),
    Bad("model with a NUL", chat(model="a\0b"), "model", "unprintable"),
    Bad("overlong model", chat(model="m" * 300), "model", "at most 256 characters"),
    Bad("no messages", {"model": "scripted"}, "messages", "is required"),
    Bad("empty messages", chat(messages=[]), "messages", "is required"),
    Bad("no role", message(content="Hi"), "messages[0].role", "is required"),
    Bad("unknown role", message(role="boss", content="Hi"), "messages[0].role", "must be one of"),
    Bad("role a number", message(role=7, content="Hi"), "messages[0].role", "must be a string"),
    Bad("no content", message(role="user"), "messages[0].content", "is required"),
    Bad("content a number", message(role="user", content=7), "messages[0].content", "a string or a list of parts"),
    Bad("content an empty list", message(role="user", content=[]), "messages[0].content", "must not be empty"),
    Bad(
        "unknown part",
        message(role="user", content=[{"type": "video"}]),
        "messages[0].content[0].type",
        "video",
    ),
    Bad(
        "image without url",
        message(role="user", content=[{"type": "image_url", "image_url": {}}]),
        "messages[0].content[0].image_url.url",
        "is required",
    ),
    Bad(
        "tool result without a call",
        chat(messages=[*HELLO, {"role": "tool", "tool_call_id": "call_9", "content": "4"}]),
        "messages[1].tool_call_id",
        "earlier assistant message",
    ),
    Bad(
        "tool call without a name",
        chat(messages=[*HELLO, {"role": "assistant", "tool_calls": [call_of(function={"arguments": "{}"})]}]),
        "messages[1].tool_calls[0].function.name",
        "is required",
    ),
    Bad("n negative", chat(n=-1), "n", "between 1 and 128"),
    Bad("n zero", chat(n=0), "n", "between 1 and 128"),
    Bad("n too large", chat(n=129), "n", "between 1 and 128"),
    Bad("temperature too high", chat(temperature=3), "temperature", "must be between 0 and 2"),
    Bad("temperature negative", chat(temperature=-0.1), "temperature", "must be between 0 and 2"),
    Bad("temperature NaN", chat(temperature="NaN"), "temperature", "must be between 0 and 2"),
    Bad("top_p zero", chat(top_p=0), "top_p", "above 0"),
    Bad("top_p above one", chat(top_p=1.5), "top_p", "at most 1"),
    Bad("presence_penalty", chat(presence_penalty=2.5), "presence_penalty", "between -2 and 2"),
    Bad("frequency_penalty", chat(frequency_penalty=-3), "frequency_penalty", "between -2 and 2"),
    Bad("logit_bias too large", chat(logit_bias={"50256": 101}), "logit_bias.50256", "between -100 and 100"),
    Bad("max_tokens zero", chat(max_tokens=0), "max_tokens", "at least 1"),
    Bad("max_completion_tokens negative", chat(max_completion_tokens=-5), "max_completion_tokens", "at least 1"),
    Bad("stop of numbers", chat(stop=[1, 2]), "stop[0]", "must be a string"),
    Bad("stop an object", chat(stop={"a": 1}), "stop", "a string or a list of strings"),
    Bad("top_logprobs alone", chat(top_logprobs=3), "top_logprobs", "requires logprobs"),
    Bad("top_logprobs too many", chat(logprobs=True, top_logprobs=21), "top_logprobs", "between 0 and 20"),
    Bad(
        "include_usage without a stream",
        chat(stream_options={"include_usage": True}),
        "stream_options",
        "requires stream",
    ),
    Bad(
        "tool of another type",
        chat(tools=[{**TOOL, "type": "shell"}]),
        "tools[0].type",
        "must be function, not 'shell'",
    ),
    Bad("tool without a function", chat(tools=[{"type": "function"}]), "tools[0].function", "is required"),
    Bad(
        "tool with a bad name",
        chat(tools=[{**TOOL, "function": {"name": "a b"}}]),
        "tools[0].function.name",
        "letters, digits",
    ),
    Bad("two tools of one name", chat(tools=[TOOL, TOOL]), "tools[1].function.name", "must be unique; tools[0]"),
    Bad("tool_choice unknown", chat(tools=[TOOL], tool_choice="maybe"), "tool_choice", "none, auto, required"),
    Bad("tool_choice without tools", chat(tool_choice="required"), "tool_choice", "requires tools"),
    Bad(
        "tool_choice of no tool",
        chat(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "g"}}),
        "tool_choice.function.name",
        "must be one of the tools, not 'g'",
    ),
    Bad(
        "response_format unknown",
        chat(response_format={"type": "xml"}),
        "response_format.type",
        "text, json_object, json_schema",
    ),
    Bad(
        "json_schema without one",
        chat(response_format={"type": "json_schema"}),
        "response_format.json_schema",
        "is required",
    ),
    Bad("modalities unknown", chat(modalities=["smell"]), "modalities[0]", "text, audio, image"),
    Bad("metadata of numbers", chat(metadata={"a": 1}), "metadata.a", "must be a string"),
    Bad("unknown model", chat(model="scripted2"), "model", "Did you mean scripted?"),
    Bad("no input", {"model": "scripted"}, "input", "is required", EMBEDDINGS),
    Bad("input of tokens", {"model": "scripted", "input": [1, 2]}, "input", "token ids", EMBEDDINGS),
    Bad("input of token lists", {"model": "scripted", "input": [[1], [2]]}, "input", "token ids", EMBEDDINGS),
    Bad("empty text", {"model": "scripted", "input": ["a", ""]}, "input[1]", "must not be empty", EMBEDDINGS),
    Bad("no texts", {"model": "scripted", "input": []}, "input", "must not be empty", EMBEDDINGS),
    Bad(
        "encoding_format unknown",
        {"model": "scripted", "input": "a", "encoding_format": "hex"},
        "encoding_format",
        "float, base64",
        EMBEDDINGS,
    ),
    Bad(
        "dimensions zero", {"model": "scripted", "input": "a", "dimensions": 0}, "dimensions", "at least 1", EMBEDDINGS
    ),
]


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


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.mark.parametrize("bad", BOTH_DOORS, ids=lambda bad: bad.name)
async def test_rest_names_the_field_and_the_reason(
    bad: Bad, stack: Stack, backend: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    response = await client.post(stack.url(backend) + bad.path, json=bad.request)
    error = response.json()["error"]
    unknown_model = bad.name == "unknown model"
    assert (response.status_code, error["code"]) == ((404, 404) if unknown_model else (400, 400))
    assert error["status"] == ("NOT_FOUND" if unknown_model else "INVALID_ARGUMENT")
    assert error["type"] == "invalid_request_error"
    assert error["param"] == bad.field
    assert error["message"].startswith(f"{bad.field}: ")
    assert bad.says in error["message"]
    assert upstream.seen == []


@pytest.mark.parametrize("bad", BOTH_DOORS, ids=lambda bad: bad.name)
async def test_grpc_says_the_same(
    bad: Bad, stack: Stack, backend: str, client: httpx.AsyncClient, upstream: ScriptedUpstream
) -> None:
    response = await client.post(stack.url(backend) + bad.path, json=bad.request)
    told = response.json()["error"]
    error = await grpc_error(stack.grpc_address, bad.path, wire_of(bad))
    assert (error.code().name, error.details()) == (told["status"], told["message"])
    fields = [violation.field for violation in violations(error)]
    assert fields[0] == bad.field
    listed = next(detail for detail in told["details"] if "fieldViolations" in detail)
    assert fields == [violation.get("field", "") for violation in listed["fieldViolations"]]
    assert upstream.seen == []


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


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        pytest.param(b"\x0a\x05ab", "malformed", id="truncated"),
        pytest.param(b"\xff" * 20, "malformed", id="noise"),
        pytest.param(b"\x0a\x02\xff\xfe", "UTF-8", id="a string that is not UTF-8"),
    ],
)
async def test_grpc_bytes_that_are_no_message(wire: bytes, says: str, stack: Stack) -> None:
    error = await grpc_error(stack.grpc_address, CHAT, wire)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert says in error.details()


async def test_grpc_depth_200(stack: Stack) -> None:
    value = b"\x1a\x01x"
    for _ in range(200):
        struct = b"\x0a" + length(b"\x0a\x01a\x12" + length(value))
        value = b"\x2a" + length(struct)
    request = b"\x0a\x08scripted\x12" + length(b"\x0a" + length(b"\x0a\x01a\x12" + length(value)))
    error = await grpc_error(stack.grpc_address, CHAT, request)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("messages[0].")


async def test_grpc_message_over_the_limit(stack: Stack) -> None:
    error = await grpc_error(stack.grpc_address, CHAT, b"\x0a" + length(b"m" * (MAX_REQUEST_BYTES + 1)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def megabytes(count: int) -> dict[str, Any]:
    """A call of an embedded model with a text of `count` MiB, and a temperature that is refused."""
    said = [{"role": "user", "content": "x" * (count * 2**20)}]
    return {"model": "smollm2-135m-instruct", "messages": said, "temperature": 3}


@pytest.mark.parametrize(
    ("size", "status", "says"), [(20, 400, "temperature: must be between 0 and 2"), (33, 413, "33554432")]
)
async def test_rest_reads_32_mebibytes_where_nothing_else_is_configured(
    size: int, status: int, says: str, embedded_url: str, client: httpx.AsyncClient
) -> None:
    response = await client.post(embedded_url + CHAT, json=megabytes(size))
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, status)
    assert says in error["message"]


@pytest.mark.parametrize(
    ("size", "code", "says"),
    [
        (20, grpc.StatusCode.INVALID_ARGUMENT, "temperature: must be between 0 and 2"),
        (33, grpc.StatusCode.RESOURCE_EXHAUSTED, "33554432"),
    ],
    ids=["20", "33"],
)
async def test_grpc_reads_32_mebibytes_where_nothing_else_is_configured(
    size: int, code: grpc.StatusCode, says: str, server: Program
) -> None:
    wire = json_format.ParseDict(megabytes(size), chat_pb2.ChatCompletionsRequest()).SerializeToString()
    error = await grpc_error(server.grpc_address, CHAT, wire)
    assert error.code() is code
    assert says in error.details()


async def test_an_overflow_member_that_bears_a_declared_name(stack: Stack) -> None:
    request = chat_pb2.ChatCompletionsRequest(model="scripted")
    request.messages.add().update({"role": "user", "content": "Hi"})
    request.extra_fields.update({"temperature": 1})
    error = await grpc_error(stack.grpc_address, CHAT, request.SerializeToString())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "extra_fields.temperature" in error.details()


async def test_many_violations_stay_within_what_metadata_can_carry(
    stack: Stack, backend: str, client: httpx.AsyncClient
) -> None:
    request = chat(messages=[{"role": "x" * 60, "content": "Hi"}] * 500)
    response = await client.post(stack.url(backend) + CHAT, json=request)
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["param"] == "messages[0].role"
    assert "more" in error["message"]
    assert len(response.content) < 12_000


def wire_of(bad: Bad) -> bytes:
    """The request in wire form, as a stub would send it."""
    request: Message = (
        embeddings_pb2.GenerateEmbeddingsRequest() if bad.path == EMBEDDINGS else chat_pb2.ChatCompletionsRequest()
    )
    return json_format.ParseDict(bad.request, request).SerializeToString()


async def grpc_error(address: str, path: str, wire: bytes) -> grpc.aio.AioRpcError:
    """The error a call ends with; sends `wire` as it is."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        if path == EMBEDDINGS:
            call = channel.unary_unary("/modelwire.v1beta.EmbeddingService/GenerateEmbeddings")(wire)
        else:
            call = channel.unary_stream("/modelwire.v1beta.ChatService/ChatCompletions")(wire).read()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call
    return raised.value


def violations(error: grpc.aio.AioRpcError) -> list[Any]:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                request = error_details_pb2.BadRequest()
                if detail.Unpack(request):
                    return list(request.field_violations)
    raise AssertionError("the error names no field")


def length(payload: bytes) -> bytes:
    """`payload` behind its length as a varint."""
    size, prefix = len(payload), b""
    while size > 127:
        prefix += bytes([size & 127 | 128])
        size >>= 7
    return prefix + bytes([size]) + payload
