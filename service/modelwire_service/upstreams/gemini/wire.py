"""Calls of the Gemini API over HTTP: addresses, the key, failures."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from modelwire_service import __version__
from modelwire_service.errors import ModelNotFound, ServiceError, UpstreamProtocolError
from modelwire_service.upstreams.answer_json import dumps, loads, read_body
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.errors import failure_in, refusal_of_answer, refusal_of_failure
from modelwire_service.upstreams.http.base import HttpClient, Request, Response
from modelwire_service.upstreams.redaction import Redactor

_MAX_ERROR_BYTES: Final = 64 << 10
_ERROR_BODY_PATIENCE: Final = 5.0  # seconds; the status says most of it
_MODEL: Final = re.compile(r"(?!\.)[\w.@:-]+(?:/(?!\.)[\w.@:-]+)*")  # no empty segment, none that begins with a dot


class Wire:
    """One Gemini API. `base_url` is its host. The key goes into a header, and into no URL.

    Raises ValueError if `base_url` is no plain HTTP URL.
    """

    def __init__(self, base_url: str, api_version: str, api_key: str | None, client: HttpClient) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be an http:// or https:// URL")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("base_url must have no user, query or fragment")
        self._root = f"{base_url.rstrip('/')}/{api_version}"
        self._client = client
        self._headers = _headers(api_key)
        self.redactor = Redactor([api_key or ""], base_url)

    @property
    def files_url(self) -> str:
        """Where this API keeps files."""
        return f"{self._root}/files"

    async def send(self, method: str, path: str, request: Json | None = None) -> Response:
        """A response with a status of success; any other is closed and raised."""
        body = b"" if request is None else dumps(request)
        response = await self._client.send(Request(method, f"{self._root}/{path}", self._headers, body))
        if 200 <= response.status < 300:
            return response
        try:
            told = await _error_body(response)
        finally:
            await response.aclose()
        raise refusal_of_answer(response.status, response.headers, told, self.redactor)

    async def call(self, method: str, path: str, request: Json | None = None) -> tuple[Json, Mapping[str, str]]:
        """The JSON object of an answer, and its headers."""
        response = await self.send(method, path, request)
        try:
            answer = await self.read(response)
        finally:
            await response.aclose()
        if not isinstance(answer, dict):
            raise UpstreamProtocolError("the upstream answered JSON that is not an object")
        return answer, response.headers

    async def read(self, response: Response) -> Any:
        """The JSON of a body. Raises the failure it reports, and UpstreamProtocolError for what is no JSON."""
        try:
            answer = loads(await read_body(response))
        except UpstreamProtocolError as error:
            told = response.headers.get("content-type", "").partition(";")[0][:100] or "no content type"
            raise UpstreamProtocolError(f"{error.message} (status {response.status}, {told})") from None
        if (failure := failure_in(answer)) is not None:
            raise refusal_of_failure(failure, self.redactor, response.headers)
        return answer

    async def close(self) -> None:
        await self._client.aclose()


def model_path(model: str) -> str:
    """The path of a model: `models/` is put before a name without a slash. Raises ModelNotFound for what is no path."""
    if not _MODEL.fullmatch(model):
        raise ModelNotFound(model, [])
    return quote(model if "/" in model else f"models/{model}", safe="/@:")


async def _error_body(response: Response) -> bytes:
    try:
        async with asyncio.timeout(_ERROR_BODY_PATIENCE):
            return await read_body(response, _MAX_ERROR_BYTES)
    except (ServiceError, TimeoutError):
        return b""


def _headers(api_key: str | None) -> dict[str, str]:
    headers = {
        "user-agent": f"modelwire/{__version__}",
        "accept": "application/json",
        "content-type": "application/json",
    }
    return headers | {"x-goog-api-key": api_key} if api_key else headers
