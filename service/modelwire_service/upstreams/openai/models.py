"""`/models` answers into models."""

from typing import Any

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.answer_json import as_int
from modelwire_service.upstreams.base import Json, Model


def models_of(answer: Json) -> list[Model]:
    """Every model that has an id to ask for it by. Raises UpstreamProtocolError where there is no list.

    An id that came as a number is its text. A time that is none, or before 1970, is unknown.
    """
    listed: Any = answer.get("data")
    if not isinstance(listed, list):
        raise UpstreamProtocolError("the upstream's list of models is no list")
    identified = [(_id_of(item), item) for item in listed if isinstance(item, dict)]
    return [_model(identity, item) for identity, item in identified if identity]


def _id_of(item: Json) -> str:
    identity = item.get("id")
    return str(identity) if type(identity) is int else identity if isinstance(identity, str) else ""


def _model(identity: str, item: Json) -> Model:
    owner = item.get("owned_by")
    return Model(identity, max(as_int(item.get("created")), 0), owner if isinstance(owner, str) else "")
