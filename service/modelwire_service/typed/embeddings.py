"""EmbeddingService: texts in, vectors out."""

import numpy as np

from modelwire_service.embeddings import Vectors, fractions
from modelwire_service.errors import ServiceError
from modelwire_service.rpc import AsShown
from modelwire_service.typed.field_names import in_v1_fields
from modelwire_service.typed.requests import embeddings_request
from modelwire_service.upstreams.base import Json
from modelwire_service.validation import validate_embeddings


class EmbeddingService:
    """modelwire.v1.EmbeddingService."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    async def create_embeddings(self, request: Json) -> Json:
        """Embeds each input text."""
        asked = embeddings_request(request)
        try:
            asked = validate_embeddings(asked)
            del asked["encoding_format"]
            embeddings = await self._vectors.of(asked)
        except ServiceError as error:
            raise in_v1_fields(error) from error.__cause__
        rows = fractions(embeddings.vectors, np.float32)
        vectors = embeddings.vectors if rows is None else rows
        counts = {"promptTokens": embeddings.prompt_tokens, "totalTokens": embeddings.total_tokens}
        answer = {
            # proto3's JSON has no 0 where that is as good as nothing.
            "embeddings": [{**({"index": at} if at else {}), "values": vector} for at, vector in enumerate(vectors)],
            "model": embeddings.model,
            "usage": {name: count for name, count in counts.items() if count},
        }
        return answer if rows is None else AsShown(answer)
