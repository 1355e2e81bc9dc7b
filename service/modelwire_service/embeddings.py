"""EmbeddingService: texts in, vectors out."""

from typing import Any, Final

import numpy as np
import pybase64
from numpy.typing import DTypeLike, NDArray

from modelwire_service.call_record import current
from modelwire_service.dispatch.dispatcher import Dispatcher
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.rpc import AsShown
from modelwire_service.upstreams.base import Embeddings, Json
from modelwire_service.upstreams.vectors import VectorList
from modelwire_service.validation import validate_embeddings

_LITTLE_ENDIAN_FLOAT32: Final = np.dtype("<f4")


class Vectors:
    """Embeddings from the upstreams of a catalog, for requests in OpenAI's JSON; what every door's RPCs come to."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._dispatcher = Dispatcher(catalog)

    async def of(self, request: Json) -> Embeddings:
        """One vector for each text of a valid request."""
        embeddings = await self._dispatcher.embed(request)
        current().input_tokens = embeddings.prompt_tokens
        return embeddings


class EmbeddingService:
    """modelwire.v1beta.EmbeddingService."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    async def generate_embeddings(self, request: Json) -> Json:
        """Embeds each input text; the vectors come as lists of numbers or as base64, as asked."""
        request = validate_embeddings(request)
        as_base64 = request.pop("encoding_format", "float") == "base64"
        embeddings = await self._vectors.of(request)
        vectors = embeddings.vectors
        shown = list(map(_base64, vectors)) if as_base64 else _doubles(vectors)
        answer = {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": vector}
                for index, vector in enumerate(vectors if shown is None else shown)
            ],
            "model": embeddings.model,
            # Clients take no answer without these numbers.
            "usage": {"prompt_tokens": embeddings.prompt_tokens or 0, "total_tokens": embeddings.total_tokens or 0},
        }
        return answer if shown is None else AsShown(answer)


def fractions(vectors: VectorList, dtype: DTypeLike | None = None) -> NDArray[np.floating[Any]] | None:
    """The vectors as rows of `dtype`, by default their own, if JSON has each number as it is; None where it does not:
    it has 5 for 5.0, and no NaN. None, too, for vectors of several lengths."""
    try:
        rows = np.asarray(vectors, dtype)
    except ValueError:
        return None
    return rows if np.abs(rows - np.rint(rows)).min() > 0 else None


def _doubles(vectors: VectorList) -> NDArray[np.float64] | None:
    rows = fractions(vectors)
    return None if rows is None else rows.astype(np.float64)


def _base64(vector: NDArray[np.floating[Any]]) -> str:
    return pybase64.b64encode_as_string(vector.astype(_LITTLE_ENDIAN_FLOAT32, copy=False).data)
