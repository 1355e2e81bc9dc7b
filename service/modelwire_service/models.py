"""ModelService: which models there are."""

from modelwire_service.call_record import current
from modelwire_service.dispatch.route import route_of
from modelwire_service.dispatch.waits import answer_in_time
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.upstreams.base import Json, Model
from modelwire_service.validation import validate_model_name


class Models:
    """The models of a catalog, as the caller of the call under way may know them; what every door's RPCs come to."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog

    async def listed(self) -> list[Model]:
        """All models the caller may use, each once."""
        caller = current().caller
        return await answer_in_time(self._catalog.of(caller).models(caller))

    async def named(self, name: str | None) -> Model:
        """One model; raises InvalidRequest for the name, ModelNotFound, and ModelNotAllowed."""
        target = next(await answer_in_time(route_of(validate_model_name(name), self._catalog)))
        record = current()
        record.upstream, record.model = target.upstream.name, target.model
        return self._catalog.of(record.caller).model(target)


class ModelService:
    """modelwire.v1beta.ModelService."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def list_models(self, request: Json) -> Json:
        """All models the caller may use."""
        return {"object": "list", "data": [_sdk_model(model) for model in await self._models.listed()]}

    async def get_model(self, request: Json) -> Json:
        """One model."""
        return _sdk_model(await self._models.named(request.get("model")))


def _sdk_model(model: Model) -> Json:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}
