"""ModelService: which models there are."""

from modelwire_service.dispatch import target_of
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.upstreams.base import Json, Model
from modelwire_service.validation import validate_model_name


class ModelService:
    """modelwire.v1beta.ModelService over a catalog."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog

    async def list_models(self, request: Json) -> Json:
        """All models, each once."""
        return {"object": "list", "data": [_sdk_model(model) for model in await self._catalog.models()]}

    async def get_model(self, request: Json) -> Json:
        """One model; raises ModelNotFound."""
        target = await target_of(validate_model_name(request.get("model")), self._catalog)
        return _sdk_model(self._catalog.model(target))


def _sdk_model(model: Model) -> Json:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}
