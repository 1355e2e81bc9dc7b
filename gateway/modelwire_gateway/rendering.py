"""Response messages as JSON text, made once for each type of message."""

from collections.abc import Callable
from functools import cache

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from modelwire_gateway.json_codec import JsonValue, MessageCodec, dump_json
from modelwire_gateway.json_codec.options import rest_name
from modelwire_gateway.route_rules import Route

Render = Callable[[bytes], bytes]


def json_render(route: Route) -> Render:
    """From a response in wire form to its JSON text, or that of its field where the rule names one."""
    return _render(route.rpc.descriptor.output_type, route.response_body)


@cache
def _render(message: Descriptor, field: FieldDescriptor | None) -> Render:
    codec = MessageCodec.of(message)
    if field is None:
        return lambda wire: dump_json(codec.decode(wire))
    name, default = rest_name(field), _default(field)
    return lambda wire: dump_json(codec.decode(wire).get(name, default))


def _default(field: FieldDescriptor) -> JsonValue:
    """What a field that is not written stands for, as proto3 JSON."""
    if field.is_repeated:
        return {} if field.message_type is not None and field.message_type.GetOptions().map_entry else []
    if field.message_type is not None:
        return None
    if field.enum_type is not None:
        return str(field.enum_type.values[0].name)
    if field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64):
        return "0"
    return "" if field.type == field.TYPE_BYTES else field.default_value


def pretty(render: Render) -> Render:
    """The same text, indented for people."""
    return lambda wire: orjson.dumps(orjson.loads(render(wire)), option=orjson.OPT_INDENT_2)
