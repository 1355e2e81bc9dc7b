"""Response messages as JSON text, made once for each type of message."""

from collections.abc import Callable
from functools import cache

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from modelwire_gateway.json_codec import MessageCodec, dump_json
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
    return lambda wire: dump_json(codec.decode_field(wire, field))


def pretty(render: Render) -> Render:
    """The same text, indented for people."""
    return lambda wire: orjson.dumps(orjson.loads(render(wire)), option=orjson.OPT_INDENT_2)
