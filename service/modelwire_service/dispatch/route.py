"""Which upstreams a call may go to: those that serve the model it names, as far as its caller is allowed."""

from collections.abc import Iterator

from modelwire_service.access.caller import Caller
from modelwire_service.call_record import current
from modelwire_service.errors import ModelNotAllowed, ModelNotFound
from modelwire_service.model_catalog import ModelCatalog, Target, spellings


async def route_of(name: str, catalog: ModelCatalog) -> Iterator[Target]:
    """The upstreams to try in turn, one at least. The call's record has the name from here on.

    Raises ModelNotFound, and ModelNotAllowed before anything is told of models that the caller may not use: of such
    a name nobody learns whether there is a model.
    """
    record = current()
    record.model = name
    caller = record.caller
    try:
        route = await catalog.of(caller).resolve(name, caller)
    except ModelNotFound:
        if caller.may_use(*spellings(name)):
            raise
        raise ModelNotAllowed(name) from None
    if not caller.models:
        return route
    allowed = [target for target in route if may_use(caller, target, name)]
    if not allowed:
        raise ModelNotAllowed(name)
    return iter(allowed)


def may_use(caller: Caller, target: Target, name: str) -> bool:
    """Whether any of the names that a target goes by is the caller's: an alias asked for, its own, `upstream/own`."""
    upstream = f"{target.upstream.name}/"
    aliases, outright = ((), (name,)) if name.startswith(upstream) else ((name,), ())
    return caller.may_use(*aliases, *spellings(target.model), outright=(*outright, f"{upstream}{target.model}"))
