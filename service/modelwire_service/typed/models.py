"""ModelService: which models there are."""

from modelwire.v1 import model_service_pb2

from modelwire_service.models import Models
from modelwire_service.typed.figures import put_time
from modelwire_service.typed.pages import page_of
from modelwire_service.upstreams.base import Json, Model


class ModelService:
    """modelwire.v1.ModelService."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def get_model(self, request: Json) -> bytes:
        """One model, in wire form."""
        return _message(await self._models.named(request.get("model"))).SerializeToString()

    async def list_models(self, request: Json) -> bytes:
        """A page of the models the caller may use, in wire form."""
        page, token = page_of(await self._models.listed(), request.get("page_size", 0), request.get("page_token", ""))
        models = [_message(model) for model in page]
        return model_service_pb2.ListModelsResponse(models=models, next_page_token=token).SerializeToString()


def _message(model: Model) -> model_service_pb2.Model:
    message = model_service_pb2.Model(id=model.id, owned_by=model.owned_by)
    put_time(message.create_time, model.created)
    return message
