"""Any OpenAI-compatible server as an upstream. What its vendor does differently is repaired by its profile."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from modelwire_service import __version__
from modelwire_service.errors import ServiceError, UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.answer_json import (
    MAX_ANSWER_BYTES,
    as_int,
    checked_choices,
    choice_index,
    dumps,
    loads,
    read_body,
)
from modelwire_service.upstreams.base import Embeddings, Json, Model
from modelwire_service.upstreams.errors import broken_choice, failure_in, refusal, refusal_of
from modelwire_service.upstreams.http.base import HttpClient, Request, Response
from modelwire_service.upstreams.openai.answers import ChunkRepair, repaired_completion
from modelwire_service.upstreams.openai.embeddings import embeddings_of, joined
from modelwire_service.upstreams.openai.folding import Folder, unfolded
from modelwire_service.upstreams.openai.profiles import PLAIN, Profile
from modelwire_service.upstreams.openai.requests import request_repair
from modelwire_service.upstreams.openai.stream import ChunkReader
from modelwire_service.upstreams.redaction import Redactor

_MAX_ERROR_BYTES = 64 << 10
_ERROR_BODY_PATIENCE = 5.0  # seconds; the status says most of it
_TAIL_PATIENCE = 0.25  # seconds from [DONE] to the end of the body, which keeps the connection usable


class OpenAIUpstream:
    """An `Upstream` over an OpenAI-compatible server.

    `base_url` is what paths such as `/chat/completions` are appended to. `headers` go with every request,
    beside the key. `profile` switches the repairs on that the server needs. The client is closed with the upstream.
    Raises ValueError if `base_url` is no plain HTTP URL.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        api_key: str | None,
        client: HttpClient,
        headers: Mapping[str, str] | None = None,
        profile: Profile = PLAIN,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be an http:// or https:// URL")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("base_url must have no user, query or fragment")
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._client = client
        self._headers = _headers(api_key, headers or {})
        self._redactor = Redactor([api_key or "", *_long_values(headers or {})], base_url)
        self._embedding_format = "base64"
        self._profile = profile
        self._repair_request = request_repair(profile)
        self._repairs_answers = profile.repairs_answers

    def __repr__(self) -> str:
        return f"OpenAIUpstream({self.name!r})"

    async def start(self) -> None:
        """Nothing to do: connections are made when they are needed."""

    async def close(self) -> None:
        await self._client.aclose()

    async def chat(self, request: Json) -> Json:
        plain = {key: value for key, value in request.items() if key not in ("stream", "stream_options")}
        response = await self._send("POST", "/chat/completions", self._chat_body(plain))
        try:
            return await (self._folded(response) if _is_stream(response) else self._completion(response))
        finally:
            await response.aclose()

    async def stream_chat(self, request: Json) -> AsyncGenerator[list[Json]]:
        options = {**(request.get("stream_options") or {}), "include_usage": True}
        body = self._chat_body({**request, "stream": True, "stream_options": options})
        response = await self._send("POST", "/chat/completions", body)
        try:
            if not _is_stream(response):
                completion = await self._completion(response)
                with _misshapen_told():
                    chunks = unfolded(completion)
                yield chunks
                return
            reader = self._reader()
            async for piece in response.pieces():
                if batch := reader.feed(piece):
                    yield batch
                if reader.done or reader.failure:
                    break
            if batch := await _ended(reader, response):
                yield batch
            if reader.failure:
                raise reader.failure
        finally:
            await response.aclose()

    async def embed(self, request: Json) -> Embeddings:
        if not self._profile.embeddings_have_user:
            request = {key: value for key, value in request.items() if key != "user"}
        texts, most = request["input"], self._profile.most_texts
        if most is None or len(texts) <= most:
            return await self._embed(request)
        starts = range(0, len(texts), most)
        return joined([await self._embed({**request, "input": texts[start : start + most]}) for start in starts])

    async def _embed(self, request: Json) -> Embeddings:
        asked = self._embedding_format
        try:
            answer = await self._embeddings(request, asked)
        except UpstreamRefused as error:
            if asked == "float" or not _refuses_encoding(error):
                raise
            self._embedding_format = "float"
            answer = await self._embeddings(request, "float")
        return embeddings_of(answer, count=len(request["input"]), model=request["model"])

    async def list_models(self) -> list[Model]:
        response = await self._send("GET", "/models")
        try:
            listed = (await self._object(response)).get("data")
        finally:
            await response.aclose()
        if not isinstance(listed, list):
            raise UpstreamProtocolError("the upstream's list of models is no list")
        return [_model(item) for item in listed if isinstance(item, dict) and isinstance(item.get("id"), str)]

    def _chat_body(self, request: Json) -> bytes:
        return dumps(request if self._repair_request is None else self._repair_request(request))

    def _reader(self) -> ChunkReader:
        return ChunkReader(self._redactor, ChunkRepair(self._profile) if self._repairs_answers else None)

    async def _embeddings(self, request: Json, encoding_format: str) -> Json:
        body = dumps({**request, "encoding_format": encoding_format})
        response = await self._send("POST", "/embeddings", body)
        try:
            return await self._object(response)
        finally:
            await response.aclose()

    async def _send(self, method: str, path: str, body: bytes = b"") -> Response:
        """A response with a status of success; any other is closed and raised."""
        response = await self._client.send(Request(method, self._base_url + path, self._headers, body))
        if 200 <= response.status < 300:
            return response
        try:
            told = await _error_body(response)
        finally:
            await response.aclose()
        raise refusal_of(response.status, response.headers, told, self._redactor)

    async def _object(self, response: Response) -> Json:
        try:
            answer = loads(await read_body(response))
        except UpstreamProtocolError as error:
            told = response.headers.get("content-type", "").partition(";")[0][:100] or "no content type"
            raise UpstreamProtocolError(f"{error.message} (status {response.status}, {told})") from None
        if (failure := failure_in(answer)) is not None:
            raise refusal(failure, self._redactor)
        if not isinstance(answer, dict):
            raise UpstreamProtocolError("the upstream answered JSON that is not an object")
        return answer

    async def _completion(self, response: Response) -> Json:
        completion = await self._object(response)
        for position, choice in enumerate(checked_choices(completion, "message")):
            choice_index(choice, position)
            if (failure := broken_choice(choice)) is not None:
                raise refusal(failure, self._redactor)
        if self._repairs_answers:
            completion = repaired_completion(completion, self._profile)
        if not completion.get("choices"):
            raise UpstreamProtocolError("the upstream answered no choices")
        return completion

    async def _folded(self, response: Response) -> Json:
        reader, folder, size = self._reader(), Folder(), 0
        async for piece in response.pieces():
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise UpstreamProtocolError(f"the upstream's answer is over {MAX_ANSWER_BYTES} bytes")
            with _misshapen_told():
                folder.add(reader.feed(piece))
            if reader.done or reader.failure:
                break
        rest = await _ended(reader, response)
        if reader.failure:
            raise reader.failure
        with _misshapen_told():
            folder.add(rest)
            return folder.completion()


