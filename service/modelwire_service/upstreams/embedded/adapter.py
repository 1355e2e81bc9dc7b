"""The embedded models behind the port of all upstreams."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from modelwire_service.errors import InvalidRequest, UpstreamUnavailable
from modelwire_service.upstreams.base import Batch, Embeddings, Json, Model
from modelwire_service.upstreams.embedded.chat_process import ChatAddress, ChatProcess, ChatServer
from modelwire_service.upstreams.embedded.chat_reply import ReplyStream, merged
from modelwire_service.upstreams.embedded.chat_request import plan_chat, refuse_undeclared
from modelwire_service.upstreams.embedded.chat_worker import MODEL_ID
from modelwire_service.upstreams.embedded.embedder import Embedder, TextEmbedder
from modelwire_service.upstreams.embedded.packages import CHAT_WEIGHTS, EMBEDDING_WEIGHTS, weights_path
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from modelwire_service.upstreams.text_runs import chunks_in

CHAT_MODEL = Model(MODEL_ID, created=1_730_332_800, owned_by="HuggingFaceTB")  # 2024-10-31
EMBEDDING_MODEL = Model("all-minilm-l6-v2", created=1_630_281_600, owned_by="sentence-transformers")  # 2021-08-30
_TAKEN_FOR_EMBEDDINGS = frozenset({"input", "model", "encoding_format", "dimensions", "user"})
_DYING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class EmbeddedModels:
    """Both models, wherever they run."""

    chat: ChatServer
    embedder: TextEmbedder


class EmbeddedUpstream:
    """Answers chat and embeddings with small models on this machine.

    The chat model answers one call at a time; further ones wait for it in their order. It runs in a process of its
    own, the embedding model in this one, unless there are `models` that run elsewhere. Raises UpstreamUnavailable,
    naming what to install, if the packages with the weights are missing.
    """

    def __init__(self, name: str = "embedded", models: EmbeddedModels | None = None) -> None:
        models = models or EmbeddedModels(
            ChatProcess(weights_path(CHAT_WEIGHTS)), Embedder(weights_path(EMBEDDING_WEIGHTS))
        )
        self._name = name
        self._process = models.chat
        self._embedder = models.embedder
        self._client = NativeClient(Timeouts())
        self._server: tuple[ChatAddress, OpenAIUpstream] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def chat_process_id(self) -> int | None:
        """The process of this upstream's that the chat model runs in, if it does."""
        return self._process.pid

    async def start(self) -> None:
        """Starts the chat model's process, in less than a second, then lets the embedding model load behind it."""
        await self._process.ensure_running()
        self._embedder.load_soon()

    async def close(self) -> None:
        await self._process.close()
        await self._client.aclose()
        self._embedder.close()

    async def chat(self, request: Json) -> Json:
        _refuse_model(request, EMBEDDING_MODEL, "embeddings, not chat")
        plan = plan_chat(request)
        return merged([await self._complete(body) for body in plan.bodies()], plan.forced)

    async def stream_chat(self, request: Json) -> AsyncGenerator[list[Json]]:
        _refuse_model(request, EMBEDDING_MODEL, "embeddings, not chat")
        plan = plan_chat(request)
        reply = ReplyStream(plan.forced)
        for body in plan.bodies():
            reply.next_choice()
            async with aclosing(self._stream(body)) as batches:
                async for batch in batches:
                    if chunks := reply.chunks(chunks_in(batch)):
                        yield chunks
        yield [reply.last_chunk()]

    async def embed(self, request: Json) -> Embeddings:
        _refuse_model(request, CHAT_MODEL, "chat, not embeddings")
        if undeclared := list(refuse_undeclared(request, _TAKEN_FOR_EMBEDDINGS)):
            raise InvalidRequest(undeclared)
        vectors, tokens = await self._embedder.embed(request["input"], request.get("dimensions"))
        return Embeddings(vectors, EMBEDDING_MODEL.id, prompt_tokens=tokens, total_tokens=tokens)

    async def list_models(self) -> list[Model]:
        return [CHAT_MODEL, EMBEDDING_MODEL]

    async def _complete(self, body: Json) -> Json:
        server = await self._chat_server()
        try:
            return await server.chat(body)
        except UpstreamUnavailable as error:
            await self._expect_death(error)
        return await (await self._chat_server()).chat(body)

    async def _stream(self, body: Json) -> AsyncGenerator[Batch]:
        for retried in (False, True):
            server = await self._chat_server()
            try:
                async with aclosing(server.stream_chat(body)) as batches:
                    async for batch in batches:
                        yield batch
                return
            except UpstreamUnavailable as error:
                if retried:
                    raise
                await self._expect_death(error)

    async def _chat_server(self) -> OpenAIUpstream:
        address = await self._process.ensure_running()
        if self._server is None or self._server[0] != address:
            server = OpenAIUpstream(self._name, base_url=address.base_url, api_key=address.key, client=self._client)
            self._server = address, server
        return self._server[1]

    async def _expect_death(self, error: UpstreamUnavailable) -> None:
        """After a call that broke: waits a little for the process to end. Raises the error unless a retry is safe.

        A dying process still takes connections for a moment, so the caller is told only when the next call is
        sure to find another one.
        """
        await self._process.ended_within(_DYING_SECONDS)
        if error.sent:
            raise error


def _refuse_model(request: Json, refused: Model, answers: str) -> None:
    if request["model"] == refused.id:
        raise InvalidRequest.of("model", f"{refused.id} answers {answers}")
