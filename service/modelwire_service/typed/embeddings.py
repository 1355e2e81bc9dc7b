"""EmbeddingService: texts in, vectors out."""

from modelwire_service.embeddings import Vectors
from modelwire_service.errors import ServiceError
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
        return {
            "embeddings": [{"index": index, "values": vector} for index, vector in enumerate(embeddings.vectors)],
            "model": embeddings.model,
            "usage": {"prompt_tokens": embeddings.prompt_tokens, "total_tokens": embeddings.total_tokens},
        }
