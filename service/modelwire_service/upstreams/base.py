"""The port behind which models answer. Adapters are its siblings; none of them knows of gRPC."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from modelwire_service.upstreams.text_runs import Batch, Json
from modelwire_service.upstreams.vectors import VectorList

__all__ = ["Batch", "Embeddings", "Json", "Model", "Upstream"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model an upstream serves. `created` in seconds since the Unix epoch, 0 if unknown."""

    id: str
    created: int = 0
    owned_by: str = ""


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector a text, in input order, and the tokens read (None if unknown)."""

    vectors: VectorList
    model: str
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class Upstream(Protocol):
    """Answers chat, embeddings and models.

    Requests are OpenAI's JSON with snake_case names, already validated, with `model` set to the
    upstream's own id; an absent field was not given. Every method raises only errors of
    `modelwire_service.errors`. Cancelling the task that awaits one closes the connection behind it.
    """

    @property
    def name(self) -> str: ...

    async def start(self) -> None:
        """Gets ready to answer; idempotent."""
        ...

    async def close(self) -> None: ...

    async def chat(self, request: Json) -> Json:
        """One `chat.completion` object, in any state of completeness an upstream may leave it in."""
        ...

    def stream_chat(self, request: Json) -> AsyncGenerator[Batch]:
        """Batches of `chat.completion.chunk` objects, or runs of them, as they come; a batch is what arrived together.

        Asks for usage always: a chunk with `usage` may come at the end. Raises UpstreamProtocolError if
        the stream breaks off before a finish reason.
        """
        ...

    async def embed(self, request: Json) -> Embeddings:
        """`request` has `input` (a list of strings) and `model`, and may have `dimensions` and `user`."""
        ...

    async def list_models(self) -> list[Model]: ...
