"""A Gemini API on a real port that does what a test tells it, and remembers what it saw."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from aiohttp import web
from support.gemini_schema import schema_errors
from support.scripted_server import Answer, ScriptedServer, answer_framed
from support.scripted_upstream import answer_json

KEY = "AIza-planted-0123456789"
"""The key it wants, in its header and nowhere else."""


class ScriptedGemini(ScriptedServer):
    """Answers calls of models by `answer`, lists `models` two a page. `seen` has the path and query, and the body, of
    each call, checked against Google's types.
    """

    def __init__(self, *models: str) -> None:
        super().__init__(answer_json(ANSWER))
        self.models = list(models or ["models/gemini-2.5-flash"])
        self.seen: list[tuple[str, dict[str, Any]]] = []

    @property
    def last(self) -> dict[str, Any]:
        """The body of the last call."""
        return self.seen[-1][1]

    def routes(self) -> Sequence[web.RouteDef]:
        return web.get("/{version}/models", self._list), web.post("/{call:.*}", self._call)

    async def _list(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        start = int(request.query.get("pageToken", "0"))
        page: dict[str, Any] = {"models": [listed(name) for name in self.models[start : start + 2]]}
        if start + 2 < len(self.models):
            page["nextPageToken"] = str(start + 2)
        return web.json_response(page)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        if (refused := self._refused(request, body)) is not None:
            return refused
        self.seen.append((request.path_qs, body))
        return await self.answered(request, body)

    def _refused(self, request: web.Request, body: Any) -> web.Response | None:
        if request.headers.get("x-goog-api-key") != KEY or "authorization" in request.headers:
            return web.json_response(failure(401, "UNAUTHENTICATED", "no key, or two"), status=401)
        if complaints := schema_errors(body):
            return web.json_response(failure(400, "INVALID_ARGUMENT", "; ".join(complaints)), status=400)
        return None


def listed(name: str) -> dict[str, Any]:
    """A model as the API lists it."""
    return {"name": name, "displayName": "A model", "supportedGenerationMethods": ["generateContent", "embedContent"]}


def failure(code: int, status: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, **more}}


def candidate(*parts: dict[str, Any], finish: str | None = None, **members: Any) -> dict[str, Any]:
    """An answer, or an event, of one candidate."""
    end = {} if finish is None else {"finishReason": finish}
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    return {"candidates": [{**content, **end}], "responseId": "r1", "modelVersion": "gemini-2.5-flash", **members}


def called(name: str, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}}


USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
ANSWER = candidate({"text": "Hello."}, finish="STOP", usageMetadata=USAGE)


def crlf(event: Any) -> bytes:
    """An event in the framing of the real API."""
    return b"data: " + orjson.dumps(event) + b"\r\n\r\n"


def answer_stream(*events: Any, before_each: Callable[[int], Awaitable[Any]] | None = None) -> Answer:
    """Streams events, JSON values or bytes as they are; `before_each(i)` is awaited before the i-th."""
    return answer_framed(crlf, events, before_each)


def answer_in_turn(*answers: Answer) -> Answer:
    """Each call gets the next of some answers."""
    left = iter(answers)

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await next(left)(request, body)

    return answer
