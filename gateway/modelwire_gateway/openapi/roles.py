"""A message may be described in two ways: as a request must give it, and as an answer has it.

They differ in which fields are required. A request must give those that google.api.field_behavior calls so, and an
empty text or list gives nothing, where a field has no presence. An answer leaves out what holds its default, unless
options say that it is written. A message that is met in both roles, and that differs or holds one that does, has
two schemas; all others have one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final

from google.api import field_behavior_pb2
from google.api.field_behavior_pb2 import FieldBehavior
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from modelwire_gateway.json_codec.options import json_fields
from modelwire_gateway.json_codec.styles import Style
from modelwire_gateway.openapi.component_names import ComponentNames
from modelwire_gateway.openapi.scalars import WELL_KNOWN
from modelwire_gateway.routing.field_paths import WRAPPERS
from modelwire_gateway.routing.route_rules import Route

# Generated stubs do not say which message an extension extends.
_BEHAVIOR: Final[Any] = field_behavior_pb2.field_behavior


class Role(Enum):
    """Who writes a message."""

    REQUEST = auto()
    ANSWER = auto()


def behaves(field: FieldDescriptor, behavior: "FieldBehavior.ValueType") -> bool:
    """Whether a field is annotated so (google/api/field_behavior.proto)."""
    return behavior in field.GetOptions().Extensions[_BEHAVIOR]


def is_required(field: FieldDescriptor, role: Role, style: Style) -> bool:
    """Whether the field is in every message of that role."""
    if field.is_required:
        return True
    if role is Role.ANSWER:
        return style.zero(field) and not field.has_presence
    return behaves(field, FieldBehavior.REQUIRED) and not behaves(field, FieldBehavior.OUTPUT_ONLY)


def must_be_filled(field: FieldDescriptor, role: Role, style: Style) -> bool:
    """Whether an empty text, list or map is as good as none, and refused."""
    return role is Role.REQUEST and is_required(field, role, style) and not field.has_presence


def _has_fields(message: Descriptor) -> bool:
    """Whether JSON has the message as an object of its fields."""
    return message.full_name not in WELL_KNOWN and message.full_name not in WRAPPERS


def in_two_roles(routes: Sequence[Route], style: Style, names: ComponentNames) -> frozenset[str]:
    """The names of the messages that have a schema for each role."""

    def differs(message: Descriptor) -> bool:
        return any(
            is_required(field, Role.REQUEST, style) != is_required(field, Role.ANSWER, style)
            or must_be_filled(field, Role.REQUEST, style)
            for field in json_fields(message)
        )

    given = _reached(_types(routes, request_type), names)
    answered = _reached(_types(routes, answer_type), names)
    # What one of these holds is one of these as well.
    both = [given[name] for name in given.keys() & answered.keys()]
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for message in both:
        for held in _held(message):
            holders[names.of(held)].append(names.of(message))
    return _with_holders((names.of(message) for message in both if differs(message)), holders)


def request_type(route: Route) -> Descriptor | None:
    """The message that a JSON body is, or holds; None where there is none."""
    if route.takes_http_body or route.body is None:
        return None
    return route.rpc.descriptor.input_type if route.body == "*" else route.body.message_type


def answer_type(route: Route) -> Descriptor | None:
    """The message that a JSON answer is, or holds; None where there is none."""
    if route.answers_http_body:
        return None
    return route.response_body.message_type if route.response_body else route.rpc.descriptor.output_type


def _types(routes: Iterable[Route], of: Callable[[Route], Descriptor | None]) -> Iterator[Descriptor]:
    return (message for route in routes if (message := of(route)))


def _with_holders(names: Iterable[str], holders: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The names, and those of what holds them, however deep."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(holders.get(name, ()))
    return frozenset(found)


def _reached(messages: Iterable[Descriptor], names: ComponentNames) -> dict[str, Descriptor]:
    """The messages, and all that their fields hold, by name."""
    found: dict[str, Descriptor] = {}
    waiting = list(messages)
    waiting.reverse()  # the first are named first
    while waiting:
        message = waiting.pop()
        if (name := names.of(message)) not in found:
            found[name] = message
            waiting.extend(_held(message))
    return found


def _held(message: Descriptor) -> tuple[Descriptor, ...]:
    if not _has_fields(message):
        return ()
    return tuple(field.message_type for field in json_fields(message) if field.message_type)
