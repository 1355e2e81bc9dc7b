"""What of a request reaches an OpenAI-compatible upstream, and what of its answer comes back."""

import base64
import random
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from aiohttp import web
from support.scripted_upstream import ScriptedUpstream, answer_json
from support.stack import Stack

HELLO = [{"role": "user", "content": "Hi"}]
CHAT = "/v1/chat/completions"


async def test_a_schema_keeps_the_order_of_its_properties(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    names = [f"property_{index}" for index in range(30)]
    random.Random(7).shuffle(names)
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    request = {
        "model": "scripted",
        "messages": HELLO,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
    }
    await client.post(stack.url(backend) + CHAT, json=request)
    (seen,) = upstream.seen
    assert list(seen["tools"][0]["function"]["parameters"]["properties"]) == names
    assert list(seen["response_format"]["json_schema"]["schema"]["properties"]) == names


FAITHFUL: dict[str, Any] = {
    "model": "scripted",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": "What is 2⁶⁴? \x00 🦙", "name": "ann"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "pow", "arguments": '{"base": 2}'},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "18446744073709551616"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "pow",
                "parameters": {
                    "type": "object",
                    "properties": {"base": {"type": "integer", "maximum": 9007199254740991, "minimum": -5}},
                },
                "strict": True,
                "x-note": "unknown to the contract",
            },
            "cache_control": {"type": "ephemeral"},
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "pow"}},
    "stop": ["a", "b"],
    "temperature": 0,
    "top_p": 0.7,
    "n": 2,
    "seed": 9223372036854775807,
    "logit_bias": {"50256": -100},
    "metadata": {"team": "x"},
    "max_completion_tokens": 7,
    "top_k": 40,
    "guided_json": {"z": 1, "a": [1.5, None, True]},
}


async def test_all_that_a_caller_says_reaches_the_upstream(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    await client.post(stack.url(backend) + CHAT, json=FAITHFUL)
    assert upstream.seen == [FAITHFUL]
    assert b'"minimum":-5' in upstream.bodies[0]
    assert b"-5.0" not in upstream.bodies[0]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"topP": 0.5}, {"top_p": 0.5}),
        ({"maxTokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_completion_tokens": 6}),
        ({"stop": None, "toolChoice": None, "temperature": None}, {}),
        ({"stop": "x"}, {"stop": "x"}),
        ({"responseFormat": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        (
            {"response_format": {"type": "jsonSchema", "jsonSchema": {"name": "s"}}},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}},
        ),
        ({"stream": False}, {}),
    ],
)
async def test_what_is_normalised_on_the_way(
    given: dict[str, Any],
    sent: dict[str, Any],
    stack: Stack,
    backend: str,
    upstream: ScriptedUpstream,
    client: httpx.AsyncClient,
) -> None:
    base = {"model": "scripted", "messages": HELLO}
    response = await client.post(stack.url(backend) + CHAT, json=base | given)
    assert response.status_code == 200
    assert upstream.seen == [base | sent]


async def test_what_an_upstream_leaves_out_is_filled_in(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_json({"choices": [{"message": {"content": "Hi."}}], "vendor_note": 1}, status=201)
    response = await client.post(stack.url(backend) + CHAT, json={"model": "scripted", "messages": HELLO})
    answer = response.json()
    assert response.status_code == 200
    assert answer["id"].startswith("chatcmpl-")
    assert answer["created"] > 1_700_000_000
    assert (answer["object"], answer["model"], answer["vendor_note"]) == ("chat.completion", "scripted", 1)
    assert answer["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}
    ]


VECTORS = np.random.default_rng(1).normal(size=(3, 1536)).astype("<f4")


def embeddings_answer(form: str) -> Any:
    """An upstream that always answers in one form, whatever was asked, last vector first."""

    async def answer(_: web.Request, __: dict[str, Any]) -> web.Response:
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(VECTORS[index].tobytes()).decode()
                if form == "base64"
                else [float(x) for x in VECTORS[index]],
            }
            for index in reversed(range(len(VECTORS)))
        ]
        body = {"object": "list", "data": data, "model": "scripted", "usage": {"prompt_tokens": 9, "total_tokens": 9}}
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    return answer


@pytest.mark.parametrize("answered", ["float", "base64"])
@pytest.mark.parametrize("asked", [None, "float", "base64"])
async def test_vectors_come_in_the_form_asked_whatever_the_upstream_sends(
    asked: str | None,
    answered: str,
    stack: Stack,
    backend: str,
    upstream: ScriptedUpstream,
    client: httpx.AsyncClient,
) -> None:
    upstream.answer = embeddings_answer(answered)
    request = {"model": "scripted", "input": ["a", "b", "c"]} | ({"encoding_format": asked} if asked else {})
    answer = (await client.post(stack.url(backend) + "/v1/embeddings", json=request)).json()
    assert (answer["object"], answer["model"], answer["usage"]["prompt_tokens"]) == ("list", "scripted", 9)
    for index, item in enumerate(answer["data"]):
        assert (item["object"], item["index"]) == ("embedding", index)
        vector = item["embedding"]
        numbers = np.frombuffer(base64.b64decode(vector), "<f4") if asked == "base64" else np.array(vector, "<f4")
        np.testing.assert_array_equal(numbers, VECTORS[index])


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        pytest.param(
            answer_json({"error": {"message": "bad stop", "param": "stop"}}, 400), 400, "bad stop", id="object"
        ),
        pytest.param(answer_json([{"error": {"code": 400, "message": "bad"}}], 400), 400, "bad", id="array"),
        pytest.param(answer_json({"message": "flat", "statusCode": "403"}, 403), 403, "flat", id="flat"),
        pytest.param(answer_json({"error": {"message": "in 200"}}), 503, "in 200", id="an error that says 200"),
        pytest.param(answer_json("no object"), 503, "", id="no object"),
        pytest.param(answer_json({"error": {"message": "down"}}, 503), 503, "down", id="503"),
        pytest.param(answer_json({"error": {"message": "who?"}}, 404), 404, "who?", id="404"),
    ],
)
async def test_an_upstreams_errors_in_one_shape(
    answer: Any,
    status: int,
    says: str,
    stack: Stack,
    backend: str,
    upstream: ScriptedUpstream,
    client: httpx.AsyncClient,
) -> None:
    upstream.answer = answer
    response = await client.post(stack.url(backend) + CHAT, json={"model": "scripted", "messages": HELLO})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, status)
    assert says in error["message"]
    assert upstream.url not in response.text
    assert "127.0.0.1" not in response.text


async def test_an_upstream_that_is_not_there(
    stack: Stack, backend: str, upstream: ScriptedUpstream, client: httpx.AsyncClient
) -> None:
    await client.get(stack.url(backend) + "/v1/models")
    await upstream.stop()
    response = await client.post(stack.url(backend) + CHAT, json={"model": "scripted", "messages": HELLO})
    assert response.status_code == 503
    assert response.json()["error"]["details"][0]["reason"] == "UPSTREAM_UNAVAILABLE"
    assert "127.0.0.1" not in response.text
