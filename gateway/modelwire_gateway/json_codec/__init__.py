"""JSON to protobuf and back, straight between JSON values and wire bytes.

Compiled once per message type from its descriptor, in a scope (`Codecs`) that keeps what it compiled. No message
objects are made, because they forget the order of a Struct's members. The pipeline: json_text → encoder →
(field_encoders, struct_encoder, well_known, any_messages) → scalars → wire, and decoder the same way back.
Where the service is in the same process, reader goes from JSON to what the decoder would give it, without the wire.
"""

from .codec import Codecs, FieldEncoder, MessageCodec, RequestReader
from .errors import JsonError
from .json_options import JsonOptions
from .json_text import JsonValue, dump_json, parse_json
from .wire import length_delimited

__all__ = [
    "Codecs",
    "FieldEncoder",
    "JsonError",
    "JsonOptions",
    "JsonValue",
    "MessageCodec",
    "RequestReader",
    "dump_json",
    "length_delimited",
    "parse_json",
]
