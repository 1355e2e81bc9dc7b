"""The Gemini API behind the port of all upstreams."""

from collections.abc import AsyncGenerator
from typing import Any

from modelwire_service.errors import ServiceError
from modelwire_service.upstreams.answer_json import loads
from modelwire_service.upstreams.base import Embeddings, Json, Model
from modelwire_service.upstreams.gemini.answers import Asked, completion
from modelwire_service.upstreams.gemini.embeddings import embeddings
from modelwire_service.upstreams.gemini.errors import refusal_in, refusal_of
from modelwire_service.upstreams.gemini.media import MediaFetcher
from modelwire_service.upstreams.gemini.models import all_models
from modelwire_service.upstreams.gemini.refusals import refuse_embedding_members, refuse_unsupported
from modelwire_service.upstreams.gemini.remote_media import remote_media
from modelwire_service.upstreams.gemini.request import generate_request
from modelwire_service.upstreams.gemini.stream import ChunkMaker
from modelwire_service.upstreams.gemini.wire import Wire, model_path
from modelwire_service.upstreams.http.base import HttpClient
from modelwire_service.upstreams.key_ring import Keys
from modelwire_service.upstreams.sse import SseReader, is_event_stream


class GeminiUpstream:
    """An `Upstream` over the Gemini API, or over whatever speaks it.

    `base_url` is the host, to which the API version is appended. `api_key` is one key, or a source of several. What is
    on the web is refused unless there is `media` to fetch it. Both clients are closed with the upstream. Raises
    ValueError if `base_url` is no plain HTTP URL.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        api_key: str | Keys | None,
        client: HttpClient,
        api_version: str = "v1beta",
        media: MediaFetcher | None = None,
    ) -> None:
        self.name = name
        self._wire = Wire(base_url, api_version, api_key, client)
        self._media = media

    def __repr__(self) -> str:
        return f"GeminiUpstream({self.name!r})"

    async def start(self) -> None:
        """Nothing to do: connections are made when they are needed."""

    async def close(self) -> None:
        await self._wire.close()
        if self._media is not None:
            await self._media.close()

    async def chat(self, request: Json) -> Json:
        path, body = model_path(request["model"]), await self._body(request)
        answer, headers = await self._wire.call("POST", f"{path}:generateContent", body)
        return completion(answer, headers, Asked.by(request))

    async def stream_chat(self, request: Json) -> AsyncGenerator[list[Json]]:
        path, body = model_path(request["model"]), await self._body(request)
        response = await self._wire.send("POST", f"{path}:streamGenerateContent?alt=sse", body)
        try:
            maker = ChunkMaker(response.headers, Asked.by(request))
            if not is_event_stream(response.headers):
                yield _listed(await self._wire.read(response), maker, self._wire)
            else:
                reader = _EventReader(maker, self._wire)
                async for piece in response.pieces():
                    if batch := reader.feed(piece):
                        yield batch
                    reader.raise_failure()
                if batch := reader.close():
                    yield batch
                reader.raise_failure()
            yield maker.end()
        finally:
            await response.aclose()

    async def embed(self, request: Json) -> Embeddings:
        refuse_embedding_members(request)
        return await embeddings(self._wire, request)

    async def list_models(self) -> list[Model]:
        return await all_models(self._wire)

    async def _body(self, request: Json) -> Json:
        refuse_unsupported(request)  # before anything is fetched for it
        remote = list(remote_media(request["messages"], self._wire.files_url))
        media = await self._media.fetched(remote) if remote and self._media is not None else {}
        return generate_request(request, files_url=self._wire.files_url, media=media)


class _EventReader:
    """Reads pieces of an event stream into chunks. What fails is raised after the chunks before it."""

    def __init__(self, maker: ChunkMaker, wire: Wire) -> None:
        self._events = SseReader()
        self._maker = maker
        self._wire = wire
        self._failure: ServiceError | None = None

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def feed(self, piece: bytes) -> list[Json]:
        """The chunks of the events this piece completes."""
        try:
            return self._chunks(self._events.feed(piece))
        except ServiceError as error:
            self._failure = error
            return []

    def close(self) -> list[Json]:
        """The chunks of a last event without an empty line."""
        return self._chunks(self._events.close())

    def _chunks(self, events: list[bytes]) -> list[Json]:
        chunks: list[Json] = []
        try:
            for event in events:
                chunks += self._read(event)
        except ServiceError as error:
            self._failure = error
        if self._events.error is not None and self._failure is None:
            self._failure = refusal_of(0, {}, self._events.error, self._wire.redactor)
        return chunks

    def _read(self, event: bytes) -> list[Json]:
        if event.startswith(b":") or event.strip() == b"[DONE]":  # of proxies; Gemini sends neither
            return []
        return _chunks_of(loads(event), self._maker, self._wire)


def _listed(events: Any, maker: ChunkMaker, wire: Wire) -> list[Json]:
    """The chunks of a stream that came as one JSON array, as proxies send it that drop `alt=sse`."""
    listed = events if isinstance(events, list) else [events]
    return [chunk for event in listed for chunk in _chunks_of(event, maker, wire)]


def _chunks_of(event: Any, maker: ChunkMaker, wire: Wire) -> list[Json]:
    if (refusal := refusal_in(event, {}, wire.redactor)) is not None:
        raise refusal
    return maker.chunks(event)
