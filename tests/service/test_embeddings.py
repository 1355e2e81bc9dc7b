"""What the service makes of an upstream's vectors, and what is kept of the call."""

import httpx
import pytest
from modelwire_service.call_record import CallRecord, begin
from modelwire_service.embeddings import EmbeddingService, Vectors
from modelwire_service.model_catalog import ModelCatalog, Served
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream


@pytest.mark.parametrize(
    ("told", "kept", "answered"),
    [
        ({"usage": {"prompt_tokens": 3, "total_tokens": 3}}, 3, 3),
        ({"usage": {"prompt_tokens": 0, "total_tokens": 0}}, 0, 0),
        ({"usage": {}}, None, 0),
        ({"usage": None}, None, 0),
        ({}, None, 0),
    ],
)
async def test_tokens_that_were_not_told_are_unknown_in_the_record(told: Json, kept: int | None, answered: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        listed = [{"id": "e"}] if request.url.path.endswith("/models") else [{"index": 0, "embedding": [0.5]}]
        return httpx.Response(200, json={"data": listed, **told})

    client = HttpxClient(Timeouts(), httpx.MockTransport(answer))
    upstream = OpenAIUpstream("o", base_url="http://up.example/v1", api_key=None, client=client)
    begin(record := CallRecord("id", "rpc"))
    reply = await EmbeddingService(Vectors(ModelCatalog([Served(upstream)]))).generate_embeddings(
        {"model": "e", "input": ["a"]}
    )
    assert record.input_tokens == kept
    assert reply["usage"] == {"prompt_tokens": answered, "total_tokens": answered}
