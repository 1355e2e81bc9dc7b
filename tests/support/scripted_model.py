"""A model to hold a conversation with, behind the Gemini API or OpenAI's.

Offered tools, it calls the first one for two cities at once, and then tells the temperatures it got for them. Asked for
JSON, it gives a verdict. Else it greets. What it answers follows from the request alone: a result counts only if its id
leads to the call it answers, and nothing has to be scripted between the turns of a client in another process.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from support.scripted_gemini import USAGE as GEMINI_USAGE
from support.scripted_gemini import answer_stream, called, candidate
from support.scripted_upstream import COMPLETION, DONE, answer_events, answer_json, chunk

GREETING = ("Hel", "lo.")
VERDICT = ('{"reason": "sun",', ' "mood": "good"}')
CITIES = ("Oslo", "Lima")
SIGNED = {"thoughtSignature": "U0lH"}
"""What the first call of a turn carries behind the Gemini API. Told again without, the real model refuses it."""


@dataclass(frozen=True)
class Turn:
    """What the model says: pieces of text, or calls of a tool, one for each city."""

    texts: tuple[str, ...] = ()
    tool: str = ""


def _turn(tool: str, told: list[str], *, wants_json: bool) -> Turn:
    if told:
        return Turn(texts=tuple(told))
    if tool:
        return Turn(tool=tool)
    return Turn(texts=VERDICT if wants_json else GREETING)


async def answer_as_openai(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """The model behind OpenAI's API."""
    tool = body["tools"][0]["function"]["name"] if body.get("tools") else ""
    wants_json = body.get("response_format", {}).get("type") in ("json_schema", "json_object")
    turn = _turn(tool, _told_to_openai(body["messages"]), wants_json=wants_json)
    if body.get("stream"):
        return await answer_events(*_openai_chunks(turn), DONE)(request, body)
    return await answer_json(_openai_completion(turn))(request, body)


async def answer_as_gemini(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """The model behind the Gemini API."""
    tool = body["tools"][0]["functionDeclarations"][0]["name"] if body.get("tools") else ""
    wants_json = body.get("generationConfig", {}).get("responseMimeType") == "application/json"
    parts = _gemini_parts(_turn(tool, _told_to_gemini(body["contents"]), wants_json=wants_json))
    if request.path.endswith(":streamGenerateContent"):
        end = candidate({"text": ""}, finish="STOP", usageMetadata=GEMINI_USAGE)
        return await answer_stream(*(candidate(part) for part in parts), end)(request, body)
    return await answer_json(candidate(*parts, finish="STOP", usageMetadata=GEMINI_USAGE))(request, body)


def _told_to_openai(messages: list[dict[str, Any]]) -> list[str]:
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    results = {message["tool_call_id"]: message for message in messages if message["role"] == "tool"}
    return [
        _telling(orjson.loads(call["function"]["arguments"]), orjson.loads(results[call["id"]]["content"]))
        for call in calls
    ]


def _told_to_gemini(contents: list[dict[str, Any]]) -> list[str]:
    parts = [part for content in contents for part in content["parts"]]
    calls = [part for part in parts if "functionCall" in part]
    assert all("thoughtSignature" in call for call in calls[:1])
    results = {part["functionResponse"]["id"]: part["functionResponse"] for part in parts if "functionResponse" in part}
    return [
        _telling(call["args"], results[call["id"]]["response"]) for call in (part["functionCall"] for part in calls)
    ]


def _telling(arguments: dict[str, Any], result: dict[str, Any]) -> str:
    return f"{arguments['city']}: {result['celsius']}. "


def _gemini_parts(turn: Turn) -> list[dict[str, Any]]:
    calls = [called(turn.tool, city=city) for city in CITIES] if turn.tool else []
    return [{"text": text} for text in turn.texts] + [call | SIGNED if call is calls[0] else call for call in calls]


def _openai_calls(turn: Turn) -> list[dict[str, Any]]:
    cities = CITIES if turn.tool else ()
    return [
        {
            "id": f"call_{city}",
            "type": "function",
            "function": {"name": turn.tool, "arguments": f'{{"city": "{city}"}}'},
        }
        for city in cities
    ]


def _openai_completion(turn: Turn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(turn.texts) or None}
    if calls := _openai_calls(turn):
        message["tool_calls"] = calls
    return {**COMPLETION, "choices": [{"index": 0, "message": message, "finish_reason": _reason(turn)}]}


def _openai_chunks(turn: Turn) -> Iterator[dict[str, Any]]:
    """The texts one by one; of each call its name, and then its arguments in two pieces; the reason; the usage."""
    yield from (chunk(text) for text in turn.texts)
    for index, call in enumerate(_openai_calls(turn)):
        arguments = call["function"]["arguments"]
        yield _delta({**call, "index": index, "function": {**call["function"], "arguments": ""}})
        for piece in (arguments[:5], arguments[5:]):
            yield _delta({"index": index, "function": {"arguments": piece}})
    yield chunk(finish=_reason(turn))
    yield chunk(choices=[], usage=COMPLETION["usage"])


def _delta(call: dict[str, Any]) -> dict[str, Any]:
    return chunk(choices=[{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}])


def _reason(turn: Turn) -> str:
    return "tool_calls" if turn.tool else "stop"
