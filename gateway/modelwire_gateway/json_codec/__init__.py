"""JSON to protobuf and back, straight between JSON values and wire bytes.

Compiled once per message type from its descriptor; no message objects are made, because they forget the order
of a Struct's members. The pipeline: json_text → encoder → (field_encoders, struct_encoder, well_known,
any_messages) → scalars → wire, and decoder the same way back.
"""

from .codec import FieldEncoder, MessageCodec, field_encoder
from .errors import JsonError
from .json_text import JsonValue, dump_json, parse_json
from .text_values import encode_text
from .wire import length_delimited

__all__ = [
    "FieldEncoder",
    "JsonError",
    "JsonValue",
    "MessageCodec",
    "dump_json",
    "encode_text",
    "field_encoder",
    "length_delimited",
    "parse_json",
]
