"""`$ref` of JSON Schema: pointers (RFC 6901) into the schema they stand in."""

from typing import Any, Final
from urllib.parse import unquote

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.schema_effort import Effort

_LONGEST_CHAIN: Final = 100
_COST_OF_A_NODE: Final = 256
"""Of a node that a reference adds: about how many bytes could be copied in the time it takes."""


class References:
    """Follows the references of one schema, at the cost of `effort`. `path` is where it stands in the request."""

    def __init__(self, root: Json, path: str, effort: Effort) -> None:
        self.effort = effort
        self._root = root
        self._path = path

    def target(self, reference: Any) -> Any:
        """What a reference points to. Raises InvalidRequest if that is nothing in this schema."""
        found: Any = self._root
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise self._lost(reference)
        self.effort.spend(len(reference))
        for step in unquote(reference[1:]).split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                raise self._lost(reference)
        return found

    def resolved(self, schema: Any) -> tuple[Any, tuple[str, ...]]:
        """The schema without a reference at its top, members beside one winning; and the references followed."""
        followed: list[str] = []
        while isinstance(schema, dict) and "$ref" in schema:
            reference = schema["$ref"]
            target = self.target(reference)
            if len(followed) >= _LONGEST_CHAIN:
                raise self._lost(reference)
            followed.append(reference)
            self.effort.copy(target)
            beside = {name: member for name, member in schema.items() if name != "$ref"}
            schema = {**target, **beside} if isinstance(target, dict) else target
        if followed:
            self.effort.spend(_COST_OF_A_NODE)
        return schema, tuple(followed)

    def _lost(self, reference: Any) -> InvalidRequest:
        return InvalidRequest.of(self._path, f"has a $ref that points to nothing in it: {str(reference)[:100]!r}")