async def _ended(reader: ChunkReader, response: Response) -> list[Json]:
    """The chunks left over at the end. After [DONE], reads on to the end of the body if that is near."""
    if not reader.done:
        return [] if reader.failure else reader.close()
    try:
        async with asyncio.timeout(_TAIL_PATIENCE):
            await read_body(response, _MAX_ERROR_BYTES)
    except (ServiceError, TimeoutError):
        await response.aclose()
    return []


async def _error_body(response: Response) -> bytes:
    try:
        async with asyncio.timeout(_ERROR_BODY_PATIENCE):
            return await read_body(response, _MAX_ERROR_BYTES)
    except (ServiceError, TimeoutError):
        return b""


@contextmanager
def _misshapen_told() -> Iterator[None]:
    """What walking JSON of another shape raises, told as the upstream's fault."""
    try:
        yield
    except (AttributeError, TypeError, ValueError):
        raise UpstreamProtocolError("the upstream answered what is no chat completion") from None


def _is_stream(response: Response) -> bool:
    return response.headers.get("content-type", "").lstrip().lower().startswith("text/event-stream")


def _headers(api_key: str | None, more: Mapping[str, str]) -> dict[str, str]:
    own = {
        "user-agent": f"modelwire/{__version__}",
        "accept": "application/json",
        "content-type": "application/json",
    }
    if api_key:
        own["authorization"] = f"Bearer {api_key}"
    return own | {name.lower(): value for name, value in more.items()}


def _refuses_encoding(error: UpstreamRefused) -> bool:
    return error.http_status in (400, 422) and "encoding_format" in f"{error.param} {error.message}"


def _long_values(headers: Mapping[str, str]) -> list[str]:
    """Values that may be credentials; shorter ones are flags and numbers, found in any message."""
    return [value for value in headers.values() if len(value) >= 8]


def _model(item: Json) -> Model:
    owner = item.get("owned_by")
    return Model(item["id"], max(as_int(item.get("created")), 0), owner if isinstance(owner, str) else "")
