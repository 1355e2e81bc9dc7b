"""A server that takes and answers JSON over HTTP. What it reports instead of an answer is raised.

It may report a failure by its status, or within the JSON of a success. Each kind of server has its own way to write
either, and brings the functions that read them.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import urlsplit

from modelwire_service import __version__
from modelwire_service.errors import ServiceError, UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.answer_json import dumps, loads, read_body
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.http.base import HttpClient, Request, Response
from modelwire_service.upstreams.key_ring import Keys
from modelwire_service.upstreams.redaction import Redactor

RefusalOf = Callable[[int, Mapping[str, str], bytes, Redactor], UpstreamRefused]
"""Reads an answer without success: its status, its headers and its body, which is empty if it did not come whole."""
RefusalIn = Callable[[Any, Mapping[str, str], Redactor], UpstreamRefused | None]
"""Reads the JSON of a success, and its headers: what is reported in the place of an answer, None if nothing is."""

_OWN_HEADERS: Final[Mapping[str, str]] = {
    "user-agent": f"modelwire/{__version__}",
    "accept": "application/json",
    "content-type": "application/json",
}
_NONE: Final[Mapping[str, str]] = {}
_REFUSAL_PATIENCE: Final = 5.0  # seconds for the body; the status says most of it
_SHORT_BODY_BYTES: Final = 64 << 10


class JsonServer:
    """Everything below `base_url`, to which paths are appended after a slash.

    Each request has a key of `keys`, in the headers that `key_headers` makes of it; one that was refused for a limit of
    its key goes out again with the next. `headers`, by lower-case name, go with every request and win over all others.
    `redactor` takes keys, other `secrets` and the address out of what callers are told. The client is closed with the
    server. Raises ValueError if `base_url` is no plain HTTP URL.

    Calls raise what `HttpClient` raises, UpstreamRefused for what the server reports, UpstreamProtocolError for an
    answer that is none, and InvalidRequest for a request that JSON cannot hold.
    """

    def __init__(
        self,
        base_url: str,
        client: HttpClient,
        *,
        keys: Keys,
        key_headers: Callable[[str], Mapping[str, str]],
        headers: Mapping[str, str] = _NONE,
        secrets: Iterable[str] = (),
        refusal_of: RefusalOf,
        refusal_in: RefusalIn,
    ) -> None:
        _refuse_unless_plain(base_url)
        self.root = base_url.rstrip("/")
        self._base_url = base_url
        self._client = client
        self._keys = keys
        self._key_headers = key_headers
        self._headers = headers
        self._secrets = tuple(secrets)
        self._fixed = {key: self._with(key) for key in (None, *keys.secrets)}
        self._redacted = tuple(keys.secrets)
        self._redactor = Redactor([*self._secrets, *self._redacted], base_url)
        self._refusal_of = refusal_of
        self._refusal_in = refusal_in

    async def call(self, method: str, path: str, request: Json | None = None) -> tuple[Json, Mapping[str, str]]:
        """The JSON object of an answer, and its headers."""
        async with aclosing(await self.send(method, path, request)) as response:
            return await self.read_object(response), response.headers

    async def send(self, method: str, path: str, request: Json | None = None) -> Response:
        """A response with a status of success; any other is closed and raised. The caller must `aclose` it."""
        body = b"" if request is None else dumps(request)
        scope = _scope(path, request)
        sent = 0
        while True:
            key = self._keys.key(scope)
            headers = self._fixed.get(key) or self._with(key)
            response = await self._client.send(Request(method, f"{self.root}/{path}", headers, body))
            if 200 <= response.status < 300:
                return response
            sent += 1
            refusal = await self._refusal(response)
            if not self._keys.note(key, scope, refusal) or sent == len(self._keys.secrets):
                raise refusal

    async def read(self, response: Response) -> Any:
        """The JSON of a body."""
        try:
            answer = loads(await read_body(response))
        except UpstreamProtocolError as error:
            content_type = response.headers.get("content-type", "").partition(";")[0]
            told = self.redactor.scrub(content_type)[:100] or "no content type"
            raise UpstreamProtocolError(f"{error.message} (status {response.status}, {told})") from None
        if (refusal := self._refusal_in(answer, response.headers, self.redactor)) is not None:
            raise refusal
        return answer

    async def read_object(self, response: Response) -> Json:
        """The JSON of a body that must be an object."""
        answer = await self.read(response)
        if not isinstance(answer, dict):
            raise UpstreamProtocolError("the upstream answered JSON that is not an object")
        return answer

    @property
    def redactor(self) -> Redactor:
        """Takes out of a message what nobody may be told of the call under way."""
        keys = tuple(self._keys.secrets)
        return self._redactor if keys == self._redacted else Redactor([*self._secrets, *keys], self._base_url)

    async def _refusal(self, response: Response) -> UpstreamRefused:
        async with aclosing(response):
            told = await short_body(response, _REFUSAL_PATIENCE)
        return self._refusal_of(response.status, response.headers, told, self.redactor)

    def _with(self, key: str | None) -> Mapping[str, str]:
        """The headers of a request."""
        return {**_OWN_HEADERS, **(self._key_headers(key) if key else {}), **self._headers}

    async def close(self) -> None:
        await self._client.aclose()


def _scope(path: str, request: Json | None) -> str:
    """What a key may be limited for: the model, which is in the request, or in the path before a verb."""
    model = request.get("model") if request else None
    return model if isinstance(model, str) else path.rpartition(":")[0] or path


async def short_body(response: Response, patience: float) -> bytes:
    """A body that comes whole within `patience` seconds and is short; that of any other is empty."""
    try:
        async with asyncio.timeout(patience):
            return await read_body(response, _SHORT_BODY_BYTES)
    except (ServiceError, TimeoutError):
        return b""


def _refuse_unless_plain(base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an http:// or https:// URL")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("base_url must have no user, query or fragment")
