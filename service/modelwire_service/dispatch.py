"""From the model a request names to the upstream that answers it."""

from modelwire_service.call_record import current
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.upstreams.base import Json, Upstream


async def upstream_for(request: Json, catalog: ModelCatalog) -> Upstream:
    """The upstream of `request["model"]`, which becomes that upstream's own name; the call's record has both.

    Raises ModelNotFound.
    """
    record = current()
    record.model = request["model"]
    target = await catalog.resolve(request["model"])
    record.upstream, record.model = target.upstream.name, target.model
    request["model"] = target.model
    return target.upstream
