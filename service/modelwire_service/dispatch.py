"""From the model a request names to the upstream that answers it."""

from modelwire_service.call_record import current
from modelwire_service.model_catalog import ModelCatalog, Target


async def target_of(model: str, catalog: ModelCatalog) -> Target:
    """Where a call for `model` goes; the call's record has it from here on. Raises ModelNotFound."""
    record = current()
    record.model = model
    target = await catalog.resolve(model)
    record.upstream, record.model = target.upstream.name, target.model
    return target
