"""What callers are told of models."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from modelwire_service.access.caller import Caller
from modelwire_service.call_record import CallRecord, begin, current
from modelwire_service.dispatch.deadlines import TimeLimits, limit
from modelwire_service.errors import DeadlineExceeded, ModelNotAllowed, ModelNotFound
from modelwire_service.model_catalog import ModelCatalog, Served
from modelwire_service.models import Models, ModelService
from modelwire_service.upstreams.base import Embeddings, Json, Model


class Listing:
    """An upstream that is asked for its models alone."""

    name = "up"

    def __init__(self, *models: str) -> None:
        self.models = models
        self.listed = asyncio.Event()
        self.listed.set()

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def chat(self, request: Json) -> Json:
        raise NotImplementedError

    def stream_chat(self, request: Json) -> AsyncGenerator[list[Json]]:
        raise NotImplementedError

    async def embed(self, request: Json) -> Embeddings:
        raise NotImplementedError

    async def list_models(self) -> list[Model]:
        await self.listed.wait()
        return [Model(model) for model in self.models]


@pytest.fixture
def upstream() -> Listing:
    return Listing("gpt-1", "models/gemini-1")


@pytest.fixture
def service(upstream: Listing) -> ModelService:
    begin(CallRecord("id", "rpc", Caller(models=("gemini-*", "up/gpt-2"))))
    return ModelService(Models(ModelCatalog([Served(upstream, aliases={"gpt-2": "gpt-1"})])))


async def test_a_caller_is_told_of_the_models_it_may_use(service: ModelService) -> None:
    assert [model["id"] for model in (await service.list_models({}))["data"]] == ["models/gemini-1"]
    assert (await service.get_model({"model": "gemini-1"}))["id"] == "models/gemini-1"
    assert (await service.get_model({"model": "up/gpt-2"}))["id"] == "gpt-1"
    assert (current().model, current().upstream) == ("gpt-1", "up")


@pytest.mark.parametrize("name", ["gpt-1", "up/gpt-1", "gpt-2", "nothing"])
async def test_and_of_others_nothing(service: ModelService, name: str) -> None:
    with pytest.raises(ModelNotAllowed):
        await service.get_model({"model": name})


async def test_a_name_of_its_own_that_nobody_has_is_not_found(service: ModelService) -> None:
    with pytest.raises(ModelNotFound, match="gemini-1"):
        await service.get_model({"model": "gemini-2"})


@pytest.mark.parametrize("method", ["list_models", "get_model"])
async def test_a_list_that_does_not_come_is_not_waited_for(
    upstream: Listing, service: ModelService, method: str
) -> None:
    upstream.listed.clear()
    now = asyncio.get_running_loop().time()
    limit(TimeLimits(now + 60, now + 0.02))
    with pytest.raises(DeadlineExceeded):
        await getattr(service, method)({"model": "gemini-1"})
    upstream.listed.set()
