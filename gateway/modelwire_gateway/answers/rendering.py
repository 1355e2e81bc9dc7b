"""Reading response messages: as JSON text, or as the HttpBody that is to be passed on. Made once for each route.

A response that cannot be read is the service's fault; the log has the cause, the caller is told INTERNAL.
"""

import logging
from collections.abc import Callable
from operator import attrgetter
from typing import Final

import orjson
from google.api import httpbody_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError

from modelwire_gateway.backends.base import JsonResponse, Response, wire_of
from modelwire_gateway.backends.http_body import HttpBody
from modelwire_gateway.errors import RpcFailure, failure
from modelwire_gateway.json_codec import Codecs, JsonError, JsonValue, dump_json
from modelwire_gateway.routing.route_rules import Route

Render = Callable[[Response], bytes]
ReadHttpBody = Callable[[Response], httpbody_pb2.HttpBody | HttpBody]

_LOG: Final = logging.getLogger("modelwire.gateway")


def http_body_reader(route: Route) -> ReadHttpBody | None:
    """What reads the google.api.HttpBody that `route` answers with; None where the answer is JSON."""
    if not route.answers_http_body:
        return None
    message, field = route.rpc.descriptor.output_type, route.response_body
    parse = message_factory.GetMessageClass(message).FromString
    part = attrgetter(field.name) if field else None

    def read(response: Response) -> httpbody_pb2.HttpBody | HttpBody:
        if isinstance(response, HttpBody) and part is None:
            return response
        try:
            body = parse(wire_of(response))
        except DecodeError as error:
            raise _unreadable(message, error) from None
        return body if part is None else part(body)

    return read


def json_render(route: Route, codecs: Codecs) -> Render:
    """From a response to its JSON text, or that of its field where the rule names one."""
    message, field = route.rpc.descriptor.output_type, route.response_body
    codec = codecs.message(message)
    takes_json = field is None and codecs.plain

    def value(response: Response) -> JsonValue:
        if takes_json and type(response) is JsonResponse:
            return response.json
        wire = wire_of(response)
        return codec.decode(wire) if field is None else codec.decode_field(wire, field)

    def render(response: Response) -> bytes:
        try:
            return dump_json(value(response))
        except JsonError as error:
            raise _unreadable(message, error) from None

    return render


def pretty(render: Render) -> Render:
    """The same text, indented for people."""
    return lambda response: orjson.dumps(orjson.loads(render(response)), option=orjson.OPT_INDENT_2)


def _unreadable(message: Descriptor, error: Exception) -> RpcFailure:
    _LOG.error("the service sent a %s that cannot be read: %s", message.full_name, error)
    return failure("INTERNAL", "the service's response cannot be read")
