"""ModelService: which models there are."""

from modelwire_service.call_record import current
from modelwire_service.dispatch.deadlines import answer_in_time
from modelwire_service.dispatch.route import route_of
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.upstreams.base import Json, Model
from modelwire_service.validation import validate_model_name


class ModelService:
    """modelwire.v1beta.ModelService over a catalog."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog

    async def list_models(self, request: Json) -> Json:
        """All models the caller may use, each once."""
        caller = current().caller
        models = await answer_in_time(self._catalog.of(caller).models(caller))
        return {"object": "list", "data": [_sdk_model(model) for model in models]}

    async def get_model(self, request: Json) -> Json:
        """One model; raises ModelNotFound, and ModelNotAllowed."""
        name = validate_model_name(request.get("model"))
        target = next(await answer_in_time(route_of(name, self._catalog)))
        record = current()
        record.upstream, record.model = target.upstream.name, target.model
        return _sdk_model(self._catalog.of(record.caller).model(target))


def _sdk_model(model: Model) -> Json:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}
