"""One message type between JSON and the wire."""

from collections.abc import Callable
from functools import cache
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .decoder import Decoder, decode_wire
from .encoder import put_of
from .errors import JsonError
from .field_decoders import zero_of
from .field_encoders import field_put
from .json_text import MAX_VALUES, JsonValue
from .options import takes_null
from .struct_encoder import Put
from .styles import PROTO_NAMES, REST
from .value_limit import check_values
from .wire import MAX_DEPTH

_REST: Final = Decoder(REST)
_PROTO_NAMES: Final = Decoder(PROTO_NAMES)


class MessageCodec:
    """Converts messages of one type. Compiled when first asked for; safe to share between threads."""

    __slots__ = ("_decode_proto_names", "_decode_rest", "_descriptor", "_put")

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._put = put_of(descriptor)
        self._decode_rest = _REST.decode_of(descriptor)
        self._decode_proto_names = _PROTO_NAMES.decode_of(descriptor)

    @staticmethod
    @cache
    def of(descriptor: Descriptor) -> "MessageCodec":
        """The codec of a message type, made once."""
        return MessageCodec(descriptor)

    def encode(self, value: JsonValue, path: str = "") -> bytes:
        """The wire form of a JSON value.

        `path` is where the value stands in what the caller sent; errors are reported below it. Raises
        `JsonError` for values the type does not hold: proto3 JSON (protobuf.dev/programming-guides/json), read
        strictly.
        """
        return _written(self._put, value, path)

    def decode(self, wire: bytes) -> JsonValue:
        """The message as a REST answer has it: proto3 JSON, changed by the options of modelwire/http/v1.

        Long lists of numbers in a ListValue come as NumPy arrays, for `dump_json`. Raises `JsonError`.
        """
        return decode_wire(self._decode_rest, wire)

    def decode_field(self, wire: bytes, field: FieldDescriptor) -> JsonValue:
        """The value of one field of the message, as `decode` has it: `[]`, `0` and the like where it is absent,
        null where it has presence and is absent."""
        absent = None if field.has_presence else zero_of(field, REST)
        return self.decode(wire).get(REST.name(field), absent)

    def decode_proto_names(self, wire: bytes, *, max_values: int = MAX_VALUES) -> JsonValue:
        """The message as a service reads its request: like `decode`, but for names and numbers.

        Names are those of the .proto file, 64-bit integers are integers, lists are lists, and a field that
        has no presence is left out when it holds its default. Raises `JsonError`, for more than `max_values`
        values too; a field that comes again, or is unknown, counts as one.
        """

        def decode(buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
            check_values(self._descriptor, buf, max_values)
            return self._decode_proto_names(buf, pos, end, depth)

        return decode_wire(decode, wire)


FieldEncoder = Callable[[JsonValue, str], bytes]


@cache
def field_encoder(field: FieldDescriptor) -> FieldEncoder:
    """Writes the JSON value of one whole field (a list for a repeated one), tag included.

    Called with the value and the path it stands at. Null is no bytes, except where it is a value.
    """
    put = field_put(field, put_of)
    null_is_value = takes_null(field) and not field.is_repeated

    def encode(value: JsonValue, path: str) -> bytes:
        return b"" if value is None and not null_is_value else _written(put, value, path)

    return encode


def _written(put: Put, value: JsonValue, path: str) -> bytes:
    chunks: list[bytes] = []
    try:
        put(chunks, value, MAX_DEPTH)
    except JsonError as error:
        raise error.below(path) from None
    return b"".join(chunks)
