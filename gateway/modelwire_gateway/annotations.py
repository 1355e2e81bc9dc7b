"""The options in .proto files that the gateway reads.

A descriptor of a pool built at run time carries its options without their extensions decoded, because
that pool has an options type of its own. So options go through their wire form and are read with the
generated types, which know google.api.http and modelwire.http.v1.
"""

from functools import cache
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from modelwire.http.v1 import options_pb2


def http_rule(method: MethodDescriptor) -> http_pb2.HttpRule | None:
    """The google.api.http rule of a method; None where it has none."""
    rule: http_pb2.HttpRule | None = _extension(method, descriptor_pb2.MethodOptions(), annotations_pb2.http)
    return rule


@cache
def message_json(message: Descriptor) -> options_pb2.MessageJson:
    """How a message is written as JSON (modelwire.http.v1.message_json)."""
    option: options_pb2.MessageJson | None = _extension(
        message, descriptor_pb2.MessageOptions(), options_pb2.message_json
    )
    return option or options_pb2.MessageJson()


@cache
def field_json(field: FieldDescriptor) -> options_pb2.FieldJson:
    """How a field is read from and written as JSON (modelwire.http.v1.field_json)."""
    option: options_pb2.FieldJson | None = _extension(field, descriptor_pb2.FieldOptions(), options_pb2.field_json)
    return option or options_pb2.FieldJson()


def _extension(
    descriptor: Descriptor | FieldDescriptor | MethodDescriptor, options: Message, extension: Any
) -> Any | None:
    """The value of `extension`, read into the generated `options` type; None where it is not set."""
    options.ParseFromString(descriptor.GetOptions().SerializeToString())
    return options.Extensions[extension] if options.HasExtension(extension) else None
