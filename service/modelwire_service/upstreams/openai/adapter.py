"""Any OpenAI-compatible server as an upstream. What its vendor does differently is repaired by its profile."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager

from modelwire_service.errors import UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.answer_json import MAX_ANSWER_BYTES
from modelwire_service.upstreams.base import Batch, Embeddings, Json, Model
from modelwire_service.upstreams.errors import broken_choice, refusal, refusal_in, refusal_of
from modelwire_service.upstreams.http.base import HttpClient, Response
from modelwire_service.upstreams.json_server import JsonServer, short_body
from modelwire_service.upstreams.key_ring import Keys, keys_of
from modelwire_service.upstreams.openai.answer_values import settled_choices
from modelwire_service.upstreams.openai.answers import ChunkRepair, repaired_completion
from modelwire_service.upstreams.openai.embeddings import embeddings_of, joined
from modelwire_service.upstreams.openai.folding import Folder, unfolded
from modelwire_service.upstreams.openai.models import models_of
from modelwire_service.upstreams.openai.profiles import PLAIN, Profile
from modelwire_service.upstreams.openai.requests import request_repair
from modelwire_service.upstreams.openai.stream import ChunkReader
from modelwire_service.upstreams.sse import is_event_stream
from modelwire_service.upstreams.text_runs import chunks_in

_TAIL_PATIENCE = 0.25  # seconds from [DONE] to the end of the body, which keeps the connection usable


class OpenAIUpstream:
    """An `Upstream` over an OpenAI-compatible server.

    `base_url` is what paths such as `/chat/completions` are appended to. `api_key` is one key, or a source of several;
    `headers` go with every request beside it. `profile` switches the repairs on that the server needs. The client is
    closed with the upstream. Raises ValueError if `base_url` is no plain HTTP URL.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        api_key: str | Keys | None,
        client: HttpClient,
        headers: Mapping[str, str] | None = None,
        profile: Profile = PLAIN,
    ) -> None:
        self.name = name
        self._server = JsonServer(
            base_url,
            client,
            keys=keys_of(api_key),
            key_headers=lambda key: {"authorization": f"Bearer {key}"},
            headers={name.lower(): value for name, value in (headers or {}).items()},
            secrets=_long_values(headers or {}),
            refusal_of=refusal_of,
            refusal_in=lambda answer, _, redactor: refusal_in(answer, redactor),
        )
        self._embedding_format = "base64"
        self._profile = profile
        self._repair_request = request_repair(profile)
        self._repairs_answers = profile.repairs_answers

    def __repr__(self) -> str:
        return f"OpenAIUpstream({self.name!r})"

    async def start(self) -> None:
        """Nothing to do: connections are made when they are needed."""

    async def close(self) -> None:
        await self._server.close()

    async def chat(self, request: Json) -> Json:
        if "stream" in request or "stream_options" in request:
            request = {key: value for key, value in request.items() if key not in ("stream", "stream_options")}
        response = await self._server.send("POST", "chat/completions", self._repaired(request))
        try:
            return await (self._folded(response) if is_event_stream(response.headers) else self._completion(response))
        finally:
            await response.aclose()

    async def stream_chat(self, request: Json) -> AsyncGenerator[Batch]:
        options = {**(request.get("stream_options") or {}), "include_usage": True}
        body = self._repaired({**request, "stream": True, "stream_options": options})
        response = await self._server.send("POST", "chat/completions", body)
        try:
            if not is_event_stream(response.headers):
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
            if rest := await _ended(reader, response):
                yield rest
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
        answer, _ = await self._server.call("GET", "models")
        return models_of(answer)

    def _repaired(self, request: Json) -> Json:
        return request if self._repair_request is None else self._repair_request(request)

    def _reader(self) -> ChunkReader:
        return ChunkReader(self._server.redactor, ChunkRepair(self._profile) if self._repairs_answers else None)

    async def _embeddings(self, request: Json, encoding_format: str) -> Json:
        answer, _ = await self._server.call("POST", "embeddings", {**request, "encoding_format": encoding_format})
        return answer

    async def _completion(self, response: Response) -> Json:
        completion = await self._server.read_object(response)
        for choice in settled_choices(completion, "message"):
            if (failure := broken_choice(choice)) is not None:
                raise refusal(failure, self._server.redactor)
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
                folder.add(chunks_in(reader.feed(piece)))
            if reader.done or reader.failure:
                break
        rest = await _ended(reader, response)
        if reader.failure:
            raise reader.failure
        with _misshapen_told():
            folder.add(chunks_in(rest))
            completion = folder.completion()
        settled_choices(completion, "message")  # only the whole of a call tells whether it has a name
        return completion


async def _ended(reader: ChunkReader, response: Response) -> Batch:
    """The chunks left over at the end. After [DONE], reads on to the end of the body if that is near."""
    if not reader.done:
        return [] if reader.failure else reader.close()
    await short_body(response, _TAIL_PATIENCE)
    return []


@contextmanager
def _misshapen_told() -> Iterator[None]:
    """What walking JSON of another shape raises, told as the upstream's fault."""
    try:
        yield
    except (AttributeError, TypeError, ValueError):
        raise UpstreamProtocolError("the upstream answered what is no chat completion") from None


def _refuses_encoding(error: UpstreamRefused) -> bool:
    return error.http_status in (400, 422) and "encoding_format" in f"{error.param} {error.message}"


def _long_values(headers: Mapping[str, str]) -> list[str]:
    """Values that may be credentials; shorter ones are flags and numbers, found in any message."""
    return [value for value in headers.values() if len(value) >= 8]
